"""How well labels are told apart, by fold and pooled, and what a probe without anatomy reaches."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import intervals, metrics
from spondyl.trust.answers.discrimination import (
    discrimination,
    share_above_majority,
    share_reached,
)
from spondyl.trust.intervals import NotRun


def table_of(truth, logits, n_folds=5, n_groups=None):
    n = len(truth)
    groups = np.arange(n) % (n_groups or n)
    return PredictionTable(
        SPINE_LABELS,
        tuple(f"film {row:03d}" for row in range(n)),
        tuple(f"g{group:03d}" for group in groups),
        groups % n_folds,
        np.asarray(truth, dtype=np.int64),
        np.asarray(logits, dtype=np.float64),
    )


def drawn(seed=0, n=120, gain=1.5, **given):
    """Films whose truth does not depend on `seed`, seven of twelve of them normal."""
    truth = np.repeat([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2], n // 12)
    truth = np.random.default_rng(99).permutation(truth)
    logits = np.random.default_rng(seed).normal(size=(n, 3)) + gain * np.eye(3)[truth]
    return table_of(truth, logits, **given)


def calling(truth, called):
    return table_of(truth, 5.0 * np.eye(3)[np.asarray(called)])


def test_figures_are_those_of_scikit_learn():
    table = drawn()
    said = discrimination(table, 0, 50)
    assert said.accuracy.value == pytest.approx((table.predicted == table.truth).mean())
    f1 = f1_score(table.truth, table.predicted, average="macro")
    assert said.macro_f1.value == pytest.approx(f1)
    balanced = balanced_accuracy_score(table.truth, table.predicted)
    assert said.macro_sensitivity.value == pytest.approx(balanced)
    assert (said.majority_label, said.majority) == ("normal", pytest.approx(7 / 12))
    assert said.macro_by_chance == pytest.approx(1 / 3)


def test_an_area_by_fold_is_the_mean_of_single_networks_and_the_pooled_one_mixes_them():
    table = drawn()
    shifted = replace(table, logits=table.logits * (1.0 + 3 * (table.folds == 0))[:, None])
    one = discrimination(shifted, 0, 50).labels[1]
    by_fold = [
        roc_auc_score(
            table.truth[table.folds == fold] == 1, shifted.probabilities[table.folds == fold, 1]
        )
        for fold in range(5)
    ]
    assert one.mean_of_folds == pytest.approx(np.mean(by_fold))
    assert one.sd_of_folds == pytest.approx(np.std(by_fold, ddof=1))
    pooled = roc_auc_score(table.truth == 1, shifted.probabilities[:, 1])
    assert one.pooled.value == pytest.approx(pooled)
    assert one.pooled.value != pytest.approx(one.mean_of_folds)
    assert one.n_folds == 5


def test_intervals_are_those_that_the_report_prints():
    table = drawn(n_groups=80)
    said = discrimination(table, 7, 200)
    bootstrap = intervals.GroupBootstrap.draw(table, 7, 200)
    assert said.accuracy.interval == bootstrap.of_confusions(metrics.accuracy)
    assert said.labels[2].pooled.interval == bootstrap.of_auc(2)
    assert said.accuracy.interval.n_units == said.n_groups == 80
    right = int((table.predicted == table.truth).sum())
    assert said.accuracy_wilson == intervals.wilson(right, 120)


def test_one_class_has_an_accuracy_and_no_area():
    table = replace(drawn(), truth=np.zeros(120, np.int64))
    said = discrimination(table, 0, 50)
    assert np.isfinite(said.accuracy.value)
    assert np.isnan([said.macro_auc_pooled.value, said.macro_auc_mean_of_folds]).all()
    assert [one.n_folds for one in said.labels] == [0, 0, 0]
    assert np.isnan(said.labels[0].pooled.interval.low)


def test_one_fold_has_no_spread_and_no_film_is_refused():
    said = discrimination(drawn(n_folds=1), 0, 50)
    assert np.isnan(said.labels[0].sd_of_folds)
    assert said.labels[0].mean_of_folds == pytest.approx(said.labels[0].pooled.value)
    empty = table_of([], np.zeros((0, 3)))
    with pytest.raises(ValueError, match="no predictions"):
        discrimination(empty, 0)


@pytest.mark.parametrize(
    ("model", "probe", "share"),
    [(0.9, 0.7, 0.5), (0.9, 0.5, 0), (0.9, 0.9, 1), (0.9, 0.4, -0.25), (0.5, 0.7, np.nan)],
)
def test_the_share_is_what_the_probe_has_of_what_the_network_has_beyond_the_majority(
    model, probe, share
):
    assert float(share_above_majority(model, probe, 0.5)) == pytest.approx(share, nan_ok=True)


def test_both_are_read_on_the_same_resamples_of_groups():
    model, probe = drawn(0, gain=4, n_groups=90), drawn(1, gain=2.5, n_groups=90)
    said = share_reached(model, probe, 3, 200)
    bootstrap = intervals.GroupBootstrap.draw(model, 3, 200)
    slow = []
    for counts in bootstrap.counts:
        films = np.repeat(np.arange(120), counts[bootstrap.film_group].astype(int))
        right = [(t.predicted == t.truth)[films].mean() for t in (model, probe)]
        majority = (model.truth[films] == 0).mean()
        slow.append((right[1] - majority) / (right[0] - majority))
    low, high = np.quantile(slow, [0.025, 0.975])
    assert (said.share.interval.low, said.share.interval.high) == pytest.approx((low, high))
    assert said.share.interval.low < said.share.value < said.share.interval.high
    assert said.why_no_interval == ""
    assert (said.n_films, said.n_groups, said.majority_label) == (120, 90, "normal")


def test_the_network_reaches_all_of_itself_and_the_majority_nothing():
    model = drawn(0, gain=4)
    assert share_reached(model, model, 0, 100).share.value == 1
    constant = calling(model.truth, np.zeros(120, int))
    said = share_reached(model, constant, 0, 100)
    assert (said.probe, said.share.value) == (said.majority, 0)
    assert said.share.interval.high == 0


def test_only_films_of_both_count():
    model, probe = drawn(0, gain=4), drawn(1, gain=2.5)
    some = probe.rows_of_fold(0)
    beside = share_reached(model.rows_of_fold(0), some, 0, 100)
    assert asdict(share_reached(model, some, 0, 100)) == asdict(beside)
    assert beside.n_films == 24


def test_a_network_that_knows_no_more_than_the_majority_has_no_share():
    truth = drawn().truth
    said = share_reached(calling(truth, np.zeros(120, int)), drawn(), 0, 100)
    assert isinstance(said, NotRun)
    assert "0.583" in said.why


def test_a_network_hardly_above_the_majority_has_a_share_and_no_interval():
    truth = drawn().truth
    called = np.zeros(120, int)
    called[np.flatnonzero(truth == 1)[:3]] = 1
    called[np.flatnonzero(truth == 0)[:2]] = 1
    said = share_reached(calling(truth, called), drawn(), 0, 400)
    assert np.isfinite(said.share.value)
    assert np.isnan([said.share.interval.low, said.share.interval.high]).all()
    assert f"{said.share.interval.n_undefined} of 400" in said.why_no_interval


def test_tables_of_other_films_are_not_held_against_each_other():
    table = drawn()
    strangers = replace(table, image_ids=tuple(f"other {row}" for row in range(120)))
    assert share_reached(table, strangers, 0) == NotRun("no film was tested by both")
