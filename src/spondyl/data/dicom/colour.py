"""Colour films as red, green and blue: RGB, YBR_FULL and palettes (PS3.3 C.7.6.3.1.2).

Windows and look-ups of levels are for grey films only and are not applied to these. What the
decoders have turned into RGB or into YBR_FULL already comes here as such.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from spondyl.data.dicom.layout import Layout
from spondyl.data.dicom.lookup import lookup

_ROWS_AT_ONCE = 256
_FROM_YBR = np.array(
    [[1, 1, 1], [0, -0.114 * 1.772 / 0.587, 1.772], [1.402, -0.299 * 1.402 / 0.587, 0]]
)
"""Y, Cb and Cr (rows) in red, green and blue: the inverse of the standard's equation."""
_CHANNELS = ("Red", "Green", "Blue")


def rgb(stored: NDArray[np.integer[Any]], photometric: str, layout: Layout) -> NDArray[np.float32]:
    """(H, W, 3) in [0, 1] from (H, W, 3) of RGB or YBR_FULL."""
    if photometric == "RGB":
        unit: NDArray[np.float32] = np.divide(stored, layout.highest, dtype=np.float32)
        return unit
    colours = np.empty(stored.shape, np.float32)
    zero = np.array([0, 2 ** (layout.bits_stored - 1), 2 ** (layout.bits_stored - 1)])
    for row in range(0, len(stored), _ROWS_AT_ONCE):
        part = (stored[row : row + _ROWS_AT_ONCE] - zero) @ _FROM_YBR
        colours[row : row + _ROWS_AT_ONCE] = np.clip(part / layout.highest, 0, 1)
    return colours


def palette_of(layout: Layout, dataset: Dataset, is_little: bool) -> NDArray[np.float32]:
    """(values, 3): the colour of every value from `layout.lowest` to `layout.highest`.

    Raises ValueError where the palette is missing, segmented or damaged.
    """
    if any(f"Segmented{name}PaletteColorLookupTableData" in dataset for name in _CHANNELS):
        raise ValueError("its palette is segmented, which is not read")
    possible = np.arange(layout.lowest, layout.highest + 1, dtype=np.float64)
    channels = []
    for name in _CHANNELS:
        prefix = f"{name}PaletteColorLookupTable"
        table = lookup(dataset, is_little, layout.lowest, layout.highest, prefix)
        channels.append(table.of(possible) / table.highest)
    return np.stack(channels, axis=-1).astype(np.float32)


def painted(
    stored: NDArray[np.integer[Any]], palette: NDArray[np.float32], layout: Layout
) -> NDArray[np.float32]:
    """(H, W, 3): `palette` looked up for every pixel of (H, W)."""
    colours = np.empty((*stored.shape, 3), np.float32)
    for row in range(0, len(stored), _ROWS_AT_ONCE):
        part = stored[row : row + _ROWS_AT_ONCE].astype(np.intp) - layout.lowest
        colours[row : row + _ROWS_AT_ONCE] = palette[part]
    return colours
