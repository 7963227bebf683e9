"""The seventeen vertebrae that bear landmarks, and what is made of their corners: tilts and masks.

Drawn spines, landmark sets and measurements share these names and the one definition of a tilt and
of a mask, so that what is drawn and what is measured cannot differ by definition. Corners are
(n, 4, 2): for each vertebra from the top its top-left, top-right, bottom-left and bottom-right, as
(row, column).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.radiograph import Region

Floats = NDArray[np.float64]

VERTEBRAE = tuple(f"T{i}" for i in range(1, 13)) + tuple(f"L{i}" for i in range(1, 6))
"""T1 … L5, from the top."""
SCOLIOSIS_FROM_DEGREES = 10.0
"""A smaller Cobb angle is posture (Scoliosis Research Society)."""

OUTLINE = (0, 1, 3, 2)
"""Corners of a body in the order round it."""
SUBPIXEL_BITS = 4
"""Binary places of the coordinates that cv2 fills outlines by."""


def mid_line_degrees(corners: Floats) -> Floats:
    """(n,) tilt of each vertebra's mid-line, from the middle of its left edge to its right one's.

    `corners` (n, 4, 2); positive where the right end is lower.
    """
    across = corners[:, 1] + corners[:, 3] - corners[:, 0] - corners[:, 2]
    degrees: Floats = np.degrees(np.arctan2(across[:, 0], across[:, 1]))
    return degrees


def largest_angle_degrees(corners: Floats) -> float:
    """The largest angle between the mid-lines of any two of `corners` (n, 4, 2): the Cobb angle."""
    return float(np.ptp(mid_line_degrees(corners)))


def region_of(apex: str) -> Region:
    """The name of a curve with this apex: thoracolumbar is T12 and L1."""
    if apex in ("T12", "L1"):
        return "thoracolumbar"
    return "thoracic" if apex.startswith("T") else "lumbar"


def spine_mask(corners: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(height, width) True on the bodies `corners` (n, 4, 2), neighbours from the top, and on the
    discs between them; (row, column) in pixels of that grid."""
    mask = np.zeros(size, np.uint8)
    discs = np.stack((corners[:-1, 2], corners[:-1, 3], corners[1:, 1], corners[1:, 0]), axis=1)
    for outline in np.concatenate((corners[:, OUTLINE], discs)):
        cv2.fillPoly(mask, [fixed_points(outline)], 1, cv2.LINE_8, SUBPIXEL_BITS)
    return mask.astype(np.bool_)


def fixed_points(outline: Floats) -> NDArray[np.int32]:
    """(n, 2) points (row, column) as cv2's (x, y) with `SUBPIXEL_BITS` binary places."""
    return np.rint(outline[:, ::-1] * (1 << SUBPIXEL_BITS)).astype(np.int32)
