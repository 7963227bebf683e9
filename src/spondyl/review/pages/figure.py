"""The answers in one figure: a mark and its interval for every answer that was offered.

Decision: one scale for all, so that whoever has read one row can read the rest; marks differ in
shape and filling, so that print without colours loses nothing. The interval is the one to read:
over films where a film gives several answers, else Wilson's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spondyl.report.canvas import INK, WIDTH, inline, new_figure, styled
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.analysis.shares import Share
from spondyl.review.pages.answers import options_shown
from spondyl.review.pages.section import Drawing
from spondyl.review.pages.words import sure, to_read
from spondyl.trust.intervals import NotRun

_MARKS = {"film": "o", "wrong": "s", "right": "s", "decoy": "D"}
_FILLED = {"film", "wrong"}
_LONGEST = 32
"""Letters of a name in the figure; the tables hold the whole."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the figure; a heading has no share."""

    name: str
    share: Share | NotRun | None = None
    mark: str = "film"


def drawing(found: Analysis) -> Drawing | None:
    """The figure with its words; None where nothing was answered."""
    left, right = _film_rows(found), _map_rows(found)
    panels = [
        (title, rows)
        for title, rows in (("The film alone", left), ("Heatmaps, said yes", right))
        if any(isinstance(row.share, Share) for row in rows)
    ]
    if not panels:
        return None
    level = sure(found.resampling.level)
    caption = (
        f"Share of all readers' answers, with {level} intervals: over films where a film gives "
        "several answers, else Wilson's. Filled squares: heatmaps of films that the network got "
        "wrong; hollow squares: of films that it got right; a diamond: decoys."
    )
    made = Markup(inline(_drawn(panels), "answers"))
    return Drawing("answers", made, caption, _alt(panels))


def _film_rows(found: Analysis) -> list[Row]:
    rows, yes = [], [Row("said yes")]
    for table in found.films:
        shown = options_shown(table, table.pooled)
        if table.kind == "yes or no":
            yes += [Row(table.question, one.share) for one in shown]
        elif shown:
            rows += [Row(table.question), *(Row(one.option, one.share) for one in shown)]
    return rows + (yes if len(yes) > 1 else [])


def _map_rows(found: Analysis) -> list[Row]:
    rows = []
    asked = [one for one in found.maps if one.kind == "yes or no" and one.films != "all"]
    for network in dict.fromkeys(one.network for one in asked):
        rows.append(Row(str(network)))
        rows += [
            Row(f"{table.question}, if {table.films}", one.share, table.films)
            for table in sorted(asked, key=lambda t: t.question)
            if table.network == network
            for one in options_shown(table, table.pooled)
        ]
    if not isinstance(found.decoys, NotRun):
        pooled = [one for one in found.decoys if one.reader is None]
        rows += [Row("decoys"), *(Row("called right", one.decoys, "decoy") for one in pooled)]
    return rows


@styled
def _drawn(panels: Sequence[tuple[str, list[Row]]]) -> Figure:
    n_rows = max(len(rows) for _, rows in panels)
    figure = new_figure(WIDTH, 0.75 + 0.19 * n_rows)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, rows) in zip(grid, panels, strict=True):
        for at, row in enumerate(rows):
            if isinstance(row.share, Share):
                _mark(axes, at, row.share, row.mark)
        axes.set_yticks(range(len(rows)), [_named(row) for row in rows])
        for text, row in zip(axes.get_yticklabels(), rows, strict=True):
            text.set_fontweight("bold" if row.share is None else "normal")
        axes.set(title=title, xlabel="% of answers", xlim=(-3, 103), ylim=(n_rows - 0.4, -0.6))
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    return figure


def _named(row: Row) -> str:
    name = row.name.replace("_", " ")
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _mark(axes: Axes, at: int, share: Share, mark: str) -> None:
    interval = to_read(share)
    axes.plot([100 * interval.low, 100 * interval.high], [at, at], color=INK, lw=1)
    axes.plot(
        [100 * share.value],
        [at],
        _MARKS[mark],
        ms=4.8,
        color=INK,
        mfc=INK if mark in _FILLED else "none",
    )


def _alt(panels: Sequence[tuple[str, list[Row]]]) -> str:
    told = []
    for title, rows in panels:
        under, said = "", []
        for row in rows:
            if row.share is None:
                under = f"{row.name}, "
            elif isinstance(row.share, Share):
                said.append(f"{under}{row.name} {100 * row.share.value:.0f} %")
        told.append(f"{title}: {'; '.join(said)}.")
    return " ".join(told)
