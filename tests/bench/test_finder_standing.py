"""A finder's figures are means of what was counted, and what was not asked is not answered."""

import csv

import numpy as np
import pytest
import scipy.io
from PIL import Image

from spondyl.bench import spine_survey, spines
from spondyl.data.phantom import drawing, output
from spondyl.data.radiograph import NOT_STATED, Curve, FileFacts, Radiograph
from spondyl.errors import SpondylError
from spondyl.measure import cobb, finder
from spondyl.measure.measurement import Measurement


@pytest.fixture(scope="module")
def by():
    return finder.load(finder.shipped_path())


@pytest.fixture(scope="module")
def landmarked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    for i in range(4):
        name = f"x-{i} A AP.png"
        drawn = drawing.draw(8, "scoliosis", size=(400, 200), index=i, field="whole")
        Image.fromarray(drawn.image).save(folder / "images" / name)
        points = drawn.regions.landmarks[:, ::-1]
        scipy.io.savemat(folder / "labels" / f"{name}.mat", {"p2": points})
    return folder


def test_a_finder_of_drawn_films_beats_the_mean_angles_on_drawn_films(by, landmarked):
    found = spines.judge(landmarked, by, every_film=True)
    assert (found.n_films, found.n_studies, found.n_refused) == (4, 4, 0)
    value = {figure.name: figure.value for figure in found.figures}
    assert value["SMAPE"] < value["SMAPE of always answering the mean angles"]
    assert value["mask Dice"] > 0.95
    assert value["corner error"] == pytest.approx(
        np.mean([row.corner_error_px for row in found.rows])
    )
    document = found.as_dict()
    assert document["figures"]["SMAPE"]["value"] == value["SMAPE"]
    assert any("published, other films" in line for line in found.lines)


def test_the_interval_resamples_studies_and_not_films():
    values = np.array([0.0, 0.0, 0.0, 1.0])
    torn = spines.figure("x", "", values, ["a", "b", "c", "d"])
    whole = spines.figure("x", "", values, ["a", "a", "a", "a"])
    assert torn.value == whole.value == 0.25
    assert torn.low < 0.25 < torn.high
    assert whole.low == whole.high == 0.25


def test_a_figure_of_nothing_is_no_number():
    assert np.isnan(spines.figure("x", "", np.array([]), []).value)


def answer(
    label, view="frontal", *, named=(), side="right", apex="T8", cobb_degrees=20.0, refusal=None
):
    facts = FileFacts("PNG", 100, 50, "L", 1, None, "0" * 64)
    film = Radiograph("a.png", None, label, "a", facts, curves=tuple(named))
    curve = cobb.Curve("T5", apex, "T12", side, cobb_degrees)
    curves = (curve,) if cobb_degrees >= 10 and refusal is None else ()
    said = Measurement(
        "a.png",
        (100, 50),
        "a test",
        "frontal" if refusal is None else "lateral",
        0.9,
        0.9,
        cobb_degrees=None if refusal else (cobb_degrees, 0.0, 0.0),
        curves=curves,
        refusal=refusal,
    )
    return spine_survey._Answer(film, said, view)


def shares(by, answers):
    found = spine_survey.counted(answers, by)
    return {share.question: (share.n_yes, share.n) for share in found.shares}, found


def test_sides_and_regions_are_asked_only_where_the_name_states_one(by):
    right_thoracic = (Curve("right", "thoracic"),)
    answers = [
        answer("scoliosis", named=right_thoracic),
        answer("scoliosis", named=right_thoracic, side="left", apex="L2"),
        answer("scoliosis", named=(Curve("right", NOT_STATED), Curve("left", NOT_STATED))),
        answer("scoliosis"),
    ]
    found, _ = shares(by, answers)
    assert found["main curve on the side of the name, patient's right at the left"] == (1, 2)
    assert found["main curve on the side of the name, shown from behind"] == (1, 2)
    assert found["main curve in the region of the name"] == (1, 2)


def test_refused_films_are_counted_and_not_measured(by):
    answers = [
        answer("normal", cobb_degrees=4.0),
        answer("normal", cobb_degrees=14.0),
        answer("spondylolisthesis", "lateral", refusal="a lateral film"),
        answer("spondylolisthesis", "lateral"),
    ]
    found, survey = shares(by, answers)
    assert found["normal films with a curve of 10° or more"] == (1, 2)
    assert found["lateral films refused"] == (1, 2)
    assert survey.refusals == {"spondylolisthesis": 1}
    assert survey.views["lateral"] == {"lateral": 1, "frontal": 1}


def test_a_cohort_is_surveyed_with_a_list_of_views(by, tmp_path):
    drawn = output.save(tmp_path / "drawn", drawing.cohort(6, 2, size=(320, 160), view="mixed"))
    from spondyl.data import cohort

    films = cohort.read(drawn / "films").radiographs
    views = {
        row["path"].removeprefix("films/"): row["view"]
        for row in csv.DictReader((drawn / "manifest.csv").open(encoding="utf-8"))
    }
    with (tmp_path / "views.csv").open("w", newline="") as text:
        rows = csv.writer(text)
        rows.writerow(["sha256", "view"])
        rows.writerows([film.file.sha256, views[film.image_id]] for film in films)
    found = spine_survey.survey(drawn / "films", by, tmp_path / "views.csv")
    assert found.n_films == 6
    assert sum(sum(named.values()) for named in found.views.values()) == 6
    assert set(found.views) <= {"frontal", "lateral"}
    assert found.as_dict()["shares"]
    assert any("frontal films called frontal" in line for line in found.lines)


def test_a_list_of_views_that_is_none_is_refused(by, tmp_path):
    (tmp_path / "views.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SpondylError, match="no list of views"):
        spine_survey._views(tmp_path / "views.csv")
