"""Headers of JPEG, PNG and TIFF that lie: well-formed files whose fields say what is not so.

Checksums are put right again, so that a decoder believes the field and not only its checksum.
"""

from __future__ import annotations

import struct
import zlib
from random import Random

from damaged.harm import Harm
from damaged.sound import chunk

SIZES = (0, 1, 7, 8, 9, 255, 4000, 16_000, 65_535)
LARGE = (*SIZES, 2**16, 2**20, 2**31 - 1, 2**31, 2**32 - 1)

# --- PNG -----------------------------------------------------------------------------------------

Chunk = tuple[bytes, bytes]


def _chunks(film: bytes) -> list[Chunk]:
    found, at = [], 8
    while at + 8 <= len(film):
        length, kind = struct.unpack_from(">I4s", film, at)
        found.append((kind, film[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _png(chunks: list[Chunk]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in chunks)


def png_header(film: bytes, rng: Random) -> bytes:
    """A width, height, depth, colour type, or method that is another's."""
    first, *rest = _chunks(film)
    fields = list(struct.unpack(">IIBBBBB", first[1]))
    for field in rng.sample(range(7), rng.choice((1, 1, 2))):
        fields[field] = rng.choice(LARGE if field < 2 else (0, 1, 2, 3, 4, 6, 8, 16, 255))
    return _png([(b"IHDR", struct.pack(">IIBBBBB", *fields)), *rest])


def png_lengths(film: bytes, rng: Random) -> bytes:
    """A chunk that says that it is longer or shorter than it is."""
    starts, at = [], 8
    for _, content in _chunks(film):
        starts.append(at)
        at += 12 + len(content)
    damaged = bytearray(film)
    struct.pack_into(">I", damaged, rng.choice(starts), rng.choice(LARGE))
    return bytes(damaged)


def png_order(film: bytes, rng: Random) -> bytes:
    """A chunk lost, doubled or at another place; the header too."""
    chunks = _chunks(film)
    taken = chunks.pop(rng.randrange(len(chunks)))
    for _ in range(rng.choice((0, 1, 2))):
        chunks.insert(rng.randint(0, len(chunks)), taken)
    return _png(chunks)


def png_extra(film: bytes, rng: Random) -> bytes:
    """A chunk of any kind with any content."""
    kinds = b"PLTE tRNS gAMA cHRM sRGB iCCP sBIT pHYs eXIf tEXt zTXt iTXt acTL fcTL fdAT hIST tIME"
    content = rng.randbytes(rng.choice((0, 1, 4, 8, 9, 26, 768, 5000)))
    chunks = _chunks(film)
    places = (1, 1, len(chunks) - 1, len(chunks))
    chunks.insert(rng.choice(places), (rng.choice(kinds.split()), content))
    return _png(chunks)


def png_pixels(film: bytes, rng: Random) -> bytes:
    """Filters that are none, rows too few or too many, or another compression."""
    chunks = _chunks(film)
    raw = bytearray(zlib.decompress(b"".join(c for kind, c in chunks if kind == b"IDAT")))
    for _ in range(rng.choice((0, 20))):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    changed = rng.choice((raw, raw[: rng.randrange(len(raw))], raw + rng.randbytes(5000)))
    packed = zlib.compress(bytes(changed))
    packed = rng.choice((packed, packed[:-4] + b"\0\0\0\0", packed + packed, bytes(changed)))
    rest = [one for one in chunks if one[0] != b"IDAT"]
    return _png([*rest[:-1], (b"IDAT", packed), rest[-1]])


# --- JPEG ----------------------------------------------------------------------------------------


def _segments(film: bytes) -> list[tuple[int, int]]:
    """(marker, where it begins) of every segment before the first scan's data."""
    found, at = [], 2
    while at + 4 <= len(film) and film[at] == 0xFF:
        found.append((film[at + 1], at))
        if film[at + 1] == 0xDA:
            break
        at += 2 + int.from_bytes(film[at + 2 : at + 4], "big")
    return found


def _frame(film: bytes) -> int:
    return next(at for marker, at in _segments(film) if marker in (0xC0, 0xC1, 0xC2))


def jpeg_size(film: bytes, rng: Random) -> bytes:
    """A height and width that are another film's; a height of none is said to come later."""
    damaged = bytearray(film)
    for offset in rng.choice(((5,), (7,), (5, 7))):
        struct.pack_into(">H", damaged, _frame(film) + offset, rng.choice(SIZES))
    return bytes(damaged)


def jpeg_frame(film: bytes, rng: Random) -> bytes:
    """A precision, number of components, sampling, table or process that is another's."""
    damaged, at = bytearray(film), _frame(film)
    n = damaged[at + 9]
    places = [1, 4, 9, *range(10, 10 + 3 * n)]
    for place in rng.sample(places, rng.choice((1, 1, 3))):
        values = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCE) if place == 1 else None
        damaged[at + place] = rng.choice(values or (0, 1, 2, 3, 4, 8, 12, 16, 0x44, 0x14, 255))
    return bytes(damaged)


def jpeg_lengths(film: bytes, rng: Random) -> bytes:
    """A segment that says that it is longer or shorter than it is."""
    damaged = bytearray(film)
    _, at = rng.choice(_segments(film))
    struct.pack_into(">H", damaged, at + 2, rng.choice((0, 1, 2, 3, 17, 300, 65_535)))
    return bytes(damaged)


def jpeg_tables(film: bytes, rng: Random) -> bytes:
    """Quantisation and Huffman tables, or a scan's selectors, of chance."""
    damaged = bytearray(film)
    tables = [at for marker, at in _segments(film) if marker in (0xDB, 0xC4, 0xDA)]
    at = rng.choice(tables)
    size = int.from_bytes(film[at + 2 : at + 4], "big") - 2
    for _ in range(rng.randint(1, 12)):
        damaged[at + 4 + rng.randrange(size)] = rng.randrange(256)
    return bytes(damaged)


def jpeg_extra(film: bytes, rng: Random) -> bytes:
    """A segment of any kind with any content, EXIF among them."""
    starts = (b"", b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0", b"JFIF\0", b"ICC_PROFILE\0\x01\x01")
    content = rng.choice((*starts, b"Adobe\0", b"MPF\0II*\0\x08\0\0\0", b"Photoshop 3.0\0"))
    content += rng.randbytes(rng.choice((0, 4, 30, 2000)))
    marker = rng.choice((0xE0, 0xE1, 0xE1, 0xE2, 0xED, 0xEE, 0xFE, 0xDD, 0xDC, 0xCC, 0xF0))
    segment = struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
    _, at = rng.choice(_segments(film))
    return film[:at] + segment + film[at:]


# --- TIFF ----------------------------------------------------------------------------------------


def _entries(film: bytes) -> tuple[str, int, list[int]]:
    """Byte order, size of a count, and where each entry of the first directory lies."""
    order = "<" if film[:2] == b"II" else ">"
    large = film[2:4] in (b"+\0", b"\0+")
    if large:
        start = struct.unpack_from(order + "Q", film, 8)[0]
        n = struct.unpack_from(order + "Q", film, start)[0]
        return order, 8, [start + 8 + 20 * i for i in range(n)]
    start = struct.unpack_from(order + "I", film, 4)[0]
    n = struct.unpack_from(order + "H", film, start)[0]
    return order, 4, [start + 2 + 12 * i for i in range(n)]


def tiff_values(film: bytes, rng: Random) -> bytes:
    """One or two fields with another value, or with one that points elsewhere."""
    order, size, entries = _entries(film)
    damaged = bytearray(film)
    for at in rng.sample(entries, rng.choice((1, 1, 2))):
        short = struct.unpack_from(order + "H", film, at + 2)[0] == 3
        letter = "H" if short else "I" if size == 4 else "Q"
        top = 2**16 - 1 if short else 2**32 - 1
        value = rng.choice((0, 1, 2, 3, 5, 6, 7, 8, 12, 16, 32, 40, 1000, 32_773, 50_000, top))
        struct.pack_into(order + letter, damaged, at + 4 + size, min(value, top))
    return bytes(damaged)


def tiff_fields(film: bytes, rng: Random) -> bytes:
    """A field with another tag, type or count: half of the counts are enormous."""
    order, size, entries = _entries(film)
    damaged, at = bytearray(film), rng.choice(entries)
    part = rng.randrange(3)
    if part < 2:
        values = (0, 1, 2, 3, 4, 5, 7, 12, 13, 16, 18, 99) if part else (0, 256, 257, 258, 259, 262)
        more = () if part else (273, 277, 278, 279, 284, 317, 322, 324, 338, 339, 347, 34_675)
        struct.pack_into(order + "H", damaged, at + 2 * part, rng.choice((*values, *more)))
    else:
        count = rng.choice((0, 2, 1000, 2**24, 2**31 - 1, 2**31, 2**32 - 1))
        struct.pack_into(order + ("I" if size == 4 else "Q"), damaged, at + 4, count)
    return bytes(damaged)


def tiff_directories(film: bytes, rng: Random) -> bytes:
    """A next directory that is this one or lies outside or in the pixels; or a wrong first."""
    order, size, entries = _entries(film)
    letter = "I" if size == 4 else "Q"
    behind = entries[-1] + (12 if size == 4 else 20)
    first = entries[0] - (2 if size == 4 else 8)
    place = rng.choice((behind, behind, 4 if size == 4 else 8))
    goal = rng.choice((first, first + 1, 0, 8, len(film) // 2, len(film) - 1, 2**31, 2**32 - 1))
    damaged = bytearray(film)
    struct.pack_into(order + letter, damaged, place, goal)
    return bytes(damaged)


LIES: dict[str, dict[str, Harm]] = {
    "PNG": {
        "lying header": png_header,
        "lying lengths": png_lengths,
        "chunks out of order": png_order,
        "strange chunk": png_extra,
        "lying pixels": png_pixels,
    },
    "JPEG": {
        "lying size": jpeg_size,
        "lying frame": jpeg_frame,
        "lying lengths": jpeg_lengths,
        "lying tables": jpeg_tables,
        "strange segment": jpeg_extra,
    },
    "TIFF": {
        "lying values": tiff_values,
        "lying fields": tiff_fields,
        "lying directories": tiff_directories,
    },
}
