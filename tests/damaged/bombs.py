"""Small files that ask for much: memory or time, by sizes, counts and repetitions that they claim.

Each is made whole by its function; what a decoder pays for it is the question.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from damaged.sound import HEIGHT, WIDTH, chunk, films

Bomb = Callable[[], bytes]

MEGA = 2**20
GREY, DEEP, COLOUR = 11_900, 9500, 6050
"""Pixels: squares of these are just small enough to be decoded, so they have to be."""
SIDE = 14_000
"""Pixels; a square of it is just within the 200 million that any film may have."""
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def deflated(n_bytes: int, end: bytes = b"\1") -> bytes:
    """`n_bytes` zeros and `end`, as a zlib stream a thousand times smaller."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(MEGA)) for _ in range(n_bytes // MEGA)]
    return b"".join((*parts, packer.compress(bytes(n_bytes % MEGA) + end), packer.flush()))


def png(height: int, width: int, depth: int, kind: int, data: bytes, *extra: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = (chunk(b"IHDR", head), *extra, chunk(b"IDAT", data), chunk(b"IEND", b""))
    return PNG_MAGIC + b"".join(body)


def png_of_zeros(depth: int, kind: int, n_channels: int, side: int) -> bytes:
    """All pixels black but the last, so that it is a film and has to be decoded."""
    row = 1 + (side * depth * n_channels + 7) // 8
    return png(side, side, depth, kind, deflated(side * row - 1))


def png_with(*extra: bytes) -> bytes:
    """A sound film with chunks put in behind its header."""
    film = films()["PNG", "1 bit"]
    return film[:33] + b"".join(extra) + film[33:]


def png_with_much_behind() -> bytes:
    return png(100, 100, 16, 2, deflated(1000 * MEGA))


def jpeg_that_claims(kind: str, height: int, width: int) -> bytes:
    film = bytearray(films()["JPEG", kind])
    at = max(film.find(b"\xff\xc0"), film.find(b"\xff\xc2"))
    struct.pack_into(">HH", film, at + 5, height, width)
    return bytes(film)


def jpeg_of_scans(height: int, width: int, n_scans: int) -> bytes:
    """A progressive film whose last scan is there again and again, without its data."""
    film = jpeg_that_claims("progressive grey", height, width)
    last = film.rfind(b"\xff\xda")
    size = int.from_bytes(film[last + 2 : last + 4], "big")
    return film[:last] + film[last : last + 2 + size] * n_scans + film[last:]


def jpeg_of_segments(n: int) -> bytes:
    film = films()["JPEG", "baseline"]
    return film[:2] + b"\xff\xfe\0\2" * n + film[2:]


def tiff(*fields: tuple[int, int, int, int], next_at: int = 0, data: bytes = b"") -> bytes:
    """Little-endian, with (tag, type, count, value) fields and `data` at byte 8."""
    at = 8 + len(data)
    entries = b"".join(struct.pack("<HHII", *field) for field in fields)
    directory = struct.pack("<H", len(fields)) + entries + struct.pack("<I", next_at)
    return b"II*\0" + struct.pack("<I", at) + data + directory


def plain_fields(height: int, width: int, compression: int = 1) -> list[tuple[int, int, int, int]]:
    """Fields of an 8-bit grey film in one strip at byte 8."""
    values = {
        256: width,
        257: height,
        258: 8,
        259: compression,
        262: 1,
        273: 8,
        277: 1,
        278: height,
    }
    return [(tag, 4 if value > 65_535 else 3, 1, value) for tag, value in values.items()]


def tiff_of_strips() -> bytes:
    fields = [one for one in plain_fields(2**31 - 1, 8) if one[0] not in (273, 278)]
    counts = [(273, 4, 2**31 - 1, 8), (278, 3, 1, 1), (279, 4, 2**31 - 1, 8)]
    return tiff(*fields, *counts, data=bytes(4000))


def tiff_of_one_blob_for_all_tags() -> bytes:
    """3,000 private fields, each of which is the same megabyte."""
    fields = [*plain_fields(64, 64), (279, 4, 1, 4096)]
    blob = [(tag, 7, MEGA, 8) for tag in range(40_000, 43_000)]
    return tiff(*fields, *blob, data=bytes(4095) + b"\1" + bytes(MEGA))


def tiff_of_many_directories(n: int) -> bytes:
    """A film of `n` directories, each of which is empty but for the next."""
    first = tiff(*plain_fields(64, 64), (279, 4, 1, 4096), next_at=0, data=bytes(4095) + b"\1")
    at = len(first)
    links = [struct.pack("<HHHIII", 1, 256, 3, 1, 8, at + 18 * (i + 1)) for i in range(n)]
    return first[:-4] + struct.pack("<I", at) + b"".join(links)


def tiff_deflated(side: int) -> bytes:
    data = deflated(side * side - 1)
    fields = plain_fields(side, side, 8)
    return tiff(*fields, (279, 4, 1, len(data)), data=data)


def tiff_of_small_tiles() -> bytes:
    fields = [one for one in plain_fields(GREY, GREY) if one[0] not in (273, 278)]
    n = (-(-GREY // 16)) ** 2
    tiles = [(322, 3, 1, 16), (323, 3, 1, 16), (324, 4, n, 8), (325, 4, n, 8)]
    return tiff(*fields, *tiles, data=bytes(4 * n))


def tiff_of_large_tiles(side: int, compression: int, data: bytes) -> bytes:
    """A small film in one tile that is said to be enormous."""
    fields = [one for one in plain_fields(64, 64, compression) if one[0] not in (273, 278)]
    tiles = [(322, 4, 1, side), (323, 4, 1, side), (324, 4, 1, 8), (325, 4, 1, len(data))]
    return tiff(*fields, *tiles, data=data)


def tiff_of_depth(depth: int) -> bytes:
    """16-bit colour, with as many planes behind one another."""
    film = films()["TIFF", "16 bit colour"]
    data, n = film[-HEIGHT * WIDTH * 6 :], HEIGHT * WIDTH * 6
    values = {256: WIDTH, 257: HEIGHT, 259: 1, 262: 2, 273: 8, 277: 3, 278: HEIGHT, 284: 1}
    fields = [(tag, 3, 1, value) for tag, value in values.items()]
    depths = struct.pack("<3H", 16, 16, 16) + b"\0\0"
    fields += [(258, 3, 3, 8 + n), (279, 4, 1, n), (32_997, 4, 1, depth)]
    return tiff(*sorted(fields), data=data + depths)


def noise_png(side: int) -> bytes:
    """A sound film that takes a while to decode."""
    film = np.random.default_rng(0).integers(0, 65_536, (side, side), dtype=np.uint16)
    stream = io.BytesIO()
    Image.fromarray(film).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


TEXT = b"Comment\0"
BOMBS: dict[tuple[str, str], Bomb] = {
    ("PNG", "as many bits as may be"): partial(png_of_zeros, 1, 0, 1, GREY),
    ("PNG", "as much grey as may be"): partial(png_of_zeros, 8, 0, 1, GREY),
    ("PNG", "as much 16-bit grey as may be"): partial(png_of_zeros, 16, 0, 1, DEEP),
    ("PNG", "as much colour as may be"): partial(png_of_zeros, 8, 2, 3, COLOUR),
    ("PNG", "as much 16-bit colour with alpha as may be"): partial(png_of_zeros, 16, 6, 4, COLOUR),
    ("PNG", "200 million colour pixels"): partial(png_of_zeros, 8, 2, 3, SIDE),
    ("PNG", "claims much, holds none"): partial(png, COLOUR, COLOUR, 16, 6, zlib.compress(b"\0")),
    ("PNG", "claims 2³¹ × 2³¹"): partial(png, 2**31 - 1, 2**31 - 1, 8, 0, zlib.compress(b"\0")),
    ("PNG", "eight rows of 17 million"): partial(png, 8, 17_000_000, 8, 0, deflated(136_000_007)),
    ("PNG", "1 GB of rows behind the last"): png_with_much_behind,
    ("PNG", "zTXt of 1 GB"): lambda: png_with(chunk(b"zTXt", TEXT + b"\0" + deflated(1000 * MEGA))),
    ("PNG", "iTXt of 1 GB"): lambda: png_with(
        chunk(b"iTXt", TEXT + b"\1\0\0\0" + deflated(1000 * MEGA))
    ),
    ("PNG", "iCCP of 1 GB"): lambda: png_with(chunk(b"iCCP", b"icc\0\0" + deflated(1000 * MEGA))),
    ("PNG", "2,000 zTXt of 1 MB"): lambda: png_with(
        *[chunk(b"zTXt", b"%d\0\0" % i + deflated(MEGA - 9)) for i in range(2000)]
    ),
    ("PNG", "300,000 empty chunks"): lambda: png_with(*[chunk(b"tEXt", b"a\0")] * 300_000),
    ("PNG", "2³¹ frames"): lambda: png_with(chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
    ("JPEG", "claims 65,500 × 2,150"): partial(jpeg_that_claims, "baseline", 65_500, 2150),
    ("JPEG", "claims 65,500 × 65,500"): partial(jpeg_that_claims, "baseline", 65_500, 65_500),
    ("JPEG", "CMYK claims all that may be"): partial(jpeg_that_claims, "CMYK", COLOUR, COLOUR),
    ("JPEG", "progressive claims all that may be"): partial(
        jpeg_that_claims, "progressive", COLOUR, COLOUR
    ),
    ("JPEG", "99 scans"): partial(jpeg_of_scans, GREY, GREY, 90),
    ("JPEG", "200,000 empty segments"): partial(jpeg_of_segments, 200_000),
    ("JPEG", "10,000 scans"): partial(jpeg_of_scans, 4000, 4000, 10_000),
    ("TIFF", "2³¹ strips"): tiff_of_strips,
    ("TIFF", "3,000 fields of the same megabyte"): tiff_of_one_blob_for_all_tags,
    ("TIFF", "a million directories"): partial(tiff_of_many_directories, 1_000_000),
    ("TIFF", "as many deflated pixels as may be"): partial(tiff_deflated, GREY),
    ("TIFF", "553,000 tiles"): tiff_of_small_tiles,
    ("TIFF", "claims much, holds none"): lambda: tiff(
        *plain_fields(GREY, GREY), (279, 4, 1, GREY * GREY), data=bytes(4000)
    ),
    ("TIFF", "a deflated tile of 40,000 squared"): lambda: tiff_of_large_tiles(
        40_000, 8, zlib.compress(bytes(4095) + b"\1")
    ),
    ("TIFF", "a tile of 32,000 squared that inflates"): lambda: tiff_of_large_tiles(
        32_000, 8, deflated(32_000**2 - 1)
    ),
    ("TIFF", "an LZW tile of 40,000 squared"): partial(
        tiff_of_large_tiles, 40_000, 5, b"\x80\1\2\3\4"
    ),
    ("TIFF", "a plain tile of 60,000 squared"): partial(
        tiff_of_large_tiles, 60_000, 1, bytes(5000)
    ),
    ("TIFF", "100,000 deep"): partial(tiff_of_depth, 100_000),
    ("TIFF", "2³¹ depths"): lambda: tiff(
        *plain_fields(64, 64)[:2],
        (258, 3, 2**31 - 1, 8),
        *plain_fields(64, 64)[3:],
        data=bytes(4096),
    ),
}
