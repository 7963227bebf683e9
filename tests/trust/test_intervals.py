"""Intervals and tests against their definitions: an inverted test, loops, binomial sums."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from statsmodels.stats.multitest import multipletests

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import intervals, metrics


def table_of(truth, predicted, groups, ids=None) -> PredictionTable:
    n = len(truth)
    return PredictionTable(
        SPINE_LABELS,
        tuple(ids or (f"film {i:03d}" for i in range(n))),
        tuple(groups),
        np.zeros(n, dtype=np.int64),
        np.asarray(truth, dtype=np.int64),
        2.0 * np.eye(3)[np.asarray(predicted, dtype=np.int64)],
    )


def drawn(seed: int, n: int, n_groups: int) -> PredictionTable:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    predicted = np.where(rng.random(n) < 0.8, truth, rng.integers(0, 3, n))
    return table_of(truth, predicted, [f"g{i % n_groups}" for i in range(n)])


@pytest.mark.parametrize(("right", "n"), [(0, 7), (3, 7), (7, 7), (300, 338), (1, 2)])
def test_wilson_holds_the_shares_that_a_score_test_would_not_reject(right, n):
    z = 1.959963984540054
    share = right / n

    def rejected_by(p: float) -> float:
        return (share - p) ** 2 - z * z * p * (1 - p) / n

    interval = intervals.wilson(right, n)
    low = 0.0 if right == 0 else brentq(rejected_by, 0, share - 1e-9)
    high = 1.0 if right == n else brentq(rejected_by, share + 1e-9, 1)
    assert interval.low == pytest.approx(low, abs=1e-9)
    assert interval.high == pytest.approx(high, abs=1e-9)


def test_no_film_leaves_every_share_possible():
    assert (intervals.wilson(0, 0).low, intervals.wilson(0, 0).high) == (0, 1)


def test_more_right_than_films_is_refused():
    with pytest.raises(ValueError, match="4 of 3"):
        intervals.wilson(4, 3)


def test_with_one_film_per_group_the_group_bootstrap_is_the_plain_one():
    table = drawn(1, 60, 60)
    bootstrap = intervals.GroupBootstrap.draw(table, seed=3, n_resamples=50)
    right = table.predicted == table.truth
    plain = [
        np.repeat(right, counts[bootstrap.film_group].astype(int)).mean()
        for counts in bootstrap.counts
    ]
    assert np.allclose(metrics.accuracy(bootstrap.confusions), plain)
    interval = bootstrap.of_confusions(metrics.accuracy)
    assert interval.low == pytest.approx(np.quantile(plain, 0.025))
    assert interval.high == pytest.approx(np.quantile(plain, 0.975))


def test_films_of_a_group_are_drawn_together():
    table = table_of([0, 0, 1, 2], [0, 1, 1, 2], ["a", "a", "b", "c"])
    bootstrap = intervals.GroupBootstrap.draw(table, seed=0, n_resamples=200)
    a, b, c = bootstrap.counts.T
    assert (a + b + c == 3).all()
    confusions = bootstrap.confusions
    assert (confusions[:, 0, 0] == a).all()
    assert (confusions[:, 0, 1] == a).all()
    assert (confusions[:, 1, 1] == b).all()
    assert (confusions.sum((1, 2)) == 2 * a + b + c).all()


def test_copies_of_a_film_do_not_make_the_interval_narrower():
    once = drawn(2, 40, 40)
    twice = table_of(
        np.tile(once.truth, 2), np.tile(once.predicted, 2), [f"g{i % 40:02d}" for i in range(80)]
    )
    once = table_of(once.truth, once.predicted, [f"g{i:02d}" for i in range(40)])
    one = intervals.GroupBootstrap.draw(once, seed=5).of_confusions(metrics.accuracy)
    two = intervals.GroupBootstrap.draw(twice, seed=5).of_confusions(metrics.accuracy)
    assert (one.low, one.high) == pytest.approx((two.low, two.high))


def test_the_bootstrap_of_the_auc_repeats_films_of_drawn_groups():
    rng = np.random.default_rng(8)
    table = PredictionTable(
        SPINE_LABELS,
        tuple(f"film {i}" for i in range(30)),
        tuple(f"g{i % 20}" for i in range(30)),
        np.zeros(30, dtype=np.int64),
        rng.integers(0, 3, 30),
        rng.normal(size=(30, 3)),
    )
    bootstrap = intervals.GroupBootstrap.draw(table, seed=1, n_resamples=30)
    slow = []
    for counts in bootstrap.counts:
        films = np.repeat(np.arange(30), counts[bootstrap.film_group].astype(int))
        slow.append(metrics.auc(table.probabilities[films, 1], table.truth[films] == 1))
    assert bootstrap.of_auc(1).low == pytest.approx(np.nanquantile(slow, 0.025))


def test_equal_seeds_give_equal_intervals():
    table = drawn(4, 50, 45)
    one, two = (
        intervals.GroupBootstrap.draw(table, seed=9).of_confusions(metrics.accuracy) for _ in "ab"
    )
    assert one == two


def test_resamples_without_a_value_are_counted():
    table = table_of([0, 1], [0, 1], ["a", "b"])
    interval = intervals.GroupBootstrap.draw(table, seed=0).of_auc(0)
    assert 0 < interval.n_undefined < interval.n_resamples
    assert (interval.low, interval.high) == (1, 1)


def test_two_thousand_resamples_of_338_films_take_less_than_a_second():
    table = drawn(6, 338, 323)
    began = time.process_time()
    bootstrap = intervals.GroupBootstrap.draw(table, seed=0)
    bootstrap.of_confusions(lambda counts: metrics.macro(metrics.f1(counts)))
    bootstrap.of_auc(0)
    assert time.process_time() - began < 1


@given(st.integers(0, 40), st.integers(0, 40))
@settings(deadline=None)
def test_mcnemar_is_twice_the_smaller_tail_of_fair_coins(first_only, second_only):
    n, fewer = first_only + second_only, min(first_only, second_only)
    tail = sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n
    assert intervals.mcnemar_p(first_only, second_only) == pytest.approx(min(1, 2 * tail))


def test_three_films_cannot_show_a_difference():
    assert intervals.mcnemar_p(3, 0) == 0.25


def test_a_comparison_takes_one_film_of_each_group():
    truth, groups = [0, 0, 0, 0], ["a", "a", "b", "c"]
    first = table_of(truth, [0, 0, 0, 1], groups)
    second = table_of(truth, [1, 1, 0, 1], groups)
    pair = intervals.compare("first", first, "second", second)
    assert (pair.n_films, pair.first_only, pair.second_only) == (3, 1, 0)
    assert (pair.both_right, pair.both_wrong, pair.decided_by) == (1, 1, 1)
    assert pair.p_value == 1


def test_the_chosen_film_depends_on_its_name_and_not_on_the_order_of_rows():
    ids, groups = ["z", "a", "m"], ["g", "g", "h"]
    truth = [0, 0, 0]
    first, second = table_of(truth, [0, 1, 0], groups, ids), table_of(truth, [1, 0, 1], groups, ids)
    turned = [
        table_of(truth, [p[i] for i in (2, 1, 0)], ["h", "g", "g"], ["m", "a", "z"])
        for p in ([0, 1, 0], [1, 0, 1])
    ]
    pair = intervals.compare("first", first, "second", second)
    assert pair == intervals.compare("first", turned[0], "second", turned[1])
    assert (pair.first_only, pair.second_only) == (1, 1)


def test_exchanging_the_two_exchanges_their_counts_and_keeps_p():
    one = drawn(10, 50, 40)
    other = table_of(one.truth, np.roll(one.predicted, 1), one.group_ids)
    there, back = intervals.compare("a", one, "b", other), intervals.compare("b", other, "a", one)
    assert (there.first_only, there.second_only) == (back.second_only, back.first_only)
    assert there.p_value == back.p_value


def test_tables_that_disagree_about_the_truth_are_not_compared():
    with pytest.raises(ValueError, match="disagree"):
        intervals.compare("a", table_of([0], [0], ["g"]), "b", table_of([1], [0], ["g"]))


def test_holm_multiplies_the_smallest_by_their_number_and_never_falls():
    assert intervals.holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert intervals.holm([]) == ()
    assert intervals.holm([0.9, 0.8]) == (1.0, 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_holm_s_correction_is_that_of_statsmodels(seed):
    p_values = np.random.default_rng(seed).random(7) ** 3
    _, theirs, _, _ = multipletests(p_values, method="holm")
    assert intervals.holm(p_values) == pytest.approx(theirs)
