"""Regions on disk: what is written is what is read, and what is damaged is said to be."""

import json

import numpy as np
import pytest

from spondyl.data import regions
from spondyl.data.regions import Box, Regions
from spondyl.errors import SpondylError

FILM = "normal/0003.png"


@pytest.fixture
def marked():
    rng = np.random.default_rng(3)
    return Regions(
        image_size=(40, 30),
        made_by="Dr. Ä. Reader",
        spine_mask=rng.random((40, 30)) < 0.4,
        landmarks=rng.uniform(0, 30, (8, 2)).astype(np.float32),
        targets=((12.25, 7.5), (30.0, 9.0)),
        boxes=(Box("marker", 1, 2, 8.5, 9), Box("text", 0, 0, 3, 30)),
    )


def test_regions_come_back_as_they_were_written(tmp_path, marked):
    path = regions.save(tmp_path, FILM, marked)
    assert path == tmp_path / "normal" / "0003.json"
    found = regions.load(tmp_path, FILM)
    assert (found.image_size, found.made_by) == (marked.image_size, marked.made_by)
    assert (found.targets, found.boxes) == (marked.targets, marked.boxes)
    np.testing.assert_array_equal(found.spine_mask, marked.spine_mask)
    np.testing.assert_array_equal(found.landmarks, marked.landmarks)
    assert not found.landmarks.flags.writeable


def test_what_nobody_marked_stays_unmarked(tmp_path):
    regions.save(tmp_path, FILM, Regions((4, 5), "nobody"))
    found = regions.load(tmp_path, FILM)
    assert found.spine_mask is None
    assert found.landmarks is None
    assert (found.targets, found.boxes) == ((), ())
    assert list((tmp_path / "normal").iterdir()) == [tmp_path / "normal" / "0003.json"]


def test_a_film_that_nobody_looked_at_has_no_regions(tmp_path):
    assert regions.load(tmp_path, FILM) is None


@pytest.mark.parametrize("image_id", ["../normal/0003.png", "/etc/0003.png", ""])
def test_an_image_id_cannot_leave_its_folder(tmp_path, marked, image_id):
    with pytest.raises(SpondylError, match="not a path inside a folder"):
        regions.save(tmp_path, image_id, marked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 9}, "schema_version"),
        ({"landmarks": [[1, "x"]]}, "landmarks"),
        ({"colour": "red"}, "colour"),
        ({"image_id": "normal/0004.png"}, "normal/0004.png"),
        ({"image_size": [39, 30]}, "40 × 30"),
        ({"mask": "lost.png"}, "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused_with_what_is_wrong(tmp_path, marked, change, said):
    path = regions.save(tmp_path, FILM, marked)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(SpondylError, match=said):
        regions.load(tmp_path, FILM)


def test_every_fault_of_a_file_is_told_at_once(tmp_path, marked):
    path = regions.save(tmp_path, FILM, marked)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"made_by": 3, "targets": 4}))
    with pytest.raises(SpondylError, match="2 problems"):
        regions.load(tmp_path, FILM)


def test_on_a_smaller_grid_places_keep_their_share_of_the_film():
    mask = np.zeros((60, 40), bool)
    mask[20:50, 12:24] = True
    corners = np.array([[-0.5, -0.5], [59.5, 39.5]], np.float32)
    whole = Regions((60, 40), "us", mask, corners, ((29.5, 19.5),), (Box("a", 10, 4, 50, 36),))
    small = whole.resized((30, 10))
    assert small.image_size == (30, 10)
    expected = np.zeros((30, 10), bool)
    expected[10:25, 3:6] = True
    np.testing.assert_array_equal(small.spine_mask, expected)
    assert small.landmarks.tolist() == [[-0.5, -0.5], [29.5, 9.5]]  # film corners stay corners
    assert small.targets == ((14.5, 4.5),)  # the middle stays the middle
    assert small.boxes == (Box("a", 4.75, 0.625, 24.75, 8.625),)


def test_a_mask_too_thin_for_a_smaller_grid_is_left_out():
    mask = np.zeros((60, 40), bool)
    mask[:, 0] = True
    assert Regions((60, 40), "us", mask).resized((15, 10)).spine_mask is None
