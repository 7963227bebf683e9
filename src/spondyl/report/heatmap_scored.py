"""The scores of one configuration's heatmaps as arrays over its films, ready to be judged.

Decision: films stand in the order drawn for every score, with nan where one has none, so that
whatever is compared is compared film by film; the price is an array for each score and maker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spondyl.explain.score_table import BASELINES
from spondyl.explain.study.record import Explanations
from spondyl.report.heatmap_words import Check, Score
from spondyl.trust.heatmap_scores import Judgement, judge
from spondyl.trust.metrics import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Scores of one configuration as arrays over its films, ready to be judged."""

    explanations: Explanations
    groups: tuple[str, ...]
    seed: int
    """Of the resamples."""

    @classmethod
    def of(cls, explanations: Explanations, seed: int) -> Scored:
        """The scores of `explanations`, films in the order drawn."""
        group = explanations.table.groups
        return cls(explanations, tuple(group[i] for i in explanations.about.image_ids), seed)

    @property
    def methods(self) -> tuple[str, ...]:
        """One of each picture."""
        return tuple(together[0] for together in self.explanations.about.pictures)

    def values(self, score: str, maker: str) -> Floats:
        """(n,) of every film, nan where it has no such score."""
        found = self.explanations.table.by_film(score, maker)
        return np.array([found.get(i, np.nan) for i in self.explanations.about.image_ids])

    def judged(self, score: Score | Check, method: str, beside: Mapping[str, Floats]) -> Judgement:
        """One method's score beside others'."""
        values = {method: self.values(score.name, method)}
        return judge(score.name, score.direction, values, beside, self.groups, self.seed)

    def baselines(self, score: str) -> dict[str, Floats]:
        """Those that have the score on any film."""
        found = {maker: self.values(score, maker) for maker in BASELINES}
        return {maker: values for maker, values in found.items() if any_value(values)}


def any_value(values: Floats) -> bool:
    """Whether any of the values is a number."""
    return bool((~np.isnan(values)).any())
