"""The same films as they are and changed: what every figure of a change is made of.

Differences are taken film by film, so none of them comes from other films; groups are resampled, as
in `intervals`, with one seed, so that all figures of the same films see the same resamples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable
from spondyl.trust.asking.questioning import Answers
from spondyl.trust.intervals import Estimate, GroupBootstrap, MeanBootstrap
from spondyl.trust.metrics import Floats

UNCHANGED = "unchanged"
"""Name of the answers to films as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The same films as they are and changed, rows alike, and resamples of their groups."""

    before: PredictionTable
    after: PredictionTable
    n_left_out: int
    means: MeanBootstrap
    groups: GroupBootstrap
    """Of the changed films."""

    @classmethod
    def of(cls, whole: PredictionTable, answers: Answers, seed: int, n_resamples: int) -> Pair:
        """The films that were answered for under a change, beside those of the `whole` as they are.

        Raises ValueError for answers of films that are not in `whole`.
        """
        after = answers.predictions
        before = PredictionTable.joined([whole], after.image_ids)
        if before.image_ids != after.image_ids or (before.truth != after.truth).any():
            raise ValueError(f"{answers.change}: of other films than the unchanged ones")
        return cls.drawn(before, after, len(answers.left_out), seed, n_resamples)

    @classmethod
    def drawn(
        cls,
        before: PredictionTable,
        after: PredictionTable,
        n_left_out: int,
        seed: int,
        n_resamples: int,
    ) -> Pair:
        """The pair with its resamples."""
        means = MeanBootstrap.draw(after.group_ids, seed, n_resamples)
        groups = GroupBootstrap.draw(after, seed, n_resamples)
        return cls(before, after, n_left_out, means, groups)

    def of_films(self, image_ids: Sequence[str], seed: int, n_resamples: int) -> Pair:
        """The pair on some of its films, in their order."""
        if tuple(image_ids) == self.after.image_ids:
            return self
        before, after = (
            PredictionTable.joined([table], image_ids) for table in (self.before, self.after)
        )
        return self.drawn(before, after, self.n_left_out, seed, n_resamples)

    @property
    def drops(self) -> Floats:
        """(n,) 1 where only the unchanged film is called rightly, -1 where only the changed."""
        return right(self.before) - right(self.after)

    @property
    def gains(self) -> Floats:
        """(n,) the true label's probability, changed less unchanged."""
        return _true_probability(self.after) - _true_probability(self.before)


def shared(pairs: Sequence[Pair], seed: int, n_resamples: int) -> list[Pair]:
    """The pairs on the films that all of them have; none of them where they share no film."""
    ids = [set(pair.after.image_ids) for pair in pairs]
    everywhere = set.intersection(*ids) if ids else set()
    if not everywhere:
        return []
    order = [image_id for image_id in pairs[0].after.image_ids if image_id in everywhere]
    return [pair.of_films(order, seed, n_resamples) for pair in pairs]


def right(table: PredictionTable) -> Floats:
    """(n,) 1 for a film that is called what it is, else 0."""
    return np.asarray(table.predicted == table.truth, np.float64)


def _true_probability(table: PredictionTable) -> Floats:
    return table.probabilities[np.arange(len(table)), table.truth]


def mean(means: MeanBootstrap, values: Floats | NDArray[np.bool_]) -> Estimate:
    """Of the films that have a value (n,), nan being none; nan where none has."""
    values = np.asarray(values, np.float64)
    defined = values[~np.isnan(values)]
    value = float(defined.mean()) if len(defined) else math.nan
    return Estimate(value, means.interval(values))
