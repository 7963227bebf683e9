"""What judged films say of a new one: p values by definition, and sets that keep their rate."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from spondyl.data.labels import LabelSet
from spondyl.errors import SpondylError
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers.calibration import LOWEST_T, temperature
from spondyl.trust.answers.calibration_set import CalibrationSet

LABELS = LabelSet.of(("normal", "scoliosis", "slip"))


def logits_of(truth, rng, strength=2.0):
    return strength * np.eye(3)[truth] + rng.normal(size=(len(truth), 3))


def table(n=90, folds=3, seed=0, groups=None):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    ids = tuple(f"film-{i:03d}" for i in range(n))
    return PredictionTable(
        LABELS,
        ids,
        tuple(groups) if groups else ids,
        np.arange(n) % folds,
        truth,
        logits_of(truth, rng),
    )


def p_by_definition(known, answers, label, kind, folds_counted):
    """Vovk's cross-conformal p value, film by film."""
    t = known.temperature[0]
    n, as_strange = 0, 0
    for logits, truth, fold in zip(known.logits, known.truth, known.folds, strict=True):
        if fold not in folds_counted or (kind == "by label" and truth != label):
            continue
        asked = answers[fold] if fold in answers else next(iter(answers.values()))
        own = 1 - softmax(logits / t)[truth]
        new = 1 - softmax(asked / t)[label]
        n += 1
        as_strange += own >= new
    return (1 + as_strange) / (1 + n)


@pytest.mark.parametrize("kind", ["by label", "marginal"])
def test_p_values_are_the_shares_of_judged_films_that_are_as_unusual(kind):
    known = CalibrationSet.of(table(), kind=kind)
    rng = np.random.default_rng(1)
    for _ in range(5):
        answers = {fold: rng.normal(size=3) * 2 for fold in range(3)}
        found = known.p_values(answers)
        for label in range(3):
            expected = p_by_definition(known, answers, label, kind, {0, 1, 2})
            assert found[label] == pytest.approx(expected)


def test_a_film_that_was_judged_is_compared_with_the_films_of_other_folds():
    known = CalibrationSet.of(table())
    answer = {1: known.logits[1]}
    found = known.p_values(answer, judged_by=1)
    for label in range(3):
        expected = p_by_definition(known, answer, label, "by label", {0, 2})
        assert found[label] == pytest.approx(expected)


def test_one_network_gives_the_plain_conformal_p_value():
    known = CalibrationSet.of(table(folds=1))
    answer = {0: np.array([2.0, 0.5, -1.0])}
    found = known.p_values(answer)
    assert found == pytest.approx(
        [p_by_definition(known, answer, label, "by label", {0}) for label in range(3)]
    )
    assert known.p_values(answer, judged_by=0) == pytest.approx(found)


def test_a_new_film_needs_the_answer_of_every_fold():
    known = CalibrationSet.of(table())
    with pytest.raises(ValueError, match=r"folds \[2\]"):
        known.p_values({0: np.zeros(3), 1: np.zeros(3)})


def test_sets_of_new_films_hold_their_label_as_often_as_stated():
    covered = []
    for seed in range(60):
        known = CalibrationSet.of(table(120, folds=1, seed=seed), alpha=0.2)
        rng = np.random.default_rng(1000 + seed)
        truth = rng.integers(0, 3, 20)
        for label, logits in zip(truth, logits_of(truth, rng), strict=True):
            kept = known.not_ruled_out(known.p_values({0: logits}))
            covered.append(LABELS.names[label] in kept)
    # 1200 films of 60 sets: the standard error of the mean is about 0.015
    assert 0.77 < np.mean(covered) < 0.87


def test_the_temperature_is_that_of_one_film_for_each_group():
    twice = [f"patient-{i // 2}" for i in range(90)]
    stated = table(groups=twice)
    known = CalibrationSet.of(stated)
    assert len(known) == 45
    rows = sorted(stated.one_per_group())
    assert known.temperature == temperature(stated.logits[rows], stated.truth[rows])


def test_networks_that_told_every_film_rightly_are_not_made_surer():
    stated = table()
    right = replace(stated, logits=np.eye(3)[stated.truth] * 3.0)
    assert CalibrationSet.of(right).temperature == (1.0, "lowest")


def test_small_logits_are_made_as_sure_as_is_tried_where_films_were_told_wrongly():
    stated = table()
    truth = stated.truth.copy()
    truth[0] = (truth[0] + 1) % 3
    small = replace(stated, logits=np.eye(3)[truth] * 0.01)
    assert CalibrationSet.of(small).temperature == (LOWEST_T, "clamped")


def test_a_label_of_too_few_films_is_never_ruled_out():
    stated = table(40)
    few = [i for i in range(40) if stated.truth[i] != 0][:20] + [
        i for i in range(40) if stated.truth[i] == 0
    ][:4]
    known = CalibrationSet.of(stated.taken(sorted(few)), alpha=0.1)
    assert "normal" in known.never_ruled_out
    against = {fold: np.array([-50.0, 50.0, 0.0]) for fold in range(3)}
    assert "normal" in known.not_ruled_out(known.p_values(against))


def test_its_arrays_make_the_same_set_again():
    known = CalibrationSet.of(table(), alpha=0.15, kind="marginal")
    again = CalibrationSet.read(known.arrays, known.labels, 0.15, "marginal")
    answers = {fold: np.array([1.0, 0.0, fold]) for fold in range(3)}
    assert np.array_equal(again.p_values(answers), known.p_values(answers))
    assert again.temperature == known.temperature


@pytest.mark.parametrize(
    "harm",
    [
        lambda held: held.pop("truth"),
        lambda held: held.update(logits=held["logits"][:, :2]),
        lambda held: held.update(truth=held["truth"] + 3),
        lambda held: held.update(folds=held["folds"][1:]),
        lambda held: held.update(logits=np.full((90, 3), np.nan)),
        lambda held: held.update({name: array[:0] for name, array in held.items()}),
    ],
    ids=["no truth", "a label less", "unknown label", "a fold less", "no numbers", "no film"],
)
def test_arrays_that_do_not_fit_together_are_refused(harm):
    held = dict(CalibrationSet.of(table()).arrays)
    harm(held)
    with pytest.raises(SpondylError, match="calibration set"):
        CalibrationSet.read(held, LABELS.names, 0.1, "by label")
