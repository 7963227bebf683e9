"""Whether prediction sets keep what they state, and how much they leave open, across folds.

Decision: thresholds of a fold come from the films of the *other* folds, one film per group, all
scaled by the temperature that these other folds chose; so no film has a part in its own set, and
what is counted are groups.

The prices. Networks of different folds are taken for equally sure. Pooled over folds the coverage
comes out near 1 − alpha whatever the networks are worth, since every fold's threshold is made of
the rest: what can fail is a single fold, or a label under marginal sets. What tells a good network
from a bad one is the size of its sets, and both are of films like these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers.calibration import calibrated
from spondyl.trust.answers.conformal import (
    Bools,
    Kind,
    Promised,
    Thresholds,
    rank,
    refuse_impossible,
    thresholds_of,
)
from spondyl.trust.answers.selective import why_not_across_folds
from spondyl.trust.intervals import LEVEL, N_RESAMPLES, Estimate, NotRun, wilson


@dataclass(frozen=True, slots=True)
class FoldSets:
    """One fold, judged by thresholds of the others."""

    fold: int
    temperature: float
    """What all logits were divided by, chosen by the other folds."""
    thresholds: Thresholds
    coverage: Estimate
    """Share of its groups whose set holds the true label; Wilson."""
    promised: Promised


@dataclass(frozen=True, slots=True)
class LabelSets:
    """The films of one label."""

    label: str
    coverage: Estimate
    """nan where no group has the label; Wilson."""
    promised: Promised | None
    """None for marginal sets, which promise nothing of a single label."""
    smallest_alpha: float
    """Below this the label is in every set of some fold."""
    n_folds_without_threshold: int
    """Folds for which its films were too few: there its coverage is 1 and says nothing."""


@dataclass(frozen=True, slots=True)
class SetSizes:
    """How much the sets leave open; shares of all groups."""

    mean: float
    """Labels in a set, on average."""
    empty: float
    """No label is likely enough: the film is unlike those kept aside, or the thresholds are low
    because nearly all of these were told for sure."""
    singletons: float
    full: float
    """Sets with all labels, which say nothing."""
    singletons_right: Estimate
    """Share of the singletons that are the true label; Wilson, nan where there is none."""


@dataclass(frozen=True, slots=True)
class ConformalSets:
    """Prediction sets of one configuration, each fold judged by thresholds of the others."""

    kind: Kind
    alpha: float
    n_films: int
    """In the table."""
    n: int
    """Groups, of which one film each was judged."""
    coverage: Estimate
    """Wilson: groups are taken as independent, though they share thresholds."""
    promised: Promised
    labels: tuple[LabelSets, ...]
    """In the order of the label set."""
    folds: tuple[FoldSets, ...]
    sizes: SetSizes
    smallest_alpha: float
    """Below this some label is in every set of some fold."""
    worst_case: float
    """The coverage that CV+ cannot fall below on average (`cv_plus_bound`)."""
    guarantee: str
    """In words."""


def cv_plus_bound(n: int, n_folds: int, alpha: float) -> float:
    """1 − 2α − min{2(1 − 1/K) / (n/K + 1), (1 − K/n) / (K + 1)}, at least 0: what K-fold CV+ covers
    at worst (Barber et al. 2021, Annals of Statistics 49:486, theorem 4)."""
    excess = min(2 * (1 - 1 / n_folds) / (n / n_folds + 1), (1 - n_folds / n) / (n_folds + 1))
    return max(0.0, 1 - 2 * alpha - excess)


def cross_conformal(
    table: PredictionTable,
    alpha: float,
    kind: Kind,
    seed: int,
    n_draws: int = N_RESAMPLES,
    level: float = LEVEL,
) -> ConformalSets | NotRun:
    """What sets of stated coverage 1 − `alpha` hold on each fold, by thresholds of the others.

    Not run where there are no other folds, or in one of them too few groups for this `alpha` under
    any label: every set would hold every label. `seed` draws `promised`. Raises ValueError for an
    `alpha` outside 0 … 0.5, and an empty table.
    """
    refuse_impossible(table, alpha)
    judged = table.taken(sorted(table.one_per_group()))
    scaled = why_not_across_folds(judged) or calibrated(judged)
    if isinstance(scaled, NotRun):
        return scaled
    sets = np.zeros(judged.logits.shape, np.bool_)
    made: list[tuple[float, Thresholds]] = []
    for one in scaled[1]:
        inside = judged.folds == one.fold
        shares = replace(judged, logits=judged.logits / one.value).probabilities
        thresholds = thresholds_of(
            shares[~inside], judged.truth[~inside], judged.labels.names, alpha, kind
        )
        if all(limit is None for limit in thresholds.at_most):
            return _too_few(thresholds)
        sets[inside] = thresholds.sets(shares[inside])
        made.append((one.value, thresholds))
    return _judged(
        len(table), judged, sets, made, _by_chance(judged, alpha, kind, seed, n_draws), level
    )


def _judged(
    n_films: int,
    judged: PredictionTable,
    sets: Bools,
    made: list[tuple[float, Thresholds]],
    chance: Bools,
    level: float,
) -> ConformalSets:
    """The record of `sets` (n, labels); `chance` (draws, n) is what exchangeable films give."""
    covered = sets[np.arange(len(judged)), judged.truth]
    thresholds = [one for _, one in made]
    kind, alpha = thresholds[0].kind, thresholds[0].alpha
    folds = tuple(
        FoldSets(
            int(fold),
            value,
            one,
            _share(covered[judged.folds == fold], level),
            _range(chance[:, judged.folds == fold], level),
        )
        for fold, (value, one) in zip(np.unique(judged.folds), made, strict=True)
    )
    worst_case = cv_plus_bound(len(judged), len(folds), alpha)
    return ConformalSets(
        kind=kind,
        alpha=alpha,
        n_films=n_films,
        n=len(judged),
        coverage=_share(covered, level),
        promised=_range(chance, level),
        labels=tuple(
            _of_label(judged, c, covered, thresholds, chance, level)
            for c in range(len(judged.labels))
        ),
        folds=folds,
        sizes=_sizes(sets, covered, level),
        smallest_alpha=max(max(one.smallest_alpha) for one in thresholds),
        worst_case=worst_case,
        guarantee=_guarantee(alpha, kind, len(folds), worst_case),
    )


def _of_label(
    judged: PredictionTable,
    column: int,
    covered: Bools,
    thresholds: list[Thresholds],
    chance: Bools,
    level: float,
) -> LabelSets:
    films = judged.truth == column
    return LabelSets(
        judged.labels.names[column],
        _share(covered[films], level),
        _range(chance[:, films], level) if thresholds[0].kind == "by label" else None,
        max(one.smallest_alpha[column] for one in thresholds),
        sum(one.at_most[column] is None for one in thresholds),
    )


def _sizes(sets: Bools, covered: Bools, level: float) -> SetSizes:
    size = sets.sum(axis=1)
    return SetSizes(
        mean=float(size.mean()),
        empty=float((size == 0).mean()),
        singletons=float((size == 1).mean()),
        full=float((size == sets.shape[1]).mean()),
        singletons_right=_share(covered[size == 1], level),
    )


def _by_chance(judged: PredictionTable, alpha: float, kind: Kind, seed: int, n_draws: int) -> Bools:
    """(draws, n) who is covered where all scores come in random order, folds and labels as here."""
    scores = np.random.default_rng(seed).random((n_draws, len(judged)))
    covered = np.ones(scores.shape, np.bool_)
    within = judged.truth if kind == "by label" else np.zeros(len(judged), np.int64)
    for label in np.unique(within):
        for fold in np.unique(judged.folds):
            aside = np.flatnonzero((within == label) & (judged.folds != fold))
            films = np.flatnonzero((within == label) & (judged.folds == fold))
            at = rank(len(aside), alpha) - 1
            if at < len(aside):
                limit = np.partition(scores[:, aside], at, axis=1)[:, at]
                covered[:, films] = scores[:, films] <= limit[:, None]
    return covered


def _range(chance: Bools, level: float) -> Promised:
    """Central range of the mean over films of (draws, films)."""
    if chance.shape[1] == 0:
        return Promised(float("nan"), float("nan"), level)
    means = chance.mean(axis=1)
    low = np.quantile(means, (1 - level) / 2, method="lower")
    high = np.quantile(means, (1 + level) / 2, method="higher")
    return Promised(float(low), float(high), level)


def _share(true: Bools, level: float) -> Estimate:
    value = float(true.mean()) if len(true) else float("nan")
    return Estimate(value, wilson(int(true.sum()), len(true), level))


def _guarantee(alpha: float, kind: Kind, n_folds: int, worst_case: float) -> str:
    whose = "of each label" if kind == "by label" else "of all labels together, not of each"
    stated = f"{100 * (1 - alpha):g}%"
    return (
        f"Sets made with one network and films kept aside hold the true label in at least {stated} "
        f"of new groups on average, {whose}. Here {n_folds} folds lend each other their films, "
        "each with a network of its own. Theory promises less for that: 1 - 2 alpha (Vovk 2015) "
        f"minus a small term, {worst_case:.0%} here (Barber et al. 2021), and only where a new "
        f"film is asked of all {n_folds} networks; {stated} is what is usually seen. All of it is "
        "of films like these, and of no other hospital's."
    )


def _too_few(thresholds: Thresholds) -> NotRun:
    most = max(thresholds.n)
    return NotRun(
        f"alpha {thresholds.alpha:g} needs {math.ceil(1 / thresholds.alpha - 1e-9) - 1} groups "
        f"outside a fold, {most} are there: every set would hold every label; the smallest alpha "
        f"would be {1 / (most + 1):.3g}"
    )
