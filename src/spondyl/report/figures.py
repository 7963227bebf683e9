"""Figures of a report: what is drawn of the scores, readable in grey, in print and in dark.

What differs by colour (Okabe & Ito's) differs by marker or dash too; every estimate carries its
interval. Each function returns a new `Figure`, which `canvas` turns into a file or into a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spondyl.learn.outcome import Outcome
from spondyl.report.canvas import (
    BLUE,
    GREEN,
    INK,
    SKY,
    VERMILION,
    WIDTH,
    new_figure,
    new_panels,
    styled,
)
from spondyl.report.published import Published
from spondyl.report.summary import Scored, majority_share
from spondyl.trust import metrics
from spondyl.trust.answers import calibration
from spondyl.trust.answers.calibration import ReliabilityBin
from spondyl.trust.intervals import Interval, wilson


@styled
def accuracies(
    outcomes: Sequence[Outcome], scored: Sequence[Scored], published: Published | None
) -> Figure:
    """Pooled accuracy of every configuration with its group bootstrap interval, the published value
    where there is one, and the accuracy of always calling the majority class."""
    by_outcome = {id(s.outcome): s for s in scored}
    figure = new_figure(WIDTH, 1.25 + 0.36 * len(outcomes))
    axes = figure.subplots()
    for row, outcome in enumerate(outcomes):
        configuration = outcome.configuration
        theirs = (
            published.find(configuration.network, configuration.strategy) if published else None
        )
        if theirs:
            _ring(axes, theirs.accuracy_percent, row + 0.22, "D")
        if found := by_outcome.get(id(outcome)):
            interval = found.accuracy_groups
            _whisker(axes, found.pooled.accuracy, interval, row - 0.08 * bool(theirs), BLUE, "o")
        else:
            axes.annotate(
                "not run", (0.012, row), xycoords=("axes fraction", "data"), va="center", alpha=0.65
            )
    if scored:
        axes.axvline(100 * majority_share(scored[0].table), color=INK, ls=(0, (4, 3)), lw=1)
    axes.set(
        xlabel="accuracy, % of films", ylim=(len(outcomes) - 0.4, -0.6), xlim=(_left(scored), 101)
    )
    axes.set_yticks(range(len(outcomes)), [str(o.configuration) for o in outcomes])
    axes.grid(axis="y", visible=False)
    _legend(figure, axes, published)
    return figure


@styled
def confusions(scored: Sequence[Scored]) -> Figure:
    """Confusion matrices as small multiples: truth in rows; counts, share of the row."""
    figure, panels = new_panels(len(scored), height=2.75)
    for axes, one in zip(panels, scored, strict=True):
        counts = metrics.confusion(one.table)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="#ffffff", linewidth=1.5)
        for row, column in np.ndindex(counts.shape):
            ink = "#ffffff" if shares[row, column] > 0.55 else "#10161c"
            place = (column + 0.5, row + 0.5)
            axes.text(
                *place, f"{counts[row, column]}", ha="center", va="bottom", color=ink, size=10
            )
            share = f"{100 * shares[row, column]:.0f} %"
            axes.text(*place, share, ha="center", va="top", color=ink, size=7)
        names = [_short(name) for name in one.table.labels.names]
        ticks = np.arange(len(names)) + 0.5
        axes.set_xticks(ticks, names)
        axes.set_yticks(ticks, names, rotation=90, va="center")
        axes.set(xlabel="predicted", ylabel="truth", aspect="equal", title=_wrapped(one.name))
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return figure


@styled
def rocs(one: Scored) -> Figure:
    """One panel per class: the pooled curve, and the mean and range of the folds' curves where
    there are several."""
    labels = one.table.labels.names
    figure, panels = new_panels(len(labels), height=2.8)
    pooled = "pooled" if one.n_folds > 1 else "all films"
    for column, axes in enumerate(panels):
        curve, band = metrics.roc(one.table, column), metrics.roc_band(one.table, column)
        axes.plot([0, 1], [0, 1], color=INK, lw=0.7, ls=(0, (1, 3)))
        if band and band.n_folds > 1:
            grid = np.r_[0, band.false_positive_rate]
            lowest, highest, mean = (np.r_[0, v] for v in (band.lowest, band.highest, band.mean))
            axes.fill_between(grid, lowest, highest, color=SKY, alpha=0.35, lw=0, label="folds")
            axes.plot(grid, mean, color=VERMILION, lw=1, ls=(0, (4, 2)), label="mean of folds")
        axes.plot(
            curve.false_positive_rate, curve.true_positive_rate, color=BLUE, lw=1.6, label=pooled
        )
        interval = one.auc_groups[column]
        said = (
            f"AUC {curve.auc:.3f} ({interval.low:.3f}–{interval.high:.3f})"
            if curve.true_positive_rate.size
            else "AUC undefined: a class is missing"
        )
        axes.set(title=f"{labels[column]}\n{said}", xlabel="1 − specificity")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    panels[0].set_ylabel("sensitivity")
    panels[0].legend(loc="lower right")
    return figure


@styled
def classes(scored: Sequence[Scored]) -> Figure:
    """Sensitivity and precision by class and configuration, each with its Wilson interval."""
    labels = scored[0].table.labels.names
    figure = new_figure(WIDTH, 1.35 + 0.42 * len(scored))
    panels = figure.subplots(1, len(labels), sharex=True, sharey=True, squeeze=False)[0]
    for column, axes in enumerate(panels):
        for row, one in enumerate(scored):
            c = one.pooled.classes[column]
            found = wilson(c.n_correct, c.n_predicted)
            _whisker(axes, c.sensitivity, one.sensitivity_wilson[column], row - 0.14, BLUE, "o")
            _whisker(axes, c.precision, found, row + 0.14, VERMILION, "s")
        axes.set(title=labels[column], xlabel="%", ylim=(len(scored) - 0.5, -0.5))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        axes.grid(axis="y", visible=False)
    panels[0].set_yticks(range(len(scored)), [_wrapped(one.name) for one in scored])
    handles = [
        *panels[0].plot([], [], "o-", color=BLUE, ms=4.5, label="sensitivity"),
        *panels[0].plot([], [], "s-", color=VERMILION, ms=4.5, label="precision"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2)
    return figure


@styled
def learning(outcome: Outcome) -> Figure:
    """Losses and tune accuracy by epoch, a line per fold; a ring marks the epoch kept."""
    figure = new_figure(WIDTH, 2.5)
    losses, accuracy = figure.subplots(1, 2)
    for fold in outcome.folds:
        epochs = [e.epoch for e in fold.history]
        first = fold is outcome.folds[0]
        tune = [e.tune_loss for e in fold.history]
        train = [e.train_loss for e in fold.history]
        losses.plot(epochs, train, color=BLUE, lw=1, alpha=0.8, label="train" if first else None)
        losses.plot(
            epochs, tune, color=VERMILION, lw=1, ls=(0, (4, 2)), label="tune" if first else None
        )
        accuracy.plot(epochs, [100 * e.tune_accuracy for e in fold.history], color=GREEN, lw=1)
        kept = dict(fold.chosen).get("epoch")
        if kept in epochs:
            _ring(losses, kept, tune[epochs.index(int(kept))], "o")
    losses.set(title="cross-entropy", xlabel="epoch", ylim=(0, None))
    accuracy.set(title="tune accuracy, %", xlabel="epoch", ylim=(None, 101))
    losses.legend(loc="upper right")
    for axes in (losses, accuracy):
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


@styled
def stopped_early(trained: Scored, solved: Scored) -> Figure:
    """Tune accuracy of a head trained epoch by epoch (mean and range over folds, as long as all
    folds went on), beside the pooled accuracy of the same features under a solved head."""
    figure = new_figure(WIDTH * 0.62, 2.6)
    axes = figure.add_subplot()
    histories = [fold.history for fold in trained.outcome.folds]
    n_epochs = min(len(history) for history in histories)
    tune = 100 * np.array([[e.tune_accuracy for e in h[:n_epochs]] for h in histories])
    epochs = np.arange(1, n_epochs + 1)
    axes.fill_between(epochs, tune.min(axis=0), tune.max(axis=0), color=GREEN, alpha=0.2, lw=0)
    axes.plot(epochs, tune.mean(axis=0), color=GREEN, label="trained, tune part")
    axes.axhline(
        100 * solved.pooled.accuracy, color=VERMILION, ls=(0, (4, 2)), label="solved, test parts"
    )
    axes.set(xscale="log", xlabel="epoch", ylabel="accuracy, %", xlim=(1, max(n_epochs, 2)))
    axes.legend(loc="lower right")
    return figure


@styled
def reliability(scored: Sequence[Scored]) -> Figure:
    """Share of right calls by the probability of the call, in equal bins; bars count the films."""
    figure, panels = new_panels(len(scored), height=2.7)
    for axes, one in zip(panels, scored, strict=True):
        draw_reliability(axes, calibration.reliability(one.table))
        axes.set(title=_wrapped(one.name), ylabel="right, %" if axes is panels[0] else "")
    return figure


def draw_reliability(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    """Draws bins that part 0 to 1 on `axes`, in percent: shares with intervals on their mean
    probability, and grey bars for how many films are in each (the highest for the most)."""
    most = max((one.n for one in bins), default=0) or 1
    middles = [50 * (one.low + one.high) for one in bins]
    width = 90 / max(len(bins), 1)
    axes.bar(middles, [30 * one.n / most for one in bins], width, color=INK, alpha=0.14, lw=0)
    axes.plot([0, 100], [0, 100], color=INK, lw=0.7, ls=(0, (1, 3)))
    for one in bins:
        if one.n:
            x, interval = 100 * one.mean_probability, one.interval
            axes.plot([x, x], [100 * interval.low, 100 * interval.high], color=BLUE, lw=1.1)
            axes.plot(x, 100 * one.share, "o", color=BLUE, ms=4.5, clip_on=False)
    axes.set(xlabel="probability of the call, %", aspect="equal", xlim=(0, 101), ylim=(0, 101))


def _whisker(
    axes: Axes, value: float, interval: Interval, row: float, colour: str, marker: str
) -> None:
    """A marker at `value` and a line over `interval`, both in percent."""
    axes.plot([100 * interval.low, 100 * interval.high], [row, row], color=colour, lw=1.4)
    axes.plot(100 * value, row, marker, color=colour, ms=5)


def _ring(axes: Axes, x: float, y: float, marker: str, label: str | None = None) -> Any:
    """An open marker; returns what a legend shows."""
    return axes.plot(
        x,
        y,
        marker,
        markerfacecolor="none",
        markeredgecolor=VERMILION,
        markeredgewidth=1.3,
        ms=5.5,
        label=label,
    )


def _legend(figure: Figure, axes: Axes, published: Published | None) -> None:
    handles = [*axes.plot([], [], "o-", color=BLUE, ms=5, label="ours, 95 % interval by groups")]
    if published:
        handles += _ring(axes, np.nan, np.nan, "D", f"{published.citation}, as published")
    handles += axes.plot([], [], color=INK, ls=(0, (4, 3)), lw=1, label="majority class")
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))


def _left(scored: Sequence[Scored]) -> float:
    """Left end of an axis in percent that shows every interval and the majority line."""
    lows = [min(100 * s.accuracy_groups.low, 100 * majority_share(s.table)) for s in scored]
    return max(0.0, min(lows, default=50.0) - 5)


def _short(label: str) -> str:
    return label if len(label) <= 11 else f"{label[:9]}…"


def _wrapped(name: str) -> str:
    """A configuration's name on two lines: the network, then how it was trained."""
    return name.replace(" · ", "\n", 1)
