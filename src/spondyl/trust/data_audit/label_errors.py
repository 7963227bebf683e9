"""Films whose label a network that never saw them would not have given: confident learning.

What counts as confident is each label's own: the mean probability of the label over the films that
carry it (Northcutt, Jiang & Chuang 2021, JAIR 70:1373), so that a network which is always unsure of
a rare label can still suspect it. No probability has to be calibrated for that, and nothing is
chosen. The price is that nothing is proven: whatever is unlike its label is suspected, and a
network that has learned a shortcut suspects the films that lack it.

A suspect is a film to look at, not an error. A clean cohort has suspects wherever its network is
wrong for sure; an error that is common, or that is made for all copies of a film, is learned and
has none. So nothing here may drop a film or change its label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable
from spondyl.trust.metrics import Floats

_SLACK = 1e-9  # of a probability: a mean of equal numbers is equal to them


@dataclass(frozen=True, slots=True)
class Suspect:
    """A film that a reader should look at again."""

    image_id: str
    group_id: str
    given: str
    """The label it carries."""
    suggested: str
    """The likeliest of the labels that the network is confident of."""
    p_given: float
    p_suggested: float
    margin: float
    """p(given) − the largest probability of another label (the paper's "normalized margin"),
    -1 … 1; the lower the more suspect. It can be above 0 where the network is confident only of a
    label that is rarely likely."""


@dataclass(frozen=True, slots=True)
class Suspicions:
    """The films whose label is worth a look, and how many labels are estimated to be which."""

    labels: tuple[str, ...]
    n_films: int
    n_disagree: int
    """Films for which another label than theirs is the likeliest: the network's own errors, if all
    labels are right."""
    thresholds: tuple[float, ...]
    """Of each label: from which probability on the network is confident of it, its mean over the
    films that carry it; nan where none does, and nothing is then taken for it."""
    confident: tuple[tuple[int, ...], ...]
    """Films that the network is confident of: rows what they carry, columns what it takes them for
    (the confident joint, eq. 1)."""
    joint: tuple[tuple[float, ...], ...]
    """The same, scaled so that each row adds up to the films that carry its label (eq. 3, times the
    number of films): estimated counts of carried (rows) and true labels (columns). A label of whose
    films none is confident stays on the diagonal, as nothing speaks against it."""
    suspects: tuple[Suspect, ...]
    """Off the diagonal of `confident`; the lowest margin first, then by image id."""
    why_not: str = ""
    """Why no film could be suspected or cleared; empty where it could."""


def suspected(table: PredictionTable) -> Suspicions:
    """Whom out-of-fold predictions suspect.

    `why_not` says so where the table has films of fewer than two labels, or the same probabilities
    for every film: the films of all labels but the likeliest would be suspects. Raises ValueError
    for an empty table.
    """
    if len(table) == 0:
        raise ValueError("no predictions to suspect by")
    probabilities, k = table.probabilities, len(table.labels)
    carried = np.bincount(table.truth, minlength=k)
    thresholds = _thresholds(probabilities, table.truth, carried)
    reason = _why_not(probabilities, carried)
    taken = np.full(len(table), -1) if reason else _taken_for(probabilities, thresholds)
    confident = np.zeros((k, k), np.int64)
    np.add.at(confident, (table.truth[taken >= 0], taken[taken >= 0]), 1)
    return Suspicions(
        labels=table.labels.names,
        n_films=len(table),
        n_disagree=int((table.predicted != table.truth).sum()),
        thresholds=tuple(float(one) for one in thresholds),
        confident=tuple(tuple(int(cell) for cell in row) for row in confident),
        joint=_joint(confident, carried),
        suspects=_suspects(table, probabilities, taken),
        why_not=reason,
    )


def _thresholds(
    probabilities: Floats, truth: NDArray[np.int64], carried: NDArray[np.int64]
) -> Floats:
    """(k,) mean probability of each label over the films that carry it (eq. 2)."""
    own = probabilities[np.arange(len(truth)), truth]
    sums = np.bincount(truth, own, minlength=len(carried))
    return np.where(carried > 0, sums / np.maximum(carried, 1), np.nan)


def _taken_for(probabilities: Floats, thresholds: Floats) -> NDArray[np.int64]:
    """(n,) the likeliest label that reaches its threshold, the first of equals; -1 where none."""
    reached = probabilities >= thresholds - _SLACK
    likeliest = np.where(reached, probabilities, -1.0).argmax(axis=1)
    return np.where(reached.any(axis=1), likeliest, -1)


def _joint(
    confident: NDArray[np.int64], carried: NDArray[np.int64]
) -> tuple[tuple[float, ...], ...]:
    known = confident.sum(axis=1, keepdims=True)
    shares = np.where(known > 0, confident / np.maximum(known, 1), np.eye(len(carried)))
    return tuple(tuple(float(cell) for cell in row) for row in shares * carried[:, None])


def _suspects(
    table: PredictionTable, probabilities: Floats, taken: NDArray[np.int64]
) -> tuple[Suspect, ...]:
    found = []
    for row in np.flatnonzero((taken >= 0) & (taken != table.truth)):
        given, suggested, shares = int(table.truth[row]), int(taken[row]), probabilities[row]
        suspect = Suspect(
            image_id=table.image_ids[row],
            group_id=table.group_ids[row],
            given=table.labels.names[given],
            suggested=table.labels.names[suggested],
            p_given=float(shares[given]),
            p_suggested=float(shares[suggested]),
            margin=float(shares[given] - np.delete(shares, given).max()),
        )
        found.append(suspect)
    return tuple(sorted(found, key=lambda one: (one.margin, one.image_id)))


def _why_not(probabilities: Floats, carried: NDArray[np.int64]) -> str:
    if (carried > 0).sum() < 2:
        return "all films carry one label"
    if np.ptp(probabilities, axis=0).max() <= _SLACK:
        return "the same probabilities were predicted for every film"
    return ""
