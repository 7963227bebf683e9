"""One grid for the maps of several networks on one film, so that they can be compared and added.

Members see films at other sizes and crops, and their layers have other grids. Their maps are
brought to the coarsest of these grids, laid over the part of the film that all of them were shown,
by means over area, so a finer map loses detail. Of a narrow film in a letterbox so few columns are
left that nothing could be compared; then there are `LEAST`, of which neighbours may say the same.
The price: whatever a member says of a part that another one was not shown is not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.data.placement import Placement, Window
from spondyl.errors import SpondylError

Floats = NDArray[np.float64]
Grid = tuple[int, int]
"""(rows, columns)."""
LEAST = 3
"""Rows and columns at least, as many as `stability.compare` asks for."""
_ROUNDING = 1e-9
"""Overlaps of cells below this share of a cell are rounding."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A grid over a window of one film."""

    window: Window
    """The part of the film, in its pixels, that all were shown."""
    size: Grid

    @classmethod
    def shared(cls, shown: Sequence[tuple[Placement, Grid]]) -> Cells:
        """The cells for maps of these grids, each over all of the network grid of its placement.

        Raises `SpondylError` where no part of the film was shown to all.
        """
        windows = [placement.window for placement, _ in shown]
        window = Window(
            max(one.top for one in windows),
            max(one.left for one in windows),
            min(one.bottom for one in windows),
            min(one.right for one in windows),
        )
        if min(window.size) < 1:
            raise SpondylError(
                "the members were shown parts of a film that have nothing in common",
                "Let networks vote together that see the same part of every film.",
            )
        counts = [_within(window, placement, grid) for placement, grid in shown]
        rows, columns = (max(LEAST, min(count)) for count in zip(*counts, strict=True))
        return cls(window, (rows, columns))

    def of(self, heat: NDArray[np.floating], placement: Placement) -> Floats:
        """The map (h, w) over the network grid of `placement`, as means over these cells."""
        rows, columns = (self._means(heat.shape[axis], placement, axis) for axis in (0, 1))
        return np.asarray(rows @ heat.astype(np.float64) @ columns.T)

    def _means(self, n_cells: int, placement: Placement, axis: int) -> Floats:
        """(cells here, cells of the map) shares by area along one axis; each row sums to 1."""
        first, n = self.window.corner[axis], self.size[axis]
        here = first + np.arange(n + 1) * self.window.size[axis] / n
        on_network = np.arange(n_cells + 1) * placement.network_size[axis] / n_cells
        there = (on_network - placement.offset[axis]) / placement.scale[axis]
        there += placement.window.corner[axis]
        low = np.maximum(here[:-1, None], there[None, :-1])
        high = np.minimum(here[1:, None], there[None, 1:])
        overlap = np.clip(high - low, 0, None)
        overlap[overlap < _ROUNDING * (here[1] - here[0])] = 0
        return np.asarray(overlap / overlap.sum(axis=1, keepdims=True))


def _within(window: Window, placement: Placement, grid: Grid) -> Grid:
    """How many whole cells of a grid over the network grid a window spans, in rows and columns."""
    rows, columns = (
        n * pixels * scale / side + _ROUNDING
        for n, pixels, scale, side in zip(
            grid, window.size, placement.scale, placement.network_size, strict=True
        )
    )
    return int(rows), int(columns)
