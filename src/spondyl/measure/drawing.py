"""A measurement drawn on its film as a reader of radiographs draws it: lines, angles, levels.

What is measured is the angle between the mid-lines of two vertebrae, so the lines run parallel to
these mid-lines, through the middle of the upper plate of the upper end vertebra and of the lower
plate of the lower one, and the caption says so; drawn along the plates themselves they would meet
at another angle than the number beside them. The price: a line can stand off a wedged plate by a
degree or two. Letters for the patient's sides are never added, a film has its own or none. Text is
set in Pillow's own font, so a picture is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from spondyl.data.levels import Floats
from spondyl.data.regions import Regions
from spondyl.measure.cobb import Curve, Interval, main_curve
from spondyl.measure.measurement import NOTICE, Measurement

Rgb = NDArray[np.uint8]
Film = NDArray[np.float32]
"""(H, W) in [0, 1], bright = dense."""
Colour = tuple[int, int, int]

LONGEST = 1000
"""Pixels of the film's longer side in the picture."""
NARROWEST = 640
"""A narrower film has black beside it, so that text has room."""

_OUTLINE: Colour = (120, 170, 200)
_FAINT = 0.55
_MAIN: Colour = (255, 214, 64)
_OTHER: Colour = (110, 230, 235)
_PAPER, _TEXT = (0, 0, 0), (235, 235, 235)
_BITS = 4
"""OpenCV's binary places for coordinates between pixels."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """The construction of one angle, (row, column) in pixels of the picture."""

    upper: Floats
    """(2, 2): from the convex side of the upper plate to the foot of its perpendicular."""
    lower: Floats
    meeting: Floats
    """(2,) where the two perpendiculars meet, at the angle of the curve."""
    outward: int
    """-1 where the concave side is on the picture's left, 1 on its right."""


def draw(
    film: Film,
    regions: Regions | None,
    names: Sequence[str],
    measurement: Measurement,
    longest: int = LONGEST,
) -> Rgb:
    """The film with its measurement, (height, width, 3), with a caption below; a refusal in words.

    `film` (H, W) float32 in [0, 1]; `regions` on the film's grid, None of a film that was
    refused; `names` of the vertebrae in `regions.landmarks`. The film is scaled until its longer
    side has `longest` pixels, and has black on both sides where it is narrower than text needs.
    ValueError where names and landmarks do not fit.
    """
    sheet, scale, left = _sheet(film, longest)
    corners = _corners(regions, names, scale, left)
    inked = _Ink(sheet, max(1.0, longest / 800))
    if measurement.refusal is None and len(corners):
        _draw_spine(inked, corners)
        main = main_curve(measurement.curves)
        for curve in measurement.curves:
            _draw_curve(inked, corners, names, curve, _MAIN if curve is main else _OTHER)
        _name_levels(inked, corners, names, measurement.curves)
    return np.vstack((inked.finished(), _caption(_words(measurement), sheet.shape[1], inked.unit)))


class _Ink:
    """Lines at once, words at the end, so that no line crosses a word."""

    def __init__(self, sheet: Rgb, unit: float) -> None:
        self.sheet, self.unit = sheet, unit
        """`unit` is the width of a thin line in pixels."""
        self.words: list[tuple[str, Floats, str, Colour, float]] = []

    def line(
        self, points: Floats, colour: Colour, width: float = 1.0, closed: bool = False
    ) -> None:
        """A line along `points` (n, 2) with a dark rim, so that it is seen on bone and on air."""
        path = [_fixed(points)]
        core = max(1, round(width * self.unit))
        for ink, thick in ((_PAPER, core + 2), (colour, core)):
            cv2.polylines(self.sheet, path, closed, ink, thick, cv2.LINE_AA, _BITS)

    def faint(self, outlines: Floats, closed: bool) -> None:
        """Lines along each of `outlines` (n, k, 2), through which the film is seen."""
        above = self.sheet.copy()
        paths = [_fixed(outline) for outline in outlines]
        thick = max(1, round(self.unit))
        cv2.polylines(above, paths, closed, _OUTLINE, thick, cv2.LINE_AA, _BITS)
        self.sheet = np.asarray(cv2.addWeighted(above, _FAINT, self.sheet, 1 - _FAINT, 0))

    def word(self, text: str, at: Floats, anchor: str, colour: Colour, size: float = 13) -> None:
        """`text` at (row, column); `anchor` is Pillow's: l, m, r and t, m, b."""
        self.words.append((text, at, anchor, colour, size))

    def finished(self) -> Rgb:
        """The sheet with its words, each moved until it is wholly inside."""
        picture = Image.fromarray(self.sheet)
        pen = ImageDraw.Draw(picture)
        rim = max(2, round(2 * self.unit))
        for text, (row, column), anchor, colour, size in self.words:
            font = _font(size * self.unit)
            box = pen.textbbox((column, row), text, font, anchor, stroke_width=rim)
            across = max(0, -box[0]) - max(0, box[2] - picture.width)
            down = max(0, -box[1]) - max(0, box[3] - picture.height)
            place = (column + across, row + down)
            pen.text(place, text, colour, font, anchor, stroke_width=rim, stroke_fill=_PAPER)
        return np.asarray(picture)


def _draw_spine(ink: _Ink, corners: Floats) -> None:
    ink.faint(corners[:, [0, 1, 3, 2]], closed=True)
    ink.faint(corners.reshape(1, -1, 2, 2).mean(axis=2), closed=False)


def _draw_curve(
    ink: _Ink, corners: Floats, names: Sequence[str], curve: Curve, colour: Colour
) -> None:
    lines = _lines(corners, names, curve, ink.sheet.shape[1])
    beyond = 22 * ink.unit
    for line in (lines.upper, lines.lower):
        ink.line(line, colour, 1.4)
        towards = _unit(lines.meeting - line[1])
        ink.line(np.stack((line[1], lines.meeting + beyond * towards)), colour)
    diamond = 5 * ink.unit * np.array(((-1.0, 0), (0, 1), (1, 0), (0, -1)))
    middle = corners[names.index(curve.apex)].mean(axis=0)
    ink.line(middle + diamond, colour, 1.4, closed=True)
    at = lines.meeting + np.array((0, lines.outward * 12 * ink.unit))
    anchor = "lm" if lines.outward > 0 else "rm"
    text = f"{curve.cobb_degrees:.0f}°{_bracketed(curve.interval_degrees)}"
    ink.word(text, at, anchor, colour, 19)


def _lines(corners: Floats, names: Sequence[str], curve: Curve, width: int) -> _Lines:
    upper, lower = (corners[names.index(name)] for name in (curve.upper, curve.lower))
    outward = 1 if curve.side == "right" else -1
    body = float(np.linalg.norm(upper[1] - upper[0] + lower[3] - lower[2])) / 2
    plates = upper[:2].mean(axis=0), lower[2:].mean(axis=0)
    along = _mid_line(upper) * outward, _mid_line(lower) * outward
    apart = float(np.linalg.norm(plates[1] - plates[0]))
    lean = np.tan(np.radians(min(curve.cobb_degrees, 120.0)) / 2) * apart / 2
    room = [_room(plate, line, width) for plate, line in zip(plates, along, strict=True)]
    reach = min(float(lean) + 1.3 * body, _before_they_cross(plates, along), *room)
    feet = plates[0] + reach * along[0], plates[1] + reach * along[1]
    return _Lines(
        np.stack((plates[0] - 0.7 * body * along[0], feet[0])),
        np.stack((plates[1] - 0.7 * body * along[1], feet[1])),
        _crossing(feet[0], _across(along[0]), feet[1], _across(along[1])),
        outward,
    )


def _name_levels(ink: _Ink, corners: Floats, names: Sequence[str], curves: Sequence[Curve]) -> None:
    """Names of the end vertebrae and apices, each once, on the convex side of its curve."""
    named: dict[str, tuple[Curve, str]] = {}
    for curve in curves:
        for name in (curve.upper, curve.lower):
            named.setdefault(name, (curve, name))
        named[curve.apex] = (curve, f"{curve.apex} apex")
    for name, (curve, text) in named.items():
        body = corners[names.index(name)]
        on_left = curve.side == "right"
        side = body[[0, 2]] if on_left else body[[1, 3]]
        at = side.mean(axis=0) + (-9 if on_left else 9) * ink.unit * _mid_line(body)
        ink.word(text, at, "rm" if on_left else "lm", _TEXT)


def _words(measurement: Measurement) -> list[str]:
    """The caption, one sentence an entry."""
    if measurement.cobb_degrees is None:
        return [f"Not measured: {measurement.refusal}", NOTICE]
    three = " · ".join(f"{degrees:.1f}°" for degrees in measurement.cobb_degrees)
    said = [f"Three Cobb angles (AASCE convention): {three}"]
    if measurement.interval_degrees is not None:
        ranges = " · ".join(
            f"{low:.0f} to {high:.0f}°" for low, high in measurement.interval_degrees
        )
        said.append(
            f"Intervals meant to hold {measurement.interval_level or 0:.0%} of angles: {ranges}"
        )
    said += [_curve_words(curve) for curve in measurement.curves]
    said.append(
        "Lines: vertebral mid-lines, moved to the end plates; the angle is between them."
        if measurement.curves
        else "No curve of 10° or more."
    )
    return [*said, NOTICE]


def _curve_words(curve: Curve) -> str:
    edge = ", may go on beyond what was found" if curve.at_edge else ""
    return (
        f"{curve.upper} to {curve.lower}: {curve.cobb_degrees:.1f}°"
        f"{_bracketed(curve.interval_degrees)}, {curve.region}, convex {curve.side}, "
        f"apex {curve.apex}{edge}"
    )


def _bracketed(interval: Interval | None) -> str:
    return "" if interval is None else f" ({interval[0]:.0f} to {interval[1]:.0f}°)"


def _caption(words: Sequence[str], width: int, unit: float) -> Rgb:
    """(height, width, 3) words on black, broken where a line is full."""
    font, gap = _font(13 * unit), round(8 * unit)
    lines = [line for text in words for line in _broken(text, width - 2 * gap, font)]
    step = round(18 * unit)
    strip = Image.new("RGB", (width, step * len(lines) + 2 * gap), _PAPER)
    pen = ImageDraw.Draw(strip)
    for number, line in enumerate(lines):
        pen.text((gap, gap + number * step), line, _TEXT, font)
    return np.asarray(strip)


def _broken(
    text: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _sheet(film: Film, longest: int) -> tuple[Rgb, Floats, int]:
    """The film as RGB, (2,) picture pixels to a film's, and the black columns on its left."""
    factor = longest / max(film.shape)
    height, width = (max(1, round(side * factor)) for side in film.shape)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    grey = cv2.resize(np.ascontiguousarray(film), (width, height), interpolation=how)
    grey = np.rint(255 * np.clip(grey, 0, 1)).astype(np.uint8)
    missing = max(0, round(NARROWEST * longest / LONGEST) - width)
    grey = np.pad(grey, ((0, 0), (missing // 2, missing - missing // 2)))
    scale = np.array((height, width)) / np.array(film.shape)
    return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2)), scale, missing // 2


def _corners(regions: Regions | None, names: Sequence[str], scale: Floats, left: int) -> Floats:
    """(n, 4, 2) on the sheet."""
    marked = None if regions is None else regions.landmarks
    landmarks = np.zeros((0, 2)) if marked is None else marked
    if len(landmarks) != 4 * len(names):
        raise ValueError(f"{len(landmarks)} landmarks of {len(names)} vertebrae")
    placed: Floats = (landmarks.astype(np.float64) + 0.5) * scale - 0.5 + (0, left)
    return placed.reshape(-1, 4, 2)


def _fixed(points: Floats) -> NDArray[np.int32]:
    """(n, 2) (row, column) as OpenCV's (x, y) with binary places."""
    return np.ascontiguousarray(np.rint(points[:, ::-1] * 2**_BITS).astype(np.int32))


def _mid_line(corners: Floats) -> Floats:
    """(2,) of length 1, from the left edge to the right one."""
    return _unit(corners[[1, 3]].sum(axis=0) - corners[[0, 2]].sum(axis=0))


def _before_they_cross(points: tuple[Floats, Floats], along: tuple[Floats, Floats]) -> float:
    """How far one can go from both points, so that the lines of a steep curve do not cross."""
    met = _crossing(points[0], along[0], points[1], along[1])
    nearest = min((met - point) @ line for point, line in zip(points, along, strict=True))
    return 0.8 * float(nearest) if nearest > 0 else np.inf


def _room(point: Floats, along: Floats, width: int) -> float:
    """How far one can go from `point` along a direction before the picture's edge, less a rim."""
    rim = 0.02 * width
    free = width - rim - point[1] if along[1] > 0 else point[1] - rim
    return max(0.0, float(free)) / max(abs(float(along[1])), 1e-6)


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _across(direction: Floats) -> Floats:
    return np.array((direction[1], -direction[0]))


def _crossing(one: Floats, along: Floats, other: Floats, beside: Floats) -> Floats:
    """(2,) where two lines meet; half-way between their points where they hardly do."""
    matrix = np.stack((along, -beside), axis=1)
    if abs(np.linalg.det(matrix)) < 1e-3:
        return (one + other) / 2
    met: Floats = one + np.linalg.solve(matrix, other - one)[0] * along
    return met


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(round(size))
