"""What remedies take off a film is off, and everything else is as it was."""

import cv2
import numpy as np
import pytest

from spondyl.data.artefacts import remedies
from spondyl.data.artefacts.finding import found
from spondyl.data.phantom.filming import collimate, write_lead
from spondyl.data.pixels import Pixels
from spondyl.data.placement import Window
from spondyl.data.radiograph import FileFacts
from spondyl.errors import SpondylError

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def pixels_of(image):
    values = np.asarray(image, np.float32) / 255
    luma = values if values.ndim == 2 else values @ LUMA
    facts = FileFacts("PNG", *luma.shape, "RGB", 1, None, "0" * 64)
    return Pixels(luma.copy(), values if values.ndim == 3 else None, None, facts)


def body(size=(300, 220)):
    return np.random.default_rng(0).normal(80, 4, size).astype(np.uint8)


def lettered():
    film = body()
    write_lead(film, "L", 0.2, 0.8, "letter", 0.1)
    write_lead(film, "STANDING", 0.9, 0.4, "text")
    cv2.line(film, (30, 110), (190, 160), 250, 2, cv2.LINE_AA)
    return film


def test_rims_are_cut_off_and_the_window_says_where_the_rest_was():
    film = body()
    collimate(film, (0.1, 0.05, 0, 0.2), 0)
    pixels = pixels_of(film)
    cut, window = remedies.without_border(pixels)
    assert window == Window(30, 0, 285, 176)
    np.testing.assert_array_equal(cut.grey, pixels.grey[window.slices])
    assert found(cut).rims == ()
    assert cut.facts == pixels.facts


def test_a_film_without_rims_stays_whole():
    pixels = pixels_of(body())
    cut, window = remedies.without_border(pixels)
    assert window == Window.whole(pixels.size)
    np.testing.assert_array_equal(cut.grey, pixels.grey)


def test_letters_and_lines_are_painted_out_and_nothing_else_is_touched():
    pixels = pixels_of(lettered())
    assert found(pixels).kinds == {"marker", "text", "line"}
    painted = remedies.painted_out(pixels)
    assert found(painted).kinds == frozenset()
    assert painted.grey.max() < 0.5
    ground = body() / np.float32(255)
    np.testing.assert_allclose(painted.grey, ground, atol=0.12)
    inked = cv2.dilate((np.abs(pixels.grey - ground) > 1e-6).astype(np.uint8), np.ones((21, 21)))
    np.testing.assert_array_equal(painted.grey[inked == 0], pixels.grey[inked == 0])


def test_a_film_without_letters_or_lines_is_handed_back():
    pixels = pixels_of(body())
    assert remedies.painted_out(pixels) is pixels


def test_a_large_film_keeps_its_own_pixels_where_nothing_is_painted():
    film = np.random.default_rng(0).normal(80, 4, (1200, 880)).astype(np.uint8)
    ground = film.copy()
    write_lead(film, "R", 0.2, 0.8, "letter", 0.08)
    painted = remedies.painted_out(pixels_of(film)).grey
    assert painted.max() < 0.5
    np.testing.assert_array_equal(painted[600:], ground[600:] / np.float32(255))


def test_grey_and_colours_stay_of_one_film():
    coloured = pixels_of(np.stack([lettered() * factor for factor in (1, 0.9, 0.8)], axis=2))
    painted = remedies.painted_out(coloured)
    cut, _ = remedies.without_border(coloured)
    for film in (painted, cut, remedies.common_aspect(coloured, 0.5)):
        np.testing.assert_allclose(film.grey, film.rgb @ LUMA, atol=1e-5)
    shares = painted.rgb / painted.rgb[..., :1]
    np.testing.assert_allclose(shares[..., 2], 0.8, atol=0.04)


@pytest.mark.parametrize("aspect", [0.3, 0.7, 1.0, 2.5])
@pytest.mark.parametrize("size", [(300, 220), (220, 300), (64, 64)])
def test_every_film_is_cut_to_one_aspect_about_its_middle(size, aspect):
    rows, columns = np.indices(size)
    pixels = pixels_of(rows + columns)
    cut = remedies.common_aspect(pixels, aspect)
    height, width = cut.size
    assert abs(width - aspect * height) <= max(0.5, 0.5 * aspect)
    assert height == size[0] or width == size[1]
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    np.testing.assert_array_equal(cut.grey, pixels.grey[top : top + height, left : left + width])


@pytest.mark.parametrize("aspect", [0, -1, float("nan"), float("inf")])
def test_an_aspect_that_is_none_is_refused(aspect):
    with pytest.raises(SpondylError, match="not possible"):
        remedies.common_aspect(pixels_of(body()), aspect)


def test_an_aspect_that_leaves_no_film_is_refused():
    with pytest.raises(SpondylError, match="cut to an aspect"):
        remedies.common_aspect(pixels_of(body()), 0.01)
