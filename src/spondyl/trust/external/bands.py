"""Films by a number of theirs, such as their Cobb angle, and what the films of a band are called.

A band holds its lower edge and not its upper one, so "normal below 10°" is the band below 10. Two
intervals stand beside each share: Wilson's, of films taken as independent, and the bootstrap over
groups, which has no width where all films of a band are called alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spondyl.errors import SpondylError
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.intervals import Estimate, Interval, MeanBootstrap, wilson
from spondyl.trust.metrics import Floats

NO_BAND = "not stated"


@dataclass(frozen=True, slots=True)
class Called:
    """How many of some films are called one label."""

    label: str
    n: int
    share: Estimate
    """Interval: group bootstrap."""
    wilson: Interval
    mean_probability: float
    """Of the label, calibrated by the study's temperature."""


@dataclass(frozen=True, slots=True)
class Among:
    """Some of the films, and what they are called."""

    name: str
    """A label's, a band's, or "all"."""
    n: int
    n_groups: int
    called: tuple[Called, ...]
    """In the order of the study's labels."""
    right: Called | None
    """Called what they are; None where no film is among them."""

    def share_of(self, label: str) -> Called:
        """That of `label`; KeyError where it is none of the study's."""
        return {one.label: one for one in self.called}[label]


def called(table: PredictionTable, rows: NDArray[np.bool_], name: str, seed: int) -> Among:
    """What the films of `rows` (n,) are called."""
    part = table.taken(np.flatnonzero(rows).tolist())
    if not len(part):
        return Among(name, 0, 0, (), None)
    resamples = MeanBootstrap.draw(part.group_ids, seed)
    each = tuple(
        _called(label, part.predicted == c, part.probabilities[:, c], resamples)
        for c, label in enumerate(part.labels.names)
    )
    own = part.probabilities[np.arange(len(part)), part.truth]
    right = _called("its own label", part.predicted == part.truth, own, resamples)
    return Among(name, len(part), len(set(part.group_ids)), each, right)


def by_label(table: PredictionTable, seed: int) -> tuple[Among, ...]:
    """All films, then those of each label that is there."""
    there = [(c, name) for c, name in enumerate(table.labels.names) if (table.truth == c).any()]
    every = called(table, np.ones(len(table), np.bool_), "all", seed)
    return (every, *(called(table, table.truth == c, name, seed) for c, name in there))


def by_number(
    table: PredictionTable, values: Floats, edges: Sequence[float], seed: int
) -> tuple[Among, ...]:
    """The films of each band of `values` (n,), nan where nobody stated it; these stand last, where
    there are any."""
    at = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
    names = [*_names(edges), NO_BAND]
    return tuple(
        called(table, at == band, name, seed)
        for band, name in enumerate(names)
        if name != NO_BAND or (at == band).any()
    )


def numbers(column: Mapping[str, str], image_ids: Sequence[str], name: str) -> Floats:
    """(n,) what a manifest's `column` says of the films, nan where it says nothing.

    Raises `SpondylError` that names the first film whose cell is no finite number, and where no
    film has one.
    """
    found = np.full(len(image_ids), np.nan)
    for row, image_id in enumerate(image_ids):
        if not (cell := column.get(image_id, "")):
            continue
        try:
            found[row] = float(cell)
        except ValueError:
            found[row] = np.inf
        if not np.isfinite(found[row]):
            raise SpondylError(
                f"column {name}: {cell!r} of {image_id} is no number",
                "Write numbers with a decimal point, or leave the cell empty.",
            )
    if np.isnan(found).all():
        raise SpondylError(f"column {name}: it says nothing of any film", "Name another column.")
    return found


def edges(text: str) -> tuple[float, ...]:
    """Edges of bands from a text with commas; `SpondylError` unless they are rising numbers."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    rising = all(a < b for a, b in pairwise(found))
    if not found or not rising or not np.isfinite(found).all():
        raise SpondylError(f"bands {text!r}: not rising numbers", "For example 10,25,40.")
    return found


def _names(edges: Sequence[float]) -> list[str]:
    between = [f"{a:g} to below {b:g}" for a, b in pairwise(edges)]
    return [f"below {edges[0]:g}", *between, f"{edges[-1]:g} and above"]


def _called(
    label: str, yes: NDArray[np.bool_], probability: Floats, resamples: MeanBootstrap
) -> Called:
    values = yes.astype(np.float64)
    n = int(yes.sum())
    return Called(
        label,
        n,
        Estimate(float(values.mean()), resamples.interval(values)),
        wilson(n, len(yes)),
        float(probability.mean()),
    )
