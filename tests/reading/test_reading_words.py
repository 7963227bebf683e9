"""Sentences of a reading: short, no more than its numbers say, and safe on a terminal."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from readings import CURVE, SEVERAL, STRANGE, doubted, film, measurement, network, reading

from spondyl.measure.measurement import Measurement
from spondyl.reading import words
from spondyl.reading.record import LabelSet


def test_an_answer_is_a_label_with_its_probability():
    shown = reading(probabilities=np.array([0.05, 0.93, 0.02]))
    assert words.answer(shown) == "scoliosis, 93 %"


def test_a_doubted_reading_has_no_answer_whatever_its_probability():
    shown = doubted(probabilities=np.array([0.0, 1.0, 0.0]))
    assert words.answer(shown) == "No answer"
    assert words.doubts(shown) == (STRANGE.why,)


@given(st.floats(0, 1))
def test_no_share_is_rounded_to_certainty(probability):
    said = words.share(probability)
    assert said not in ("0 %", "100 %")
    number = int(said.split()[-2])
    if said.startswith("over"):
        assert probability > 0.99
    elif said.startswith("under"):
        assert probability < 0.01
    else:
        assert abs(100 * probability - number) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("scoliosis",), "Cannot be ruled out: scoliosis."),
        (("normal", "scoliosis"), "Cannot be ruled out: normal, scoliosis."),
        (("normal", "scoliosis", "spondylolisthesis"), "No label can be ruled out."),
        ((), "Such a film would be unusual under every label."),
    ],
)
def test_a_set_says_what_it_does_not_rule_out_and_how_often_it_is_right(labels, said):
    first, second = words.label_set(reading(label_set=LabelSet(labels, (0.5,) * 3, 0.05)))
    assert first == said
    assert "meant to hold" in second
    assert "95 of 100" in second


def test_a_bundle_without_thresholds_says_nothing_of_a_set():
    assert words.label_set(reading(label_set=None)) == ()


def test_networks_that_agree_and_networks_that_do_not():
    one, other = network(0, 0.0, 3.0, 0.0), network(1, 3.0, 0.0, 0.0)
    third = replace(one, fold=2)
    assert words.votes(reading(networks=(one, third))) == ("Both networks say scoliosis.",)
    assert words.votes(reading(networks=(one,) * 3)) == ("All 3 networks say scoliosis.",)
    (split,) = words.votes(reading(networks=(one, other, third)))
    assert split == "The 3 networks do not agree: 1 normal, 2 scoliosis."
    (alone,) = words.votes(reading(networks=(one,)))
    assert "no second opinion" in alone


def test_networks_that_learned_from_the_film_are_told_of():
    one = network(0, 0.0, 3.0, 0.0)
    _, left_out = words.votes(reading(networks=(one,), learned_from_it=(1, 2)))
    assert left_out == "2 networks had learned from this very film and did not answer."
    _, memory = words.votes(reading(networks=(one,), learned_from_it=(0,)))
    assert "may be memory" in memory


def test_a_curve_is_said_with_side_region_ends_apex_angle_and_interval():
    first, second = words.measured(measurement())
    assert first == "Right thoracic curve, T5 to L1, apex T9: Cobb angle 31° (27 to 36°)."
    assert "90 of 100" in second
    bare = measurement(
        curves=(replace(CURVE, at_edge=True, interval_degrees=None),),
        interval_degrees=None,
        interval_level=None,
    )
    assert words.measured(bare) == (
        "Right thoracic curve, T5 to L1, apex T9: Cobb angle 31°, at least: it may go on beyond "
        "what was found.",
    )


def test_a_straight_spine_is_said_with_its_largest_angle():
    (said, _) = words.measured(
        measurement(curves=(), cobb_degrees=(6.6, 2.0, 1.0), interval_degrees=((3, 9),) * 3)
    )
    assert (
        said == "No curve of 10° or more; the largest angle between two vertebrae is 7° (3 to 9°)."
    )


def test_a_measurement_that_was_refused_has_its_reason_and_one_not_asked_has_no_words():
    refused = Measurement(*("film", (9, 9), "finder", "lateral", 1.0, 1.0), refusal="it is lateral")
    assert words.measured(refused) == ("Not measured: it is lateral.",)
    assert words.measured(None) == ()


def test_a_film_is_told_in_at_most_six_lines_the_answer_first():
    shown = doubted(STRANGE, SEVERAL, warnings=("old film", "no view"), not_run=("no finder",))
    told = words.lines(shown)
    assert len(told) == 6
    assert told[0] == "film: No answer"
    assert STRANGE.why in told[1]
    assert SEVERAL.why in told[1]
    assert told[4] == "Warnings: Old film. No view."
    assert told[5] == "Not done: No finder."
    assert words.lines(reading())[0].startswith("film: scoliosis, ")


@given(st.text(st.characters()))
def test_no_name_steers_a_terminal_or_turns_the_direction_of_writing(name):
    told = words.lines(reading(film=film(name=name + "\x1b[2J\n\u202e\udcff")))
    for line in told:
        line.encode("utf-8")
        assert line.isprintable() or not any(
            ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 or sign in "\u202e\u2066" for sign in line
        )
        assert "\n" not in line
    assert len(told) <= 6


def test_a_heatmap_without_heat_is_said_to_have_found_nothing():
    shown = reading()
    empty = replace(shown.heatmap, signed=-np.ones((7, 5), np.float32))
    assert "found nothing" in words.heat(replace(shown, heatmap=empty))[1]
    assert "does not outline disease" in words.heat(shown)[-1]
