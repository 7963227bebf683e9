"""How many scans a JPEG has, without decoding any.

A scan may be empty and still costs its decoder a pass over all pixels: a megabyte can ask for hours
of work, and libjpeg does as it is asked. Markers are found as ITU-T T.81, annex B orders them.
"""

from __future__ import annotations

import re
from io import BufferedReader

_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers that no length follows: restarts, a second beginning, and one for arithmetic coding."""
_BLOCK = 2**16


def n_scans(stream: BufferedReader, most: int) -> int:
    """Scans of the first picture, counted up to one more than `most`; moves the stream."""
    stream.seek(2)
    found = 0
    while found <= most and (marker := _next_marker(stream)) not in (None, _END_OF_IMAGE):
        if marker in _ALONE:
            continue
        found += marker == _START_OF_SCAN
        length = int.from_bytes(stream.read(2), "big")
        stream.seek(max(0, length - 2), 1)
    return found


def _next_marker(stream: BufferedReader) -> int | None:
    """The marker that comes next, with the stream behind it; None where none comes."""
    size, held = 64, b""  # small at first: between segments the next marker is at once
    while block := stream.read(size):
        held = held[-1:] + block
        if match := _MARKER.search(held):
            stream.seek(match.end() - len(held), 1)
            return match[1][0]
        size = min(2 * size, _BLOCK)
    return None
