"""Films of one patient together: each by itself, and which view bears on which disease."""

from dataclasses import replace
from pathlib import Path

import pytest
import readings

from spondyl.errors import SpondylError
from spondyl.reading.patients import Gathering, together_named
from spondyl.reading.record import Doubt


def stated(view="not stated", key="", path="one/film.png", name="film-1"):
    facts = readings_dicom(view, key)
    return readings.film(Path(path), name=name, dicom=facts)


def readings_dicom(view, key):
    from test_trained_on import STATED

    return replace(STATED, view=view, patient_key=key)


def read(view, key="k", name="film-1", path="one/film.png", **changes):
    made = readings.reading(film=stated(view, key, path, name), measurement=None)
    return replace(made, **changes)


def summarised(*films, together="header"):
    gathering = Gathering(together, readings.LABELS)
    for one in films:
        gathering.add(one)
    return gathering.summaries()


def test_scoliosis_is_told_by_the_frontal_film_and_a_slip_by_the_lateral_one():
    (patient,) = summarised(read("frontal", name="film-1"), read("lateral", name="film-2"))
    bearing = {one.label: one for one in patient.bearings}
    assert set(bearing) == {"scoliosis", "spondylolisthesis"}
    assert bearing["scoliosis"].films == ("film-1",)
    assert bearing["spondylolisthesis"].films == ("film-2",)
    assert "film-1 (frontal): scoliosis" in bearing["scoliosis"].said
    assert "film-2 (lateral): not called spondylolisthesis" in bearing["spondylolisthesis"].said


def test_without_the_view_that_bears_on_a_disease_nothing_is_said_of_it():
    (patient,) = summarised(read("frontal"))
    slip = patient.bearings[1]
    assert slip.films == ()
    assert "shows on lateral films" in slip.said
    assert "nothing is said of it" in slip.said


def test_a_doubted_film_bears_on_its_disease_with_its_doubts():
    doubt = Doubt("several labels", "normal and scoliosis cannot be ruled out")
    (patient,) = summarised(read("frontal", doubts=(doubt,)))
    assert "no answer, normal and scoliosis cannot be ruled out" in patient.bearings[0].said


def test_the_angle_stands_beside_scoliosis():
    (patient,) = summarised(read("frontal", measurement=readings.measurement()))
    assert "largest Cobb angle 31°" in patient.bearings[0].said


@pytest.mark.parametrize(("probability", "view"), [(0.99, "frontal"), (0.4, "not stated")])
def test_a_view_that_no_header_states_is_the_finder_s_where_it_is_sure(probability, view):
    found = readings.measurement(view_probability=probability)
    (patient,) = summarised(read("not stated", measurement=found))
    assert patient.films[0].view == view
    said = "nobody" if view == "not stated" else "spine finder (99 % sure)"
    assert patient.films[0].view_by == said


def test_patients_are_told_apart_by_header_by_folder_or_not_at_all():
    films = [
        read("frontal", "a", path="x/1.png"),
        read("lateral", "b", path="x/2.png"),
        read("lateral", "a", path="y/3.png"),
    ]
    assert [len(one.films) for one in summarised(*films)] == [2, 1]
    assert [len(one.films) for one in summarised(*films, together="folder")] == [2, 1]
    assert [len(one.films) for one in summarised(*films, together="all")] == [3]


def test_a_film_without_a_patient_s_number_is_refused_where_headers_decide():
    with pytest.raises(SpondylError, match="does not say whose film it is"):
        summarised(read("frontal", key=""))


def test_a_summary_holds_nothing_that_leads_to_the_patient():
    (patient,) = summarised(read("frontal", "c0ffee"), together="header")
    text = f"{patient.as_dict()} {patient.lines}"
    assert "c0ffee" not in text
    assert patient.patient == "patient-1"


def test_an_unknown_way_to_tell_patients_apart_is_refused():
    with pytest.raises(SpondylError, match="'name'"):
        together_named("name")
