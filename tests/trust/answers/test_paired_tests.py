"""DeLong's test against its definition, resampling and scikit-learn; the t test by hand."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from spondyl.trust.answers import paired_tests
from spondyl.trust.intervals import NotRun


def drawn(seed, n, rest, gain=1.0, other_gain=1.0, noise=0.7):
    """Two scores that share much of their error, of `n` films of a label and `rest` of others."""
    draws = np.random.default_rng(seed)
    positive = draws.permutation(np.arange(n + rest) < n)
    common = draws.normal(size=n + rest)
    first, second = (
        amount * positive + common + noise * draws.normal(size=n + rest)
        for amount in (gain, other_gain)
    )
    return first, second, positive


def by_definition(first, second, positive):
    """Difference of AUCs and its variance from every pair of films (DeLong et al. 1988)."""

    def above(x, y):
        return 1.0 if x > y else 0.5 if x == y else 0.0

    places = []
    for scores in (first, second):
        own, rest = scores[positive], scores[~positive]
        of_own = [sum(above(x, y) for y in rest) / len(rest) for x in own]
        of_rest = [sum(above(x, y) for x in own) / len(own) for y in rest]
        places.append((of_own, of_rest))
    (own_a, rest_a), (own_b, rest_b) = places
    contrast = np.array([1, -1])
    covariance = np.cov(own_a, own_b) / len(own_a) + np.cov(rest_a, rest_b) / len(rest_a)
    return np.mean(own_a) - np.mean(own_b), contrast @ covariance @ contrast


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 12), st.booleans())
@settings(deadline=None, max_examples=60)
def test_midranks_give_what_every_pair_of_films_gives(seed, n, rest, ties):
    first, second, positive = drawn(seed, n, rest)
    if ties:
        first, second = np.round(first), np.round(second)
    difference, variance = by_definition(first, second, positive)
    test = paired_tests.delong(first, second, positive)
    if variance < 1e-12:
        assert isinstance(test, NotRun) or test.p_value == 1
        return
    assert test.difference == pytest.approx(difference)
    assert test.standard_error == pytest.approx(np.sqrt(variance))
    assert (test.low + test.high) / 2 == pytest.approx(difference)


def test_its_areas_are_those_of_scikit_learn_with_ties():
    first, second, positive = drawn(1, 30, 45)
    first = np.round(first, 1)
    test = paired_tests.delong(first, second, positive)
    assert test.first == pytest.approx(roc_auc_score(positive, first))
    assert test.second == pytest.approx(roc_auc_score(positive, second))


def test_its_standard_error_is_that_of_resampled_films():
    first, second, positive = drawn(2, 120, 150, gain=1.2)
    test = paired_tests.delong(first, second, positive)
    draws = np.random.default_rng(0)
    own, rest = np.flatnonzero(positive), np.flatnonzero(~positive)
    differences = []
    for _ in range(400):
        films = np.r_[draws.choice(own, len(own)), draws.choice(rest, len(rest))]
        a, b = (roc_auc_score(positive[films], scores[films]) for scores in (first, second))
        differences.append(a - b)
    assert test.standard_error == pytest.approx(np.std(differences), rel=0.12)


def test_of_networks_that_are_equal_one_in_twenty_is_told_apart():
    rejected = [paired_tests.delong(*drawn(seed, 60, 80)).p_value < 0.05 for seed in range(1000)]
    assert 0.03 < np.mean(rejected) < 0.075


@pytest.mark.slow
def test_its_p_value_is_near_that_of_exchanging_the_two_film_by_film():
    first, second, positive = drawn(5, 60, 60, gain=1.4, other_gain=0.9)
    test = paired_tests.delong(first, second, positive)
    draws = np.random.default_rng(0)
    ranks = [np.argsort(np.argsort(scores)) for scores in (first, second)]
    measured = abs(test.difference)
    as_far = 0
    for _ in range(999):
        swap = draws.random(120) < 0.5
        a, b = np.where(swap, ranks[1], ranks[0]), np.where(swap, ranks[0], ranks[1])
        as_far += abs(roc_auc_score(positive, a) - roc_auc_score(positive, b)) >= measured - 1e-12
    assert 0.001 < test.p_value < 0.2
    assert test.p_value == pytest.approx((1 + as_far) / 1000, abs=0.03)


def test_scores_that_rank_alike_have_p_one_and_no_interval():
    first, _, positive = drawn(3, 10, 12)
    test = paired_tests.delong(first, np.exp(first), positive)
    assert (test.difference, test.standard_error, test.p_value) == (0, 0, 1)
    assert np.isnan([test.low, test.high]).all()


def test_a_perfect_score_beside_a_constant_one_has_nothing_to_test_with():
    positive = np.arange(8) < 4
    test = paired_tests.delong(positive.astype(float), np.zeros(8), positive)
    assert isinstance(test, NotRun)
    assert "0.500" in test.why


@pytest.mark.parametrize("n", [0, 1, 5, 6])
def test_with_one_film_on_a_side_it_is_not_run(n):
    scores = np.arange(6.0)
    test = paired_tests.delong(scores, -scores, np.arange(6) < n)
    assert isinstance(test, NotRun)
    assert test.why.startswith(f"{n} films of the label and {6 - n}")


def test_zero_lies_at_the_end_of_the_interval_whose_level_is_one_minus_p():
    first, second, positive = drawn(4, 40, 45, gain=1.3)
    p_value = paired_tests.delong(first, second, positive).p_value
    test = paired_tests.delong(first, second, positive, 1 - p_value)
    assert min(abs(test.low), abs(test.high)) == pytest.approx(0, abs=1e-9)
    by_folds = paired_tests.corrected_t([0.1, 0.02, 0.05, -0.01], 20, 60)
    ends = paired_tests.corrected_t([0.1, 0.02, 0.05, -0.01], 20, 60, 1 - by_folds.p_value)
    assert ends.low == pytest.approx(0, abs=1e-9)


def test_exchanging_the_two_turns_the_difference_and_keeps_p():
    first, second, positive = drawn(4, 20, 25)
    there = paired_tests.delong(first, second, positive)
    back = paired_tests.delong(second, first, positive)
    assert there.difference == -back.difference
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.p_value == pytest.approx(back.p_value)


def test_the_corrected_t_of_five_folds_by_hand():
    """s² = 0.002 / 4; factor 1/5 + 1/4; SE 0.015; t = 2 at an angle of 45°, whose two-sided p for
    four degrees of freedom is 1 − sin θ (1 + cos² θ / 2) = 1 − 1.25 / √2."""
    test = paired_tests.corrected_t([0.02, 0.04, 0.0, 0.06, 0.03], n_test=20, n_train=80)
    assert test.difference == pytest.approx(0.03)
    assert test.factor == pytest.approx(0.45)
    assert test.standard_error == pytest.approx(0.015)
    assert test.degrees_of_freedom == 4
    assert test.p_value == pytest.approx(1 - 1.25 / np.sqrt(2))
    assert (test.low, test.high) == pytest.approx(
        (0.03 - 2.776445 * 0.015, 0.03 + 2.776445 * 0.015)
    )


def test_fewer_films_to_train_on_make_it_less_sure():
    differences = [0.02, 0.04, 0.0, 0.06]
    much, little = (paired_tests.corrected_t(differences, 20, n) for n in (1000, 20))
    assert little.p_value > much.p_value
    assert much.p_value > paired_tests.corrected_t(differences, 1e-9, 20).p_value


def test_folds_that_do_not_differ_have_p_one_and_folds_that_differ_alike_no_test():
    same = paired_tests.corrected_t([0.0, 0.0, 0.0], 10, 20)
    assert (same.p_value, same.standard_error) == (1, 0)
    assert np.isnan(same.low)
    assert np.isnan(asdict(same)["high"])
    alike = paired_tests.corrected_t([0.1, 0.1, 0.1], 10, 20)
    assert isinstance(alike, NotRun)
    assert "0.100" in alike.why


def test_one_fold_has_no_spread():
    with pytest.raises(ValueError, match="1 differences"):
        paired_tests.corrected_t([0.1], 10, 20)
