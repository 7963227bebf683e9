"""A survey with the answers to it that count, ready for tables: who said what of which row.

Which answers count is the rule of `standing` and of no other place; the export follows the same.
What was said of a film alone after a heatmap is kept beside them, as a change of mind.

An item that repeats another is there to compare a reader with themselves. It counts nowhere else,
not even for a reader who left out the first of the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from spondyl.errors import Problem, SpondylError
from spondyl.review.questions import BETWEEN, YES_NO
from spondyl.review.records import Answer, Item, Map, Phase, Question, Survey
from spondyl.review.standing import Shown, once, standings

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
    counts: Mapping[Key, Answer]
    """The one answer to each question that counts."""
    first: Mapping[Key, Answer]
    """The first answer to each question, for times; of an unaided one the one that counts."""
    after: Mapping[Key, Answer]
    """The last answer to each unaided question that was given after a heatmap of the film; none of
    repeats, whose film was seen with heatmaps before anything is said of them."""

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
        return self.counts.get(key)

    def value(self, reader: str, row: Row, question: Question) -> str | None:
        """What the answer says that counts; None where nothing was said."""
        found = self.answer(reader, row, question)
        return found.value if found else None


def count(survey: Survey, answers: Sequence[Answer], shown: Iterable[Shown]) -> Counted:
    """The answers to `survey` that count, of all in the order in which they were kept; `shown` says
    which heatmaps had been handed out before.

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
    given = once(answers)
    standing = standings(survey, given, shown)
    counts: dict[Key, Answer] = {}
    first: dict[Key, Answer] = {}
    after: dict[Key, Answer] = {}
    for answer in given:
        key = (answer.reader, answer.item_id, answer.map_id, answer.question)
        stands = standing[answer.answer_id]
        if stands.counts:
            counts[key] = answer
        if stands.counts or answer.phase == "aided":
            first.setdefault(key, answer)
        elif not stands.blind and items[answer.item_id].repeats is None:
            after[key] = answer
    readers = tuple(sorted({answer.reader for answer in given}))
    return Counted(survey, readers, counts, first, after)


def chosen(question: Question, value: str) -> tuple[str, ...]:
    """The options that an answer names: of "any of" several or none."""
    if question.kind != "any of":
        return (value,)
    return tuple(value.split(BETWEEN)) if value else ()


def offered(question: Question) -> tuple[str, ...]:
    """What can be answered, in order; nothing where the text is free."""
    return YES_NO if question.kind == "yes or no" else question.options


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
    if answer.phase != question.phase:
        what = f"{question.key} is {question.phase}, and was answered {answer.phase}"
        yield Problem(where, what, hint)
    options = offered(question)
    if options and answer.value and not set(chosen(question, answer.value)) <= set(options):
        yield Problem(where, f"{answer.value!r} is none of {', '.join(options)}", hint)
    if not (math.isfinite(answer.seconds) and answer.seconds >= 0):
        yield Problem(where, f"{answer.seconds} seconds", "Times are finite and not negative.")
    try:
        datetime.fromisoformat(answer.at)
    except ValueError:
        yield Problem(where, f"{answer.at!r} is no time", "Times are UTC, in ISO 8601.")
