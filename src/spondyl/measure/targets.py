"""What the network should answer for a film whose corners are known, cell by cell.

Cells inside a body know its level and its corners; cells inside a body or a disc are on the spine;
a Gaussian stands on the middle of each body. A vertebra that lies only partly on the film counts as
spine but is neither asked for nor forbidden: its cells bear no weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.levels import OUTLINE, SUBPIXEL_BITS, Floats, fixed_points, spine_mask
from spondyl.data.placement import Size
from spondyl.measure.network import STRIDE

_SHARPNESS = 0.17
"""Spread of the Gaussian on a middle, in body heights."""


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """For one film, on a grid of h × w cells."""

    mask: NDArray[np.float32]
    """(h, w) 1 on bodies and discs."""
    middle: NDArray[np.float32]
    """(h, w) in [0, 1]; exactly 1 in one cell of each body."""
    level: NDArray[np.int64]
    """(h, w) 0 … 16 inside bodies, -1 elsewhere."""
    corners: NDArray[np.float32]
    """(8, h, w) from a cell's middle to the corners of its body, network pixels; 0 elsewhere."""
    asked: NDArray[np.float32]
    """(h, w) 0 where a vertebra lies only partly on the film: nothing is learned there."""


def targets(
    corners: Floats,
    levels: NDArray[np.int64],
    whole: NDArray[np.bool_],
    shown: NDArray[np.bool_],
) -> Targets:
    """Of bodies `corners` (k, 4, 2) in network pixels, from the top, with `levels` (k,) 0 … 16 and
    `whole` (k,), on a network grid (height, width) that is `shown` where it is no padding."""
    middles = slice(STRIDE // 2, None, STRIDE)
    visible = shown[middles, middles]
    cells = (visible.shape[0], visible.shape[1])
    on_cells = (corners - (STRIDE - 1) / 2) / STRIDE
    mask = spine_mask(on_cells, cells) & visible
    owner = np.full(cells, -1, np.int32)
    for place, body in enumerate(on_cells):
        cv2.fillPoly(owner, [fixed_points(body[OUTLINE, :])], place, cv2.LINE_8, SUBPIXEL_BITS)
    asked = np.isin(owner, np.flatnonzero(~whole), invert=True)
    owner[~asked] = -1
    inside = (owner >= 0) & visible
    level = np.full(cells, -1, np.int64)
    level[inside] = levels[owner[inside]]
    offsets = np.zeros((*cells, 4, 2), np.float32)
    rows, columns = np.nonzero(inside)
    here = np.stack((rows, columns), axis=1) * STRIDE + (STRIDE - 1) / 2
    offsets[inside] = corners[owner[inside]] - here[:, None]
    return Targets(
        mask=mask.astype(np.float32),
        middle=_middles(on_cells[whole], cells),
        level=level,
        corners=offsets.reshape(*cells, 8).transpose(2, 0, 1).copy(),
        asked=asked.astype(np.float32),
    )


def _middles(bodies: Floats, cells: Size) -> NDArray[np.float32]:
    heat = np.zeros(cells, np.float32)
    rows, columns = np.ogrid[: cells[0], : cells[1]]
    for body in bodies:
        middle = body.mean(axis=0)
        height = float(np.linalg.norm(body[2:].mean(axis=0) - body[:2].mean(axis=0)))
        spread = max(0.7, _SHARPNESS * height)
        # Round the nearest cell, so that one cell holds exactly 1.
        row, column = np.clip(np.rint(middle).astype(int), 0, np.array(cells) - 1)
        apart = (rows - row) ** 2 + (columns - column) ** 2
        np.maximum(heat, np.exp(-apart / (2 * spread**2)), out=heat, casting="same_kind")
    return heat
