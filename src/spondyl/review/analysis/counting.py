"""Which answers count: of each reader, film, heatmap and question one, and what was said later.

Answers are only ever added, so whoever changes their mind is there twice. Of a heatmap the last one
counts. Of the film alone it is the first that was given, and only if no heatmap of the film had
been answered about, since that is what "blind" means; the export counts alike. The price is that a
slip of the finger stays; what was said after a heatmap is compared with it.

An item that repeats another is there to compare a reader with themselves. It counts nowhere else,
not even for a reader who left out the first of the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from spondyl.errors import Problem, SpondylError
from spondyl.review.questions import BETWEEN, YES_NO
from spondyl.review.records import Answer, Item, Map, Phase, Question, Survey

Key = tuple[str, str, str | None, str]
"""Reader, item, map, question."""


@dataclass(frozen=True, slots=True)
class Row:
    """An item, or one heatmap of it, as something that all readers are asked the same about."""

    item: Item
    map: Map | None
    """None of a question about the film alone."""

    @property
    def film(self) -> str:
        """What is resampled: the film's SHA-256."""
        return self.item.film_sha256


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """A survey and the answers to it that count."""

    survey: Survey
    readers: tuple[str, ...]
    """Who answered anything, by pseudonym."""
    first: Mapping[Key, Answer]
    """The first answer to each question; of an unaided one only if it was blind."""
    last: Mapping[Key, Answer]
    after: Mapping[Key, Answer]
    """The last answer to each unaided question that was given after a heatmap of the film."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Those that repeat no other."""
        return tuple(item for item in self.survey.items if item.repeats is None)

    @property
    def repeats(self) -> tuple[tuple[Item, Item], ...]:
        """(item, the same film again) of all repeats."""
        by_id = {item.item_id: item for item in self.survey.items}
        return tuple((by_id[i.repeats], i) for i in self.survey.items if i.repeats is not None)

    @property
    def diagnosis(self) -> Question | None:
        """The question for the diagnosis from the film alone."""
        asked = (q for q in self.questions("unaided") if q.diagnosis)
        return next(asked, None)

    @property
    def looks_right(self) -> Question | None:
        """The question whose "yes" says that a heatmap looks right."""
        asked = (q for q in self.questions("aided") if q.looks_right)
        return next(asked, None)

    def questions(self, phase: Phase) -> tuple[Question, ...]:
        """Those of a phase, in their order."""
        return tuple(q for q in self.survey.questions if q.phase == phase)

    def film_rows(self) -> tuple[Row, ...]:
        """Every item that repeats no other."""
        return tuple(Row(item, None) for item in self.items)

    def map_rows(self, network: str | None = None, decoys: bool = False) -> tuple[Row, ...]:
        """The heatmaps of these items, of one network or all: its own, or the decoys instead."""
        return tuple(
            Row(item, one)
            for item in self.items
            for one in item.maps
            if (one.kind != "network") == decoys and network in (None, one.network)
        )

    def networks(self) -> tuple[str, ...]:
        """Configurations that are asked about, in the order in which items name them."""
        named = [name for item in self.survey.items for name, _ in item.predicted]
        named += [one.network for item in self.survey.items for one in item.maps]
        return tuple(dict.fromkeys(named))

    def answer(self, reader: str, row: Row, question: Question) -> Answer | None:
        """The one that counts; None where nothing was said."""
        key = (reader, row.item.item_id, row.map.map_id if row.map else None, question.key)
        found = (self.first if question.phase == "unaided" else self.last).get(key)
        return found if found is not None and _says(found, question) else None

    def value(self, reader: str, row: Row, question: Question) -> str | None:
        """What the answer says that counts; None where nothing was said."""
        found = self.answer(reader, row, question)
        return found.value if found else None


def count(survey: Survey, answers: Sequence[Answer]) -> Counted:
    """The answers to `survey` that count; one that was sent twice is one.

    Raises `SpondylError` for answers that are not of this survey: an unknown item, heatmap or
    question, a value that was not offered, a time that cannot be read.
    """
    items = {item.item_id: item for item in survey.items}
    questions = {question.key: question for question in survey.questions}
    problems = [
        problem
        for answer in answers
        for problem in _faults(
            answer, survey.survey_id, items.get(answer.item_id), questions.get(answer.question)
        )
    ]
    if problems:
        raise SpondylError.of(problems, f"the answers to {survey.survey_id}")
    once: dict[str, Answer] = {}
    for answer in answers:
        once.setdefault(answer.answer_id, answer)
    first: dict[Key, Answer] = {}
    last: dict[Key, Answer] = {}
    after: dict[Key, Answer] = {}
    seen: set[tuple[str, str]] = set()
    for answer in sorted(once.values(), key=lambda one: _moment(one.at)):
        key = (answer.reader, answer.item_id, answer.map_id, answer.question)
        last[key] = answer
        question = questions[answer.question]
        if question.phase == "aided":
            seen.add(key[:2])
        elif key[:2] in seen or answer.phase == "aided":
            after[key] = answer
            continue
        if _says(answer, question):
            first.setdefault(key, answer)
    readers = tuple(sorted({answer.reader for answer in answers}))
    return Counted(survey, readers, first, last, after)


def chosen(question: Question, value: str) -> tuple[str, ...]:
    """The options that an answer names: of "any of" several or none."""
    if question.kind != "any of":
        return (value,)
    return tuple(value.split(BETWEEN)) if value else ()


def offered(question: Question) -> tuple[str, ...]:
    """What can be answered, in order; nothing where the text is free."""
    return YES_NO if question.kind == "yes or no" else question.options


def _says(answer: Answer, question: Question) -> bool:
    """Whether it is an answer: nothing at all is one to "any of" only."""
    return bool(answer.value) or question.kind == "any of"


def _faults(
    answer: Answer, survey_id: str, item: Item | None, question: Question | None
) -> Iterator[Problem]:
    """What is wrong with one answer, to an item and question of the survey or to none."""
    where = f"answer {answer.answer_id}"
    hint = "Analyse answers with the survey that they were given to."
    if answer.survey_id != survey_id:
        yield Problem(where, f"is of survey {answer.survey_id}, not {survey_id}", hint)
        return
    if item is None or question is None:
        what = f"item {answer.item_id}" if item is None else f"question {answer.question}"
        yield Problem(where, f"{what} is not in the survey", hint)
        return
    maps: set[str | None] = {one.map_id for one in item.maps}
    if answer.map_id not in ({None} if question.phase == "unaided" else maps):
        yield Problem(
            where,
            f"{question.key} is {question.phase}, and map {answer.map_id} was answered",
            hint,
        )
    if answer.phase == "unaided" and question.phase == "aided":
        yield Problem(where, f"{question.key} is aided, and was answered unaided", hint)
    options = offered(question)
    if options and answer.value and not set(chosen(question, answer.value)) <= set(options):
        yield Problem(where, f"{answer.value!r} is none of {', '.join(options)}", hint)
    if not (math.isfinite(answer.seconds) and answer.seconds >= 0):
        yield Problem(where, f"{answer.seconds} seconds", "Times are finite and not negative.")
    try:
        _moment(answer.at)
    except ValueError:
        yield Problem(where, f"{answer.at!r} is no time", "Times are UTC, in ISO 8601.")


def _moment(at: str) -> datetime:
    """A time as it was written; one without a zone is UTC."""
    moment = datetime.fromisoformat(at)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
