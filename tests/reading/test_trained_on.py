"""What is stated of a film beside what the training films were: warnings, and what is not known."""

from dataclasses import replace

import numpy as np
import pytest

from spondyl.data.dicom.facts import DicomFacts
from spondyl.data.pixels import Pixels
from spondyl.data.radiograph import FileFacts
from spondyl.reading.trained_on import TrainedOn, not_compared, strange_in

TRAINED = TrainedOn(
    n_films=20,
    n_groups=20,
    labels={"normal": 10, "scoliosis": 10},
    views={"normal": {"frontal": 8, "not stated": 2}, "scoliosis": {"frontal": 10}},
    sexes={"female": 18, "not stated": 2},
    ages_years=(10.0, 80.0),
    n_without_age=0,
    formats={"PNG": 20},
)
STATED = DicomFacts(
    *("1.2.840.10008.5.1.4.1.1.1", "1.2.3", "1.2", "1.2.1", "1.2.840.10008.1.2.1"),
    *("MONOCHROME2", 12, "CR"),
    view="frontal",
    body_part="LSPINE",
    age_years=40.0,
    sex="female",
)
FILE = FileFacts("DICOM", 9, 9, "MONOCHROME2;12", 100, None, "0" * 64)


def film(stated=STATED, **changes):
    dicom = None if stated is None else replace(stated, **changes)
    return Pixels(np.zeros((9, 9), np.float32), None, None, FILE, dicom)


def test_a_film_like_the_training_films_is_not_warned_of():
    assert strange_in(film(), TRAINED) == ()
    assert not_compared(film(), TRAINED) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"view": "lateral"}, "lateral"),
        ({"age_years": 5.0}, "outside that of the training films, 10 to 80"),
        ({"age_years": 81.0}, "age is outside"),
        ({"sex": "male"}, "sex that the header states"),
        ({"body_part": "CHEST"}, "another part of the body by its header (CHEST)"),
        ({"laterality": "left"}, "left side"),
        ({"notes": ("the first of 3 windows was used",)}, "first of 3 windows"),
    ],
)
def test_what_no_training_film_was_is_a_warning(changes, said):
    (warning,) = strange_in(film(**changes), TRAINED)
    assert said in warning


@pytest.mark.parametrize(
    "part", ["SPINE", "L SPINE", "CTSPINE", "Lumbar spine", "TLSPINE", "Thoracic vertebral column"]
)
def test_parts_of_the_spine_are_known_however_they_are_spelled(part):
    assert strange_in(film(body_part=part), TRAINED) == ()


def test_what_the_film_does_not_state_is_not_compared_and_said_so():
    (said,) = not_compared(film(None), TRAINED)
    assert said == "the film does not state view, age, sex and body part, so nothing was compared"
    assert strange_in(film(None), TRAINED) == ()


def test_what_no_training_film_states_is_not_compared_and_said_so():
    silent = replace(
        TRAINED,
        views={"normal": {"not stated": 20}},
        sexes={"not stated": 20},
        ages_years=None,
        n_without_age=20,
    )
    (said,) = not_compared(film(view="lateral", sex="male"), silent)
    assert said == "no training film states view, age and sex, so nothing was compared"
    assert strange_in(film(view="lateral", sex="male", age_years=200.0), silent) == ()


def test_no_warning_states_the_patient_s_age_or_sex():
    said = " ".join(strange_in(film(age_years=93.0, sex="male"), TRAINED))
    assert "93" not in said
    assert " male" not in said
