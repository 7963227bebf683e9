"""Scores against slow second writings of their definitions: loops over films, pairs of films."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spondyl.data.labels import LabelSet
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics

NAMES = ("normal", "scoliosis", "spondylolisthesis")


def table_of(truth, logits, groups=None, folds=None, names=NAMES) -> PredictionTable:
    n = len(truth)
    return PredictionTable(
        LabelSet.of(names),
        tuple(f"film {i}" for i in range(n)),
        tuple(groups or (f"group {i}" for i in range(n))),
        np.asarray(folds if folds is not None else np.arange(n) % 3, dtype=np.int64),
        np.asarray(truth, dtype=np.int64),
        np.asarray(logits, dtype=np.float64).reshape(n, len(names)),
    )


def drawn(seed: int, n: int = 40, skill: float = 1.0) -> PredictionTable:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    # Halves make ties, which AUC and argmax must settle.
    logits = np.round(2 * rng.normal(size=(n, 3))) / 2
    logits[np.arange(n), truth] += skill
    return table_of(truth, logits)


def counted(table: PredictionTable, column: int) -> tuple[int, int, int, int]:
    """True positives, false positives, false negatives, true negatives, film by film."""
    tp = fp = fn = tn = 0
    for truth, predicted in zip(table.truth, table.predicted, strict=True):
        if truth == column and predicted == column:
            tp += 1
        elif predicted == column:
            fp += 1
        elif truth == column:
            fn += 1
        else:
            tn += 1
    return tp, fp, fn, tn


def auc_by_pairs(scores, positive) -> float:
    won = total = 0.0
    for a, is_positive in zip(scores, positive, strict=True):
        for b, other_positive in zip(scores, positive, strict=True):
            if is_positive and not other_positive:
                total += 1
                won += 1 if a > b else 0.5 if a == b else 0
    return won / total if total else math.nan


@pytest.mark.parametrize("seed", range(5))
def test_every_score_is_what_counting_film_by_film_gives(seed):
    table = drawn(seed)
    for column, c in enumerate(metrics.score(table).classes):
        tp, fp, fn, tn = counted(table, column)
        assert c.sensitivity == pytest.approx(tp / (tp + fn))
        assert c.specificity == pytest.approx(tn / (tn + fp))
        assert c.precision == pytest.approx(tp / (tp + fp))
        assert c.f1 == pytest.approx(2 * tp / (2 * tp + fp + fn))
        assert c.auc == pytest.approx(
            auc_by_pairs(table.probabilities[:, column], table.truth == column)
        )
        assert (c.n, c.n_predicted, c.n_correct) == (tp + fn, tp + fp, tp)


def test_brier_score_and_log_loss_are_sums_over_films():
    table = drawn(7)
    brier = loss = 0.0
    for truth, row in zip(table.truth, table.probabilities, strict=True):
        brier += sum((p - (c == truth)) ** 2 for c, p in enumerate(row))
        loss -= math.log(row[truth])
    scores = metrics.score(table)
    assert scores.brier == pytest.approx(brier / len(table))
    assert scores.log_loss == pytest.approx(loss / len(table))


def test_a_sure_mistake_costs_its_logit_and_not_infinity():
    assert metrics.score(table_of([0], [[-2000, 0, -3000]])).log_loss == pytest.approx(2000)


@given(st.integers(0, 10_000), st.sampled_from(list(permutations(range(3)))))
@settings(max_examples=30, deadline=None)
def test_permuting_labels_permutes_the_classes_and_nothing_else(seed, order):
    rng = np.random.default_rng(seed)
    truth, logits = rng.integers(0, 3, 25), rng.normal(size=(25, 3))
    before = metrics.score(table_of(truth, logits))
    place = np.argsort(order)
    names = tuple(NAMES[i] for i in order)
    after = metrics.score(table_of(place[truth], logits[:, list(order)], names=names))
    for name in metrics.SUMMARY:
        assert getattr(after, name) == pytest.approx(getattr(before, name), nan_ok=True)
    for label in NAMES:
        (one,) = (c for c in before.classes if c.label == label)
        (other,) = (c for c in after.classes if c.label == label)
        assert one.f1 == pytest.approx(other.f1, nan_ok=True)
        assert one.auc == pytest.approx(other.auc, nan_ok=True)


def test_rows_of_the_confusion_matrix_are_the_truth():
    table = table_of([0, 0, 1], [[0, 1, 0], [1, 0, 0], [0, 1, 0]])
    assert metrics.confusion(table).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_a_class_that_is_never_predicted_has_precision_zero():
    c = metrics.score(table_of([0, 1], [[1, 0, 0], [1, 0, 0]])).classes[1]
    assert (c.precision, c.sensitivity, c.f1) == (0, 0, 0)


def test_a_class_that_does_not_occur_has_no_sensitivity_and_is_left_out_of_the_macro_mean():
    scores = metrics.score(table_of([0, 1], [[1, 0, 0], [1, 0, 0]]))
    absent = scores.classes[2]
    assert math.isnan(absent.sensitivity)
    assert math.isnan(absent.precision)
    assert math.isnan(absent.auc)
    assert scores.macro_sensitivity == 0.5
    assert scores.macro_precision == 0.25


def test_a_fold_of_one_class_has_no_auc_and_the_mean_is_of_the_other_folds():
    table = table_of(
        [0, 0, 0, 1, 0, 1],
        [[1, 0, 0], [2, 0, 0], [3, 0, 0], [0, 2, 0]] * 1 + [[1, 0, 0], [0, 1, 0]],
        folds=[0, 0, 1, 1, 2, 2],
    )
    folds = metrics.score_folds(table)
    assert math.isnan(folds.scores[0].macro_auc)
    assert folds.mean["macro_auc"] == 1.0
    assert folds.sd["macro_auc"] == 0.0


def test_the_spread_over_folds_divides_by_one_less_than_their_number():
    table = drawn(3, skill=0.5)
    folds = metrics.score_folds(table)
    values = [scores.accuracy for scores in folds.scores]
    mean = sum(values) / 3
    assert folds.mean["accuracy"] == pytest.approx(mean)
    assert folds.sd["accuracy"] == pytest.approx(
        math.sqrt(sum((v - mean) ** 2 for v in values) / 2)
    )


def test_one_fold_has_no_spread():
    folds = metrics.score_folds(table_of([0, 1, 2], np.eye(3), folds=[0, 0, 0]))
    assert math.isnan(folds.sd["accuracy"])


def test_scores_of_many_confusion_matrices_are_the_scores_of_each():
    many = np.random.default_rng(0).integers(0, 9, (4, 5, 3, 3))
    for score in (metrics.sensitivity, metrics.specificity, metrics.precision, metrics.f1):
        together = score(many)
        assert together.shape == (4, 5, 3)
        assert np.allclose(together[2, 3], score(many[2, 3]), equal_nan=True)
    assert metrics.accuracy(many).shape == (4, 5)


@given(st.lists(st.tuples(st.integers(-2, 2), st.booleans(), st.integers(0, 3)), min_size=1))
@settings(max_examples=60, deadline=None)
def test_a_film_of_weight_k_counts_in_the_auc_as_k_films(films):
    scores = np.array([s for s, _, _ in films], dtype=float)
    positive = np.array([p for _, p, _ in films])
    weights = np.array([w for _, _, w in films])
    repeated = auc_by_pairs(np.repeat(scores, weights), np.repeat(positive, weights))
    assert float(metrics.auc(scores, positive, weights)) == pytest.approx(repeated, nan_ok=True)


def test_the_area_under_the_curve_is_the_auc():
    table = drawn(11)
    for column in range(3):
        curve = metrics.roc(table, column)
        area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
        assert area == pytest.approx(curve.auc)
        assert (curve.false_positive_rate[0], curve.true_positive_rate[-1]) == (0, 1)


def test_a_curve_without_both_kinds_of_films_is_empty():
    curve = metrics.roc(table_of([0, 1], [[1, 0, 0], [0, 1, 0]]), 2)
    assert math.isnan(curve.auc)
    assert curve.true_positive_rate.size == 0
    assert metrics.roc_band(table_of([0, 1], [[1, 0, 0], [0, 1, 0]]), 2) is None


def test_the_band_of_folds_holds_their_mean():
    band = metrics.roc_band(drawn(5), 1)
    assert band is not None
    assert band.n_folds == 3
    assert (band.lowest <= band.mean + 1e-12).all()
    assert (band.mean <= band.highest + 1e-12).all()


def test_an_empty_table_is_not_scored():
    with pytest.raises(ValueError, match="no predictions"):
        metrics.score(table_of([], []))
