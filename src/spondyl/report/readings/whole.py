"""Films and a bundle → what was asked for of each: lines, JSON, pictures, pages, DICOM, patients.

Films are written by threads of their own while the networks look at the next, and never more than
a few wait to be written: a run that is killed has lost nothing but the films it was at, and memory
does not grow with the number of films. What is kept of each is a problem, or the few facts
that a patient's summary needs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spondyl.data import spines
from spondyl.data.spines import SpineOf
from spondyl.errors import Problem, SpondylError
from spondyl.files import refuse_unless_fillable, refuse_unless_free, write_json, write_text
from spondyl.progress import Track, silently
from spondyl.reading import words
from spondyl.reading.dicom_out import writing as dicom_writing
from spondyl.reading.dicom_out.deidentification import Deidentification
from spondyl.reading.document import document
from spondyl.reading.each_film import Named, ReadFilm, readings
from spondyl.reading.patients import Gathering, PatientSummary, Together
from spondyl.reading.reading import Reader
from spondyl.report.readings import patient, writing
from spondyl.report.readings.writing import Form

_WAITING = 2
"""Readings that wait to be written, at most, for each thread that writes."""
_PICTURES: frozenset[Form] = frozenset({"png", "npy", "json"})
"""Forms that are made without anything that several threads would share."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is made of every reading."""

    out: Path | None = None
    """A folder for `forms`: a new one, or one to be gone on with (`resuming`)."""
    forms: tuple[Form, ...] = ()
    dicom_out: Path | None = None
    """A new folder for DICOM objects."""
    deidentify: bool = False
    """Whether these objects lose what leads to the patient."""
    identify: bool = False
    """Whether JSON says what leads to the patient."""
    together: Together | None = None

    @property
    def threads(self) -> int:
        """How many write at once: two where only pictures and records are made, which takes about
        as long as a small network; the libraries for PDF and DICOM are asked by one alone."""
        return 2 if self.dicom_out is None and set(self.forms) <= _PICTURES else 1

    def refuse_unless_possible(self, resume: bool = False, parted: bool = False) -> None:
        """Raises `SpondylError` where a folder is taken or an option means nothing.

        With `resume` the folder `out` may be that of an earlier run; with `parted` several
        processes read.
        """
        if resume and self.out is None:
            raise SpondylError("--resume without --out: nothing to go on with", "Give both.")
        if resume or parted:
            self._refuse_what_needs_all_films(
                "--resume" if resume else "several processes (--at-once, --cluster)"
            )
        for folder in (self.out, self.dicom_out):
            if folder is not None:
                if not (resume and folder == self.out):
                    refuse_unless_free(folder)
                refuse_unless_fillable(folder)
        if self.deidentify and self.dicom_out is None:
            raise SpondylError(
                "--deidentify: without DICOM objects there is nothing to de-identify",
                "Nothing else that is written names a patient. Give --dicom-out, or leave it out.",
            )
        if self.deidentify and self.identify:
            raise SpondylError("--identify and --deidentify: one or the other", "Give one of them.")

    def _refuse_what_needs_all_films(self, by: str) -> None:
        for option, is_given in (
            ("--together", self.together is not None),
            ("--dicom-out", self.dicom_out is not None),
        ):
            if is_given:
                raise SpondylError(
                    f"{option} with {by}: it is made of all films in one go, by one process",
                    "Leave one of them out, and read those films by themselves.",
                )


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one film."""

    lines: tuple[str, ...]
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Written:
    """A film that was read and written."""

    row: Row
    is_answered: bool
    problem: Problem | None
    """What could not be written of it."""


@dataclass(slots=True)
class Run:
    """Films being read; iterate `rows` to its end, then ask for the rest."""

    films: Sequence[Named]
    reader: Reader
    wanted: Wanted
    spine_of: SpineOf = spines.unknown
    track: Track = silently
    failures: list[Problem] = field(default_factory=list)
    n_answered: int = 0
    n_doubted: int = 0
    _patients: Gathering | None = None
    _deidentification: Deidentification | None = None

    def rows(self) -> Iterator[Row]:
        """The films that could be read, in their order; the others are among `failures`."""
        self._deidentification = Deidentification() if self.wanted.deidentify else None
        if self.wanted.together:
            self._patients = Gathering(self.wanted.together, self.reader.bundle.labels.names)
        waiting: deque[Problem | Future[_Written]] = deque()
        threads = self.wanted.threads
        with ThreadPoolExecutor(threads, "writing") as writer:
            for found in readings(self.films, self.reader, self.spine_of, self.track):
                waiting.append(
                    found
                    if isinstance(found, Problem)
                    else writer.submit(self._written, found, self._without_patient(found))
                )
                del found  # or its pixels would be held while the next film is read
                while len(waiting) > threads * _WAITING:
                    yield from self._counted(waiting.popleft())
            while waiting:
                yield from self._counted(waiting.popleft())

    def patients(self) -> tuple[PatientSummary, ...]:
        """The patients' films together, where that was asked for; written beside the films."""
        found = () if self._patients is None else self._patients.summaries()
        out, links = self.wanted.out, "html" in self.wanted.forms
        for one in found:
            if out is None:
                break
            write_json(out / f"{one.patient}.json", one.as_dict())
            if links:
                write_text(out / f"{one.patient}.html", patient.html(one))
        return found

    def _counted(self, ended: Problem | Future[_Written]) -> Iterator[Row]:
        """The row of a film as soon as it is written; what is wrong with it is a failure."""
        if isinstance(ended, Problem):
            self.failures.append(ended)
            return
        written = ended.result()
        if written.problem is not None:
            self.failures.append(written.problem)
        if written.is_answered:
            self.n_answered += 1
        else:
            self.n_doubted += 1
        yield written.row

    def _without_patient(self, found: ReadFilm) -> Problem | None:
        """Gathers the film with the others of its patient; what is wrong where it cannot be. Here
        and not where it is written, so that patients come in the order of the films."""
        try:
            if self._patients is not None:
                self._patients.add(found.reading)
        except SpondylError as error:
            return _of(found, error)
        return None

    def _written(self, found: ReadFilm, problem: Problem | None) -> _Written:
        """What came of a film that may have a `problem` already, in a thread that writes."""
        reading, wanted = found.reading, self.wanted
        files = {}
        if wanted.out is not None:
            made = writing.write(
                reading, found.film, wanted.out, wanted.forms, identify=wanted.identify
            )
            files = {path.suffix[1:]: path.name for path in made}
        said = tuple(words.lines(reading))
        try:
            if wanted.dicom_out is not None and problem is None:
                written = dicom_writing.write(reading, wanted.dicom_out, self._deidentification)
                said += written.warnings
        except SpondylError as error:
            problem = _of(found, error)
        row = Row(said, document(reading, wanted.identify, files))
        return _Written(row, reading.answer is not None, problem)


def forms_named(names: Collection[str]) -> tuple[Form, ...]:
    """The forms that are called so, beside JSON and picture; `SpondylError` for another name."""
    known: tuple[Form, ...] = ("html", "pdf")
    if strangers := [name for name in names if name not in known]:
        raise SpondylError(f"page {strangers[0]!r}: not known", f"One of {', '.join(known)}.")
    return ("png", "npy", *(form for form in known if form in names), "json")


def _of(found: ReadFilm, error: SpondylError) -> Problem:
    name = found.reading.film.name
    said = error.message.replace(str(found.reading.film.path), name).removeprefix(f"{name}: ")
    return Problem(name, said, error.hint)
