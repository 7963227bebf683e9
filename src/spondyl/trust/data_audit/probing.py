"""How well a few numbers of a film tell its label, and how well labels dealt blindly.

A probe is kernel ridge regression on the labels' indicators: one formula, solved exactly, curved
enough for the aspect of a film and smooth enough for a thumbnail. What it predicts is one matrix
times the labels, so a thousand shuffled labellings cost one product, strength and width of the
kernel chosen anew in each: the null distribution is of the whole procedure. The price is a cube of
the number of films; above `LARGEST` a sample of the groups is probed, and the result says so.
Folds share the cores, one thread each: two threads of a library that wait for one another, on a
machine with other work, make an eigendecomposition of 650 films take seconds instead of a tenth.

Labels are shuffled among groups of equal size within each fold. Folds are drawn from labels and
groups alone, so if what is probed knows nothing of the label, every such shuffle was as likely as
the truth, and the p value is exact (Phipson and Smyth 2010 for the 1 in numerator and denominator).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from spondyl.data import splits
from spondyl.data.labels import LabelSet
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.intervals import GroupBootstrap, Interval
from spondyl.trust.metrics import Floats

Kind = Literal["not-anatomy", "context"]
FoldsName = Literal["plain", "grouped"]

N_SHUFFLES = 999
LARGEST = 1500
"""Films that are probed at most."""
WIDTHS = (0.25, 1.0, 4.0)
"""Of the Gaussian kernel exp(-w d² / median d²): those that are tried."""
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""Ridge penalties that are tried; the kernel's diagonal is 1."""
_FLOOR = 1e-3  # of a predicted share, so that its logarithm exists


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """What is predicted: the films' labels, and which of them belong together."""

    labels: LabelSet
    image_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    truth: NDArray[np.int64]
    """(n,) column of each film's label."""

    def __len__(self) -> int:
        return len(self.image_ids)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Numbers of every film, and the question whether they tell the label."""

    name: str
    kind: Kind
    question: str
    """In plain words; ends in "?"."""
    columns: tuple[str, ...]
    """What the d numbers are called; of thumbnails they are only counted."""
    values: Floats
    """(n, d); nan where a film has no such number."""


@dataclass(frozen=True, slots=True)
class Null:
    """What the very same probe made of shuffled labels."""

    n_shuffles: int
    accuracy_mean: float
    accuracy_high: float
    """95 % of the shuffles stay at or below it."""
    p_value: float
    """Share of labellings, the true one among them, whose explained share is as high: of the
    squared distance to the labels' indicators, more powerful than accuracy where one label
    prevails."""


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """One probe under one way of folding."""

    name: str
    kind: Kind
    question: str
    folds: FoldsName
    predictions: PredictionTable
    accuracy: float
    macro_f1: float
    interval: Interval
    """Of the accuracy: 95 % bootstrap over groups."""
    majority: float
    """Accuracy of always saying the most frequent label."""
    explained: float
    """1 - squared error / squared error of the training part's shares; at most 1, below 0 where the
    probe is worse than knowing nothing."""
    null: Null


@dataclass(frozen=True, slots=True, eq=False)
class Folding:
    """Which film is tested in which fold, and the same labels shuffled."""

    name: FoldsName
    films: Films
    fold_of: NDArray[np.int64]
    """(n,)"""
    shuffled: NDArray[np.int64]
    """(1 + shuffles, n) columns of labels; the first row is the truth."""

    @classmethod
    def draw(
        cls, films: Films, name: FoldsName, n_folds: int, seed: int, n_shuffles: int = N_SHUFFLES
    ) -> Folding:
        """Stratified folds of `films`, of whole groups where `name` is "grouped"."""
        units = np.arange(len(films)) if name == "plain" else _numbers(films.group_ids)
        fold_of = np.zeros(len(films), np.int64)
        for fold, (_, tested) in enumerate(splits.parts(films.truth, units, n_folds, seed)):
            fold_of[tested] = fold
        shuffled = _shuffles(films.truth, units, fold_of, n_shuffles, seed)
        return cls(name, films, fold_of, shuffled)


def probe(asked: Probe, folding: Folding, seed: int = 0) -> Probed:
    """What `asked.values` tell of the labels, in every fold by the others."""
    films = folding.films
    values = _filled(asked.values)
    labellings = np.eye(len(films.labels), dtype=np.float32)[folding.shuffled]  # (s, n, k)
    shares = np.empty_like(labellings)
    blind = np.empty_like(labellings)
    parts = [folding.fold_of == fold for fold in np.unique(folding.fold_of)]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        judged = pool.map(partial(_judged, values, labellings), parts)
        for tested, (said, base) in zip(parts, judged, strict=True):
            shares[:, tested], blind[:, tested] = said, base
    squared = ((labellings - shares) ** 2).sum((1, 2)), ((labellings - blind) ** 2).sum((1, 2))
    explained = 1 - squared[0] / np.maximum(squared[1], np.finfo(np.float32).tiny)
    right = (shares.argmax(2) == folding.shuffled).mean(1)
    table = PredictionTable(
        films.labels,
        films.image_ids,
        films.group_ids,
        folding.fold_of,
        films.truth,
        np.log(np.maximum(shares[0].astype(np.float64), _FLOOR)),
    )
    scores = metrics.score(table)
    return Probed(
        asked.name,
        asked.kind,
        asked.question,
        folding.name,
        table,
        scores.accuracy,
        scores.macro_f1,
        GroupBootstrap.draw(table, seed).of_confusions(metrics.accuracy),
        float(np.bincount(films.truth).max() / len(films)),
        float(explained[0]),
        _null(explained, right),
    )


def associations(asked: Probe, folding: Folding) -> list[tuple[str, float, float]]:
    """(column, η², p value) of each number by itself, the most telling first.

    η² is the share of the variance of its ranks that lies between labels (Kruskal and Wallis 1952,
    divided by n - 1), 0 … 1; films without the number share the lowest rank. The p value comes
    from the folding's shuffles, and is not corrected for the number of columns.
    """
    found = []
    for name, column in zip(asked.columns, asked.values.T, strict=True):
        ranks = _ranks(column)
        eta = _between(ranks, folding.shuffled, len(folding.films.labels))
        p_value = float((eta >= eta[0] - 1e-12).mean())
        found.append((name, float(eta[0]), p_value))
    return sorted(found, key=lambda row: -row[1])


def sampled(films: Films, seed: int) -> NDArray[np.int64]:
    """Rows of all films, or of those of random groups, `LARGEST` at most."""
    if len(films) <= LARGEST:
        return np.arange(len(films))
    numbers = _numbers(films.group_ids)
    order = np.random.default_rng(seed).permutation(int(numbers.max()) + 1)
    taken = np.cumsum(np.bincount(numbers)[order]) <= LARGEST
    return np.flatnonzero(np.isin(numbers, order[taken]))


def _judged(
    values: Floats, labellings: NDArray[np.float32], tested: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(s, tested, k) predicted shares, and the training part's own, under each labelling.

    Width and strength are those with the least error when each training film is left out in turn,
    which ridge regression has in closed form: residual / (1 - hat).
    """
    learned, judged = _standardised(values[~tested], values[tested])
    taught = labellings[:, ~tested]
    base = taught.mean(1, keepdims=True)
    s, n, k = taught.shape
    flat = (taught - base).transpose(1, 0, 2).reshape(n, s * k)
    best = np.full(s, np.inf, np.float32)
    shares = np.empty((s, int(tested.sum()), k), np.float32)
    squared, across = _distances(learned, learned), _distances(judged, learned)
    scale = _scale(squared)
    for width in WIDTHS:
        factor = -width / scale
        eigenvalues, vectors = np.linalg.eigh(np.exp(factor * squared))
        eigenvalues = np.maximum(eigenvalues, 0)
        reach = np.exp(factor * across) @ vectors
        inner = vectors.T.astype(np.float32) @ flat
        for strength in STRENGTHS:
            kept = eigenvalues / (eigenvalues + strength)
            hat = ((vectors**2) * kept).sum(1)
            fitted = (vectors * kept).astype(np.float32) @ inner
            left_out = (flat - fitted) / np.maximum(1 - hat, 1e-6).astype(np.float32)[:, None]
            error = (left_out.reshape(n, s, k) ** 2).sum((0, 2))
            better = error < best
            if better.any():
                solved = (reach / (eigenvalues + strength)).astype(np.float32)
                said = (solved @ inner).reshape(-1, s, k).transpose(1, 0, 2)
                shares[better] = said[better]
                best[better] = error[better]
    return shares + base, np.broadcast_to(base, shares.shape)


def _null(explained: NDArray[np.float32], right: Floats) -> Null:
    return Null(
        len(explained) - 1,
        float(right[1:].mean()) if len(right) > 1 else float("nan"),
        float(np.quantile(right[1:], 0.95)) if len(right) > 1 else float("nan"),
        float((explained >= explained[0] - 1e-6).mean()),
    )


def _shuffles(
    truth: NDArray[np.int64],
    units: NDArray[np.int64],
    fold_of: NDArray[np.int64],
    n_shuffles: int,
    seed: int,
) -> NDArray[np.int64]:
    """(1 + shuffles, n): the truth, and labels dealt anew among units of one size in one fold."""
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, unit in enumerate(units.tolist()):
        rows_of[unit].append(row)
    strata: dict[tuple[int, int], list[list[int]]] = defaultdict(list)
    for rows in rows_of.values():
        strata[int(fold_of[rows[0]]), len(rows)].append(rows)
    draws = np.random.default_rng(seed)
    dealt = np.tile(truth, (1 + n_shuffles, 1))
    for members in strata.values():
        places = np.array(members)  # (units, size)
        order = np.argsort(draws.random((n_shuffles, len(places))), axis=1)
        dealt[1:, places] = truth[places][order]
    return dealt


def _filled(values: Floats) -> Floats:
    """Without nan: a missing number is the mean of the others, and a column says that it was
    missing."""
    missing = np.isnan(values)
    some = missing.any(axis=0)
    means = metrics.mean_of_defined(values, axis=0)
    filled = np.where(missing, np.nan_to_num(means), values)
    return np.concatenate((filled, missing[:, some].astype(np.float64)), axis=1)


def _standardised(learned: Floats, judged: Floats) -> tuple[Floats, Floats]:
    """Both with the training part's mean taken out and its spread made 1, where it has any."""
    mean, spread = learned.mean(axis=0), learned.std(axis=0)
    spread = np.where(spread > 1e-9 * (1 + np.abs(mean)), spread, np.inf)
    return (learned - mean) / spread, (judged - mean) / spread


def _distances(a: Floats, b: Floats) -> Floats:
    """(len(a), len(b)) squared; 0 between rows that differ by rounding only."""
    lengths = (a**2).sum(1)[:, None] + (b**2).sum(1)
    squared = lengths - 2 * a @ b.T
    return np.asarray(np.where(squared > 1e-12 * lengths, squared, 0))


def _scale(squared: Floats) -> float:
    """The median of the distances between two films; the mean where more than half are 0, as of
    what is one of two values; 1 where all are."""
    between = squared[np.triu_indices(len(squared), 1)]
    if not between.any():
        return 1.0
    return float(np.median(between)) or float(between.mean())


def _ranks(column: Floats) -> Floats:
    """Mean ranks of ties; missing numbers tie below all others."""
    return np.asarray(rankdata(np.where(np.isnan(column), -np.inf, column)), np.float64)


def _between(ranks: Floats, labellings: NDArray[np.int64], k: int) -> Floats:
    """(s,) share of the ranks' variance between labels; 0 where all are equal."""
    centred = ranks - ranks.mean()
    total = float((centred**2).sum())
    if total <= 0:
        return np.zeros(len(labellings))
    between = np.zeros(len(labellings))
    for label in range(k):
        mine = labellings == label
        counts = mine.sum(1)
        between += (mine @ centred) ** 2 / np.maximum(counts, 1)
    return np.asarray(between / total)


def _numbers(names: Sequence[str]) -> NDArray[np.int64]:
    """(n,) a number for each distinct name."""
    return np.unique(np.array(names), return_inverse=True)[1].astype(np.int64)
