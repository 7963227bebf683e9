"""What a folder, a file name or a manifest says of each film, before any film is opened.

The readers of class folders and of manifests both end here, so all that follows (hashing, decoding,
counting) is written once and cannot depend on how a cohort was stated.

A DICOM film states more of itself. That fills what nobody stated, and never replaces what somebody
did: whoever writes a manifest has seen the film, and headers are filled by habit. What was
overruled that way is told.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from spondyl.data.dicom.facts import DicomFacts
from spondyl.data.radiograph import NOT_STATED, Curve, Sex, View
from spondyl.errors import Problem

_AGES_AGREE_YEARS = 1.0
"""Two ages of one patient at one film may differ by this much: both are often rounded."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody stated of a film and its patient; all that nobody did is "not stated"."""

    view: View = NOT_STATED
    sex: Sex = NOT_STATED
    age_years: float | None = None
    site: str = NOT_STATED
    curves: tuple[Curve, ...] = ()
    slip_level: str = NOT_STATED


@dataclass(frozen=True, slots=True)
class Entry:
    """One film as listed: where its file should be and what was stated of it."""

    where: str
    """Where a user finds the entry: the film's path, or the line of the manifest."""
    image_id: str
    """Path relative to the cohort's root, with forward slashes."""
    path: Path
    label: str | None
    group_id: str
    stated: Stated


@dataclass(frozen=True, slots=True)
class Listing:
    """All films of a folder or manifest, all that is wrong with it, and what was passed over."""

    root: Path
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    ignored: tuple[str, ...]


def completed(entry: Entry, header: DicomFacts | None) -> tuple[Entry, tuple[str, ...]]:
    """`entry` with view, sex, age and patient as its DICOM header states them where nobody else
    did; and a sentence for each value that contradicts what was stated, which is kept.

    The patient's key becomes the group where a film was its own.
    """
    if header is None:
        return entry, ()
    stated = entry.stated
    filled = replace(
        stated,
        view=header.view if stated.view == NOT_STATED else stated.view,
        sex=header.sex if stated.sex == NOT_STATED else stated.sex,
        age_years=header.age_years if stated.age_years is None else stated.age_years,
    )
    alone = entry.group_id == entry.image_id
    group_id = f"patient-{header.patient_key}" if alone and header.patient_key else entry.group_id
    overruled = tuple(_overruled(entry, header))
    return replace(entry, group_id=group_id, stated=filled), overruled


def _overruled(entry: Entry, header: DicomFacts) -> Iterator[str]:
    stated = entry.stated
    for name, said, found in (("view", stated.view, header.view), ("sex", stated.sex, header.sex)):
        if NOT_STATED not in (said, found) and said != found:
            yield f"{entry.image_id}: its {name} is stated as {said}; its header says {found}"
    if stated.age_years is None or header.age_years is None:
        return
    if abs(stated.age_years - header.age_years) > _AGES_AGREE_YEARS:
        yield (
            f"{entry.image_id}: its age is stated as {stated.age_years:g} years; its header says "
            f"{header.age_years:g}"
        )


def unprintable(name: str) -> bool:
    """Whether `name` holds control characters, or bytes that are not UTF-8."""
    return any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
