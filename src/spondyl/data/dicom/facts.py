"""What a DICOM film says of itself and of whom it shows: read, never guessed.

Only what a reading compares, groups by or refers to is kept. The patient's name is not among it,
and the patient's number only as a hash that groups films. The unique identifiers lead back to the
patient for whoever holds the archive, so nothing here is written anywhere unless it is asked for by
name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spondyl.data.radiograph import NOT_STATED, Sex, Side, View

SpacingKind = Literal["calibrated", "detector", "not stated"]
"""On the patient, by PixelSpacing that somebody calibrated; on the detector, larger than on the
patient by the magnification of the beam; or no spacing at all."""


@dataclass(frozen=True, slots=True)
class DicomFacts:
    """The header of one DICOM film, as far as a reading needs it; text as stored, spaces cut."""

    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
    series_uid: str
    transfer_syntax_uid: str
    photometric: str
    """MONOCHROME1, MONOCHROME2, RGB …"""
    bits_stored: int
    modality: str = NOT_STATED
    """CR, DX, RF, OT …"""
    view: View = NOT_STATED
    """By ViewPosition or the view's code; "other" for one that is neither frontal nor lateral."""
    laterality: Side = NOT_STATED
    body_part: str = NOT_STATED
    """BodyPartExamined, or the meaning of the anatomic region's code, as stored."""
    age_years: float | None = None
    """PatientAge, else by the dates of birth and study."""
    sex: Sex = NOT_STATED
    patient_key: str = ""
    """16 hexadecimal digits of a hash of patient's number and its issuer; "" where no number is
    stated. A pseudonym that can be undone by trying numbers, so it is for grouping only."""
    spacing_kind: SpacingKind = NOT_STATED
    burned_in: bool | None = None
    """Whether the file says that its pixels hold the patient's name or the like; None: not said."""
    notes: tuple[str, ...] = ()
    """What was done to the pixels that a reader should know, in sentences: the first of several
    windows was used, an overlay was left out, the film is meant for processing."""
