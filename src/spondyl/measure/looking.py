"""A film, or a part of it, on the network's grid.

Every part is letterboxed, so that angles stay what they are, and its own mean and spread are taken
out, so that exposure says nothing. Padding is 0 there: the mean grey of the part. The price of
letterboxing: a wide film is shown small, which the second look, at the spine alone, makes good.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.levels import Floats
from spondyl.data.placement import Placement, Size, Window

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the network is shown, and where that is on the film."""

    picture: Grey
    """(height, width) float32, normalised; 0 beyond the window."""
    placement: Placement
    flipped: bool = False

    def on_film(self, points: Floats) -> Floats:
        """Points (…, 2) of the network grid as (row, column) on the film; a flip is undone, but the
        order of a vertebra's corners is not touched."""
        if self.flipped:
            points = points.copy()
            points[..., 1] = self.picture.shape[1] - 1 - points[..., 1]
        return self.placement.to_image(points)


def around(points: Floats, margin: float, size: Size) -> Window:
    """The rectangle round `points` (…, 2), widened on each side by `margin` (pixels), as far as it
    lies on a film of `size` (height, width); 8 pixels a side at least."""
    flat = points.reshape(-1, 2)
    low = np.floor(flat.min(axis=0) - margin).astype(int)
    high = np.ceil(flat.max(axis=0) + margin).astype(int) + 1
    top, left = np.clip(low, 0, np.array(size) - 8).tolist()
    bottom, right = np.clip(high, (top + 8, left + 8), size).tolist()
    return Window(top, left, bottom, right)


def look(film: Grey, window: Window, size: Size, flipped: bool = False) -> Look:
    """The `window` of a `film` (height, width) float32 in [0, 1] on a grid of `size`."""
    part = film[window.slices]
    placement = Placement.fit((film.shape[0], film.shape[1]), size, "letterbox", window)
    (top, left), (height, width) = placement.offset, placement.content_size
    shrinks = height < window.size[0]
    small = cv2.resize(
        part, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    picture = np.zeros(size, np.float32)
    picture[top : top + height, left : left + width] = normalised(small)
    return Look(np.ascontiguousarray(picture[:, ::-1]) if flipped else picture, placement, flipped)


def normalised(part: Grey) -> Grey:
    """`part` with its own mean and spread taken out; a spread below 1/1000 counts as that."""
    centred: Grey = (part - part.mean()) / max(float(part.std()), 1e-3)
    return centred
