"""What a model rests on, as checks: constructed figures, and the answer that each must give."""

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.asking import reliance
from spondyl.trust.asking.changes import CHANGES
from spondyl.trust.asking.questioning import Answers
from spondyl.trust.model_audit.verdict import grounds

N = 240
TRUTH = np.arange(N) % 3
RNG = np.random.default_rng(0)
GUESS = RNG.integers(0, 3, N)


def table(called, sure=3.0):
    ids = tuple(f"film {i:03d}" for i in range(N))
    logits = sure * np.eye(3)[np.asarray(called)]
    return PredictionTable(SPINE_LABELS, ids, ids, np.zeros(N, np.int64), TRUTH, logits)


def checks(**called):
    """Checks of a network that is right as films are, and says `called` under changes."""
    said = {"unchanged": TRUTH} | {name.replace("_", "-"): one for name, one in called.items()}
    answers = {name: Answers(name, table(one), ()) for name, one in said.items()}
    found = reliance.of(answers, CHANGES, seed=0, n_resamples=300)
    made = (*grounds.of_spine(found, True), *grounds.of_families(found))
    return {check.name: check for check in made}


def test_a_network_that_knows_nothing_without_the_spine_passes_and_one_that_knows_all_fails():
    lost = np.zeros(N, np.int64)
    assert checks(spine_hidden=lost, columns_hidden=GUESS)["spine-hidden"].status == "pass"
    kept = checks(spine_hidden=TRUTH, columns_hidden=TRUTH)["spine-hidden"]
    assert kept.status == "fail"
    assert "100% is left with the mask filled" in kept.said


def test_what_survives_one_way_of_hiding_only_may_be_the_outline_s_and_warns():
    lost = np.zeros(N, np.int64)
    assert checks(spine_hidden=TRUTH, columns_hidden=lost)["spine-hidden"].status == "warn"


def test_a_network_that_calls_a_rare_label_too_often_without_the_spine_still_knows_the_rest():
    skewed = np.where((TRUTH == 1) & (np.arange(N) % 2 == 0), 0, TRUTH)
    check = checks(spine_hidden=skewed, columns_hidden=skewed)["spine-hidden"]
    assert check.status == "fail"
    assert check.value > 0.8


def test_what_is_left_is_of_what_was_known_of_the_very_films_with_a_mask():
    """A label whose films have none, as lateral ones, is no part of what hiding could cost."""
    masked = np.flatnonzero(TRUTH < 2)
    as_they_are = table(np.where(TRUTH < 2, TRUTH, 0))
    ids = tuple(as_they_are.image_ids[i] for i in masked)
    folds, truth = np.zeros(len(masked), np.int64), TRUTH[masked]
    hidden = PredictionTable(SPINE_LABELS, ids, ids, folds, truth, np.eye(3)[truth])
    answers = {
        name: Answers(name, one, ())
        for name, one in (("unchanged", as_they_are), ("spine-hidden", hidden))
    }
    found = reliance.of(answers, CHANGES, seed=0, n_resamples=300)
    assert found.without_spine[0].macro_unchanged == 1
    check, *_ = grounds.of_spine(found, True)
    assert "100% is left with the mask filled" in check.said


def test_a_little_that_is_left_warns():
    some = np.where(np.arange(N) % 4 == 0, TRUTH, GUESS)
    assert checks(spine_hidden=some, columns_hidden=some)["spine-hidden"].status == "warn"


def test_the_spine_alone_has_to_be_enough_and_a_loss_only_warns():
    without = np.zeros(N, np.int64)
    assert checks(spine_only=TRUTH, spine_hidden=without)["spine-alone"].status == "pass"
    lost = checks(spine_only=without, spine_hidden=without)
    assert lost["spine-alone"].status == "warn"


def test_hiding_the_spine_must_cost_more_than_hiding_as_much_beside_it():
    honest = checks(spine_hidden=GUESS, control_hidden=TRUTH)["spine-needed"]
    blind = checks(spine_hidden=GUESS, control_hidden=GUESS)["spine-needed"]
    assert (honest.status, blind.status) == ("pass", "fail")
    assert honest.value > 0.3 > abs(blind.value)


def test_letters_that_mean_labels_fail_and_a_rim_that_draws_all_to_one_label_only_warns():
    zero, one = np.zeros(N, np.int64), np.ones(N, np.int64)
    learned = checks(marker_upper_left=one, marker_upper_right=zero)["marker"]
    assert learned.status == "fail"
    assert learned.value > 0.9
    assert "a meaning" in learned.said
    disturbed = checks(border_bright=zero, border_ends=TRUTH, border_sides=TRUTH)["border"]
    assert disturbed.status == "warn"
    deaf = checks(text_above=TRUTH, text_below=TRUTH)["text"]
    assert deaf.status == "pass"


def test_what_was_not_asked_is_not_run_and_the_reason_is_said():
    found = checks()
    assert {check.status for check in found.values()} == {"not run"}
    assert "no colours" in found["tint"].said
    assert "no film has a mask" in found["spine-hidden"].said
    bare = reliance.of({"unchanged": Answers("unchanged", table(TRUTH), ())}, n_resamples=50)
    (first, *_) = grounds.of_spine(bare, False)
    assert "no spine masks were given" in first.said


@pytest.mark.parametrize("called", [np.zeros(N, np.int64), GUESS])
def test_a_network_that_never_knew_anything_gets_no_praise_for_losing_nothing(called):
    answers = {
        name: Answers(name, table(called), ())
        for name in ("unchanged", "spine-hidden", "control-hidden", "spine-only")
    }
    found = reliance.of(answers, CHANGES, seed=0, n_resamples=300)
    made = {check.name: check.status for check in grounds.of_spine(found, True)}
    assert made["spine-needed"] == "fail"
    assert made["spine-alone"] == "warn"
