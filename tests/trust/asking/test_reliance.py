"""What networks rest on, of networks of which it is known."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score
from striped_films import CORNER, COUNTS, LABELS, SPINE, before, network, save

from spondyl.learn.predictions import PredictionTable
from spondyl.trust.asking import reliance
from spondyl.trust.asking.changes import CHANGES, NamedChange
from spondyl.trust.asking.questioning import Answers, Shown

N, N_NORMAL = sum(COUNTS), COUNTS[0]
PRIOR = N_NORMAL / N


@pytest.fixture(scope="module")
def striped(tmp_path_factory):
    return save(tmp_path_factory.mktemp("striped"))


def measured(striped, place, masks=True, **settings):
    cohort, regions = striped
    found = before(cohort, network(place, **settings))
    return reliance.measured(found, Shown.of(found, regions if masks else None))


@pytest.fixture(scope="module")
def of_spine(striped):
    return measured(striped, SPINE)


@pytest.fixture(scope="module")
def of_corner(striped):
    return measured(striped, CORNER)


def table(said, truth, labels=LABELS, names=None):
    ids = tuple(f"{row:03}" for row in range(len(said))) if names is None else tuple(names)
    logits = np.log(np.asarray(said, float))
    return PredictionTable(labels, ids, ids, np.zeros(len(ids), int), np.asarray(truth), logits)


def shares(columns, sure=0.9):
    return [[sure, 1 - sure] if column == 0 else [1 - sure, sure] for column in columns]


def of(whole, **changed):
    answers = {reliance.UNCHANGED: Answers(reliance.UNCHANGED, whole, ())}
    for name, one in changed.items():
        name = name.replace("_", "-")
        left_out = tuple(i for i in whole.image_ids if i not in one.image_ids)
        answers[name] = Answers(name, one, left_out)
    return reliance.of(answers, n_resamples=300)


def test_a_network_that_reads_the_spine_falls_to_the_prior_when_it_is_hidden(of_spine):
    assert of_spine.accuracy.value == 1
    assert [one.change for one in of_spine.without_spine] == ["spine-hidden", "columns-hidden"]
    for one in of_spine.without_spine:
        assert one.accuracy.value == one.majority.value == PRIOR
        assert one.majority_label == "normal"
        assert one.above.value == 0
        assert one.macro_sensitivity.value == one.macro_by_chance == 0.5
    assert of_spine.only_spine.value == 1


def test_a_network_that_reads_a_corner_loses_nothing_with_the_spine_and_all_without_the_rest(
    of_corner,
):
    assert of_corner.accuracy.value == 1
    for one in of_corner.without_spine:
        assert one.accuracy.value == 1
        assert one.above.value == pytest.approx(1 - PRIOR)
        assert one.above.interval.low > 0
        assert one.macro_sensitivity.value == 1
    assert of_corner.only_spine.value == PRIOR  # all is the mean grey there, which is dim


def test_what_is_lost_with_the_spine_is_beyond_what_is_lost_beside_it_only_for_its_reader(
    of_spine, of_corner
):
    assert of_spine.attributed.n_films == N
    assert of_spine.attributed.spine_drop.value == pytest.approx(1 - PRIOR)
    assert of_spine.attributed.control_drop.value == 0
    assert of_spine.attributed.difference.value == pytest.approx(1 - PRIOR)
    assert of_spine.attributed.probability.value > 0.3
    assert of_corner.attributed.difference.value == 0
    assert abs(of_corner.attributed.probability.value) < 0.05


def test_effects_are_of_every_change_that_has_a_meaning_in_the_order_asked(of_spine):
    grey = {"tint-none", "tint-cool", "tint-warm"}
    assert [e.change for e in of_spine.effects] == [name for name in CHANGES if name not in grey]
    assert set(of_spine.not_applicable) == grey
    for effect in of_spine.effects:
        assert effect.question == CHANGES[effect.change].question
        assert effect.n_films + effect.n_left_out == N
        assert effect.unchanged.value == 1
        assert effect.drop.value == pytest.approx(1 - effect.accuracy.value)
    assert of_spine.effect("border-sides").flipped.value == 0
    assert of_spine.effect("tint-warm") is None


def test_without_masks_nothing_is_said_of_the_spine(striped):
    found = measured(striped, SPINE, masks=False)
    assert {"spine-hidden", "control-hidden", "columns-hidden", "spine-only"} <= set(
        found.not_applicable
    )
    assert found.without_spine == ()
    assert found.only_spine is None
    assert found.attributed is None
    assert found.effect("border-bright") is not None


def test_an_effect_is_what_its_words_say_film_by_film():
    draws = np.random.default_rng(5)
    truth = draws.integers(0, 2, 50)
    before_, after = (draws.dirichlet([1, 1], 50) for _ in (0, 1))
    effect = of(table(before_, truth), mirrored=table(after, truth)).effect("mirrored")
    right = [int(np.argmax(p)) == t for p, t in zip(after, truth, strict=True)]
    was = [int(np.argmax(p)) == t for p, t in zip(before_, truth, strict=True)]
    assert effect.accuracy.value == pytest.approx(np.mean(right))
    assert effect.unchanged.value == pytest.approx(np.mean(was))
    assert effect.drop.value == pytest.approx(np.mean(was) - np.mean(right))
    assert effect.flipped.value == pytest.approx(
        np.mean([np.argmax(a) != np.argmax(b) for a, b in zip(after, before_, strict=True)])
    )
    gains = [a[t] - b[t] for a, b, t in zip(after, before_, truth, strict=True)]
    assert effect.true_probability.value == pytest.approx(np.mean(gains))
    assert effect.macro_f1.value == pytest.approx(
        f1_score(truth, after.argmax(axis=1), average="macro")
    )
    for one in (effect.accuracy, effect.drop, effect.flipped, effect.true_probability):
        assert one.interval.low < one.value < one.interval.high


def test_an_effect_stands_beside_the_same_films_unchanged_and_no_others():
    truth = np.array([0] * 6 + [1] * 6)
    whole = table(shares([0] * 6 + [0] * 6), truth)  # right on the first six only
    part = table(shares([0] * 6), truth[:6], names=whole.image_ids[:6])
    found = of(whole, spine_hidden=part)
    effect = found.effect("spine-hidden")
    assert (effect.n_films, effect.n_left_out) == (6, 6)
    assert effect.unchanged.value == 1
    assert effect.drop.value == 0
    assert found.accuracy.value == 0.5
    assert found.without_spine[0].majority.value == 1
    assert found.without_spine[0].macro_by_chance == 1


def test_control_and_spine_are_compared_on_films_that_have_both():
    truth = np.zeros(8, int)
    whole = table(shares([0] * 8), truth)
    ids = whole.image_ids
    spine = table(shares([1] * 6), truth[:6], names=ids[:6])
    control = table(shares([1, 0, 0, 0]), truth[:4], names=ids[4:])
    found = of(whole, spine_hidden=spine, control_hidden=control).attributed
    assert found.n_films == 2
    assert found.spine_drop.value == 1
    assert found.control_drop.value == 0.5
    assert found.difference.value == 0.5
    assert found.probability.value == pytest.approx(0.4)
    apart = table(shares([1, 0]), truth[:2], names=ids[6:])
    assert of(whole, spine_hidden=spine, control_hidden=apart).attributed is None


def test_one_film_and_one_label_have_figures_and_no_comfort():
    whole = table(shares([0]), [0])
    found = of(whole, spine_hidden=whole, marker_upper_left=whole, marker_upper_right=whole)
    assert found.accuracy.value == 1
    assert found.without_spine[0].above.value == 0
    assert found.families[0].followed is None
    assert not math.isnan(found.families[0].pulls[0].rise.value)


def test_changes_of_ones_own_can_be_asked(striped):
    cohort, _ = striped
    found = before(cohort, network(SPINE))
    black = NamedChange("black", "turn", "And of nothing?", lambda picture: picture.image * 0)
    said = reliance.measured(found, Shown.of(found), {"black": black})
    assert said.effect("black").question == "And of nothing?"
    assert said.effect("black").accuracy.value == PRIOR
    assert said.families == ()


def test_answers_without_those_of_unchanged_films_or_of_other_films_are_errors():
    whole = table(shares([0, 1]), [0, 1])
    with pytest.raises(ValueError, match="unchanged films are missing"):
        reliance.of({"mirrored": Answers("mirrored", whole, ())})
    with pytest.raises(ValueError, match="of other films"):
        of(whole, mirrored=table(shares([0, 1]), [0, 1], names=("000", "b")))
    with pytest.raises(ValueError, match="of other films"):
        of(whole, mirrored=table(shares([0, 1]), [1, 0]))
    with pytest.raises(KeyError, match="unheard-of"):
        of(whole, unheard_of=whole)
