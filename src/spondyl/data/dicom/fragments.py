"""The bytes of the one frame: as they are, or out of the fragments of compressed pixels.

Native pixels must be all there, to the byte that the header's numbers ask for. Compressed ones lie
in items (PS3.5 A.4) that are joined; how much there may be is bounded by what they unpack to.
"""

from __future__ import annotations

import struct
from pathlib import Path

from spondyl.data.dicom.elements import UNDEFINED, PixelElement
from spondyl.data.dicom.faults import DAMAGED
from spondyl.data.dicom.layout import Layout
from spondyl.errors import SpondylError

LARGEST_PACKED = 1.5
"""Times the native size; noise compressed in vain grows by less."""
MOST_FRAGMENTS = 100_000

_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD


def native(pixels: PixelElement, layout: Layout, path: str | Path) -> tuple[bytes, int]:
    """The bytes of all pixels, made even by one of padding, and how many there are beyond them.

    Raises `SpondylError` where there are fewer, or where they are packed in fragments.
    """
    needed = layout.n_samples * layout.bits_allocated // 8
    if layout.photometric == "YBR_FULL_422":
        needed = needed * 2 // 3
    if pixels.length is None:
        raise SpondylError(
            f"{path}: its pixels are in fragments, which its transfer syntax does not have", DAMAGED
        )
    pixels.stream.seek(pixels.start)
    found = pixels.stream.read(min(needed + needed % 2, pixels.length))
    if len(found) < needed:
        raise SpondylError(
            f"{path}: {layout.rows} × {layout.columns} pixels are {needed} bytes; it has "
            f"{len(found)}",
            "It is cut short or its header is wrong: copy it again from its source.",
        )
    return found, pixels.length - needed


def joined(pixels: PixelElement, layout: Layout, path: str | Path) -> bytes:
    """The compressed frame: all fragments behind the offset table, one after another.

    Raises `SpondylError` where they are cut short, or claim more than a film can need.
    """
    if pixels.length is not None:
        raise SpondylError(
            f"{path}: its pixels are not in fragments, as its transfer syntax has them", DAMAGED
        )
    left = int(LARGEST_PACKED * layout.n_samples * layout.bits_allocated / 8) + 1_000_000
    pixels.stream.seek(pixels.start)
    pixels.stream.seek(_item(pixels, path) or 0, 1)  # the offset table
    parts: list[bytes] = []
    while (length := _item(pixels, path)) is not None:
        left -= length
        if left < 0 or len(parts) == MOST_FRAGMENTS:
            raise SpondylError(f"{path}: holds more compressed data than any such film", DAMAGED)
        parts.append(pixels.stream.read(length))
        if len(parts[-1]) < length:
            raise EOFError("its pixels end too early")
    return b"".join(parts)


def _item(pixels: PixelElement, path: str | Path) -> int | None:
    """The length of the next item; None at the end of all. The stream stands at its value."""
    head = pixels.stream.read(8)
    if len(head) < 8:
        raise EOFError("its pixels end too early")
    group, element, length = struct.unpack("<HHI", head)
    tag = group << 16 | element
    if tag == _END:
        return None
    if tag != _ITEM or length == UNDEFINED:
        raise SpondylError(f"{path}: what lies among its pixels is no fragment", DAMAGED)
    return int(length)
