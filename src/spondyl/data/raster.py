"""JPEG, PNG and TIFF decoded to floats; only `pixels` calls this.

Pillow decodes, opened by its plugin classes and not by `Image.open`: that way its global limit of
decompression bombs has no part, and the limit is ours: the memory that decoding will take, so that
a colour film may have fewer pixels than a grey one. Two things it gets wrong in silence are done by
others: it cuts 16-bit colour to 8 bits (OpenCV reads it from PNG, tifffile from TIFF), and it
leaves 16-bit TIFF whose white is zero as it is (inverted here).
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL.Image import DecompressionBombError
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from spondyl.data import png_chunks
from spondyl.data.jpeg_scans import n_scans
from spondyl.data.unheard import PRINTS_UNHEARD, WARNINGS_UNHEARD
from spondyl.errors import SpondylError

_OPENERS: dict[str, Callable[[BufferedReader], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "TIFF": TiffImageFile,
}
FORMATS = tuple(_OPENERS)

_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I;16B", "I;16L"}
LARGEST_BYTES = 10**9
"""What decoding one film may take, the file itself included."""
_PIXEL_BYTES = {"1": 7, "L": 7, "LA": 11, "I;16": 11, "I;16B": 11, "I;16L": 11}
_COLOUR_BYTES = 27
"""For each pixel at the worst moment, as measured over all formats; colour with its grey."""
_MOST_SCANS = 100
"""Of a JPEG; progressive ones have about ten, and each costs a pass over all pixels."""
_MOST_TILES = 100_000
"""Of a TIFF; a strip may be one row. Pillow takes some 20 µs for each."""
_MOST_PICTURES = 99
_BLOCK = 2**20
"""Pixels on which alpha is laid at a time."""
_FULL_SCALE = {"b": 1, "u1": 255, "u2": 65535}

_BITS, _PHOTOMETRIC, _ORIENTATION = 258, 262, 274
_RESOLUTION, _TILE_WIDTH, _TILE_LENGTH, _SAMPLE_FORMAT = 282, 322, 323, 339
_WHITE_IS_ZERO, _UNSIGNED, _UNASSOCIATED_ALPHA = 0, 1, 2

_FAULTS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
    *(EOFError, AssertionError, RuntimeError, ImportError, MemoryError, struct.error, zlib.error),
    *(cv2.error, DecompressionBombError),
)
"""What decoders were seen to raise, or may, for a damaged file."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as a viewer shows it: turned upright by its EXIF orientation."""

    height: int
    width: int
    mode: str
    """Pillow's mode of the stored pixels; "RGB;16" and "RGBA;16" for what Pillow would cut."""
    dpi: float | None
    """Dots per inch along the rows, where stated."""


def opened(stream: BufferedReader, file_format: str, path: str | Path) -> ImageFile:
    """The image of `stream`, its header read and no pixel decoded; the stream must stay open.

    Raises `SpondylError` where it is damaged, has several frames or a depth that is not read.
    """
    with _faults_of(path, file_format):
        image = _OPENERS[file_format](stream)
        n_pictures = _n_pictures(image)
        bits = _bits(image, stream)
    if n_pictures > 1:
        many = n_pictures if n_pictures <= _MOST_PICTURES else f"more than {_MOST_PICTURES}"
        raise SpondylError(
            f"{path}: holds {many} pictures; one film a file is needed",
            "Save each picture as a file of its own.",
        )
    if bits not in (1, 2, 4, 8, 16) or image.mode not in _MODES:
        raise SpondylError(
            f"{path}: its pixels (Pillow mode {image.mode}) are not unsigned whole numbers of 1 to "
            "16 bits, grey or colour, so what is black and what is white is not stated",
            "Export it as a 16-bit grey PNG or TIFF.",
        )
    return image


def shown(image: ImageFile, stream: BufferedReader, path: str | Path) -> Shown:
    """Size after the EXIF rotation, mode and resolution, from the header of `image`.

    Raises `SpondylError` where decoding would take more than `LARGEST_BYTES`, or too many scans.
    """
    _refuse_cost(image, stream, path)
    with _faults_of(path, image.format):
        sideways = _orientation(image, stream) >= 5
        deep = _is_deep_colour(image, stream)
        dpi = _dpi(image, 1 if sideways else 0)
    turned = sideways and image.format != "TIFF"  # Pillow states a TIFF's size as shown
    height, width = (image.width, image.height) if turned else (image.height, image.width)
    return Shown(height, width, f"{image.mode};16" if deep else image.mode, dpi)


def samples(image: ImageFile, stream: BufferedReader, path: str | Path) -> NDArray[np.float32]:
    """(H, W), where there is no colour, or (H, W, 3) float32 in [0, 1], upright, alpha laid over
    black.

    Raises `SpondylError` where the pixels are damaged or incomplete.
    """
    with _faults_of(path, image.format):
        orientation = _orientation(image, stream)
        deep = _is_deep_colour(image, stream)
        with PRINTS_UNHEARD if deep or _is_for_libtiff(image) else nullcontext():
            if not deep:
                stored = _ordinary(image)
                turned = stored if image.format == "TIFF" else _upright(stored, orientation)
            else:
                stored = _deep_tiff(stream) if image.format == "TIFF" else _deep_png(image, stream)
                turned = _upright(stored, orientation)
        return _unit_over_black(_without_copies(turned))


@contextmanager
def _faults_of(path: str | Path, file_format: str | None) -> Iterator[None]:
    try:
        with WARNINGS_UNHEARD:
            yield
    except _FAULTS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SpondylError(
            f"{path}: cannot be decoded as {file_format} ({reason})",
            "It is damaged, cut short or of a rare kind: copy it again, or export it as PNG.",
        ) from error


def _n_pictures(image: ImageFile) -> int:
    """How many, counted no further than is needed to say that they are too many."""
    if not isinstance(image, TiffImageFile):
        return getattr(image, "n_frames", 1)
    n_pictures = 1
    with suppress(EOFError):
        while n_pictures <= _MOST_PICTURES:
            image.seek(n_pictures)
            n_pictures += 1
    image.seek(0)
    return n_pictures


def _refuse_cost(image: ImageFile, stream: BufferedReader, path: str | Path) -> None:
    each = _PIXEL_BYTES.get(image.mode, _COLOUR_BYTES)
    if "transparency" in image.info:  # decoded as colour with alpha
        each = _COLOUR_BYTES
    with _faults_of(path, image.format):
        cost = each * _n_pixels(image) + os.fstat(stream.fileno()).st_size
    if cost > LARGEST_BYTES:
        raise SpondylError(
            f"{path}: {image.height} × {image.width} pixels (Pillow mode {image.mode}) would take "
            f"{cost / 1e9:.1f} GB to decode; {LARGEST_BYTES / 1e9:.0f} GB is the limit",
            "Scale it down, or save it as 8-bit grey; a file that asks so much may be damaged.",
        )
    if len(image.tile) > _MOST_TILES:
        raise SpondylError(
            f"{path}: is stored in {len(image.tile)} pieces; at most {_MOST_TILES} are read",
            "No film is stored so; it is damaged or malicious. Export it again.",
        )
    if image.format == "JPEG" and _n_scans(stream) > _MOST_SCANS:
        raise SpondylError(
            f"{path}: has more than {_MOST_SCANS} scans, each of them a pass over all pixels",
            "No film is stored so; it is damaged or malicious. Export it again.",
        )


def _n_pixels(image: ImageFile) -> int:
    """Of the picture, or of one tile where that is said to be larger: it is decoded whole."""
    n_pixels = image.width * image.height
    if not isinstance(image, TiffImageFile):
        return n_pixels
    width, length = (image.tag_v2.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_LENGTH))
    return max(n_pixels, int(width) * int(length))


def _n_scans(stream: BufferedReader) -> int:
    position = stream.tell()
    found = n_scans(stream, _MOST_SCANS)
    stream.seek(position)
    return found


def _bits(image: ImageFile, stream: BufferedReader) -> int:
    """Bits per sample as stored; 0 for anything but unsigned whole numbers of one depth."""
    if isinstance(image, PngImageFile):
        return _at(stream, 24, 1)[0]  # in IHDR, which is always first
    if not isinstance(image, TiffImageFile):
        return 8
    depths = set(image.tag_v2.get(_BITS, (1,)))
    kinds = set(image.tag_v2.get(_SAMPLE_FORMAT, (_UNSIGNED,)))
    return int(depths.pop()) if len(depths) == 1 and kinds == {_UNSIGNED} else 0


def _is_deep_colour(image: ImageFile, stream: BufferedReader) -> bool:
    return image.mode in ("LA", "RGB", "RGBA") and _bits(image, stream) == 16


def _orientation(image: ImageFile, stream: BufferedReader) -> int:
    """The EXIF orientation, 1 … 8, where 1 is upright; 1 where nothing valid is stated."""
    if isinstance(image, PngImageFile) and "exif" not in image.info:
        image.info["exif"] = png_chunks.exif(stream)  # else Pillow decodes all in search of it
    stated = image.getexif().get(_ORIENTATION, 1)
    return stated if stated in range(1, 9) else 1


def _at(stream: BufferedReader, offset: int, n_bytes: int) -> bytes:
    """Bytes of the file, leaving the stream where Pillow left it."""
    position = stream.tell()
    stream.seek(offset)
    found = stream.read(n_bytes)
    stream.seek(position)
    return found


def _dpi(image: ImageFile, axis: int) -> float | None:
    stated = image.info.get("dpi")
    if image.format == "JPEG" and not image.info.get("jfif_unit"):
        # Pillow says 72 of a JPEG with EXIF that states nothing
        stated = stated if _RESOLUTION in image.getexif() else None
    if stated is None:
        return None
    dpi = float(stated[axis])
    return dpi if math.isfinite(dpi) and dpi > 0 else None


def _is_for_libtiff(image: ImageFile) -> bool:
    return any(tile[0] == "libtiff" for tile in image.tile)


def _ordinary(image: ImageFile) -> NDArray[Any]:
    """What Pillow reads rightly, as stored: anything of up to 8 bits, and 16-bit grey."""
    image.load()
    key = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        grey = np.asarray(image)
        if isinstance(image, TiffImageFile) and image.tag_v2[_PHOTOMETRIC] == _WHITE_IS_ZERO:
            return ~grey
        return grey if key is None else np.where(grey == key, grey.dtype.type(0), grey)
    if key is not None or image.mode == "PA":
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image.convert("RGB") if image.mode in ("P", "CMYK", "YCbCr") else image)


def _deep_png(image: ImageFile, stream: BufferedReader) -> NDArray[Any]:
    image.load()  # refuses a file cut short, which OpenCV would fill with black
    file = np.frombuffer(png_chunks.of_pixels(stream), dtype=np.uint8)
    decoded = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.ndim != 3 or decoded.shape[:2] != (image.height, image.width):
        raise ValueError("OpenCV finds it damaged")
    decoded[..., [0, 2]] = decoded[..., [2, 0]]
    return decoded


def _deep_tiff(stream: BufferedReader) -> NDArray[Any]:
    stream.seek(0)
    with tifffile.TiffFile(stream) as file:
        page = file.pages.first
        if page.imagedepth != 1:
            raise ValueError("it has more than two dimensions")
        stored = page.asarray()
        if page.axes == "SYX":
            stored = np.moveaxis(stored, 0, -1)
        has_alpha = tuple(page.extrasamples[:1]) == (_UNASSOCIATED_ALPHA,)
    # associated alpha is multiplied in already, which is what laying over black means
    return stored[..., :4] if has_alpha else stored[..., :3]


def _upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """`values` turned as EXIF asks (JEITA CP-3451, tag 0112H)."""
    if orientation >= 5:
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return values


def _without_copies(stored: NDArray[Any]) -> NDArray[Any]:
    """(H, W) of an (H, W, 3) whose channels are equal, before floats make it four times as large;
    anything else as it is."""
    if stored.ndim != 3 or stored.shape[2] != 3:
        return stored
    red, green, blue = (stored[..., channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.ascontiguousarray(red)
    return stored


def _unit_over_black(stored: NDArray[Any]) -> NDArray[np.float32]:
    """Whole numbers (H, W), (H, W, 2 with alpha), (H, W, 3) or (H, W, 4 with alpha) → floats
    (H, W) or (H, W, 3); alpha is laid some rows at a time, since floats are four times as large."""
    height, width, *channels = stored.shape
    full = _FULL_SCALE["b" if stored.dtype.kind == "b" else stored.dtype.str[1:]]
    unit = np.empty((height, width, 3) if channels and channels[0] > 2 else (height, width), "f4")
    if not channels or channels[0] == 3:
        return np.divide(stored, full, out=unit, dtype=np.float32)
    n_rows = max(1, _BLOCK // max(1, width))
    for top in range(0, height, n_rows):
        rows = slice(top, top + n_rows)
        values = np.divide(stored[rows], full, dtype=np.float32)
        over = values[..., :-1] * values[..., -1:]
        unit[rows] = over if unit.ndim == 3 else over[..., 0]
    return unit
