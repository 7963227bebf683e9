"""What the reading room is handed of a film: a reading as JSON, and pictures as arrays.

The room shows what it is given and computes nothing, so it needs no network and no torch; whoever
starts it composes a `ReadFilm` of a bundle, in a process of its own (`reading_process`), which
writes what it made as files, so that no picture passes through the server. The price is that all
maps of a film are made when it is read, wanted or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEAN = "mean"
"""Name of the network that stands for the mean of all that answered."""


@dataclass(frozen=True, slots=True, eq=False)
class RoomMap:
    """One heatmap of a film."""

    network: str
    """`MEAN`, or "fold-0" …"""
    label: str
    """The label asked about."""
    method: str
    """Its title, such as Grad-CAM."""
    unit: str
    """Of the values: what they are a share of."""
    signed: NDArray[np.float32]
    """(h, w) on the layer's grid, unscaled, before the ReLU where the method ends in one."""
    peak: float
    """The largest value of the map as the method defines it; 0 or less where it found nothing."""
    heat: NDArray[np.uint8]
    """(H, W) on the film's grid, no side longer than 1024: 0 none or negative, 255 the peak."""


@dataclass(frozen=True, slots=True, eq=False)
class RoomReading:
    """All that the room keeps of a film that was read."""

    document: dict[str, Any]
    """As `reading.document.document` makes it; JSON without NaN."""
    film: NDArray[np.uint8]
    """(H, W) at full resolution, bright = dense."""
    spacing_mm: tuple[float, float] | None
    """(row, column) millimetres per pixel where the file states it."""
    maps: tuple[RoomMap, ...]
    """Each network, label and method once."""


ReadFilm = Callable[[Path], RoomReading]
"""Reads the film in a file; raises `SpondylError` where there is none in it."""
MakeReading = Callable[[Path, Path], int]
"""Reads the film in the first and writes what was made of it into the second, an empty folder; the
bytes that were written come back. Raises `SpondylError` where there is no film in the file,
`ReaderDiedError` where the reader did not live to say, and `OSError` where it cannot be written."""


class ReaderDiedError(Exception):
    """The reader's process ended in the middle of a film."""
