"""Sets of labels instead of one: how often the true label is in the set, as stated beforehand.

A label stays in a film's set while 1 − its probability is at most a threshold, and the threshold is
an order statistic of 1 − p(true label) over films kept aside (LAC: Sadinle, Lei & Wasserman 2019,
JASA 114:223). One threshold serves all labels ("marginal"), or each label has that of its own films
("by label", Mondrian: Vovk, Gammerman & Shafer 2005, section 4.5), so that a rare label is not left
out for the sake of the average.

Decision: MAPIE makes scores and thresholds, one film of each group is asked, and where films are
too few for the stated share a label is in every set. The price: copies of a film count for nothing,
and small cohorts get sets that say little, which is the truth.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable
from spondyl.trust.metrics import Floats

_SLACK = 1e-8  # MAPIE's: a score that is above a threshold by rounding alone is not above it

Kind = Literal["marginal", "by label"]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What decides which labels a set holds; applies to probabilities scaled as those it is of."""

    kind: Kind
    alpha: float
    """Share of films whose set may miss their label."""
    labels: tuple[str, ...]
    n: tuple[int, ...]
    """Of each label: the groups whose films made its threshold."""
    at_most: tuple[float | None, ...]
    """Of each label: it is in a set where 1 − its probability is at most this, 0 … 1. None where
    the groups were too few for `alpha`: the label is then in every set."""

    @property
    def smallest_alpha(self) -> tuple[float, ...]:
        """Of each label: below 1 / (n + 1) it would be in every set."""
        return tuple(1 / (n + 1) for n in self.n)

    def sets(self, probabilities: Floats) -> Bools:
        """(n, labels) whether the label is in the film's set; a set may be empty.

        Raises ValueError for probabilities of other labels, or that are no numbers.
        """
        if probabilities.ndim != 2 or probabilities.shape[1] != len(self.labels):
            raise ValueError(f"probabilities {probabilities.shape} for {len(self.labels)} labels")
        if np.isnan(probabilities).any():
            raise ValueError("probabilities that are no numbers")
        at_most = np.array([np.inf if one is None else one for one in self.at_most])
        return np.asarray((1 - probabilities) - at_most <= _SLACK)


@dataclass(frozen=True, slots=True)
class Promised:
    """Where a measured coverage lies in `level` of all tables of this size, if films are
    exchangeable and no two scores are equal (equal ones can only raise it)."""

    low: float
    high: float
    level: float


def thresholds_of(
    probabilities: Floats,
    truth: NDArray[np.int64],
    names: tuple[str, ...],
    alpha: float,
    kind: Kind,
) -> Thresholds:
    """Thresholds of films kept aside, one per group, that neither taught nor steered the networks:
    their `probabilities` (n, labels) and the columns (n,) of their labels.

    Sets of new films like these hold the true label in at least 1 − `alpha` on average (Vovk,
    Gammerman & Shafer 2005; Lei et al. 2018, JASA 113:1094), of each label if `kind` is "by label".
    """
    if kind == "marginal":
        limit = _threshold(probabilities, truth, alpha)
        return Thresholds(kind, alpha, names, (len(truth),) * len(names), (limit,) * len(names))
    of = [truth == column for column in range(len(names))]
    limits = tuple(_threshold(probabilities[films], truth[films], alpha) for films in of)
    return Thresholds(kind, alpha, names, tuple(int(films.sum()) for films in of), limits)


def _threshold(probabilities: Floats, truth: NDArray[np.int64], alpha: float) -> float | None:
    """The `rank`-th smallest of 1 − p(true label), as the largest that MAPIE keeps; None where n is
    smaller than that rank."""
    n = len(truth)
    at = rank(n, alpha)
    if at > n:
        return None
    if at == n:  # the largest of all, for which MAPIE may want one film more
        return float((1 - probabilities[np.arange(n), truth]).max())
    from mapie.classification import (  # type: ignore[import-untyped]
        SplitConformalClassifier,  # seconds to import, and only needed where thresholds are made
    )

    amid = (at - 0.5) / (n + 1)  # the same rank as 1 − α, which rounding can take one film further
    conformal = SplitConformalClassifier(
        _AsGiven(probabilities.shape[1]), amid, conformity_score="lac", prefit=True
    )
    with warnings.catch_warnings():  # of a label's own films all but one label are missing
        warnings.filterwarnings("ignore", "WARNING: your conformalization dataset has less labels")
        conformal.conformalize(probabilities, truth)
    kept = conformal.predict_set(probabilities)[1][np.arange(n), truth, 0]
    return float(conformal.conformity_scores.ravel()[kept].max())


class _AsGiven:
    """A classifier, to MAPIE, that takes probabilities for a film and gives them back."""

    def __init__(self, n_labels: int) -> None:
        self.classes_ = np.arange(n_labels)

    def fit(self, *_: object) -> _AsGiven:
        return self

    def predict(self, probabilities: Floats) -> NDArray[np.int64]:
        return probabilities.argmax(axis=1)

    def predict_proba(self, probabilities: Floats) -> Floats:
        return probabilities


def rank(n: int, alpha: float) -> int:
    """Which of `n` scores, from the smallest, is the threshold: ⌈(n + 1)(1 − α)⌉; n + 1 where they
    are too few for any."""
    return math.ceil((n + 1) * (1 - alpha) - 1e-9)


def refuse_impossible(table: PredictionTable, alpha: float) -> None:
    """Raises ValueError for an `alpha` outside 0 … 0.5, and an empty table."""
    if not 0 < alpha <= 0.5:
        raise ValueError(f"an alpha of {alpha}")
    if len(table) == 0:
        raise ValueError("no predictions to make sets of")
