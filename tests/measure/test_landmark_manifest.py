"""A landmark set becomes a manifest that a cohort can be read from."""

import csv
import itertools

import numpy as np
import pytest
import scipy.io
from command_line import spondyl
from PIL import Image

from spondyl.data import cohort, manifest
from spondyl.data.labels import SPINE_LABELS
from spondyl.errors import SpondylError
from spondyl.measure import landmark_manifest


def corners(bends):
    """(17, 4, 2) (row, column) of vertebrae 20 wide and 8 high, tilted by `bends` degrees."""
    found = []
    for level, degrees in enumerate(bends):
        turn = np.deg2rad(degrees)
        along = 10 * np.array([np.sin(turn), np.cos(turn)])
        down = 4 * np.array([np.cos(turn), -np.sin(turn)])
        middle = np.array([10.0 + 12 * level, 40.0])
        found.append(
            [middle + v * down + h * along for v, h in itertools.product((-1, 1), repeat=2)]
        )
    return np.array(found)


@pytest.fixture
def landmarked(tmp_path):
    """Four films of three studies, whose largest angles are 4, 9, 10.2 and 30 degrees."""
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for at, degrees in enumerate((4, 9, 10.2, 30)):
        name = f"x-{min(at, 2)} {'AB'[at == 3]} AP.jpg"
        Image.fromarray(np.full((230, 80), 40 * at, np.uint8)).save(folder / "images" / name)
        points = corners(np.linspace(-degrees / 2, degrees / 2, 17)).reshape(-1, 2)[:, ::-1]
        scipy.io.savemat(folder / "labels" / f"{name}.mat", {"p2": points})
    return folder


def test_films_are_labelled_by_their_largest_angle_and_grouped_by_study(landmarked, tmp_path):
    out = tmp_path / "set.csv"
    assert landmark_manifest.write(landmarked, out) == {"normal": 2, "scoliosis": 2}
    read = cohort.read(out, SPINE_LABELS, require_labels=False)
    assert [film.label for film in read.radiographs] == ["normal", "normal", *["scoliosis"] * 2]
    assert [film.group_id for film in read.radiographs] == ["0", "1", "2", "2"]
    found = manifest.column(out, "cobb")
    angles = [float(found[film.image_id]) for film in read.radiographs]
    assert angles == pytest.approx([4, 9, 10.2, 30], abs=0.011)


def test_an_angle_and_its_label_never_disagree(landmarked, tmp_path):
    """9.996 is written as 10.00, and is then scoliosis."""
    name = "x-0 A AP.jpg"
    points = corners(np.linspace(-9.996 / 2, 9.996 / 2, 17)).reshape(-1, 2)[:, ::-1]
    scipy.io.savemat(landmarked / "labels" / f"{name}.mat", {"p2": points})
    landmark_manifest.write(landmarked, tmp_path / "set.csv")
    with (tmp_path / "set.csv").open(newline="") as text:
        row = next(row for row in csv.DictReader(text) if row["path"].endswith(name))
    assert (row["cobb"], row["label"], row["set_angle"]) == ("10.00", "scoliosis", "")


def test_a_manifest_that_is_not_above_its_films_is_refused(landmarked, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(SpondylError, match="is not above"):
        landmark_manifest.write(landmarked, tmp_path / "elsewhere" / "set.csv")


def test_a_link_to_the_set_will_do(landmarked, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "linked").symlink_to(landmarked)
    landmark_manifest.write(elsewhere / "linked", elsewhere / "set.csv")
    assert len(cohort.read(elsewhere / "set.csv", require_labels=False).radiographs) == 4


def test_nothing_is_overwritten(landmarked, tmp_path):
    (tmp_path / "set.csv").write_text("mine")
    with pytest.raises(SpondylError, match="already"):
        landmark_manifest.write(landmarked, tmp_path / "set.csv")
    assert (tmp_path / "set.csv").read_text() == "mine"


def test_the_command_counts_the_films(landmarked, tmp_path, capsys):
    assert spondyl(["measure", "manifest", landmarked, "--out", tmp_path / "set.csv"]) == 0
    assert "4 films (2 normal, 2 scoliosis)" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["angle", "Cobb", ""])
def test_a_column_that_is_not_there_is_refused(landmarked, tmp_path, name):
    landmark_manifest.write(landmarked, tmp_path / "set.csv")
    with pytest.raises(SpondylError, match="no column is called"):
        manifest.column(tmp_path / "set.csv", name)


def test_a_column_is_found_whatever_parts_its_cells(tmp_path):
    (tmp_path / "set.csv").write_text("Path;cobb;label\n a.png ;3,5;normal\nb.png;;scoliosis\n")
    assert manifest.column(tmp_path / "set.csv", "cobb") == {"a.png": "3,5", "b.png": ""}
