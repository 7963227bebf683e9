"""Calibration against scikit-learn, grids and loops, and what tells too sure from sure."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers import calibration as cal
from spondyl.trust.intervals import NotRun


def table_of(truth, logits, groups=None, folds=None) -> PredictionTable:
    n = len(truth)
    return PredictionTable(
        SPINE_LABELS,
        tuple(f"film {i:04d}" for i in range(n)),
        tuple(groups or (f"g{i:04d}" for i in range(n))),
        np.asarray(folds if folds is not None else np.arange(n) % 5, dtype=np.int64),
        np.asarray(truth, dtype=np.int64),
        np.asarray(logits, dtype=np.float64).reshape(n, 3),
    )


def honest(seed: int, n: int = 600, factor: float = 1.0, n_folds: int = 5) -> PredictionTable:
    """Films whose class is drawn by the very probabilities of a network, its logits × factor."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(n, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (rng.random((n, 1)) > probabilities.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return table_of(truth, factor * logits, folds=np.arange(n) % n_folds)


def log_loss_at(t: float, table: PredictionTable) -> float:
    scaled = table_of(table.truth, table.logits / t)
    return metrics.score(scaled).log_loss


def test_the_temperature_is_where_a_fine_grid_of_log_losses_is_lowest():
    table = honest(1, factor=3.0)
    found, bound = cal.temperature(table.logits, table.truth)
    grid = np.exp(np.linspace(math.log(found) - 0.05, math.log(found) + 0.05, 101))
    losses = [log_loss_at(t, table) for t in grid]
    assert bound == ""
    assert grid[int(np.argmin(losses))] == pytest.approx(found, rel=1e-3)


def test_logits_four_times_too_large_have_a_temperature_four_times_as_high():
    calm, loud = honest(2, 4000), honest(2, 4000, factor=4.0)
    one, _ = cal.temperature(calm.logits, calm.truth)
    four, _ = cal.temperature(loud.logits, loud.truth)
    assert four == pytest.approx(4 * one, rel=1e-6)
    assert one == pytest.approx(1, abs=0.1)


def test_a_fold_has_no_part_in_its_own_temperature():
    table = honest(3, 100)
    logits = table.logits.copy()
    logits[table.folds == 2] *= 50
    logits[table.folds == 2] = logits[table.folds == 2][:, ::-1]
    before = {t.fold: t.value for t in cal.calibrated(table)[1]}
    after = {t.fold: t.value for t in cal.calibrated(table_of(table.truth, logits))[1]}
    assert after[2] == before[2]
    assert all(after[fold] != before[fold] for fold in (0, 1, 3, 4))


def test_scaling_changes_no_prediction_and_divides_each_fold_by_its_temperature():
    table = honest(4, 100, factor=4.0)
    scaled, temperatures = cal.calibrated(table)
    assert (scaled.predicted == table.predicted).all()
    for one in temperatures:
        rows = table.folds == one.fold
        assert np.allclose(scaled.logits[rows] * one.value, table.logits[rows])
        assert one.n_films == 80


def test_folds_that_are_separated_perfectly_stop_at_the_lowest_temperature_and_say_so():
    truth = np.arange(60) % 3
    for size in (0.5, 5.0, 500.0):
        _, temperatures = cal.calibrated(table_of(truth, size * np.eye(3)[truth]))
        assert {(t.value, t.bound) for t in temperatures} == {(cal.LOWEST_T, "lowest")}
    found = cal.calibration(table_of(truth, 5 * np.eye(3)[truth]), seed=0, n_resamples=100)
    assert found.before.slope_bound == "lowest"
    assert found.before.slope.value == pytest.approx(1 / cal.LOWEST_T)
    assert found.before.slope.interval.low == pytest.approx(1 / cal.LOWEST_T)


def test_worse_than_chance_stops_at_the_highest_temperature():
    truth = np.arange(60) % 3
    assert cal.temperature(-4 * np.eye(3)[truth], truth) == (cal.HIGHEST_T, "highest")


def test_equal_logits_have_no_temperature_and_no_slope():
    truth = np.arange(60) % 3
    found = cal.calibration(table_of(truth, np.zeros((60, 3))), seed=0, n_resamples=100)
    assert {(t.value, t.bound) for t in found.temperatures} == {(1.0, "flat")}
    assert math.isnan(found.before.slope.value)
    assert math.isnan(found.before.slope.interval.low)
    assert found.before.slope.interval.n_undefined == 100


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_network_that_is_too_sure_is_told_from_an_honest_one(seed):
    calm = cal.calibration_scores(honest(seed), seed=0)
    loud = cal.calibration(honest(seed, factor=4.0), seed=0)
    assert calm.slope.interval.low < 1 < calm.slope.interval.high
    assert calm.excess.interval.low < 0 < calm.excess.interval.high
    assert calm.ece_p_value > 0.05
    assert loud.before.slope.interval.high < 0.5
    assert loud.before.excess.interval.low > 0
    assert loud.before.ece_p_value < 0.01
    assert loud.before.ece.value > 3 * loud.before.ece_if_calibrated
    # One temperature from other folds is enough to take that away, and would not pass for none.
    assert loud.after.slope.interval.low < 1 < loud.after.slope.interval.high
    assert loud.after.ece_p_value > 0.05
    assert loud.after.log_loss.value < loud.before.log_loss.value


def test_honest_networks_are_called_dishonest_as_often_as_the_level_says():
    p_values = [
        cal.calibration_scores(honest(s, 80), 1, n_resamples=2).ece_p_value for s in range(60)
    ]
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.1)


def test_brier_and_log_loss_are_those_of_the_headline_and_of_scikit_learn():
    table = honest(8, 120)
    found, scores = cal.calibration_scores(table, 0, n_resamples=50), metrics.score(table)
    assert found.brier.value == pytest.approx(scores.brier)
    assert found.log_loss.value == pytest.approx(scores.log_loss)
    assert found.log_loss.value == pytest.approx(
        sklearn.metrics.log_loss(table.truth, table.probabilities, labels=[0, 1, 2])
    )
    by_class = [
        sklearn.metrics.brier_score_loss(table.truth == c, table.probabilities[:, c])
        for c in range(3)
    ]
    assert found.brier.value == pytest.approx(sum(by_class))


@pytest.mark.parametrize("column", [0, 1, 2])
def test_reliability_bins_are_those_of_scikit_learn(column):
    table = honest(9, 200)
    positive = table.truth == column
    shares, means = sklearn.calibration.calibration_curve(
        positive, table.probabilities[:, column], n_bins=cal.N_BINS
    )
    bins = cal.reliability(table, SPINE_LABELS.names[column])
    filled = [b for b in bins if b.n]
    assert [b.share for b in filled] == pytest.approx(shares)
    assert [b.mean_probability for b in filled] == pytest.approx(means)
    assert sum(b.n for b in bins) == 200
    assert (bins[0].low, bins[-1].high) == (0, 1)


def test_an_empty_bin_has_no_share_and_leaves_every_share_possible():
    first = cal.reliability(honest(10, 50))[0]  # no confidence of three classes is below 1/3
    assert first.n == 0
    assert math.isnan(first.share)
    assert math.isnan(first.mean_probability)
    assert (first.interval.low, first.interval.high) == (0, 1)


def test_the_calibration_error_is_the_sum_over_bins_of_its_definition():
    table = honest(11, 150)
    confidence, right = table.probabilities.max(axis=1), table.predicted == table.truth
    slow = 0.0
    for b in range(10):
        inside = [i for i in range(150) if b / 10 < confidence[i] <= (b + 1) / 10]
        if inside:
            gap = np.mean(right[inside]) - np.mean(confidence[inside])
            slow += len(inside) / 150 * abs(gap)
    found = cal.calibration_scores(table, 0, n_resamples=50)
    assert found.ece.value == pytest.approx(slow)
    by_bins = sum(b.n * abs(b.share - b.mean_probability) for b in found.bins if b.n) / 150
    assert found.ece.value == pytest.approx(by_bins)


def test_resampled_calibration_errors_and_slopes_repeat_the_films_of_drawn_groups():
    table = table_of(
        honest(12, 90).truth, honest(12, 90).logits, [f"g{i % 60:02d}" for i in range(90)]
    )
    bootstrap = cal.GroupBootstrap.draw(table, seed=4, n_resamples=20)
    errors, slopes = [], []
    for counts in bootstrap.counts:
        films = np.repeat(np.arange(90), counts[bootstrap.film_group].astype(int))
        again = table_of(table.truth[films], table.logits[films])
        errors.append(cal.calibration_scores(again, 0, n_resamples=2).ece.value)
        slopes.append(1 / cal.temperature(again.logits, again.truth)[0])
    found = cal.calibration_scores(table, seed=4, n_resamples=20)
    assert found.ece.interval.low == pytest.approx(np.quantile(errors, 0.025))
    assert found.slope.interval.high == pytest.approx(np.quantile(slopes, 0.975), rel=1e-3)


def test_copies_of_films_do_not_make_a_network_look_surely_dishonest():
    once = honest(13, 60)
    copies = table_of(
        np.repeat(once.truth, 4),
        np.repeat(once.logits, 4, axis=0),
        [f"g{i // 4}" for i in range(240)],
    )
    one = cal.calibration_scores(once, 0, n_resamples=50)
    four = cal.calibration_scores(copies, 0, n_resamples=50)
    assert four.ece.value == pytest.approx(one.ece.value)
    assert four.ece_if_calibrated == pytest.approx(one.ece_if_calibrated, rel=0.05)
    assert four.n_groups == 60


def test_one_fold_or_few_films_outside_leave_a_reason_and_no_figure_after():
    one = cal.calibration(honest(14, 60, n_folds=1), 0, n_resamples=20)
    assert one.after is None
    assert one.temperatures == ()
    assert "1 fold" in one.why_not_after
    few = cal.calibrated(honest(14, 24))
    assert isinstance(few, NotRun)
    assert "19 films outside" in few.why
    with pytest.raises(ValueError, match="no predictions"):
        cal.calibration(table_of([], []), 0)


def test_a_class_without_films_still_has_a_gap_and_one_film_has_scores():
    table = honest(15, 100)
    absent = table_of(np.where(table.truth == 2, 0, table.truth), table.logits)
    last = cal.calibration_scores(absent, 0, n_resamples=20).classes[2]
    assert (last.n, last.share) == (0, 0)
    assert last.gap.value == pytest.approx(table.probabilities[:, 2].mean())
    assert cal.calibration_scores(table_of([0], [[1, 0, 0]]), 0, n_resamples=20).n == 1
