"""Figures of an audit of networks: a dot and its interval for everything that has one.

Decision: rows from top to bottom and per cent from left to right in all of them, so that whoever
has read the first can read the rest. A line names what a dot has to be held against, in the figure
and not only beside it. What could not be asked is a row that says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spondyl.report.audits import films as data_audit_page
from spondyl.report.canvas import BLUE, INK, SKY, WIDTH, new_figure, styled
from spondyl.report.published import Published
from spondyl.trust.answers.subgroups import Subgroups
from spondyl.trust.asking.changes import CHANGES, INSERTED
from spondyl.trust.asking.map_findings import Places
from spondyl.trust.asking.refusals import Refusals
from spondyl.trust.asking.reliance import Reliance
from spondyl.trust.data_audit.audit import DataAudit
from spondyl.trust.heatmap_scores import Average
from spondyl.trust.intervals import Estimate, Interval

CHANGED = {
    "spine-hidden": "spine hidden",
    "columns-hidden": "its columns hidden, top to bottom",
    "control-hidden": "as much hidden beside it",
    "spine-only": "only the spine shown",
    "marker-upper-right": "an L at the upper right",
    "marker-upper-left": "an R at the upper left",
    "marker-lower-right": "an S at the lower right",
    "border-ends": "a dark rim above and below",
    "border-sides": "a dark rim on both sides",
    "border-bright": "a bright rim all round",
    "text-above": "a line of words above",
    "text-two-lines": "two lines of words above",
    "text-below": "a word below",
    "tint-none": "without colours",
    "tint-cool": "a cool tint",
    "tint-warm": "a warm tint",
    "unchanged": "as it is",
    "aspect-narrower": "narrower",
    "aspect-wider": "wider",
}
"""What films are changed into, in plain words."""
FAMILIES: dict[str, str] = {
    "marker": "a lead letter",
    "border": "a rim",
    "text": "words",
    "tint": "a tint",
    "aspect": "another shape of the film",
}
"""Families of changes beside the spine, in plain words."""
BESIDE = {
    "random": "noise",
    "centre": "a blob in the middle",
    "edges": "the film's edges",
    "untrained": "the same network untrained",
}
"""Maps that know nothing of the answer, in plain words."""
_DASHED = (0, (4, 3))
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a figure; a heading where it has neither a figure nor a word."""

    name: str
    estimate: Estimate | None = None
    beside: float | None = None
    """What stands beside it, an open square; 0 … 1."""
    films: Interval | None = None
    """Another interval of the same figure, drawn thin."""
    word: str = ""
    """What stands there instead of a figure."""
    hollow: bool = False


@styled
def accuracy(
    films: DataAudit, title: str, own: Estimate, published: Published | None = None
) -> Figure:
    """The scale of the films' audit (`data_audit_page.scale`) under the accuracy of the networks,
    whose interval goes down through all rows."""
    figure = data_audit_page.scale(films, published)
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    bold = [label.get_fontweight() for label in axes.get_yticklabels()]
    left = min(axes.get_xlim()[0], 100 * own.interval.low - 2)
    figure.set_size_inches(WIDTH, figure.get_size_inches()[1] + 0.54)
    figure.set_layout_engine("constrained")
    axes.set(ylim=(len(names) - 0.4, -2.7), xlim=(left, 101))
    axes.set_yticks(range(-2, len(names)), ["The networks", title, *names])
    for label, weight in zip(axes.get_yticklabels(), ["bold", "normal", *bold], strict=True):
        label.set_fontweight(weight)
    ends = 100 * own.interval.low, 100 * own.interval.high
    axes.axvspan(*ends, color=SKY, alpha=0.2, lw=0)
    axes.plot(ends, [-1, -1], color=BLUE, lw=1.6)
    axes.plot(100 * own.value, -1, "o", color=BLUE, ms=7)
    return figure


@styled
def changed(found: Reliance) -> Figure:
    """Accuracy under every change, beside that of the same films as they are (open squares)."""
    rows = _changes(found)
    figure = new_figure(WIDTH, 0.85 + 0.25 * len(rows))
    axes = figure.subplots()
    _draw_rows(axes, rows)
    axes.axvline(100 * found.accuracy.value, color=INK, lw=1)
    handles = [
        *axes.plot(_NAN, _NAN, "o-", color=BLUE, ms=5.5, lw=1.6, label="changed"),
        *axes.plot(
            _NAN, _NAN, "s", mfc="none", mec=INK, ms=4.5, label="the same films as they are"
        ),
        *axes.plot(_NAN, _NAN, color=INK, lw=1, label="all films as they are"),
    ]
    if found.without_spine:
        majority = found.without_spine[0].majority.value
        axes.axvline(100 * majority, color=INK, ls=_DASHED, lw=1)
        handles += axes.plot(
            _NAN, _NAN, color=INK, ls=_DASHED, lw=1, label="always the most frequent label"
        )
    axes.set(xlabel="films that are called rightly, %", xlim=(0, 101))
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    return figure


@styled
def looked(found: Places, method: str) -> Figure:
    """Heat on the spine and hottest points on it, of the maps of `method` and of others."""
    figure = new_figure(WIDTH, 0.7 + 0.27 * (1 + len(found.energy.baselines)))
    panels = figure.subplots(1, 2)
    titles = ("heat on the spine, %", "maps whose hottest point is on it, %")
    for axes, judgement, title in zip(panels, (found.energy, found.pointing), titles, strict=True):
        own = judgement.methods[0].average
        rows = [
            _averaged(method, own),
            *(_averaged(_beside(b), b, True) for b in judgement.baselines),
        ]
        _draw_rows(axes, rows, bold=method)
        if own.n_defined:
            axes.axvline(100 * own.mean, color=BLUE, lw=0.7, alpha=0.6)
        axes.set(xlabel=title, xlim=(-1, 101))
    panels[1].tick_params(labelleft=False)
    return figure


@styled
def refused(found: Refusals, enough: float) -> Figure:
    """Share refused of the networks' own test films and of every kind of stranger."""
    own = _Row("its own test films", found.films.either)
    rows = [own, *(_Row(one.what, one.refused.either) for one in found.kinds)]
    figure = new_figure(WIDTH, 0.75 + 0.25 * len(rows))
    axes = figure.subplots()
    _draw_rows(axes, rows, bold=own.name)
    axes.axvline(100 * found.false_alarms, color=INK, ls=(0, (1, 2)), lw=1)
    axes.axvline(100 * enough, color=INK, ls=_DASHED, lw=1)
    handles = [
        *axes.plot(_NAN, _NAN, color=INK, ls=(0, (1, 2)), lw=1, label="stated for its own films"),
        *axes.plot(_NAN, _NAN, color=INK, ls=_DASHED, lw=1, label="wanted of strangers, at least"),
    ]
    axes.set(xlabel="refused, %", xlim=(-1, 101))
    figure.legend(handles=handles, loc="outside upper right", ncols=2)
    return figure


@styled
def subgroups(found: Subgroups, accuracy: float) -> Figure:
    """Accuracy of every subgroup with two intervals; hollow where it is too small to judge."""
    rows: list[_Row] = []
    for field in found.fields:
        unsaid = f" (not stated for {field.n_not_stated})" if field.n_not_stated else ""
        rows.append(_Row(f"{field.name[:1].upper()}{field.name[1:]}{unsaid}"))
        rows += [
            _Row(
                f"{one.name} (n = {one.n_films})",
                one.accuracy,
                films=one.accuracy_wilson,
                hollow=not one.enough,
            )
            for one in field.subgroups
        ]
    figure = new_figure(WIDTH, 0.7 + 0.25 * len(rows))
    axes = figure.subplots()
    _draw_rows(axes, rows)
    axes.axvline(100 * accuracy, color=INK, lw=1, label="all films")
    axes.plot(_NAN, _NAN, "o", mfc="none", mec=BLUE, ms=5.5, label="too few to judge")
    axes.set(xlabel="films that are called rightly, %", xlim=(left_of(axes, 100 * accuracy), 101))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def _changes(found: Reliance) -> list[_Row]:
    """Headings, and under them the changes in the order asked."""
    asked = [*(one.change for one in found.effects), *found.not_applicable]
    order = [name for name in CHANGES if name in asked]
    order += [name for name in asked if name not in CHANGES]
    rows: dict[str, list[_Row]] = {}
    for name in order:
        rows.setdefault(_heading(name), []).append(_change(found, name))
    return [row for title, some in rows.items() for row in (_Row(title), *some)]


def _heading(change: str) -> str:
    """What a change is one of."""
    if change not in CHANGES:
        return "Other changes"
    family = CHANGES[change].family
    if family == "spine":
        return "The spine"
    return "What lies beside it" if family in INSERTED else "How the film hangs"


def changed_into(change: str) -> str:
    """What films are changed into, in plain words."""
    return CHANGED.get(change, change.replace("-", " "))


def _change(found: Reliance, name: str) -> _Row:
    effect, words = found.effect(name), changed_into(name)
    if effect is None:
        return _Row(words, word="has no meaning for these films")
    fewer = f" (n = {effect.n_films})" if effect.n_films < found.n_films else ""
    return _Row(words + fewer, effect.accuracy, effect.unchanged.value)


def _beside(one: Average) -> str:
    return BESIDE.get(one.name, one.name)


def _averaged(name: str, one: Average, hollow: bool = False) -> _Row:
    if not one.n_defined:
        return _Row(name, word="no such map")
    return _Row(name, Estimate(one.mean, one.interval), hollow=hollow)


def _draw_rows(axes: Axes, rows: Sequence[_Row], bold: str = "") -> None:
    """Names to the left, a dot with its interval in each row that has one; headings are bold."""
    for y, row in enumerate(rows):
        if row.beside is not None:
            axes.plot(100 * row.beside, y, "s", mfc="none", mec=INK, ms=4.5, clip_on=False)
        if row.estimate is not None:
            ends = None if row.films is None else (row.films.low, row.films.high)
            dot(axes, row.estimate, y, BLUE, "o", ends, row.hollow)
        elif row.word:
            place = (0.01, y)
            axes.annotate(row.word, place, xycoords=("axes fraction", "data"), va="center", size=7)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        heading = row.estimate is None and not row.word
        label.set_fontweight("bold" if heading or row.name == bold else "normal")
    axes.set_ylim(len(rows) - 0.4, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def dot(
    axes: Axes,
    one: Estimate,
    y: float,
    colour: str,
    marker: str,
    films: tuple[float, float] | None = None,
    hollow: bool = False,
) -> None:
    """A figure in per cent, its interval, and a second one drawn thin; nothing where it is nan."""
    if math.isnan(one.value):
        axes.annotate("–", (0.01, y), xycoords=("axes fraction", "data"), va="center")
        return
    if films is not None:
        axes.plot([100 * films[0], 100 * films[1]], [y, y], color=colour, lw=0.7)
    axes.plot([100 * one.interval.low, 100 * one.interval.high], [y, y], color=colour, lw=1.8)
    face: Any = {"mfc": "none"} if hollow else {}
    axes.plot(100 * one.value, y, marker, color=colour, ms=5.5, clip_on=False, **face)


def left_of(axes: Axes, *shown: float) -> float:
    """Left end of an axis in per cent that shows all lines drawn in it, and `shown`."""
    drawn = [np.asarray(line.get_xdata(), np.float64) for line in axes.get_lines()]
    every = np.concatenate([*drawn, shown])
    return max(0.0, float(np.nanmin(every)) - 4)
