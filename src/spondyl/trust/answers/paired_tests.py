"""Two tests of paired differences as formulas on arrays: of AUCs, and of accuracies over folds.

Decision: where the two do the same there is nothing to test, so p is 1 and the interval nan, since
one of no width would read as certainty; where they differ by the same amount everywhere there is no
variance to hold the difference against, and the test is not run. The price: callers meet `NotRun`
for tiny cohorts, where a formula would have given an infinite statistic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from spondyl.trust.intervals import LEVEL, NotRun
from spondyl.trust.metrics import Floats

_NO_VARIANCE = 1e-20
"""Below it a variance of differences of shares is rounding."""


@dataclass(frozen=True, slots=True)
class DeLong:
    """Two AUCs of the same films, taken as independent films, and the test of their equality."""

    first: float
    second: float
    difference: float
    standard_error: float
    """Of the difference; 0 where both place every film alike."""
    low: float
    high: float
    """difference ± normal quantile · standard error, not cut at ±1; nan where that is 0."""
    level: float
    """Nominal coverage, 0 … 1."""
    p_value: float
    """Two-sided, normal."""


@dataclass(frozen=True, slots=True)
class CorrectedT:
    """The corrected resampled t test of a mean difference over folds (Nadeau & Bengio 2003)."""

    differences: tuple[float, ...]
    """Of accuracy, by fold."""
    difference: float
    """Their mean, each fold counting alike."""
    factor: float
    """1 / folds + test films / training films, in place of 1 / folds: the training parts of folds
    overlap, so their differences are no independent measurements."""
    standard_error: float
    """√(factor · variance of the differences)."""
    degrees_of_freedom: int
    low: float
    high: float
    """nan where the standard error is 0."""
    level: float
    p_value: float
    """Two-sided."""


def delong(
    first: Floats, second: Floats, positive: NDArray[np.bool_], level: float = LEVEL
) -> DeLong | NotRun:
    """The test of two correlated AUCs; scores and `positive` are (n,), films independent.

    DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837, by midranks (Sun & Xu 2014, IEEE
    Signal Processing Letters 21:1389).
    """
    n, n_rest = int(positive.sum()), int((~positive).sum())
    if min(n, n_rest) < 2:
        return NotRun(f"{n} films of the label and {n_rest} of others: two of each are needed")
    places = [placements(scores, positive) for scores in (first, second)]
    areas = [float(of_label.mean()) for of_label, _ in places]
    variance = sum(
        float(np.var(a - b, ddof=1)) / len(a) for a, b in zip(places[0], places[1], strict=True)
    )
    difference = areas[0] - areas[1]
    error, low, high, p_value = float(np.sqrt(variance)), float("nan"), float("nan"), 1.0
    if variance < _NO_VARIANCE:
        if abs(difference) > np.sqrt(_NO_VARIANCE):
            return NotRun(f"the AUCs differ by {difference:.3f} with no variance: nothing to test")
        difference = error = 0.0
    else:
        half = float(stats.norm.ppf((1 + level) / 2)) * error
        low, high = difference - half, difference + half
        p_value = float(2 * stats.norm.sf(abs(difference) / error))
    return DeLong(areas[0], areas[1], difference, error, low, high, level, p_value)


def placements(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Of each film of the label the share of the others that lie below it, and of each other film
    the share of the label's films that lie above it; a tie is a half. The AUC is the mean of
    either."""
    among_all = stats.rankdata(scores)
    own, rest = scores[positive], scores[~positive]
    below = (among_all[positive] - stats.rankdata(own)) / len(rest)
    above = 1 - (among_all[~positive] - stats.rankdata(rest)) / len(own)
    return below, above


def corrected_t(
    differences: Sequence[float], n_test: float, n_train: float, level: float = LEVEL
) -> CorrectedT | NotRun:
    """The t test of differences (k,), k ≥ 2, with the variance s² (1/k + n_test / n_train).

    Nadeau & Bengio 2003, Machine Learning 52:239. They derive it for random
    splits that are drawn anew; for folds it is an approximation (Bengio & Grandvalet 2004: no
    unbiased estimate of the variance exists). Raises ValueError for fewer than two differences or
    numbers of films that are not positive.
    """
    k = len(differences)
    if k < 2 or n_test <= 0 or n_train <= 0:
        raise ValueError(f"{k} differences, {n_test} films tested and {n_train} trained on")
    mean, variance = float(np.mean(differences)), float(np.var(differences, ddof=1))
    factor = 1 / k + n_test / n_train
    error, low, high, p_value = float(np.sqrt(factor * variance)), float("nan"), float("nan"), 1.0
    if variance < _NO_VARIANCE:
        if abs(mean) > np.sqrt(_NO_VARIANCE):
            return NotRun(f"every fold differs by the same {mean:.3f}: no variance to test it with")
        mean = error = 0.0
    else:
        half = float(stats.t.ppf((1 + level) / 2, k - 1)) * error
        low, high = mean - half, mean + half
        p_value = float(2 * stats.t.sf(abs(mean) / error, k - 1))
    return CorrectedT(
        tuple(map(float, differences)), mean, factor, error, k - 1, low, high, level, p_value
    )
