"""Outlines and run lengths turned into pixels, exactly and in one way for every format.

A pixel belongs to a polygon when its centre lies inside by the even-odd rule; a centre on the
border belongs to what lies right of or below the border, so polygons that share an edge share no
pixel and leave none out. The price: this differs by up to a border of one pixel from what the tools
that wrote the outlines would draw, and those differ from each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


def add_polygon(mask: Mask, corners: Floats) -> None:
    """Sets in `mask` (H, W) the pixels whose centres lie inside the polygon `corners`.

    `corners` (n, 2) are finite (row, column) on the image grid; the last is joined to the first. An
    edge is crossed by the rows from its upper end, included, to its lower one, excluded, and
    inside are the columns at or right of an odd number of crossings (Shimrat 1962, Algorithm 112).
    """
    top, left = (max(0, math.ceil(low)) for low in corners.min(axis=0))
    bottom, right = (
        min(side, math.ceil(high))
        for side, high in zip(mask.shape, corners.max(axis=0), strict=True)
    )
    if top >= bottom or left >= right:
        return
    crossings = np.zeros((bottom - top, right - left + 1), np.uint8)
    for start, end in zip(corners.tolist(), np.roll(corners, -1, axis=0).tolist(), strict=True):
        (row, column), (row_below, column_below) = sorted((start, end))
        rows = np.arange(max(top, math.ceil(row)), min(bottom, math.ceil(row_below)))
        if len(rows):
            along = (rows - row) * (column_below - column) / (row_below - row)
            first = np.clip(np.ceil(column + along), left, right).astype(np.intp)
            crossings[rows - top, first - left] += 1  # wraps at 256, which keeps odd odd
    odd = np.cumsum(crossings[:, :-1], axis=1, dtype=np.uint8) & 1
    mask[top:bottom, left:right] |= odd.astype(np.bool_)


def from_runs(counts: Sequence[int], n_pixels: int) -> Mask:
    """(n_pixels,) of runs that are False, True, False … in turn, `counts` pixels long each.

    Raises ValueError for a negative length, or where they do not sum to `n_pixels`.
    """
    if any(count < 0 for count in counts):
        raise ValueError("a run length is negative")
    if (total := sum(counts)) != n_pixels:
        raise ValueError(f"the run lengths cover {total} pixels, not {n_pixels}")
    return np.repeat(np.arange(len(counts)) % 2 == 1, np.array(counts, np.int64))
