"""Figures become checks: an interval decides, luck does not pass, what is missing is not run."""

from types import SimpleNamespace

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers import (
    calibration,
    cross_conformal,
    discrimination,
    screening,
    selective,
    subgroups,
)
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.verdict import answers, honesty, looks

FOLDS = 5


def table(truth, logits, folds=None):
    n = len(truth)
    return PredictionTable(
        SPINE_LABELS,
        tuple(f"film {i:04d}" for i in range(n)),
        tuple(f"g{i:04d}" for i in range(n)),
        np.arange(n) % FOLDS if folds is None else folds,
        np.asarray(truth, np.int64),
        np.asarray(logits, np.float64),
    )


def honest(seed, n=300, factor=1.0):
    """Films whose label is drawn by the very probabilities of a network, its logits × factor."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, 3))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = (rng.random((n, 1)) > shares.cumsum(1)).sum(1).clip(0, 2)
    return table(truth, factor * logits)


def raw(predictions):
    return honesty.of_raw_confidence(calibration.calibration(predictions, 0, 300)).status


def test_a_calibrated_and_an_overconfident_network_are_told_apart():
    seeds = range(20)
    calm = [raw(honest(seed)) for seed in seeds]
    loud = [raw(honest(seed, factor=4.0)) for seed in seeds]
    assert loud.count("warn") == 20
    assert calm.count("pass") >= 18


def test_what_a_temperature_mends_passes_after_it_and_is_still_said():
    found = calibration.calibration(honest(1, factor=4.0), 0, 300)
    check = honesty.of_calibration(found)
    assert check.status == "pass"
    assert [row[0] for row in check.evidence[0].rows] == ["as they came", "after temperatures"]


def test_an_overconfident_network_without_other_folds_fails_and_says_that_nothing_mended_it():
    loud = honest(2, factor=4.0)
    alone = table(loud.truth, loud.logits, folds=np.zeros(len(loud), np.int64))
    check = honesty.of_calibration(calibration.calibration(alone, 0, 300))
    assert check.status == "fail"
    assert "No temperature could be chosen" in check.said


def test_so_few_films_that_any_network_would_pass_judge_no_calibration():
    few = calibration.calibration(honest(2, n=24, factor=4.0), 0, 100)
    for check in (honesty.of_calibration(few), honesty.of_raw_confidence(few)):
        assert (check.status, check.value) == ("not run", None)
        assert "too few" in check.said


def test_a_network_that_says_the_most_frequent_label_always_does_not_pass_for_telling():
    truth = np.array([1] * 60 + [0] * 20 + [2] * 20)
    always = table(truth, np.tile([0.0, 2.0, 0.0], (100, 1)))
    check = answers.of_discrimination(discrimination.discrimination(always, 0, 300))
    assert check.status == "fail"
    assert check.value == check.threshold == 0.6


def test_a_network_that_tells_passes_and_names_both_aucs():
    check = answers.of_discrimination(discrimination.discrimination(honest(3), 0, 300))
    assert check.status == "pass"
    assert "on the mean of folds" in check.said
    assert "pooled" in check.said


@pytest.mark.parametrize("kind", ["marginal", "by label"])
def test_sets_of_exchangeable_films_keep_their_promise(kind):
    found = cross_conformal.cross_conformal(honest(4, 600), 0.1, kind, 0, 300)
    check = honesty.of_sets(found, kind)
    assert check.status in ("pass", "warn")  # a fold may fall below its range by chance
    assert check.value >= check.threshold
    assert check.evidence[1].rows == ((found.guarantee,),)
    assert found.worst_case < 0.81  # 1 − 2 α, which is all that is proven across folds


def test_sets_that_cannot_be_made_are_not_run_and_say_why():
    alone = table([0, 1, 2] * 10, np.zeros((30, 3)), folds=np.zeros(30, np.int64))
    found = cross_conformal.cross_conformal(alone, 0.1, "marginal", 0, 100)
    check = honesty.of_sets(found, "marginal")
    assert check.status == "not run"
    assert "fold" in check.said


def test_abstention_that_answers_nothing_is_no_comfort():
    rng = np.random.default_rng(5)
    guess = table(rng.integers(0, 3, 200), 3 * rng.normal(size=(200, 3)))
    check = honesty.of_abstention(selective.abstain(guess, 0.01, 0, 200))
    assert check.status == "fail"


def test_a_screening_that_misses_many_warns_and_counts_them():
    found = screening.operating_point(honest(6), 0, n_resamples=200)
    check = answers.of_screening(found)
    assert check.status == "warn"
    assert f"{found.n_abnormal - found.n_hit} of {found.n_abnormal} missed" in check.said


def test_without_a_label_for_normal_there_is_no_screening_and_no_figure():
    found = screening.operating_point(honest(7), 0, negative="healthy", n_resamples=50)
    check = answers.of_screening(found)
    assert (check.status, check.value) == ("not run", None)


def films(n, **facts):
    file = FileFacts("PNG", 10, 5, "L", 100, None, "0" * 64)
    return [
        Radiograph(
            f"film {i:04d}",
            None,
            "normal",
            f"g{i:04d}",
            file,
            **{name: of(i) for name, of in facts.items()},
        )
        for i in range(n)
    ]


def test_a_sex_that_is_served_worse_fails_and_is_named():
    rng = np.random.default_rng(8)
    truth = rng.integers(0, 3, 300)
    logits = 6 * np.eye(3)[truth] + rng.normal(size=(300, 3))
    spoilt = np.arange(300) % 3 == 0
    logits[spoilt] = 3 * rng.normal(size=(spoilt.sum(), 3))
    who = films(300, sex=lambda i: "male" if i % 3 == 0 else "female")
    check = answers.of_subgroups(subgroups.subgroups(table(truth, logits), who, 0, 300))
    assert check.status == "fail"
    assert "male" in check.said
    assert check.value < 0


def test_films_of_which_nothing_is_stated_have_no_subgroups():
    found = subgroups.subgroups(honest(9, 90), films(90), 0, 100)
    check = answers.of_subgroups(found)
    assert check.status == "not run"
    assert "sex" in check.said


def test_maps_that_cannot_be_ranked_do_not_fail_to_come_from_learning():
    unknown = SimpleNamespace(unchanged=SimpleNamespace(mean=float("nan")))
    check = looks.of_sanity(unknown)
    assert (check.status, check.value) == ("not run", None)
    assert "cells are all alike" in check.said


def test_not_run_never_holds_a_value():
    for made in (
        honesty.of_sets(NotRun("why"), "marginal"),
        honesty.of_abstention(NotRun("why")),
        answers.of_screening(NotRun("why")),
    ):
        assert (made.status, made.said, made.value) == ("not run", "why", None)
