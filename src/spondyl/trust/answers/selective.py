"""What is gained by leaving the least sure films to a reader: risk-coverage curves, a stated rule.

Decision: whatever has to be chosen is chosen on the other folds and measured on the fold that had
no part in it; where there are no other folds, or too few films in them, the answer is a `NotRun`
and not a figure that flatters. The price: as many thresholds as folds, so a rule is judged, and not
one number.

Confidence is the largest probability. Logits of several folds are of several networks; give a table
from `calibration.calibrated` to compare their confidences on one scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable
from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Estimate,
    GroupBootstrap,
    Interval,
    MeanBootstrap,
    NotRun,
    percentile_interval,
    wilson,
)
from spondyl.trust.metrics import Floats

MIN_OUTSIDE = 20
"""Films outside a fold below which nothing is chosen on them."""


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """Share of wrong answers among the surest films, for every share of films kept."""

    coverage: Floats
    """(points,) rising, the last is 1; a point for each different confidence."""
    risk: Floats
    """(points,) wrong / kept, 0 … 1."""
    threshold: Floats
    """(points,) films at least so sure are kept; falling."""
    area: Estimate
    """Mean over m = 1 … n of the risk of the m surest films (AURC; Geifman & El-Yaniv 2017),
    films of equal confidence in random order."""
    oracle: float
    """The area if every wrong film were less sure than every right one."""
    excess: float
    """area − oracle (E-AURC; Geifman, Uziel & El-Yaniv 2019)."""
    uninformed: float
    """The area if confidence said nothing: the error of all films."""


@dataclass(frozen=True, slots=True)
class FoldThreshold:
    """The confidence that the other folds chose for a fold."""

    fold: int
    n_outside: int
    value: float | None
    """Films at least so sure are answered; None where the other folds reach the stated error at no
    threshold, and no film of the fold is answered."""


@dataclass(frozen=True, slots=True)
class ClassAnswered:
    """How many films of a class the rule answers, and how many of these rightly."""

    label: str
    n: int
    n_answered: int
    n_right: int


@dataclass(frozen=True, slots=True)
class Abstention:
    """A rule that answers only where it is sure, as measured on films that did not choose it."""

    stated_error: float
    thresholds: tuple[FoldThreshold, ...]
    n: int
    n_answered: int
    n_wrong: int
    """Of those answered."""
    coverage: Estimate
    """Answered / all."""
    error: Estimate
    """Wrong / answered; nan where none was answered. Its interval says whether the stated error was
    kept to: a threshold with just that error elsewhere is expected to miss it half of the time."""
    error_wilson: Interval
    """Treats films as independent; (0, 1) where none was answered."""
    error_of_all: float
    """Wrong / all, if every film were answered."""
    classes: tuple[ClassAnswered, ...]
    """A rule can be kept by leaving out a class."""


def why_not_across_folds(table: PredictionTable) -> NotRun | None:
    """Why nothing can be chosen on the other folds: one fold, or too few films outside one; None
    where it can."""
    folds = np.unique(table.folds)
    if len(folds) < 2:
        return NotRun(f"{len(folds)} fold: there is no other fold to choose on")
    fewest = min(int((table.folds != fold).sum()) for fold in folds)
    if fewest < MIN_OUTSIDE:
        return NotRun(f"{fewest} films outside a fold, {MIN_OUTSIDE} are needed")
    return None


def risk_coverage(
    table: PredictionTable, seed: int, n_resamples: int = N_RESAMPLES, level: float = LEVEL
) -> RiskCoverage:
    """The curve and its area over all films of the table.

    Raises ValueError for an empty table.
    """
    if len(table) == 0:
        raise ValueError("no predictions to score")
    confidence, wrong = _confidence_and_wrong(table)
    bootstrap = GroupBootstrap.draw(table, seed, n_resamples)
    resampled = area(confidence, wrong, bootstrap.counts[:, bootstrap.film_group])
    n_groups = bootstrap.counts.shape[1]
    value = float(area(confidence, wrong))
    oracle = float(area(-wrong.astype(np.float64), wrong))
    thresholds, kept, errors = _points(confidence, wrong)
    return RiskCoverage(
        kept / len(table),
        errors / kept,
        thresholds,
        Estimate(value, percentile_interval(resampled, n_groups, level)),
        oracle,
        value - oracle,
        float(wrong.mean()),
    )


def area(confidence: Floats, wrong: NDArray[np.bool_], weights: Floats | None = None) -> Floats:
    """Mean over m = 1 … n of the share of wrong films among the m surest.

    `confidence` and `wrong` are (n,); `weights` (…, n), whole numbers, says how often each film is
    in a resample and gives a result of shape (…,). Equal films are in random order: the m-th of t,
    e of them wrong, after C films with E wrong, has the expected risk (E + m e / t) / (C + m), and
    its sum over m is e + (E − C e / t) (H(C + t) − H(C)) with harmonic numbers H.
    """
    counted = np.ones(len(confidence)) if weights is None else np.asarray(weights)
    order = np.argsort(-confidence, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(confidence[order]) != 0])
    size = np.add.reduceat(counted[..., order], starts, axis=-1)
    bad = np.add.reduceat(counted[..., order] * wrong[order], starts, axis=-1)
    after, bad_after = np.cumsum(size, axis=-1), np.cumsum(bad, axis=-1)
    before, bad_before = after - size, bad_after - bad
    harmonic = np.r_[0.0, np.cumsum(1 / np.arange(1, int(after.max()) + 1))]
    steps = harmonic[after.astype(np.int64)] - harmonic[before.astype(np.int64)]
    rate = bad / np.maximum(size, 1)
    sums = bad + (bad_before - before * rate) * steps
    return np.asarray(sums.sum(-1) / after[..., -1])


def threshold_for(confidence: Floats, wrong: NDArray[np.bool_], error: float) -> float | None:
    """The lowest threshold above which at most `error` of the films are wrong, None where there is
    no such threshold."""
    thresholds, kept, errors = _points(confidence, wrong)
    good = np.flatnonzero(errors <= error * kept + 1e-12)
    return float(thresholds[good[-1]]) if len(good) else None


def abstain(
    table: PredictionTable,
    error: float,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Abstention | NotRun:
    """What the rule "answer where the other folds were wrong in at most `error`" does on each fold.

    `error` is a share, 0 … 1. Raises ValueError outside that.
    """
    if not 0 <= error <= 1:
        raise ValueError(f"an error of {error}")
    if reason := why_not_across_folds(table):
        return reason
    confidence, wrong = _confidence_and_wrong(table)
    chosen = tuple(
        FoldThreshold(
            int(fold),
            int((table.folds != fold).sum()),
            threshold_for(confidence[table.folds != fold], wrong[table.folds != fold], error),
        )
        for fold in np.unique(table.folds)
    )
    least = {one.fold: np.inf if one.value is None else one.value for one in chosen}
    answered = confidence >= np.array([least[int(fold)] for fold in table.folds])
    means = MeanBootstrap.draw(table.group_ids, seed, n_resamples, level)
    n_answered, n_wrong = int(answered.sum()), int((answered & wrong).sum())
    return Abstention(
        stated_error=error,
        thresholds=chosen,
        n=len(table),
        n_answered=n_answered,
        n_wrong=n_wrong,
        coverage=Estimate(n_answered / len(table), means.interval(answered.astype(np.float64))),
        error=Estimate(
            n_wrong / n_answered if n_answered else float("nan"),
            means.interval(np.where(answered, wrong, np.nan)),
        ),
        error_wilson=wilson(n_wrong, n_answered, level),
        error_of_all=float(wrong.mean()),
        classes=_classes(table, answered, wrong),
    )


def _confidence_and_wrong(table: PredictionTable) -> tuple[Floats, NDArray[np.bool_]]:
    return table.probabilities.max(axis=1), table.predicted != table.truth


def _points(
    confidence: Floats, wrong: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Thresholds falling, and how many films are kept and wrong at each."""
    order = np.argsort(-confidence, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(confidence[order]) != 0, True])
    return confidence[order][ends], ends + 1, np.cumsum(wrong[order].astype(np.int64))[ends]


def _classes(
    table: PredictionTable, answered: NDArray[np.bool_], wrong: NDArray[np.bool_]
) -> tuple[ClassAnswered, ...]:
    return tuple(
        ClassAnswered(
            label,
            int((table.truth == c).sum()),
            int(((table.truth == c) & answered).sum()),
            int(((table.truth == c) & answered & ~wrong).sum()),
        )
        for c, label in enumerate(table.labels.names)
    )
