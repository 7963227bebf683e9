"""A DICOM file as its elements, taken apart and put together without any check (PS3.5, 7.1).

So that what no writer would write can be written.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

LONG = (b"OB", b"OW", b"OD", b"OF", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV")
"""Value representations whose length has four bytes."""
UNDEFINED = 0xFFFFFFFF
PIXEL_DATA = (0x7FE0, 0x0010)
SYNTAX = (0x0002, 0x0010)
META = 132


@dataclass(frozen=True, slots=True)
class Element:
    """One element as its file holds it, and the length that it claims."""

    tag: tuple[int, int]
    representation: bytes
    """Two letters; none where the transfer syntax is implicit."""
    value: bytes
    claims: int | None = None
    """The length that is written; None for the value's own."""

    def lying(self, length: int) -> Element:
        return replace(self, claims=length % 2**32)

    def stored(self, order: str) -> bytes:
        length = len(self.value) if self.claims is None else self.claims
        head = struct.pack(order + "HH", *self.tag) + self.representation
        if not self.representation:
            return head + struct.pack(order + "I", length) + self.value
        if self.representation in LONG:
            return head + struct.pack(order + "HI", 0, length) + self.value
        return head + struct.pack(order + "H", length % 2**16) + self.value


@dataclass(slots=True)
class Elements:
    """The file meta information, and the data set in its byte order."""

    meta: list[Element]
    body: list[Element]
    order: str = "<"
    explicit: bool = True
    deflated: bool = False

    @classmethod
    def of(cls, film: bytes) -> Elements:
        """Of a file that is sound."""
        start = META + 12 + struct.unpack_from("<I", film, META + 8)[0]
        meta = _apart(film[META:start], "<", explicit=True)
        uid = next(one.value for one in meta if one.tag == SYNTAX).rstrip(b"\0")
        order = ">" if uid.endswith(b"1.2.2") else "<"
        explicit = not uid.endswith(b"10008.1.2")
        deflated = uid.endswith(b"1.2.1.99")
        body = zlib.decompress(film[start:], -zlib.MAX_WBITS) if deflated else film[start:]
        return cls(meta, _apart(body, order, explicit), order, explicit, deflated)

    def stored(self) -> bytes:
        """The file again; the meta group's length is put right only if it is not doubled."""
        meta = b"".join(one.stored("<") for one in self.meta[1:])
        length = replace(self.meta[0], value=struct.pack("<I", len(meta)))
        body = b"".join(one.stored(self.order) for one in self.body)
        if self.deflated:
            packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            body = packer.compress(body) + packer.flush()
        return bytes(128) + b"DICM" + length.stored("<") + meta + body

    def of_type(self, representation: bytes) -> bytes:
        """As it is written here: nothing where the transfer syntax is implicit."""
        return representation if self.explicit else b""

    def numbers(self, *values: int) -> bytes:
        """Unsigned shorts in this byte order."""
        return struct.pack(f"{self.order}{len(values)}H", *(value % 2**16 for value in values))

    def place(self, tag: tuple[int, int]) -> int | None:
        return next((i for i, one in enumerate(self.body) if one.tag == tag), None)

    def put(self, element: Element) -> None:
        """In the order of tags, instead of the one that is there."""
        self.body = [one for one in self.body if one.tag != element.tag]
        behind = next((i for i, one in enumerate(self.body) if one.tag > element.tag), None)
        self.body.insert(len(self.body) if behind is None else behind, element)


def item(order: str, content: bytes, claims: int | None = None) -> bytes:
    """One item of a sequence or fragment of pixels."""
    length = len(content) if claims is None else claims % 2**32
    return struct.pack(order + "HHI", 0xFFFE, 0xE000, length) + content


def ended(order: str, element: int = 0xE0DD) -> bytes:
    """The delimiter of a sequence, or of an item (E00DH)."""
    return struct.pack(order + "HHI", 0xFFFE, element, 0)


def _apart(content: bytes, order: str, explicit: bool) -> list[Element]:
    found, at = [], 0
    while at + 8 <= len(content):
        tag = struct.unpack_from(order + "HH", content, at)
        kind = content[at + 4 : at + 6] if explicit else b""
        if not explicit:
            length, begin = struct.unpack_from(order + "I", content, at + 4)[0], at + 8
        elif kind in LONG:
            length, begin = struct.unpack_from(order + "I", content, at + 8)[0], at + 12
        else:
            length, begin = struct.unpack_from(order + "H", content, at + 6)[0], at + 8
        if length == UNDEFINED:  # only pixels, which are last
            found.append(Element(tag, kind, content[begin:], UNDEFINED))
            break
        found.append(Element(tag, kind, content[begin : begin + length]))
        at = begin + length
    return found
