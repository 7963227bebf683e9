"""The figures of an ensemble's page."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spondyl.report.canvas import BLUE, INK, VERMILION, WIDTH, new_figure, styled
from spondyl.report.ensembles.made import Looked, Made
from spondyl.trust.intervals import NotRun
from spondyl.trust.metrics import Floats

_BESIDE = {
    "random": ("two random maps", (0, (1, 2))),
    "centre": ("map and centre blob", (0, (4, 3))),
    "another fold": ("two folds of one configuration", (0, (7, 2, 1, 2))),
}


@styled
def accuracies(made: Made) -> Figure:
    """Pooled accuracy of members, the chosen one and the ensemble, with their intervals."""
    worth = made.worth
    chosen = [] if isinstance(worth.chosen, NotRun) else [worth.chosen]
    shown = (*worth.members, *chosen, worth.ensemble)
    figure = new_figure(WIDTH, 0.9 + 0.34 * len(shown))
    axes = figure.subplots()
    for row, one in enumerate(shown):
        is_ours = one is worth.ensemble
        colour, marker = (VERMILION, "D") if is_ours else (BLUE, "o")
        low, high = one.accuracy.interval.low, one.accuracy.interval.high
        axes.plot([100 * low, 100 * high], [row, row], color=colour, lw=1.6)
        axes.plot([100 * one.accuracy.value], [row], marker, color=colour, ms=6)
    axes.set(xlabel="accuracy, % of films", ylim=(len(shown) - 0.4, -0.6))
    axes.set_yticks(range(len(shown)), [one.name for one in shown])
    axes.grid(axis="y", visible=False)
    return figure


@styled
def consistency(looked: Looked, right: Floats) -> Figure:
    """How far members' maps agree, film by film, right and wrong ones apart, beside the baselines'
    means; `right` (n) of the scored films."""
    found = looked.consistency.of_first(looked.n_scored)
    figure = new_figure(WIDTH, 3.3)
    panels = figure.subplots(1, 2)
    for axes, measure, label in zip(
        panels, ("rank", "dice"), ("rank correlation", "Dice of hottest fifths"), strict=True
    ):
        values = getattr(found.members, measure)
        _strip(axes, values[right > 0], 0, BLUE, "o")
        _strip(axes, values[right == 0], 1, VERMILION, "X")
        for name, alike in found.baselines.items():
            said, dash = _BESIDE[name]
            mean = float(np.nanmean(getattr(alike, measure)))
            axes.axhline(mean, color=INK, ls=dash, lw=1.1, label=said)
        n_right = int(right.sum())
        ticks = [f"right\n{n_right} films", f"wrong\n{len(right) - n_right} films"]
        axes.set_xticks([0, 1], ticks)
        axes.set(xlim=(-0.6, 1.6), ylabel=label)
        axes.grid(axis="x", visible=False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _strip(axes: Axes, values: Floats, at: int, colour: str, marker: str) -> None:
    """A mark for each film, spread a little, and a bar at their median."""
    values = values[~np.isnan(values)]
    if not len(values):
        return
    order = np.argsort(np.argsort(values))
    spread = at + 0.24 * (((order * 0.618) % 1) - 0.5) * 2
    axes.plot(spread, values, marker, color=colour, ms=4, alpha=0.6, mew=0)
    axes.plot([at - 0.32, at + 0.32], [np.median(values)] * 2, color=colour, lw=2)
