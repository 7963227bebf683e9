"""How the pixels of a film are stored (PS3.3 C.7.6.3), judged before any of them is read.

All that is wrong is said at once. What a film never needs is refused instead of guessed at: more
than 16 bits, bits that do not fill whole bytes, samples that are neither one nor three. Memory is
bounded by the number of samples, whatever the transfer syntax costs, at the price that films above
80 million samples are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from spondyl.data.dicom.values import number, text
from spondyl.errors import Problem, SpondylError

LARGEST_SAMPLES = 80_000_000
"""Rows × columns × samples per pixel: the decoder of JPEG 2000 needs ten bytes for each."""

GREYS = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")

_HINT = "Export it as a single-frame film of 8 to 16 bits, or as a 16-bit PNG."


@dataclass(frozen=True, slots=True)
class Layout:
    """Size and coding of the pixels, all of it sane."""

    rows: int
    columns: int
    samples: int
    """1, or 3 for colour."""
    photometric: str
    bits_allocated: int
    """8 or 16."""
    bits_stored: int
    """1 … bits_allocated."""
    high_bit: int
    is_signed: bool
    is_planar: bool
    """Whether all of one colour precedes the next (PlanarConfiguration 1)."""

    @property
    def n_samples(self) -> int:
        """Rows × columns × samples per pixel."""
        return self.rows * self.columns * self.samples

    @property
    def lowest(self) -> int:
        """The smallest value that the stored bits can hold."""
        return -(2 ** (self.bits_stored - 1)) if self.is_signed else 0

    @property
    def highest(self) -> int:
        """The largest value that the stored bits can hold."""
        return 2 ** (self.bits_stored - self.is_signed) - 1


def of(dataset: Dataset, path: str | Path) -> Layout:
    """The layout of the pixels of `dataset`.

    Raises `SpondylError` with all that is wrong with it, several frames among it.
    """
    problems = [Problem("", what, _HINT) for what in _wrong(dataset)]
    if problems:
        raise SpondylError(f"{path}: {'; '.join(one.what for one in problems)}", _HINT)
    frames = number(dataset, "NumberOfFrames")
    if frames is not None and frames > 1:
        raise SpondylError(
            f"{path}: holds {frames:.0f} frames; one film a file is needed",
            "Export the frame that shows the spine as an image of its own.",
        )
    bits_stored = _whole(dataset, "BitsStored")
    return Layout(
        rows=_whole(dataset, "Rows"),
        columns=_whole(dataset, "Columns"),
        samples=_whole(dataset, "SamplesPerPixel"),
        photometric=text(dataset, "PhotometricInterpretation"),
        bits_allocated=_whole(dataset, "BitsAllocated"),
        bits_stored=bits_stored,
        high_bit=_whole(dataset, "HighBit", bits_stored - 1),
        is_signed=bool(_whole(dataset, "PixelRepresentation", 0)),
        is_planar=bool(_whole(dataset, "PlanarConfiguration", 0)),
    )


def _wrong(dataset: Dataset) -> Iterator[str]:
    rows, columns = _whole(dataset, "Rows"), _whole(dataset, "Columns")
    samples = _whole(dataset, "SamplesPerPixel")
    photometric = text(dataset, "PhotometricInterpretation")
    frames = number(dataset, "NumberOfFrames")
    if rows < 1 or columns < 1:
        yield "does not say how many rows and columns it has"
    if frames is not None and (frames < 1 or frames != int(frames)):
        yield f"claims {frames:g} frames"
    if photometric not in (*GREYS, PALETTE, *COLOURS):
        yield f"its photometric interpretation is {photometric or 'not stated'}"
    elif samples != (3 if photometric in COLOURS else 1):
        yield f"claims {samples} samples per pixel, which do not make {photometric}"
    elif rows * columns * (samples if photometric in GREYS else 3) > LARGEST_SAMPLES:
        yield (
            f"claims {rows} × {columns} pixels of {samples} samples, over the limit of "
            f"{LARGEST_SAMPLES // 1_000_000} million samples"
        )
    yield from _wrong_bits(dataset, samples)


def _wrong_bits(dataset: Dataset, samples: int) -> Iterator[str]:
    allocated, stored = _whole(dataset, "BitsAllocated"), _whole(dataset, "BitsStored")
    high_bit = _whole(dataset, "HighBit", stored - 1)
    signed = _whole(dataset, "PixelRepresentation", 0)
    if allocated not in (8, 16):
        yield f"its pixels take {allocated} bits; 8 or 16 are read"
    elif not 1 <= stored <= allocated:
        yield f"claims {stored} bits stored in {allocated}"
    elif not stored - 1 <= high_bit < allocated:
        yield f"claims that the highest of {stored} bits in {allocated} is bit {high_bit}"
    if signed not in (0, 1):
        yield f"its pixel representation is {signed}, neither signed nor unsigned"
    if signed == 1 and samples == 3:
        yield "claims colours below zero"


def _whole(dataset: Dataset, keyword: str, missing: int = 0) -> int:
    stated = number(dataset, keyword)
    return missing if stated is None else int(stated)
