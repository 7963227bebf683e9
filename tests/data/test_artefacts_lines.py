"""Drawn lines are straight, thin and of one grey; seams run across the whole film."""

import cv2
import numpy as np
import pytest

from spondyl.data.artefacts.copying import Copy
from spondyl.data.artefacts.joins import joins_of
from spondyl.data.artefacts.lines import lines_of
from spondyl.data.phantom import drawing


def copy_of(image):
    grey = np.ascontiguousarray(image, np.float32) / 255
    if grey.ndim == 2:
        return Copy(grey, None, grey.shape)
    luma = grey @ np.array([0.299, 0.587, 0.114], np.float32)
    return Copy(luma, grey, luma.shape)


def person(seed=0, label="scoliosis", size=(300, 220)):
    return drawing.draw(seed, label, size=size, field="whole").image.copy()


def veiled():
    """A person before air that is not black."""
    return person() // 2 + 60


ENDS = [((40, 60), (170, 95)), ((30, 250), (190, 180)), ((20, 40), (20, 200))]
"""(column, row) of both ends: falling, rising, upright."""


@pytest.mark.parametrize("ends", ENDS)
def test_a_line_drawn_on_a_body_is_found_where_it_is(ends):
    film = (80 + np.random.default_rng(0).normal(0, 4, (300, 220))).astype(np.uint8)
    cv2.line(film, *ends, 250, 2, cv2.LINE_AA)
    (line,) = lines_of(copy_of(film))
    wanted = sorted((row, column) for column, row in ends)
    np.testing.assert_allclose((line.start, line.end), wanted, atol=4)
    assert not line.coloured


def test_angles_are_those_of_the_line():
    film = np.full((300, 220), 60, np.uint8)
    cv2.line(film, (50, 100), (150, 200), 250, 2, cv2.LINE_AA)
    assert lines_of(copy_of(film))[0].angle == pytest.approx(np.pi / 4, abs=0.03)
    assert lines_of(copy_of(film[:, ::-1]))[0].angle == pytest.approx(3 * np.pi / 4, abs=0.03)


def test_a_coloured_line_as_bright_as_the_body_is_found_by_its_colour():
    film = np.full((300, 220, 3), 110, np.uint8)
    cv2.line(film, (40, 60), (170, 95), (230, 70, 0), 2, cv2.LINE_AA)
    assert lines_of(Copy(copy_of(film).grey, None, (300, 220))) == ()
    (line,) = lines_of(copy_of(film))
    assert line.coloured


def test_a_uniform_tint_draws_no_line():
    film = person()[..., None] * np.array([1.0, 0.96, 0.88])
    assert lines_of(copy_of(film)) == ()


def _edge(film):
    film[:, 100:] = 230


def _arc(film):
    cv2.ellipse(film, (110, 150), (90, 60), 0, 180, 360, 250, 2, cv2.LINE_AA)


def _fading(film):
    for row in range(60, 230):
        film[row, 100:102] = 80 + (row - 60)


def _broad(film):
    cv2.line(film, (40, 60), (170, 200), 250, 12)


def _short(film):
    cv2.line(film, (40, 60), (60, 70), 250, 2)


@pytest.mark.parametrize("draw", [_edge, _arc, _fading, _broad, _short])
def test_edges_arcs_and_ridges_that_fade_are_no_drawn_lines(draw):
    film = np.full((300, 220), 70, np.uint8)
    draw(film)
    assert lines_of(copy_of(film)) == ()


@pytest.mark.parametrize("rise", [0, 6])
@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_two_exposures_that_meet_are_joined_where_they_meet(factor, rise):
    film = veiled().astype(float)
    rows, columns = np.indices(film.shape)
    film = np.where(rows > 150 + rise * (columns / 219 - 0.5), film * factor, film)
    (join,) = joins_of(copy_of(np.clip(film, 0, 255)))
    assert (join.left, join.right) == pytest.approx((150 - rise / 2, 150 + rise / 2), abs=3)
    assert join.look == ("lighter below" if factor > 1 else "darker below")


@pytest.mark.parametrize(("grey", "look"), [(255, "bright line"), (0, "dark line")])
def test_a_line_across_the_whole_film_is_a_join_and_no_drawn_line(grey, look):
    film = veiled()
    film[200:202] = grey
    assert [join.look for join in joins_of(copy_of(film))] == [look]
    assert lines_of(copy_of(film)) == ()


def test_a_line_across_half_of_the_film_is_no_join():
    film = veiled()
    film[200:202, :110] = 255
    assert joins_of(copy_of(film)) == ()


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_drawn_people_have_no_lines_and_no_joins(view):
    for film in drawing.cohort(12, 4, view=view, size=(300, 220)):
        assert lines_of(copy_of(film.image)) == ()
        assert joins_of(copy_of(film.image)) == ()


def test_a_film_too_small_for_seams_has_none():
    assert joins_of(copy_of(np.zeros((40, 40)))) == ()
