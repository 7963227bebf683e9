"""Sets of each fold by thresholds of the others: who has a part in what, and what is promised."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from films_aside import promised_by_split, split

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers import calibration
from spondyl.trust.answers.cross_conformal import cross_conformal, cv_plus_bound
from spondyl.trust.intervals import NotRun

KINDS = ("marginal", "by label")


def table_of(truth, logits, folds, groups=None, ids=None):
    n = len(truth)
    ids = ids or tuple(f"film {i:04d}" for i in range(n))
    return PredictionTable(
        SPINE_LABELS,
        ids,
        tuple(groups or ids),
        np.asarray(folds, np.int64),
        np.asarray(truth, np.int64),
        np.asarray(logits, np.float64).reshape(n, 3),
    )


def drawn(seed, n=300, factor=1.0, n_folds=5):
    """Films whose label is drawn by a network's own probabilities, its logits then × `factor`; the
    third label is rarer."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(n, 3)) - [0, 0, 1]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (rng.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return table_of(truth, factor * logits, np.arange(n) % n_folds)


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_is_that_of_folds_judged_one_by_one(kind):
    table = drawn(0)
    found = cross_conformal(table, 0.1, kind, 0, n_draws=50)
    right, sizes = np.zeros(300, bool), np.zeros(300, int)
    for one in found.folds:
        inside = np.flatnonzero(table.folds == one.fold)
        outside = np.flatnonzero(table.folds != one.fold)
        t, _ = calibration.temperature(table.logits[outside], table.truth[outside])
        scaled = replace(table, logits=table.logits / t)
        aside = PredictionTable.joined([scaled], [table.image_ids[i] for i in outside])
        thresholds = split(aside, 0.1, kind)
        sets = thresholds.sets(scaled.probabilities[inside])
        right[inside] = sets[np.arange(len(inside)), table.truth[inside]]
        sizes[inside] = sets.sum(axis=1)
        assert one.thresholds == thresholds
        assert one.temperature == pytest.approx(t)
        assert one.coverage.value == right[inside].mean()
    assert found.coverage.value == right.mean()
    assert found.sizes.mean == sizes.mean()
    assert found.sizes.singletons == (sizes == 1).mean()
    assert found.sizes.singletons_right.value == right[sizes == 1].mean()
    for column, label in enumerate(found.labels):
        assert label.coverage.value == right[table.truth == column].mean()
        assert label.coverage.interval.n_units == (table.truth == column).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_a_fold_has_no_part_in_its_own_thresholds(kind):
    table = drawn(1)
    logits = table.logits.copy()
    logits[table.folds == 2] = 30 * logits[table.folds == 2][:, ::-1]
    first = cross_conformal(table, 0.1, kind, 0, 20)
    again = cross_conformal(replace(table, logits=logits), 0.1, kind, 0, 20)
    for one, other in zip(first.folds, again.folds, strict=True):
        same = (one.temperature, one.thresholds) == (other.temperature, other.thresholds)
        assert same == (one.fold == 2)


@pytest.mark.parametrize("kind", KINDS)
def test_overconfident_networks_are_brought_to_the_same_sets(kind):
    calm, loud = drawn(2), drawn(2, factor=8.0)
    one, other = (cross_conformal(table, 0.1, kind, 0, 20) for table in (calm, loud))
    assert other.coverage == one.coverage
    assert other.sizes == one.sizes
    assert other.folds[0].temperature == pytest.approx(8 * one.folds[0].temperature, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [1.0, 8.0])
def test_coverage_of_many_cohorts_is_as_stated_and_within_the_promised_range(kind, factor):
    found = [cross_conformal(drawn(s, 150, factor), 0.1, kind, 0, 400) for s in range(60)]
    values = np.array([one.coverage.value for one in found])
    assert values.mean() >= 0.9 - 3 * values.std() / math.sqrt(60)
    inside = [one.promised.low <= one.coverage.value <= one.promised.high for one in found]
    assert sum(inside) >= 52  # of 60, binomial at 0.95: fewer in one run of a thousand
    folds = [
        fold.promised.low <= fold.coverage.value <= fold.promised.high
        for one in found
        for fold in one.folds
    ]
    assert np.mean(folds) >= 0.93
    if kind == "by label":
        for column in range(3):
            shares = [one.labels[column].coverage.value for one in found]
            assert np.mean(shares) >= 0.9 - 3 * np.std(shares) / math.sqrt(60)


def test_the_promised_range_of_one_fold_is_that_of_a_split():
    found = cross_conformal(drawn(3, 200), 0.1, "marginal", 0, 8000)
    aside = promised_by_split(160, 40, 0.1)
    for fold in found.folds:
        assert fold.promised.low == pytest.approx(aside.low, abs=1.01 / 40)
        assert fold.promised.high == pytest.approx(aside.high, abs=1.01 / 40)
    # Pooled, thresholds that are made of each other leave less to chance.
    assert found.promised.high - found.promised.low < aside.high - aside.low


def test_marginal_sets_promise_nothing_of_a_label_and_a_bad_one_shows():
    truth = np.r_[np.zeros(200), np.ones(80), np.full(20, 2)].astype(int)
    logits = 4 * np.eye(3)[truth] + np.random.default_rng(0).normal(size=(300, 3))
    logits[truth == 2] = logits[truth == 2][:, [2, 1, 0]]  # a rare label, always taken for another
    table = table_of(truth, logits, np.arange(300) % 5)
    marginal, by_label = (cross_conformal(table, 0.1, kind, 0, 50) for kind in KINDS)
    assert marginal.coverage.value >= 0.88
    assert marginal.labels[2].coverage.value < 0.5
    assert marginal.labels[2].promised is None
    assert by_label.labels[2].coverage.value >= by_label.labels[2].promised.low
    assert by_label.labels[2].coverage.value >= 0.8


def test_a_fold_whose_network_is_worse_is_below_what_was_promised_though_the_whole_is_not():
    table = drawn(4, 400)
    worse = table.logits.copy()
    worse[table.folds == 3] = worse[table.folds == 3][:, [1, 2, 0]]
    found = cross_conformal(replace(table, logits=worse), 0.1, "marginal", 0, 400)
    low = [fold.coverage.value < fold.promised.low for fold in found.folds]
    assert low == [False, False, False, True, False]


def test_one_film_of_each_group_is_judged_and_counted_the_first_by_id():
    once = drawn(5, 150)
    rng = np.random.default_rng(0)
    row = np.repeat(np.arange(150), 3)
    copy = np.concatenate([rng.permutation(3) for _ in range(150)])
    noise = np.where(copy == 0, 0, 9)[:, None] * rng.normal(size=(450, 3))
    groups = [f"g{r:03d}" for r in row]
    ids = tuple(f"{r:03d}-{c}" for r, c in zip(row, copy, strict=True))
    many = table_of(once.truth[row], once.logits[row] + noise, once.folds[row], groups, ids)
    one, three = (cross_conformal(table, 0.1, "marginal", 0, 50) for table in (once, many))
    assert (three.n_films, three.n) == (450, 150)
    assert three.coverage == one.coverage
    assert three.promised == one.promised
    assert three.folds == one.folds


def test_a_share_that_cannot_be_stated_and_an_empty_table_are_refused():
    for alpha in (0.0, 0.6, 1.0):
        with pytest.raises(ValueError, match="an alpha of"):
            cross_conformal(drawn(6, 60), alpha, "marginal", 0)
    with pytest.raises(ValueError, match="no predictions"):
        cross_conformal(table_of([], [], []), 0.1, "marginal", 0)


def test_too_few_groups_for_the_stated_share_are_a_reason_and_not_a_figure():
    few = cross_conformal(drawn(6, 50), 0.01, "marginal", 0)
    assert isinstance(few, NotRun)
    assert "needs 99 groups outside a fold, 40 are there" in few.why
    assert "0.0244" in few.why
    assert isinstance(cross_conformal(drawn(6, 50, n_folds=1), 0.1, "marginal", 0), NotRun)
    tiny = cross_conformal(drawn(6, 12), 0.1, "by label", 0)
    assert "films outside a fold" in tiny.why


def test_a_label_too_rare_for_the_stated_share_is_in_every_set_and_the_record_says_so():
    rng = np.random.default_rng(7)
    truth = np.r_[np.zeros(100), np.ones(94), np.full(6, 2)].astype(int)
    table = table_of(truth, 3 * np.eye(3)[truth] + rng.normal(size=(200, 3)), np.arange(200) % 5)
    found = cross_conformal(table, 0.1, "by label", 0, 50)
    rare = found.labels[2]
    assert rare.n_folds_without_threshold == 5
    assert rare.coverage.value == rare.promised.low == 1
    assert rare.smallest_alpha == found.smallest_alpha == pytest.approx(1 / 5)
    assert found.sizes.singletons == found.sizes.singletons_right.interval.n_units / 200
    assert found.labels[0].n_folds_without_threshold == 0


def test_a_label_without_films_one_label_and_constant_predictions_have_a_record():
    table = drawn(8)
    absent = replace(table, truth=np.where(table.truth == 2, 0, table.truth))
    for kind in KINDS:
        last = cross_conformal(absent, 0.1, kind, 0, 20).labels[2]
        assert math.isnan(last.coverage.value)
        assert cross_conformal(replace(table, truth=0 * table.truth), 0.1, kind, 0, 20).n == 300
        flat = cross_conformal(replace(table, logits=0 * table.logits), 0.1, kind, 0, 20)
        assert (flat.coverage.value, flat.sizes.full, flat.sizes.mean) == (1, 1, 3)
        assert math.isnan(flat.sizes.singletons_right.value)


def test_the_worst_case_is_that_of_the_theorem_and_is_said_in_words():
    assert cv_plus_bound(100, 5, 0.1) == pytest.approx(0.8 - min(1.6 / 21, 0.95 / 6))
    assert cv_plus_bound(100, 100, 0.1) == pytest.approx(0.8)  # leave one out: jackknife+
    assert cv_plus_bound(10, 2, 0.5) == 0
    found = cross_conformal(drawn(9), 0.1, "by label", 0, 20)
    assert found.worst_case == cv_plus_bound(300, 5, 0.1)
    assert "90% of new groups on average, of each label" in found.guarantee
    assert f"{found.worst_case:.0%} here" in found.guarantee


def test_the_record_is_plain_values():
    plain = asdict(cross_conformal(drawn(10), 0.1, "by label", 0, 20))

    def leaves(value):
        if isinstance(value, dict):
            return [leaf for one in value.values() for leaf in leaves(one)]
        if isinstance(value, tuple):
            return [leaf for one in value for leaf in leaves(one)]
        return [value]

    assert {type(leaf) for leaf in leaves(plain)} <= {int, float, str, type(None)}
