"""What a call of abnormal or normal means at a prevalence, from sensitivity and specificity.

Decision: prevalence is given and never estimated, so one pair of rates serves every population. The
price is the assumption under all of it: normal and abnormal films look there as they do here.

A rate of 0 or 1 is known to no resample as anything else, so a bootstrap interval then has no
width. Beside it stands one from the Wilson intervals of both rates, which covers 94 to 98 of 100 at
the rates and numbers of films met here, and films are taken as independent for it. The adjusted
logit interval (Mercaldo, Lau & Zhou 2007) draws rates towards a half first, and of a specificity of
0.95 on 30 to 119 normal films covers only 77 to 91 of 100.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spondyl.trust.intervals import LEVEL, Estimate, Interval, wilson
from spondyl.trust.metrics import Floats


@dataclass(frozen=True, slots=True)
class PredictiveValues:
    """What a call means where this share of those filmed is abnormal; by Bayes' theorem."""

    prevalence: float
    of_cohort: bool
    """Whether it is the share of abnormal films in the cohort, which is nobody's population."""
    ppv: Estimate
    """P(abnormal | called abnormal), 0 … 1; nan where none is called so."""
    ppv_films: tuple[float, float]
    """Interval from Wilson's of both rates, films taken as independent."""
    npv: Estimate
    """P(normal | called normal), 0 … 1; nan where none is called so."""
    npv_films: tuple[float, float]


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """By what the odds of an abnormal film are multiplied once the call is known."""

    ratio: Estimate
    """0 … infinity, as may be the ends of its interval; nan for 0 / 0."""
    films: tuple[float, float]
    """Interval from Wilson's of both rates, films taken as independent."""


def share(part: NDArray[np.number], whole: NDArray[np.number]) -> Floats:
    """part / whole, nan where `whole` is 0."""
    counted = np.asarray(whole, dtype=np.float64)
    return np.asarray(np.divide(part, np.where(counted == 0, np.nan, counted)))


def ppv(sensitivity: Floats, specificity: Floats, prevalence: float) -> Floats:
    """p se / (p se + (1 − p)(1 − sp)), shapes as given; nan where nothing is called abnormal."""
    found = prevalence * np.asarray(sensitivity)
    return share(found, found + (1 - prevalence) * (1 - np.asarray(specificity)))


def npv(sensitivity: Floats, specificity: Floats, prevalence: float) -> Floats:
    """(1 − p) sp / ((1 − p) sp + p (1 − se)): the same of the other call."""
    return ppv(specificity, sensitivity, 1 - prevalence)


def ratio_interval(
    n_first: int, of_first: int, n_second: int, of_second: int, level: float = LEVEL
) -> tuple[float, float]:
    """Interval of (n_first / of_first) / (n_second / of_second), two independent shares; 0 …
    infinity, and both for 0 / 0.

    The method of variance estimates recovered (MOVER-R: Donner & Zou 2012, Statistical Methods in
    Medical Research 21:347; Newcombe 2016, same journal 25:1774) from Wilson intervals. Its lower
    end is written with the root below, so that no share divides by zero; the upper end is the
    inverse of the lower end of the inverse.
    """
    first, second = n_first / of_first, n_second / of_second
    of = wilson(n_first, of_first, level), wilson(n_second, of_second, level)
    inverse = _least_ratio(second, of[1], first, of[0])
    return _least_ratio(first, of[0], second, of[1]), 1 / inverse if inverse else float("inf")


def _least_ratio(first: float, of_first: Interval, second: float, of_second: Interval) -> float:
    least = of_first.low * (2 * first - of_first.low)
    most = of_second.high * (2 * second - of_second.high)
    root = np.sqrt(max((first * second) ** 2 - least * most, 0.0))
    return float(least / (first * second + root)) if least > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """How often calls are right, with the resamples that all derived intervals are read from."""

    n_hit: int
    """Abnormal films called abnormal."""
    n_abnormal: int
    n_passed: int
    """Normal films called normal."""
    n_normal: int
    sensitivity: Estimate
    specificity: Estimate
    resampled: tuple[Floats, Floats]
    """(resamples,) sensitivity and specificity of the same resamples; nan where one lacks films."""
    estimate: Callable[[float, Floats], Estimate]
    """A figure and its resamples → the figure with its interval."""
    level: float = LEVEL

    def at(self, prevalence: float, of_cohort: bool = False) -> PredictiveValues:
        """Predictive values at a prevalence in (0, 1)."""
        before = prevalence / (1 - prevalence)
        called, passed = (
            [1 - 1 / (1 + before * end) for end in ends] for ends in self._ratio_ends()
        )
        return PredictiveValues(
            prevalence,
            of_cohort,
            self._carried(ppv, prevalence),
            (called[0], called[1]),
            self._carried(npv, prevalence),
            (1 - passed[1], 1 - passed[0]),
        )

    def ratios(self) -> tuple[LikelihoodRatio, LikelihoodRatio]:
        """se / (1 − sp) and (1 − se) / sp.

        They are the odds of PPV and of 1 − NPV at even prevalence, and quantiles are read there:
        a resample without a false call has an infinite ratio, and still counts.
        """
        even, (called, passed) = self.at(0.5), self._ratio_ends()
        return (
            LikelihoodRatio(_odds(even.ppv), called),
            LikelihoodRatio(_odds(_complement(even.npv)), passed),
        )

    def _ratio_ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Intervals of both likelihood ratios, films as independent."""
        n_missed, n_false = self.n_abnormal - self.n_hit, self.n_normal - self.n_passed
        return (
            ratio_interval(self.n_hit, self.n_abnormal, n_false, self.n_normal, self.level),
            ratio_interval(n_missed, self.n_abnormal, self.n_passed, self.n_normal, self.level),
        )

    def _carried(
        self, formula: Callable[[Floats, Floats, float], Floats], prevalence: float
    ) -> Estimate:
        measured = (np.asarray(self.sensitivity.value), np.asarray(self.specificity.value))
        value = float(formula(*measured, prevalence))
        return self.estimate(value, formula(*self.resampled, prevalence))


def _complement(one: Estimate) -> Estimate:
    ends = replace(one.interval, low=1 - one.interval.high, high=1 - one.interval.low)
    return Estimate(1 - one.value, ends)


def _odds(one: Estimate) -> Estimate:
    low, high = _odds_of(one.interval.low), _odds_of(one.interval.high)
    return Estimate(_odds_of(one.value), replace(one.interval, low=low, high=high))


def _odds_of(probability: float) -> float:
    return float("inf") if probability == 1 else probability / (1 - probability)
