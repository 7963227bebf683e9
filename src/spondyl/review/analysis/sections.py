"""The paper's survey as tables: of the film alone, and of each network's heatmaps.

Section 4.4 of Ahmad et al. 2026 reports one surgeon on wrongly predicted films. Here every table
exists for each reader and for all together, and the heatmaps' tables besides for the films that
their network got wrong (the paper's) and those it got right, because heatmaps of errors alone say
nothing of heatmaps. Decoys are in none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spondyl.review.agreement import Resampling
from spondyl.review.analysis.counting import Counted, Row
from spondyl.review.analysis.shares import Answered, answered
from spondyl.review.records import Item, Phase, Question, QuestionKind

Films = Literal["all", "wrong", "right"]
"""All that were asked about, or those whose label the network missed or met."""


@dataclass(frozen=True, slots=True)
class QuestionTable:
    """A question and how it was answered."""

    question: str
    """Its key."""
    text: str
    kind: QuestionKind
    phase: Phase
    network: str | None
    """Whose heatmaps were asked about; None of a question about the film alone."""
    films: Films
    n_rows: int
    """Films, or heatmaps, that were asked about."""
    pooled: Answered
    readers: tuple[Answered, ...]


def film_tables(counted: Counted, resampling: Resampling) -> tuple[QuestionTable, ...]:
    """Section 1: every unaided question over all films, as it was first said."""
    rows = counted.film_rows()
    return tuple(
        _table(counted, question, None, "all", rows, resampling)
        for question in counted.questions("unaided")
    )


def map_tables(counted: Counted, resampling: Resampling) -> tuple[QuestionTable, ...]:
    """Sections 2 and 3: every aided question, by network, over all films, wrong and right ones; a
    table without a film is left out."""
    asked: tuple[Films, ...] = ("all", "wrong", "right")
    return tuple(
        _table(counted, question, network, films, rows, resampling)
        for network in counted.networks()
        for films in asked
        if (rows := _of_films(counted.map_rows(network), network, films))
        for question in counted.questions("aided")
    )


def predicted_by(item: Item, network: str) -> str | None:
    """What a configuration said of the film; None where it was not asked."""
    return dict(item.predicted).get(network)


def _of_films(rows: Sequence[Row], network: str, films: Films) -> tuple[Row, ...]:
    if films == "all":
        return tuple(rows)
    return tuple(
        row
        for row in rows
        if row.item.truth is not None
        and (said := predicted_by(row.item, network)) is not None
        and (said == row.item.truth) == (films == "right")
    )


def _table(
    counted: Counted,
    question: Question,
    network: str | None,
    films: Films,
    rows: Sequence[Row],
    resampling: Resampling,
) -> QuestionTable:
    return QuestionTable(
        question.key,
        question.text,
        question.kind,
        question.phase,
        network,
        films,
        len(rows),
        answered(counted, question, rows, None, resampling),
        tuple(answered(counted, question, rows, one, resampling) for one in counted.readers),
    )
