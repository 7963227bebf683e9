"""Which answers count: of the film alone the first that was blind, of a heatmap the last.

Answers are never replaced, so what counts has to be said, and it is said here alone: the export,
its codebook and the analysis all ask this module.

An answer about a film alone is blind if it was kept before any heatmap of that film was handed to
its reader, be it in this item or in one that shows the same film again. The first blind one counts.
What is said later stays beside it and never takes its place: before a heatmap it is a second
thought, after one it is what the analysis calls a change of mind. A slip in a first diagnosis
stays: whether it was one, only its reader could say. Texts and boxes are given piece by piece, so
of these the last blind state counts. Of a heatmap the last word counts.

A repeat is met by a reader who has seen its film's heatmaps, so nothing said of it is blind. The
first answer before its own heatmaps counts all the same, for nothing but that reader's agreement
with themselves. The price is that "blind" there means what the reader remembers, which is the price
of every repeat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spondyl.review.records import Answer, Item, QuestionKind, Survey

_PIECED: frozenset[QuestionKind] = frozenset({"any of", "free text"})
"""Kinds whose answer is given piece by piece, box after box or word after word."""

RULE: tuple[str, ...] = (
    "Of the film alone the first answer counts, if it is blind: given before any heatmap of that "
    "film was handed to the reader, in this item or in a repeat of it.",
    "Of a free text, and of a question of which several options may be chosen, it is the last "
    "blind one: such an answer is given piece by piece, and kept between.",
    "A later answer about the film alone never takes its place. Before a heatmap it is a second "
    "thought, which is kept and counted nowhere; after one it is a change of mind, and the last of "
    "these is what the analysis compares with the blind answer.",
    "Of a heatmap the last answer counts.",
    "Nothing that is said of a repeat is blind, since the reader has met its film with heatmaps. "
    "What is said before the repeat's own heatmaps counts alike, for agreement with oneself alone.",
    "An answer without a word says nothing and counts nowhere, but for a question of which several "
    "options or none may be chosen.",
)
"""The same for whoever reads a table."""


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
    """Unaided, and no heatmap of the film had been handed to the reader, in whichever item."""
    last: bool
    """The reader said nothing else to the same question afterwards."""
    counts: bool
    """By `RULE`; at most one answer of each reader to each question of an item or heatmap."""


def standings(
    survey: Survey, answers: Iterable[Answer], shown: Iterable[Shown]
) -> dict[str, Standing]:
    """The standing of every answer to `survey`, by answer_id.

    `answers` are all of their readers', in the order in which they were kept; one that is there
    twice is one. A heatmap that was answered about was seen, so that answer stands in for what
    `shown` does not know. Raises KeyError for an item that is not in the survey.
    """
    given = once(answers)
    items = {item.item_id: item for item in survey.items}
    kinds = {question.key: question.kind for question in survey.questions}
    places = _places(given)
    seen = _Seen(items, given, places, shown)
    last = {_asked(answer): answer.answer_id for answer in given}
    counts: dict[tuple[str, ...], str] = {}
    blind = set()
    for answer in given:
        name, place, kind = answer.answer_id, places[answer.answer_id], kinds.get(answer.question)
        in_time = answer.phase == "aided"
        if not in_time:
            in_time = place < seen.of_film(answer, place + 1)
            blind |= {name} if in_time else set()
            if items[answer.item_id].repeats is not None:
                in_time = place < seen.of_item(answer, place + 1)
        follows = answer.phase == "aided" or kind in _PIECED
        if in_time and (follows or _asked(answer) not in counts):
            counts.pop(_asked(answer), None)
            if answer.value or kind == "any of":
                counts[_asked(answer)] = name
    return {
        name: Standing(name in blind, last[asked] == name, counts.get(asked) == name)
        for name, asked in ((answer.answer_id, _asked(answer)) for answer in given)
    }


def counting(
    survey: Survey, answers: Iterable[Answer], shown: Iterable[Shown]
) -> tuple[Answer, ...]:
    """The answers that count, at most one of each reader to each question of a film or heatmap."""
    given = once(answers)
    standing = standings(survey, given, shown)
    return tuple(answer for answer in given if standing[answer.answer_id].counts)


def once(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """`answers` in their order, each identifier the first time that it comes."""
    kept: dict[str, Answer] = {}
    for answer in answers:
        kept.setdefault(answer.answer_id, answer)
    return tuple(kept.values())


class _Seen:
    """How many answers each reader had given when first handed a heatmap."""

    def __init__(
        self,
        items: Mapping[str, Item],
        answers: Sequence[Answer],
        places: Mapping[str, int],
        shown: Iterable[Shown],
    ) -> None:
        self._items = items
        self._of_film: dict[tuple[str, str], int] = {}
        self._of_item: dict[tuple[str, str], int] = {}
        times = [(one.reader, one.item_id, one.after) for one in shown]
        times += [(a.reader, a.item_id, places[a.answer_id]) for a in answers if a.phase == "aided"]
        for reader, item_id, after in times:
            film, item = (reader, items[item_id].film_sha256), (reader, item_id)
            self._of_film[film] = min(after, self._of_film.get(film, after))
            self._of_item[item] = min(after, self._of_item.get(item, after))

    def of_film(self, answer: Answer, never: int) -> int:
        """Of any item that shows the film of `answer`; `never` where none was."""
        film = self._items[answer.item_id].film_sha256
        return self._of_film.get((answer.reader, film), never)

    def of_item(self, answer: Answer, never: int) -> int:
        """Of the item of `answer` itself; `never` where none was."""
        return self._of_item.get((answer.reader, answer.item_id), never)


def _places(answers: Iterable[Answer]) -> dict[str, int]:
    """How many answers of the same reader came before each, by answer_id."""
    before: Counter[str] = Counter()
    places = {}
    for answer in answers:
        places[answer.answer_id] = before[answer.reader]
        before[answer.reader] += 1
    return places


def _asked(answer: Answer) -> tuple[str, ...]:
    """Who was asked what about what."""
    return (answer.reader, answer.item_id, answer.map_id or "", answer.question)
