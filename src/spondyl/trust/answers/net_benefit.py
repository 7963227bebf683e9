"""Whether acting on a network's probability does more good than treating everybody or nobody.

Decision: a threshold probability is both the point from which one acts and the price of acting for
nothing, as decision curve analysis has it (Vickers & Elkin 2006); nothing is chosen on films, so no
folds are needed. The price: it believes the probabilities. Give a table from
`calibration.calibrated`, or a network that is too sure is judged as one that cannot tell.

At another prevalence than the cohort's, probabilities are shifted by the ratio of the odds before
the film was seen (Elkan 2001; Saerens, Latinne & Decaestecker 2002): whoever acts there would have
to act on those. Programs that only reweigh the two rates let the network act as it would here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spondyl.data.labels import NORMAL
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers.screening import Screened, screened
from spondyl.trust.intervals import LEVEL, N_RESAMPLES, Estimate, NotRun
from spondyl.trust.metrics import Floats

THRESHOLDS = tuple(percent / 100 for percent in range(1, 51))
"""Threshold probabilities of a curve."""


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """Net benefits at one threshold probability, in true positives per film."""

    threshold: float
    n_called: int
    """Films whose probability reaches it."""
    model: Estimate
    """Of acting on these; at most the prevalence. The interval is of groups, the prevalence
    fixed."""
    treat_all: float
    """Of acting on every film; of acting on none it is 0."""


@dataclass(frozen=True, slots=True)
class DecisionCurve:
    """Net benefit over threshold probabilities where this share of those filmed is abnormal."""

    prevalence: float
    of_cohort: bool
    """Whether it is the share of abnormal films in the cohort, which is nobody's population."""
    points: tuple[DecisionPoint, ...]
    """By rising threshold, or in the order that was asked for."""


def net_benefit(
    sensitivity: Floats, specificity: Floats, prevalence: float, threshold: float
) -> Floats:
    """p se − (1 − p)(1 − sp) t / (1 − t), shapes as given; nan where a rate is.

    At the cohort's prevalence it is TP / n − FP / n · t / (1 − t) (Vickers & Elkin 2006, Medical
    Decision Making 26:565).
    """
    weight = threshold / (1 - threshold)
    found = prevalence * np.asarray(sensitivity)
    return np.asarray(found - (1 - prevalence) * (1 - np.asarray(specificity)) * weight)


def shifted(probability: Floats, prevalence: float, to: float) -> Floats:
    """Probabilities (n,) of abnormal at one prevalence, as they are at another: their odds times
    the ratio of the odds of both prevalences."""
    for_it = probability * to / prevalence
    against = (1 - probability) * (1 - to) / (1 - prevalence)
    return np.asarray(for_it / (for_it + against))


def decision_curve(
    table: PredictionTable,
    seed: int,
    prevalence: float | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
    negative: str = NORMAL,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> DecisionCurve | NotRun:
    """The curve at a stated prevalence; None: at the cohort's own. Not run where the films are of
    one kind, or no label is called `negative`.

    Raises ValueError for a threshold or prevalence outside (0, 1).
    """
    stated = thresholds if prevalence is None else (*thresholds, prevalence)
    if not all(0 < one < 1 for one in stated):
        raise ValueError(f"thresholds {tuple(thresholds)}, prevalence {prevalence}")
    films = screened(table, seed, negative, n_resamples, level)
    if isinstance(films, NotRun):
        return films
    at = films.prevalence if prevalence is None else prevalence
    points = tuple(_point(films, at, threshold) for threshold in thresholds)
    return DecisionCurve(at, prevalence is None, points)


def _point(films: Screened, prevalence: float, threshold: float) -> DecisionPoint:
    called = shifted(films.score, films.prevalence, prevalence) >= threshold
    rates = films.rates(called)
    measured = (np.asarray(rates.sensitivity.value), np.asarray(rates.specificity.value))
    model, everybody = (
        float(net_benefit(*shares, prevalence, threshold))
        for shares in (measured, (np.asarray(1.0), np.asarray(0.0)))
    )
    resampled = net_benefit(*rates.resampled, prevalence, threshold)
    return DecisionPoint(threshold, int(called.sum()), films.estimate(model, resampled), everybody)
