import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.data.placement import Window
from spondyl.measure.looking import around, look, normalised

SIZE = (64, 32)


def film(height=90, width=50, seed=0):
    return np.random.default_rng(seed).random((height, width), np.float32)


@pytest.mark.parametrize("flipped", [False, True])
def test_a_bright_pixel_is_led_back_to_where_it_was_on_the_film(flipped):
    dark = np.zeros((128, 60), np.float32)
    dark[70, 22] = 1
    window = Window(20, 10, 110, 50)
    shown = look(dark, window, (180, 90), flipped)  # twice as large, so that it stays a peak
    at = np.array(np.unravel_index(shown.picture.argmax(), shown.picture.shape), float)
    assert np.abs(shown.on_film(at) - (70, 22)).max() < 0.5


def test_padding_is_the_mean_grey_of_the_part_whatever_the_exposure():
    shown = look(film() * 0.1 + 0.8, Window.whole((90, 50)), SIZE)
    (top, left), (height, width) = shown.placement.offset, shown.placement.content_size
    inside = shown.picture[top : top + height, left : left + width]
    assert abs(inside.mean()) < 0.1
    outside = shown.picture.copy()
    outside[top : top + height, left : left + width] = 0
    assert not outside.any()


@given(st.floats(0.05, 0.9), st.floats(0, 0.1))
def test_exposure_says_nothing(gain, offset):
    plain = normalised(film())
    assert np.allclose(normalised(film() * np.float32(gain) + np.float32(offset)), plain, atol=1e-2)


def test_a_blank_part_is_no_reason_to_divide_by_zero():
    assert np.abs(normalised(np.full((8, 8), 0.3, np.float32))).max() < 1e-3


def test_a_flipped_look_is_the_mirror_image():
    plain, flipped = (look(film(), Window.whole((90, 50)), SIZE, one) for one in (False, True))
    assert np.array_equal(plain.picture[:, ::-1], flipped.picture)


@given(
    st.lists(st.tuples(st.floats(-50, 300), st.floats(-50, 300)), min_size=1, max_size=9),
    st.floats(0, 60),
)
def test_a_window_lies_on_the_film_and_holds_the_points_that_do(points, margin):
    size = (200, 120)
    window = around(np.array(points), margin, size)
    assert 0 <= window.top < window.bottom <= size[0]
    assert 0 <= window.left < window.right <= size[1]
    for row, column in points:
        if 0 <= row <= size[0] - 1 and 0 <= column <= size[1] - 1:
            assert window.top <= row <= window.bottom
            assert window.left <= column <= window.right
