"""Scores of out-of-fold predictions, each from its definition, for one table or many resamples.

Decision: everything that a confusion matrix determines is a function of confusion matrices of shape
(…, k, k), so that a bootstrap of thousands of resamples runs the very code that makes the headline.
The price is that nothing here is a call of scikit-learn; tests compare with slow definitions.

Where a score is undefined, one rule holds everywhere:

- no film of the class was tested: its sensitivity and AUC are nan; no film of another class: its
  specificity and AUC are nan;
- the class was tested but never predicted: its precision is 0 (scikit-learn's `zero_division=0`);
  neither tested nor predicted: precision and F1 are nan;
- a macro score is the mean over the classes that have a value, nan where none has.

Pooled AUC, Brier score and log loss mix the scales of as many networks as there are folds: a rank
across folds compares probabilities of networks that never saw each other. Figures per fold do not.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class against the rest; every score in [0, 1], nan by the rule of this module."""

    label: str
    n: int
    """Films of this class."""
    n_predicted: int
    """Films that were called this class."""
    n_correct: int
    """Films that are both."""
    sensitivity: float
    specificity: float
    precision: float
    f1: float
    auc: float


@dataclass(frozen=True, slots=True)
class Scores:
    """All scores of one table; in [0, 1] except where said, nan by the rule of this module."""

    n: int
    n_correct: int
    accuracy: float
    macro_sensitivity: float
    """Also known as balanced accuracy."""
    macro_specificity: float
    macro_precision: float
    macro_f1: float
    macro_auc: float
    brier: float
    """Mean over films of the squared distance of probabilities and truth: 0 … 2 (Brier 1950)."""
    log_loss: float
    """Mean of -ln p(true class), nats: 0 … infinity."""
    classes: tuple[ClassScores, ...]
    """In the order of the label set."""


SUMMARY = (
    *("accuracy", "macro_sensitivity", "macro_specificity", "macro_precision", "macro_f1"),
    *("macro_auc", "brier", "log_loss"),
)
"""The scores of `Scores` that summarise all classes, by name."""


@dataclass(frozen=True, slots=True)
class FoldScores:
    """Scores of each fold, and their mean and standard deviation (ddof = 1) by name."""

    folds: tuple[int, ...]
    scores: tuple[Scores, ...]
    mean: Mapping[str, float]
    """Over the folds in which the score is defined; nan where it is in none."""
    sd: Mapping[str, float]
    """nan with fewer than two such folds. It is the spread of folds, not an error of the mean:
    training parts overlap, so it is no confidence interval."""


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """Receiver operating characteristic of one class against the rest."""

    label: str
    false_positive_rate: Floats
    """(points,) rising from 0 to 1."""
    true_positive_rate: Floats
    """(points,) rising from 0 to 1; a tie of scores is a slanted step."""
    auc: float


@dataclass(frozen=True, slots=True, eq=False)
class RocBand:
    """Where the curves of single folds lie: true positive rate at given false positive rates."""

    label: str
    false_positive_rate: Floats
    """(points,) even steps from 0 to 1."""
    mean: Floats
    lowest: Floats
    highest: Floats
    """(points,) over the folds."""
    n_folds: int
    """Folds that hold films both of the class and of others."""


def confusion(table: PredictionTable) -> NDArray[np.int64]:
    """(k, k) counts of films: rows are the truth, columns what was predicted."""
    k = len(table.labels)
    cells = table.truth * k + table.predicted
    return np.bincount(cells, minlength=k * k).reshape(k, k).astype(np.int64)


def accuracy(confusions: NDArray[np.number]) -> Floats:
    """(…,) share of films on the diagonal of (…, k, k) counts."""
    return _ratio(_diagonal(confusions).sum(-1), np.asarray(confusions).sum((-2, -1)))


def sensitivity(confusions: NDArray[np.number]) -> Floats:
    """(…, k) true positives / films of the class."""
    return _ratio(_diagonal(confusions), np.asarray(confusions).sum(-1))


def specificity(confusions: NDArray[np.number]) -> Floats:
    """(…, k) true negatives / films of other classes."""
    counts = np.asarray(confusions, dtype=np.float64)
    negatives = counts.sum((-2, -1))[..., None] - counts.sum(-1)
    false_positives = counts.sum(-2) - _diagonal(counts)
    return _ratio(negatives - false_positives, negatives)


def precision(confusions: NDArray[np.number]) -> Floats:
    """(…, k) true positives / films called the class; 0 for a tested class never called."""
    counts = np.asarray(confusions, dtype=np.float64)
    called, tested = counts.sum(-2), counts.sum(-1)
    return np.where((called == 0) & (tested > 0), 0.0, _ratio(_diagonal(counts), called))


def f1(confusions: NDArray[np.number]) -> Floats:
    """(…, k) 2 TP / (films of the class + films called the class)."""
    counts = np.asarray(confusions, dtype=np.float64)
    return _ratio(2 * _diagonal(counts), counts.sum(-2) + counts.sum(-1))


def macro(per_class: Floats) -> Floats:
    """(…,) mean over the last axis of the classes that have a value, nan where none has."""
    return mean_of_defined(per_class, axis=-1)


def auc(
    scores: NDArray[np.floating], positive: NDArray[np.bool_], weights: Floats | None = None
) -> Floats:
    """Chance that a positive film scores above a negative one, ties counting half.

    `scores` and `positive` are (n,); `weights` (…, n) counts how often each film is in a resample
    and gives a result of shape (…,). nan where positives or negatives are missing.
    Mann-Whitney form: Hanley & McNeil 1982.
    """
    counted = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(np.asarray(scores)[order]) > 0])[: len(order)]
    sorted_weights, sorted_positive = counted[..., order], positive[order]
    positives = np.add.reduceat(sorted_weights * sorted_positive, starts, axis=-1)
    negatives = np.add.reduceat(sorted_weights * ~sorted_positive, starts, axis=-1)
    beaten = np.cumsum(negatives, axis=-1) - negatives / 2
    return _ratio((positives * beaten).sum(-1), positives.sum(-1) * negatives.sum(-1))


def score(table: PredictionTable) -> Scores:
    """Every score of the table's films taken together (pooled, where they are of several folds).

    Raises ValueError for an empty table.
    """
    if len(table) == 0:
        raise ValueError("no predictions to score")
    counts = confusion(table)
    probabilities = table.probabilities
    one_hot = np.eye(len(table.labels), dtype=bool)[table.truth]
    named = {
        "sensitivity": sensitivity(counts),
        "specificity": specificity(counts),
        "precision": precision(counts),
        "f1": f1(counts),
        "auc": np.array([auc(probabilities[:, c], one_hot[:, c]) for c in range(one_hot.shape[1])]),
    }
    classes = tuple(
        ClassScores(
            label=label,
            n=int(counts[c].sum()),
            n_predicted=int(counts[:, c].sum()),
            n_correct=int(counts[c, c]),
            **{name: float(values[c]) for name, values in named.items()},
        )
        for c, label in enumerate(table.labels.names)
    )
    return Scores(
        n=len(table),
        n_correct=int(np.trace(counts)),
        accuracy=float(accuracy(counts)),
        brier=float(((probabilities - one_hot) ** 2).sum(axis=1).mean()),
        log_loss=float(film_log_losses(table).mean()),
        classes=classes,
        **{f"macro_{name}": float(macro(values)) for name, values in named.items()},
    )


def score_folds(table: PredictionTable) -> FoldScores:
    """Scores of each fold by itself, with mean and standard deviation over the folds."""
    folds = tuple(int(fold) for fold in np.unique(table.folds))
    scores = tuple(score(table.rows_of_fold(fold)) for fold in folds)
    columns = {name: np.array([getattr(s, name) for s in scores]) for name in SUMMARY}
    return FoldScores(
        folds,
        scores,
        {name: float(mean_of_defined(values)) for name, values in columns.items()},
        {name: _spread(values) for name, values in columns.items()},
    )


def roc(table: PredictionTable, column: int) -> RocCurve:
    """The curve of label `column` on pooled probabilities; `auc` is nan and the curve empty where
    the class or its rest is missing."""
    values, positive = table.probabilities[:, column], table.truth == column
    label = table.labels.names[column]
    if positive.all() or not positive.any():
        return RocCurve(label, np.empty(0), np.empty(0), float("nan"))
    order = np.argsort(-values, kind="stable")
    last_of_tie = np.r_[np.diff(values[order]) != 0, True]
    hits = np.cumsum(positive[order])[last_of_tie]
    misses = np.cumsum(~positive[order])[last_of_tie]
    return RocCurve(
        label,
        np.r_[0.0, misses / misses[-1]],
        np.r_[0.0, hits / hits[-1]],
        float(auc(values, positive)),
    )


def roc_band(table: PredictionTable, column: int, n_points: int = 101) -> RocBand | None:
    """Mean, lowest and highest curve of the single folds; None where no fold has a curve."""
    curves = [
        curve
        for fold in np.unique(table.folds)
        if (curve := roc(table.rows_of_fold(int(fold)), column)).true_positive_rate.size
    ]
    if not curves:
        return None
    grid = np.linspace(0, 1, n_points)
    heights = np.array(
        [np.interp(grid, c.false_positive_rate, c.true_positive_rate) for c in curves]
    )
    return RocBand(
        table.labels.names[column],
        grid,
        heights.mean(axis=0),
        heights.min(axis=0),
        heights.max(axis=0),
        len(curves),
    )


def film_log_losses(table: PredictionTable) -> Floats:
    """(n,) -ln p(true class) from logits, nats: a sure mistake costs its logit, never
    infinity."""
    beside = table.logits - table.logits[np.arange(len(table)), table.truth][:, None]
    return np.asarray(np.logaddexp.reduce(beside, axis=1))


def mean_of_defined(values: Floats, axis: int = -1) -> Floats:
    """Mean over `axis` of what is not nan; nan where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=axis))


def _spread(values: Floats) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.std(ddof=1)) if len(defined) > 1 else float("nan")


def _diagonal(confusions: NDArray[np.number]) -> Floats:
    return np.diagonal(np.asarray(confusions, dtype=np.float64), axis1=-2, axis2=-1)


def _ratio(part: NDArray[np.number], whole: NDArray[np.number]) -> Floats:
    """part / whole, nan where `whole` is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.divide(part, whole, dtype=np.float64))
