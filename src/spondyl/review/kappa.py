"""Cohen's kappa of two readers, plain or weighted, and Fleiss' kappa of several.

Decision: both are written from their definitions as functions of summed tables, so that a bootstrap
of thousands of resamples runs the code that makes the headline. Cohen's corrects with each reader's
own habits, Fleiss' with those of all together; with two readers of different habits they differ.

Fleiss' kappa wants the same number of answers to each row, so rows that a reader left out are left
out, and their number said; `krippendorff` is the one that uses them all.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import stats

from spondyl.review.agreement import (
    Agreement,
    Analytic,
    Floats,
    Ratings,
    Resampling,
    large_sample,
    measured,
    normal_quantile,
    ratio,
)
from spondyl.trust.intervals import NotRun

Weights = Literal["none", "linear", "quadratic"]

_SEVERAL_ROWS = "several rows are of one film; the formula takes rows as independent"


def cohen(
    ratings: Ratings, first: int, second: int, resampling: Resampling, weights: Weights = "none"
) -> Agreement | NotRun:
    """Kappa of two readers, by column, over the rows that both answered (Cohen 1960, Educational
    and Psychological Measurement 20:37; weighted Cohen 1968, Psychological Bulletin 70:213).

    The large-sample interval is of Fleiss, Cohen & Everitt 1969, Psychological Bulletin 72:323.
    """
    pair = ratings.pair(first, second)
    k = len(ratings.categories)
    cells = np.zeros((len(pair.films), k * k))
    cells[np.arange(len(cells)), pair.values[:, 0] * k + pair.values[:, 1]] = 1
    agreement = agreement_weights(k, weights)

    def of_drawn(drawn: Floats) -> Floats:
        return cohen_of_tables((drawn @ cells).reshape(-1, k, k), agreement)

    named = "" if weights == "none" else f", {weights} weights"
    return measured(
        f"Cohen's kappa{named}",
        pair,
        len(ratings.films) - len(pair.films),
        of_drawn,
        NotRun(_SEVERAL_ROWS)
        if pair.films_repeat
        else _cohen_interval(cells.sum(0).reshape(k, k), agreement, resampling.level),
        resampling,
    )


def agreement_weights(k: int, weights: Weights) -> Floats:
    """(k, k) how much of an agreement each pair of categories is: 1 on the diagonal, falling with
    the distance in steps, or its square, to 0 at the farthest; or 0 everywhere else."""
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    if weights == "none":
        return np.asarray((steps == 0).astype(np.float64))
    power = 1 if weights == "linear" else 2
    return np.asarray(1 - (steps / max(k - 1, 1)) ** power)


def cohen_of_tables(tables: Floats, agreement: Floats) -> Floats:
    """(…,) kappa of tables (…, k, k) of one reader's categories against the other's; nan where
    chance alone would have made them agree."""
    total = np.asarray(tables.sum((-2, -1)))
    shares = ratio(tables, total[..., None, None])
    observed = (shares * agreement).sum((-2, -1))
    by_chance = shares.sum(-1)[..., :, None] * shares.sum(-2)[..., None, :]
    expected = (by_chance * agreement).sum((-2, -1))
    return ratio(observed - expected, 1 - expected)


def _cohen_interval(table: Floats, agreement: Floats, level: float) -> Analytic | NotRun:
    """From the table (k, k) of two readers; Fleiss, Cohen & Everitt 1969."""
    value = float(cohen_of_tables(table, agreement))
    if np.isnan(value):
        return NotRun("there is no kappa")
    n = table.sum()
    shares = table / n
    rows, columns = shares.sum(1), shares.sum(0)
    expected = float(rows @ agreement @ columns)
    mean_weights = (agreement @ columns)[:, None] + (rows @ agreement)[None, :]
    spread = (shares * (agreement - mean_weights * (1 - value)) ** 2).sum()
    centre = (value - expected * (1 - value)) ** 2
    variance = float(spread - centre) / (n * (1 - expected) ** 2)
    return large_sample(
        value, variance, normal_quantile(level), level, "Fleiss, Cohen & Everitt 1969"
    )


def fleiss(ratings: Ratings, resampling: Resampling) -> Agreement | NotRun:
    """Kappa of all readers over the rows that every one of them answered (Fleiss 1971,
    Psychological Bulletin 76:378).

    The large-sample interval is of Gwet 2021, Educational and Psychological Measurement 81:781,
    with Student's t; Fleiss' own variance holds only where there is no agreement.
    """
    used = ratings.answered_by(len(ratings.readers))
    counts = used.counts
    return measured(
        "Fleiss' kappa",
        used,
        len(ratings.films) - len(used.films),
        lambda drawn: fleiss_of_counts(counts, drawn),
        NotRun(_SEVERAL_ROWS)
        if used.films_repeat
        else _fleiss_interval(counts, len(used.readers), resampling.level),
        resampling,
    )


def fleiss_of_counts(counts: Floats, drawn: Floats) -> Floats:
    """(…,) kappa of rows' counts (rows, k) of answers, equally many in each row, with each row
    drawn (…, rows) times; nan where chance alone would have made all agree."""
    n_readers = counts.sum(1)
    agreeing = ratio((counts * (counts - 1)).sum(1), n_readers * (n_readers - 1))
    observed = ratio(drawn @ agreeing, drawn.sum(-1))
    shares = ratio(drawn @ counts, (drawn @ n_readers)[..., None])
    expected = (shares**2).sum(-1)
    return ratio(observed - expected, 1 - expected)


def _fleiss_interval(counts: Floats, n_readers: int, level: float) -> Analytic | NotRun:
    """From rows' counts (rows, k); Gwet 2021, by linearisation."""
    n = len(counts)
    if n < 2 or n_readers < 2:
        return NotRun(f"{n} rows of {n_readers} readers: two of each are needed")
    value = float(fleiss_of_counts(counts, np.ones(n)))
    if np.isnan(value):
        return NotRun("there is no kappa")
    shares = counts.sum(0) / counts.sum()
    expected = float((shares**2).sum())
    agreeing = (counts * (counts - 1)).sum(1) / (n_readers * (n_readers - 1))
    of_row = (agreeing - expected) / (1 - expected)
    chance_of_row = counts @ shares / n_readers
    of_row = of_row - 2 * (1 - value) * (chance_of_row - expected) / (1 - expected)
    variance = float(((of_row - value) ** 2).sum()) / (n * (n - 1))
    quantile = float(stats.t.ppf((1 + level) / 2, n - 1))
    return large_sample(value, variance, quantile, level, "Gwet 2021")
