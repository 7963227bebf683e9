"""What a compressed picture says of itself, read from its own header before it is decoded.

JPEG (ITU-T T.81, B.2), JPEG-LS (T.87, C.2) and JPEG 2000 (T.800, A.5 and A.6) each state size,
precision and components. Where these are not what the film's header says, one of the two is wrong,
and decoding would make room for whatever the codestream claims. Coding that asks for time or memory
out of all proportion, thousands of layers or scans, is refused here as well.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

MOST_LAYERS = 256
"""Of JPEG 2000; encoders write some thirty at most."""
_LEAST_PRECINCT = 5
"""A precinct's side as a power of two; smaller ones take more room than the picture."""

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_FRAMES = {0xC0: "baseline", 0xC1: "extended", 0xC3: "lossless", 0xF7: "JPEG-LS"}
_ALONE = (0x01, *range(0xD0, 0xD9))
_ALL_FRAMES = (*(code for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC)), 0xF7)
_START_OF_SCAN, _APP0, _APP14 = 0xDA, 0xE0, 0xEE


@dataclass(frozen=True, slots=True)
class Codestream:
    """One compressed picture, from its first marker on, and what its header states."""

    data: bytes
    rows: int
    columns: int
    components: int
    precision: int
    """Bits per sample."""
    process: str
    """baseline, extended, lossless, JPEG-LS or JPEG 2000."""
    colour: str | None
    """RGB or YBR, where the codestream says which."""


def jpeg(data: bytes) -> Codestream:
    """The header of a JPEG or JPEG-LS codestream; ValueError where it is none that can be read."""
    if data[:2] != _SOI:
        raise ValueError("it does not begin as JPEG does")
    found: Codestream | None = None
    marked: str | None = None
    at = 2
    while True:
        code, at = _marker(data, at)
        if code in _ALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        segment = data[at + 2 : at + length]
        if length < 2 or len(segment) < length - 2:
            raise ValueError("its JPEG header is cut short")
        at += length
        if code in _ALL_FRAMES:
            if code not in _FRAMES or found is not None:
                raise ValueError("it is JPEG of a kind that DICOM films do not have")
            found = _frame(data, segment, _FRAMES[code])
        elif code in (_APP0, _APP14):
            marked = _colour_of(code, segment) or marked
        elif code == _START_OF_SCAN:
            break
    if found is None:
        raise ValueError("its JPEG header states no size")
    _refuse_scans(data, at, found)
    return replace(found, colour=marked if found.components == 3 else None)


def jpeg_2000(data: bytes) -> Codestream:
    """The header of a JPEG 2000 codestream, in a JP2 box or not; ValueError as `jpeg`."""
    start = data.find(b"\xff\x4f\xff\x51", 0, 100_000)
    if start < 0 or (start > 0 and data[4:8] != b"jP  "):
        raise ValueError("it does not begin as JPEG 2000 does")
    data = data[start:]
    if len(data) < 42:
        raise ValueError("its JPEG 2000 header is cut short")
    right, bottom, left, top, wide, high, x, y, components = struct.unpack_from(">8IH", data, 8)
    depths = data[42 : 42 + 3 * components : 3]
    samplings = data[43 : 42 + 3 * components]
    if not 1 <= components <= 3 or len(depths) < components or len(set(depths)) > 1:
        raise ValueError("its JPEG 2000 components are not those of a film")
    if any(samplings[at] != 1 for at in range(len(samplings)) if at % 3 != 2):
        raise ValueError("its JPEG 2000 components are not sampled alike")
    rows, columns = bottom - top, right - left
    if not (wide and high and x <= left and y <= top) or rows < 1 or columns < 1:
        raise ValueError("its JPEG 2000 size makes no sense")
    if -(-(right - x) // wide) * -(-(bottom - y) // high) > 65_535:
        raise ValueError("it claims more tiles than JPEG 2000 can have")
    _refuse_coding(data)
    if data.rfind(_EOI) < 0:
        raise ValueError("its JPEG 2000 data end too early")
    precision = (depths[0] & 0x7F) + 1
    return Codestream(data, rows, columns, components, precision, "JPEG 2000", None)


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """(code, where its segment begins) of the marker at `at`, which may be filled with 0xFF."""
    if data[at : at + 1] != b"\xff":
        raise ValueError("its JPEG header is damaged")
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data):
        raise ValueError("its JPEG header is cut short")
    return data[at], at + 1


def _frame(data: bytes, segment: bytes, process: str) -> Codestream:
    if len(segment) < 6:
        raise ValueError("its JPEG header is cut short")
    precision, rows, columns, components = struct.unpack_from(">BHHB", segment)
    return Codestream(data, rows, columns, components, precision, process, None)


def _colour_of(code: int, segment: bytes) -> str | None:
    """RGB or YBR by a JFIF (T.871) or an Adobe marker (T.872, 6.5.3)."""
    if code == _APP0:
        return "YBR" if segment.startswith(b"JFIF\0") else None
    if not segment.startswith(b"Adobe") or len(segment) < 12:
        return None
    return "YBR" if segment[11] == 1 else "RGB"


def _refuse_scans(data: bytes, at: int, frame: Codestream) -> None:
    """A component is coded in one scan, so there are no more of them than components."""
    if data.count(b"\xff\xda", at) >= max(frame.components, 1):
        raise ValueError("it has more scans than components")
    if data.rfind(_EOI) < at:
        raise ValueError("its JPEG data end too early")


def _refuse_coding(data: bytes) -> None:
    """COD segments of the main header (T.800, A.6.1) that ask for too much."""
    at = 2
    while data[at : at + 1] == b"\xff" and data[at : at + 2] != b"\xff\x90":
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            raise ValueError("its JPEG 2000 header is damaged")
        if data[at : at + 2] in (b"\xff\x52", b"\xff\x53"):
            _refuse_style(data[at + 1] == 0x52, data[at + 4 : at + 2 + length])
        at += 2 + length
    if data[at : at + 2] != b"\xff\x90":
        raise ValueError("its JPEG 2000 header is damaged")


def _refuse_style(is_default: bool, segment: bytes) -> None:
    """Of COD the layers and precincts, of COC (one component's) the precincts."""
    if is_default and int.from_bytes(segment[2:4], "big") not in range(1, MOST_LAYERS + 1):
        raise ValueError("it has more layers than a film can need")
    style = segment[0:1] if is_default else segment[1:2]
    if style and style[0] & 1:
        precincts = segment[10 if is_default else 7 :]
        if any(min(one & 15, one >> 4) < _LEAST_PRECINCT for one in precincts):
            raise ValueError("its JPEG 2000 precincts are too small for a film")
