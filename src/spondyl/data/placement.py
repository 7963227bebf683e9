"""How a film lies on a network's grid, and the way back.

A film is either stretched to the network's size, as the paper does, or scaled evenly and padded
(letterboxed). Both are one affine rule per axis, so points, masks and heatmaps move through the
same two numbers. Pixel centres lie at whole numbers; a pixel is one wide, so edges lie at halves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Fit = Literal["stretch", "letterbox"]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Placement:
    """Image grid ⇄ network grid: `network = (image + ½) · scale − ½ + offset`, per axis."""

    image_size: Size
    network_size: Size
    content_size: Size
    """(height, width) of the part of the network grid that shows the film."""
    offset: tuple[int, int]
    """(row, column) of the first network pixel that shows the film."""

    @classmethod
    def fit(cls, image_size: Size, network_size: Size, fit: Fit) -> Placement:
        """Where a film of `image_size` goes on a grid of `network_size`, both (height, width)."""
        if fit == "stretch":
            return cls(image_size, network_size, network_size, (0, 0))
        even = min(network_size[0] / image_size[0], network_size[1] / image_size[1])
        height, width = (max(1, round(side * even)) for side in image_size)
        offset = ((network_size[0] - height) // 2, (network_size[1] - width) // 2)
        return cls(image_size, network_size, (height, width), offset)

    @property
    def scale(self) -> tuple[float, float]:
        """Network pixels per image pixel, (rows, columns)."""
        return (
            self.content_size[0] / self.image_size[0],
            self.content_size[1] / self.image_size[1],
        )

    def to_network(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (…, 2) as (row, column) on the image grid, moved to the network grid."""
        return (np.asarray(points, dtype=np.float64) + 0.5) * self.scale - 0.5 + self.offset

    def to_image(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (…, 2) as (row, column) on the network grid, moved to the image grid."""
        shifted = np.asarray(points, dtype=np.float64) - self.offset
        return np.asarray((shifted + 0.5) / self.scale - 0.5)

    def on_image(
        self, grid: NDArray[np.float32], size: tuple[int, ...] | None = None
    ) -> NDArray[np.float32]:
        """A map (h, w) that spans the network grid, bilinearly sampled on the image grid.

        `size` asks for the image grid at another (height, width), for drawing. Samples outside the
        outermost cell centres take that cell's value. Padding is not on the image grid, so what a
        map says of it is never seen.
        """
        height, width = size or self.image_size
        rows = _sampling(height, grid.shape[0], self, axis=0)
        columns = _sampling(width, grid.shape[1], self, axis=1)
        return np.asarray(rows @ grid @ columns.T, dtype=np.float32)


def _sampling(n_image: int, n_cells: int, placement: Placement, axis: int) -> NDArray[np.float32]:
    """(n_image, n_cells) linear weights of the cells for each row (or column) of the image."""
    content, offset = placement.content_size[axis], placement.offset[axis]
    on_network = (np.arange(n_image) + 0.5) * content / n_image + offset
    at = np.clip(on_network * n_cells / placement.network_size[axis] - 0.5, 0, n_cells - 1)
    low = np.minimum(at.astype(np.int64), max(n_cells - 2, 0))
    share = at - low
    weights = np.zeros((n_image, n_cells), dtype=np.float32)
    weights[np.arange(n_image), low] = 1 - share
    weights[np.arange(n_image), np.minimum(low + 1, n_cells - 1)] += share
    return weights
