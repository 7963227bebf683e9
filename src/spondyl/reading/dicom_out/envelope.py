"""What the three objects have in common: patient, study, a series of their own, and who made them.

Identifiers are new for every object and every series, below the root 2.25 (a random UUID as one
number, PS3.5 section B.2), which anybody may use without asking. Each object is a series of its
own, since a series holds one modality made by one machine. Text is UTF-8, encoding explicit little
endian, uncompressed: what every reader reads, at the price of size.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ExplicitVRLittleEndian, generate_uid

from spondyl.reading.dicom_out import codes
from spondyl.reading.dicom_out.source import UTF_8, Source
from spondyl.reading.record import Reading

MANUFACTURER = "spondyl"
NOTICE = "Research use only, not for diagnosis"


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """One reading on its way out: what was read, from what, and when."""

    reading: Reading
    source: Source
    at: datetime = field(default_factory=datetime.now)


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the objects that are written."""

    name: str
    """Ends the name of its file."""
    sop_class_uid: UID
    modality: str
    series_number: int
    """High, so that it does not meet those of the modality."""
    series_description: str


def new_uid() -> UID:
    """A random identifier below 2.25."""
    return generate_uid(prefix=None)


def uid_of(digest: bytes) -> UID:
    """The identifier below 2.25 that follows from the first 16 bytes of a digest."""
    return UID(f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}")


def opened(kind: Kind, envelope: Envelope) -> FileDataset:
    """A new object of `kind` with the modules Patient, General Study, General Series, General and
    Enhanced General Equipment, and SOP Common."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = kind.sop_class_uid
    meta.MediaStorageSOPInstanceUID = new_uid()
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SpecificCharacterSet = UTF_8
    made.update(envelope.source.header)
    made.Modality = kind.modality
    made.SeriesInstanceUID = new_uid()
    made.SeriesNumber = kind.series_number
    made.SeriesDescription = f"{kind.series_description}. {NOTICE}"
    made.SOPClassUID = kind.sop_class_uid
    made.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    made.InstanceNumber = 1
    _dated(made, envelope.at)
    made.update(equipment(envelope.reading))
    made.ContributingEquipmentSequence = [contribution(envelope)]
    made.CodingSchemeIdentificationSequence = [_our_scheme()]
    return made


def equipment(reading: Reading) -> Dataset:
    """The module Enhanced General Equipment (PS3.3 C.7.5.2): this program with that bundle."""
    made = Dataset()
    made.Manufacturer = MANUFACTURER
    made.ManufacturerModelName = codes.short(reading.title)
    made.DeviceSerialNumber = codes.short(reading.bundle_id)
    made.SoftwareVersions = [version("spondyl"), codes.short(reading.bundle_id)]
    return made


def contribution(envelope: Envelope) -> Dataset:
    """What this program did, as an item of the Contributing Equipment Sequence (C.12.1)."""
    made = equipment(envelope.reading)
    made.PurposeOfReferenceCodeSequence = [coded(codes.PROCESSING_EQUIPMENT.code)]
    made.ContributionDescription = f"Read by a network. {NOTICE}."
    made.ContributionDateTime = f"{envelope.at:%Y%m%d%H%M%S}"
    return made


def coded(code: Code) -> Dataset:
    """The code as an item of a code sequence (PS3.3 section 8.8)."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def reference(source: Source, purpose: Code | None = None) -> Dataset:
    """The film as an item of a sequence that refers to it, with why where `purpose` says so."""
    item = Dataset()
    item.ReferencedSOPClassUID = source.sop_class_uid
    item.ReferencedSOPInstanceUID = source.sop_instance_uid
    if purpose is not None:
        item.PurposeOfReferenceCodeSequence = [coded(purpose)]
    return item


def series_reference(source: Source) -> Sequence[Dataset]:
    """The film below its series, for the module Common Instance Reference (PS3.3 C.12.2)."""
    item = Dataset()
    item.SeriesInstanceUID = source.series_uid
    item.ReferencedInstanceSequence = [reference(source)]
    return [item]


def state_loss(made: Dataset, source: Source) -> None:
    """Says of `made` what its film lost: what was lossy once stays so (PS3.3 C.7.6.1.1.5)."""
    made.LossyImageCompression = "00" if source.lossy is None else "01"
    if source.lossy is not None:
        made.LossyImageCompressionRatio = f"{source.lossy.ratio:.6g}"
        made.LossyImageCompressionMethod = source.lossy.method


def _dated(made: Dataset, at: datetime) -> None:
    date, time = f"{at:%Y%m%d}", f"{at:%H%M%S}"
    made.InstanceCreationDate = made.ContentDate = date
    made.InstanceCreationTime = made.ContentTime = time


def _our_scheme() -> Dataset:
    item = Dataset()
    item.CodingSchemeDesignator = codes.PRIVATE_SCHEME
    item.CodingSchemeName = "Private codes of spondyl"
    item.CodingSchemeResponsibleOrganization = MANUFACTURER
    return item
