"""Where things are in a film, and who says so: boxes, spine mask, landmarks, target points.

Everything is on the image grid: points are (row, column) in pixels, pixel centres at whole numbers,
the top-left pixel at (0, 0). Arrays are kept read-only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Box:
    """A named rectangle: rows `top` ≤ r < `bottom`, columns `left` ≤ c < `right`, in pixels."""

    name: str
    top: float
    left: float
    bottom: float
    right: float


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The places of one film. What nobody marked is None or empty."""

    image_size: tuple[int, int]
    """(height, width) of the image grid, pixels."""
    made_by: str
    """Who or what marked them: "phantom", a reader's name, a bundle id."""
    spine_mask: NDArray[np.bool_] | None = None
    """(height, width), True on the vertebral column."""
    landmarks: NDArray[np.float32] | None = None
    """(4 × vertebrae, 2) corners as (row, column): for each vertebra from the top, in the order
    top-left, top-right, bottom-left, bottom-right."""
    targets: tuple[tuple[float, float], ...] = ()
    """(row, column) of the points on which the diagnosis rests: apices, slipped levels."""
    boxes: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.spine_mask, self.landmarks):
            if array is not None:
                array.setflags(write=False)
        if self.spine_mask is not None and self.spine_mask.shape != self.image_size:
            raise ValueError(f"mask {self.spine_mask.shape} on an image of {self.image_size}")
