"""The beginning of an exported graph: a film of any size → the network grid.

It does what `Preprocessing.apply` does, in the same order: columns of the spine hidden, crop to its
box, scaled evenly or stretched, antialiased triangle filter, padding, hidden cells, and the half
precision in which a study keeps its films. Sizes are reckoned in double precision and halves
rounded to even, as Python does, so placements are the same to a pixel.

The filter is written as products of matrices. ONNX has an operator for it, whose weights ONNX
Runtime reckons in single precision: that moves one pixel in a thousand by a step of half precision,
and calibrated probabilities by more than the bound. Here sums are double, and rounded to single
between the passes, as in Pillow. A pixel near the middle of two steps falls to the one or the other
by which pass came first, so the graph has both orders and chooses as Pillow 13 does: rows first
where they shrink by more than twice as many pixels as columns. (That was found by trial, for it is
written nowhere; an earlier Pillow always took columns first, and its pictures differ by so much.)
Pixels of the grid come in blocks, each with the stretch of the film that it needs, since a product
without blocks would mostly multiply zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spondyl.data.placement import Size
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.exporting.writing import (
    DOUBLE,
    FLOAT,
    HALF,
    INT,
    Value,
    Writing,
    counted,
    joined,
)

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

OPSET = 20
"""Of ONNX's operators: the first with GELU, and known to the runtimes of browsers."""
IR_VERSION = 10
FILM, BOX, CANVAS = "film", "box", "canvas"
_BLOCK = 16
"""Pixels of the grid in a block, at most."""


def placing(preprocessing: Preprocessing) -> ModelProto:
    """`film` (1, channels, H, W) float32 in [0, 1], and where the preprocessing needs a spine its
    `box` (4,) int64, top, left, bottom, right → `canvas` (1, channels, height, width).

    Channels are 1; where the networks were shown colours, 1 or 3 of a film and 3 of the canvas.
    """
    from onnx import TensorProto, helper

    w = Writing("placing/")
    grey = preprocessing.colour == "grey"
    film, box = Value(w, FILM, FLOAT), Value(w, BOX, INT)
    whole = _beside(film, box) if preprocessing.hide == "spine" else film
    window = _cropped(whole, box, preprocessing) if preprocessing.crop == "spine" else whole
    shown = _on_grid(window, preprocessing).at_least(0.0).at_most(1.0)
    if not preprocessing.shown_cells.all():
        shown = shown * w.constant(preprocessing.shown_cells, FLOAT)
    planes = w.op("Expand", shown.cast(HALF), w.constant([1, 1 if grey else 3, 1, 1], INT))
    planes.cast(FLOAT, named=CANVAS)

    inputs: list[tuple[str, int, list[Any]]] = [
        (FILM, TensorProto.FLOAT, [1, 1 if grey else "channels", "H", "W"])
    ]
    if preprocessing.needs_spine:
        inputs.append((BOX, TensorProto.INT64, [4]))
    on_grid = [1, 1 if grey else 3, *preprocessing.size]
    graph = helper.make_graph(
        w.nodes,
        "placing",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(CANVAS, TensorProto.FLOAT, on_grid)],
        w.constants,
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )


def _beside(film: Value, box: Value) -> Value:
    """The film, 0 in all rows of the columns of `box`."""
    column = counted(film.sides(3, 4))
    kept = (column < box.taken([1])) | (column >= box.taken([3]))
    return film * kept.cast(FLOAT)


def _cropped(film: Value, box: Value, preprocessing: Preprocessing) -> Value:
    """The window of the film that is shown: the widened `box`, as far as the film reaches."""
    w = film.writing
    corner, end = box.taken([0, 1]), box.taken([2, 3])
    longer = (end - corner).reduced("ReduceMax", 0).cast(DOUBLE)
    margin = (longer * preprocessing.crop_margin).rounded("Round")
    start, stop = (corner - margin).at_least(0), (end + margin).at_most(film.sides(2, 4))
    return w.op("Slice", film, start, stop, w.constant([2, 3], INT))


def _on_grid(window: Value, preprocessing: Preprocessing) -> Value:
    """The window (1, channels, H, W) in its place on the grid, 0 around it; unclipped."""
    w = window.writing
    grid = w.constant(preprocessing.size, INT)
    side = window.sides(2, 4)
    content = grid if preprocessing.fit == "stretch" else _even(side, grid)
    placed = (side, content, (grid - content) / 2)
    lower, narrower = ((side - content).taken([at]) for at in (0, 1))
    rows_first = (narrower + narrower < lower) & (lower >= 1)
    branches = {
        f"{name}_branch": _branch(window, preprocessing.size, placed, first)
        for name, first in (("then", "rows"), ("else", "columns"))
    }
    return w.op("If", rows_first, dtype=FLOAT, **branches)


def _branch(window: Value, size: Size, placed: tuple[Value, ...], first: str) -> GraphProto:
    """The two passes of the filter as a graph of their own; `placed` is side, content, before."""
    w = Writing(f"{window.writing.prefix}{first}_first/")
    made = window.within(w)
    for at in (0, 1) if first == "rows" else (1, 0):
        passing = [one.within(w).taken([at]) for one in placed]
        if at == 0:
            made = _filtered(made, size[0], *passing)
            continue
        lying = w.op("Transpose", made, perm=[0, 1, 3, 2])
        made = w.op("Transpose", _filtered(lying, size[1], *passing), perm=[0, 1, 3, 2])
    return w.graph(f"{first}_first", made)


def _even(side: Value, grid: Value) -> Value:
    """(2,) the size on the grid of a window that is scaled evenly (`Placement.fit`)."""
    scale = (grid.cast(DOUBLE) / side.cast(DOUBLE)).reduced("ReduceMin", 0)
    return (side.cast(DOUBLE) * scale).rounded("Round").at_least(1)


def _filtered(film: Value, length: int, side: Value, content: Value, before: Value) -> Value:
    """`film` (1, channels, side, other) → (1, channels, length, other): the triangle filter along
    the third axis, of which `content` pixels from `before` on show the film; (1,) int64 each.

    The weight of film pixel x in grid pixel r is (1 - |x + ½ - c| / s)+, where c is the middle of r
    on the film and s the film's pixels in one of the grid, at least 1, divided by their sum over
    the pixels that are there (Turkowski 1990, Graphics Gems I). Each step is taken in the order in
    which Pillow takes it, or sums in the middle of two steps of half precision would part.
    """
    w = film.writing
    block = max(n for n in range(1, _BLOCK + 1) if length % n == 0)
    pixels = np.arange(length).reshape(-1, block, 1)
    scale = side.cast(DOUBLE) / content.cast(DOUBLE)
    reach = scale.at_least(1.0)
    inner = w.constant(pixels, DOUBLE) - before.cast(DOUBLE)
    middle = (inner + 0.5) * scale

    stretch = counted((scale * block + reach + reach).rounded("Ceil") + 2)
    begin = (middle.reduced("ReduceMin", 1) - reach).rounded("Floor")
    x = begin + stretch
    one = w.constant(1.0, DOUBLE)
    falling = one - _distance(x, middle) * (one / reach)
    there = (x >= 0) & (x < side) & (inner >= 0.0) & (inner < content.cast(DOUBLE))
    weight = falling.at_least(0.0).where(there, 0.0)
    # One after another, as Pillow sums them; padding has none, anything else one of ½ at least.
    sums = w.op("CumSum", weight, w.constant(2, INT))
    total = w.op("Gather", sums, w.constant([-1], INT), axis=2)
    weights = weight / total.at_least(0.25)

    near = x.at_least(0).at_most(side - 1).squeezed(1)
    stretches = w.op("Gather", film, near, axis=2).cast(DOUBLE)
    blocks = weights.matmul(stretches).cast(FLOAT)
    other = joined(film.sides(0, 2), w.constant([length], INT), film.sides(3, 4))
    return w.op("Reshape", blocks, other)


def _distance(x: Value, middle: Value) -> Value:
    """Between the middles of film pixels and of grid pixels, in film pixels."""
    return x.writing.op("Abs", x.cast(DOUBLE) - middle + 0.5)
