"""Thresholds against MAPIE and their definition, and coverage over many drawn cohorts."""

import math
from itertools import pairwise

import numpy as np
import pytest
from films_aside import promised_by_split, split
from mapie.classification import SplitConformalClassifier
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers import conformal

KINDS = ("marginal", "by label")


class Same(ClassifierMixin, BaseEstimator):
    """What MAPIE wants of a classifier whose films are their probabilities."""

    def __init__(self):
        self.classes_ = np.arange(3)

    def fit(self, *_):
        return self

    def predict(self, x):
        return x.argmax(axis=1)

    def predict_proba(self, x):
        return x


def table_of(truth, logits, groups=None, ids=None):
    n = len(truth)
    ids = ids or tuple(f"film {i:04d}" for i in range(n))
    return PredictionTable(
        SPINE_LABELS,
        ids,
        tuple(groups or ids),
        np.zeros(n, np.int64),
        np.asarray(truth, np.int64),
        np.asarray(logits, np.float64).reshape(n, 3),
    )


def drawn(seed, n, factor=1.0):
    """Films whose label is drawn by a network's own probabilities, its logits then × `factor`; the
    third label is rare."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(n, 3)) - [0, 0, 1.5]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (rng.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return table_of(truth, factor * logits)


def covered(thresholds, table):
    return thresholds.sets(table.probabilities)[np.arange(len(table)), table.truth]


@pytest.mark.parametrize(("n", "alpha"), [(20, 0.1), (21, 0.1), (59, 0.05), (137, 0.2), (90, 0.5)])
def test_marginal_sets_are_those_of_mapie(n, alpha):
    aside, new = drawn(n, n), drawn(n + 1, 200)
    peer = SplitConformalClassifier(Same(), 1 - alpha, conformity_score="lac", prefit=True)
    peer.conformalize(aside.probabilities, aside.truth)
    _, sets = peer.predict_set(new.probabilities)
    ours = split(aside, alpha)
    assert np.array_equal(ours.sets(new.probabilities), sets[:, :, 0])


def test_sets_by_label_hold_what_mapie_keeps_with_the_films_of_that_label_alone():
    aside, new = drawn(3, 300), drawn(4, 200)
    ours = split(aside, 0.1, "by label").sets(new.probabilities)
    for column in range(3):
        of = aside.truth == column
        peer = SplitConformalClassifier(Same(), 0.9, conformity_score="lac", prefit=True)
        with pytest.warns(UserWarning, match="less labels"):
            peer.conformalize(aside.probabilities[of], aside.truth[of])
        _, sets = peer.predict_set(new.probabilities)
        assert np.array_equal(ours[:, column], sets[:, column, 0])


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2, 1 / 3])
@pytest.mark.parametrize("n", [1, 2, 4, 9, 10, 19, 20, 29, 30, 39, 99])
def test_the_threshold_is_the_order_statistic_of_the_definition(n, alpha):
    table = drawn(n, n)
    scores = sorted(1 - table.probabilities[i, label] for i, label in enumerate(table.truth))
    enough = [r for r in range(1, n + 1) if r / (n + 1) >= 1 - alpha - 1e-12]
    found = split(table, alpha).at_most[0]
    if not enough:
        assert found is None
    else:
        assert found == pytest.approx(scores[enough[0] - 1], abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [1.0, 8.0])
def test_coverage_over_many_cohorts_is_what_was_stated_of_honest_and_of_overconfident(kind, factor):
    alpha, n, m, n_cohorts = 0.1, 80, 40, 150
    hits = [[], [], []]
    for seed in range(n_cohorts):
        thresholds = split(drawn(seed, n, factor), alpha, kind)
        new = drawn(10_000 + seed, m, factor)
        right = covered(thresholds, new)
        for column in range(3):
            hits[column].append(right[new.truth == column])
    per_cohort = [np.concatenate(parts).mean() for parts in zip(*hits, strict=True)]
    error = np.std(per_cohort) / math.sqrt(n_cohorts)
    least = conformal.rank(n, alpha) / (n + 1)
    assert np.mean(per_cohort) >= 1 - alpha - 3 * error
    if kind == "marginal":
        assert np.mean(per_cohort) == pytest.approx(least, abs=3 * error)
        assert np.concatenate(hits[2]).mean() < 1 - alpha  # the rare label pays for the average
    else:
        for column in range(3):
            films = np.concatenate(hits[column])
            assert films.mean() >= 1 - alpha - 4 * math.sqrt(alpha * (1 - alpha) / len(films))


def test_measured_coverage_leaves_the_promised_range_as_seldom_as_the_level_says():
    inside, below = 0, 0
    promised = promised_by_split(60, 50, 0.1)
    for seed in range(250):
        value = covered(split(drawn(seed, 60), 0.1), drawn(5000 + seed, 50)).mean()
        inside += promised.low <= value <= promised.high
        below += value < promised.low
    assert inside >= stats.binom.ppf(0.001, 250, 0.95)
    assert below <= stats.binom.ppf(0.999, 250, 0.025)
    narrow = stats.binom.ppf(0.025, 50, 0.9) / 50  # as if the threshold were known
    assert promised.low < narrow


def test_the_promised_range_is_that_of_scores_in_random_order():
    n, m, alpha = 25, 12, 0.2
    rng, counts = np.random.default_rng(0), []
    for _ in range(8000):
        scores = rng.random(n + m)
        limit = sorted(scores[:n])[math.ceil((n + 1) * (1 - alpha)) - 1]
        counts.append((scores[n:] <= limit).mean())
    found = promised_by_split(n, m, alpha)
    tails = np.quantile(counts, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(tails), abs=0.5 / m)


def test_too_few_films_put_a_label_in_every_set_and_name_the_smallest_alpha():
    for n, enough in [(8, False), (9, True)]:
        thresholds = split(drawn(n, n), 0.1)
        assert thresholds.smallest_alpha == pytest.approx((1 / (n + 1),) * 3)
        assert (thresholds.at_most[0] is not None) == enough
        assert (min(thresholds.smallest_alpha) <= 0.1) == enough
    few = split(drawn(1, 5), 0.1)
    assert few.sets(drawn(2, 20).probabilities).all()


def test_a_label_without_films_is_in_every_set_by_label_and_treated_as_others_marginally():
    table = drawn(5, 200)
    two = table_of(np.where(table.truth == 2, 0, table.truth), table.logits)
    by_label = split(two, 0.1, "by label")
    assert by_label.at_most[2] is None
    assert by_label.n[2] == 0
    assert by_label.sets(drawn(6, 50).probabilities)[:, 2].all()
    assert len(set(split(two, 0.1).at_most)) == 1


def test_films_of_one_label_and_constant_probabilities_make_sets_nonetheless():
    one = split(table_of(np.zeros(50), drawn(7, 50).logits), 0.1, "by label")
    assert [limit is None for limit in one.at_most] == [False, True, True]
    equal = table_of(np.arange(60) % 3, np.zeros((60, 3)))
    for kind in KINDS:
        assert split(equal, 0.1, kind).sets(equal.probabilities).all()


def test_a_smaller_alpha_never_takes_a_label_out_of_a_set():
    aside, new = drawn(9, 150), drawn(10, 100)
    for kind in KINDS:
        sets = [split(aside, a, kind).sets(new.probabilities) for a in (0.3, 0.2, 0.1, 0.05)]
        assert all((big >= small).all() for small, big in pairwise(sets))


def test_probabilities_that_do_not_fit_are_refused():
    made = split(drawn(12, 60), 0.1)
    with pytest.raises(ValueError, match="3 labels"):
        made.sets(np.full((4, 2), 0.5))
    with pytest.raises(ValueError, match="no numbers"):
        made.sets(np.full((4, 3), np.nan))
