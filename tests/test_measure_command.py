"""`spondyl measure`: what it prints and writes is what the library measures."""

import base64
import csv
import io
import json

import numpy as np
import pytest
from command_line import spondyl
from PIL import Image

from spondyl.data import pixels, regions
from spondyl.data.phantom.drawing import draw
from spondyl.measure import finder
from spondyl.measure.judging import dice
from spondyl.measure.measuring import measure

SEED = 31_337


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A folder with a curved spine, a lateral film and, in a folder of its own, a straight one."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "more").mkdir()
    for name, label, view in (
        ("curved.png", "scoliosis", "frontal"),
        ("side.png", "normal", "lateral"),
        ("more/straight.png", "normal", "frontal"),
    ):
        drawn = draw(SEED, label, view, (600, 300), field="whole")
        Image.fromarray(drawn.image).save(folder / name)
    (folder / "notes.txt").write_text("not a film")
    return folder


@pytest.fixture
def told(capsys):
    """A function that runs `spondyl measure` and gives the code, stdout and stderr."""

    def call(*words):
        code = spondyl(["measure", *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_the_rows_say_what_the_library_measures_and_hold_the_mask(told, films):
    code, out, err = told(films, "--json")
    assert code == 0
    assert "passed over" in err
    rows = {row["image_id"]: row for row in json.loads(out)}
    assert set(rows) == {"curved.png", "side.png", "more/straight.png"}
    row = rows["curved.png"]
    by = finder.load(finder.shipped_path())
    ours = measure(pixels.read(films / "curved.png"), "curved.png", by)
    assert row["cobb_deg"] == pytest.approx(list(ours.measurement.cobb_degrees), abs=1e-6)
    assert np.shape(row["corners"]) == (68, 2)
    truth = draw(SEED, "scoliosis", size=(600, 300), field="whole").regions
    assert np.abs(np.array(row["corners"])[:, ::-1] - truth.landmarks).mean() < 3
    mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(row["mask_png"]))), bool)
    assert mask.shape == (600, 300)
    assert dice(mask, truth.spine_mask) > 0.95
    assert row["curves"]
    assert row["refusal"] is None


def test_a_lateral_film_has_a_refusal_and_no_numbers(told, films):
    _, out, _ = told(films / "side.png", "--json")
    (row,) = json.loads(out)
    assert row["cobb_deg"] is None
    assert row["mask_png"] is None
    assert row["corners"] == [None] * 68
    assert "frontal" in row["refusal"]


def test_files_are_written_as_heatmap_scores_read_them(told, films, tmp_path):
    out = tmp_path / "out"
    code, printed, _ = told("films", films, "--out", out, "--json")
    assert code == 0
    rows = json.loads(printed)
    assert json.loads((out / "measurements.json").read_text()) == rows
    for row in rows:
        assert (out / "drawings" / row["image_id"]).is_file()
        marked = regions.load(out / "regions", row["image_id"])
        assert (marked is None) == (row["refusal"] is not None)
        if marked is not None:
            assert np.array_equal(np.asarray(Image.open(row["mask_png"])), marked.spine_mask)
            assert len(marked.targets) == len(row["curves"])


def test_one_bad_file_stops_no_other_and_is_told_at_the_end(told, films, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a png")
    code, out, err = told(bad, films / "curved.png", tmp_path / "gone.png")
    assert code == 1
    assert "curved.png" in out
    assert err.count("failed:") == 2


def test_a_person_reads_angles_curves_and_refusals(told, films):
    _, out, _ = told(films)
    lines = out.splitlines()
    assert len(lines) == 3
    assert any("°" in line and "apex" in line for line in lines)
    assert any("not measured" in line for line in lines)


def test_a_slip_is_read_off_four_points(told, tmp_path):
    points = tmp_path / "points.csv"
    row = {"image_id": "film", "level": "L4-5"}
    row |= {"lower_posterior_r": 100, "lower_posterior_c": 50}
    row |= {"lower_anterior_r": 100, "lower_anterior_c": 10}
    row |= {"upper_posterior_r": 90, "upper_posterior_c": 38}
    row |= {"upper_anterior_r": 90, "upper_anterior_c": -2}
    with points.open("w", newline="") as text:
        writer = csv.DictWriter(text, row)
        writer.writeheader()
        writer.writerow(row)
    _, out, _ = told("slip", points, "--json")
    (slip,) = json.loads(out)
    assert slip["percent"] == pytest.approx(30)
    assert slip["meyerding"] == "II"
    _, out, _ = told("slip", points)
    assert "Meyerding II" in out


def test_the_group_still_has_its_own_help(told):
    code, out, _ = told("--help")
    assert code == 0
    for command in ("films", "train", "judge", "slip", "survey"):
        assert command in out
