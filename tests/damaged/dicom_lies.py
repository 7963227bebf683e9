"""DICOM films whose elements lie: values, types, lengths, sequences, tables and fragments."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from random import Random

from damaged.dicom_bytes import (
    META,
    PIXEL_DATA,
    SYNTAX,
    UNDEFINED,
    Element,
    Elements,
    ended,
    item,
)
from damaged.harm import Harm

UID_ROOT = b"1.2.840.10008."
SYNTAXES = (
    *(b"1.2", b"1.2.1", b"1.2.2", b"1.2.1.99", b"1.2.5", b"1.2.4.50", b"1.2.4.51", b"1.2.4.57"),
    *(b"1.2.4.70", b"1.2.4.80", b"1.2.4.81", b"1.2.4.90", b"1.2.4.91", b"1.2.4.100", b"9.9"),
    *(b"1.2.4.201", b"1.2.4.203", b"1.2.4.110", b"5.1.4.1.1.1", b""),
)
SHORTS = {
    **{(0x28, 0x02): "samples", (0x28, 0x06): "planes", (0x28, 0x10): "rows"},
    **{(0x28, 0x11): "columns", (0x28, 0x100): "allocated", (0x28, 0x101): "stored"},
    **{(0x28, 0x102): "high bit", (0x28, 0x103): "sign"},
}
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 64, 255, 1000, 40_000, 65_535)
TEXTS = {
    **{(0x08, 0x05): b"CS", (0x08, 0x16): b"UI", (0x08, 0x20): b"DA", (0x08, 0x60): b"CS"},
    **{(0x10, 0x10): b"PN", (0x10, 0x20): b"LO", (0x10, 0x30): b"DA", (0x10, 0x40): b"CS"},
    **{(0x10, 0x1010): b"AS", (0x18, 0x15): b"CS", (0x18, 0x1164): b"DS", (0x18, 0x5101): b"CS"},
    **{(0x20, 0x60): b"CS", (0x28, 0x04): b"CS", (0x28, 0x08): b"IS", (0x28, 0x30): b"DS"},
    **{(0x28, 0x301): b"CS", (0x28, 0x1050): b"DS", (0x28, 0x1051): b"DS", (0x28, 0x1052): b"DS"},
    **{(0x28, 0x1053): b"DS", (0x28, 0x1055): b"LO", (0x28, 0x1056): b"CS"},
    **{(0x2050, 0x20): b"CS"},
}
VALUES = (
    *(
        b"",
        b" ",
        b"0",
        b"-1",
        b"1",
        b"1e400",
        b"-1e308",
        b"1e-320",
        b"NaN",
        b"inf",
        b"abc",
        b"0x10",
    ),
    *(b"1\\2", b"\\", b"\\\\\\\\", b"0\\0", b"1\\NaN", b"-5\\5", b"1e308\\1e308", b"\0\0\0\0"),
    *(b"ISO_IR 192", b"ISO 2022 IR 87", b"ISO_IR 9999", b"\\ISO 2022 IR 149", b"SIGMOID"),
    *(b"LINEAR_EXACT", b"MONOCHROME1", b"RGB", b"YBR_FULL", b"YBR_FULL_422", b"PALETTE COLOR"),
    *(b"YBR_ICT", b"ARGB", b"INVERSE", b"999Y", b"-01Y", b"000D", b"20241399", b"99999999"),
    *(b"\x1b[31mred\x07", b"\xff\xfe\xfd", b"line\nline\r\n", b"9" * 300, b"x" * 60_000),
    *(b"1\\" * 20_000, "Ünïcode".encode(), b"\x1b$B\x1b(B\x1b$)C", b"12345678901234567890"),
)
TYPES = (b"US", b"SS", b"UL", b"FD", b"DS", b"IS", b"SQ", b"OB", b"OW", b"UN", b"AT", b"PN", b"ZZ")
LENGTHS = (0, 1, 2, 3, 7, 100, 65_534, 65_535, 2**24, 2**31 - 1, 2**31, 2**32 - 2, UNDEFINED)
Change = Callable[[Elements, Random], None]


def lie(change: Change) -> Harm:
    """The harm that takes a film apart, changes it and puts it together."""

    @wraps(change)
    def harm(film: bytes, rng: Random) -> bytes:
        elements = Elements.of(film)
        change(elements, rng)
        return elements.stored()

    return harm


def numbers(film: Elements, rng: Random) -> None:
    """Sizes, depths and counts of samples that are another film's."""
    for tag in rng.sample(sorted(SHORTS), rng.choice((1, 1, 2, 3))):
        value = film.numbers(rng.choice(NUMBERS))
        film.put(
            Element(tag, film.of_type(b"US"), rng.choice((value, value, value * 3, value[:1])))
        )


def texts(film: Elements, rng: Random) -> None:
    """Windows, slopes, ages, dates, units and character sets that are none."""
    for tag in rng.sample(sorted(TEXTS), rng.choice((1, 2, 5))):
        value = rng.choice(VALUES)
        film.put(Element(tag, film.of_type(TEXTS[tag]), value + b" " * (len(value) % 2)))


def order(film: Elements, rng: Random) -> None:
    """Elements lost, doubled or out of order."""
    for _ in range(rng.choice((1, 1, 4))):
        taken = film.body.pop(rng.randrange(len(film.body)))
        for _ in range(rng.choice((0, 0, 2))):
            film.body.insert(rng.randint(0, len(film.body)), taken)


def types(film: Elements, rng: Random) -> None:
    """Value representations that are another's, or that there are not."""
    at = rng.randrange(len(film.body))
    if film.explicit:
        film.body[at] = replace(film.body[at], representation=rng.choice(TYPES))
    else:  # one element in the other syntax, as some devices write
        film.body[at] = replace(film.body[at], representation=rng.choice((b"OB", b"US", b"PN")))


def lengths(film: Elements, rng: Random) -> None:
    """An element that says that it is longer or shorter than it is."""
    which = rng.choice((film.body, film.body, film.meta))
    at = rng.choice((rng.randrange(len(which)), len(which) - 1))
    which[at] = which[at].lying(rng.choice((*LENGTHS, len(which[at].value) + rng.randint(-9, 9))))


def syntax(film: Elements, rng: Random) -> None:
    """A transfer syntax declared in which the film is not stored."""
    uid = rng.choice(SYNTAXES)
    value = UID_ROOT + uid if uid else b""
    changed = Element(SYNTAX, b"UI", value + b"\0" * (len(value) % 2))
    film.meta = [changed if one.tag == SYNTAX else one for one in film.meta]


def meta(film: Elements, rng: Random) -> None:
    """File meta information that lacks something or says it twice."""
    at = rng.randrange(len(film.meta))
    again = [film.meta[at]] * rng.choice((0, 0, 2))
    film.meta = film.meta[:at] + again + film.meta[at + 1 :] or [film.meta[0]]
    if film.meta[0].tag != (2, 0):  # a length of 4 bytes is put there again
        film.meta.insert(0, Element((2, 0), b"UL", bytes(4)))


def bare(film: bytes, rng: Random) -> bytes:
    """No preamble, no file meta information either, or the one again behind the other."""
    start = META + 12 + struct.unpack_from("<I", film, META + 8)[0]
    return rng.choice((film[META:], film[start:], film[:META] + film[start:], film[:META] + film))


def nested(film: Elements, rng: Random) -> None:
    """Sequences in sequences, with and without lengths, ended or not."""
    depth = rng.choice((5, 50, 400, 2000))
    film.put(sequence(film, (0x09, 0x1001), depth, rng.random() < 0.5, rng.random() < 0.7))


def sequence(
    film: Elements, tag: tuple[int, int], depth: int, defined: bool, is_ended: bool
) -> Element:
    """`depth` sequences of one item each around nothing; ended if `is_ended` and not `defined`."""
    kind = film.of_type(b"SQ")
    if defined:
        content = b""
        for _ in range(depth):
            content = item(film.order, Element(tag, kind, content).stored(film.order))
        return Element(tag, kind, content)
    opening = item(film.order, b"", UNDEFINED) + Element(tag, kind, b"", UNDEFINED).stored(
        film.order
    )
    closing = ended(film.order) + ended(film.order, 0xE00D)
    content = opening * depth + (closing * depth + ended(film.order) if is_ended else b"")
    return Element(tag, kind, content, UNDEFINED)


def tables(film: Elements, rng: Random) -> None:
    """Lookup tables whose descriptors lie, whose data lack, or that come a thousand times."""
    descriptor = [rng.choice((0, 1, 2, 255, 256, 4096, 65_535, 32_768)) for _ in range(3)]
    descriptor[2] = rng.choice((0, 1, 8, 10, 12, 16, 17, 65_535))
    data = rng.randbytes(2 * rng.choice((0, 1, 255, 256, 4096)))
    tag = rng.choice(((0x28, 0x3010), (0x28, 0x3000), (0x28, 0x1101)))
    if tag[1] == 0x1101:
        for colour in range(3):
            value = film.numbers(*descriptor)
            film.put(Element((0x28, 0x1101 + colour), film.of_type(b"US"), value))
            film.put(Element((0x28, 0x1201 + colour), film.of_type(b"OW"), data))
        return
    kind = film.of_type(rng.choice((b"US", b"SS")))
    one = Element((0x28, 0x3002), kind, film.numbers(*descriptor)).stored(film.order)
    one += Element((0x28, 0x3006), film.of_type(b"OW"), data).stored(film.order)
    kept = rng.choice((one, one, one[: rng.randrange(len(one))], b""))
    content = item(film.order, kept) * rng.choice((0, 1, 1, 2, 300))
    film.put(Element(tag, film.of_type(b"SQ"), content))


def pixels(film: Elements, rng: Random) -> None:
    """Pixels too few, too many, of odd length, in strange fragments, or not there."""
    at = film.place(PIXEL_DATA)
    assert at is not None
    pixel_data = film.body[at]
    if pixel_data.claims == UNDEFINED:
        film.body[at] = replace(pixel_data, value=_fragments(pixel_data.value, rng))
        return
    kept = pixel_data.value[: rng.randrange(len(pixel_data.value))]
    more = pixel_data.value * rng.choice((2, 3)) + b"\0"
    fragments = item("<", b"") + item("<", kept) + ended("<")
    film.body[at] = rng.choice(
        (
            replace(pixel_data, value=kept),
            replace(pixel_data, value=more),
            replace(pixel_data, value=fragments, claims=UNDEFINED),
            replace(pixel_data, tag=(0x7FE0, rng.choice((0x08, 0x09, 0x11)))),
        )
    )


def _fragments(stored: bytes, rng: Random) -> bytes:
    """Of a basic offset table and one fragment."""
    table = struct.unpack_from("<I", stored, 4)[0]
    stream = stored[8 + table + 8 : -8]
    cut = rng.randrange(len(stream))
    offsets = struct.pack("<3I", *(rng.choice((0, 1, 2**31, 2**32 - 1)) for _ in range(3)))
    empty, end = item("<", b""), ended("<")
    return rng.choice(
        (
            empty + item("<", stream[:cut]) + end,
            empty + item("<", stream[:cut]) + item("<", stream[cut:]) + end,
            empty + item("<", stream, rng.choice(LENGTHS)) + end,
            item("<", offsets) + item("<", stream) + end,
            item("<", stream) + end,
            empty + item("<", stream) * 3 + end,
            empty * 200 + item("<", stream),
            empty + end,
            empty + stream,
            item("<", b"", UNDEFINED) + item("<", stream) + end,
            b"",
        )
    )


def codestream(film: Elements, rng: Random) -> None:
    """A few wrong bytes where the compressed stream has its header; of plain pixels anywhere."""
    at = film.place(PIXEL_DATA)
    assert at is not None
    damaged = bytearray(film.body[at].value)
    for _ in range(rng.choice((1, 1, 2, 6))):
        place = rng.randrange(8, min(170, len(damaged)))
        damaged[place] = rng.choice((0, 1, 255, 127, damaged[place] ^ 1 << rng.randrange(8)))
    film.body[at] = replace(film.body[at], value=bytes(damaged))


def strange(film: Elements, rng: Random) -> None:
    """Elements of any group, type and content, overlays and icons among them."""
    tags = (
        *((0x6000, 0x10), (0x6000, 0x3000), (0x0088, 0x0200), (0x0009, 0x0010), (0x0008, 0x0001)),
        *((0x5400, 0x0100), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD), (0xFFFC, 0xFFFC), (0x0000, 0x0000)),
        *((0x0028, 0x9110), (0x0018, 0x6011), (0x0040, 0x9096), (0x0028, 0x0034)),
    )
    for _ in range(rng.choice((1, 3))):
        kind = film.of_type(rng.choice(TYPES))
        film.put(Element(rng.choice(tags), kind, rng.randbytes(rng.choice((0, 2, 7, 64, 4000)))))


LIES: dict[str, Harm] = {
    "lying numbers": lie(numbers),
    "lying texts": lie(texts),
    "elements out of order": lie(order),
    "lying types": lie(types),
    "lying lengths": lie(lengths),
    "wrong transfer syntax": lie(syntax),
    "lying meta information": lie(meta),
    "no meta information": bare,
    "nested sequences": lie(nested),
    "lying tables": lie(tables),
    "lying pixels": lie(pixels),
    "lying codestream": lie(codestream),
    "strange elements": lie(strange),
}
