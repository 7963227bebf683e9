"""What a drawing may never do: show hotter as colder, light the padding, lie about a weak map."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spondyl.data import encoded
from spondyl.data.phantom import drawing as phantom
from spondyl.data.placement import Placement
from spondyl.explain import overlay

unit = st.floats(0, 1, width=32)
signed = st.floats(-1, 1, width=32)
STYLES = [
    overlay.draw,
    overlay.draw_signed,
    overlay.draw_lines,
    overlay.draw_with_lines,
    overlay.draw_for_print,
]


def drawn(draw, film, heat, scale=1.0):
    """The colour, (red, green, blue), of one pixel."""
    pixel = draw(np.full((1, 1), film, np.float32), np.full((1, 1), heat, np.float32), scale)
    return pixel[0, 0].astype(int)


def warmth(film, heat, scale=1.0, draw=overlay.draw):
    red, _, blue = drawn(draw, film, heat, scale)
    return red - blue


def noise(*size):
    return np.random.default_rng(0).random(size).astype(np.float32)


def ramp(height=60, width=200):
    """Heat that rises from 0 at the left to 1 at the right."""
    return np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))


@given(unit, unit, unit, unit)
def test_a_hotter_value_is_never_drawn_colder_whatever_the_film_shows(film, other, heat, more):
    cold, hot = sorted([heat, more])
    assert warmth(other, hot) >= warmth(film, cold) - 1  # one step of rounding


@given(unit, unit, signed, signed)
def test_nor_is_it_where_heat_may_be_negative(film, other, heat, more):
    cold, hot = sorted([heat, more])
    warmths = [warmth(film, cold, draw=overlay.draw_signed)]
    warmths.append(warmth(other, hot, draw=overlay.draw_signed))
    assert warmths[1] >= warmths[0] - 1


def test_the_heat_can_be_read_back_from_the_picture():
    heat, film = np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16), noise(16, 16)
    for draw, shown in ((overlay.draw, heat.clip(0)), (overlay.draw_signed, heat)):
        picture = draw(film, heat, 1.0).astype(float)
        read = (picture[..., 0] - picture[..., 2]) / 255 / overlay.OPACITY
        assert np.abs(read - shown).max() < 0.01


@given(unit, st.floats(0.0625, 1, width=32))
def test_heat_for_adds_no_blue_and_heat_against_adds_no_red(film, strength):
    red, green, blue = drawn(overlay.draw_signed, film, strength)
    grey = drawn(overlay.draw_signed, film, 0.0)
    assert blue <= grey[2]
    assert red >= grey[0]
    mirrored = drawn(overlay.draw_signed, film, -strength)
    assert mirrored.tolist() == [blue, green, red]


@given(unit, unit)
def test_a_map_without_negative_values_is_drawn_the_same_as_a_signed_one(film, heat):
    assert (drawn(overlay.draw, film, heat) == drawn(overlay.draw_signed, film, heat)).all()


@pytest.mark.parametrize("draw", STYLES)
@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_map_without_a_scale_leaves_the_film_as_it_is(draw, scale):
    film, heat = noise(12, 17), noise(12, 17)
    assert (draw(film, heat, scale) == draw(film, np.zeros_like(heat), 1.0)).all()


@pytest.mark.parametrize("draw", [overlay.draw, overlay.draw_lines, overlay.draw_with_lines])
def test_evidence_against_the_label_is_not_drawn_unless_signs_are_asked_for(draw):
    film = noise(12, 17)
    assert (draw(film, -noise(12, 17), 1.0) == overlay.bare(film)).all()


def test_values_above_the_scale_do_not_wrap_round_into_cold():
    assert warmth(0.5, 40.0) == warmth(0.5, 1.0)
    assert abs(warmth(0.5, 1.0) - 255 * overlay.OPACITY) <= 1
    assert warmth(0.5, -40.0, draw=overlay.draw_signed) == -warmth(0.5, 1.0)


def test_one_scale_for_a_page_makes_a_weak_map_look_weak():
    assert warmth(0.5, 0.01, scale=10.0) <= 1
    assert warmth(0.5, 0.01, scale=0.01) > 100


@pytest.mark.parametrize("draw", STYLES)
def test_padding_is_never_lit(draw):
    film = phantom.draw(0, "normal", size=(96, 48)).image.astype(np.float32) / 255
    placement = Placement.fit(film.shape, (64, 64), "letterbox")
    in_padding = np.zeros((16, 16), np.float32)
    in_padding[:, :2] = in_padding[:, -2:] = 1.0  # the film fills columns 4 to 11
    heat = placement.on_image(in_padding)
    picture = draw(film, heat, 1.0)
    assert picture.shape == (*film.shape, 3)
    assert (picture == draw(film, np.zeros_like(film), 1.0)).all()


def test_lines_stand_where_heat_crosses_their_share_of_the_scale_and_nowhere_else():
    film, heat = np.full((60, 200), 0.5, np.float32), 7.0 * ramp()
    lined = (overlay.draw_lines(film, heat, 7.0) != overlay.bare(film)).any(axis=(0, 2))
    places = [level * 199 for level in overlay.LEVELS]
    for column in range(200):
        nearest = min(abs(column - place) for place in places)
        if nearest < 1:
            assert lined[column]
        if nearest > 4:
            assert not lined[column]


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("draw", [overlay.draw_lines, overlay.draw_for_print])
def test_every_line_is_light_and_dark_so_that_it_is_seen_on_any_film(draw, grey):
    row = draw(np.full((60, 200), grey, np.float32), ramp(), 1.0)[30, :, 0].astype(int)
    for level in overlay.LEVELS:
        about = row[round(level * 199) - 6 : round(level * 199) + 7]
        assert about.max() - about.min() > 150


def test_line_weights_rise_so_that_levels_are_told_apart_without_colour():
    white = overlay.draw_lines(np.zeros((60, 200), np.float32), ramp(), 1.0)[30, :, 0].astype(float)
    widths = [
        white[round(level * 199) - 6 : round(level * 199) + 7].sum() / 255
        for level in overlay.LEVELS
    ]
    assert widths == pytest.approx(overlay.WEIGHTS, abs=0.3)


def test_lines_grow_with_the_picture():
    def ink(height, width):
        black = np.zeros((height, width), np.float32)
        return overlay.draw_lines(black, ramp(height, width), 1.0)[height // 2, :, 0].sum() / 255

    assert ink(90, 1800) == pytest.approx(4 * ink(30, 450), rel=0.1)


def test_a_print_holds_no_colour_and_changes_no_grey_between_its_lines():
    film, heat = noise(60, 200), ramp()
    printed = overlay.draw_for_print(film, heat, 1.0)
    assert (printed == printed[..., :1]).all()
    between = printed[:, 120:140]
    assert (between == overlay.bare(overlay.PAPER + (1 - overlay.PAPER) * film)[:, 120:140]).all()


def test_a_picture_that_lines_are_drawn_on_is_itself_unchanged():
    picture = overlay.bare(noise(30, 40))
    before = picture.copy()
    assert (overlay.contours(picture, ramp(30, 40), 1.0) != before).any()
    assert (picture == before).all()


def test_a_shrunk_film_keeps_its_aspect_and_is_never_enlarged():
    film = noise(400, 100)
    assert overlay.shrunk(film, 200).shape == (200, 50)
    assert overlay.shrunk(film, 4000).shape == (400, 100)


def test_a_png_is_the_picture():
    picture = overlay.draw(noise(3, 8), ramp(3, 8), 1.0)
    assert (np.asarray(Image.open(io.BytesIO(encoded.png(picture)))) == picture).all()


def test_a_jpeg_is_nearly_the_picture():
    picture = overlay.draw(ramp(32, 64), ramp(32, 64), 1.0)
    read = np.asarray(Image.open(io.BytesIO(encoded.jpeg(picture)))).astype(int)
    assert np.abs(read - picture).mean() < 4
