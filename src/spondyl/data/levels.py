"""The seventeen vertebrae that bear landmarks, and what the angles of a spine are made of.

Drawn spines, landmark sets and measurements share these names and the one definition of a tilt, so
that what is drawn and what is measured cannot differ by definition. Corners are (n, 4, 2): for each
vertebra from the top its top-left, top-right, bottom-left and bottom-right, as (row, column).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spondyl.data.radiograph import Region

Floats = NDArray[np.float64]

VERTEBRAE = tuple(f"T{i}" for i in range(1, 13)) + tuple(f"L{i}" for i in range(1, 6))
"""T1 … L5, from the top."""
SCOLIOSIS_FROM_DEGREES = 10.0
"""A smaller Cobb angle is posture (Scoliosis Research Society)."""


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
