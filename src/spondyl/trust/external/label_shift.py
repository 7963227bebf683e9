"""Whether other shares of labels alone would explain what is said of another centre's films.

If films of one label look alike in both places and only their shares differ, what is said there is
what is said here of each label, mixed in other shares: μ = M q with M[i, j] the share of label j's
films that are called i at home (out of fold), and q the shares there (black box shift estimation:
Lipton, Wang & Smola 2018, ICML, section 3). q is solved from what was said, without a label from
there; where the labels are known, how far it is from the truth shows whether anything else shifted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.intervals import Estimate, GroupBootstrap, NotRun, percentile_interval
from spondyl.trust.metrics import Floats

LEAST_SINGULAR = 0.1
"""Of M: below it, two labels are said so alike that shares cannot be told (our convention)."""


@dataclass(frozen=True, slots=True)
class LabelShare:
    """One label's share of the films in both places, 0 … 1."""

    label: str
    n_home: int
    home: float
    n_outside: int
    outside: float
    called: float
    """Share of the other films that were called so."""
    estimated: Estimate | None
    """What was called, corrected by how the label is called at home; below 0 or above 1 where no
    shares of labels could lead to what was said. None where it was not estimated."""


@dataclass(frozen=True, slots=True)
class LabelShift:
    """Every label's shares, and whether they could be estimated from what was said."""

    labels: tuple[LabelShare, ...]
    not_estimated: str
    """Why not; "" where they were."""


def label_shift(home: PredictionTable, outside: PredictionTable, seed: int) -> LabelShift:
    """Of what was said out of fold at home and of the other films, the same labels in one order.

    Intervals resample the groups of both. Raises ValueError for a table without a film.
    """
    here, there = (np.bincount(t.truth, minlength=len(home.labels)) for t in (home, outside))
    called = np.bincount(outside.predicted, minlength=len(home.labels)) / len(outside)
    estimated = _estimated(home, outside, called, seed)
    shares = tuple(
        LabelShare(
            name,
            int(here[c]),
            float(here[c] / len(home)),
            int(there[c]),
            float(there[c] / len(outside)),
            float(called[c]),
            None if isinstance(estimated, NotRun) else estimated[c],
        )
        for c, name in enumerate(home.labels.names)
    )
    return LabelShift(shares, estimated.why if isinstance(estimated, NotRun) else "")


def solved(confusions: Floats, called: Floats) -> Floats:
    """(…, k) shares q with M q = `called` (…, k), M the columns of what films of one label are
    called; nan where M is too near to singular. `confusions` (…, k, k): rows are the truth."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mixing = np.swapaxes(confusions / confusions.sum(axis=-1, keepdims=True), -1, -2)
    whole = np.nan_to_num(mixing)
    least = np.linalg.svd(whole, compute_uv=False)[..., -1]
    safe = np.where((least < LEAST_SINGULAR)[..., None, None], np.eye(whole.shape[-1]), whole)
    shares = np.linalg.solve(safe, called[..., None])[..., 0]
    return np.where((least < LEAST_SINGULAR)[..., None], np.nan, shares)


def _estimated(
    home: PredictionTable, outside: PredictionTable, called: Floats, seed: int
) -> tuple[Estimate, ...] | NotRun:
    value = solved(metrics.confusion(home).astype(np.float64), called)
    if np.isnan(value).any():
        return NotRun(
            "at home two labels are called so alike (or one was never tested) that shares cannot "
            f"be solved for: the least singular value is below {LEAST_SINGULAR:g}"
        )
    drawn_home = GroupBootstrap.draw(home, seed)
    drawn_outside = GroupBootstrap.draw(outside, seed + 1)
    counted = drawn_outside.confusions.sum(axis=-2)
    each = solved(drawn_home.confusions, counted / counted.sum(axis=-1, keepdims=True))
    n_groups = drawn_home.counts.shape[1] + drawn_outside.counts.shape[1]
    return tuple(
        Estimate(float(value[c]), percentile_interval(each[:, c], n_groups))
        for c in range(len(home.labels))
    )
