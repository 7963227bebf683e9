"""Where rows look, from the scores of `spondyl study explain`; nothing is explained here.

Decision: one map stands for a row, the first method that was scored, and its name stands beside it;
maps of other methods stay in the run's own report. The price: rows that were explained by different
methods stand in one column, and a note says so. Scores are of each run's own sample of films.

Heat on the spine is held against chance, the spine's share of what the network is shown: a film
cropped to its spine has more of it to begin with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spondyl.explain.study import record
from spondyl.explain.study.record import Explanations
from spondyl.learn.outcome import Outcome
from spondyl.report.comparing.sources import Row
from spondyl.report.heatmap_scored import Scored
from spondyl.report.heatmap_words import CHANCE
from spondyl.trust.intervals import Estimate, MeanBootstrap
from spondyl.trust.metrics import Floats
from spondyl.trust.plain import estimate

OVER_CHANCE = "energy-over-chance"
SCORES = ("energy", f"energy{CHANCE}", OVER_CHANCE, "pointing", "deletion", "insertion")
"""In the order of columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """The means of a row's heatmap scores."""

    method: str
    n_films: int
    """In the sample; fewer have a mask."""
    image_ids: tuple[str, ...]
    """Of the sample; empty for an ensemble."""
    scores: Mapping[str, tuple[Estimate, int]]
    """Name → mean over the films that have the score, and how many they are; absent for none."""

    @property
    def over_chance(self) -> Estimate | None:
        """Share of heat on the spine less chance; None where no film had a mask."""
        found = self.scores.get(OVER_CHANCE)
        return found[0] if found else None


def looks(row: Row, seed: int) -> Looks | None:
    """What was scored of a row's heatmaps; None where nothing was. Raises `SpondylError` where the
    scores were changed since they were made."""
    if not isinstance(row.of, Outcome):
        return _of_ensemble(row.of.document)
    for source in row.sources:
        explained = record.load(source.folder, row.of.configuration)
        if explained is not None:
            return _of_study(explained, seed)
    return None


def _of_study(explained: Explanations, seed: int) -> Looks:
    scored = Scored.of(explained, seed)
    method = scored.methods[0]
    resamples = MeanBootstrap.draw(scored.groups, seed)
    means: dict[str, tuple[Estimate, int]] = {}
    for name in SCORES:
        values = _values(scored, name, method)
        defined = values[~np.isnan(values)]
        if len(defined):
            mean = Estimate(float(defined.mean()), resamples.interval(values))
            means[name] = (mean, len(defined))
    ids = explained.about.image_ids
    return Looks(method, len(ids), tuple(sorted(ids)), means)


def _values(scored: Scored, name: str, method: str) -> Floats:
    if name != OVER_CHANCE:
        return scored.values(name, method)
    return scored.values("energy", method) - scored.values(f"energy{CHANCE}", method)


def _of_ensemble(document: Mapping[str, Any]) -> Looks | None:
    maps = document.get("maps")
    if maps is None:
        return None
    placed, means = maps.get("placed"), {}
    if placed is not None:
        for name, key in (("energy", "ensemble"), (f"energy{CHANCE}", "chance")):
            said = placed[key]
            means[name] = (estimate(said), placed["n"])
        gain = placed["ensemble"]["value"] - placed["chance"]["value"]
        # Its record keeps no film's value, so nothing is known of how sure the difference is.
        unknown = replace(means["energy"][0].interval, low=float("nan"), high=float("nan"))
        means[OVER_CHANCE] = (Estimate(gain, unknown), placed["n"])
    return Looks(maps["method"], maps["n_scored"], (), means)
