"""The paper's three sections as tables: the film alone, then each network's heatmaps.

Decision: of "yes or no" the share of yes is shown, since no is the rest; of other kinds every
option. All readers together stand on the page, each reader's own in a file beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spondyl.report.tables import Table
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.analysis.sections import Films, QuestionTable
from spondyl.review.analysis.shares import Answered, OptionShare
from spondyl.review.pages.section import Drawing, Section
from spondyl.review.pages.words import NOT_RUN, count, share_cells, share_columns, short, who
from spondyl.review.questions import YES_NO
from spondyl.trust.intervals import NotRun

FILMS: dict[Films, str] = {
    "all": "all",
    "wrong": "it got wrong",
    "right": "it got right",
}
"""Films, by what a network said of them."""

_TWO_INTERVALS = (
    "Wilson's interval takes every answer as independent; where a film gives several answers, read "
    "the one over films. Where a film gives one, Wilson's is the one to read."
)


def figure_of(drawing: Drawing | None) -> Section:
    """What is seen at a glance; says so where nothing was answered."""
    text = () if drawing else ("Not drawn: nobody has answered a question that offers options.",)
    return Section("glance", "The answers at a glance", text, drawing)


def film_alone(found: Analysis) -> Section:
    """Section 1."""
    level = found.resampling.level
    tables = [one for one in found.films if one.kind != "free text"]
    pooled = Table(
        "film-alone",
        "The film alone, all readers",
        ("question", "answer", *share_columns(level)),
        tuple(
            (one.text, name, *cells)
            for one in tables
            for name, cells in _rows(one, one.pooled, found)
        ),
        _notes(tables),
    )
    own = Table(
        "film-alone-by-reader",
        "The film alone, by reader",
        ("question", "reader", "answer", *share_columns(level)),
        tuple(
            (one.question, who(said.reader), name, *cells)
            for one in tables
            for said in one.readers
            for name, cells in _rows(one, said, found)
        ),
    )
    text = (
        "Asked of every film before any heatmap or prediction was shown. What a reader said first "
        "counts, and only if it was said blind, before a heatmap of the film was handed to them.",
    )
    return Section("film-alone", "Section 1: the film alone", text, None, (pooled,), (own,))


def heatmaps(found: Analysis) -> Section:
    """Sections 2 and 3: each network's own heatmaps, decoys left out."""
    tables = [one for one in found.maps if one.kind != "free text"]
    columns = share_columns(found.resampling.level)
    pooled = Table(
        "heatmaps",
        "The networks' heatmaps, all readers",
        ("network", "question", "films", "answer", *columns),
        tuple(
            (str(one.network), one.text, FILMS[one.films], name, *cells)
            for one in _by_question(tables)
            for name, cells in _rows(one, one.pooled, found)
        ),
        _notes(tables),
    )
    own = Table(
        "heatmaps-by-reader",
        "The networks' heatmaps, by reader",
        ("network", "question", "films", "reader", "answer", *columns),
        tuple(
            (str(one.network), one.question, FILMS[one.films], who(said.reader), name, *cells)
            for one in tables
            for said in one.readers
            for name, cells in _rows(one, said, found)
        ),
    )
    text = (
        "Asked of every heatmap, networks masked as letters in an order of the reader's own. The "
        "paper asked about wrongly predicted films only; rightly predicted ones stand beside them, "
        "because heatmaps of errors alone say nothing of heatmaps. A reader's last answer counts. "
        "Decoys are not in this table.",
    )
    return Section("heatmaps", "Sections 2 and 3: the heatmaps", text, None, (pooled,), (own,))


def told(found: Analysis, looks_right: str | None) -> Iterator[str]:
    """How often each network's heatmaps looked right, on films that it got wrong and right."""
    for network in dict.fromkeys(one.network for one in found.maps):
        said = [
            f"{short(option.share)} of answers on films that {FILMS[one.films]}"
            for one in found.maps
            if (one.network, one.question) == (network, looks_right) and one.films != "all"
            for option in options_shown(one, one.pooled)
        ]
        if said:
            yield f"Heatmaps of {network} were called right in {', in '.join(said)}."


def options_shown(table: QuestionTable, said: Answered) -> Sequence[OptionShare]:
    """Of "yes or no" the yes, of other kinds all."""
    if isinstance(said.options, NotRun):
        return ()
    if table.kind == "yes or no":
        return [one for one in said.options if one.option == YES_NO[0]]
    return said.options


def _rows(
    table: QuestionTable, said: Answered, found: Analysis
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(answer, cells) of a question, one row at least."""
    shown = options_shown(table, said)
    for one in shown:
        yield one.option, share_cells(one.share)
    if not shown:
        yield NOT_RUN, (NOT_RUN,) * len(share_columns(found.resampling.level))


def _by_question(tables: Sequence[QuestionTable]) -> list[QuestionTable]:
    """A network's tables with the same question next to each other."""
    networks = list(dict.fromkeys(one.network for one in tables))
    asked = list(dict.fromkeys(one.question for one in tables))
    return sorted(tables, key=lambda t: (networks.index(t.network), asked.index(t.question)))


def _missing(tables: Sequence[QuestionTable]) -> str:
    """How many answers are not there."""
    whole = [one for one in tables if one.films == "all"]
    n_missing = sum(one.pooled.n_missing for one in whole)
    n_asked = sum(one.pooled.n + one.pooled.n_missing for one in whole)
    if not n_asked:
        return "Nobody has answered."
    if not n_missing:
        return f"All {n_asked} answers are there."
    return f"{count(n_missing, 'answer')} of {n_asked} are missing and counted nowhere."


def _notes(tables: Sequence[QuestionTable]) -> tuple[str, ...]:
    return tuple(filter(None, (_missing(tables), _middles(tables), _TWO_INTERVALS)))


def _middles(tables: Sequence[QuestionTable]) -> str:
    said = [
        f"“{one.text}” {one.pooled.middle}"
        for one in tables
        if one.pooled.middle is not None and one.films == "all"
    ]
    return f"Median answers: {'; '.join(said)}." if said else ""
