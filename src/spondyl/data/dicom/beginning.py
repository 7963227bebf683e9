"""How a DICOM file is told by its first bytes, with or without the preamble that PS3.10 asks for.

Archives and old devices keep data sets that begin at once, without preamble and meta header. They
are told by their first element: it must be one of the few that a data set may begin with, coded in
one of three ways. A file that begins otherwise is not taken for DICOM, whatever its name is; the
price is an old file whose first element is an unusual one.
"""

from __future__ import annotations

import struct

from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

PREAMBLE = 128
"""Bytes before the letters "DICM"."""
HEAD = PREAMBLE + 4
"""Bytes that suffice to tell."""

_META_ELEMENTS = {0x0000: b"UL", 0x0001: b"OB", 0x0002: b"UI", 0x0010: b"UI"}
_FIRST_ELEMENTS = {
    **{0x0000: b"UL", 0x0001: b"UL", 0x0005: b"CS", 0x0006: b"SQ", 0x0008: b"CS"},
    **{0x0012: b"DA", 0x0016: b"UI", 0x0018: b"UI", 0x0020: b"DA"},
}
"""Of group 0008, which every image has, with their value representations (PS3.6)."""
_LONGEST_FIRST = 256
"""Bytes of the first element's value, where its representation is not written."""


def begins_as_dicom(head: bytes) -> bool:
    """Whether a file with these first `HEAD` bytes is DICOM."""
    return head[PREAMBLE:HEAD] == b"DICM" or meta_begins(head) or plain_syntax(head) is not None


def meta_begins(head: bytes) -> bool:
    """Whether the meta header (group 0002, explicit and little endian) begins here."""
    group, element, representation = _tag(head, "<")
    return group == 0x0002 and _META_ELEMENTS.get(element) == representation


def plain_syntax(head: bytes) -> str | None:
    """The uncompressed transfer syntax of a data set that begins here; None where none is told."""
    for order, syntax in (("<", ExplicitVRLittleEndian), (">", ExplicitVRBigEndian)):
        group, element, representation = _tag(head, order)
        if group == 0x0008 and _FIRST_ELEMENTS.get(element) == representation:
            return syntax
    group, element, _ = _tag(head, "<")
    if group != 0x0008 or element not in _FIRST_ELEMENTS:
        return None
    length = int.from_bytes(head[4:8], "little")
    is_even = length % 2 == 0 and length <= _LONGEST_FIRST
    fits = length == 4 if element == 0x0000 else is_even
    return ImplicitVRLittleEndian if fits and len(head) >= 8 else None


def _tag(head: bytes, order: str) -> tuple[int, int, bytes]:
    """(group, element, value representation where one is written)."""
    if len(head) < 8:
        return -1, -1, b""
    group, element = struct.unpack_from(f"{order}HH", head)
    return group, element, head[4:6]
