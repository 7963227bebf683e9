"""Scores of heatmaps with intervals, and which of the maps that know nothing they beat.

The evidence is the film: a method and a baseline are compared on the films for which both have a
score, difference by difference, and groups are resampled, as in `intervals`. A method beats a
baseline where the interval of the mean difference lies wholly on the good side of zero. The price
of such a rule: with many methods, baselines and scores some are beaten by luck, one in forty at the
usual level for each pair; and a bootstrap of a few groups is too sure of itself, so that nothing is
beaten unless there are as many groups as a sign test would need at that level (`enough_groups`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spondyl.trust.intervals import LEVEL, N_RESAMPLES, Interval, MeanBootstrap
from spondyl.trust.metrics import Floats

Direction = Literal["higher", "lower", "none"]
"""Which values are better; entropy and its like have no direction."""


@dataclass(frozen=True, slots=True)
class Average:
    """Mean of a score over the films for which it is defined."""

    name: str
    """Method or baseline."""
    mean: float
    """nan where no film has a value."""
    interval: Interval
    """Of the mean, by group bootstrap."""
    n_defined: int
    n_films: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A method's score less a baseline's, over the films for which both are defined."""

    baseline: str
    mean: float
    interval: Interval
    n_films: int
    beats: bool
    """Whether the interval lies wholly on the good side of zero, and stands on enough groups."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A method's average beside its differences to every baseline."""

    average: Average
    differences: tuple[Difference, ...]

    @property
    def beats(self) -> tuple[str, ...]:
        """The baselines that it beats, in the given order."""
        return tuple(one.baseline for one in self.differences if one.beats)

    @property
    def does_not_beat(self) -> tuple[str, ...]:
        """The others."""
        return tuple(one.baseline for one in self.differences if not one.beats)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One score of all methods and baselines on the same films."""

    score: str
    direction: Direction
    methods: tuple[Judged, ...]
    baselines: tuple[Average, ...]

    def sentence(self, method: str) -> str:
        """What a report says of a method: "beats every baseline", or which it does not beat.

        KeyError for a method that was not judged.
        """
        judged = {one.average.name: one for one in self.methods}[method]
        if self.direction == "none":
            return "has no better or worse"
        if not judged.differences:
            return "stands beside no baseline"
        if judged.does_not_beat:
            return f"does not beat: {', '.join(judged.does_not_beat)}"
        return "beats every baseline"


def judge(
    score: str,
    direction: Direction,
    methods: Mapping[str, Floats],
    baselines: Mapping[str, Floats],
    groups: Sequence[str],
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Judgement:
    """Means, paired differences and what they beat, of the values (n,) of one score.

    Row i of every array is film i, whose group is `groups[i]`; nan where the score is undefined
    (None of a score in `localisation`). Raises ValueError for arrays of another length, or a name
    that is both method and baseline.
    """
    wrong = [
        name
        for values in (methods, baselines)
        for name, rows in values.items()
        if np.shape(rows) != (len(groups),)
    ]
    if wrong or not groups or set(methods) & set(baselines):
        raise ValueError(f"{score}: {wrong or 'names'} do not fit {len(groups)} films")
    resamples = MeanBootstrap.draw(groups, seed, n_resamples, level)

    def judged(name: str) -> Judged:
        values = methods[name]
        differences = tuple(
            _difference(resamples, baseline, values - rows, direction)
            for baseline, rows in baselines.items()
        )
        return Judged(_average(resamples, name, values), differences)

    return Judgement(
        score,
        direction,
        tuple(judged(name) for name in methods),
        tuple(_average(resamples, name, values) for name, values in baselines.items()),
    )


def enough_groups(n: int, level: float = LEVEL) -> bool:
    """Whether a two-sided sign test of `n` groups that all agree would reach `level`: 2 · 2⁻ⁿ ≤
    1 − level; six groups at 95 %."""
    return bool(2.0 ** (1 - n) <= 1 - level)


def _average(resamples: MeanBootstrap, name: str, values: Floats) -> Average:
    defined = ~np.isnan(values)
    interval = resamples.interval(values)
    return Average(name, _mean(values[defined]), interval, int(defined.sum()), len(values))


def _difference(
    resamples: MeanBootstrap, baseline: str, values: Floats, direction: Direction
) -> Difference:
    defined = ~np.isnan(values)
    interval = resamples.interval(values)
    better = {"higher": interval.low > 0, "lower": interval.high < 0, "none": False}[direction]
    beats = better and enough_groups(interval.n_units, interval.level)
    return Difference(baseline, _mean(values[defined]), interval, int(defined.sum()), beats)


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
