"""A reading as pixels: the film, the film under its heat, and the spine finder's lines beside them.

One sheet holds all that a viewer may be shown without the record: answer or refusal, what the heat
is of and how it is scaled, and that it is research. Heat has colours and lines, so a print in black
and white keeps it. Words are set in DejaVu Sans, which comes with Matplotlib: alike on every
machine, Greek, Cyrillic and Arabic included. The price is a box for letters that it lacks, such as
Chinese.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from spondyl.data import encoded
from spondyl.data.pixels import Pixels
from spondyl.explain import drawing, overlay
from spondyl.explain.drawing import Style
from spondyl.explain.heatmap import Heatmap
from spondyl.explain.overlay import Film, Heat, Rgb
from spondyl.measure import drawing as measure_drawing
from spondyl.measure.measurement import NOTICE
from spondyl.reading import words
from spondyl.reading.record import Reading

LONGEST = 1024
"""Pixels of the film's longer side at most."""
NARROWEST = 720
"""Pixels of a sheet, so that words have room beside a narrow film."""

_INK, _QUIET, _STOP = (20, 20, 20), (90, 98, 106), (164, 22, 26)
_RIM = 16


def _signed_with_lines(film: Film, heat: Heat, scale: float) -> Rgb:
    return overlay.contours(overlay.draw_signed(film, heat, scale), heat, scale)


SIGNED_AND_LINES = Style(_signed_with_lines, ticks=(-1.0, *drawing.LINES.ticks))


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """The pictures of a reading, each (H, W, 3) and without any words but those on angles."""

    film: Rgb
    heat: Rgb
    """The film under its heat."""
    measured: Rgb | None
    """The film with the finder's lines; None where nothing was measured. It can be wider than the
    film, with black beside it."""


def drawn(reading: Reading, film: Pixels) -> Rgb:
    """(H, W, 3): the film, its heat and legend, its measurement, with words above and below.

    `film` is what the file of `reading.film` holds, so that it is decoded once; ValueError for a
    film of another size. The film is called `reading.film.name` and nothing else.
    """
    small, heat = _on_one_grid(reading, film, LONGEST)
    of, scale = reading.heatmap, scale_of(reading.heatmap)
    views = [drawing.panel(small, heat, scale, of.peak, of.unit, style_of(of))]
    if _has_corners(reading):
        views.append(_measured(reading, film, small.shape))
    row = drawing.side_by_side(views)
    width = max(NARROWEST, row.shape[1] + 2 * _RIM)
    row = np.pad(row, ((0, 0), (_RIM, width - row.shape[1] - _RIM), (0, 0)), constant_values=255)
    return np.vstack((_strip(_above(reading), width), row, _strip(_below(reading), width)))


def png(reading: Reading, film: Pixels) -> bytes:
    """The sheet that `drawn` makes as the bytes of a PNG file."""
    return encoded.png(drawn(reading, film))


def views(reading: Reading, film: Pixels, longest: int = LONGEST) -> Views:
    """The pictures by themselves, for pages that set their own words.

    No side of the film is longer than `longest` pixels. ValueError as for `drawn`.
    """
    small, heat = _on_one_grid(reading, film, longest)
    heated = style_of(reading.heatmap).draw(small, heat, scale_of(reading.heatmap))
    lined = None
    if _has_corners(reading):
        lined = _measured(reading, film, small.shape)
    return Views(overlay.bare(small), heated, lined)


def bar(heatmap: Heatmap, width: int, height: int) -> tuple[Rgb, tuple[str, str]]:
    """A ramp of heat (height, width, 3) from the least to the hottest that is drawn, left to right,
    with the numbers of both ends."""
    style, scale = style_of(heatmap), scale_of(heatmap)
    ramp = np.linspace(style.ticks[0] * scale, scale, width, dtype=np.float32)
    grey = np.full((height, width), 0.35, dtype=np.float32)
    ends = (f"{style.ticks[0] * scale:.3g}", f"{scale:.3g}")
    return style.draw(grey, np.tile(ramp, (height, 1)), scale), ends


def style_of(heatmap: Heatmap) -> Style:
    """Colours with lines; colours of their own for heat against the label where a method has it."""
    return drawing.COLOUR_AND_LINES if heatmap.rectified else SIGNED_AND_LINES


def scale_of(heatmap: Heatmap) -> float:
    """The value drawn strongest: the map's own peak, or largest magnitude; 0 of an empty map."""
    if heatmap.rectified:
        return drawing.page_scale([heatmap])
    return drawing.signed_page_scale([heatmap])


def font_file(bold: bool = False) -> Path:
    """DejaVu Sans, as Matplotlib brings it along."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


def _on_one_grid(reading: Reading, film: Pixels, longest: int) -> tuple[Film, Heat]:
    if film.size != reading.film.size:
        raise ValueError(f"the film has {film.size} pixels, the reading {reading.film.size}")
    small = overlay.shrunk(film.grey, longest)
    return small, reading.placement.on_image(reading.heatmap.values, small.shape)


def _has_corners(reading: Reading) -> bool:
    made, marked = reading.measurement, reading.regions
    measured = made is not None and made.refusal is None
    return measured and marked is not None and marked.landmarks is not None


def _measured(reading: Reading, film: Pixels, size: tuple[int, ...]) -> Rgb:
    """The film with the finder's lines, as high as `size`; its caption is cut off, because the
    words on the sheet say the same."""
    made = reading.measurement
    assert made is not None
    drawn = measure_drawing.draw(film.grey, reading.regions, made.vertebrae, made, max(size))
    return drawn[: size[0]]


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    size: int = 15
    bold: bool = False
    colour: tuple[int, int, int] = _INK


def _above(reading: Reading) -> list[_Line]:
    colour = _INK if reading.answer else _STOP
    return [
        _Line(words.shown(reading.film.name), colour=_QUIET),
        _Line(words.answer(reading), 28, True, colour),
        *(_Line(doubt) for doubt in words.doubts(reading)),
    ]


def _below(reading: Reading) -> list[_Line]:
    measured = list(words.measured(reading.measurement))
    if _has_corners(reading) and reading.measurement and reading.measurement.curves:
        measured += [words.LINES, words.SIDES]
    return [
        _Line(" ".join(words.heat(reading))),
        *([_Line(" ".join(measured))] if measured else []),
        _Line(f"Bundle {reading.bundle_id[:12]}, {words.shown(reading.title)}", 13, colour=_QUIET),
        _Line(NOTICE, 17, True),
    ]


def _strip(lines: Sequence[_Line], width: int) -> Rgb:
    """(height, width, 3) lines on white, broken where they are full."""
    set_lines = [
        (line, part)
        for line in lines
        for part in _broken(line.text, width - 2 * _RIM, _font(line.size, line.bold))
    ]
    heights = [round(1.4 * line.size) for line, _ in set_lines]
    strip = Image.new("RGB", (width, sum(heights) + _RIM), "white")
    pen = ImageDraw.Draw(strip)
    row = _RIM // 2
    for (line, part), height in zip(set_lines, heights, strict=True):
        pen.text((_RIM, row), part, line.colour, _font(line.size, line.bold))
        row += height
    return np.asarray(strip)


def _broken(text: str, width: float, font: ImageFont.FreeTypeFont) -> list[str]:
    """`text` in lines that fit, broken between words, within one only where it fills a line."""
    lines = [""]
    for word in text.split(" "):
        if font.getlength(f"{lines[-1]} {word}".lstrip()) <= width:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
            continue
        lines.append("")
        for letter in word:
            if font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_file(bold), size)
