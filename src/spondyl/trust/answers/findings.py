"""What is said of each finding by itself, where films may have several.

A label is then a combination (the label powerset, Tsoumakas & Katakis 2007, Int. J. Data
Warehousing and Mining 3(3):1). A finding's probability is the sum over the labels that hold it, and
it is called where the most probable label holds it, so that all findings called of a film stand in
one combination that was learned. The price: a finding of probability above one half may go
uncalled, where it is shared among labels none of which is the likeliest; what a threshold on its
own probability would do, its AUC tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Estimate,
    GroupBootstrap,
    Interval,
    MeanBootstrap,
    percentile_interval,
    wilson,
)
from spondyl.trust.metrics import Floats


@dataclass(frozen=True, slots=True)
class FindingScores:
    """One finding: films that have it against all others. Intervals are of groups, except where
    said."""

    finding: str
    labels: tuple[str, ...]
    """Those that hold it."""
    n: int
    """Films that have it."""
    n_called: int
    sensitivity: Estimate
    """Of the films that have it, the share that was called so."""
    sensitivity_wilson: Interval
    """Films taken as independent."""
    specificity: Estimate
    """Of the films that have it not, the share that was not called so."""
    specificity_wilson: Interval
    auc: Estimate
    """Of its probability, over all films, the scales of several networks mixed."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings of a table whose films may have several."""

    scores: tuple[FindingScores, ...]
    """In the order in which the labels first name them."""
    hamming_loss: Estimate
    """Share of all (film, finding) pairs that are wrong, 0 … 1 (Tsoumakas & Katakis 2007, 3.3)."""
    exact_match: Estimate
    """Share of films of which every finding is right: the accuracy of the labels."""


def findings(
    table: PredictionTable, seed: int, n_resamples: int = N_RESAMPLES, level: float = LEVEL
) -> Findings | None:
    """The scores of each finding; None where no label is a combination.

    Raises ValueError for an empty table.
    """
    if not table.labels.combinations:
        return None
    if len(table) == 0:
        raise ValueError("no predictions to score")
    holds = holding(table)
    of_films, called = holds[table.truth], holds[table.predicted]
    wrong = (of_films != called).mean(axis=1)
    exact = (table.predicted == table.truth).astype(np.float64)
    means = MeanBootstrap.draw(table.group_ids, seed, n_resamples, level)
    bootstrap = GroupBootstrap.draw(table, seed, n_resamples)
    chances = probabilities(table)
    return Findings(
        tuple(
            _scores(
                *(table, bootstrap, means, column),
                of_films[:, column],
                called[:, column],
                chances[:, column],
            )
            for column in range(holds.shape[1])
        ),
        Estimate(float(wrong.mean()), means.interval(wrong)),
        Estimate(float(exact.mean()), means.interval(exact)),
    )


def holding(table: PredictionTable) -> NDArray[np.bool_]:
    """(labels, findings) whether a label holds a finding."""
    names = table.labels.findings
    return np.array([table.labels.holding(name) for name in names], dtype=bool).T


def probabilities(table: PredictionTable) -> Floats:
    """(n, findings) of each film the probability of each finding: of all labels that hold it."""
    return np.asarray(table.probabilities @ holding(table).astype(np.float64))


def _scores(
    table: PredictionTable,
    bootstrap: GroupBootstrap,
    means: MeanBootstrap,
    column: int,
    has: NDArray[np.bool_],
    called: NDArray[np.bool_],
    chance: Floats,
) -> FindingScores:
    name = table.labels.findings[column]
    held = zip(table.labels.names, table.labels.holding(name), strict=True)
    hit = np.where(has, called, np.nan)
    spared = np.where(has, np.nan, ~called)
    areas = metrics.auc(chance, has, bootstrap.counts[:, bootstrap.film_group])
    return FindingScores(
        finding=name,
        labels=tuple(label for label, holds in held if holds),
        n=int(has.sum()),
        n_called=int(called.sum()),
        sensitivity=_mean(hit, means),
        sensitivity_wilson=wilson(int((has & called).sum()), int(has.sum()), means.level),
        specificity=_mean(spared, means),
        specificity_wilson=wilson(int((~has & ~called).sum()), int((~has).sum()), means.level),
        auc=Estimate(
            float(metrics.auc(chance, has)),
            percentile_interval(areas, bootstrap.counts.shape[1], means.level),
        ),
    )


def _mean(values: Floats, means: MeanBootstrap) -> Estimate:
    """The mean over the films that have a value, and its interval over groups."""
    return Estimate(float(metrics.mean_of_defined(values)), means.interval(values))
