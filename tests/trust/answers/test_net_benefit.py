"""Decision curves counted film by film, by hand, and at another prevalence."""

import time
from dataclasses import asdict

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers import net_benefit
from spondyl.trust.intervals import NotRun


def table_of(score, truth):
    score = np.asarray(score, dtype=np.float64)
    ids = tuple(f"film {row:03d}" for row in range(len(score)))
    shares = np.stack([1 - score, score / 2, score / 2], axis=1)
    folds = np.zeros(len(score), np.int64)
    return PredictionTable(
        SPINE_LABELS, ids, ids, folds, np.asarray(truth, dtype=np.int64), np.log(shares)
    )


def drawn(seed=0, n=200):
    draws = np.random.default_rng(seed)
    truth = draws.integers(0, 3, n)
    return table_of(1 / (1 + np.exp(-2 * draws.normal(size=n) - 2 * (truth > 0) + 1)), truth)


def test_net_benefit_of_a_hundred_films_by_hand():
    """20 abnormal; 15 of them are called and 20 of the 80 others; acting in vain costs 0.2 / 0.8 of
    what a find is worth: 0.15 − 0.20 / 4. Acting on all: 0.2 − 0.8 / 4 = 0."""
    assert float(net_benefit.net_benefit(0.75, 0.75, 0.2, 0.2)) == pytest.approx(0.10)
    assert float(net_benefit.net_benefit(1.0, 0.0, 0.2, 0.2)) == pytest.approx(0)


def test_the_cohort_s_own_curve_is_counted_film_by_film():
    table = drawn()
    score, abnormal = 1 - table.probabilities[:, 0], table.truth > 0
    own = net_benefit.decision_curve(table, 0, n_resamples=20)
    assert own.of_cohort
    assert own.prevalence == pytest.approx(abnormal.mean())
    assert [point.threshold for point in own.points] == [t / 100 for t in range(1, 51)]
    for point in own.points:
        called, price = score >= point.threshold, point.threshold / (1 - point.threshold)
        slow = sum(1.0 if ill else -price for ill in abnormal[called]) / len(abnormal)
        everybody = sum(1.0 if ill else -price for ill in abnormal) / len(abnormal)
        assert point.model.value == pytest.approx(slow)
        assert point.treat_all == pytest.approx(everybody)
        assert point.n_called == called.sum()
        assert point.model.interval.low <= point.model.value <= point.model.interval.high


def test_true_probabilities_do_at_least_as_well_as_all_or_none():
    draws = np.random.default_rng(1)
    score = draws.uniform(0.01, 0.99, 20_000)
    table = table_of(score, draws.random(20_000) < score)
    own = net_benefit.decision_curve(table, 0, None, (0.1, 0.3, 0.5), n_resamples=2)
    for point in own.points:
        assert point.model.value > max(point.treat_all, 0) - 0.002


def test_shifted_probabilities_are_true_where_the_prevalence_is_another():
    """Of a calibrated cohort, normal films are repeated until few are abnormal."""
    draws = np.random.default_rng(2)
    score = draws.uniform(size=200_000)
    abnormal = draws.random(200_000) < score
    kept = abnormal | (draws.random(200_000) < 0.2)
    there = net_benefit.shifted(score[kept], abnormal.mean(), abnormal[kept].mean())
    for low in (0.1, 0.5, 0.9):
        bin_ = (there > low) & (there < low + 0.05)
        assert abnormal[kept][bin_].mean() == pytest.approx(there[bin_].mean(), abs=0.02)


def test_shifting_there_and_back_changes_nothing_and_keeps_the_order():
    score = np.array([0.0, 0.01, 0.4, 0.99, 1.0])
    there = net_benefit.shifted(score, 0.7, 0.02)
    assert (np.diff(there) > 0).all()
    assert there[[0, -1]].tolist() == [0, 1]
    assert net_benefit.shifted(there, 0.02, 0.7) == pytest.approx(score)


def test_a_curve_at_the_cohort_s_prevalence_is_the_cohort_s_curve():
    table = drawn()
    prevalence = float((table.truth > 0).mean())
    stated, own = (
        net_benefit.decision_curve(table, 0, at, n_resamples=20) for at in (prevalence, None)
    )
    assert stated.points == own.points
    assert (stated.of_cohort, own.of_cohort) == (False, True)


def test_a_curve_at_two_percent_is_that_of_a_cohort_with_two_percent():
    table = drawn(n=400)
    abnormal = table.truth > 0
    score = 1 - table.probabilities[:, 0]
    there = net_benefit.shifted(score, abnormal.mean(), 0.02)
    curve = net_benefit.decision_curve(table, 0, 0.02, (0.05, 0.2), n_resamples=5)
    weight = np.where(abnormal, 0.02 / abnormal.sum(), 0.98 / (~abnormal).sum())
    for point in curve.points:
        price = point.threshold / (1 - point.threshold)
        slow = (weight * (there >= point.threshold) * np.where(abnormal, 1, -price)).sum()
        assert point.model.value == pytest.approx(slow)
        assert point.treat_all == pytest.approx(0.02 - 0.98 * price)


def test_one_class_is_not_run_and_a_certain_threshold_refused():
    none = net_benefit.decision_curve(table_of(np.full(9, 0.5), np.zeros(9)), 0)
    assert isinstance(none, NotRun)
    with pytest.raises(ValueError, match="thresholds"):
        net_benefit.decision_curve(drawn(), 0, thresholds=(1.0,))
    with pytest.raises(ValueError, match="prevalence 0"):
        net_benefit.decision_curve(drawn(), 0, 0.0)


def test_a_curve_of_338_films_is_drawn_within_seconds_and_is_plain_values():
    began = time.process_time()
    curve = net_benefit.decision_curve(drawn(n=338), 0, 0.02)
    assert time.process_time() - began < 3
    assert asdict(curve)["points"][0]["model"]["interval"]["method"] == "group bootstrap"
