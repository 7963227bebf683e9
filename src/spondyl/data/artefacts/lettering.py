"""Lead letters and burnt-in words: strokes of one grey and even width, brighter than all beside.

A letter is told from bone by five things together: its strokes stand out from both sides at once (a
white top-hat), they stand out far, all round, with sharp edges, and their grey is even. The price:
dark letters on bright ground, handwriting and letters that lie on bone are not found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from spondyl.data.artefacts.copying import Copy, Grey
from spondyl.data.artefacts.strokes import ROUND, Strokes

_STROKES = (0.008, 0.022)
"""Widest strokes that are looked for, as shares of the longer side."""
_INK = 0.2
"""By how much a pixel of ink is brighter than both sides of its stroke, in [0, 1], at least."""
_FILLED = (0.12, 0.85)
"""Share of a letter's box that is ink."""
_SMALLEST, _TALLEST = 5, 0.16
"""Height: pixels at least, share of the longer side at most."""
_WIDE, _WIDE_WORD = 1.6, 9.0
"""Width of a letter, and of small letters that touch, as shares of their height, at most."""
_SMALL = 0.05
"""Share of the longer side up to which letters may touch."""
_LETTER_WIDE = 0.85
"""Of a letter and its gap, as a share of its height."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One connected letter, or small ones that touch, in pixels of the copy."""

    top: int
    left: int
    height: int
    width: int
    ink: float
    """Grey of its strokes, in [0, 1]."""
    ground: float
    """Grey of what surrounds it."""
    sure: bool
    """False of what is a letter only if it stands in a row of sure ones."""

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The first column to its right."""
        return self.left + self.width

    @property
    def count(self) -> int:
        """How many letters it is, by its width."""
        if self.width <= _WIDE * self.height:
            return 1
        return max(2, round(self.width / (_LETTER_WIDE * self.height)))

    def holds(self, other: Letter) -> bool:
        """Whether the middle of `other` lies in its box."""
        row, column = other.top + other.height / 2, other.left + other.width / 2
        return self.top <= row < self.bottom and self.left <= column < self.right


def letters_of(copy: Copy) -> tuple[Letter, ...]:
    """The letters of a film, the sure ones first; one inside another (R in a ring) is part of
    it."""
    kept: list[Letter] = []
    every = [letter for share in _STROKES for letter in _of_width(copy, share)]
    for letter in sorted(every, key=_sure_and_large_first):
        if not any(other.holds(letter) or letter.holds(other) for other in kept):
            kept.append(letter)
    return tuple(kept)


def _sure_and_large_first(letter: Letter) -> tuple[bool, int, int, int]:
    return not letter.sure, -letter.height * letter.width, letter.top, letter.left


def top_hat(grey: Grey, stroke: float) -> Grey:
    """By how much each pixel of (h, w) is brighter than the darkest way round it: the white top-hat
    with a square wider than `stroke` pixels, in [0, 1]."""
    side = 2 * max(2, round(stroke)) + 1
    whole = np.rint(grey * 255).astype(np.uint8)
    wide = cv2.copyMakeBorder(whole, side, side, side, side, cv2.BORDER_REFLECT_101)
    hat = cv2.morphologyEx(wide, cv2.MORPH_TOPHAT, np.ones((side, side), np.uint8))
    return np.asarray(hat[side:-side, side:-side] / np.float32(255), np.float32)


def _of_width(copy: Copy, share: float) -> Iterator[Letter]:
    """Letters whose strokes are up to `share` of the longer side wide."""
    ink = (top_hat(copy.grey, share * copy.longer) >= _INK).astype(np.uint8)
    brightest = max(float(np.percentile(copy.grey, 99.5)), 1 / 255)
    n, numbers, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    for number in range(1, n):
        left, top, width, height, area = (int(value) for value in stats[number])
        if not _of_a_letters_size(height, width, area, copy.longer):
            continue
        rows = slice(max(0, top - ROUND), top + height + ROUND)
        columns = slice(max(0, left - ROUND), left + width + ROUND)
        here = Strokes.of(copy.grey[rows, columns], numbers[rows, columns], number)
        verdict = "none" if here is None else here.verdict(height, brightest)
        if here is not None and verdict != "none":
            sure = verdict == "sure"
            yield Letter(top, left, height, width, here.ink, here.ground, sure)


def _of_a_letters_size(height: int, width: int, area: int, longer: int) -> bool:
    if not _SMALLEST <= height <= _TALLEST * longer or width < 2:
        return False
    widest = _WIDE_WORD if height <= _SMALL * longer else _WIDE
    filled = area / (height * width)
    return width <= widest * height and _FILLED[0] <= filled <= _FILLED[1]
