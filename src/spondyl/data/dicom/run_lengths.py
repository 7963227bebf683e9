"""RLE, the run lengths of DICOM (PS3.5, annex G): one segment for each byte of each sample.

The segments' places stand in a header of sixteen numbers; each must unpack to one byte a pixel.
"""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from spondyl.data.dicom.layout import Layout

_HEADER = 64


def decoded(packed: bytes, layout: Layout) -> NDArray[Any]:
    """(H, W) or (H, W, 3) unsigned values of the allocated bits.

    Raises ValueError where the segments are not those of such a film, or too short.
    """
    n_bytes = layout.bits_allocated // 8
    segments = _segments(packed, layout.samples * n_bytes)
    n_pixels = layout.rows * layout.columns
    values = np.empty((n_pixels, layout.samples, n_bytes), np.uint8)
    for number, segment in enumerate(segments):
        plane = np.frombuffer(imagecodecs.packbits_decode(segment, out=n_pixels), np.uint8)
        if len(plane) < n_pixels:
            raise ValueError("its run lengths end too early")
        values[:, number // n_bytes, number % n_bytes] = plane  # the highest byte comes first
    whole = values.reshape(n_pixels, -1).view(f">u{n_bytes}").astype(f"=u{n_bytes}", copy=False)
    colour = (3,) if layout.samples == 3 else ()
    return whole.reshape(layout.rows, layout.columns, *colour)


def _segments(packed: bytes, n_needed: int) -> list[bytes]:
    if len(packed) < _HEADER:
        raise ValueError("its header of run lengths is cut short")
    count, *starts = np.frombuffer(packed, "<u4", 16).tolist()
    if count != n_needed:
        raise ValueError(f"it has {count} segments of run lengths, where {n_needed} are needed")
    ends = [*starts[1:count], len(packed)]
    segments = []
    for start, end in zip(starts[:count], ends, strict=True):
        if not _HEADER <= start <= end <= len(packed):
            raise ValueError("its segments of run lengths lie outside the pixels")
        segments.append(packed[start:end])
    return segments
