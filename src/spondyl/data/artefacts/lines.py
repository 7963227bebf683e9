"""Lines that were drawn on a film, by hand or by software: thin, straight, long and of one grey.

Bones have straight edges, too, but an edge has two greys and a ridge of bone changes along its
length; so every straight run of bright or coloured ridge is followed pixel by pixel, and counts if
it stands out from both sides, sharply and evenly, nearly all along. The price: dark lines, dotted
and curved ones are not found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.artefacts.copying import Copy, Grey
from spondyl.data.artefacts.lettering import top_hat

Points = NDArray[np.float64]

_WIDEST = 0.007
"""Share of the longer side."""
_SHORTEST, _FEWEST = 0.1, 45
"""Share of the longer side; pixels. A rib of a small film is as short and as straight."""
_INK = 0.15
"""By how much a pixel of a line stands out from both sides, in [0, 1], at least."""
_STANDS_OUT = 0.25
"""The same of a line, in the median along it."""
_ALL_ALONG = 0.9
"""Share of its length over which it stands out half as far as in the median."""
_UNEVEN = 0.15
"""Spread of its grey along it as a share of how far it stands out: half of the distance between the
first and the last sixth."""
_SHARP = 0.7
"""How far it stands out of what is three pixels beside it, as a share of how far at all, in the
median, at least: a ridge of bone falls off slowly."""
_STRAIGHT = 0.75
"""Pixels by which its middle strays from a straight line, standard deviation, at most."""
_RIM = 0.012
"""Of the longer side: a line that keeps so near to a side of the film is its edge."""
_GAP = 5
"""Pixels that may be missing from a line."""
_AT_MOST = 60
"""Straight runs that are followed, the longest first."""
_NEAR = 4.0
"""Pixels between two lines that are one."""
_LEVEL, _FULL = 0.06, 0.85
"""A line that falls by less for each column and runs over so much of the width is a film join."""


@dataclass(frozen=True, slots=True)
class Line:
    """One straight line, in pixels of the copy."""

    start: tuple[float, float]
    """(row, column) of its upper end; of a level line its left end."""
    end: tuple[float, float]
    coloured: bool
    """Whether it stands out by its colour more than by its grey."""

    @property
    def length(self) -> float:
        """Pixels."""
        return float(np.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1]))

    @property
    def angle(self) -> float:
        """Radians from the level, 0 … π; below π/2 it falls to the right."""
        return float(np.arctan2(self.end[0] - self.start[0], self.end[1] - self.start[1]))


def lines_of(copy: Copy) -> tuple[Line, ...]:
    """The lines drawn on a film, the longest first."""
    kept: list[Line] = []
    sides = [(copy.grey, False)]
    if copy.rgb is not None:
        sides.append((_colourfulness(copy.rgb), True))
    every = [line for values, coloured in sides for line in _drawn(values, coloured)]
    for line in sorted(every, key=lambda one: -one.length):
        if _is_edge(line, copy) or _is_join(line, copy.size[1]):
            continue
        if not any(_one(line, other) for other in kept):
            kept.append(line)
    return tuple(kept)


def _colourfulness(rgb: Grey) -> Grey:
    """(h, w) largest minus smallest channel: a pen's colour stands out of any tint."""
    return np.asarray(rgb.max(axis=2) - rgb.min(axis=2), np.float32)


def _drawn(values: Grey, coloured: bool) -> Iterator[Line]:
    """Lines that stand out of `values` (h, w)."""
    longer = max(values.shape)
    width = max(2.0, _WIDEST * longer)
    shortest = max(_SHORTEST * longer, _FEWEST)
    ridge = (top_hat(values, width) >= _INK).astype(np.uint8)
    votes = max(15, round(0.6 * shortest))
    runs = cv2.HoughLinesP(ridge, 1, np.pi / 180, votes, None, shortest, _GAP)
    if runs is None:
        return
    ends = runs.reshape(-1, 4).astype(np.float64)
    lengths = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    for x0, y0, x1, y1 in ends[np.argsort(-lengths, kind="stable")][:_AT_MOST]:
        start, end = sorted(((float(y0), float(x0)), (float(y1), float(x1))))
        if _stands_out(values, np.array(start), np.array(end), width):
            yield Line(start, end, coloured)


def _stands_out(values: Grey, start: Points, end: Points, width: float) -> bool:
    """Whether `values` are those of a drawn line from `start` to `end` (row, column)."""
    profile = _across(values, start, end, round(width) + 2)
    centre = profile.shape[1] // 2
    middle = profile[:, centre - 1 : centre + 2].max(axis=1)
    out = middle - np.maximum(profile[:, :2].mean(axis=1), profile[:, -2:].mean(axis=1))
    near = middle - np.maximum(profile[:, centre - 3], profile[:, centre + 3])
    far = float(np.median(out))
    low, high = np.percentile(middle, (17, 83))
    strays = profile[:, centre - 2 : centre + 3].argmax(axis=1)
    return bool(
        far >= _STANDS_OUT
        and (out >= far / 2).mean() >= _ALL_ALONG
        and (high - low) / 2 <= _UNEVEN * far
        and np.median(near) >= _SHARP * far
        and strays.std() <= _STRAIGHT
    )


def _across(values: Grey, start: Points, end: Points, reach: int) -> Grey:
    """(length, 2 · reach + 1) of what lies across a line, pixel by pixel along it."""
    length = float(np.hypot(*(end - start)))
    along = start + np.linspace(0, 1, round(length))[:, None] * (end - start)
    across = np.array((end[1] - start[1], start[0] - end[0])) / length
    places = along[:, None] + np.arange(-reach, reach + 1)[:, None] * across
    rows, columns = (places[..., axis].astype(np.float32) for axis in (0, 1))
    found = cv2.remap(values, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(found, np.float32)


def _is_edge(line: Line, copy: Copy) -> bool:
    """Whether it runs along a side of the film."""
    reach = max(2.0, _RIM * copy.longer)
    sides = ((line.start[axis], line.end[axis], copy.size[axis]) for axis in (0, 1))
    return any(max(a, b) < reach or min(a, b) >= long - reach for a, b, long in sides)


def _is_join(line: Line, width: int) -> bool:
    across = abs(line.end[1] - line.start[1])
    return abs(line.end[0] - line.start[0]) <= _LEVEL * across and across >= _FULL * width


def _one(line: Line, longer: Line) -> bool:
    """Whether both ends of a line lie on a longer one, or all but."""
    start, end = np.array(longer.start), np.array(longer.end)
    way = (end - start) / max(longer.length, 1.0)
    for point in (line.start, line.end):
        off = np.array(point) - start
        along, aside = float(off @ way), float(abs(off[0] * way[1] - off[1] * way[0]))
        if aside > _NEAR or not -0.2 * longer.length <= along <= 1.2 * longer.length:
            return False
    return True
