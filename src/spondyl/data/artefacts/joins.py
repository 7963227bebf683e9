"""Where two films were joined: a straight seam, level or nearly so, across the whole width.

Body edges are steps, too, but of some columns, and none of them straight. So the film is cut into
upright blocks, and a seam has to be there in nearly all of them, on one line and of one sign: a
step, or a line that is darker or brighter than what lies above and below it. The price: a seam that
black air hides in a third of the width is not found.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from spondyl.data.artefacts.copying import Copy, Grey

Look = Literal["lighter below", "darker below", "bright line", "dark line"]

_BLOCKS = 16
_SLOPES = np.linspace(-0.06, 0.06, 25)
"""Rows for a column: three degrees and a half either way."""
_FAINT = 0.03
"""By how much a seam stands out, in [0, 1], in all but `_HIDDEN` of the blocks, at least."""
_HIDDEN = 0.2
_MARGIN = 0.06
"""Of the height, above and below, where a seam would be a rim's edge."""
_APART = 0.04
"""Of the height, between two seams, at least."""
_BAND = 0.006
"""Of the height: thickness of what is compared above and below a seam."""


@dataclass(frozen=True, slots=True)
class Join:
    """One seam, in pixels of the copy."""

    left: float
    """Row at the film's left side."""
    right: float
    look: Look
    strength: float
    """By how much it stands out, in [0, 1], in all but a fifth of the width."""


def joins_of(copy: Copy) -> tuple[Join, ...]:
    """The seams of a film, the strongest first."""
    height, width = copy.size
    if width < 4 * _BLOCKS or height < 4 * _BLOCKS:
        return ()
    found: list[Join] = []
    for look, response in _responses(copy.grey).items():
        found += _seams(response, look, copy.size)
    kept: list[Join] = []
    for join in sorted(found, key=lambda one: -one.strength):
        middle = (join.left + join.right) / 2
        if all(abs(middle - (o.left + o.right) / 2) > _APART * height for o in kept):
            kept.append(join)
    return tuple(kept)


def _responses(grey: Grey) -> dict[Look, Grey]:
    """(h, blocks) for each look: by how much each row stands out like that, block by block."""
    height, width = grey.shape
    band = max(2, round(_BAND * height))
    edges = np.linspace(0, width, _BLOCKS + 1).round().astype(int)
    spans = list(itertools.pairwise(edges))
    smooth, off = cv2.blur(grey, (1, band)), band // 2 + 2
    above, below = _shifted(smooth, off), _shifted(smooth, -off)

    def medians(values: Grey) -> Grey:
        return np.stack([np.median(values[:, a:b], axis=1) for a, b in spans], axis=1)

    # What rises on either side of it as much as in it is a slope, and no step.
    slope = medians(
        np.maximum(np.abs(_shifted(below, -off) - below), np.abs(above - _shifted(above, off)))
    )
    step = medians(below - above)
    step = np.sign(step) * np.maximum(np.abs(step) - slope, 0)
    bright = medians(grey - np.maximum(above, below))
    dark = medians(np.minimum(above, below) - grey)
    return {
        "lighter below": step,
        "darker below": -step,
        "bright line": bright,
        "dark line": dark,
    }


def _shifted(values: Grey, rows: int) -> Grey:
    """(h, w) moved down by `rows`, its first or last row repeated."""
    places = np.clip(np.arange(len(values)) - rows, 0, len(values) - 1)
    return values[places]


def _seams(response: Grey, look: Look, size: tuple[int, int]) -> list[Join]:
    """Seams in (h, blocks) along every slope, each at its best."""
    height, width = size
    middles = (np.arange(_BLOCKS) + 0.5) / _BLOCKS * width - width / 2
    rows = np.arange(height)
    margin = round(_MARGIN * height)
    strengths = np.empty((len(_SLOPES), height), np.float32)
    for place, slope in enumerate(_SLOPES):
        at = np.clip(rows[:, None] + np.rint(slope * middles).astype(int), 0, height - 1)
        along = response[at, np.arange(_BLOCKS)]
        strengths[place] = np.sort(along, axis=1)[:, round(_HIDDEN * _BLOCKS)]
    strengths[:, :margin] = strengths[:, height - margin :] = 0
    best = strengths.max(axis=0)
    found = []
    while best.max() >= _FAINT:
        row = int(best.argmax())
        rise = float(_SLOPES[int(strengths[:, row].argmax())]) * width / 2
        found.append(Join(row - rise, row + rise, look, float(best[row])))
        apart = round(_APART * height)
        best[max(0, row - apart) : row + apart + 1] = 0
    return found
