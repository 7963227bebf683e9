import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spondyl.data.placement import Placement, Window

sides = st.integers(8, 4000)


@settings(deadline=None)
@given(st.tuples(sides, sides), st.tuples(st.integers(16, 600), st.integers(16, 600)), st.data())
@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_point_comes_back_within_half_a_pixel(fit, image_size, network_size, data):
    placement = Placement.fit(image_size, network_size, fit)
    point = [data.draw(st.floats(0, side - 1)) for side in image_size]
    back = placement.to_image(placement.to_network(point))
    assert np.abs(back - point).max() < 0.5


def test_letterboxing_keeps_the_aspect_and_centres_the_film():
    placement = Placement.fit((400, 100), (224, 224), "letterbox")
    assert placement.content_size == (224, 56)
    assert placement.offset == (0, 84)


def test_corners_of_the_film_are_corners_of_the_content():
    placement = Placement.fit((100, 400), (224, 224), "letterbox")
    top_left = placement.to_network([-0.5, -0.5])
    bottom_right = placement.to_network([99.5, 399.5])
    assert np.allclose(top_left, [84 - 0.5, -0.5])
    assert np.allclose(bottom_right, [84 + 56 - 0.5, 223.5])


def bilinear(grid, row, column):
    """Slow: one sample, clamped at the outermost cell centres."""
    h, w = grid.shape
    row, column = min(max(row, 0), h - 1), min(max(column, 0), w - 1)
    r, c = min(int(row), max(h - 2, 0)), min(int(column), max(w - 2, 0))
    a, b = row - r, column - c
    r2, c2 = min(r + 1, h - 1), min(c + 1, w - 1)
    return (
        grid[r, c] * (1 - a) * (1 - b)
        + grid[r2, c] * a * (1 - b)
        + grid[r, c2] * (1 - a) * b
        + grid[r2, c2] * a * b
    )


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_map_on_the_image_is_the_bilinear_sample_at_each_pixel(fit):
    grid = np.random.default_rng(0).random((7, 5)).astype(np.float32)
    placement = Placement.fit((31, 17), (64, 48), fit)
    drawn = placement.on_image(grid)
    assert drawn.shape == (31, 17)
    for row in range(0, 31, 5):
        for column in range(0, 17, 4):
            r, c = placement.to_network([row, column])
            expected = bilinear(grid, (r + 0.5) * 7 / 64 - 0.5, (c + 0.5) * 5 / 48 - 0.5)
            assert drawn[row, column] == pytest.approx(expected, abs=1e-5)


def test_flipping_the_map_flips_the_drawing():
    grid = np.random.default_rng(1).random((7, 7)).astype(np.float32)
    placement = Placement.fit((90, 40), (224, 224), "stretch")
    flipped = placement.on_image(np.ascontiguousarray(grid[:, ::-1]))
    assert np.allclose(flipped, placement.on_image(grid)[:, ::-1], atol=1e-6)


def test_heat_in_the_padding_alone_is_never_seen():
    grid = np.zeros((8, 8), np.float32)
    grid[:, :2] = grid[:, -2:] = 1  # the film is 2 of 8 cells wide, in the middle
    placement = Placement.fit((400, 100), (224, 224), "letterbox")
    assert placement.on_image(grid).max() == 0


def test_a_map_of_one_cell_is_that_value_everywhere():
    placement = Placement.fit((10, 20), (32, 32), "stretch")
    assert (placement.on_image(np.full((1, 1), 2.5, np.float32)) == 2.5).all()


@st.composite
def windows(draw):
    """(image size, a window of it)."""
    height, width = draw(st.tuples(sides, sides))
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    bottom, right = draw(st.integers(top + 1, height)), draw(st.integers(left + 1, width))
    return (height, width), Window(top, left, bottom, right)


@settings(deadline=None)
@given(windows(), st.tuples(st.integers(16, 600), st.integers(16, 600)), st.data())
@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_point_of_a_window_comes_back_to_its_place_on_the_whole_film(
    fit, framed, network_size, data
):
    image_size, window = framed
    placement = Placement.fit(image_size, network_size, fit, window)
    point = [
        corner + data.draw(st.floats(0, side - 1))
        for corner, side in zip(window.corner, window.size, strict=True)
    ]
    there = placement.to_network(point)
    assert np.abs(placement.to_image(there) - point).max() < 0.5
    low, high = np.array(placement.offset), np.add(placement.offset, placement.content_size)
    assert (there > low - 0.5 - 1e-6).all()
    assert (there < high - 0.5 + 1e-6).all()


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_all_of_a_film_is_a_window_like_any_other(fit):
    placement = Placement.fit((31, 17), (64, 48), fit)
    assert placement == Placement.fit((31, 17), (64, 48), fit, Window(0, 0, 31, 17))


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("size", [(60, 40), (31, 20)])
def test_what_was_cropped_off_is_never_lit_and_all_of_the_window_is(fit, size):
    window = Window(12, 5, 45, 29)
    placement = Placement.fit((60, 40), (64, 48), fit, window)
    lit = placement.on_image(np.ones((6, 4), np.float32), size)
    rows = (np.arange(size[0]) + 0.5) * 60 / size[0]
    columns = (np.arange(size[1]) + 0.5) * 40 / size[1]
    inside = ((rows >= 12) & (rows < 45))[:, None] & ((columns >= 5) & (columns < 29))
    assert (lit[~inside] == 0).all()
    assert np.allclose(lit[inside], 1)


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_map_of_a_window_is_the_bilinear_sample_at_each_of_its_pixels(fit):
    grid = np.random.default_rng(0).random((7, 5)).astype(np.float32)
    placement = Placement.fit((31, 17), (64, 48), fit, Window(4, 3, 30, 12))
    drawn = placement.on_image(grid)
    for row in range(4, 30, 5):
        for column in range(3, 12, 2):
            r, c = placement.to_network([row, column])
            expected = bilinear(grid, (r + 0.5) * 7 / 64 - 0.5, (c + 0.5) * 5 / 48 - 0.5)
            assert drawn[row, column] == pytest.approx(expected, abs=1e-5)


def test_a_window_is_widened_as_far_as_the_film_reaches():
    assert Window(3, 10, 20, 15).widened(5, (22, 40)) == Window(0, 5, 22, 20)
