"""What is taken over of the film's file: patient, study and a reference, and nothing else.

Attributes are taken by name from a short list; whatever else a header holds - operators, stations,
comments, private elements - cannot reach our objects, because nothing is copied that is not on the
list. The price: what an archive added of its own (request numbers, issuer of the accession number)
does not travel along. Text is taken decoded, and written as UTF-8.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from spondyl.data.dicom.faults import faults_of, quietly
from spondyl.errors import SpondylError
from spondyl.reading.record import Film

EMPTY_IF_ABSENT = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
"""Type 2 of the modules Patient (PS3.3 C.7.1.1) and General Study (C.7.2.1)."""
IF_PRESENT = ("IssuerOfPatientID", "StudyDescription")
BODY_PART = ("BodyPartExamined", "Laterality")
"""For images alone: a report speaks of the part in its content."""
UTF_8 = "ISO_IR 192"

_JPEG = "ISO_10918_1"
_LOSSY = {
    "1.2.840.10008.1.2.4.50": _JPEG,
    "1.2.840.10008.1.2.4.51": _JPEG,
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
    "1.2.840.10008.1.2.4.91": "ISO_15444_1",
}
"""Transfer syntaxes that may lose, and of JPEG always do, with the term for how (PS3.3
C.7.6.1.1.5.1)."""


@dataclass(frozen=True, slots=True)
class Lossy:
    """How a film was compressed with loss, once and for ever (PS3.3 C.7.6.1.1.5)."""

    ratio: float
    method: str


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The film that was read, as far as our objects speak of it."""

    header: Dataset
    """StudyInstanceUID, `EMPTY_IF_ABSENT` and what is there of `IF_PRESENT`; text decoded."""
    body_part: Dataset
    """What is there of `BODY_PART`."""
    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    modality: str
    """As stored; "" where it is not."""
    patient_orientation: str | list[str]
    """As stored; "" where it is not."""
    burned_in: bool | None
    """Whether its pixels are said to hold what names the patient; None: not said."""
    lossy: Lossy | None
    """None where it was never compressed with loss."""


def read(film: Film) -> Source:
    """The source of a reading's `film`.

    Raises `SpondylError` for a film that is not DICOM, one whose file is gone or is no longer the
    one that was read, and one without the identifiers that a reference needs.
    """
    if film.dicom is None:
        raise SpondylError(
            f"{film.path}: is {film.format}, which names no patient and no study",
            "DICOM objects belong to the study of a DICOM film; for other films use the overlay, "
            "the JSON or the page.",
        )
    content = _content(film)
    with faults_of(film.path), quietly():
        header = dcmread(io.BytesIO(content), stop_before_pixels=True, force=True)
        _refuse_without_reference(header, film)
        return Source(
            _header(header),
            _body_part(header),
            str(header.SOPClassUID),
            str(header.SOPInstanceUID),
            str(header.SeriesInstanceUID),
            _text(header, "Modality"),
            _orientation(header),
            {"YES": True, "NO": False}.get(str(header.get("BurnedInAnnotation", ""))),
            _lossy(header, film.dicom.transfer_syntax_uid, len(content)),
        )


_REFERENCE = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


def _content(film: Film) -> bytes:
    """The bytes of the file, which are those that were read."""
    try:
        content = film.path.read_bytes()
    except OSError as error:
        raise SpondylError(
            f"{film.path}: cannot be read ({error.strerror or error})", "Check the path."
        ) from error
    if hashlib.sha256(content).hexdigest() != film.sha256:
        raise SpondylError(f"{film.path}: changed after it was read", "Read it again.")
    return content


def _refuse_without_reference(header: Dataset, film: Film) -> None:
    lacking = [name for name in _REFERENCE if not str(header.get(name) or "").strip()]
    if lacking:
        raise SpondylError(
            f"{film.path}: has no {', '.join(lacking)}",
            "Nothing can refer to it then: send it through an archive that adds them.",
        )


def _header(dataset: Dataset) -> Dataset:
    header = Dataset()
    header.StudyInstanceUID = str(dataset.StudyInstanceUID)
    for name in EMPTY_IF_ABSENT:
        setattr(header, name, _text(dataset, name))
    for name in IF_PRESENT:
        if text := _text(dataset, name):
            setattr(header, name, text)
    return header


def _body_part(dataset: Dataset) -> Dataset:
    """Laterality is of type 2C, empty where it is not known whether the part is paired."""
    part = Dataset()
    for name in BODY_PART:
        if text := _text(dataset, name):
            setattr(part, name, text)
    if not part:
        part.Laterality = ""
    return part


def _text(dataset: Dataset, name: str) -> str:
    value = dataset.get(name)
    if isinstance(value, MultiValue):
        return "\\".join(map(str, value))
    return "" if value is None else str(value)


def _orientation(dataset: Dataset) -> str | list[str]:
    stored = dataset.get("PatientOrientation") or ""
    return stored if isinstance(stored, str) else [str(part) for part in stored]


def _lossy(dataset: Dataset, syntax: str, n_bytes: int) -> Lossy | None:
    """By what the header says, else by its transfer syntax; where a ratio is not stated, that of
    the pixels to the bytes of the file."""
    stated = str(dataset.get("LossyImageCompression", ""))
    lossless = syntax not in _LOSSY or (stated == "00" and _LOSSY[syntax] != _JPEG)
    if stated != "01" and lossless:
        return None
    samples = dataset.Rows * dataset.Columns * dataset.get("SamplesPerPixel", 1)
    now = round(samples * dataset.BitsAllocated / 8 / n_bytes, 2)
    ratio = _last(dataset, "LossyImageCompressionRatio") or now
    method = _last(dataset, "LossyImageCompressionMethod") or _LOSSY.get(syntax, _JPEG)
    return Lossy(float(ratio), str(method))


def _last(dataset: Dataset, name: str) -> Any:
    value = dataset.get(name)
    return value[-1] if isinstance(value, MultiValue) and value else value
