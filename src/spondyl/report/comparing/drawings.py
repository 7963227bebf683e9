"""The figures of a comparison: accuracies side by side, who differs from whom, and fronts.

Rows are marked by their numbers, since a dozen names would cover the points. Published figures are
drawn nowhere here: they are of other films and protocols.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from spondyl.report.canvas import BLUE, INK, SKY, VERMILION, WIDTH, new_figure, styled
from spondyl.report.comparing.compared import Compared, Front, Spot
from spondyl.report.result_tables import ALPHA
from spondyl.trust.intervals import Interval

MOST_IN_MATRIX = 24
"""Rows; more do not fit a page."""
_FAINT_BELOW = 5.0
"""Points of accuracy that have full colour at least, so that small differences stay pale."""
_CLOSE = 0.03
"""Of an axis: points that are closer share one line of numbers."""


@styled
def accuracies(compared: Compared) -> Figure:
    """Accuracy on distinct films with Wilson intervals; filled where a row may be the best."""
    rows = compared.shared.rows
    members = compared.best.members if compared.best else ()
    figure = new_figure(WIDTH, 1.1 + 0.32 * len(rows))
    axes = figure.subplots()
    for at, row in enumerate(rows):
        one = compared.figures[row.number].distinct
        if row not in compared.eligible:
            colour, marker, filled = INK, "s", "none"
        elif row.name in members:
            colour, marker, filled = VERMILION, "D", VERMILION
        else:
            colour, marker, filled = BLUE, "o", BLUE
        axes.plot([100 * one.wilson.low, 100 * one.wilson.high], [at, at], color=colour, lw=1.5)
        axes.plot(
            [100 * one.accuracy.value], [at], marker, color=colour, markerfacecolor=filled, ms=5.5
        )
    axes.set(xlabel="accuracy, % of distinct films", ylim=(len(rows) - 0.4, -0.6))
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.grid(axis="y", visible=False)
    handles = axes.plot([], [], "D-", color=VERMILION, ms=5, label="cannot be told from the best")
    if len(members) < len(compared.eligible):
        handles += axes.plot(
            *([], [], "o-"), color=BLUE, ms=5, label="another is shown to be better"
        )
    if compared.others_steered and len(compared.eligible) < len(rows):
        handles += axes.plot(
            *([], [], "s-"), color=INK, markerfacecolor="none", ms=5, label="steered by its judges"
        )
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    return figure


@styled
def matrix(compared: Compared) -> Figure:
    """Row minus column, points of accuracy; a dot where the corrected test tells them apart."""
    rows = compared.shared.rows
    at = {row.name: i for i, row in enumerate(rows)}
    points = np.full((len(rows), len(rows)), np.nan)
    told = []
    for pair in compared.pairs.pairs:
        one = pair.comparison
        i, j = at[one.first], at[one.second]
        points[i, j] = 100 * one.accuracy.difference.value
        points[j, i] = -points[i, j]
        if pair.mcnemar_holm < ALPHA:
            told += [(i, j), (j, i)]
    figure = new_figure(WIDTH, 1.0 + 0.25 * len(rows))
    axes = figure.subplots()
    most = max(float(np.nanmax(np.abs(points))), _FAINT_BELOW)
    shown = axes.pcolormesh(
        np.ma.masked_invalid(points),
        cmap="PuOr",
        norm=TwoSlopeNorm(0, -most, most),
        edgecolors="#ffffff",
        linewidth=1,
    )
    for i, j in told:
        dark = abs(points[i, j]) > 0.6 * most
        axes.plot(j + 0.5, i + 0.5, "o", color="#ffffff" if dark else "#10161c", ms=3.5)
    numbers = [str(row.number) for row in rows]
    ticks = np.arange(len(rows)) + 0.5
    axes.set_xticks(ticks, numbers)
    axes.set_yticks(ticks, numbers)
    axes.set(aspect="equal", xlabel="minus row", ylabel="row")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_anchor("W")
    bar = figure.colorbar(shown, cax=axes.inset_axes((1.05, 0.1, 0.03, 0.8)))
    bar.set_label("points of accuracy")
    bar.outline.set_visible(False)
    return figure


@styled
def front(found: Front) -> Figure:
    """Accuracy against another figure; front members as diamonds joined by a line."""
    figure = new_figure(WIDTH * 0.8, 3.3)
    axes = figure.subplots()
    for spot in found.spots:
        on_front = spot.row in found.members
        colour, marker = (VERMILION, "D") if on_front else (BLUE, "o")
        _spot(axes, spot, colour, marker)
    edge = sorted((s.x, 100 * s.accuracy) for s in found.spots if s.row in found.members)
    if len(edge) > 1:
        axes.plot(*zip(*edge, strict=True), color=VERMILION, lw=1, ls=(0, (4, 2)), zorder=1)
    if found.slug == "cost" and edge and _spans(found):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set(xlabel=found.x_label, ylabel="accuracy, % of distinct films")
    figure.draw_without_rendering()
    _number(axes, found)
    return figure


def _spans(found: Front) -> bool:
    """Whether the figure spans so much that even steps would press most points together."""
    values = [spot.x for spot in found.spots]
    return min(values) > 0 and max(values) > 5 * min(values)


def _spot(axes: Axes, spot: Spot, colour: str, marker: str) -> None:
    y: Interval = spot.accuracy_interval
    faint = SKY if colour == BLUE else colour
    axes.plot([spot.x, spot.x], [100 * y.low, 100 * y.high], color=faint, lw=1, alpha=0.75)
    if spot.x_interval is not None and spot.x_interval.low == spot.x_interval.low:
        ends = [spot.x_interval.low, spot.x_interval.high]
        axes.plot(ends, [100 * spot.accuracy] * 2, color=faint, lw=1, alpha=0.75)
    axes.plot([spot.x], [100 * spot.accuracy], marker, color=colour, ms=5.5, zorder=3)


def _number(axes: Axes, found: Front) -> None:
    """Numbers beside the points; those that would cover each other stand in one line."""
    box = axes.get_window_extent()
    place = [
        (axes.transData.transform((s.x, 100 * s.accuracy)) - (box.x0, box.y0))
        / (box.width, box.height)
        for s in found.spots
    ]
    left = list(range(len(found.spots)))
    while left:
        first = left[0]
        near = [i for i in left if np.abs(place[i] - place[first]).max() < _CLOSE]
        left = [i for i in left if i not in near]
        said = ", ".join(str(found.spots[i].row.number) for i in near)
        spot = found.spots[near[-1]]
        axes.annotate(
            said,
            (spot.x, 100 * spot.accuracy),
            xytext=(6, 4),
            textcoords="offset points",
            size=8,
        )
