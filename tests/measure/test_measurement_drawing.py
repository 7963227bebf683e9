"""Drawings of a measurement: the lines show the number, words stay inside, a film stays a film."""

from dataclasses import replace

import numpy as np
import pytest

from spondyl.data.phantom.anatomy import Anatomy, Curvature
from spondyl.data.phantom.drawing import draw as phantom_of
from spondyl.measure import cobb, drawing
from spondyl.measure.measurement import Measurement

STEEP = Anatomy(Curvature(("T4", "T11", "L4"), (86.0, 52.0), "left"))


def measured(phantom, **changes):
    corners = phantom.regions.landmarks.reshape(-1, 4, 2).astype(np.float64)
    names = phantom.truth.vertebrae
    stated = {
        "vertebrae": names,
        "cobb_degrees": cobb.three_angles(corners, phantom.image.shape[0]),
        "curves": cobb.curves(corners, names),
    }
    return Measurement(
        phantom.image_id, phantom.image.shape[:2], "truth", "frontal", 1.0, 1.0, **stated | changes
    )


def film_of(phantom):
    return phantom.image.astype(np.float32) / 255


def drawn(phantom, record):
    return drawing.draw(film_of(phantom), phantom.regions, phantom.truth.vertebrae, record)


@pytest.fixture(scope="module")
def crooked():
    return phantom_of(6, "scoliosis", size=(500, 250), field="whole")


@pytest.mark.parametrize("spine", [None, STEEP])
def test_the_perpendiculars_meet_at_the_angle_that_is_written(spine):
    phantom = phantom_of(2, "scoliosis", size=(500, 250), field="whole", spine=spine)
    corners = phantom.regions.landmarks.reshape(-1, 4, 2).astype(np.float64)
    names = phantom.truth.vertebrae
    for curve in cobb.curves(corners, names):
        lines = drawing._lines(corners, names, curve, 250)
        down = lines.meeting - lines.upper[1]
        up = lines.meeting - lines.lower[1]
        cosine = -(down @ up) / np.linalg.norm(down) / np.linalg.norm(up)
        assert np.degrees(np.arccos(cosine)) == pytest.approx(curve.cobb_degrees, abs=1e-6)
        for line, to_meeting in ((lines.upper, down), (lines.lower, up)):
            assert (line[1] - line[0]) @ to_meeting == pytest.approx(0, abs=1e-6)
        ends = [corners[names.index(name)].mean(axis=0) for name in (curve.upper, curve.lower)]
        assert np.sign(lines.meeting[1] - np.mean(ends, axis=0)[1]) == lines.outward
        chord = ends[1] - ends[0]
        assert 0 < (lines.meeting - ends[0]) @ chord < chord @ chord


def test_the_lines_are_on_the_concave_side(crooked):
    for curve in measured(crooked).curves:
        corners = crooked.regions.landmarks.reshape(-1, 4, 2).astype(np.float64)
        names = crooked.truth.vertebrae
        lines = drawing._lines(corners, names, curve, 250)
        apex = corners[names.index(curve.apex)].mean(axis=0)
        assert (lines.meeting[1] > apex[1]) == (lines.outward > 0)
        assert lines.outward == (1 if curve.side == "right" else -1)


@pytest.mark.parametrize("size", [(224, 224), (600, 190), (300, 700), (1800, 700)])
def test_any_film_has_the_same_longer_side_and_room_for_words(size):
    phantom = phantom_of(3, "scoliosis", size=size, field="whole")
    picture = drawn(phantom, measured(phantom))
    assert picture.dtype == np.uint8
    assert max(round(drawing.LONGEST * size[0] / max(size)), 1) < picture.shape[0]
    assert picture.shape[1] >= drawing.NARROWEST


def test_the_film_is_seen_where_nothing_is_drawn_on_it(crooked):
    bare = drawn(crooked, measured(crooked, cobb_degrees=None, curves=(), refusal="blurred"))
    picture = drawn(crooked, measured(crooked))
    film = slice(0, drawing.LONGEST)
    changed = (picture[film] != bare[film]).any(axis=2)
    assert 0.005 < changed.mean() < 0.1
    assert (np.ptp(bare, axis=2) == 0).all()


def test_corners_move_with_the_film():
    """A lone bright pixel and a corner at it stay together at any size."""
    film = np.zeros((400, 300), np.float32)
    film[123, 77] = 1
    sheet, scale, left = drawing._sheet(film, 1000)
    row, column = (np.array((123.0, 77.0)) + 0.5) * scale - 0.5 + (0, left)
    brightest = np.unravel_index(sheet[..., 0].argmax(), sheet.shape[:2])
    assert brightest == pytest.approx((row, column), abs=1.5)


def test_a_refusal_is_the_film_with_its_reason(crooked):
    refused = measured(crooked, cobb_degrees=None, curves=(), refusal="it is a lateral film")
    words = drawing._words(refused)
    assert words[0] == "Not measured: it is a lateral film"
    assert "not for diagnosis" in words[-1]
    assert not any("°" in line for line in words)


def test_the_caption_says_the_angles_their_intervals_and_what_the_lines_are(crooked):
    plain = measured(crooked)
    sure = replace(
        plain, interval_degrees=((20.0, 40.0), (1.0, 9.0), (2.0, 8.0)), interval_level=0.9
    )
    text = " ".join(drawing._words(sure))
    for degrees in plain.cobb_degrees:
        assert f"{degrees:.1f}°" in text
    for told in ("20 to 40°", "90%", "AASCE", "mid-lines", "not for diagnosis"):
        assert told in text
    for curve in plain.curves:
        assert f"{curve.upper} to {curve.lower}" in text
        assert f"convex {curve.side}" in text


def test_a_straight_spine_has_no_lines():
    phantom = phantom_of(4, "normal", size=(500, 250), field="whole")
    words = drawing._words(measured(phantom))
    assert "No curve of 10° or more." in words
    assert not any("Lines" in line for line in words)


def test_words_are_moved_inside_and_broken_where_a_line_is_full():
    ink = drawing._Ink(np.zeros((120, 200, 3), np.uint8), 1.0)
    ink.word("far away", np.array((-50.0, 900.0)), "lm", (255, 255, 255))
    lit = np.argwhere(ink.finished().max(axis=2) > 100)
    assert len(lit) > 50
    assert lit[:, 1].max() < 199
    narrow = drawing._caption(["one two three four five six seven eight"], 120, 1.0)
    wide = drawing._caption(["one two three four five six seven eight"], 900, 1.0)
    assert narrow.shape[0] > wide.shape[0]
    assert (narrow[:, -3:] == 0).all()


def test_names_that_do_not_fit_the_landmarks_are_not_drawn(crooked):
    with pytest.raises(ValueError, match="68 landmarks of 2"):
        drawing.draw(film_of(crooked), crooked.regions, ("T1", "T2"), measured(crooked))
