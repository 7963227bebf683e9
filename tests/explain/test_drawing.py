"""Whole pictures: nothing cut off, and a legend that is drawn as the overlay beside it is."""

import numpy as np
import pytest

from spondyl.explain import drawing, overlay
from spondyl.explain.heatmap import Heatmap

STYLES = {
    "colour": drawing.COLOUR,
    "signed": drawing.SIGNED,
    "lines": drawing.LINES,
    "colour and lines": drawing.COLOUR_AND_LINES,
    "print": drawing.PRINT,
}


def one(values):
    return Heatmap("a.png", np.asarray(values, np.float32), "normal", "Grad-CAM", "layer4", "t0")


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def bar_of(legend):
    """First row, row after the last, and pixels of a legend's bar: its longest run of ink, white
    lines in it included."""
    column = drawing.TEXT + drawing.BAR_WIDTH // 2
    rows = np.flatnonzero((legend[:, column] != 255).any(axis=1))
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 7) + 1)
    longest = max(runs, key=len)
    top, bottom = int(longest[0]), int(longest[-1]) + 1
    return top, bottom, legend[top:bottom, drawing.TEXT : drawing.TEXT + drawing.BAR_WIDTH]


def wedge_row(legend):
    """Mean row of the ink left of the bar, between the unit above it and the number below it."""
    top, bottom, _ = bar_of(legend)
    beside = legend[top - 5 : bottom + 5, 2 : drawing.TEXT - 2, 0]
    rows = np.nonzero(beside < 128)[0]
    return rows.mean() + top - 5


def test_the_scale_of_a_page_is_its_largest_positive_peak():
    maps = [one([[0.0, 2.0]]), one([[-9.0, 0.5]]), one([[-1.0, -3.0]])]
    assert drawing.page_scale(maps) == 2.0
    assert drawing.signed_page_scale(maps) == 9.0
    assert drawing.page_scale(maps[2:]) == drawing.page_scale([]) == 0.0


def test_pictures_stand_side_by_side_each_whole_and_as_it_was():
    pictures = [picture(40, 30, 0), picture(25, 8, 1), picture(33, 50, 2)]
    row = drawing.side_by_side(pictures)
    assert row.shape == (40, 30 + 8 + 50 + 2 * drawing.GAP, 3)
    left = 0
    white = np.ones(row.shape[:2], bool)
    for shown in pictures:
        height, width, _ = shown.shape
        assert (row[:height, left : left + width] == shown).all()
        white[:height, left : left + width] = False
        left += width + drawing.GAP
    assert (row[white] == 255).all()


@pytest.mark.parametrize("name", STYLES)
def test_a_legend_s_bar_is_drawn_by_the_style_of_the_overlay(name):
    style = STYLES[name]
    top, bottom, bar = bar_of(drawing.legend(3.0, 300, style=style))
    heat = np.linspace(3.0, 3.0 * style.ticks[0], bottom - top)[:, None]
    heat = np.repeat(heat, drawing.BAR_WIDTH, axis=1).astype(np.float32)
    film = np.full(heat.shape, 0.35, np.float32)
    assert (bar == style.draw(film, heat, 3.0)).all()


@pytest.mark.parametrize("share", [0.0, 0.25, 0.8, 1.0])
def test_the_wedge_stands_at_the_map_s_own_peak_on_the_scale_of_the_page(share):
    legend = drawing.legend(0.02, 300, peak=0.02 * share)
    top, bottom, _ = bar_of(legend)
    assert wedge_row(legend) == pytest.approx(bottom - 1 - share * (bottom - 1 - top), abs=1)


def test_on_a_signed_scale_a_peak_of_zero_stands_in_the_middle():
    legend = drawing.legend(5.0, 301, peak=0.0, style=drawing.SIGNED)
    top, bottom, _ = bar_of(legend)
    assert wedge_row(legend) == pytest.approx((top + bottom - 1) / 2, abs=1)


@pytest.mark.parametrize(("peak", "at_top"), [(9.0, True), (-9.0, False)])
def test_a_peak_off_the_scale_stands_at_its_nearer_end(peak, at_top):
    legend = drawing.legend(1.0, 200, peak=peak)
    top, bottom, _ = bar_of(legend)
    assert wedge_row(legend) == pytest.approx(top if at_top else bottom - 1, abs=1)


@pytest.mark.parametrize("name", STYLES)
@pytest.mark.parametrize("scale", [0.0, 1.0, 123456.7, 3.21e-7])
@pytest.mark.parametrize("height", [1, 90, 400])
def test_no_number_is_cut_off_however_long_it_is_or_low_the_film(name, scale, height):
    """Text that reached the edge would leave ink in the outermost pixels."""
    legend = drawing.legend(scale, height, peak=-2.345678e-5, style=STYLES[name])
    assert len(legend) >= height
    assert (legend[:, -1] == 255).all()
    assert (legend[-1] == 255).all()
    top, bottom, _ = bar_of(legend)
    assert bottom - top >= drawing.BAR_HEIGHT


def rows_of_ticks(legend):
    top, bottom, _ = bar_of(legend)
    column = drawing.TEXT + drawing.BAR_WIDTH + 2
    rows = np.flatnonzero((legend[:, column] < 128).all(axis=1))
    return [(bottom - 1 - row) / (bottom - 1 - top) for row in rows]


def test_ticks_stand_at_zero_half_and_full_and_where_lines_are_drawn():
    colour = drawing.legend(2.0, 400)
    assert rows_of_ticks(colour)[::-1] == pytest.approx([0, 0.5, 1], abs=0.005)
    lines = rows_of_ticks(drawing.legend(2.0, 400, style=drawing.PRINT))
    assert lines[::-1] == pytest.approx([0, *overlay.LEVELS, 1], abs=0.005)


def test_numbers_of_neighbouring_ticks_do_not_run_into_each_other():
    legend = drawing.legend(0.88, 1, style=drawing.LINES)
    numbers = legend[drawing.TEXT :, drawing.TEXT + drawing.BAR_WIDTH + 8 :]
    inked = (numbers < 128).any(axis=(1, 2)).astype(int)
    assert (np.diff(inked) == 1).sum() + inked[0] == 5


def test_the_unit_and_the_scale_are_written_out():
    plain = drawing.legend(1.0, 200)
    assert (plain != drawing.legend(1.0, 200, unit="share")[:, : plain.shape[1]]).any()
    assert (plain.shape != drawing.legend(0.123, 200).shape) or (
        plain != drawing.legend(0.123, 200)
    ).any()


def test_without_heat_the_bar_is_the_film_and_its_only_number_is_zero():
    legend = drawing.legend(0.0, 200)
    *_, bar = bar_of(legend)
    assert (bar == bar[0, 0]).all()
    assert rows_of_ticks(legend) == [0.0]


@pytest.mark.parametrize("name", STYLES)
def test_a_panel_is_the_film_its_overlay_and_the_legend_of_both(name):
    style = STYLES[name]
    draws = np.random.default_rng(0)
    film, heat = draws.random((2, 160, 70)).astype(np.float32)
    panel = drawing.panel(film, heat, 2.0, 1.0, style=style)
    assert (panel[:160, :70] == overlay.bare(film)).all()
    second = 70 + drawing.GAP
    assert (panel[:160, second : second + 70] == style.draw(film, heat, 2.0)).all()
    legend = drawing.legend(2.0, 160, peak=1.0, style=style)
    third = second + 70 + drawing.GAP
    assert (panel[: len(legend), third:] == legend).all()
