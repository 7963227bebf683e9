"""Whether scores of heatmaps predict what experts say of them.

For each score the AUC between heatmaps that were called right and those that were not, every answer
counting: the chance that a heatmap that a reader called right has the higher score. Only the
networks' own heatmaps count; decoys were made to look wrong, and a score that finds them would pass
for one that knows experts' minds.

The p value deals the answers of whole films anew among films that show the same networks, so what
one network has over another, in scores and in looks, is in the AUC and not in the test. Below 0.5
is a finding too: of some scores the lower is the better one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spondyl.review.agreement import FEWEST_FILMS, Floats, Resampling, film_interval
from spondyl.review.analysis.counting import Counted, Row
from spondyl.review.analysis.film_tests import dealt, exchangeable, two_sided
from spondyl.review.records import Question
from spondyl.trust import metrics
from spondyl.trust.intervals import Interval, NotRun, holm


@dataclass(frozen=True, slots=True)
class ScoreFound:
    """What one score tells of the experts' answers."""

    n_maps: int
    n_films: int
    n_yes: int
    """Answers that a heatmap looks right."""
    n_no: int
    auc: float
    """0 … 1; 0.5 tells nothing."""
    interval: Interval | NotRun
    """Films resampled."""
    p_value: float
    """Two-sided."""
    p_holm: float
    """Corrected for the number of scores tested."""


@dataclass(frozen=True, slots=True)
class ScorePrediction:
    """A score and what it tells, or why that is not known."""

    score: str
    found: ScoreFound | NotRun


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """Heatmaps with a score that somebody answered for."""

    films: tuple[str, ...]
    networks: tuple[str, ...]
    values: Floats
    """(maps,)"""
    yes: Floats
    no: Floats
    """(maps,) answers."""

    def aucs(self, yes: Floats, no: Floats) -> Floats:
        """(…,) of answers (…, maps)."""
        positive = np.repeat([True, False], len(self.values))
        weights = np.concatenate([yes, no], axis=-1)
        return metrics.auc(np.tile(self.values, 2), positive, weights)


def predict(counted: Counted, resampling: Resampling) -> tuple[ScorePrediction, ...] | NotRun:
    """Every score that heatmaps of the survey have, in order; or why there is none."""
    question = counted.looks_right
    if question is None:
        return NotRun("no question asks whether a heatmap looks right")
    rows = counted.map_rows()
    names = dict.fromkeys(name for row in rows if row.map for name, _ in row.map.scores)
    if not names:
        return NotRun("the heatmaps have no scores")
    found = [(name, _found(_scored(counted, question, rows, name), resampling)) for name in names]
    corrected = iter(holm([one.p_value for _, one in found if not isinstance(one, NotRun)]))
    return tuple(
        ScorePrediction(
            name, one if isinstance(one, NotRun) else replace(one, p_holm=next(corrected))
        )
        for name, one in found
    )


def _scored(counted: Counted, question: Question, rows: Sequence[Row], name: str) -> _Scored:
    kept: list[tuple[str, str, float, int, int]] = []
    for row in rows:
        score = dict(row.map.scores).get(name) if row.map else None
        said = [counted.value(one, row, question) for one in counted.readers]
        yes, no = said.count("yes"), said.count("no")
        if row.map and score is not None and np.isfinite(score) and yes + no:
            kept.append((row.film, row.map.network, score, yes, no))
    return _Scored(
        tuple(one[0] for one in kept),
        tuple(one[1] for one in kept),
        np.array([one[2] for one in kept], dtype=np.float64),
        np.array([one[3] for one in kept], dtype=np.float64),
        np.array([one[4] for one in kept], dtype=np.float64),
    )


def _found(scored: _Scored, resampling: Resampling) -> ScoreFound | NotRun:
    n_films = len(set(scored.films))
    if n_films < FEWEST_FILMS:
        return NotRun(f"{n_films} films have the score and an answer, {FEWEST_FILMS} are needed")
    n_yes, n_no = int(scored.yes.sum()), int(scored.no.sum())
    if not n_yes or not n_no:
        said = "no" if not n_yes else "yes"
        return NotRun(f'all {n_yes + n_no} answers are "{said}"')
    if np.ptp(scored.values) == 0:
        return NotRun(f"all {len(scored.values)} heatmaps have the same score")
    alike = exchangeable(scored.films, scored.networks)
    if not alike:
        return NotRun("no two films show the same networks, so answers cannot be dealt anew")

    def of_drawn(drawn: Floats) -> Floats:
        return scored.aucs(drawn * scored.yes, drawn * scored.no)

    auc = float(scored.aucs(scored.yes, scored.no))
    source = dealt(alike, len(scored.values), resampling)
    p_value = two_sided(auc, scored.aucs(scored.yes[source], scored.no[source]))
    interval = film_interval(of_drawn, scored.films, resampling)
    return ScoreFound(
        len(scored.values), n_films, n_yes, n_no, auc, interval, p_value, float("nan")
    )
