"""The figures of an external test's page."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spondyl.reading.external import External, Tested
from spondyl.report import figures
from spondyl.report.audits.figures import dot, left_of
from spondyl.report.canvas import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PANELS,
    SKY,
    VERMILION,
    WIDTH,
    new_figure,
    new_panels,
    styled,
)
from spondyl.trust.external.bands import Among

_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, SKY, INK)
_MARKERS = ("o", "s", "D", "^", "v", "P")
_NAN = float("nan")


@styled
def called(found: External) -> Figure:
    """Shares called each label, by band where there are bands, else by label; a panel for each
    configuration."""
    parts = [one.figures.by_number or one.figures.by_label for one in found.tested]
    n_rows = len(parts[0])
    height = 1.05 + 0.42 * n_rows
    columns = min(2, len(parts))
    lines = -(-len(parts) // columns)
    figure = new_figure(WIDTH, 0.3 + height * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for empty in grid[len(parts) :]:
        empty.set_axis_off()
    for axes, one, part in zip(grid, found.tested, parts, strict=False):
        _draw_called(axes, part, found.study.cohort.labels.names)
        axes.set_title(_broken(one))
    labels = found.study.cohort.labels.names
    figure.legend(
        *grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(labels)
    )
    return figure


@styled
def changes(found: External) -> Figure:
    """Each share at home and outside, a row each, a panel for each configuration."""
    first = found.tested[0].figures.changes
    lines = len(found.tested)
    figure = new_figure(WIDTH, 0.5 + (0.5 + 0.36 * len(first)) * lines)
    for axes, one in zip(
        figure.subplots(lines, 1, squeeze=False).ravel(), found.tested, strict=True
    ):
        rows = one.figures.changes
        for y, change in enumerate(rows):
            dot(axes, change.home, y - 0.14, BLUE, "o")
            dot(axes, change.outside, y + 0.14, VERMILION, "s")
        axes.plot(_NAN, _NAN, "o-", color=BLUE, ms=5, label="the study's films, out of fold")
        axes.plot(_NAN, _NAN, "s-", color=VERMILION, ms=5, label="the other films")
        axes.set_yticks(range(len(rows)), [change.what for change in rows])
        axes.set(xlim=(left_of(axes, 100), 101), ylim=(len(rows) - 0.5, -0.5))
        axes.set(xlabel="called rightly, % of films", title=one.figures.title)
        axes.grid(axis="y", visible=False)
    handles = axes.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2)
    return figure


@styled
def told(found: External) -> Figure:
    """AUCs of all that was asked about all films, without a network, the most telling on top."""
    rows = sorted(
        (one for one in found.shift.told if one.among == "all films"),
        key=lambda one: -one.auc.value,
    )
    figure = new_figure(WIDTH, 0.8 + 0.3 * len(rows))
    axes = figure.subplots()
    for y, one in enumerate(rows):
        low, high = one.auc.interval.low, one.auc.interval.high
        axes.plot([low, high], [y, y], color=BLUE, lw=1.8)
        axes.plot(one.auc.value, y, "o", color=BLUE, ms=5.5, clip_on=False)
    axes.axvline(0.5, color=INK, ls=(0, (4, 3)), lw=1)
    axes.set_yticks(range(len(rows)), [one.name for one in rows])
    left = min([0.45, *(one.auc.interval.low - 0.03 for one in rows)])
    axes.set(xlabel="AUC: the other films told from the study's", xlim=(left, 1.005))
    axes.set(ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="y", visible=False)
    return figure


@styled
def reliability(found: External) -> Figure:
    """Calibrated confidences against how often they are right; the first `PANELS` configurations
    in a row, and so on."""
    figure, panels = new_panels(max(PANELS, len(found.tested)), height=2.75)
    for axes in panels[len(found.tested) :]:
        axes.set_axis_off()
    for axes, one in zip(panels, found.tested, strict=False):
        figures.draw_reliability(axes, one.figures.calibrated.bins)
        axes.set(title=_broken(one), ylabel="right, %")
    return figure


def _broken(one: Tested) -> str:
    """The configuration's title in two lines, which a narrow panel holds."""
    return one.figures.title.replace(" · ", "\n", 1)


def _draw_called(axes: Axes, part: tuple[Among, ...], labels: tuple[str, ...]) -> None:
    for number, label in enumerate(labels):
        colour, marker = _COLOURS[number % 6], _MARKERS[number % 6]
        shift = 0.2 * (number - (len(labels) - 1) / 2)
        for y, among in enumerate(part):
            if among.called:
                one = among.share_of(label)
                dot(axes, one.share, y + shift, colour, marker, (one.wilson.low, one.wilson.high))
        axes.plot(_NAN, _NAN, marker=marker, color=colour, ms=5, lw=1.6, label=label)
    axes.set_yticks(range(len(part)), [f"{among.name}\n{among.n} films" for among in part])
    axes.set(xlabel="called so, % of films", xlim=(-1, 101), ylim=(len(part) - 0.5, -0.5))
    axes.grid(axis="y", visible=False)
