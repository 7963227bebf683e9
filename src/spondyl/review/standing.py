"""Which answers count: of the film alone the first, of a heatmap the last.

Answers are never replaced, so what counts has to be said. A diagnosis counts as it was first given,
before any heatmap of the film was handed out; one that comes later is kept beside it and tells what
a heatmap changed. About a heatmap the last word counts. A slip in a first diagnosis stays: whether
it was one, only its reader could say, and they have seen more by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from spondyl.review.records import Answer


@dataclass(frozen=True, slots=True)
class Shown:
    """That a heatmap was handed to a reader for the first time."""

    survey_id: str
    reader: str
    item_id: str
    map_id: str
    after: int
    """How many answers of theirs were kept before: what came first, whatever clocks say."""
    at: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an answer is worth."""

    blind: bool
    """Unaided, and no heatmap of the film had been handed to the reader."""
    last: bool
    """The reader said nothing else to the same question afterwards."""
    counts: bool
    """Unaided: the first one, if it was blind; aided: the last one."""


def standings(answers: Iterable[Answer], shown: Iterable[Shown]) -> dict[str, Standing]:
    """The standing of every answer, by answer_id.

    `answers` are all of their readers', in the order in which they came. A heatmap that was
    answered about was seen, so that answer stands in for what `shown` does not know.
    """
    given = list(answers)
    places = _places(given)
    seen = _seen(given, places, shown)
    first: dict[tuple[str, ...], str] = {}
    last: dict[tuple[str, ...], str] = {}
    for answer in given:
        first.setdefault(_asked(answer), answer.answer_id)
        last[_asked(answer)] = answer.answer_id
    standing = {}
    for answer in given:
        name, unaided = answer.answer_id, answer.phase == "unaided"
        blind = unaided and places[name] < seen.get(_film(answer), len(given))
        is_first, is_last = first[_asked(answer)] == name, last[_asked(answer)] == name
        standing[name] = Standing(blind, is_last, blind and is_first if unaided else is_last)
    return standing


def counting(answers: Iterable[Answer], shown: Iterable[Shown]) -> tuple[Answer, ...]:
    """The answers that count, at most one of each reader to each question of a film or heatmap."""
    given = list(answers)
    standing = standings(given, shown)
    return tuple(answer for answer in given if standing[answer.answer_id].counts)


def _places(answers: Iterable[Answer]) -> dict[str, int]:
    """How many answers of the same reader came before each, by answer_id."""
    before: Counter[tuple[str, str]] = Counter()
    places = {}
    for answer in answers:
        places[answer.answer_id] = before[answer.survey_id, answer.reader]
        before[answer.survey_id, answer.reader] += 1
    return places


def _seen(
    answers: Iterable[Answer], places: Mapping[str, int], shown: Iterable[Shown]
) -> dict[tuple[str, str, str], int]:
    """How many answers a reader had given when first handed a heatmap of a film."""
    times = [(_film(one), one.after) for one in shown]
    times += [(_film(a), places[a.answer_id]) for a in answers if a.phase == "aided"]
    seen: dict[tuple[str, str, str], int] = {}
    for film, after in times:
        seen[film] = min(after, seen.get(film, after))
    return seen


def _film(of: Answer | Shown) -> tuple[str, str, str]:
    """Who met which film."""
    return of.survey_id, of.reader, of.item_id


def _asked(answer: Answer) -> tuple[str, ...]:
    """Who was asked what about what."""
    return (*_film(answer), answer.map_id or "", answer.question)
