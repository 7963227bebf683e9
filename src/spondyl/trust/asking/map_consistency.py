"""What the agreement of several networks' maps says of their vote, on right films and wrong ones.

Whether low agreement tells that a vote is wrong is one figure: the chance that a wrong film's maps
agree less than a right film's (AUC). All wrong films may stand beside some of the right ones, drawn
evenly, each of which then counts for as many as it stands for; right and wrong films are never
averaged together. It stands beside two rivals that cost no map: how sure the vote is, and how many
members say what it says. The price: errors of a good vote are few, so intervals are wide, and a
vote without errors has no such figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.explain.ensemble.consistency import Alike, Consistency
from spondyl.explain.ensemble.place import OnSpine
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers.ensembling import Vote
from spondyl.trust.intervals import Estimate, GroupBootstrap, MeanBootstrap, percentile_interval
from spondyl.trust.metrics import Floats

LEAST_WRONG = 2
"""Wrong films, and right ones, below which no detector of them is judged."""

Some = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far maps agree over some films; nan where none has a value."""

    of: str
    """Two members, all of them, or a baseline."""
    films: str
    """"right" or "wrong": by the vote."""
    n: int
    rank: Estimate
    dice: Estimate


@dataclass(frozen=True, slots=True)
class Detection:
    """Whether something that is low tells that an answer is wrong."""

    by: str
    of: str
    """Whose error: "the vote is wrong" or "some member is wrong"."""
    n_wrong: int
    n_right: int
    auc: Estimate
    """½ is chance, 1 every wrong film below every right one; nan below `LEAST_WRONG` of either."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Mean share of heat on the spine, over the films, right and wrong, that have all of them."""

    n: int
    members: tuple[tuple[str, Estimate], ...]
    ensemble: Estimate
    chance: Estimate
    gain: Estimate
    """Ensemble's − mean of the members', paired."""
    over_best: tuple[str, Estimate]
    """The member whose mean is highest on these very films, and the ensemble's − its, paired."""


@dataclass(frozen=True, slots=True)
class MapFigures:
    """All figures of the maps."""

    n_films: int
    n_wrong: int
    agreement: tuple[Agreement, ...]
    pairs: tuple[Agreement, ...]
    detection: tuple[Detection, ...]
    placed: Placed | None
    """None where no masks were given."""


def figures(
    vote: Vote, rows: Sequence[int], consistency: Consistency, spine: OnSpine | None, seed: int
) -> MapFigures:
    """The figures of the films in `rows` of the vote's table, whose `consistency` and `spine` are;
    intervals resample groups."""
    table = vote.table.taken(rows)
    right = table.predicted == table.truth
    means = MeanBootstrap.draw(table.group_ids, seed)
    some: dict[str, Some] = {"right": right, "wrong": ~right}
    named = {"members, two by two": consistency.members, **consistency.baselines}
    of_pairs = {
        f"{consistency.names[a]} and {consistency.names[b]}": alike
        for a, b, alike in consistency.pairs
    }
    return MapFigures(
        len(rows),
        int((~right).sum()),
        _agreements(named, some, means),
        _agreements(of_pairs, some, means),
        _detections(vote, rows, consistency, seed),
        None if spine is None else _placed(consistency.names, spine, means),
    )


def _agreements(
    named: dict[str, Alike], some: dict[str, Some], means: MeanBootstrap
) -> tuple[Agreement, ...]:
    return tuple(
        Agreement(
            name,
            which,
            int((of & ~np.isnan(alike.rank)).sum()),
            _mean(np.where(of, alike.rank, np.nan), means),
            _mean(np.where(of, alike.dice, np.nan), means),
        )
        for name, alike in named.items()
        for which, of in some.items()
    )


def _detections(
    vote: Vote, rows: Sequence[int], consistency: Consistency, seed: int
) -> tuple[Detection, ...]:
    table = vote.table.taken(rows)
    members = [one.taken(rows) for one in vote.members]
    says = np.stack([one.predicted for one in members])
    targets = {
        "the vote is wrong": table.predicted != table.truth,
        "some member is wrong": (says != table.truth).any(axis=0),
    }
    low = {
        "rank correlation of maps": consistency.members.rank,
        "Dice of hottest fifths": consistency.members.dice,
        "the vote's probability": table.probabilities.max(axis=1),
        "members that say what the vote says": (says == table.predicted).mean(axis=0),
    }
    counts = _stands_for(vote.table, rows)
    bootstrap = GroupBootstrap.draw(table, seed)
    weights = np.vstack([counts, bootstrap.counts[:, bootstrap.film_group] * counts])
    return tuple(
        detection(by, of, values, wrong, weights, bootstrap.counts.shape[1])
        for of, wrong in targets.items()
        for by, values in low.items()
    )


def detection(
    by: str, of: str, values: Floats, wrong: Some, weights: Floats, n_groups: int
) -> Detection:
    """How well low `values` (n,) tell the `wrong` films; `weights` (1 + resamples, n) how much each
    film counts, first as it is, then in every resample. Films whose value is nan are left out."""
    there = ~np.isnan(values)
    n_wrong, n_right = int((wrong & there).sum()), int((~wrong & there).sum())
    areas = np.full(len(weights), np.nan)
    if min(n_wrong, n_right) >= LEAST_WRONG:
        areas = metrics.auc(-values[there], wrong[there], weights[:, there])
    interval = percentile_interval(areas[1:], n_groups)
    return Detection(by, of, n_wrong, n_right, Estimate(float(areas[0]), interval))


def _stands_for(whole: PredictionTable, rows: Sequence[int]) -> Floats:
    """(n,) how many films of the whole table each of `rows` stands for: those that are told rightly
    for the others that are, and likewise for wrong ones."""
    right = whole.predicted == whole.truth
    here = right[np.array(rows)]
    each = {kind: (right == kind).sum() / max(1, (here == kind).sum()) for kind in (True, False)}
    return np.array([each[bool(one)] for one in here])


def _placed(names: Sequence[str], spine: OnSpine, means: MeanBootstrap) -> Placed:
    every = np.vstack([spine.members, spine.ensemble, spine.chance])
    lacking = np.isnan(every).any(axis=0)
    members = np.where(lacking, np.nan, spine.members)
    ensemble = np.where(lacking, np.nan, spine.ensemble)
    each = [_mean(one, means) for one in members]
    best = max(range(len(names)), key=lambda row: np.nan_to_num(each[row].value, nan=-1.0))
    return Placed(
        int((~lacking).sum()),
        tuple(zip(names, each, strict=True)),
        _mean(ensemble, means),
        _mean(np.where(lacking, np.nan, spine.chance), means),
        _mean(ensemble - members.mean(axis=0), means),
        (names[best], _mean(ensemble - members[best], means)),
    )


def _mean(values: Floats, means: MeanBootstrap) -> Estimate:
    return Estimate(float(metrics.mean_of_defined(values)), means.interval(values))
