"""One film's spine as a DICOM Segmentation (PS3.3 A.51), read with pydicom alone.

A plain radiograph is one frame, so a segmentation of it refers to one image; what refers to several
is of another kind of study and is refused. Rows and columns are the film's own, no half pixel lies
between them. A FRACTIONAL segment is taken where it is at least half of its maximum, for a
probability as for an occupancy; the price is that its softness is lost.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from spondyl.data.annotations.marks import Collector, Film
from spondyl.data.pixels import LARGEST_PIXELS

SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"

_FAULTS = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(NotImplementedError, RuntimeError, struct.error, InvalidDicomError, BytesLengthException),
)
"""What pydicom raises for elements that are missing, damaged or coded in a way it cannot read."""


def collect(content: bytes, collector: Collector) -> None:
    """Puts the film of a DICOM SEG and its spine into `collector`; its name is the film's UID.

    A segment's label is its SegmentLabel, or the value or meaning of its property type's code
    (421060004 is the vertebral column in SNOMED CT), whichever has a meaning.
    """
    try:
        _collect(pydicom.dcmread(io.BytesIO(content)), collector)
    except _FAULTS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = "It is damaged or incomplete: export the segmentation anew, uncompressed."
        collector.say("", f"cannot be read as a DICOM segmentation ({reason})", hint)


def _collect(dataset: Dataset, collector: Collector) -> None:
    if not _is_read(dataset, collector):
        return
    images = _images(dataset)
    if len(images) != 1:
        what = f"refers to {len(images)} images; a film is one"
        hint = "Segment each film by itself, and keep the reference to it."
        collector.say("", what, hint)
        return
    uid, _ = images.pop()
    film = collector.film("", uid, (int(dataset.Rows), int(dataset.Columns)), _made_by(dataset))
    if film is not None:
        _add_segments(film, dataset)


def _is_read(dataset: Dataset, collector: Collector) -> bool:
    """Whether this is the kind of segmentation that is read here; says why where it is not."""
    n_pixels = dataset.get("NumberOfFrames", 1) * dataset.get("Rows", 0) * dataset.get("Columns", 0)
    if dataset.get("SOPClassUID") != SEGMENTATION_STORAGE:
        kind = getattr(dataset.get("SOPClassUID"), "name", "of no stated kind")
        collector.say("", f"is DICOM, but {kind}", "Name a DICOM Segmentation, not a film.")
    elif dataset.get("SegmentationType") not in ("BINARY", "FRACTIONAL"):
        what = f"its segmentation type is {dataset.get('SegmentationType')}"
        collector.say("", what, "Export it as BINARY or FRACTIONAL.")
    elif "TotalPixelMatrixRows" in dataset:
        collector.say("", "is tiled, as slides are", "Segment the film whole.")
    elif not 0 < n_pixels <= LARGEST_PIXELS:
        what = f"claims {n_pixels} pixels in all its frames"
        collector.say("", what, f"At most {LARGEST_PIXELS // 1_000_000} million are read.")
    else:
        return True
    return False


def _images(dataset: Dataset) -> set[tuple[str, int]]:
    """(SOP instance UID, frame number) of what was segmented: by the frames, else by the series."""
    derivations = (
        source
        for group in _groups(dataset)
        for derivation in group.get("DerivationImageSequence", ())
        for source in derivation.get("SourceImageSequence", ())
    )
    series = (
        instance
        for referenced in dataset.get("ReferencedSeriesSequence", ())
        for instance in referenced.get("ReferencedInstanceSequence", ())
    )
    return _references(derivations) or _references(series)


def _groups(dataset: Dataset) -> Iterator[Dataset]:
    yield from dataset.get("SharedFunctionalGroupsSequence", ())
    yield from dataset.get("PerFrameFunctionalGroupsSequence", ())


def _references(items: Iterator[Dataset]) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for item in items:
        numbers = item.get("ReferencedFrameNumber", 1)
        for number in [numbers] if isinstance(numbers, int) else numbers:
            found.add((str(item.ReferencedSOPInstanceUID), int(number)))
    return found


def _made_by(dataset: Dataset) -> str:
    """The creator where one is named, else the product."""
    product = (dataset.get("Manufacturer"), dataset.get("ManufacturerModelName"))
    who = str(dataset.get("ContentCreatorName") or " ".join(str(word) for word in product if word))
    return f"DICOM SEG, {who}" if who else "DICOM SEG"


def _add_segments(film: Film, dataset: Dataset) -> None:
    wanted = {
        int(segment.SegmentNumber): film.collector.wants(
            f"segment {segment.SegmentNumber}", _label(film, segment), "area"
        )
        for segment in dataset.SegmentSequence
    }
    frames = dataset.pixel_array.reshape(-1, *film.size)
    segments = list(_segments_of_frames(dataset))
    if len(segments) != len(frames):
        what = f"describes {len(segments)} frames and holds {len(frames)}"
        film.collector.say("", what, "Export the segmentation anew.")
        return
    largest = int(dataset.MaximumFractionalValue) if dataset.SegmentationType != "BINARY" else 1
    for number, (frame, segment) in enumerate(zip(frames, segments, strict=True), 1):
        if segment not in wanted:
            what = f"belongs to segment {segment}, which is not described"
            film.collector.say(f"frame {number}", what, "Export the segmentation anew.")
        elif wanted[segment]:
            film.add_part(f"frame {number}", frame >= np.float64(largest) / 2, 0, 0)


def _label(film: Film, segment: Dataset) -> str:
    """The first of the segment's names that means something; its label where none does."""
    codes = segment.get("SegmentedPropertyTypeCodeSequence", ())
    names = [str(segment.get("SegmentLabel", ""))]
    for code in codes:
        names += [str(code.get("CodeValue", "")), str(code.get("CodeMeaning", ""))]
    return next((name for name in names if film.collector.meaning.role(name)), names[0])


def _segments_of_frames(dataset: Dataset) -> Iterator[int]:
    """The segment number of each frame; stated once where all frames share it."""
    shared = dataset.get("SharedFunctionalGroupsSequence", [Dataset()])[0]
    for group in dataset.PerFrameFunctionalGroupsSequence:
        said = group if "SegmentIdentificationSequence" in group else shared
        yield int(said.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
