"""Who follows what is put on a film: families of variants, and how far the choice of one steers.

A network that learned a shortcut gives each variant the meaning that it had in its training: with
one letter films of any kind are called scoliosis, with another normal. One that never saw the like
is disturbed, and falls to one label however the variant is chosen. So variants are held against
each other rather than against the film as it is, and what counts is the second label that films
can be drawn to: a disturbance draws to one, a meaning to two. The price: a shortcut of which all
variants that we can put on mean one label is not told from a disturbance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable
from spondyl.trust.asking.changes import AS_THEY_ARE, INSERTED, Family, NamedChange
from spondyl.trust.asking.pairing import UNCHANGED, Pair, mean, shared
from spondyl.trust.intervals import Estimate
from spondyl.trust.metrics import Floats

FOLLOWED = 0.1
"""Share of films above which a choice of variant is said to have a meaning for the network."""


@dataclass(frozen=True, slots=True)
class Pull:
    """Where one variant pulls the answers to."""

    change: str
    label: str
    """Whose mean probability rises most, each label's over the films that are not of it."""
    rise: Estimate
    """How much it rises over the films that are not of it: -1 … 1. The label was chosen on the
    same films, which flatters it a little."""
    called: Estimate
    """Share of all films that are called so, less that of the films as they are: -1 … 1."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """How often the choice of variant draws films to a label that is not theirs."""

    label: str
    share: Estimate
    """Share of the films not of `label` that are called so under `by`, less that under `away`:
    0 … 1. The interval is of these two variants, which are those that lie farthest apart."""
    by: str
    away: str


@dataclass(frozen=True, slots=True)
class FamilyEffect:
    """What a family of variants that lie beside the spine does to the answers."""

    family: Family
    changes: tuple[str, ...]
    """Its variants that were asked and have a meaning."""
    n_films: int
    """For which all of these have a meaning."""
    flipped_by_any: Estimate
    """Share of films of which under any of them another label is said than as they are."""
    pulls: tuple[Pull, ...]
    """One for each of `changes`."""
    drawn: tuple[Drawn, ...]
    """One for each label of which not all films are, the most drawn to first; none for fewer than
    two variants, of which the film as it is may be one (`AS_THEY_ARE`)."""

    @property
    def steered(self) -> Drawn | None:
        """The second of `drawn`, the figure that tells a meaning from a disturbance; None where
        films cannot be drawn to two labels."""
        return self.drawn[1] if len(self.drawn) > 1 else None

    @property
    def followed(self) -> bool | None:
        """Whether the variants have meanings for the network: the interval of `steered` lies above
        `FOLLOWED`. None where there is none."""
        return None if self.steered is None else self.steered.share.interval.low > FOLLOWED

    @property
    def disturbs(self) -> bool | None:
        """Whether some variant draws films to one label, with a meaning or without: the interval
        of the first of `drawn` lies above `FOLLOWED`. None where there is none."""
        return self.drawn[0].share.interval.low > FOLLOWED if self.drawn else None


def families(
    pairs: Mapping[str, Pair], changes: Mapping[str, NamedChange], seed: int, n_resamples: int
) -> tuple[FamilyEffect, ...]:
    """The effect of each of `INSERTED`, as far as `pairs`, by the name of the change, hold it."""
    found = []
    for family in INSERTED:
        variants = {name: pair for name, pair in pairs.items() if changes[name].family == family}
        pairs_of = shared(list(variants.values()), seed, n_resamples)
        if pairs_of:
            found.append(_family(family, dict(zip(variants, pairs_of, strict=True))))
    return tuple(found)


def _family(family: Family, variants: Mapping[str, Pair]) -> FamilyEffect:
    """Of `variants` that are of the same films."""
    some = next(iter(variants.values()))
    before, means = some.before, some.means
    flipped = np.array([one.before.predicted != one.after.predicted for one in variants.values()])
    return FamilyEffect(
        family=family,
        changes=tuple(variants),
        n_films=len(before),
        flipped_by_any=mean(means, np.asarray(flipped.any(axis=0))),
        pulls=tuple(_pull(name, pair) for name, pair in variants.items()),
        drawn=_drawn(family, variants),
    )


def _drawn(family: Family, variants: Mapping[str, Pair]) -> tuple[Drawn, ...]:
    some = next(iter(variants.values()))
    states = {name: pair.after for name, pair in variants.items()}
    if family in AS_THEY_ARE:
        states[UNCHANGED] = some.before
    if len(states) < 2:
        return ()
    found = []
    for label, name in enumerate(some.before.labels.names):
        others = some.before.truth != label
        if others.any():
            called = {state: _called(table, label, others) for state, table in states.items()}
            shares = {state: float(np.nanmean(one)) for state, one in called.items()}
            by, away = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
            found.append(Drawn(name, mean(some.means, called[by] - called[away]), by, away))
    return tuple(sorted(found, key=lambda one: -one.share.value))


def _called(table: PredictionTable, label: int, others: NDArray[np.bool_]) -> Floats:
    """(n,) 1 for each of the `others` that is called `label`, else 0; nan for the label's own."""
    return np.where(others, table.predicted == label, np.nan)


def _pull(change: str, pair: Pair) -> Pull:
    before, after = pair.before, pair.after
    rises = after.probabilities - before.probabilities
    rises[np.arange(len(after)), after.truth] = np.nan  # of a label's own films it says nothing
    known = np.flatnonzero(~np.isnan(rises).all(axis=0))
    label = int(known[np.nanmean(rises[:, known], axis=0).argmax()])
    called = np.asarray(after.predicted == label, np.float64) - (before.predicted == label)
    name = after.labels.names[label]
    return Pull(change, name, mean(pair.means, rises[:, label]), mean(pair.means, called))
