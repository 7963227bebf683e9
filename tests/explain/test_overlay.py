import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spondyl.explain import overlay

unit = st.floats(0, 1, width=32)


def warmth(film, heat, scale=1.0):
    drawn = overlay.draw(
        np.full((1, 1), film, np.float32), np.full((1, 1), heat, np.float32), scale
    )
    red, _, blue = drawn[0, 0].astype(int)
    return red - blue


@given(unit, unit, unit, unit)
def test_a_hotter_value_is_never_drawn_colder_whatever_the_film_shows(film, other, heat, more):
    cold, hot = sorted([heat, more])
    assert warmth(other, hot) >= warmth(film, cold) - 1  # one step of rounding


def test_the_heat_can_be_read_back_from_the_picture():
    heat = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    film = np.random.default_rng(0).random((16, 16)).astype(np.float32)
    drawn = overlay.draw(film, heat, 1.0).astype(float)
    read = (drawn[..., 0] - drawn[..., 2]) / 255 / overlay.OPACITY
    assert np.abs(read - heat).max() < 0.01


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_map_without_heat_leaves_the_film_as_it_is(scale):
    film = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    heat = np.full((5, 7), -0.5, np.float32)
    assert (overlay.draw(film, heat, scale) == overlay.bare(film)).all()
    assert (overlay.draw(film, heat, 1.0) == overlay.bare(film)).all()


def test_values_above_the_scale_do_not_wrap_round_into_cold():
    assert warmth(0.5, 40.0) == warmth(0.5, 1.0)
    assert abs(warmth(0.5, 1.0) - 255 * overlay.OPACITY) <= 1


def test_one_scale_for_a_page_makes_a_weak_map_look_weak():
    assert warmth(0.5, 0.01, scale=10.0) <= 1
    assert warmth(0.5, 0.01, scale=0.01) > 100


def test_the_legend_runs_from_cold_to_hot():
    bar = overlay.legend(100, 4).astype(int)
    assert bar.shape == (4, 100, 3)
    assert (np.diff(bar[0, :, 0] - bar[0, :, 2]) >= 0).all()


def test_a_shrunk_film_keeps_its_aspect_and_is_never_enlarged():
    film = np.random.default_rng(0).random((400, 100)).astype(np.float32)
    assert overlay.shrunk(film, 200).shape == (200, 50)
    assert overlay.shrunk(film, 4000).shape == (400, 100)


def test_a_png_is_the_picture():
    picture = overlay.legend(8, 3)
    assert (np.asarray(Image.open(io.BytesIO(overlay.png(picture)))) == picture).all()
