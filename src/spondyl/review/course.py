"""What a reader sees next: each film alone first, then its heatmaps one after another.

A course is a row of steps, and the first step that lacks a required answer is where its reader
stands; nothing else says so, so whoever stops goes on there, on any machine. A reader may go back
to any step up to there and add an answer, and never sees a later one. That is all there is to
"blind first": the heatmaps of a film come after its own step, and the next film, its repeat
included, after them. The price is that nobody can skip a film.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spondyl.errors import SpondylError
from spondyl.review import orders
from spondyl.review.orders import Masked
from spondyl.review.records import Answer, Item, Phase, Question, Survey


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a survey as its reader meets it."""

    item: Item
    """For whoever shows it; readers see nothing of it but the picture."""
    number: int
    """Of the item in the reader's order, from 1."""
    masked: Masked | None
    """The heatmap and its letter; None of a film alone."""
    questions: tuple[Question, ...]
    """All of its phase, required or not, in order."""
    answered: tuple[tuple[str, str], ...]
    """(question, value) of what the reader last said here."""

    @property
    def phase(self) -> Phase:
        """Whether a heatmap is shown."""
        return "unaided" if self.masked is None else "aided"

    @property
    def map_id(self) -> str | None:
        """Of the heatmap, as answers name it."""
        return None if self.masked is None else self.masked.map.map_id

    @property
    def lacking(self) -> tuple[str, ...]:
        """Keys of required questions that are not answered yet."""
        said = {key for key, _ in self.answered}
        return tuple(q.key for q in self.questions if q.required and q.key not in said)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reader is."""

    items_done: int
    items: int
    steps_done: int
    steps: int
    """Films and heatmaps."""


def steps(survey: Survey, reader: str, answers: Iterable[Answer]) -> tuple[Step, ...]:
    """The whole course of `reader`; answers of others and of other surveys are passed over."""
    said: dict[tuple[str, str | None], dict[str, str]] = {}
    for answer in answers:
        if (answer.survey_id, answer.reader) == (survey.survey_id, reader):
            here = said.setdefault((answer.item_id, answer.map_id), {})
            here[answer.question] = answer.value
    asked = {
        phase: tuple(q for q in survey.questions if q.phase == phase)
        for phase in ("unaided", "aided")
    }
    course: list[Step] = []
    for number, item in enumerate(orders.items(survey, reader), 1):
        alone = tuple(said.get((item.item_id, None), {}).items())
        course.append(Step(item, number, None, asked["unaided"], alone))
        for masked in orders.maps(survey, reader, item):
            given = tuple(said.get((item.item_id, masked.map.map_id), {}).items())
            course.append(Step(item, number, masked, asked["aided"], given))
    return tuple(course)


def reached(survey: Survey, reader: str, answers: Iterable[Answer]) -> tuple[Step, ...]:
    """The steps that `reader` may see: all that are done, and the first that is not."""
    course = steps(survey, reader, answers)
    here = next((at for at, step in enumerate(course) if step.lacking), len(course) - 1)
    return course[: here + 1]


def step_at(
    survey: Survey,
    reader: str,
    answers: Iterable[Answer],
    item_id: str,
    map_id: str | None = None,
) -> Step:
    """The step of a film, or of one of its heatmaps, to go back to.

    Raises `SpondylError` where it is none of this reader's, or not reached yet; which of the two is
    not said.
    """
    for step in reached(survey, reader, answers):
        if (step.item.item_id, step.map_id) == (item_id, map_id):
            return step
    raise SpondylError(
        "this page is not open to you", "Go on where you are: each film comes before its heatmaps."
    )


def progress(survey: Survey, reader: str, answers: Iterable[Answer]) -> Progress:
    """How far `reader` is."""
    course = steps(survey, reader, answers)
    lacking = {step.number for step in course if step.lacking}
    done = sum(not step.lacking for step in course)
    return Progress(len(survey.items) - len(lacking), len(survey.items), done, len(course))


def question_of(step: Step, key: str) -> Question:
    """The question `key` of a step; `SpondylError` where it is not asked there."""
    for question in step.questions:
        if question.key == key:
            return question
    raise SpondylError("this question is not asked here", "Load the page again.")


def pictures_of(step: Step) -> Sequence[str]:
    """Files that the page of `step` shows: the film, and the heatmap where there is one."""
    return (step.item.film,) if step.masked is None else (step.item.film, step.masked.map.file)
