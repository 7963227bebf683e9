"""How a film, or a window of it, lies on a network's grid, and the way back.

What is shown is either stretched to the network's size, as the paper does, or scaled evenly and
padded (letterboxed). Both are one affine rule per axis, so points, masks and heatmaps move through
the same two numbers. A window only moves the origin: the image grid is always that of the whole
film. Pixel centres lie at whole numbers; a pixel is one wide, so edges lie at halves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Fit = Literal["stretch", "letterbox"]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of an image grid: rows `top` ≤ r < `bottom`, columns `left` ≤ c < `right`, pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def whole(cls, size: Size) -> Window:
        """All of a grid of `size` (height, width)."""
        return cls(0, 0, *size)

    @property
    def corner(self) -> tuple[int, int]:
        """(row, column) of its first pixel."""
        return self.top, self.left

    @property
    def size(self) -> Size:
        """(height, width)."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts it out of an array (H, W, …)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def widened(self, by: int, size: Size) -> Window:
        """The window and `by` pixels on every side, as far as a grid of `size` reaches."""
        return Window(
            max(0, self.top - by),
            max(0, self.left - by),
            min(size[0], self.bottom + by),
            min(size[1], self.right + by),
        )


@dataclass(frozen=True, slots=True)
class Placement:
    """Image grid ⇄ network grid: `network = (image − corner + ½) · scale − ½ + offset`, per axis,
    where `corner` is that of the window that is shown."""

    image_size: Size
    """(height, width) of the whole film."""
    network_size: Size
    content_size: Size
    """(height, width) of the part of the network grid that shows the window."""
    offset: tuple[int, int]
    """(row, column) of the first network pixel that shows the window."""
    window: Window
    """The part of the film that is shown."""

    @classmethod
    def fit(
        cls, image_size: Size, network_size: Size, fit: Fit, window: Window | None = None
    ) -> Placement:
        """Where a `window` (None: all) of a film of `image_size` goes on a grid of `network_size`,
        both (height, width)."""
        window = window or Window.whole(image_size)
        if fit == "stretch":
            return cls(image_size, network_size, network_size, (0, 0), window)
        even = min(network_size[0] / window.size[0], network_size[1] / window.size[1])
        height, width = (max(1, round(side * even)) for side in window.size)
        offset = ((network_size[0] - height) // 2, (network_size[1] - width) // 2)
        return cls(image_size, network_size, (height, width), offset, window)

    @property
    def of_window(self) -> Placement:
        """The same, of a film that is the window and nothing else."""
        size = self.window.size
        return replace(self, image_size=size, window=Window.whole(size))

    @property
    def scale(self) -> tuple[float, float]:
        """Network pixels per image pixel, (rows, columns)."""
        height, width = self.window.size
        return self.content_size[0] / height, self.content_size[1] / width

    def to_network(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (…, 2) as (row, column) on the image grid, moved to the network grid."""
        inside = np.asarray(points, dtype=np.float64) - self.window.corner
        return (inside + 0.5) * self.scale - 0.5 + self.offset

    def to_image(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (…, 2) as (row, column) on the network grid, moved to the image grid."""
        shifted = np.asarray(points, dtype=np.float64) - self.offset
        return np.asarray((shifted + 0.5) / self.scale - 0.5 + self.window.corner)

    def on_image(
        self, grid: NDArray[np.float32], size: tuple[int, ...] | None = None
    ) -> NDArray[np.float32]:
        """A map (h, w) that spans the network grid, bilinearly sampled on the image grid.

        `size` asks for the image grid at another (height, width), for drawing. Samples outside the
        outermost cell centres take that cell's value. Padding is not on the image grid, so what a
        map says of it is never seen; beyond the window, which no network saw, it is 0.
        """
        height, width = size or self.image_size
        rows = _sampling(height, grid.shape[0], self, axis=0)
        columns = _sampling(width, grid.shape[1], self, axis=1)
        return np.asarray(rows @ grid @ columns.T, dtype=np.float32)


def _sampling(n_image: int, n_cells: int, placement: Placement, axis: int) -> NDArray[np.float32]:
    """(n_image, n_cells) linear weights of the cells for each row (or column) of the image, 0
    beyond the window."""
    first, shown = placement.window.corner[axis], placement.window.size[axis]
    in_window = (np.arange(n_image) + 0.5) * placement.image_size[axis] / n_image - first
    on_network = in_window * placement.content_size[axis] / shown + placement.offset[axis]
    at = np.clip(on_network * n_cells / placement.network_size[axis] - 0.5, 0, n_cells - 1)
    low = np.minimum(at.astype(np.int64), max(n_cells - 2, 0))
    share = at - low
    weights = np.zeros((n_image, n_cells), dtype=np.float32)
    weights[np.arange(n_image), low] = 1 - share
    weights[np.arange(n_image), np.minimum(low + 1, n_cells - 1)] += share
    weights[(in_window < 0) | (in_window >= shown)] = 0
    return weights
