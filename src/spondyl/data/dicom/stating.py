"""What a header says of the film and of whom it shows, in the words of `facts`.

A value in words that the standard does not define is not stated, rather than understood by
likeness: "AP ERECT" is no view here. Where view position and view code contradict each other, the
film has none. Decubitus positions say how the patient lies, and count as other views, since such a
film hangs on its side.
"""

from __future__ import annotations

import hashlib
from datetime import date

from pydicom.dataset import Dataset

from spondyl.data.dicom.kinds import DX_FOR_PROCESSING
from spondyl.data.dicom.values import codes, number, text
from spondyl.data.radiograph import NOT_STATED, Sex, Side, View

OLDEST_YEARS = 130
_DAYS_PER = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}

_POSITIONS: dict[str, View] = {
    **dict.fromkeys(("AP", "PA"), "frontal"),
    **dict.fromkeys(("LL", "RL", "LATERAL", "LAT"), "lateral"),
    **dict.fromkeys(("RLD", "LLD", "RLO", "LLO", "RAO", "LAO", "RPO", "LPO"), "other"),
}
"""Defined terms of View Position (PS3.3 C.8.1.1 and C.8.11.5), and what CR of old writes."""
_VIEW_CODES: dict[str, View] = {
    **dict.fromkeys(("399348003", "272479007", "399033003"), "frontal"),
    **dict.fromkeys(("R-10206", "R-10214", "R-40888", "R-10202"), "frontal"),
    **dict.fromkeys(("399067008", "399173006", "399198007", "30730003"), "lateral"),
    **dict.fromkeys(("R-102CD", "R-10236", "R-10232", "G-A145"), "lateral"),
}
"""Context group 4010 in SNOMED CT, and by the identifiers of old: antero-posterior,
postero-anterior and frontal; lateral, left lateral, right lateral and sagittal. Any other code is
another view."""
_SEXES: dict[str, Sex] = {"F": "female", "M": "male"}
_SIDES: dict[str, Side] = {"R": "right", "L": "left"}
_OVERLAYS = tuple(0x60003000 + 0x20000 * number for number in range(16))


def view(dataset: Dataset) -> tuple[View, tuple[str, ...]]:
    """The view by position and by code, and what is odd about it."""
    position = text(dataset, "ViewPosition").upper()
    by_position = _POSITIONS.get(position, NOT_STATED)
    coded = next((value for value, _ in codes(dataset, "ViewCodeSequence") if value), "")
    by_code: View = _VIEW_CODES.get(coded, "other") if coded else NOT_STATED
    if NOT_STATED in (by_position, by_code):
        return (by_position if by_code == NOT_STATED else by_code), ()
    if by_position == by_code:
        return by_position, ()
    return NOT_STATED, (
        f"its view is {by_position} by the view position {position} and {by_code} by the view's "
        "code, so neither was believed",
    )


def laterality(dataset: Dataset) -> Side:
    """The side of a paired part of the body; a spine has none."""
    for keyword in ("ImageLaterality", "Laterality"):
        if (side := _SIDES.get(text(dataset, keyword).upper())) is not None:
            return side
    return NOT_STATED


def body_part(dataset: Dataset) -> str:
    """Body Part Examined as stored, else the meaning of the first anatomic region's code."""
    named = text(dataset, "BodyPartExamined")
    meanings = (meaning for _, meaning in codes(dataset, "AnatomicRegionSequence") if meaning)
    return named or next(meanings, NOT_STATED)


def age_years(dataset: Dataset) -> tuple[float | None, tuple[str, ...]]:
    """Patient's Age (PS3.5, AS: days, weeks, months, years), else by the dates of birth and study.

    By dates in completed years from the second on, as the age string counts. Ages that nobody has
    are not stated, and noted.
    """
    stated = text(dataset, "PatientAge").upper()
    if len(stated) >= 2 and stated[:-1].isdecimal() and stated[-1] in _DAYS_PER:
        years = int(stated[:-1]) * _DAYS_PER[stated[-1]] / _DAYS_PER["Y"]
        if years <= OLDEST_YEARS:
            return years, ()
        return None, ("its patient's age cannot be that of a person, and was not used",)
    birth = _date(dataset, "PatientBirthDate")
    days = (_date(dataset, name) for name in ("StudyDate", "AcquisitionDate", "ContentDate"))
    filmed = next((day for day in days if day is not None), None)
    if birth is None or filmed is None:
        return None, ()
    days_old = (filmed - birth).days
    if not 0 <= days_old <= OLDEST_YEARS * _DAYS_PER["Y"]:
        return None, ("its dates of birth and study make no age, and were not used",)
    completed = filmed.year - birth.year - ((filmed.month, filmed.day) < (birth.month, birth.day))
    return float(completed) if completed >= 2 else days_old / _DAYS_PER["Y"], ()


def sex(dataset: Dataset) -> Sex:
    """Patient's Sex; O, for other, is not stated."""
    return _SEXES.get(text(dataset, "PatientSex").upper(), NOT_STATED)


def patient_key(dataset: Dataset) -> str:
    """16 hexadecimal digits of a hash of the patient's number and its issuer; "" without number.

    Where an archive was stripped of its numbers, and all its patients share one, they share a key.
    """
    patient = text(dataset, "PatientID")
    if not patient:
        return ""
    whole = f"{text(dataset, 'IssuerOfPatientID')}\0{patient}"
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def burned_in(dataset: Dataset) -> bool | None:
    """Whether the header says that the pixels identify the patient; None where it does not say."""
    return {"YES": True, "NO": False}.get(text(dataset, "BurnedInAnnotation").upper())


def oddities(dataset: Dataset) -> tuple[str, ...]:
    """What a reader should know of a film that its pixels do not show."""
    notes = []
    for_processing = dataset.get("SOPClassUID") == DX_FOR_PROCESSING
    if for_processing or text(dataset, "PresentationIntentType").upper() == "FOR PROCESSING":
        notes.append("it is meant for processing, not for display, and looks unlike a film")
        is_plain = text(dataset, "PhotometricInterpretation") == "MONOCHROME2"
        if is_plain and number(dataset, "PixelIntensityRelationshipSign") == 1:
            notes.append("its header says that bright is where more radiation came, so not bone")
    if any(tag in dataset for tag in _OVERLAYS):
        notes.append("an overlay that is stored beside its pixels was left out")
    if text(dataset, "ShutterShape"):
        notes.append("its display shutter was not applied")
    return tuple(notes)


def _date(dataset: Dataset, keyword: str) -> date | None:
    stated = text(dataset, keyword).replace(".", "")
    if len(stated) != 8 or not stated.isdecimal():
        return None
    try:
        return date(int(stated[:4]), int(stated[4:6]), int(stated[6:]))
    except ValueError:
        return None
