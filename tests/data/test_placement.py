import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.data.placement import Placement

sides = st.integers(8, 4000)


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
