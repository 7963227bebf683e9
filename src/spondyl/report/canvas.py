"""What figures are drawn on: one style, small multiples, and how a drawing becomes a file.

Decision: Matplotlib's objects and never its pyplot, so that no figure lives on in a global list and
a server may draw; the style holds only while something is drawn. Text stays text, names inside the
SVG come from their content and no date is written: equal results give equal bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from spondyl.files import replaced

BLUE, VERMILION, GREEN, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#e69f00", "#56b4e9"
INK = "#1d2329"
"""Becomes the colour of the surrounding text where a figure stands in a page."""
WIDTH = 7.4
"""Inches."""
PANELS = 3
"""Panels in a row of small multiples."""

_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "spondyl",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.6,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    **{f"{part}.color": INK for part in ("xtick", "ytick", "grid", "text")},
    **{f"axes.{part}color": INK for part in ("edge", "label", "title")},
}

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draws under our style, lays out once for all files, leaves Matplotlib's settings alone."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.rc_context(_STYLE):
            figure = draw(*args, **kwargs)
            engine = figure.get_layout_engine()
            if engine is not None:
                for _ in range(2):  # the first layout makes room for what the second one moves
                    engine.execute(figure)
            figure.set_layout_engine("none")
            return figure

    return drawn


def svg(figure: Figure) -> str:
    """The figure as an SVG document, white behind it, without any date."""
    return _svg(figure, "white")


def inline(figure: Figure, name: str) -> str:
    """An `<svg>` element for a page: no ground, ink in the colour of the text around it, blue and
    vermilion as the page's style sets them, and ids that start with `name` so that figures of one
    page do not meet."""
    text = _svg(figure, "none")
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = text.replace(BLUE, "var(--blue)").replace(VERMILION, "var(--vermilion)")
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    # The generic family first lets the page's own font through.
    text = text.replace("'DejaVu Sans', sans-serif", "inherit").replace("'DejaVu Sans'", "inherit")
    text = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    return re.sub(r'<svg ([^>]*?)(width|height)="[^"]*pt" ', r"<svg \1", text, count=1)


def save(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Writes `name`.svg and `name`.png (200 dots per inch, white) and returns both paths."""
    drawing, picture = folder / f"{name}.svg", folder / f"{name}.png"
    with replaced(drawing) as draft:
        draft.write_text(svg(figure), encoding="utf-8")
    with replaced(picture) as draft, matplotlib.rc_context(_STYLE):
        figure.savefig(draft, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return drawing, picture


def _svg(figure: Figure, ground: str) -> str:
    stream = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context(_STYLE):
        figure.savefig(stream, format="svg", facecolor=ground, metadata=nothing)
    return stream.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, on a canvas of its own."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_panels(n: int, height: float) -> tuple[Figure, list[Axes]]:
    """`n` panels in rows of `PANELS`, each of the same size whatever `n`."""
    rows = -(-n // PANELS)
    figure = new_figure(WIDTH, height * rows)
    grid = figure.subplots(rows, PANELS, squeeze=False).ravel()
    for empty in grid[n:]:
        empty.set_axis_off()
    return figure, list(grid[:n])
