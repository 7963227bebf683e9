"""The elements of a DICOM file up to its pixels, read without believing what they claim.

pydicom reads them, from a stream that never hands out more than there is, so that a length of four
gigabytes costs nothing. Only the elements that a film needs are kept; all else (icons, private
elements, curves) is passed over. The pixels are not read here, only found. A deflated data set is
inflated as far as a film can need and no further.
"""

from __future__ import annotations

import io
import os
import zlib
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from spondyl.data.dicom import beginning
from spondyl.data.dicom.faults import DAMAGED
from spondyl.data.dicom.values import text
from spondyl.errors import SpondylError

UNDEFINED = 0xFFFFFFFF
"""The length of an element whose end is marked instead."""
LARGEST_INFLATED = 250_000_000
"""Bytes of an inflated data set: those of the largest film, and half as many for all else."""

LARGEST_ELEMENT = 1_000_000
"""Bytes of any element that is kept: seven look-up tables of 65,536 entries."""
MOST_READS = 200_000
"""Of pydicom in a header: one to three for each element, at any depth."""

_PIXEL_DATA, _FLOAT_PIXEL_DATA = 0x7FE00010, 0x7FE00008
_OVERLAYS = tuple(0x60003000 + 0x20000 * number for number in range(16))

_KEYWORDS = """
SpecificCharacterSet ImageType SOPClassUID SOPInstanceUID StudyDate AcquisitionDate ContentDate
Modality PresentationIntentType AnatomicRegionSequence PatientID IssuerOfPatientID PatientBirthDate
PatientSex PatientAge BodyPartExamined ImagerPixelSpacing NominalScannedPixelSpacing ViewPosition
EstimatedRadiographicMagnificationFactor ShutterShape StudyInstanceUID SeriesInstanceUID Laterality
ImageLaterality SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows
Columns PixelSpacing PixelAspectRatio BitsAllocated BitsStored HighBit PixelRepresentation
PixelPaddingValue PixelPaddingRangeLimit PixelIntensityRelationship PixelIntensityRelationshipSign
WindowCenter WindowWidth VOILUTFunction RescaleIntercept RescaleSlope RescaleType
ModalityLUTSequence VOILUTSequence PresentationLUTShape BurnedInAnnotation
PixelSpacingCalibrationType RedPaletteColorLookupTableDescriptor
GreenPaletteColorLookupTableDescriptor BluePaletteColorLookupTableDescriptor
RedPaletteColorLookupTableData GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
SegmentedRedPaletteColorLookupTableData
SegmentedGreenPaletteColorLookupTableData SegmentedBluePaletteColorLookupTableData ViewCodeSequence
DirectoryRecordSequence
"""
"""What is kept of a film, by the names of PS3.6."""


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where the pixels lie; nothing of them is read yet."""

    stream: BinaryIO
    """The file, or the inflated data set."""
    start: int
    """Byte of `stream` at which the value begins."""
    length: int | None
    """Bytes of the value as claimed; None where its end is marked, as that of compressed pixels."""
    is_float: bool
    is_words: bool
    """Whether it is written in words of 16 bits (OW), whatever a pixel takes."""


@dataclass(frozen=True, slots=True)
class Elements:
    """A data set without its pixels; what it is called may be filled from the meta header."""

    dataset: Dataset
    syntax: str
    """The UID of its transfer syntax."""
    pixels: PixelElement | None


def read(file: BufferedReader, path: str | Path) -> Elements:
    """The elements of a DICOM file, with or without preamble and meta header.

    Raises `SpondylError` where the file does not state its transfer syntax and it cannot be told,
    and for a deflated data set that would be larger than any film; pydicom's faults pass through.
    """
    whole: BinaryIO = file
    stream = cast(BinaryIO, _Within(whole))
    meta = _meta(stream)
    start = stream.tell()
    syntax = text(meta, "TransferSyntaxUID") or beginning.plain_syntax(stream.read(8))
    stream.seek(start)
    if not syntax:
        raise SpondylError(
            f"{path}: is DICOM, but does not state its transfer syntax",
            DAMAGED,
        )
    if syntax == DeflatedExplicitVRLittleEndian:
        whole = io.BytesIO(_inflated(stream.read(LARGEST_INFLATED), path))
        stream = cast(BinaryIO, _Within(whole))
        stream.seek(0)
    dataset, pixels = _dataset(stream, whole, syntax)
    for name in ("SOPClassUID", "SOPInstanceUID"):  # said twice, if both are there
        if not dataset.get(name) and (of_file := meta.get(f"MediaStorage{name}")):
            setattr(dataset, name, of_file)
    return Elements(dataset, syntax, pixels)


class _Within:
    """A stream that hands out at most what it holds, where `BufferedReader` would make room for
    more; and that ends a header of more elements than any film has, which would take minutes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = file.seek(0, os.SEEK_END)
        self._reads_left = MOST_READS

    def read(self, n_bytes: int = -1) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise ValueError("its header holds more elements than that of any film")
        left = max(self._end - self._file.tell(), 0)
        return self._file.read(left if n_bytes < 0 else min(n_bytes, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _meta(stream: BinaryIO) -> Dataset:
    """The meta header (PS3.10, 7.1), empty where there is none; the stream stands behind it."""
    stream.seek(0)
    has_preamble = stream.read(beginning.HEAD)[beginning.PREAMBLE :] == b"DICM"
    stream.seek(beginning.HEAD if has_preamble else 0)
    start = stream.tell()
    begins = beginning.meta_begins(stream.read(8))
    stream.seek(start)
    if not begins:
        return Dataset()
    return read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)


def _dataset(stream: BinaryIO, whole: BinaryIO, syntax: str) -> tuple[Dataset, PixelElement | None]:
    found: list[tuple[BaseTag, str | None, int]] = []
    named = (tag_for_keyword(keyword) for keyword in _KEYWORDS.split())
    kept = {BaseTag(tag) for tag in (*named, *_OVERLAYS) if tag is not None}

    def is_pixels(tag: BaseTag, representation: str | None, length: int) -> bool:
        if tag in kept and LARGEST_ELEMENT < length < UNDEFINED:
            raise ValueError(f"its element {tag} claims {length} bytes")
        if tag >= _FLOAT_PIXEL_DATA:
            found.append((tag, representation, length))
        return tag >= _FLOAT_PIXEL_DATA

    implicit = syntax == ImplicitVRLittleEndian
    little = syntax != ExplicitVRBigEndian
    dataset = read_dataset(
        stream,
        implicit,
        little,
        stop_when=is_pixels,
        specific_tags=sorted(kept),
    )
    if not found or found[-1][0] > _PIXEL_DATA:
        return dataset, None
    tag, representation, length = found[-1]
    start = stream.tell() + (12 if representation in EXPLICIT_VR_LENGTH_32 else 8)
    stated = None if length == UNDEFINED else length
    is_words = representation != "OB"
    return dataset, PixelElement(whole, start, stated, tag != _PIXEL_DATA, is_words)


def _inflated(deflated: bytes, path: str | Path) -> bytes:
    """PS3.5 A.5: raw deflate; what lies behind its end is padding."""
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = unpacking.decompress(deflated, LARGEST_INFLATED)
    if unpacking.unconsumed_tail:
        raise SpondylError(
            f"{path}: inflates to more than {LARGEST_INFLATED // 1_000_000} MB",
            "A file that claims so much is damaged, malicious or no film.",
        )
    if not unpacking.eof:
        raise EOFError("its deflated data end too early")
    return inflated
