"""Rims end all at once along a straight line; air ends where the body begins."""

import numpy as np
import pytest

from spondyl.data.artefacts.border import SIDES, rims_of
from spondyl.data.artefacts.copying import COPY_SIDE, Copy
from spondyl.data.phantom import drawing
from spondyl.data.phantom.filming import collimate
from spondyl.data.pixels import Pixels
from spondyl.data.radiograph import FileFacts


def copy_of(image):
    grey = image.astype(np.float32) / 255
    return Copy(grey, None, grey.shape)


def pixels_of(grey):
    return Pixels(grey, None, None, FileFacts("PNG", *grey.shape, "L", 1, None, "0" * 64))


def noise(seed=0, size=(120, 90)):
    return np.random.default_rng(seed).integers(60, 200, size).astype(np.uint8)


@pytest.mark.parametrize("grey", [0, 6, 250])
@pytest.mark.parametrize(
    "shares", [(0.1, 0, 0, 0), (0, 0.1, 0, 0.2), (0, 0, 0.1, 0), (0.05, 0.1, 0.1, 0.2)]
)
def test_painted_strips_are_found_at_their_sides_with_their_grey(shares, grey):
    film = noise()
    collimate(film, shares, grey)
    found = {rim.side: rim for rim in rims_of(copy_of(film))}
    wanted = dict(zip(SIDES, shares, strict=True))
    assert {side: rim.share for side, rim in found.items()} == pytest.approx(
        {side: share for side, share in wanted.items() if share}
    )
    assert all(rim.grey == pytest.approx(grey / 255, abs=1e-6) for rim in found.values())


def test_a_film_without_strips_has_no_rim():
    assert rims_of(copy_of(noise())) == ()


def test_a_strip_with_letters_on_it_is_still_a_rim():
    film = noise()
    film[:12] = 0
    film[3:9, 10:18:2] = 255
    assert [rim.side for rim in rims_of(copy_of(film))] == ["top"]


def test_air_that_ends_along_a_slanting_body_is_no_rim():
    rows, columns = np.indices((200, 100))
    film = np.where(columns > 10 + rows // 8, noise(size=(200, 100)), 6).astype(np.uint8)
    assert rims_of(copy_of(film)) == ()


def test_a_film_that_is_even_for_a_third_and_more_has_no_rim_there():
    film = noise()
    film[:50] = 3
    assert rims_of(copy_of(film)) == ()


def test_jpeg_like_unevenness_does_not_hide_a_rim():
    film = noise().astype(int)
    film[:12] = 8 + np.random.default_rng(1).integers(-1, 2, (12, 90))
    assert [(rim.side, rim.share) for rim in rims_of(copy_of(film))] == [("top", 0.1)]


def test_turning_a_film_upside_down_turns_its_rims():
    film = noise()
    collimate(film, (0.1, 0, 0.2, 0))
    turned = {rim.side: rim.share for rim in rims_of(copy_of(film[::-1, ::-1]))}
    assert turned == pytest.approx({"bottom": 0.1, "right": 0.2})


def test_rims_of_drawn_films_are_strips_that_were_painted_and_hardly_one_is_missed():
    """Missed are lines of a pixel before air that is as black."""
    n_painted, n_found = 0, 0
    for film in drawing.cohort(24, 5, size=(150, 110)):
        height, width = film.image.shape
        sides = {"top": height, "bottom": height, "left": width, "right": width}
        rims = rims_of(copy_of(film.image))
        found = {(rim.side, round(rim.share * sides[rim.side])) for rim in rims}
        painted = set(_painted(film.image).items())
        assert found <= painted
        n_painted, n_found = n_painted + len(painted), n_found + len(found)
    assert 0.9 * n_painted <= n_found < n_painted


def _painted(image):
    """Lines that are all of the paper's grey, from the definition."""
    paper = image == 6
    rows, columns = paper.all(axis=1), paper.all(axis=0)
    lines = {
        "top": int(np.argmin(rows)),
        "bottom": int(np.argmin(rows[::-1])),
        "left": int(np.argmin(columns)),
        "right": int(np.argmin(columns[::-1])),
    }
    return {side: n for side, n in lines.items() if n}


def test_the_copy_of_a_large_film_keeps_its_means_and_a_small_film_is_its_own():
    grey = np.random.default_rng(0).random((2 * COPY_SIDE, 200), np.float32)
    large = Copy.of(pixels_of(grey))
    assert (large.size, large.back) == ((COPY_SIDE, 100), (2.0, 2.0))
    means = grey.reshape(COPY_SIDE, 2, 100, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(large.grey, means, atol=1e-5)
    small = Copy.of(pixels_of(grey[:100]))
    np.testing.assert_array_equal(small.grey, grey[:100])
    assert small.back == (1.0, 1.0)
