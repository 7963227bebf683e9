"""Which studies and series a server has (QIDO-RS, PS3.18 10.6), asked narrowly.

One patient is asked for, never a pattern, and what comes back is held against the question: the
standard lets a server pass over what it cannot match (PS3.18 8.3.4), and other people's films would
follow. Each modality is a question of its own, since servers disagree on how several are
written. The price is that a server which does not return what it was asked for cannot be searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from spondyl.errors import SpondylError
from spondyl.reading.dicomweb import address, answers
from spondyl.reading.dicomweb.connection import Connection

MOST_STUDIES = 100
"""That one search may find where no other number is given."""

_MODALITY = re.compile(r"[A-Z0-9_]{1,16}")
_STUDY_UID, _SERIES_UID = "0020000D", "0020000E"
_PATIENT_ID, _DATE, _ACCESSION = "00100020", "00080020", "00080050"
_MODALITIES, _MODALITY_OF_SERIES, _INSTANCES = "00080061", "00080060", "00201208"
_NARROWER = "Ask for less, or raise --limit."


@dataclass(frozen=True, slots=True)
class Question:
    """What a study must be like. Raises `SpondylError` for values that DICOM does not allow."""

    patient_id: str = field(default="", repr=False)
    """Whole, without wildcards."""
    date: str = ""
    """YYYYMMDD, or a range YYYYMMDD-YYYYMMDD with one end left out at will (PS3.4 C.2.2.2.5)."""
    modalities: tuple[str, ...] = ()
    """Of which a study must hold one."""
    accession: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for option, text, longest in (
            ("--patient-id", self.patient_id, 64),
            ("--accession", self.accession, 16),
        ):
            if len(text) > longest or not text.isprintable() or set(text) & set("*?\\"):
                raise SpondylError(
                    f"{option}: not one whole identifier of at most {longest} signs",
                    "Patterns with * or ? are not taken: they would find other people's films.",
                )
        _range(self.date)
        refuse_unless_modalities(self.modalities)

    @property
    def is_empty(self) -> bool:
        """Whether everything would be found."""
        return not (self.patient_id or self.date or self.modalities or self.accession)


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """A study that a server has."""

    uid: str
    date: str
    """YYYYMMDD, or "" where it is not said."""
    modalities: tuple[str, ...]
    n_instances: int | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "study": self.uid,
            "date": self.date or None,
            "modalities": list(self.modalities),
            "instances": self.n_instances,
        }

    @property
    def line(self) -> str:
        """As a person reads it."""
        count = "number of instances not said"
        if self.n_instances is not None:
            count = f"{self.n_instances} instance{'s' * (self.n_instances != 1)}"
        return "  ".join((self.uid, self.date or "no date", ",".join(self.modalities), count))


def studies(
    question: Question, connection: Connection, at_most: int = MOST_STUDIES
) -> tuple[FoundStudy, ...]:
    """All studies that answer `question`, in the server's order.

    Raises `SpondylError` where there are more than `at_most`, or where the server answers with
    something that was not asked for.
    """
    if at_most < 1:
        raise SpondylError(f"--limit {at_most}: not a number of studies", "Give 1 or more.")
    found: dict[str, FoundStudy] = {}
    for modality in question.modalities or ("",):
        query = {
            "PatientID": question.patient_id,
            "StudyDate": question.date,
            "AccessionNumber": question.accession,
            "ModalitiesInStudy": modality,
            "limit": str(at_most + 1),
        }
        for row in _rows("/studies", query, connection):
            _refuse_unless_asked_for(row, question, modality, connection)
            study = _study(row, connection)
            found.setdefault(study.uid, study)
        if len(found) > at_most:
            raise SpondylError(
                f"{connection.server.url}: has more than {at_most} such studies", _NARROWER
            )
    return tuple(found.values())


def series(study: str, modalities: Sequence[str], connection: Connection) -> tuple[str, ...]:
    """The identifiers of the series of a `study` that are of one of `modalities`."""
    path = f"/studies/{address.uid(study, '--study')}/series"
    found: dict[str, None] = {}
    for modality in modalities:
        for row in _rows(path, {"Modality": modality}, connection):
            if modality not in _values(row, _MODALITY_OF_SERIES):
                raise _not_asked_for("modality", connection)
            found[_uid(row, _SERIES_UID, connection)] = None
    return tuple(found)


def refuse_unless_modalities(modalities: Sequence[str]) -> None:
    """Raises `SpondylError` for what is no code string of a modality (PS3.3 C.7.3.1.1.1)."""
    for modality in modalities:
        if not _MODALITY.fullmatch(modality):
            raise SpondylError(
                "--modality: not codes of DICOM with commas between them", "For example CR,DX."
            )


def _rows(
    path: str, query: Mapping[str, str], connection: Connection
) -> Iterator[Mapping[str, Any]]:
    asked = {name: value for name, value in query.items() if value}
    document = connection.document(path, asked)
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise answers.odd(connection.server, "answers a search with something else than a list")
    yield from document


def _refuse_unless_asked_for(
    row: Mapping[str, Any], question: Question, modality: str, connection: Connection
) -> None:
    patient, accession = _value(row, _PATIENT_ID), _value(row, _ACCESSION)
    first, last = _range(question.date)
    checks = (
        ("patient", not question.patient_id or patient == question.patient_id.strip()),
        ("accession number", not question.accession or accession == question.accession.strip()),
        ("date", not question.date or first <= _value(row, _DATE) <= last),
        ("modality", not modality or modality in _values(row, _MODALITIES)),
    )
    for name, is_right in checks:
        if not is_right:
            raise _not_asked_for(name, connection)


def _not_asked_for(name: str, connection: Connection) -> SpondylError:
    return SpondylError(
        f"{connection.server.url}: answers with studies of another {name} than was asked for, or "
        "does not say of which",
        "It cannot be searched that way. Ask by --study, or by something else.",
    )


def _study(row: Mapping[str, Any], connection: Connection) -> FoundStudy:
    date, count = _value(row, _DATE), _values(row, _INSTANCES)[:1]
    return FoundStudy(
        _uid(row, _STUDY_UID, connection),
        date if _is_date(date) else "",
        tuple(one for one in _values(row, _MODALITIES) if _MODALITY.fullmatch(one)),
        int(count[0]) if count and count[0].isascii() and count[0].isdigit() else None,
    )


def _uid(row: Mapping[str, Any], tag: str, connection: Connection) -> str:
    found = _value(row, tag)
    if not address.is_uid(found):
        raise answers.odd(connection.server, "finds something that has no unique identifier")
    return found


def _value(row: Mapping[str, Any], tag: str) -> str:
    return next(iter(_values(row, tag)), "")


def _values(row: Mapping[str, Any], tag: str) -> list[str]:
    """The values of an element in DICOM JSON (PS3.18 F.2.2) as text, without padding."""
    element = row.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    if not isinstance(values, list):
        return []
    return [str(value).strip() for value in values if isinstance(value, str | int)]


def _range(date: str) -> tuple[str, str]:
    """First and last day; `SpondylError` where it is no date and no range of dates."""
    first, dash, last = date.partition("-")
    ends = [end for end in (first, last) if end]
    if date and (not ends or not all(map(_is_date, ends)) or (dash and first > last > "")):
        raise SpondylError(
            "--date: neither a date nor a range of dates",
            "For example 20210401, 20210101-20211231, or 20210101- with an open end.",
        )
    return first, last if dash and last else ("99999999" if dash else first)


def _is_date(text: str) -> bool:
    try:
        return len(text) == 8 and text.isdigit() and bool(datetime.strptime(text, "%Y%m%d"))
    except ValueError:
        return False
