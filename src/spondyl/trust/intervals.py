"""How sure a score is: Wilson and group bootstrap intervals, and exact tests of paired predictions.

All of them are conditional on the networks that were trained: they say what other films of the same
kind would have done to the figure, not what other folds, seeds or hospitals would have done.
A bootstrap resamples groups, because two films of one patient are not two pieces of evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.metrics import Floats

LEVEL = 0.95
N_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    """Nominal coverage, 0 … 1."""
    method: Literal["wilson", "group bootstrap"]
    n_units: int
    """Films for Wilson, groups for the bootstrap."""
    n_resamples: int = 0
    n_undefined: int = 0
    """Resamples in which the score had no value; the interval is of the others."""


@dataclass(frozen=True, slots=True)
class NotRun:
    """Something that could not be computed, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its interval; nan where it has no value."""

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two configurations on the same films, one film per group: who was right where.

    Only the films on which they differ decide: `p_value` is of the exact McNemar test, two-sided.
    """

    first: str
    second: str
    n_films: int
    both_right: int
    first_only: int
    """Films that only `first` got right."""
    second_only: int
    both_wrong: int
    p_value: float

    @property
    def decided_by(self) -> int:
        """The number of films on which exactly one of the two was right."""
        return self.first_only + self.second_only


def wilson(n_right: int, n: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927, JASA 22:209); (0, 1) for n = 0.

    It treats films as independent: with several films per group it is too narrow, and the group
    bootstrap is the one to read.
    """
    if not 0 <= n_right <= n or not 0 < level < 1:
        raise ValueError(f"{n_right} of {n} at level {level}")
    if n == 0:
        return Interval(0.0, 1.0, level, "wilson", 0)
    z = float(stats.norm.ppf((1 + level) / 2))
    share = n_right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if n_right == 0 else float(centre - half)
    high = 1.0 if n_right == n else float(centre + half)
    return Interval(low, high, level, "wilson", n)


@dataclass(frozen=True, slots=True, eq=False)
class GroupBootstrap:
    """Resamples of a table's groups, drawn once and read for any number of scores."""

    table: PredictionTable
    counts: Floats
    """(resamples, groups) how often each group was drawn; rows sum to the number of groups."""
    film_group: NDArray[np.int64]
    """(n,) column of `counts` for each film."""

    @classmethod
    def draw(
        cls, table: PredictionTable, seed: int, n_resamples: int = N_RESAMPLES
    ) -> GroupBootstrap:
        """As many groups as there are, with replacement, `n_resamples` times (Efron 1979)."""
        return cls(table, *_drawn_groups(table.group_ids, seed, n_resamples))

    @property
    def confusions(self) -> Floats:
        """(resamples, k, k) confusion matrix of each resample, a group with all its films."""
        k = len(self.table.labels)
        cells = np.zeros((self.counts.shape[1], k * k))
        np.add.at(cells, (self.film_group, self.table.truth * k + self.table.predicted), 1)
        return (self.counts @ cells).reshape(-1, k, k)

    def of_confusions(self, score: Callable[[Floats], Floats], level: float = LEVEL) -> Interval:
        """Percentile interval of a score that maps (…, k, k) confusion matrices to (…,)."""
        return self._interval(score(self.confusions), level)

    def of_auc(self, column: int, level: float = LEVEL) -> Interval:
        """Percentile interval of the one-vs-rest AUC of label `column` on pooled probabilities."""
        areas = metrics.auc(
            self.table.probabilities[:, column],
            self.table.truth == column,
            self.counts[:, self.film_group],
        )
        return self._interval(areas, level)

    def _interval(self, values: Floats, level: float) -> Interval:
        return percentile_interval(values, self.counts.shape[1], level)


@dataclass(frozen=True, slots=True, eq=False)
class MeanBootstrap:
    """Resamples of the films' groups, drawn once and read for every mean (Efron 1979)."""

    counts: Floats
    """(resamples, groups) how often each group was drawn."""
    film_group: NDArray[np.int64]
    """(n,) column of `counts` for each film."""
    level: float

    @classmethod
    def draw(
        cls,
        groups: Sequence[str],
        seed: int,
        n_resamples: int = N_RESAMPLES,
        level: float = LEVEL,
    ) -> MeanBootstrap:
        """As many of the films' `groups` (n,) as there are, with replacement."""
        return cls(*_drawn_groups(groups, seed, n_resamples), level)

    def interval(self, values: Floats) -> Interval:
        """Percentile interval of the mean of `values` (n,), nan where a film has none; a group is
        drawn with all its films."""
        defined = ~np.isnan(values)
        n_groups = self.counts.shape[1]
        films = np.bincount(self.film_group[defined], minlength=n_groups)
        sums = np.bincount(self.film_group[defined], values[defined], minlength=n_groups)
        n_drawn = self.counts @ films
        some = n_drawn > 0
        means = np.full(len(n_drawn), np.nan)
        means[some] = (self.counts @ sums)[some] / n_drawn[some]
        return percentile_interval(means, int((films > 0).sum()), self.level)


def percentile_interval(values: Floats, n_groups: int, level: float = LEVEL) -> Interval:
    """Group bootstrap interval of resampled `values` (resamples,), nan where one has no value."""
    defined = values[~np.isnan(values)]
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(defined, tails) if len(defined) else (np.nan, np.nan)
    n_undefined = len(values) - len(defined)
    return Interval(
        float(low), float(high), level, "group bootstrap", n_groups, len(values), n_undefined
    )


def _drawn_groups(
    groups: Sequence[str], seed: int, n_resamples: int
) -> tuple[Floats, NDArray[np.int64]]:
    """(resamples, groups) how often each group was drawn, and (n,) the column of each film."""
    names, film_group = np.unique(np.array(groups), return_inverse=True)
    even = np.full(len(names), 1 / len(names))
    drawn = np.random.default_rng(seed).multinomial(len(names), even, size=n_resamples)
    return drawn.astype(np.float64), film_group.astype(np.int64)


def mcnemar_p(first_only: int, second_only: int) -> float:
    """Two-sided exact p of the McNemar test: both kinds of disagreement equally likely.

    Twice the smaller binomial tail, at most 1 (McNemar 1947; exact form Fagerland 2013); 1 where
    nothing disagrees.
    """
    n = first_only + second_only
    return min(1.0, 2 * float(stats.binom.cdf(min(first_only, second_only), n, 0.5)))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p values corrected for their number, in the given order (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    stepped = np.minimum(1.0, np.maximum.accumulate(np.array(p_values)[order] * factors))
    corrected = np.empty(len(p_values))
    corrected[order] = stepped
    return tuple(float(p) for p in corrected)


def compare(
    first_name: str, first: PredictionTable, second_name: str, second: PredictionTable
) -> PairedComparison:
    """Exact McNemar comparison on the films that both tables hold, one film per group.

    Of each group the film whose id comes first in code point order is taken, whatever was
    predicted. Raises ValueError where the tables disagree about the truth of a film, their labels.
    """
    if first.labels.names != second.labels.names:
        raise ValueError("tables of different label sets cannot be compared")
    row_of = {image_id: i for i, image_id in enumerate(second.image_ids)}
    shared = [i for i, image_id in enumerate(first.image_ids) if image_id in row_of]
    here = np.array([shared[i] for i in first.taken(shared).one_per_group()], dtype=np.int64)
    there = np.array([row_of[first.image_ids[i]] for i in here], dtype=np.int64)
    if (first.truth[here] != second.truth[there]).any():
        raise ValueError("the tables disagree about the truth of a film")
    a = first.predicted[here] == first.truth[here]
    b = second.predicted[there] == second.truth[there]
    first_only, second_only = int((a & ~b).sum()), int((~a & b).sum())
    return PairedComparison(
        first_name,
        second_name,
        len(here),
        int((a & b).sum()),
        first_only,
        second_only,
        int((~a & ~b).sum()),
        mcnemar_p(first_only, second_only),
    )
