"""Krippendorff's alpha: agreement of any number of readers, whoever answered what.

Decision: the one figure that a survey with missing answers can report for every kind of question,
so it is made of whatever pairs there are. Its chance is of the answers as they fell, drawn without
replacement, which on few films differs a little from kappa's.

No published formula gives its interval; Krippendorff resamples too (Hayes & Krippendorff 2007,
Communication Methods and Measures 1:77), pairs of answers where we resample films.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from spondyl.review.agreement import (
    Agreement,
    Floats,
    Ratings,
    Resampling,
    measured,
    ratio,
)
from spondyl.trust.intervals import NotRun

Metric = Literal["nominal", "ordinal"]


def alpha(ratings: Ratings, metric: Metric, resampling: Resampling) -> Agreement | NotRun:
    """Alpha over the rows that two readers or more answered (Krippendorff 2011, "Computing
    Krippendorff's alpha-reliability"); ordinal takes the categories in their order."""
    used = ratings.answered_by(2)
    tables = coincidences(used.counts)
    k = len(ratings.categories)

    def of_drawn(drawn: Floats) -> Floats:
        return alpha_of_coincidences((drawn @ tables.reshape(-1, k * k)).reshape(-1, k, k), metric)

    return measured(
        f"Krippendorff's alpha, {metric}",
        used,
        len(ratings.films) - len(used.films),
        of_drawn,
        NotRun("no published formula; read the interval over films"),
        resampling,
    )


def coincidences(counts: Floats) -> Floats:
    """(rows, k, k) what each row adds to the coincidence matrix: its pairs of answers, each
    divided by one less than the row's answers. `counts` (rows, k), two answers or more a row."""
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= counts[:, :, None] * np.eye(counts.shape[1])
    return np.asarray(pairs / (counts.sum(1) - 1)[:, None, None])


def alpha_of_coincidences(tables: Floats, metric: Metric) -> Floats:
    """(…,) 1 - observed / expected disagreement of coincidence matrices (…, k, k); nan where all
    answers are of one category."""
    n_said = tables.sum(-1)
    total = n_said.sum(-1)
    distances = squared_distances(n_said, metric)
    observed = ratio((tables * distances).sum((-2, -1)), total)
    by_chance = n_said[..., :, None] * n_said[..., None, :]
    expected = ratio((by_chance * distances).sum((-2, -1)), total * (total - 1))
    return np.asarray(1 - ratio(observed, expected))


def squared_distances(n_said: Floats, metric: Metric) -> Floats:
    """(…, k, k) squared distance of each two categories: 1 of all that differ, or the square of how
    many answers (…, k) lie between their middles."""
    k = n_said.shape[-1]
    if metric == "nominal":
        return np.asarray(np.broadcast_to(1 - np.eye(k), (*n_said.shape[:-1], k, k)))
    middle = np.cumsum(n_said, axis=-1) - n_said / 2
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)
