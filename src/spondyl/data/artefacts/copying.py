"""The small copy of a film on which artefacts are looked for, and the way back to its own pixels.

Lead letters, drawn lines and rims are found as well on 768 pixels as on 5000, twenty times quicker.
The price is small print: letters of less than six pixels of the copy are not told from grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.pixels import Pixels

COPY_SIDE = 768
"""Longest side of the copy, pixels; smaller films are not enlarged."""

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """A film, made small."""

    grey: Grey
    """(h, w) in [0, 1]."""
    rgb: Grey | None
    """(h, w, 3) in [0, 1]; None of a grey film."""
    film_size: tuple[int, int]
    """(height, width) of the film, pixels."""

    @classmethod
    def of(cls, pixels: Pixels) -> Copy:
        """The copy of a film; each of its pixels is the mean of those it stands for."""
        height, width = pixels.size
        shrink = min(1.0, COPY_SIDE / max(height, width))
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        if size == (width, height):
            return cls(pixels.grey, pixels.rgb, pixels.size)
        grey = cv2.resize(pixels.grey, size, interpolation=cv2.INTER_AREA)
        if pixels.rgb is None:
            return cls(np.asarray(grey, np.float32), None, pixels.size)
        rgb = cv2.resize(pixels.rgb, size, interpolation=cv2.INTER_AREA)
        return cls(np.asarray(grey, np.float32), np.asarray(rgb, np.float32), pixels.size)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the copy, pixels."""
        height, width = self.grey.shape
        return height, width

    @property
    def longer(self) -> int:
        """The longer side of the copy, pixels."""
        return max(self.size)

    @property
    def back(self) -> tuple[float, float]:
        """(row, column) pixels of the film for one of the copy."""
        return self.film_size[0] / self.size[0], self.film_size[1] / self.size[1]
