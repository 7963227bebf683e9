"""The set of the best holds the best, and lets go of what is shown to be worse."""

import numpy as np
import pytest
from scipy import stats

from spondyl.data.labels import LabelSet
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers.best_set import best_set, one_sided_p

LABELS = LabelSet.of(("normal", "scoliosis"))


def table(right, groups=None):
    """Films that are right where `right` says so."""
    n = len(right)
    truth = np.arange(n) % 2
    said = np.where(right, truth, 1 - truth)
    ids = tuple(f"{i:04}.png" for i in range(n))
    groups = groups or ids
    return PredictionTable(
        LABELS, ids, tuple(groups), np.arange(n) % 3, truth, 4.0 * np.eye(2)[said]
    )


@pytest.mark.parametrize(("more", "fewer"), [(0, 0), (1, 0), (5, 2), (2, 5), (30, 11)])
def test_the_one_sided_p_is_the_binomial_tests(more, fewer):
    n = more + fewer
    expected = stats.binomtest(more, n, 0.5, alternative="greater").pvalue if n else 1.0
    assert one_sided_p(more, fewer) == pytest.approx(expected)


def test_a_row_leaves_only_where_its_least_p_times_its_rivals_is_below_alpha():
    draws = np.random.default_rng(3)
    named = [
        (str(i), table(draws.random(120) < rate)) for i, rate in enumerate((0.9, 0.8, 0.6, 0.88))
    ]
    found = best_set(named)
    right = {name: one.predicted == one.truth for name, one in named}
    for contender in found.contenders:
        own = right.pop(contender.name)
        p = [one_sided_p(int((r & ~own).sum()), int((own & ~r).sum())) for r in right.values()]
        assert contender.in_set == (min(p) * len(p) > 0.05)
        assert contender.strongest.p_value == pytest.approx(min(p))
        right[contender.name] = own
    assert found.best in found.members
    assert found.n_tests == 12


def test_one_film_of_a_group_counts_whatever_was_said_of_its_copies():
    groups = ["a"] * 30 + [f"g{i}" for i in range(10)]
    good, bad = np.ones(40, bool), np.r_[np.zeros(30, bool), np.ones(10, bool)]
    found = best_set([("good", table(good, groups)), ("bad", table(bad, groups))])
    assert found.n_films == 11
    assert [one.n_right for one in found.contenders] == [11, 10]
    assert found.members == ("good", "bad")


def test_the_truly_best_stays_with_the_stated_probability():
    rates, kept = (0.9, 0.9, 0.85, 0.9, 0.8), 0
    draws = np.random.default_rng(11)
    for _ in range(200):
        named = [(str(i), table(draws.random(80) < rate)) for i, rate in enumerate(rates)]
        kept += "0" in best_set(named).members
    # Exact tests and Bonferroni's bound are careful: 190 of 200 would be enough.
    assert kept >= 190


def test_what_is_far_worse_leaves_and_few_films_keep_all():
    far = best_set([("good", table(np.ones(60, bool))), ("bad", table(np.arange(60) % 2 == 0))])
    assert far.members == ("good",)
    few = best_set([("good", table(np.ones(4, bool))), ("bad", table(np.arange(4) % 2 == 0))])
    assert few.members == ("good", "bad")


def test_other_films_and_a_single_table_are_refused():
    one, other = table(np.ones(6, bool)), table(np.ones(7, bool))
    with pytest.raises(ValueError, match="same films"):
        best_set([("one", one), ("other", other)])
    with pytest.raises(ValueError, match="nothing to compare"):
        best_set([("one", one)])
