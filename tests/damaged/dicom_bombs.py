"""Small DICOM files that ask for much: deflated zeros, depths, counts and sizes that they claim."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from damaged.dicom_bytes import PIXEL_DATA, UNDEFINED, Element, Elements, ended, item
from damaged.dicom_lies import sequence
from damaged.sound import HEIGHT, WIDTH, films

MEGA = 2**20
ROWS, COLUMNS = (0x28, 0x10), (0x28, 0x11)
PRIVATE = (0x09, 0x1001)


def taken(name: str) -> Elements:
    return Elements.of(films()["DICOM", name])


def sized(film: Elements, height: int, width: int) -> None:
    for tag, value in ((ROWS, height), (COLUMNS, width)):
        film.put(Element(tag, film.of_type(b"US"), film.numbers(value)))


def claims(name: str, height: int, width: int) -> bytes:
    """A film whose header alone says another size."""
    film = taken(name)
    sized(film, height, width)
    return film.stored()


def deflated(height: int, width: int) -> bytes:
    """A film of zeros but for its end, a thousand times smaller than it is."""
    film = taken("deflated, CR")
    sized(film, height, width)
    values = bytes(2 * height * width - 2) + b"\1\0"
    film.put(Element(PIXEL_DATA, b"OW", values))
    return film.stored()


def large(name: str, side: int) -> bytes:
    """A plain film of zeros but for its end, as large as a file as it is in memory."""
    film = taken(name)
    at = film.place(PIXEL_DATA)
    assert at is not None
    n_bytes = side * side * len(film.body[at].value) // (HEIGHT * WIDTH)
    sized(film, side, side)
    film.body[at] = replace(film.body[at], value=bytes(n_bytes - 2) + b"\1\1")
    return film.stored()


def deflated_behind(n_bytes: int) -> bytes:
    """A sound deflated film with zeros behind its pixels, as one element or as none."""
    film = taken("deflated, CR")
    film.body.append(Element((0xFFFC, 0xFFFC), b"OB", bytes(n_bytes)))
    return film.stored()


def deflated_before(n_bytes: int) -> bytes:
    film = taken("deflated, CR")
    film.put(Element(PRIVATE, b"OB", bytes(n_bytes)))
    return film.stored()


def nested(name: str, depth: int, defined: bool) -> bytes:
    film = taken(name)
    film.put(sequence(film, PRIVATE, depth, defined, is_ended=True))
    return film.stored()


def many_elements(name: str, n: int) -> bytes:
    film = taken(name)
    kind = film.of_type(b"OB")
    film.body[:0] = [Element((0x09, 0x1000 + i % 0xF000), kind, b"") for i in range(n)]
    return film.stored()


def many_items(n: int) -> bytes:
    film = taken("explicit, CR")
    film.put(Element((0x28, 0x3010), b"SQ", item("<", b"") * n))
    return film.stored()


def many_values(tag: tuple[int, int], value: bytes) -> bytes:
    """A value of many parts, which only the implicit syntax allows."""
    film = taken("implicit, CR")
    film.put(Element(tag, b"", value))
    return film.stored()


def many_fragments(name: str, n: int) -> bytes:
    film = taken(name)
    fragments = item("<", b"") + item("<", b"\0\0") * n + ended("<")
    film.put(Element(PIXEL_DATA, b"OB", fragments, UNDEFINED))
    return film.stored()


def stream_changed(name: str, find: bytes, offset: int, put: bytes, size: int = 0) -> bytes:
    """A film whose compressed stream says something else `offset` bytes behind `find`; header too
    where there is a `size`."""
    film = taken(name)
    at = film.place(PIXEL_DATA)
    assert at is not None
    value = bytearray(film.body[at].value)
    place = value.index(find) + offset
    value[place : place + len(put)] = put
    film.body[at] = replace(film.body[at], value=bytes(value))
    if size:
        sized(film, size, size)
    return film.stored()


def many_scans(n: int) -> bytes:
    """A progressive JPEG of many empty scans in a film that says baseline."""
    jpeg = films()["JPEG", "progressive grey"]
    frame, last = jpeg.find(b"\xff\xc2"), jpeg.rfind(b"\xff\xda")
    header = 2 + int.from_bytes(jpeg[last + 2 : last + 4], "big")
    sides = struct.pack(">HH", 4000, 4000)
    stream = jpeg[: frame + 5] + sides + jpeg[frame + 9 : last]
    stream += jpeg[last : last + header] * n + jpeg[last:]
    film = taken("JPEG baseline, CR")
    sized(film, 4000, 4000)
    stored = item("<", b"") + item("<", stream + b"\0" * (len(stream) % 2)) + ended("<")
    film.put(Element(PIXEL_DATA, b"OB", stored, UNDEFINED))
    return film.stored()


def run_lengths(side: int) -> bytes:
    """An RLE film of two segments that are all runs, 64 times smaller than its pixels; `side` is
    a multiple of 16."""
    runs = b"\x81\0" * (side * side // 128)
    head = struct.pack("<16I", 2, 64, 64 + len(runs), *[0] * 13)
    film = taken("RLE, CR")
    sized(film, side, side)
    stored = item("<", b"") + item("<", head + runs[:-2] + b"\x81\1" + runs) + ended("<")
    film.put(Element(PIXEL_DATA, b"OB", stored, UNDEFINED))
    return film.stored()


def bare_deflate(n_bytes: int) -> bytes:
    """Nothing but zeros where the deflated data set should be."""
    film = taken("deflated, CR")
    film.body = []
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    zeros = b"".join(packer.compress(bytes(MEGA)) for _ in range(n_bytes // MEGA))
    stored = film.stored()
    return stored[: len(stored) - 2] + zeros + packer.flush()


LARGE = ("implicit, CR", "explicit, DX", "8 bit, SC", "palette, SC", "signed, CR", "big-endian, CR")
"""Films of one sample of 8 or 16 bits, and of every way of stating levels."""
SIDES = struct.pack(">HH", 65_500, 65_500)
JPEG2000_SIDES = struct.pack(">II", 60_000, 60_000)
BOMBS: dict[tuple[str, str], Callable[[], bytes]] = {
    ("DICOM", name): make
    for name, make in {
        "65,535 × 65,535, plain": partial(claims, "explicit, CR", 65_535, 65_535),
        "65,535 × 3,000, plain": partial(claims, "implicit, CR", 65_535, 3000),
        "65,535 × 3,000, JPEG": partial(claims, "JPEG baseline, CR", 65_535, 3000),
        "65,535 × 1,000, JPEG 2000": partial(claims, "JPEG 2000, CR", 65_535, 1000),
        "65,535 × 1,000, RLE": partial(claims, "RLE, CR", 65_535, 1000),
        **{f"79 million, {name}": partial(large, name, 8900) for name in LARGE},
        "26 million in colour": partial(large, "explicit, SC", 5100),
        "deflated, 200 million": partial(deflated, 14_000, 14_000),
        "deflated, 90 million": partial(deflated, 9500, 9500),
        "deflated, 50 million": partial(deflated, 7000, 7000),
        "deflated, 800 MB behind": partial(deflated_behind, 800 * MEGA),
        "deflated, 1.5 GB before": partial(deflated_before, 1500 * MEGA),
        "deflated, 3 GB of zeros only": partial(bare_deflate, 3000 * MEGA),
        "deflated, 30,000 deep": partial(nested, "deflated, CR", 30_000, defined=False),
        "30,000 deep, explicit": partial(nested, "explicit, CR", 30_000, defined=False),
        "30,000 deep, implicit": partial(nested, "implicit, CR", 30_000, defined=False),
        "3,000 deep, with lengths": partial(nested, "explicit, CR", 3000, defined=True),
        "a million elements": partial(many_elements, "explicit, CR", 1_000_000),
        "a million elements, implicit": partial(many_elements, "implicit, CR", 1_000_000),
        "a million items": partial(many_items, 1_000_000),
        "10 million windows": partial(many_values, (0x28, 0x1050), b"1.5\\" * 10_000_000),
        "10 million spacings": partial(many_values, (0x28, 0x30), b"0.1\\" * 10_000_000),
        "20 million frames' counts": partial(many_values, (0x28, 0x08), b"1\\" * 20_000_000),
        "a name of 60 MB": partial(many_values, (0x10, 0x10), b"Quellwasser^" * 5_000_000),
        "20 million rows": partial(many_values, (0x28, 0x10), b"\x40\0" * 20_000_000),
        "a million character sets": partial(many_values, (8, 5), b"ISO_IR 100\\" * 1_000_000),
        "a million fragments, RLE": partial(many_fragments, "RLE, CR", 1_000_000),
        "a million fragments, JPEG": partial(many_fragments, "JPEG lossless, CR", 1_000_000),
        "JPEG 2000 of 60,000 squared": partial(
            stream_changed, "JPEG 2000, CR", b"\xff\x51", 6, JPEG2000_SIDES
        ),
        "JPEG 2000 of 8,900 squared": partial(
            *(stream_changed, "JPEG 2000, CR", b"\xff\x51", 6),
            *(struct.pack(">II", 8900, 8900), 8900),
        ),
        "JPEG 2000 of a million tiles": partial(
            stream_changed, "JPEG 2000, CR", b"\xff\x51", 22, struct.pack(">II", 1, 1)
        ),
        "JPEG 2000 of 16,384 components": partial(
            stream_changed, "JPEG 2000, CR", b"\xff\x51", 38, struct.pack(">H", 16_384)
        ),
        "JPEG of 65,500 squared": partial(
            stream_changed, "JPEG baseline, CR", b"\xff\xc0", 5, SIDES
        ),
        "lossless JPEG of 65,500 squared": partial(
            stream_changed, "JPEG lossless, CR", b"\xff\xc3", 5, SIDES
        ),
        "lossless JPEG of 8,900 squared": partial(
            *(stream_changed, "JPEG lossless, CR", b"\xff\xc3", 5),
            *(struct.pack(">HH", 8900, 8900), 8900),
        ),
        "JPEG-LS of 65,500 squared": partial(stream_changed, "JPEG-LS, CR", b"\xff\xf7", 5, SIDES),
        "JPEG-LS of 8,900 squared": partial(
            *(stream_changed, "JPEG-LS, CR", b"\xff\xf7", 5),
            *(struct.pack(">HH", 8900, 8900), 8900),
        ),
        "JPEG of 10,000 scans": partial(many_scans, 10_000),
        "RLE of 90 million": partial(run_lengths, 9600),
        "RLE of 79 million": partial(run_lengths, 8896),
    }.items()
}
