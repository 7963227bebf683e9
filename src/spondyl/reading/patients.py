"""Several films of one patient: each by itself, and which of them bears on which disease.

Readings are never averaged over a patient's films: a frontal and a lateral film are not two looks
at one thing. A curve to the side is defined and measured on a frontal film (Scoliosis Research
Society; Cobb 1948), a slip on a lateral one (Meyerding 1932); what another view says of it counts
for nothing here, and where the view that bears on it is missing, or has no answer, that is said.

Which films are one patient's is never guessed from pictures. Nothing here says who the patient is:
patients are numbered in the order in which their first film was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from spondyl.data.radiograph import NOT_STATED, View
from spondyl.errors import SpondylError
from spondyl.reading import words
from spondyl.reading.record import Reading

SCHEMA_VERSION = 1
BEARS_ON: dict[str, View] = {"scoliosis": "frontal", "spondylolisthesis": "lateral"}
"""The view on which a disease is defined."""
NO_DISEASE = "normal"
_LEAST_SURE_OF_VIEW = 0.5
"""Probability from which the finder's word on the view is taken, and said with it."""

Together = Literal["header", "folder", "all"]
"""How films are known to be one patient's: by the patient's number in their headers, by the folder
they lie in, or because the user says that all are."""


@dataclass(frozen=True, slots=True)
class PatientFilm:
    """One film of a patient, in what a summary says of it."""

    name: str
    view: View
    view_by: str
    """"header", "spine finder (93 % sure)" or "nobody"."""
    answer: str | None
    likeliest: str
    probability: float
    why_no_answer: tuple[str, ...]
    largest_cobb_degrees: float | None
    """None where nothing was measured."""


@dataclass(frozen=True, slots=True)
class Bearing:
    """What a patient's films say of one disease."""

    label: str
    view: View
    """The view that bears on it; "not stated" where none is known to."""
    films: tuple[str, ...]
    """Names of the patient's films of that view; of all films where no view is known to."""
    said: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class PatientSummary:
    """A patient's films together."""

    patient: str
    """"patient-1" …; nothing of whose they are."""
    films: tuple[PatientFilm, ...]
    bearings: tuple[Bearing, ...]
    """One for each label that is a disease, in the order of the labels."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The summary for a person: the films' views, then a line for each disease."""
        shown = ", ".join(
            f"{one.name} {one.view if one.view != NOT_STATED else 'of a view that is not known'}"
            for one in self.films
        )
        return f"{self.patient}: {shown}", *(f"  {one.label}: {one.said}" for one in self.bearings)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}


class Gathering:
    """Films of patients, gathered while they are read; of each only what a summary says."""

    def __init__(self, together: Together, labels: tuple[str, ...]) -> None:
        self._together, self._labels = together, labels
        self._films: dict[str, list[PatientFilm]] = {}

    def add(self, reading: Reading) -> None:
        """One more film. Raises `SpondylError` where it does not say whose it is."""
        key = _patient_of(reading, self._together)
        self._films.setdefault(key, []).append(film_of(reading))

    def summaries(self) -> tuple[PatientSummary, ...]:
        """The patients in the order of their first films."""
        return tuple(
            summary(f"patient-{number}", films, self._labels)
            for number, films in enumerate(self._films.values(), start=1)
        )


def together_named(name: str) -> Together:
    """The way to know a patient's films that is called so; `SpondylError` for another name."""
    ways: tuple[Together, ...] = ("header", "folder", "all")
    for way in ways:
        if name == way:
            return way
    raise SpondylError(f"--together {name!r}: not known", f"One of {', '.join(ways)}.")


def film_of(reading: Reading) -> PatientFilm:
    """What a summary says of a film: by its header the view, else by the spine finder where that
    is sure of it."""
    view, by = _view(reading)
    measured = reading.measurement
    angles = None if measured is None else measured.cobb_degrees
    return PatientFilm(
        reading.film.name,
        view,
        by,
        reading.answer,
        reading.likeliest,
        reading.probability,
        tuple(doubt.why for doubt in reading.doubts),
        None if angles is None else max(angles),
    )


def summary(patient: str, films: Sequence[PatientFilm], labels: tuple[str, ...]) -> PatientSummary:
    """What a patient's films say of each label that is a disease."""
    diseases = [label for label in labels if label != NO_DISEASE]
    return PatientSummary(patient, tuple(films), tuple(_bearing(one, films) for one in diseases))


def _view(reading: Reading) -> tuple[View, str]:
    stated = reading.film.dicom
    if stated is not None and stated.view != NOT_STATED:
        return stated.view, "header"
    found = reading.measurement
    if found is not None and found.view_probability >= _LEAST_SURE_OF_VIEW:
        return found.view, f"spine finder ({words.share(found.view_probability)} sure)"
    return NOT_STATED, "nobody"


def _bearing(label: str, films: Sequence[PatientFilm]) -> Bearing:
    view = BEARS_ON.get(label, NOT_STATED)
    if view == NOT_STATED:
        said = "; ".join(_said(one, label) for one in films)
        names = tuple(one.name for one in films)
        return Bearing(label, view, names, f"no view is known to bear on it; {said}")
    fitting = [one for one in films if one.view == view]
    unknown = [one.name for one in films if one.view == NOT_STATED]
    if fitting:
        said = "; ".join(_said(one, label) for one in fitting)
    else:
        said = f"it shows on {view} films, and none of these is known to be one"
        if unknown:
            said += f" (the view of {', '.join(unknown)} is not known)"
        said += ", so nothing is said of it"
    return Bearing(label, view, tuple(one.name for one in fitting), said)


def _said(one: PatientFilm, label: str) -> str:
    """What one film says of a disease."""
    where = f"{one.name} ({one.view})" if one.view != NOT_STATED else one.name
    if one.answer is None:
        return f"{where}: no answer, {'; '.join(one.why_no_answer)}"
    measured = (
        f", largest Cobb angle {one.largest_cobb_degrees:.0f}°"
        if label == "scoliosis" and one.largest_cobb_degrees is not None
        else ""
    )
    if one.answer == label:
        return f"{where}: {label}, {words.share(one.probability)}{measured}"
    return f"{where}: not called {label} but {one.answer}, {words.share(one.probability)}{measured}"


def _patient_of(reading: Reading, together: Together) -> str:
    """What films of one patient have in common; never written anywhere."""
    if together == "all":
        return ""
    if together == "folder":
        return str(Path(reading.film.path).absolute().parent)
    stated = reading.film.dicom
    if stated is None or not stated.patient_key:
        raise SpondylError(
            f"{reading.film.name}: does not say whose film it is",
            "Put each patient's films into a folder and give --together folder.",
        )
    return stated.patient_key
