"""Every p value of a table of comparisons is corrected for all of them."""

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers.many_pairs import many_pairs
from spondyl.trust.answers.side_by_side import distinct_figures, figures


def table(skill, seed, n=90):
    draws = np.random.default_rng(seed)
    truth = np.arange(n) % 3
    logits = draws.normal(size=(n, 3))
    logits[np.arange(n), truth] += skill
    ids = tuple(f"{i:03}.png" for i in range(n))
    groups = tuple(f"g{i % (n - 10)}" for i in range(n))
    return PredictionTable(SPINE_LABELS, ids, groups, np.arange(n) % 3, truth, logits)


NAMED = [("weak", table(0.5, 1)), ("strong", table(3.0, 2)), ("middle", table(1.5, 3))]


def slow_holm(p_values):
    """Step by step from the paper: the i-th smallest times what is left, never falling."""
    order, least, corrected = sorted(range(len(p_values)), key=p_values.__getitem__), 0.0, {}
    for at, which in enumerate(order):
        least = max(least, (len(p_values) - at) * p_values[which])
        corrected[which] = min(1.0, least)
    return [corrected[i] for i in range(len(p_values))]


def test_the_family_is_the_whole_table():
    found = many_pairs(NAMED, seed=0, n_resamples=50)
    assert (found.n_mcnemar, found.n_delong, found.n_tests) == (3, 9, 12)
    own = [pair.comparison.mcnemar.p_value for pair in found.pairs]
    areas = [label.test.p_value for pair in found.pairs for label in pair.comparison.labels]
    expected = slow_holm([*own, *areas])
    assert [pair.mcnemar_holm for pair in found.pairs] == pytest.approx(expected[:3])
    assert [p for pair in found.pairs for p in pair.auc_holm] == pytest.approx(expected[3:])


def test_the_one_with_more_films_right_comes_first():
    found = many_pairs(NAMED, seed=0, n_resamples=50)
    pairs = {(pair.comparison.first, pair.comparison.second) for pair in found.pairs}
    assert pairs == {("strong", "weak"), ("strong", "middle"), ("middle", "weak")}
    assert all(pair.comparison.accuracy.difference.value > 0 for pair in found.pairs)


def test_against_a_reference_every_other_one_stands_first_and_fewer_tests_are_corrected():
    found = many_pairs(NAMED, seed=0, reference="middle", n_resamples=50)
    pairs = [(pair.comparison.first, pair.comparison.second) for pair in found.pairs]
    assert pairs == [("weak", "middle"), ("strong", "middle")]
    assert found.n_tests == 8
    with pytest.raises(ValueError, match="not among"):
        many_pairs(NAMED, seed=0, reference="nobody")


def test_tables_that_cannot_be_compared_are_refused_by_name():
    other = table(1, 1, n=60).taken(range(0, 0))
    with pytest.raises(ValueError, match="weak and none"):
        many_pairs([NAMED[0], ("none", other)], seed=0)


def test_distinct_films_are_one_of_each_group():
    one = NAMED[1][1]
    found = distinct_figures(one, seed=0, n_resamples=50)
    first = {}
    for row in np.argsort(one.image_ids):
        first.setdefault(one.group_ids[row], row)
    right = sum(one.predicted[row] == one.truth[row] for row in first.values())
    assert (found.n, found.n_right) == (80, right)
    assert found.wilson.low < found.accuracy.value < found.wilson.high
    everything = figures(one, seed=0, n_resamples=50)
    assert everything.n_right == int((one.predicted == one.truth).sum())
    assert everything.distinct == found
