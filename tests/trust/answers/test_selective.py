"""Leaving the least sure films out: areas against their definition, rules judged where unchosen."""

from itertools import permutations

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers import selective
from spondyl.trust.intervals import NotRun


def table_of(confidence, right, folds):
    """Films of class 0, called rightly or as class 1 with the given probability."""
    n = len(confidence)
    rest = (1 - np.asarray(confidence)) / 2
    shares = np.stack([rest, rest, rest], axis=1)
    shares[np.arange(n), np.where(right, 0, 1)] = confidence
    ids = tuple(f"{row}.png" for row in range(n))
    truth = np.zeros(n, np.int64)
    return PredictionTable(SPINE_LABELS, ids, ids, np.asarray(folds), truth, np.log(shares))


def test_the_area_is_the_mean_risk_of_the_surest_over_every_order_of_equals():
    confidence = np.array([0.9, 0.7, 0.7, 0.7, 0.5])
    wrong = np.array([False, True, False, False, True])
    areas = []
    for order in permutations(range(5)):
        if (np.diff(confidence[list(order)]) <= 0).all():
            bad = np.cumsum(wrong[list(order)])
            areas.append((bad / np.arange(1, 6)).mean())
    assert float(selective.area(confidence, wrong)) == pytest.approx(np.mean(areas))


def test_a_film_drawn_twice_counts_as_two_films():
    confidence, wrong = np.array([0.9, 0.8, 0.6]), np.array([False, True, False])
    weighted = selective.area(confidence, wrong, np.array([[2.0, 0.0, 1.0]]))
    repeated = selective.area(np.array([0.9, 0.9, 0.6]), np.array([False, False, False]))
    assert weighted[0] == pytest.approx(float(repeated))


def test_confidence_that_says_all_has_no_excess_and_one_that_lies_has_most():
    right = np.arange(40) >= 10
    sure = np.where(right, 0.9, 0.5) + np.arange(40) / 1000
    honest = selective.risk_coverage(table_of(sure, right, np.arange(40) % 2), 0, 50)
    lying = selective.risk_coverage(table_of(1.4 - sure, right, np.arange(40) % 2), 0, 50)
    assert honest.excess == pytest.approx(0)
    assert lying.excess > 0.3
    assert honest.coverage[-1] == 1
    assert honest.risk[-1] == honest.uninformed == 0.25


def test_a_fold_has_no_part_in_its_own_threshold():
    draws = np.random.default_rng(0)
    confidence = draws.uniform(0.4, 0.99, 90)
    right = confidence + draws.normal(0, 0.1, 90) > 0.6
    folds = np.arange(90) % 3
    first = selective.abstain(table_of(confidence, right, folds), 0.1, 0, 50)
    other = np.where(folds == 0, ~right, right)  # all of fold 0 turned round
    again = selective.abstain(table_of(confidence, other, folds), 0.1, 0, 50)
    assert first.thresholds[0].value is not None
    assert first.thresholds[0] == again.thresholds[0]
    assert first.thresholds[1] != again.thresholds[1]


def test_where_the_stated_error_is_never_reached_nothing_is_answered():
    table = table_of(np.linspace(0.4, 0.9, 60), np.zeros(60, bool), np.arange(60) % 2)
    rule = selective.abstain(table, 0.1, 0, 50)
    assert rule.n_answered == 0
    assert np.isnan(rule.error.value)
    assert all(one.value is None for one in rule.thresholds)


@pytest.mark.parametrize(("n", "n_folds"), [(60, 1), (12, 2)])
def test_without_other_folds_or_films_in_them_it_is_not_run(n, n_folds):
    table = table_of(np.linspace(0.4, 0.9, n), np.ones(n, bool), np.arange(n) % n_folds)
    assert isinstance(selective.abstain(table, 0.1, 0, 50), NotRun)


def test_an_error_that_is_no_share_is_refused():
    table = table_of(np.full(4, 0.5), np.ones(4, bool), np.arange(4))
    with pytest.raises(ValueError, match="an error of 2"):
        selective.abstain(table, 2, 0)
