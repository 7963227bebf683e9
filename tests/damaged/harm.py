"""Damage that asks nothing of the format: what discs, networks and copying do to a file.

Every function takes the bytes of a sound film and a source of chance, and gives damaged bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Harm = Callable[[bytes, Random], bytes]

HEADER = 700
"""Bytes in which all small films of ours have their headers."""
MAGICS = (
    *(b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    *(b"GIF89a", b"BM", b"%PDF-1.7", b"\0\0\0\x0cjP  ", b"\0" * 128 + b"DICM", b"PK\3\4"),
)


def truncated(film: bytes, rng: Random) -> bytes:
    """Cut in its first bytes, anywhere, or just before its end."""
    places = (rng.randrange(min(200, len(film))), rng.randrange(len(film)), -rng.randint(1, 40))
    return film[: rng.choice(places)]


def flipped_header(film: bytes, rng: Random) -> bytes:
    return _flipped(film, rng, min(HEADER, len(film)), rng.randint(1, 6))


def flipped_anywhere(film: bytes, rng: Random) -> bytes:
    return _flipped(film, rng, len(film), rng.choice((1, 2, 8, 64)))


def _flipped(film: bytes, rng: Random, end: int, n_bits: int) -> bytes:
    damaged = bytearray(film)
    for _ in range(n_bits):
        damaged[rng.randrange(end)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def extreme_bytes(film: bytes, rng: Random) -> bytes:
    """Runs of two to eight bytes in the header that are all 0, all 1, or small."""
    damaged = bytearray(film)
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(min(HEADER, len(film)))
        run = rng.choice((b"\0\0", b"\xff\xff", b"\0\0\0\0", b"\xff" * 4, b"\x7f\xff\xff\xff"))
        damaged[start : start + len(run)] = rng.choice((run, run[::-1]))
    return bytes(damaged)


def erased(film: bytes, rng: Random) -> bytes:
    """A block of zeros or ones, as a bad sector leaves it."""
    start = rng.randrange(len(film))
    size = min(rng.choice((16, 512, 4096)), len(film) - start)
    return film[:start] + rng.choice((b"\0", b"\xff")) * size + film[start + size :]


def shifted(film: bytes, rng: Random) -> bytes:
    """Some bytes lost, doubled or put in between, so that all offsets behind them are wrong."""
    start, size = rng.randrange(len(film)), rng.choice((1, 3, 64))
    between = rng.choice((b"", film[start : start + size] * 2, rng.randbytes(size)))
    return film[:start] + between + film[start + size :]


def newlines_translated(film: bytes, rng: Random) -> bytes:
    """As a transfer in text mode does."""
    old, new = rng.choice(((b"\n", b"\r\n"), (b"\r\n", b"\n"), (b"\r", b"")))
    return film.replace(old, new)


def garbage_behind_header(film: bytes, rng: Random) -> bytes:
    kept = rng.randrange(4, min(HEADER, len(film)))
    return film[:kept] + rng.randbytes(rng.choice((40, 3000)))


def appended(film: bytes, rng: Random) -> bytes:
    """Something behind the end: noise, zeros, or the film once more."""
    return film + rng.choice((rng.randbytes(2000), b"\0" * 100_000, film))


def wrong_magic(film: bytes, rng: Random) -> bytes:
    """The first bytes of another format before the rest of this one."""
    magic = rng.choice(MAGICS)
    return magic + film[rng.choice((0, len(magic))) :]


HARMS: dict[str, Harm] = {
    "truncated": truncated,
    "flipped, header": flipped_header,
    "flipped, anywhere": flipped_anywhere,
    "extreme bytes": extreme_bytes,
    "erased block": erased,
    "shifted": shifted,
    "newlines translated": newlines_translated,
    "garbage behind header": garbage_behind_header,
    "garbage appended": appended,
    "wrong magic": wrong_magic,
}
