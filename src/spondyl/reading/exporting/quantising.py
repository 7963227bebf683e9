"""A float32 graph → the same graph whose convolutions reckon in eight bits.

Static quantisation by ONNX Runtime: `QuantizeLinear` and `DequantizeLinear` around the body's
operators, weights in int8 with a step for each output channel, activations in uint8 with steps from
the films it is calibrated on. Large dense layers above the map are quantised as well, since their
weights are what costs. The film's way to the grid and all of the closed form stay in float32: the
heatmap is made of a map that was rounded once, not of rounded arithmetic.
"""

from __future__ import annotations

import io
import logging
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spondyl.data.pixels import Pixels
from spondyl.reading.bundle import Bundle
from spondyl.reading.exporting import checking
from spondyl.reading.exporting.placing import CANVAS
from spondyl.reading.exporting.session import fed

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

_IN_BODY = frozenset({"Conv", "Relu", "MaxPool", "AveragePool", "Add", "Concat"})
_PERCENTILE = 99.99
"""Of an activation's values that its steps reach: a few larger ones are cut off, and the others
have finer steps. On real films this halves the error of the largest value's."""
_LARGE = 1_000_000
"""Weights of a dense layer from which on it is quantised."""


def quantised(model: ModelProto, bundle: Bundle, films: Iterable[Pixels]) -> ModelProto:
    """`model` in int8, calibrated on `films`; what it says of itself is gone."""
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Given(CalibrationDataReader):  # type: ignore[misc]
        """The films as inputs, one after another."""

        def __init__(self) -> None:
            self.left = _inputs(bundle, films)

        def get_next(self) -> Mapping[str, Any] | None:
            """The next film's inputs; None behind the last."""
            return next(self.left, None)

    named = _with_names(model)
    optional = _without_optional(named)
    chosen = [node.name for node in _body(named)]
    with tempfile.TemporaryDirectory() as folder, _quietly():
        made = Path(folder) / "int8.onnx"
        quantize_static(
            named,
            made,
            Given(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": _PERCENTILE, "CalibMaxIntermediateOutputs": 10},
            op_types_to_quantize=sorted(_IN_BODY | {"Gemm"}),
            nodes_to_quantize=chosen,
        )
        whole = onnx.load(made)
    whole.graph.input.extend(optional)
    return whole


def _inputs(bundle: Bundle, films: Iterable[Pixels]) -> Iterator[Mapping[str, Any]]:
    """What the graph is fed for each of the films."""
    for film in films:
        spine = checking.stand_in(film, bundle.preprocessing)
        box = None if spine is None else spine.box
        yield fed(checking.planes(film, bundle.preprocessing), box)


def _with_names(model: ModelProto) -> ModelProto:
    """A copy whose nodes all have names, by which the quantiser is told what to change."""
    from onnx import ModelProto

    copied = ModelProto()
    copied.CopyFrom(model)
    for number, node in enumerate(copied.graph.node):
        node.name = node.name or f"placing_{number}"
    return copied


def _without_optional(model: ModelProto) -> list[ValueInfoProto]:
    """The inputs that have defaults, taken out of `model`: to the quantiser they are constants, and
    ONNX Runtime warns of each."""
    defaults = {held.name for held in model.graph.initializer}
    optional = [one for one in model.graph.input if one.name in defaults]
    for one in optional:
        model.graph.input.remove(one)
    return optional


def _body(model: ModelProto) -> list[NodeProto]:
    """The nodes between the network grid and the logits that are worth reckoning in eight bits."""
    makers = {made: node for node in model.graph.node for made in node.output}
    sizes = {held.name: math.prod(held.dims) for held in model.graph.initializer}
    found: dict[str, NodeProto] = {}
    above = ["logits"]
    while above:
        value = above.pop()
        node = makers.get(value)
        if node is None or node.name in found or value == CANVAS:
            continue
        found[node.name] = node
        above += node.input
    return [
        node
        for node in found.values()
        if (node.op_type in _IN_BODY and "logits" not in node.output)
        or (node.op_type == "Gemm" and sizes.get(node.input[1], 0) >= _LARGE)
    ]


@contextmanager
def _quietly() -> Iterator[None]:
    """The quantiser's advice goes to the root logger, its progress to stdout, and both are for
    its own callers."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
