"""The one door for pixels: a file goes in, an array in [0, 1] with bright = dense comes out.

A file is known by its first bytes, never by its name. Its header is read and judged before any
pixel is decoded, so a decompression bomb costs nothing. Values are divided by what their depth can
hold (255, 65535) and never stretched to what a film happens to use: the same film is the same array
in every lossless format, at the price that a 12-bit film stored in 16 bits stays dark. Gamma and
colour profiles are not applied. DICOM says more than its pixels: its levels are applied as it
states them (`dicom.grey`), and without any it is the same array as its PNG.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile

from spondyl.data import raster
from spondyl.data.dicom import film as dicom_film
from spondyl.data.dicom.beginning import HEAD, begins_as_dicom
from spondyl.data.dicom.facts import DicomFacts
from spondyl.data.dicom.film import DicomFilm
from spondyl.data.radiograph import FileFacts
from spondyl.errors import SpondylError

SMALLEST_SIDE = 8
"""Pixels; anything smaller is an icon or an accident."""
LARGEST_PIXELS = 200_000_000

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Red, green, blue (ITU-R BT.601), as Pillow weighs them."""

_MAGIC = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (8, b"WEBP", "WebP"),
    (4, b"jP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (4, b"ftyp", "HEIC, AVIF or video"),
    (0, b"%PDF", "PDF"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """The picture of one film. Its arrays are read-only."""

    grey: NDArray[np.float32]
    """(H, W) in [0, 1], bright = dense (bone)."""
    rgb: NDArray[np.float32] | None
    """(H, W, 3) in [0, 1] where the picture has colour; None where its channels are equal."""
    spacing_mm: tuple[float, float] | None
    """(row, column) millimetres per pixel where the file states it: on the patient or on the
    detector, as `dicom.spacing_kind` says. Dots per inch speak of paper: JPEG, PNG and TIFF state
    no spacing."""
    facts: FileFacts
    dicom: DicomFacts | None = None
    """What the header says; None where the file is not DICOM."""

    def __post_init__(self) -> None:
        for array in (self.grey, self.rgb):
            if array is not None:
                array.setflags(write=False)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width = self.grey.shape
        return height, width


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of its film before any pixel is decoded."""

    facts: FileFacts
    dicom: DicomFacts | None = None
    """None where the file is not DICOM. What is noted in decoding is not yet among its notes."""


def read(path: str | Path) -> Pixels:
    """The film in a JPEG, PNG, TIFF or DICOM file, turned upright as its EXIF says.

    Takes 1 to 16 bits per sample, grey, RGB, palette, CMYK (converted to RGB) and alpha (laid over
    black); TIFF whose white is zero is inverted. Of a JPEG with several pictures (MPO) the first.
    Of DICOM the radiographs of one frame and captures of them (`dicom.kinds`), with the levels and
    the white that they state.

    Raises `SpondylError` for what cannot be read as such: no file, a damaged or truncated one,
    another format, several frames, over `LARGEST_PIXELS`, a side under `SMALLEST_SIDE`, blank.
    """
    with _opened(path) as stream:
        file_format = _format(stream, path)
        spacing_mm = dicom = None
        if file_format == "DICOM":
            film, facts = _dicom_header(stream, path)
            samples, dicom = dicom_film.decoded(film, path)
            spacing_mm = film.spacing_mm
        else:
            image, facts = _header(stream, file_format, path)
            samples = raster.samples(image, stream, path)
    grey, rgb = _grey_and_rgb(samples)
    if grey.min() == grey.max():
        raise SpondylError(
            f"{path}: every pixel has the same value, so there is no film in it",
            "Export the film again, or leave it out.",
        )
    return Pixels(grey, rgb, spacing_mm, facts, dicom)


def header(path: str | Path) -> Header:
    """What the header of an image file says, and its SHA-256; no pixel is decoded.

    Raises `SpondylError` as `read` does, for all that can be seen without decoding.
    """
    with _opened(path) as stream:
        file_format = _format(stream, path)
        if file_format == "DICOM":
            film, facts = _dicom_header(stream, path)
            return Header(facts, film.facts)
        return Header(_header(stream, file_format, path)[1])


def facts(path: str | Path) -> FileFacts:
    """What `header` says of the file itself."""
    return header(path).facts


@contextmanager
def _opened(path: str | Path) -> Iterator[BufferedReader]:
    _refuse_unless_file(path)
    try:
        with Path(path).open("rb") as stream:
            yield stream
    except OSError as error:
        raise _unreadable(path, error) from error


def _refuse_unless_file(path: str | Path) -> None:
    try:
        kind = Path(path).stat().st_mode
    except FileNotFoundError as error:
        raise SpondylError(f"{path}: no such file", "Check the path.") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(kind):
        found = "a folder" if stat.S_ISDIR(kind) else "not a regular file"
        raise SpondylError(f"{path}: is {found}", "Name one image file.")


def _unreadable(path: str | Path, error: OSError | ValueError) -> SpondylError:
    reason = getattr(error, "strerror", None) or error
    return SpondylError(f"{path}: cannot be read ({reason})", "Check the path and its rights.")


def _header(
    stream: BufferedReader, file_format: str, path: str | Path
) -> tuple[ImageFile, FileFacts]:
    image = raster.opened(stream, file_format, path)
    _refuse_size(image.height, image.width, path)
    shown = raster.shown(image, stream, path)
    return image, FileFacts(
        image.format or "",
        shown.height,
        shown.width,
        shown.mode,
        os.fstat(stream.fileno()).st_size,
        shown.dpi,
        _digest(stream),
    )


def _dicom_header(stream: BufferedReader, path: str | Path) -> tuple[DicomFilm, FileFacts]:
    film = dicom_film.opened(stream, path)
    height, width = film.layout.rows, film.layout.columns
    _refuse_size(height, width, path)
    n_bytes = os.fstat(stream.fileno()).st_size
    return film, FileFacts("DICOM", height, width, film.mode, n_bytes, None, _digest(stream))


def _digest(stream: BufferedReader) -> str:
    stream.seek(0)
    return hashlib.file_digest(stream, "sha256").hexdigest()


def _format(stream: BufferedReader, path: str | Path) -> str:
    """JPEG, PNG, TIFF or DICOM, by the first bytes of the file; all else is refused."""
    head = stream.read(HEAD)
    stream.seek(0)
    if not head:
        raise SpondylError(f"{path}: the file is empty", "Copy it again from its source.")
    if begins_as_dicom(head):  # first: the 128 bytes before its mark may be those of a TIFF
        return "DICOM"
    hint = "JPEG, PNG, TIFF and DICOM are accepted: convert it to PNG or TIFF, or leave it out."
    for offset, magic, name in _MAGIC:
        if head[offset:].startswith(magic):
            if name in raster.FORMATS:
                return name
            raise SpondylError(f"{path}: the format {name} is not accepted", hint)
    raise SpondylError(f"{path}: is not an image", hint)


def _refuse_size(height: int, width: int, path: str | Path) -> None:
    if min(height, width) < SMALLEST_SIDE:
        raise SpondylError(
            f"{path}: {height} × {width} pixels is too small for a film; at least "
            f"{SMALLEST_SIDE} a side are needed",
            "Is it a thumbnail? Use the full film.",
        )
    if height * width > LARGEST_PIXELS:
        raise SpondylError(
            f"{path}: {height} × {width} pixels is over the limit of "
            f"{LARGEST_PIXELS // 1_000_000} million",
            "A file that claims so much is damaged, malicious or no film; scale it down.",
        )


def _grey_and_rgb(
    samples: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    if samples.ndim == 2:
        return samples, None
    red, green, blue = (samples[..., channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.ascontiguousarray(red), None
    return np.minimum(samples @ _LUMA, np.float32(1)), samples
