"""Drawings of what was done: the way of a film through the study, and where a network was
changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from spondyl.learn.strategies import STRATEGIES
from spondyl.report.canvas import BLUE, INK, VERMILION, WIDTH, new_figure, styled


@styled
def pipeline(n_films: int, n_groups: int, divided: str, protocols: Sequence[str]) -> Figure:
    """The way of the films: grouped, `divided` ("5 folds"), prepared, through body and head, to
    what is shown."""
    figure = new_figure(WIDTH, 2.3)
    axes = _blank(figure)
    steering = "tune steers,\ntest is judged" if "nested" in protocols else "test steers too"
    steps = (
        f"{n_films} films\nin {n_groups} groups",
        f"{divided}\nby group\n{steering}",
        "resized,\naugmented\n(train only)",
        "body\n→ feature map",
        "head\n→ logits",
        "predictions\non films\nnot learned from",
    )
    places = [_box(axes, i, 0.62, text, len(steps)) for i, text in enumerate(steps)]
    for left, right in pairwise(places):
        _arrow(axes, (left + 0.068, 0.62), (right - 0.068, 0.62))
    heat = _box(axes, 3.5, 0.12, "heatmap", len(steps), VERMILION)
    for step in (3, 4):
        _arrow(axes, (places[step], 0.46), (heat, 0.22))
    return figure


@styled
def classifier(above: Sequence[str], n_labels: int, strategies: Sequence[str]) -> Figure:
    """A network's own classifier above ours: what was taken off, what was put on, what is
    learned. `above` is what stands between body and last layer (`Family.above`)."""
    figure = new_figure(WIDTH, 2.1)
    axes = _blank(figure)
    for height, last, name in ((0.8, "dense 1000", "as published"), (0.38, "", "here")):
        texts = ("body", *above, last or f"dense {n_labels}")
        places = [
            _box(axes, i + 1, height, text, len(texts) + 1, _colour(i, len(texts), last))
            for i, text in enumerate(texts)
        ]
        half = 0.41 / (len(texts) + 1)
        for left, right in pairwise(places):
            _arrow(axes, (left + half, height), (right - half, height))
        axes.text(0.01, height, name, ha="left", va="center", color=INK, size=7.5)
    learned = {STRATEGIES[name].learned for name in strategies if name in STRATEGIES}
    said = " or ".join(
        {
            "head": "the classifier alone",
            "last stages": "the classifier and the body's last stages",
            "all": "everything",
        }[what]
        for what in sorted(learned)
    )
    axes.text(0.01, 0.03, f"Learned, by strategy: {said}.", va="bottom", color=INK, size=7.5)
    return figure


def _blank(figure: Figure) -> Axes:
    axes = figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    return axes


def _colour(place: int, n: int, replaced: str) -> str:
    return INK if place < n - 1 else (VERMILION if replaced else BLUE)


def _box(axes: Axes, place: float, height: float, text: str, n: int, colour: str = BLUE) -> float:
    """Draws a box in the `place`-th of `n` columns; the column of its middle."""
    width, middle = 0.82 / n, (place + 0.5) / n
    tall = 0.16 + 0.12 * text.count("\n")
    axes.add_patch(
        FancyBboxPatch(
            (middle - width / 2, height - tall / 2),
            width,
            tall,
            boxstyle="round,pad=0,rounding_size=0.012",
            facecolor="none",
            edgecolor=colour,
            linewidth=1.1,
        )
    )
    axes.text(middle, height, text, ha="center", va="center", color=INK, size=7.5)
    return middle


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)
