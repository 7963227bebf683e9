"""Whole pictures of a heatmap: film, overlay and legend side by side, with the scale in numbers.

A legend's bar is a ramp of heat drawn by the same function as the overlay beside it, so legend and
picture cannot disagree, whatever the style. Text is set in Pillow's own font, so a picture is the
same on every machine. The price: sizes are in pixels, and a figure for print is made at the size
that it is to have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from spondyl.explain import overlay
from spondyl.explain.heatmap import Heatmap
from spondyl.explain.overlay import Film, Heat, Rgb

GAP = 10
"""White pixels between pictures that stand side by side."""
TEXT = 13
"""Height of letters in pixels."""
BAR_WIDTH = 18
BAR_HEIGHT = 72
"""Least height of a legend's bar: room for five numbers."""

_INK = (20, 20, 20)
_MIDDLE_GREY = 0.35
_TICK = 5


@dataclass(frozen=True, slots=True)
class Style:
    """A way to draw heat, and where its legend has ticks."""

    draw: Callable[[Film, Heat, float], Rgb]
    """(film, heat, scale) → picture."""
    ticks: tuple[float, ...]
    """Shares of the scale, rising from the least that is drawn to 1."""


COLOUR = Style(overlay.draw, ticks=(0.0, 0.5, 1.0))
SIGNED = Style(overlay.draw_signed, ticks=(-1.0, 0.0, 1.0))
LINES = Style(overlay.draw_lines, ticks=(0.0, *overlay.LEVELS, 1.0))
COLOUR_AND_LINES = Style(overlay.draw_with_lines, ticks=LINES.ticks)
PRINT = Style(overlay.draw_for_print, ticks=LINES.ticks)


def page_scale(heatmaps: Sequence[Heatmap]) -> float:
    """The largest positive peak of the maps on a page, 0 where none has any: their one scale."""
    return max([0.0, *(heatmap.peak for heatmap in heatmaps)])


def signed_page_scale(heatmaps: Sequence[Heatmap]) -> float:
    """The largest magnitude of the maps on a page: the one scale of signed drawings."""
    return max([0.0, *(float(np.abs(heatmap.signed).max()) for heatmap in heatmaps)])


def panel(
    film: Film, heat: Heat, scale: float, peak: float, unit: str = "logit", style: Style = COLOUR
) -> Rgb:
    """Film, overlay and legend as one picture; `peak` is the map's own, in `unit`.

    `film` (H, W) in [0, 1] and `heat` (H, W); `scale` is that of the page, or the peak again.
    """
    return side_by_side(
        [
            overlay.bare(film),
            style.draw(film, heat, scale),
            legend(scale, film.shape[0], unit=unit, peak=peak, style=style),
        ]
    )


def side_by_side(pictures: Sequence[Rgb]) -> Rgb:
    """Pictures (H, W, 3) in a row on white, tops aligned, each whole and as it was."""
    height = max(len(picture) for picture in pictures)
    row = []
    for picture in pictures:
        padding = ((0, height - len(picture)), (0, GAP), (0, 0))
        row.append(np.pad(picture, padding, constant_values=255))
    return np.hstack(row)[:, :-GAP]


def legend(
    scale: float,
    height: int,
    *,
    unit: str = "logit",
    peak: float | None = None,
    style: Style = COLOUR,
) -> Rgb:
    """A bar from the least to the hottest value, with ticks, numbers and unit, (H, W, 3) on white.

    `height` in pixels; the picture is higher where the numbers need more. A wedge beside the bar
    and a number below it show where on the scale the map's own `peak` lies. Where `scale` is not
    positive there is no heat to tell of, and the bar says 0.
    """
    above, below = round(1.9 * TEXT), round((0.5 if peak is None else 1.9) * TEXT)
    length = max(BAR_HEIGHT, height - above - below)
    ticks = {_number(share * scale): share for share in style.ticks} if scale > 0 else {"0": 0.0}
    footer = "" if peak is None else f"peak {_number(peak)}"
    beside = TEXT + BAR_WIDTH
    width = max(beside + 2 * _TICK + max(map(_width, ticks)), TEXT + _width(unit), _width(footer))
    sheet = Image.new("RGB", (width + 1, above + length + below), "white")
    sheet.paste(Image.fromarray(_bar(length, scale, style)), (TEXT, above))
    pen = ImageDraw.Draw(sheet)
    pen.text((TEXT, 0), unit, _INK, _font())
    pen.text((0, sheet.height - 1), footer, _INK, _font(), anchor="lb")
    for text, share in ticks.items():
        row = above + _row(share, length, style)
        pen.line([(beside, row), (beside + _TICK, row)], _INK)
        pen.text((beside + 2 * _TICK, row), text, _INK, _font(), anchor="lm")
    if peak is not None:
        row = above + _row(peak / scale if scale > 0 else 0.0, length, style)
        pen.polygon([(TEXT - 2, row), (TEXT - 9, row - 5), (TEXT - 9, row + 5)], _INK)
    return np.asarray(sheet)


def _bar(length: int, scale: float, style: Style) -> Rgb:
    shape = (length, BAR_WIDTH)
    ramp = np.linspace(scale, style.ticks[0] * scale, length, dtype=np.float32)
    heat = np.broadcast_to(ramp[:, None], shape)
    return style.draw(np.full(shape, _MIDDLE_GREY, dtype=np.float32), heat, scale)


def _row(share: float, length: int, style: Style) -> int:
    """The row of a bar of `length` rows where a share of the scale stands; its end if off it."""
    lowest = style.ticks[0]
    from_top = (1 - share) / (1 - lowest)
    return round(float(np.clip(from_top, 0, 1)) * (length - 1))


def _number(value: float) -> str:
    return f"{value:.3g}"


def _width(text: str) -> int:
    return int(np.ceil(_font().getlength(text)))


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(TEXT)
