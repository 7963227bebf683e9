"""A bundle as one graph: `placing` in ONNX's text and `answering` traced from PyTorch, joined.

The trace is `torch.export`'s, which folds batch norms into the convolutions before them and keeps
the names of weights. A graph is one file or none, and one protobuf message holds 2 GiB at most: a
bundle of more, such as five whole VGG16, is refused before it is traced.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.errors import SpondylError
from spondyl.explain.explaining import Method, named
from spondyl.files import canonical_json
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.bundle import Bundle
from spondyl.reading.exporting.about import About
from spondyl.reading.exporting.answering import (
    LABEL,
    LIKELIEST,
    NETWORKS,
    OUTPUTS,
    Answering,
    refuse_unwritten,
)
from spondyl.reading.exporting.placing import BOX, CANVAS, FILM, IR_VERSION, OPSET, placing

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

LARGEST_BYTES = 2_000_000_000
"""Of weights in one file; protobuf reads no message of 2 GiB or more."""
_SAID = {
    FILM: "The film, float32 in [0, 1], bright = dense (bone); 1 channel, or 3 of red, green, blue "
    "where the networks were shown colours. Any height and width.",
    BOX: "Top, left, bottom, right of the box round the spine's mask, pixels of the film.",
    NETWORKS: "Optional: the weight of each network in the mean; 0 leaves one out. Default: alike.",
    LABEL: "Optional: the column of the label whose heatmap is asked for. Default -1: the "
    "likeliest.",
    "probabilities": "Of each label: the mean of the networks' calibrated ones, summing to 1.",
    "logits": "Of each network as they came, before the temperature.",
    "pooled": "The mean of each body's feature map, for detectors of strange films.",
    "heatmap": "For the label: the mean of the networks' signed maps, on the layer's grid, which "
    "spans the network grid.",
    "predicted": "Column of the likeliest label.",
}


def graph_of(bundle: Bundle, method: str) -> tuple[ModelProto, About]:
    """The float32 graph of `bundle` with heatmaps by `method`, and what it is.

    Raises `SpondylError` for a method or a network whose heatmap has no closed form, and for a
    bundle that is too large for one file.
    """
    asked = named(method)
    networks = bundle.networks(torch.device("cpu"))
    first = next(iter(networks.values()))
    answering = answering_of(
        networks, asked, bundle.calibration_set.temperature[0], bundle.preprocessing
    )
    model = model_of(answering)
    about = About(
        bundle_id=bundle.bundle_id,
        title=str(bundle.configuration),
        intended_use=bundle.intended_use,
        labels=bundle.labels.names,
        folds=bundle.folds,
        rows_of_pooled=tuple(answering.body_of),
        temperature=answering.temperature,
        method=asked.name,
        method_title=asked.title,
        layer=first.layer,
        unit=asked.unit,
        rectified=asked.rectified,
        preprocessing=json.loads(canonical_json(asdict(bundle.preprocessing))),
        precision="float32",
        spondyl_version=version("spondyl"),
    )
    return model, about


def answering_of(
    networks: Mapping[int, Network],
    method: Method,
    temperature: float,
    preprocessing: Preprocessing,
) -> Answering:
    """What a graph of `networks` returns, as a module; `SpondylError` where it cannot be one."""
    refuse_unwritten(next(iter(networks.values())), method)
    _refuse_large(list(networks.values()))
    return Answering(networks, method, temperature, preprocessing).eval()


def model_of(answering: Answering) -> ModelProto:
    """A film of any size → all outputs, as one model that says nothing of itself yet."""
    traced = _traced(answering)
    return _joined(placing(answering.preprocessing), traced, len(answering.forms))


def _traced(answering: Answering) -> ModelProto:
    """`answering` as a model of its own: canvas, networks, label → all outputs."""
    planes = 1 if answering.preprocessing.colour == "grey" else 3
    example = (
        torch.zeros(1, planes, *answering.preprocessing.size),
        torch.ones(len(answering.forms)),
        torch.full((1,), LIKELIEST),
    )
    with _quietly(), torch.no_grad():
        program = torch.onnx.export(
            answering,
            example,
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[CANVAS, NETWORKS, LABEL],
            output_names=list(OUTPUTS),
        )
    assert program is not None
    model: ModelProto = program.model_proto
    return model


def _joined(placed: ModelProto, answered: ModelProto, n_networks: int) -> ModelProto:
    """One model out of both, with defaults for what need not be given."""
    from onnx import compose, numpy_helper

    answered.ir_version = IR_VERSION
    _bare(answered.graph)
    whole = compose.merge_models(placed, answered, io_map=[(CANVAS, CANVAS)], name="spondyl")
    del whole.opset_import[1:]  # both halves name the one set of operators that they use
    defaults: dict[str, NDArray[Any]] = {
        NETWORKS: np.ones(n_networks, np.float32),
        LABEL: np.array([LIKELIEST], np.int64),
    }
    for name, value in defaults.items():
        whole.graph.initializer.append(numpy_helper.from_array(value, name))
    for told in (*whole.graph.input, *whole.graph.output):
        told.doc_string = _SAID[told.name]
    return whole


def _bare(graph: GraphProto) -> None:
    """Takes away what the tracer notes of the code it came from: paths, and lines of it."""
    del graph.metadata_props[:]
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""


def _refuse_large(networks: list[Network]) -> None:
    """Raises `SpondylError` where weights that are held once each would not fit into one file."""
    held = {id(p): p.numel() * 4 for network in networks for p in network.parameters()}
    if (n_bytes := sum(held.values())) > LARGEST_BYTES:
        raise SpondylError(
            f"the {len(networks)} networks have {n_bytes / 1e9:.1f} GB of weights, one ONNX file "
            f"holds {LARGEST_BYTES / 1e9:.0f}",
            "Export a bundle of one network (`spondyl study bundle … --refit`), or read with the "
            "torch engine.",
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """The tracer's notes on its own work are for its authors."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(before)
