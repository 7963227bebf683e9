"""The answer as a Structured Report: PS3.16 TID 1500, Measurement Report, in a Comprehensive SR.

The observer is a device: no person read this film, nobody verified it, and the report says so
(UNVERIFIED, PRELIMINARY). A class is a Finding only where there is an answer; where there are
doubts the probabilities stand there, but no program that looks for findings takes one for an
answer.

A Comprehensive SR is what programs that speak TID 1500 read most; the three-dimensional one is for
places in a patient's space, which a radiograph has not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from highdicom.sr import (
    CodeContentItem,
    ComprehensiveSR,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    ImageContentItem,
    MeasurementReport,
    NumContentItem,
    ObservationContext,
    ObserverContext,
    RelationshipTypeValues,
    TextContentItem,
)
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes as standard
from pydicom.sr.coding import Code
from pydicom.uid import ComprehensiveSRStorage

from spondyl.reading.dicom_out import codes, report_groups
from spondyl.reading.dicom_out.envelope import (
    MANUFACTURER,
    NOTICE,
    Envelope,
    Kind,
    opened,
    uid_of,
)
from spondyl.reading.dicom_out.source import EMPTY_IF_ABSENT
from spondyl.reading.record import Reading
from spondyl.reading.words import shown

KIND: Final = Kind("report", ComprehensiveSRStorage, "SR", 9003, "Reading")

CONTAINS: Final = RelationshipTypeValues.CONTAINS
ACQUIRED: Final = RelationshipTypeValues.HAS_ACQ_CONTEXT
PIXELS = Code("{pixels}", "UCUM", "Pixels")

USE = codes.private("USE", "Intended use")
RESEARCH_ONLY = codes.private("RESEARCH", NOTICE)
ANSWER = codes.private("ANSWER", "Answer")
NO_ANSWER = codes.private("NO-ANSWER", "No answer")
WHY_NONE = codes.private("WHY-NONE", "Reason for giving no answer")
WARNING = codes.private("WARNING", "Unlike the training films by what is stated")
NOT_RUN = codes.private("NOT-RUN", "Not done")


def build(
    envelope: Envelope, heatmap: Dataset, overlay: Dataset, *, with_warnings: bool = True
) -> FileDataset:
    """The report of a reading, which refers to its film, its map and its overlay.

    `with_warnings` False leaves the sentences of the reading's warnings out, which tell of the
    patient's age and sex.
    """
    reading, made = envelope.reading, opened(KIND, envelope)
    film = _film(envelope)
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_observer(reading)),
        procedure_reported=codes.PLAIN_RADIOGRAPHY.code,
        imaging_measurements=report_groups.groups(reading, heatmap, overlay),
    )
    tree = content[0].ContentSequence  # its order is that of the template's rows
    tree.insert(len(tree) - 1, _library(envelope))
    tree.append(_evaluations(reading, with_warnings))
    document = ComprehensiveSR(
        evidence=[film, heatmap, overlay],
        content=content[0],
        series_instance_uid=made.SeriesInstanceUID,
        series_number=KIND.series_number,
        sop_instance_uid=made.SOPInstanceUID,
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=not reading.not_run,
    )
    for element in document:
        if element.tag not in made and element.keyword != "ContributingEquipmentSequence":
            made.add(element)
    return made


def _film(envelope: Envelope) -> Dataset:
    """The film as highdicom wants a piece of evidence: identifiers, and a patient without a word.

    What the header says of the patient is in the object already; highdicom would judge it anew, and
    refuse a date or a name that is not spelt as the standard has it.
    """
    film = Dataset()
    for name in EMPTY_IF_ABSENT:
        setattr(film, name, "")
    film.StudyInstanceUID = envelope.source.header.StudyInstanceUID
    film.SOPClassUID = envelope.source.sop_class_uid
    film.SOPInstanceUID = envelope.source.sop_instance_uid
    film.SeriesInstanceUID = envelope.source.series_uid
    return film


def _library(envelope: Envelope) -> ContainerContentItem:
    """The film in an Image Library (TID 1600) with its modality and size.

    highdicom's own asks every X-ray film for attributes that not all have.
    """
    source, (height, width) = envelope.source, envelope.reading.film.size
    film = ImageContentItem(codes.FILM.code, source.sop_class_uid, source.sop_instance_uid)
    film.RelationshipType = CONTAINS.value
    film.ContentSequence = ContentSequence(
        [
            CodeContentItem(standard.DCM.Modality, _modality(source.modality), ACQUIRED),
            NumContentItem(standard.DCM.PixelDataRows, height, PIXELS, relationship_type=ACQUIRED),
            NumContentItem(
                standard.DCM.PixelDataColumns, width, PIXELS, relationship_type=ACQUIRED
            ),
        ]
    )
    group = _container(standard.DCM.ImageLibraryGroup, [film])
    return _container(standard.DCM.ImageLibrary, [group])


def _modality(stored: str) -> Code:
    """The modality as a code of CID 29, or "Other" for one that is not among them."""
    known = {code.value: code for code in standard.cid29.concepts.values()}
    return known.get(stored, codes.OTHER_MODALITY.code)


def _observer(reading: Reading) -> ObserverContext:
    """The bundle as a device (TID 1004), whose identifier follows from the bundle's id."""
    return ObserverContext(
        observer_type=standard.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=uid_of(hashlib.sha256(reading.bundle_id.encode()).digest()),
            name=MANUFACTURER,
            manufacturer_name=MANUFACTURER,
            model_name=shown(reading.title),
            serial_number=reading.bundle_id,
        ),
    )


def _evaluations(reading: Reading, with_warnings: bool) -> ContainerContentItem:
    """The container Qualitative Evaluations of TID 1500: what the report is for, what is answered,
    and every sentence that explains it."""
    answer = NO_ANSWER if reading.answer is None else codes.of_label(reading.answer)
    items: list[ContentItem] = [
        _code(USE, RESEARCH_ONLY),
        _text(USE, reading.intended_use),
        _code(ANSWER, answer),
    ]
    for doubt in reading.doubts:
        items += [_code(WHY_NONE, codes.DOUBTS[doubt.kind]), _text(WHY_NONE, doubt.why)]
    if with_warnings:
        items += [_text(WARNING, sentence) for sentence in reading.warnings]
    elif reading.warnings:
        items.append(_text(WARNING, f"{len(reading.warnings)} sentences were left out"))
    items += [_text(NOT_RUN, sentence) for sentence in reading.not_run]
    return _container(codes.QUALITATIVE_EVALUATIONS.code, items)


def _container(name: Code, items: Sequence[ContentItem]) -> ContainerContentItem:
    container = ContainerContentItem(name, relationship_type=CONTAINS)
    container.ContentSequence = ContentSequence(items)
    return container


def _code(name: Code, value: Code) -> CodeContentItem:
    return CodeContentItem(name, value, CONTAINS)


def _text(name: Code, sentence: str) -> TextContentItem:
    return TextContentItem(name, shown(sentence), CONTAINS)
