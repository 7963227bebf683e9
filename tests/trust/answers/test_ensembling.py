"""Votes: weights that are the least of all, films that never choose for themselves, and figures
that follow from their definitions."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.data.labels import SPINE_LABELS
from spondyl.errors import SpondylError
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers import ensemble_figures, ensembling
from spondyl.trust.answers.ensembling import Voter, least_loss, mean_of, vote
from spondyl.trust.intervals import NotRun

N, FOLDS = 60, 3


def table(seed, skill=2.0, ids="film", fold=None, n=N):
    draws = np.random.default_rng(seed)
    truth = np.arange(n) % 3
    logits = draws.normal(size=(n, 3)) + skill * np.eye(3)[truth]
    folds = np.arange(n) // 3 % FOLDS if fold is None else np.full(n, fold)
    names = tuple(f"{ids}{i:03d}" for i in range(n))
    groups = tuple(f"{ids}{i // 2:03d}" for i in range(n))
    return PredictionTable(SPINE_LABELS, names, groups, folds, truth, logits)


def voter(seed, skill=2.0, tune_skill=None):
    tune_skill = skill if tune_skill is None else tune_skill
    tune = {
        fold: table(1000 * seed + fold, tune_skill, f"tune{fold}-", fold, 24)
        for fold in range(FOLDS)
    }
    return Voter(f"member {seed}", table(seed, skill), tune)


def simplex(n_members, steps):
    """All points of the simplex whose coordinates are multiples of 1 / steps."""
    for cells in product(range(steps + 1), repeat=n_members - 1):
        if sum(cells) <= steps:
            yield np.array([*cells, steps - sum(cells)]) / steps


@given(st.integers(0, 10_000), st.integers(2, 4))
def test_no_weights_on_the_simplex_have_less_loss(seed, n_members):
    draws = np.random.default_rng(seed)
    likely = draws.uniform(0.01, 1, size=(15, n_members)) ** draws.uniform(1, 6)
    weights, gap = least_loss(likely)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    assert 0 <= gap <= ensembling.GAP
    ours = -np.log(likely @ weights).mean()
    best = min(-np.log(likely @ point).mean() for point in simplex(n_members, 12))
    assert ours <= best + 1e-9
    # The gap bounds how far below any weights could be.
    assert best >= ours - gap - 1e-9


def test_members_that_cannot_be_told_apart_count_alike():
    likely = np.repeat(np.random.default_rng(0).uniform(0.1, 1, (20, 1)), 3, axis=1)
    weights, gap = least_loss(likely)
    assert (weights == 1 / 3).all()
    assert gap == 0


def test_a_member_that_gives_the_truth_no_probability_does_not_break_the_search():
    likely = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    weights, _ = least_loss(likely)
    assert weights == pytest.approx([2 / 3, 1 / 3], abs=1e-4)


def test_a_vote_is_the_weighted_mean_of_probabilities():
    one, other = table(1), table(2)
    weights = {0: (0.25, 0.75), 1: (1.0, 0.0), 2: (0.5, 0.5)}
    said = mean_of([one, other], weights).probabilities
    for row in range(N):
        first, second = weights[int(one.folds[row])]
        expected = first * one.probabilities[row] + second * other.probabilities[row]
        assert said[row] == pytest.approx(expected)


@pytest.mark.parametrize("weighting", ["equal", "tune"])
def test_judged_films_choose_neither_weights_nor_temperatures(weighting):
    voters = [voter(1), voter(2, 1.0)]
    worst = [
        replace(one, test=replace(one.test, logits=np.roll(one.test.logits, 1, axis=1)))
        for one in voters
    ]
    before, after = vote(voters, weighting), vote(worst, weighting)
    assert before.weights == after.weights
    assert before.scales == after.scales
    assert before.chosen_members == after.chosen_members


def test_a_fold_listens_to_its_own_tune_part_alone():
    voters = [voter(1), voter(2, 1.0)]
    changed = {**voters[0].tune, 2: table(99, -2.0, "tune2-", 2, 24)}
    before = vote(voters, "tune")
    after = vote([replace(voters[0], tune=changed), voters[1]], "tune")
    assert before.weights[:2] == after.weights[:2]
    assert before.weights[2].values[0] > after.weights[2].values[0]


def test_a_member_that_is_bad_on_the_tune_part_loses_its_weight():
    voters = [voter(1, 3.0), voter(2, 3.0, tune_skill=-3.0)]
    made = vote(voters, "tune")
    assert all(one.values[0] > 0.9 for one in made.weights)
    assert all(one.tune_loss <= one.equal_loss + 1e-12 for one in made.weights)
    assert {name for _, name in made.chosen_members} == {"member 1"}
    assert (made.chosen.logits == made.members[0].logits).all()


def test_a_surer_member_is_scaled_so_that_it_does_not_outshout():
    calm = voter(1)
    loud = replace(
        calm,
        name="loud",
        test=replace(calm.test, logits=10 * calm.test.logits),
        tune={fold: replace(t, logits=10 * t.logits) for fold, t in calm.tune.items()},
    )
    made = vote([calm, loud], "equal")
    assert made.scaled_on == "the tune part"
    for one, other in zip(*made.scales, strict=True):
        assert other.value == pytest.approx(10 * one.value, rel=1e-6)
    assert made.members[1].probabilities == pytest.approx(made.members[0].probabilities)


def test_films_told_apart_without_error_leave_a_member_at_its_word():
    sure = voter(1)
    perfect = {
        fold: replace(one, logits=5.0 * np.eye(3)[one.truth]) for fold, one in sure.tune.items()
    }
    made = vote([replace(sure, tune=perfect), voter(2)], "equal")
    assert [(scale.value, scale.bound) for scale in made.scales[0]] == [(1.0, "lowest")] * 3
    assert (made.members[0].logits == sure.test.logits).all()


def test_without_tune_parts_weights_are_equal_or_refused():
    old = Voter("old", table(1), {}, "its trials are older")
    made = vote([old, voter(2)], "equal")
    assert made.scaled_on == "the other folds"
    assert isinstance(made.chosen, NotRun)
    assert "its trials are older" in made.chosen.why
    with pytest.raises(SpondylError, match=r"cannot be chosen .* old: its trials are older"):
        vote([old, voter(2)], "tune")


def test_of_a_single_fold_without_tune_part_nobody_can_scale_anything():
    tables = [replace(table(seed), folds=np.zeros(N, np.int64)) for seed in (1, 2)]
    made = vote([Voter(f"{i}", one, {}, "none") for i, one in enumerate(tables)], "equal")
    assert made.scaled_on == "nothing"
    assert (made.members[0].logits == tables[0].logits).all()


def test_members_that_judged_other_films_are_no_vote():
    voters = [voter(1), voter(2)]
    for other in (
        replace(voters[1].test, folds=np.roll(voters[1].test.folds, 1)),
        table(2, ids="other"),
    ):
        with pytest.raises(ValueError, match="other films"):
            vote([voters[0], replace(voters[1], test=other)], "equal")
    tune = {**voters[1].tune, 0: table(5, ids="else", fold=0, n=24)}
    with pytest.raises(ValueError, match="other tune parts"):
        vote([voters[0], replace(voters[1], tune=tune)], "equal")
    with pytest.raises(ValueError, match="a vote of 1"):
        vote(voters[:1], "equal")


@pytest.mark.parametrize("weighting", ["equal", "tune"])
def test_disagreement_is_just_what_a_vote_gains_over_the_mean_of_its_members(weighting):
    made = vote([voter(1), voter(2, 1.5), voter(3, 1.0)], weighting)
    found = ensemble_figures.ambiguity(made)
    assert found.members - found.distance == pytest.approx(found.vote, abs=1e-12)
    assert found.vote == pytest.approx(metrics.score(made.table).brier)
    assert found.distance > 0


def test_figures_are_counted_one_by_one():
    made = vote([voter(1), voter(2, 1.0), voter(3, 0.5)], "equal")
    worth = ensemble_figures.worth("vote", made, 0, n_resamples=50)
    together = made.table.predicted == made.table.truth
    right = [one.predicted == one.truth for one in made.members]
    assert worth.ensemble.n_right == sum(together)
    assert worth.ensemble.n_distinct == N // 2
    assert worth.ensemble.n_right_distinct == sum(together[::2])
    for at, one in enumerate(worth.brought):
        pairs = list(zip(together, right[at], strict=True))
        assert one.alone_wrong == pairs.count((True, False))
        assert one.alone_right == pairs.count((False, True))
        rest = [made.members[other].probabilities for other in range(3) if other != at]
        without = (rest[0] + rest[1]).argmax(axis=1) == made.table.truth
        assert one.accuracy_without == pytest.approx(without.mean())
    n_some = sum(any(one[row] for one in right) for row in range(N))
    assert worth.any_right == pytest.approx(n_some / N)
    for a, b, n in worth.both_wrong:
        of = {name: at for at, name in enumerate(made.names)}
        assert n == sum(not right[of[a]][row] and not right[of[b]][row] for row in range(N))


def test_the_rival_is_the_member_that_the_tune_part_chose_and_not_the_best_one():
    good_but_unlucky, lucky = voter(1, 3.0, tune_skill=0.2), voter(2, 1.0, tune_skill=3.0)
    made = vote([good_but_unlucky, lucky], "equal")
    worth = ensemble_figures.worth("vote", made, 0, n_resamples=50)
    assert {name for _, name in made.chosen_members} == {"member 2"}
    assert worth.best_member == "member 1"
    assert worth.chosen.n_right == worth.members[1].n_right
    assert worth.against_chosen.second == "the member chosen on the tune part"


def test_a_vote_of_one_member_twice_is_that_member():
    one = voter(1)
    made = vote([one, replace(one, name="twin")], "tune")
    assert (made.table.predicted == one.test.predicted).all()
    worth = ensemble_figures.worth("vote", made, 0, n_resamples=50)
    assert worth.ambiguity.distance == pytest.approx(0)
    assert all(against.p_holm == 1 for against in worth.against_members)
