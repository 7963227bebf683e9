"""The chunks of a PNG, for what Pillow does not tell and OpenCV must not be told.

OpenCV allocates whatever length a chunk claims and prints what it thinks of colour profiles, so it
is given those chunks alone that pixels are made of (PNG, section 5.3), with lengths that are true.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from io import BufferedReader

_MAGIC = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xae\x42\x60\x82"
_OF_PIXELS = (b"IHDR", b"tRNS", b"IDAT")


def exif(stream: BufferedReader) -> bytes:
    """The eXIf chunk, which may lie before or after the pixels; empty where there is none."""
    position = stream.tell()
    found = b""
    for kind, begin, length in _chunks(stream):
        if kind == b"eXIf":
            stream.seek(begin + 8)
            found = stream.read(length)
            break
    stream.seek(position)
    return found


def of_pixels(stream: BufferedReader) -> bytes:
    """The file without what is not needed to decode it; moves the stream.

    Raises `EOFError` where one of those chunks claims more bytes than the file has.
    """
    kept = [_MAGIC]
    for kind, begin, length in _chunks(stream):
        if kind in _OF_PIXELS:
            stream.seek(begin)
            kept.append(stream.read(12 + length))
            if int.from_bytes(kept[-1][:4], "big") != length:
                raise EOFError(f"its chunk {kind.decode()} claims more than the file holds")
    return b"".join((*kept, _END))


def _chunks(stream: BufferedReader) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where it begins, length) up to the end; no length is more than the file has."""
    begin, size = len(_MAGIC), os.fstat(stream.fileno()).st_size
    kind = b""
    while kind != b"IEND":
        stream.seek(begin)
        head = stream.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, begin, min(length, size - begin)
        begin += 12 + length
