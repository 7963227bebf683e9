"""Whether agreement of maps tells errors, from the definition and beside what costs no map."""

from dataclasses import replace

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.explain.ensemble.consistency import Alike, Consistency
from spondyl.explain.ensemble.place import OnSpine
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers.ensembling import Voter, vote
from spondyl.trust.asking import map_consistency

N = 40
WRONG = (0, 7, 15, 22)


def table(seed, wrong=()):
    draws = np.random.default_rng(seed)
    truth = np.arange(N) % 3
    logits = draws.uniform(0, 1, (N, 3)) + 3 * np.eye(3)[truth]
    for row in wrong:
        logits[row] = np.roll(logits[row], 1)
    names = tuple(f"film{row:02d}" for row in range(N))
    return PredictionTable(SPINE_LABELS, names, names, np.arange(N) % 2, truth, logits)


def voted(*wrong_of):
    voters = [Voter(f"m{i}", table(i, wrong), {}, "none") for i, wrong in enumerate(wrong_of)]
    return vote(voters, "equal")


def consistency_of(rank):
    alike = Alike(np.asarray(rank), np.asarray(rank) / 2)
    return Consistency(("m0", "m1"), ((0, 1, alike),), alike, {"random": alike})


def found(made, rows, rank, **changes):
    figures = map_consistency.figures(made, rows, consistency_of(rank), changes.get("spine"), 0)
    return figures, {(one.by, one.of): one for one in figures.detection}


def slow_auc(low, wrong, weight):
    """The chance that a wrong film lies below a right one, each counting for what it stands for."""
    won = total = 0.0
    for a in np.flatnonzero(wrong):
        for b in np.flatnonzero(~wrong):
            each = weight[a] * weight[b]
            won += each * (low[a] < low[b]) + each / 2 * (low[a] == low[b])
            total += each
    return won / total


def test_agreement_detects_errors_as_often_as_a_wrong_film_lies_below_a_right_one():
    made = voted(WRONG, WRONG)
    rank = np.random.default_rng(3).uniform(-1, 1, N).round(1)
    _, detected = found(made, range(N), rank)
    wrong = made.table.predicted != made.table.truth
    assert np.flatnonzero(wrong).tolist() == list(WRONG)
    one = detected["rank correlation of maps", "the vote is wrong"]
    assert one.auc.value == pytest.approx(slow_auc(rank, wrong, np.ones(N)))
    assert one.auc.interval.low <= one.auc.value <= one.auc.interval.high
    assert (one.n_wrong, one.n_right) == (4, 36)


def test_maps_that_disagree_on_errors_alone_detect_all_of_them():
    made = voted(WRONG, WRONG)
    rank = np.where(np.isin(np.arange(N), WRONG), -0.5, 0.5)
    _, detected = found(made, range(N), rank)
    assert detected["Dice of hottest fifths", "the vote is wrong"].auc.value == 1


def test_right_films_that_were_drawn_stand_for_those_that_were_not():
    made = voted((*WRONG, 3, 4), WRONG)
    rows = [*WRONG, 3, *range(30, 40)]
    rank = np.random.default_rng(5).uniform(-1, 1, len(rows))
    _, detected = found(made, rows, rank)
    of_whole = made.table.predicted == made.table.truth
    right = of_whole[rows]
    some_wrong = np.any(
        [one.taken(rows).predicted != one.taken(rows).truth for one in made.members], 0
    )
    weight = np.where(right, of_whole.sum() / right.sum(), (~of_whole).sum() / (~right).sum())
    expected = slow_auc(rank, some_wrong, weight)
    got = detected["rank correlation of maps", "some member is wrong"]
    assert got.auc.value == pytest.approx(expected)


def test_too_few_errors_are_no_detector():
    made = voted((0,), (0,))
    _, detected = found(made, range(N), np.linspace(0, 1, N))
    one = detected["rank correlation of maps", "the vote is wrong"]
    assert (one.n_wrong, one.n_right) == (1, N - 1)
    assert np.isnan(one.auc.value)
    assert np.isnan(one.auc.interval.low)


def test_films_whose_maps_cannot_be_compared_are_left_out_and_counted():
    made = voted(WRONG, WRONG)
    rank = np.linspace(0, 1, N)
    rank[[0, 1, 2]] = np.nan
    figures, detected = found(made, range(N), rank)
    one = detected["rank correlation of maps", "the vote is wrong"]
    assert (one.n_wrong, one.n_right) == (3, 34)
    n = {(a.of, a.films): a.n for a in figures.agreement}
    assert n["members, two by two", "right"] == 34
    assert n["members, two by two", "wrong"] == 3


def test_right_and_wrong_films_are_averaged_apart():
    made = voted(WRONG, WRONG)
    rank = np.where(np.isin(np.arange(N), WRONG), -0.25, 0.75)
    figures, _ = found(made, range(N), rank)
    said = {one.films: one for one in figures.agreement if one.of == "members, two by two"}
    assert said["right"].rank.value == pytest.approx(0.75)
    assert said["wrong"].dice.value == pytest.approx(-0.125)


def test_heat_on_the_spine_is_compared_on_the_films_that_have_all_of_it():
    made = voted(WRONG, WRONG)
    members = np.vstack([np.full(N, 0.2), np.full(N, 0.4)])
    members[0, :10] = np.nan
    spine = OnSpine(members, np.full(N, 0.35), np.full(N, 0.1))
    spine = replace(spine, chance=np.where(np.arange(N) < 20, np.nan, 0.1))
    figures, _ = found(made, range(N), np.zeros(N), spine=spine)
    placed = figures.placed
    assert placed.n == 20
    assert placed.gain.value == pytest.approx(0.05)
    assert placed.over_best[0] == "m1"
    assert placed.over_best[1].value == pytest.approx(-0.05)
    assert dict(placed.members)["m0"].value == pytest.approx(0.2)
