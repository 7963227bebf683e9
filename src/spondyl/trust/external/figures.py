"""What a study's networks are worth on another centre's films, beside what they were at home.

Decision: the answer is the ensemble's, the mean of all fold networks' probabilities at the one
temperature that the study's out-of-fold logits chose, as a bundle reads. Nothing is fitted to the
other films. An answer outside their labels is wrong, since the film has another one. At home each
film was judged by one network, so single networks stand beside the ensemble, which has an advantage
over them.

Accuracy at home is given once more with the labels mixed in the other cohort's shares: what is lost
from there on is not owed to the mix of labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers import cross_conformal
from spondyl.trust.answers.calibration import Bound, CalibrationScores, calibration_scores
from spondyl.trust.answers.calibration_set import ALPHA, CalibrationSet
from spondyl.trust.answers.cross_conformal import ConformalSets
from spondyl.trust.external import asking, bands
from spondyl.trust.external.asking import Said
from spondyl.trust.external.bands import Among
from spondyl.trust.intervals import (
    Estimate,
    GroupBootstrap,
    Interval,
    MeanBootstrap,
    NotRun,
    percentile_interval,
    wilson,
)
from spondyl.trust.metrics import Floats

OfConfusions = Callable[[Floats], Floats]
"""(…, k, k) confusion matrices → (…,) scores."""


@dataclass(frozen=True, slots=True)
class Change:
    """One share at home, outside, and what lies between; -1 … 1 for the difference."""

    what: str
    n_home: int
    n_outside: int
    home: Estimate
    outside: Estimate
    difference: Estimate
    """Outside − home; the groups of both are resampled, each by itself."""


@dataclass(frozen=True, slots=True)
class LabelAuc:
    """How well the ensemble's probability of a label tells its films from the others outside."""

    label: str
    n: int
    n_others: int
    auc: Estimate


@dataclass(frozen=True, slots=True)
class OutsideSets:
    """Sets of labels that cannot be ruled out, made of the study's out-of-fold answers alone."""

    alpha: float
    n: int
    coverage: Estimate
    """Share of films whose set holds their label; group bootstrap."""
    coverage_wilson: Interval
    empty: Estimate
    singletons: Estimate
    several: Estimate
    answered_right: Estimate
    """Of the films whose set is one label: how many are of it."""
    home: ConformalSets | NotRun
    """The same at home, across folds."""


@dataclass(frozen=True, slots=True)
class Refused:
    """How many films the detectors take for none of their kind."""

    n: int
    share: Estimate
    """Refused by half of the networks or more; group bootstrap."""
    wilson: Interval
    single: tuple[float, ...]
    """By each network alone."""
    home: float
    """Share of the study's films that the detector of their own fold refuses."""
    n_home: int
    false_alarms: float


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """All that came of one configuration."""

    title: str
    n: int
    n_groups: int
    temperature: float
    temperature_bound: Bound
    confusion: NDArray[np.int64]
    """(labels, labels): rows the truth, columns what was called; rows of labels that no film of the
    other cohort has are empty."""
    accuracy_wilson: Interval
    single_accuracy: tuple[float, ...]
    """Of each fold's network alone."""
    disagreeing: int
    """Films that the networks do not all call the same."""
    changes: tuple[Change, ...]
    """All films, the same in the other cohort's mix of labels, then each label that both have."""
    by_label: tuple[Among, ...]
    by_number: tuple[Among, ...]
    areas: tuple[LabelAuc, ...]
    """Of the labels that some but not all of the films have; none where all have the same."""
    as_they_came: CalibrationScores
    calibrated: CalibrationScores
    sets: OutsideSets
    refused: Refused | NotRun
    table: PredictionTable
    """The ensemble's answers at the temperature."""
    p_values: Floats
    """(films, labels) of the sets."""


def figures(
    said: Said,
    home: PredictionTable,
    values: Floats | None = None,
    edges: Sequence[float] = (),
    seed: int = 0,
    alpha: float = ALPHA,
) -> Figures:
    """Of what was `said` of the other films, beside the study's out-of-fold answers `home`.

    `values` (films,) and the `edges` of their bands give the shares by band. Raises ValueError for
    an `alpha` outside 0 … 0.5.
    """
    known = CalibrationSet.of(home, alpha)
    temperature, bound = known.temperature
    table = asking.voted(said, temperature, home)
    singles = [asking.single(said, fold, home) for fold in range(len(said.folds))]
    votes = np.stack([one.predicted for one in singles])
    p_values = np.stack(
        [
            known.p_values(dict(zip(said.folds, said.logits[:, film], strict=True)))
            for film in range(len(table))
        ]
    )
    n_right = int((table.predicted == table.truth).sum())
    return Figures(
        title=said.title,
        n=len(table),
        n_groups=len(set(table.group_ids)),
        temperature=temperature,
        temperature_bound=bound,
        confusion=metrics.confusion(table),
        accuracy_wilson=wilson(n_right, len(table)),
        single_accuracy=tuple(float((v == table.truth).mean()) for v in votes),
        disagreeing=int((votes != votes[0]).any(axis=0).sum()),
        changes=changes(home, table, seed),
        by_label=bands.by_label(table, seed),
        by_number=() if values is None else bands.by_number(table, values, edges, seed),
        areas=_areas(table, seed),
        as_they_came=calibration_scores(asking.voted(said, 1.0, home), seed),
        calibrated=calibration_scores(table, seed),
        sets=_sets(known, p_values, table, home, seed),
        refused=_refused(said, table, seed),
        table=table,
        p_values=p_values,
    )


def changes(home: PredictionTable, outside: PredictionTable, seed: int) -> tuple[Change, ...]:
    """Accuracy at home and outside; at home in the other mix of labels; and each shared label."""
    drawn = GroupBootstrap.draw(home, seed), GroupBootstrap.draw(outside, seed + 1)
    own, other = (metrics.confusion(one).astype(np.float64) for one in (home, outside))
    found = [_change("all films", drawn, (own, other), metrics.accuracy, metrics.accuracy)]
    shares = other.sum(axis=1) / other.sum()
    if (own.sum(axis=1)[shares > 0] > 0).all():

        def mixed(confusions: Floats) -> Floats:
            rates = metrics.sensitivity(confusions)[..., shares > 0]
            return np.asarray(rates @ shares[shares > 0])

        what = "at home in the other films' mix of labels"
        found.append(_change(what, drawn, (own, other), mixed, metrics.accuracy))
    for column, label in enumerate(home.labels.names):
        n = int(own[column].sum()), int(other[column].sum())
        if all(n):
            rate = _sensitivity_of(column)
            found.append(_change(f"{label}, called so", drawn, (own, other), rate, rate, n))
    return tuple(found)


def _sensitivity_of(column: int) -> OfConfusions:
    return lambda confusions: np.asarray(metrics.sensitivity(confusions)[..., column])


def _change(
    what: str,
    drawn: tuple[GroupBootstrap, GroupBootstrap],
    counts: tuple[Floats, Floats],
    at_home: OfConfusions,
    outside: OfConfusions,
    n: tuple[int, int] | None = None,
) -> Change:
    n_home, n_outside = n or (int(counts[0].sum()), int(counts[1].sum()))
    groups = [one.counts.shape[1] for one in drawn]
    here, there = at_home(drawn[0].confusions), outside(drawn[1].confusions)
    value = float(at_home(counts[0])), float(outside(counts[1]))
    return Change(
        what,
        n_home,
        n_outside,
        Estimate(value[0], percentile_interval(here, groups[0])),
        Estimate(value[1], percentile_interval(there, groups[1])),
        Estimate(value[1] - value[0], percentile_interval(there - here, sum(groups))),
    )


def _areas(table: PredictionTable, seed: int) -> tuple[LabelAuc, ...]:
    bootstrap = GroupBootstrap.draw(table, seed)
    found = []
    for column, label in enumerate(table.labels.names):
        there = table.truth == column
        if there.any() and not there.all():
            area = float(metrics.auc(table.probabilities[:, column], there))
            n = int(there.sum())
            found.append(
                LabelAuc(label, n, len(table) - n, Estimate(area, bootstrap.of_auc(column)))
            )
    return tuple(found)


def _sets(
    known: CalibrationSet,
    p_values: Floats,
    table: PredictionTable,
    home: PredictionTable,
    seed: int,
) -> OutsideSets:
    kept = np.array(
        [[name in known.not_ruled_out(row) for name in known.labels] for row in p_values]
    )
    size = kept.sum(axis=1)
    holds = kept[np.arange(len(table)), table.truth]
    means = MeanBootstrap.draw(table.group_ids, seed)

    def share(values: NDArray[np.bool_], among: NDArray[np.bool_] | None = None) -> Estimate:
        some = values.astype(np.float64) if among is None else np.where(among, values, np.nan)
        return Estimate(float(metrics.mean_of_defined(some)), means.interval(some))

    return OutsideSets(
        known.alpha,
        len(table),
        share(holds),
        wilson(int(holds.sum()), len(table)),
        share(size == 0),
        share(size == 1),
        share(size > 1),
        share(holds, size == 1),
        cross_conformal.cross_conformal(home, known.alpha, known.kind, seed),
    )


def _refused(said: Said, table: PredictionTable, seed: int) -> Refused | NotRun:
    found = said.refusing
    if isinstance(found, NotRun):
        return found
    refused = found.by_half
    interval = MeanBootstrap.draw(table.group_ids, seed).interval(refused.astype(np.float64))
    return Refused(
        len(table),
        Estimate(float(refused.mean()), interval),
        wilson(int(refused.sum()), len(table)),
        tuple(float(one) for one in found.outside.mean(axis=1)),
        found.home_refused / found.n_home,
        found.n_home,
        found.false_alarms,
    )
