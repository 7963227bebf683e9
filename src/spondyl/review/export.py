"""All answers to a survey as one table: a row for each, with all that is known of what was shown.

The table holds the key to the masks, so it is for whoever analyses and not for readers. A cell
that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection), and
so does one that begins with an apostrophe: who takes one apostrophe off wherever a cell begins with
one has what was written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from spondyl.errors import SpondylError
from spondyl.files import write_text
from spondyl.review import orders
from spondyl.review.columns import described, predicted, score
from spondyl.review.records import Answer, Item, Map, Survey
from spondyl.review.standing import Shown, Standing, standings

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_YES = {True: "yes", False: "no"}


def rows(survey: Survey, answers: Sequence[Answer], shown: Iterable[Shown]) -> list[dict[str, str]]:
    """A row for each of `answers`, in their order, by column (`columns.described`).

    They are all of their readers', or none could be said to be the first. Raises `SpondylError`
    where one is to another survey, or to nothing that is in this one.
    """
    items = {item.item_id: item for item in survey.items}
    maps = {m.map_id: m for item in survey.items for m in item.maps}
    for answer in answers:
        there = answer.item_id in items and answer.map_id in {None, *maps}
        if answer.survey_id != survey.survey_id or not there:
            raise SpondylError(
                f"answer {answer.answer_id}: is to nothing in survey {survey.survey_id}",
                "Export answers with the survey that they were given to.",
            )
    standing = standings(survey, answers, shown)
    places = {reader: _Places(survey, reader) for reader in {a.reader for a in answers}}
    return [
        _of_item(items[answer.item_id])
        | _of_map(maps[answer.map_id] if answer.map_id else None)
        | _of_answer(answer, standing[answer.answer_id])
        | places[answer.reader].of(answer)
        for answer in answers
    ]


def as_csv(survey: Survey, table: Sequence[Mapping[str, str]]) -> str:
    """`table` as CSV with a header, all columns there; what is not known is empty."""
    names = list(described(survey))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(guarded, names))
    writer.writerows([guarded(row.get(name, "")) for name in names] for row in table)
    return text.getvalue()


def write(path: Path, survey: Survey, answers: Sequence[Answer], shown: Iterable[Shown]) -> None:
    """Writes the table of `answers` to `path`, UTF-8, whole or not at all."""
    write_text(path, as_csv(survey, rows(survey, answers, shown)))


def guarded(cell: str) -> str:
    """`cell`, with an apostrophe before it where a spreadsheet might run it, or where it has one
    already."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class _Places:
    """Where a reader met what."""

    def __init__(self, survey: Survey, reader: str) -> None:
        ordered = orders.items(survey, reader)
        self._positions = {item.item_id: str(at) for at, item in enumerate(ordered, 1)}
        self._letters = {
            masked.map.map_id: masked.letter
            for item in ordered
            for masked in orders.maps(survey, reader, item)
        }

    def of(self, answer: Answer) -> dict[str, str]:
        mask = self._letters[answer.map_id] if answer.map_id else ""
        return {"position": self._positions[answer.item_id], "mask": mask}


def _of_item(item: Item) -> dict[str, str]:
    return {
        "item": item.item_id,
        "repeats": item.repeats or "",
        "why": item.why,
        "film": item.film,
        "film_sha256": item.film_sha256,
        "truth": item.truth or "",
        **{predicted(name): label for name, label in item.predicted},
    }


def _of_map(m: Map | None) -> dict[str, str]:
    if m is None:
        return {}
    return {
        "map": m.map_id,
        "map_kind": m.kind,
        "network": m.network,
        "map_label": m.label,
        "map_drawn_label": m.drawn_label or "",
        "map_method": m.method,
        **{score(name): repr(value) for name, value in m.scores},
    }


def _of_answer(answer: Answer, standing: Standing) -> dict[str, str]:
    return {
        "survey": answer.survey_id,
        "answer": answer.answer_id,
        "reader": answer.reader,
        "phase": answer.phase,
        "question": answer.question,
        "value": answer.value,
        "seconds": repr(answer.seconds),
        "at": answer.at,
        "blind": _YES[standing.blind],
        "last": _YES[standing.last],
        "counts": _YES[standing.counts],
    }
