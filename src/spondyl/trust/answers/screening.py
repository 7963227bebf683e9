"""What a network would do as a sieve: normal against everything else, at a stated specificity.

Decision: a film's score is 1 − P(normal), and the threshold of a fold is chosen on the films of the
*other* folds, so no film has a part in its own. The price: the specificity reached is not the one
that was asked for, and the record holds both. Resamples keep the thresholds that were chosen.

Films of patients who were ill enough to be filmed flatter both rates (spectrum bias), and nothing
here takes that out. Scores of several folds are of several networks; give a table from
`calibration.calibrated` to have them on one scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.data.labels import NORMAL
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers.predictive import LikelihoodRatio, PredictiveValues, Rates, share
from spondyl.trust.answers.selective import why_not_across_folds
from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Estimate,
    GroupBootstrap,
    Interval,
    NotRun,
    percentile_interval,
    wilson,
)
from spondyl.trust.metrics import Floats

SPECIFICITY = 0.90
PREVALENCES = (0.02, 0.10)
"""At which predictive values are stated, beside the cohort's own: conventions of ours. Of
adolescents 0.5 … 5 % have a scoliosis (Konieczny, Senyurt & Krauspe 2013)."""


@dataclass(frozen=True, slots=True)
class FoldCut:
    """The score at and above which a film of the fold is called abnormal."""

    fold: int
    n_normal: int
    """Normal films of the other folds, on which it was chosen."""
    value: float | None
    """None where they keep to the stated specificity at no score, and no film of the fold is called
    abnormal."""
    specificity: float
    """Of those normal films; at least the stated one."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Calls at thresholds from the other folds, as measured on films that had no part in them."""

    negative: str
    """The label that stands for normal."""
    stated_specificity: float
    cuts: tuple[FoldCut, ...]
    n_abnormal: int
    n_hit: int
    """Abnormal films that were called abnormal."""
    sensitivity: Estimate
    """n_hit / n_abnormal; the interval is of groups."""
    sensitivity_wilson: Interval
    """Films are taken as independent."""
    n_normal: int
    n_passed: int
    """Normal films that were called normal."""
    specificity: Estimate
    """n_passed / n_normal; its interval says whether the stated one was kept to."""
    specificity_wilson: Interval
    auc: Estimate
    """Chance that an abnormal film scores above a normal one, on pooled films."""
    predictive: tuple[PredictiveValues, ...]
    """At the stated prevalences, then at the cohort's own."""
    positive_ratio: LikelihoodRatio
    """se / (1 − sp)."""
    negative_ratio: LikelihoodRatio
    """(1 − se) / sp."""


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """A table's films as normal and abnormal, and the resamples of their groups."""

    bootstrap: GroupBootstrap
    score: Floats
    """(n,) 1 − P(normal), 0 … 1."""
    abnormal: NDArray[np.bool_]
    """(n,) whether the true label is another than normal; both occur."""
    level: float

    @property
    def prevalence(self) -> float:
        """Share of abnormal films."""
        return float(self.abnormal.mean())

    def rates(self, called: NDArray[np.bool_]) -> Rates:
        """Sensitivity and specificity of calls (n,) of abnormal."""
        hit, passed = called & self.abnormal, ~called & ~self.abnormal
        resampled = self._resampled(hit, self.abnormal), self._resampled(passed, ~self.abnormal)
        n_hit, n_abnormal = int(hit.sum()), int(self.abnormal.sum())
        n_passed, n_normal = int(passed.sum()), int((~self.abnormal).sum())
        return Rates(
            n_hit,
            n_abnormal,
            n_passed,
            n_normal,
            self.estimate(n_hit / n_abnormal, resampled[0]),
            self.estimate(n_passed / n_normal, resampled[1]),
            resampled,
            self.estimate,
            self.level,
        )

    def estimate(self, value: float, resampled: Floats) -> Estimate:
        """A figure with the percentile interval of its resamples (resamples,)."""
        n_groups = self.bootstrap.counts.shape[1]
        return Estimate(value, percentile_interval(resampled, n_groups, self.level))

    def auc(self) -> Estimate:
        """Chance that an abnormal film scores above a normal one, ties counting half."""
        weights = self.bootstrap.counts[:, self.bootstrap.film_group]
        return self.estimate(
            float(metrics.auc(self.score, self.abnormal)),
            metrics.auc(self.score, self.abnormal, weights),
        )

    def _resampled(self, right: NDArray[np.bool_], among: NDArray[np.bool_]) -> Floats:
        counts, group = self.bootstrap.counts, self.bootstrap.film_group
        n_right, n = (
            counts @ np.bincount(group, films, minlength=counts.shape[1])
            for films in (right, among)
        )
        return share(n_right, n)


def screened(
    table: PredictionTable,
    seed: int,
    negative: str = NORMAL,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Screened | NotRun:
    """The films as normal (label `negative`) and abnormal; or why not: no such label, or no film of
    one kind."""
    if negative not in table.labels.names:
        return NotRun(f"no label is called {negative!r}: name the one that stands for normal")
    column = table.labels.column(negative)
    abnormal = table.truth != column
    if abnormal.all() or not abnormal.any():
        n_normal, n_abnormal = int((~abnormal).sum()), int(abnormal.sum())
        return NotRun(f"{n_normal} normal and {n_abnormal} abnormal films: both are needed")
    score = np.minimum(np.delete(table.probabilities, column, axis=1).sum(axis=1), 1.0)
    return Screened(GroupBootstrap.draw(table, seed, n_resamples), score, abnormal, level)


def threshold_for(score: Floats, abnormal: NDArray[np.bool_], specificity: float) -> float | None:
    """The lowest of the scores (n,) at and above which no more than 1 − `specificity` of the normal
    films lie; None where there is none such."""
    thresholds, normal = np.unique(score), np.sort(score[~abnormal])
    n_above = len(normal) - np.searchsorted(normal, thresholds, side="left")
    good = np.flatnonzero(n_above <= (1 - specificity) * len(normal) + 1e-9)
    return float(thresholds[good[0]]) if len(good) else None


def operating_point(
    table: PredictionTable,
    seed: int,
    specificity: float = SPECIFICITY,
    prevalences: Sequence[float] = PREVALENCES,
    negative: str = NORMAL,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> OperatingPoint | NotRun:
    """Calls where the other folds' normal films keep to `specificity`, and what they are worth.

    Raises ValueError for a specificity or prevalence outside (0, 1).
    """
    if not all(0 < stated < 1 for stated in (specificity, *prevalences)):
        raise ValueError(f"specificity {specificity}, prevalences {tuple(prevalences)}")
    films = screened(table, seed, negative, n_resamples, level)
    if isinstance(films, NotRun):
        return films
    if reason := why_not_across_folds(table) or _too_few_normal(films, specificity):
        return reason
    cuts = tuple(_cut(films, int(fold), specificity) for fold in np.unique(table.folds))
    least = {cut.fold: math.inf if cut.value is None else cut.value for cut in cuts}
    rates = films.rates(films.score >= np.array([least[int(fold)] for fold in table.folds]))
    positive_ratio, negative_ratio = rates.ratios()
    return OperatingPoint(
        negative=negative,
        stated_specificity=specificity,
        cuts=cuts,
        n_abnormal=rates.n_abnormal,
        n_hit=rates.n_hit,
        sensitivity=rates.sensitivity,
        sensitivity_wilson=wilson(rates.n_hit, rates.n_abnormal, level),
        n_normal=rates.n_normal,
        n_passed=rates.n_passed,
        specificity=rates.specificity,
        specificity_wilson=wilson(rates.n_passed, rates.n_normal, level),
        auc=films.auc(),
        predictive=(
            *(rates.at(prevalence) for prevalence in prevalences),
            rates.at(films.prevalence, of_cohort=True),
        ),
        positive_ratio=positive_ratio,
        negative_ratio=negative_ratio,
    )


def _too_few_normal(films: Screened, specificity: float) -> NotRun | None:
    """Of fewer than 1 / (1 − specificity) normal films none may lie above a threshold, and any
    specificity would do."""
    folds = films.bootstrap.table.folds
    fewest = min(int((~films.abnormal & (folds != fold)).sum()) for fold in np.unique(folds))
    needed = math.ceil(1 / (1 - specificity) - 1e-9)
    if fewest < needed:
        return NotRun(
            f"{fewest} normal films outside a fold, {needed} are needed for a specificity of "
            f"{specificity:g}"
        )
    return None


def _cut(films: Screened, fold: int, specificity: float) -> FoldCut:
    outside = films.bootstrap.table.folds != fold
    score, abnormal = films.score[outside], films.abnormal[outside]
    value = threshold_for(score, abnormal, specificity)
    normal = score[~abnormal]
    reached = 1.0 if value is None else float((normal < value).mean())
    return FoldCut(fold, len(normal), value, reached)
