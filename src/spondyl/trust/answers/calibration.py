"""Whether a probability means what it says, before and after one temperature for each fold.

Decision: the temperature of a fold is fitted on the films of the *other* folds, so no film has a
part in how its own probabilities are scaled. The price: a fold's temperature is that of its
neighbours' networks, and a network that is much surer than they are stays too sure.

A temperature is looked for between `LOWEST_T` and `HIGHEST_T`. Where the other folds are separated
perfectly their log loss falls for ever as T falls; the temperature is then `LOWEST_T`, and the
record says "lowest". Where films were told wrongly and the logits are so small that a T below
`LOWEST_T` would be best it is `LOWEST_T` as well, "clamped". Where they are worse than chance it is
`HIGHEST_T`, "highest". Where every film's logits are equal no temperature changes anything; it is
1, "flat".

An expected calibration error is never negative, so that of a calibrated network is above zero, and
its bootstrap lies above itself: read it beside `ece_if_calibrated`, and read the slope first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from spondyl.learn.predictions import PredictionTable
from spondyl.trust import intervals
from spondyl.trust.answers.selective import why_not_across_folds
from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Estimate,
    GroupBootstrap,
    Interval,
    MeanBootstrap,
    NotRun,
    percentile_interval,
)
from spondyl.trust.metrics import Floats, film_log_losses

LOWEST_T, HIGHEST_T = 0.05, 20.0
"""Between these a temperature is looked for."""
N_BINS = 10
"""Of equal width; with a few hundred films more of them would mostly be noise."""

Bound = Literal["", "lowest", "clamped", "highest", "flat"]


@dataclass(frozen=True, slots=True)
class Temperature:
    """What the logits of a fold are divided by."""

    fold: int
    value: float
    n_films: int
    """Films of the other folds, on which it was fitted."""
    bound: Bound
    """Where it was stopped, by the rule of this module; empty where it was not."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The films whose probability lies in (low, high]; the first bin holds 0 as well."""

    low: float
    high: float
    n: int
    mean_probability: float
    """nan in an empty bin."""
    n_true: int
    """Films that were called right, or that are of the class."""
    share: float
    """n_true / n; nan in an empty bin."""
    interval: Interval
    """Of `share`, Wilson: films are taken as independent; (0, 1) in an empty bin."""


@dataclass(frozen=True, slots=True)
class ClassCalibration:
    """One class against the rest, by its probability rather than by what was called."""

    label: str
    n: int
    """Films of the class."""
    mean_probability: float
    share: float
    """Films of the class / all films."""
    gap: Estimate
    """Mean probability − share, -1 … 1: calibration in the large."""
    ece: float
    """Of the probability of this class, equal-width bins (classwise ECE, Kull et al. 2019)."""


@dataclass(frozen=True, slots=True)
class CalibrationScores:
    """How well confidences (largest probabilities) and probabilities of one table agree with it."""

    n: int
    n_groups: int
    accuracy: float
    mean_confidence: float
    excess: Estimate
    """Mean confidence − accuracy, -1 … 1; above 0 is too sure."""
    ece: Estimate
    """Σ films of bin / films · |accuracy − mean confidence of bin| over `bins` (Naeini, Cooper &
    Hauskrecht 2015); 0 … 1."""
    ece_if_calibrated: float
    """Mean ECE of a network with these confidences each of which is true (Bröcker & Smith 2007;
    Vaicenavicius et al. 2019), the films of a group right or wrong together."""
    ece_p_value: float
    """Share of such networks that look at least as bad as this one."""
    brier: Estimate
    """0 … 2 (Brier 1950)."""
    log_loss: Estimate
    """Nats."""
    slope: Estimate
    """Factor by which logits would have to be multiplied to have the least log loss on this very
    table: 1 is calibrated, below 1 too sure (Cox 1958, with one slope for all classes and no
    intercept)."""
    slope_bound: Bound
    """As for a temperature, which is 1 / slope."""
    classes: tuple[ClassCalibration, ...]
    """In the order of the label set."""
    bins: tuple[ReliabilityBin, ...]
    """Of the confidence in what was called."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A table's calibration as it came, and after temperatures from the other folds."""

    before: CalibrationScores
    temperatures: tuple[Temperature, ...]
    after: CalibrationScores | None
    why_not_after: str
    """Empty where there is an `after`."""


def temperature(logits: Floats, truth: NDArray[np.int64]) -> tuple[float, Bound]:
    """The T for which logits / T, (n, k), have the least log loss (Guo et al. 2017), and where it
    was stopped. The log loss is convex in 1 / T, so the root of its derivative is the minimum."""
    if np.ptp(logits, axis=1).max() == 0:
        return 1.0, "flat"

    def slope(log_t: float) -> float:
        return float(_film_slopes(logits, truth, np.exp(-log_t)).mean())

    lowest, highest = np.log(LOWEST_T), np.log(HIGHEST_T)
    if slope(lowest) <= 0:
        told_rightly = (logits.argmax(axis=1) == truth).all()
        return LOWEST_T, "lowest" if told_rightly else "clamped"
    if slope(highest) >= 0:
        return HIGHEST_T, "highest"
    return float(np.exp(brentq(slope, lowest, highest, xtol=1e-10))), ""


def calibrated(table: PredictionTable) -> tuple[PredictionTable, tuple[Temperature, ...]] | NotRun:
    """The table with logits / T, T of each fold fitted on the others; or why not.

    What is predicted stays what it was, up to rounding of equal logits.
    """
    if reason := why_not_across_folds(table):
        return reason
    fitted = []
    for fold in np.unique(table.folds):
        outside = table.folds != fold
        value, bound = temperature(table.logits[outside], table.truth[outside])
        fitted.append(Temperature(int(fold), value, int(outside.sum()), bound))
    values = {one.fold: one.value for one in fitted}
    divisors = np.array([values[int(fold)] for fold in table.folds])
    return replace(table, logits=table.logits / divisors[:, None]), tuple(fitted)


def calibration(
    table: PredictionTable, seed: int, n_resamples: int = N_RESAMPLES, level: float = LEVEL
) -> Calibration:
    """Scores before and after temperature scaling. Raises ValueError for an empty table."""
    before = calibration_scores(table, seed, n_resamples, level)
    scaled = calibrated(table)
    if isinstance(scaled, NotRun):
        return Calibration(before, (), None, scaled.why)
    after, temperatures = scaled
    scores = calibration_scores(after, seed, n_resamples, level)
    return Calibration(before, temperatures, scores, "")


def calibration_scores(
    table: PredictionTable, seed: int, n_resamples: int = N_RESAMPLES, level: float = LEVEL
) -> CalibrationScores:
    """The scores of a table as it is. Raises ValueError for an empty one."""
    if len(table) == 0:
        raise ValueError("no predictions to score")
    bootstrap = GroupBootstrap.draw(table, seed, n_resamples)
    means = MeanBootstrap(bootstrap.counts, bootstrap.film_group, level)
    confidence = table.probabilities.max(axis=1)
    right = (table.predicted == table.truth).astype(np.float64)
    squares = ((table.probabilities - _one_hot(table)) ** 2).sum(axis=1)
    expected, p_value = _if_calibrated(bootstrap, right, confidence, seed)
    return CalibrationScores(
        n=len(table),
        n_groups=bootstrap.counts.shape[1],
        accuracy=float(right.mean()),
        mean_confidence=float(confidence.mean()),
        excess=_mean(means, confidence - right),
        ece=_ece_estimate(bootstrap, right, confidence, level),
        ece_if_calibrated=expected,
        ece_p_value=p_value,
        brier=_mean(means, squares),
        log_loss=_mean(means, film_log_losses(table)),
        slope=_slope_estimate(bootstrap, level),
        slope_bound=temperature(table.logits, table.truth)[1],
        classes=_classes(table, means),
        bins=reliability(table, level=level),
    )


def reliability(
    table: PredictionTable, label: str | None = None, level: float = LEVEL
) -> tuple[ReliabilityBin, ...]:
    """All bins from 0 to 1 of the confidence in what was called, or of the probability of
    `label`."""
    if label is None:
        values, true = table.probabilities.max(axis=1), table.predicted == table.truth
    else:
        column = table.labels.column(label)
        values, true = table.probabilities[:, column], table.truth == column
    bins, edges = equal_width_bin(values), np.linspace(0, 1, N_BINS + 1)
    return tuple(
        _bin(values[bins == b], true[bins == b], edges[b], edges[b + 1], level)
        for b in range(N_BINS)
    )


def equal_width_bin(values: Floats) -> NDArray[np.int64]:
    """(n,) the bin of each probability, 0 … N_BINS - 1; bins are closed on the right."""
    return np.searchsorted(np.linspace(0, 1, N_BINS + 1)[1:-1], values)


def ece(true: Floats, probability: Floats, weights: Floats | None = None) -> Floats:
    """Σ over equal-width bins of |Σ (true − probability) in the bin| / films.

    `true` (0 or 1) and `probability` are (n,); `weights` (…, n) says how often each film is in a
    resample and gives a result of shape (…,).
    """
    counted = np.ones(len(true)) if weights is None else weights
    in_bins = np.zeros((len(true), N_BINS))
    in_bins[np.arange(len(true)), equal_width_bin(probability)] = true - probability
    return np.asarray(np.abs(counted @ in_bins).sum(-1) / counted.sum(-1))


def _bin(
    values: Floats, true: NDArray[np.bool_], low: float, high: float, level: float
) -> ReliabilityBin:
    n, n_true = len(values), int(true.sum())
    mean, share = (float(values.mean()), n_true / n) if n else (float("nan"), float("nan"))
    wilson = intervals.wilson(n_true, n, level)
    return ReliabilityBin(float(low), float(high), n, mean, n_true, share, wilson)


def _film_slopes(logits: Floats, truth: NDArray[np.int64], factor: float) -> Floats:
    """(n,) derivative of each film's log loss by the `factor` of its logits; it rises with it."""
    beside = logits - logits[np.arange(len(truth)), truth][:, None]
    powers = np.exp(factor * (beside - beside.max(axis=1, keepdims=True)))
    return np.asarray((powers * beside).sum(axis=1) / powers.sum(axis=1))


def _slope_estimate(bootstrap: GroupBootstrap, level: float) -> Estimate:
    """Best factor of the logits. Of each resample: its derivative on a grid of factors, and between
    two points a straight line."""
    table, n_groups = bootstrap.table, bootstrap.counts.shape[1]
    value, bound = temperature(table.logits, table.truth)
    if bound == "flat":
        undefined = np.full(len(bootstrap.counts), np.nan)
        return Estimate(float("nan"), percentile_interval(undefined, n_groups, level))
    factors = np.geomspace(1 / HIGHEST_T, 1 / LOWEST_T, 240)
    films = np.stack([_film_slopes(table.logits, table.truth, f) for f in factors], axis=1)
    groups = np.zeros((n_groups, len(factors)))
    np.add.at(groups, bootstrap.film_group, films)
    # The smallest number instead of zero: where all are right, slopes end in zeros for want of
    # digits and the factor is the last.
    zero = np.finfo(np.float64).tiny
    found = np.array([np.interp(zero, row, factors) for row in bootstrap.counts @ groups])
    return Estimate(1 / value, percentile_interval(found, n_groups, level))


def _if_calibrated(
    bootstrap: GroupBootstrap, right: Floats, confidence: Floats, seed: int
) -> tuple[float, float]:
    """Mean ECE of 1000 networks whose every confidence is true; the p value of the measured one."""
    draws = np.random.default_rng(seed).random((1000, bootstrap.counts.shape[1]))
    films = draws[:, bootstrap.film_group]
    drawn = np.array([ece(row < confidence, confidence) for row in films])
    as_bad = int((drawn >= ece(right, confidence) - 1e-12).sum())
    return float(drawn.mean()), (1 + as_bad) / 1001


def _ece_estimate(
    bootstrap: GroupBootstrap, right: Floats, confidence: Floats, level: float
) -> Estimate:
    resampled = ece(right, confidence, bootstrap.counts[:, bootstrap.film_group])
    interval = percentile_interval(resampled, bootstrap.counts.shape[1], level)
    return Estimate(float(ece(right, confidence)), interval)


def _one_hot(table: PredictionTable) -> Floats:
    return np.eye(len(table.labels))[table.truth]


def _mean(means: MeanBootstrap, values: Floats) -> Estimate:
    return Estimate(float(values.mean()), means.interval(values))


def _classes(table: PredictionTable, means: MeanBootstrap) -> tuple[ClassCalibration, ...]:
    probabilities, truth = table.probabilities, _one_hot(table)
    return tuple(
        ClassCalibration(
            label,
            int(truth[:, c].sum()),
            float(probabilities[:, c].mean()),
            float(truth[:, c].mean()),
            _mean(means, probabilities[:, c] - truth[:, c]),
            float(ece(truth[:, c], probabilities[:, c])),
        )
        for c, label in enumerate(table.labels.names)
    )
