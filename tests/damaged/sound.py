"""Small sound films, one for each way of storing pixels; what is damaged is made of them."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from damaged import sound_dicom

HEIGHT, WIDTH = 72, 56
ADAM7 = (
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
    *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
)
"""First row, first column and the steps from it, of each pass of a PNG (section 8.2)."""
FAMILIES = ("JPEG", "PNG", "TIFF", "DICOM")


@cache
def films() -> dict[tuple[str, str], bytes]:
    """(family, name) → the file's bytes; the same at every call and on every machine."""
    return {
        (family, name): content
        for family, found in (
            ("JPEG", _jpegs()),
            ("PNG", _pngs()),
            ("TIFF", _tiffs()),
            ("DICOM", sound_dicom.films(grey(8), grey(16), colour(8))),
        )
        for name, content in found.items()
    }


def grey(depth: int) -> NDArray[Any]:
    """(HEIGHT, WIDTH) uint8 or uint16: a bright column on a dark ground, and grain."""
    rng = np.random.default_rng(depth)
    columns = np.linspace(-3, 3, WIDTH)
    film = 0.15 + 0.6 * np.exp(-(columns**2)) + rng.normal(scale=0.04, size=(HEIGHT, WIDTH))
    full = 2**depth - 1
    return (film.clip(0, 1) * full).astype(np.uint8 if depth <= 8 else np.uint16)


def colour(depth: int) -> NDArray[Any]:
    """(HEIGHT, WIDTH, 3), as `grey`."""
    film = grey(depth)
    return np.dstack([film, film[::-1], film // 2])


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG with its length and a checksum that is right."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[274] = 6  # turned
    exif[282] = 150.0
    exif.get_ifd(0x8769)[36867] = "2024:01:02 03:04:05"
    return exif


def _icc() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _saved(image: Image.Image, file_format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def _jpegs() -> dict[str, bytes]:
    plain, coloured = Image.fromarray(grey(8)), Image.fromarray(colour(8))
    return {
        "baseline": _saved(plain, "JPEG", quality=90),
        "colour, EXIF, ICC": _saved(coloured, "JPEG", exif=_exif(), icc_profile=_icc()),
        "progressive": _saved(coloured, "JPEG", progressive=True, exif=_exif(), dpi=(150, 150)),
        "progressive grey": _saved(plain, "JPEG", progressive=True, quality=80),
        "restart": _saved(plain, "JPEG", restart_marker_rows=1, comment=b"a film"),
        "CMYK": _saved(coloured.convert("CMYK"), "JPEG"),
        "two pictures": _saved(plain, "MPO", save_all=True, append_images=[plain]),
    }


def _pngs() -> dict[str, bytes]:
    plain, coloured = Image.fromarray(grey(8)), Image.fromarray(colour(8))
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "a film " * 40, zip=True)
    words.add_itxt("Title", "film", lang="en", zip=True)
    more = {"pnginfo": words, "icc_profile": _icc(), "dpi": (150, 150), "exif": _exif()}
    with_alpha = coloured.copy()
    with_alpha.putalpha(plain)
    return {
        "8 bit, text, ICC, EXIF": _saved(plain, "PNG", **more),
        "1 bit": _saved(Image.fromarray(grey(8) > 90), "PNG"),
        "16 bit": _saved(Image.fromarray(grey(16)), "PNG"),
        "palette": _saved(coloured.quantize(64), "PNG", transparency=3),
        "alpha": _saved(with_alpha, "PNG"),
        "grey alpha": _saved(Image.merge("LA", [plain, plain]), "PNG"),
        "16 bit colour": _png(colour(16), interlaced=False),
        "16 bit alpha": _png(np.dstack([colour(16), grey(16)]), interlaced=False),
        "interlaced": _png(grey(8), interlaced=True),
        "interlaced 16 bit colour": _png(colour(16), interlaced=True),
    }


def _png(samples: NDArray[Any], interlaced: bool) -> bytes:
    """A PNG written from the standard: for what Pillow cannot write."""
    n_channels = 1 if samples.ndim == 2 else samples.shape[2]
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[n_channels]
    head = struct.pack(
        *(">IIBBBBB", WIDTH, HEIGHT, 8 * samples.dtype.itemsize, kind, 0, 0, int(interlaced))
    )
    stored = samples.astype(samples.dtype.newbyteorder(">"))
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    rows = [row for r, c, dr, dc in passes for row in stored[r::dr, c::dc]]
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"".join(
        (b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), chunk(b"IDAT", data), chunk(b"IEND", b""))
    )


def _tiff(samples: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, **{"metadata": None, "software": None} | options)
    return stream.getvalue()


def _tiffs() -> dict[str, bytes]:
    plain, coloured = Image.fromarray(grey(8)), Image.fromarray(colour(8))
    planes = np.ascontiguousarray(np.moveaxis(colour(16), -1, 0))
    with_alpha = np.dstack([colour(16), grey(16)])
    dark, rgb = {"photometric": "minisblack"}, {"photometric": "rgb"}
    return {
        "strips": _tiff(grey(8), rowsperstrip=16, **dark),
        "tiles": _tiff(grey(8), tile=(16, 16), **dark),
        "LZW": _saved(plain, "TIFF", compression="tiff_lzw", dpi=(150, 150)),
        "LZW colour": _saved(coloured, "TIFF", compression="tiff_lzw"),
        "deflate": _saved(plain, "TIFF", compression="tiff_adobe_deflate", exif=_exif()),
        "JPEG": _saved(coloured, "TIFF", compression="jpeg"),
        "packbits": _saved(plain, "TIFF", compression="packbits"),
        "group 4": _saved(Image.fromarray(grey(8) > 90), "TIFF", compression="group4"),
        "palette": _saved(coloured.quantize(64), "TIFF"),
        "big-endian": _tiff(grey(16), byteorder=">", **dark),
        "BigTIFF": _tiff(grey(16), bigtiff=True, **dark),
        "white is zero": _tiff(grey(16), photometric="miniswhite"),
        "16 bit deflate": _tiff(grey(16), compression="zlib", rowsperstrip=16, **dark),
        "16 bit colour": _tiff(colour(16), **rgb),
        "16 bit colour tiles": _tiff(colour(16), tile=(16, 16), compression="zlib", **rgb),
        "16 bit planes": _tiff(planes, planarconfig="separate", **rgb),
        "16 bit alpha": _tiff(with_alpha, extrasamples=["unassalpha"], bigtiff=True, **rgb),
    }
