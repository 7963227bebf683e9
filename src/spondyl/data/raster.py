"""JPEG, PNG and TIFF decoded to floats; only `pixels` calls this.

Pillow decodes, opened by its plugin classes and not by `Image.open`: that way neither its global
limit nor its warning of decompression bombs has a part, and the limit is ours. Two things it gets
wrong in silence are done by others: it cuts 16-bit colour to 8 bits (OpenCV reads it from PNG,
tifffile from TIFF), and it leaves 16-bit TIFF whose white is zero as it is (inverted here).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from spondyl.errors import SpondylError

_OPENERS: dict[str, Callable[[BufferedReader], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "TIFF": TiffImageFile,
}
FORMATS = tuple(_OPENERS)

_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I;16B", "I;16L"}
_FULL_SCALE = {"b": 1, "u1": 255, "u2": 65535}

_BITS, _PHOTOMETRIC, _ORIENTATION = 258, 262, 274
_RESOLUTION, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 282, 338, 339
_WHITE_IS_ZERO, _UNSIGNED, _UNASSOCIATED_ALPHA = 0, 1, 2

_FAULTS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
    *(EOFError, AssertionError, RuntimeError, ImportError, MemoryError, struct.error, zlib.error),
    cv2.error,
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
        frames = getattr(image, "n_frames", 1)
        bits = _bits(image, stream)
    if frames > 1:
        raise SpondylError(
            f"{path}: holds {frames} pictures; one film a file is needed",
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
    """Size after the EXIF rotation, mode and resolution, from the header of `image`."""
    with _faults_of(path, image.format):
        sideways = _orientation(image, stream) >= 5
        deep = _is_deep_colour(image, stream)
        dpi = _dpi(image, 1 if sideways else 0)
    turned = sideways and image.format != "TIFF"  # Pillow states a TIFF's size as shown
    height, width = (image.width, image.height) if turned else (image.height, image.width)
    return Shown(height, width, f"{image.mode};16" if deep else image.mode, dpi)


def samples(image: ImageFile, stream: BufferedReader, path: str | Path) -> NDArray[np.float32]:
    """(H, W) or (H, W, 3) float32 in [0, 1], upright, alpha laid over black.

    Raises `SpondylError` where the pixels are damaged or incomplete.
    """
    with _faults_of(path, image.format):
        orientation = _orientation(image, stream)
        if not _is_deep_colour(image, stream):
            values = _ordinary(image)
            return values if image.format == "TIFF" else _upright(values, orientation)
        values = _deep_tiff(stream) if image.format == "TIFF" else _deep_png(image, stream)
        return _upright(values, orientation)


@contextmanager
def _faults_of(path: str | Path, file_format: str | None) -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SpondylError(
            f"{path}: cannot be decoded as {file_format} ({reason})",
            "It is damaged, cut short or of a rare kind: copy it again, or export it as PNG.",
        ) from error


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
        image.info["exif"] = _png_exif(stream)  # else Pillow decodes all in search of it
    stated = image.getexif().get(_ORIENTATION, 1)
    return stated if stated in range(1, 9) else 1


def _png_exif(stream: BufferedReader) -> bytes:
    """The eXIf chunk, which may lie before or after the pixels; empty where there is none."""
    offset = 8
    while len(head := _at(stream, offset, 8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            return _at(stream, offset + 8, length)
        offset += 12 + length
    return b""


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


def _ordinary(image: ImageFile) -> NDArray[np.float32]:
    """What Pillow reads rightly: anything of up to 8 bits, and 16-bit grey."""
    image.load()
    key = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        grey = _unit(np.asarray(image))
        if isinstance(image, TiffImageFile) and image.tag_v2[_PHOTOMETRIC] == _WHITE_IS_ZERO:
            grey = 1 - grey
        return grey if key is None else np.where(np.asarray(image) == key, np.float32(0), grey)
    if key is not None or image.mode == "PA":
        return _over_black(_unit(np.asarray(image.convert("RGBA"))))
    if image.mode in ("P", "CMYK", "YCbCr"):
        return _unit(np.asarray(image.convert("RGB")))
    return _over_black(_unit(np.asarray(image)))


def _deep_png(image: ImageFile, stream: BufferedReader) -> NDArray[np.float32]:
    image.load()  # refuses a file cut short, which OpenCV would fill with black
    stream.seek(0)
    file = np.frombuffer(stream.read(), dtype=np.uint8)
    decoded = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise ValueError("OpenCV finds it damaged")
    values = _unit(decoded)
    return _over_black(values[..., [2, 1, 0, *range(3, values.shape[2])]])


def _deep_tiff(stream: BufferedReader) -> NDArray[np.float32]:
    stream.seek(0)
    with tifffile.TiffFile(stream) as file:
        page = file.pages.first
        values = _unit(page.asarray())
        if page.axes == "SYX":
            values = np.moveaxis(values, 0, -1)
        has_alpha = tuple(page.extrasamples[:1]) == (_UNASSOCIATED_ALPHA,)
    # associated alpha is multiplied in already, which is what laying over black means
    return _over_black(values[..., :4] if has_alpha else values[..., :3])


def _unit(stored: NDArray[Any]) -> NDArray[np.float32]:
    kind = "b" if stored.dtype.kind == "b" else stored.dtype.str[1:]
    unit: NDArray[np.float32] = np.divide(stored, _FULL_SCALE[kind], dtype=np.float32)
    return unit


def _over_black(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W), (H, W, 2 with alpha), (H, W, 3) or (H, W, 4 with alpha) → (H, W) or (H, W, 3)."""
    if values.ndim == 2 or values.shape[2] == 3:
        return np.ascontiguousarray(values)
    over = values[..., :-1] * values[..., -1:]
    return over[..., 0].copy() if over.shape[2] == 1 else over


def _upright(values: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """`values` turned as EXIF asks (JEITA CP-3451, tag 0112H)."""
    if orientation >= 5:
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)
