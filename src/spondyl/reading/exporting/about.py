"""What an exported graph says of itself, inside the file, so that a stranger needs no other.

Every entry of the model's metadata is text: a plain sentence, or JSON for whatever is not text.
`graph_sha256` is the hash of the graph as it was written, weights included, so that a file in which
a bit fell over is refused instead of asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from spondyl.errors import SpondylError
from spondyl.files import canonical_json

if TYPE_CHECKING:
    from onnx import ModelProto

SCHEMA_VERSION = 1
Precision = Literal["float32", "int8"]
NOTICE = "For research, not for diagnosis."
MADE_BY = "spondyl export"
_TEXTS = (
    *("notice", "made_by", "spondyl_version", "bundle_id", "title", "intended_use"),
    *("method", "method_title", "layer", "unit", "precision", "graph_sha256"),
)
_HINT = "Make it with `spondyl export BUNDLE --format onnx`."


@dataclass(frozen=True, slots=True)
class About:
    """The metadata of an exported graph."""

    bundle_id: str
    title: str
    """Network, strategy and protocol."""
    intended_use: str
    labels: tuple[str, ...]
    """In the order of all outputs."""
    folds: tuple[int, ...]
    """Of the networks, in the order of the rows of `logits`."""
    rows_of_pooled: tuple[int, ...]
    """For each fold the row of `pooled` that is its network's: 0 for all that share a body."""
    temperature: float
    """What `probabilities` are made at; `logits` are as they came."""
    method: str
    method_title: str
    layer: str
    """On whose grid the heatmap lies; the grid spans what the network is shown."""
    unit: str
    """Of the heatmap's values."""
    rectified: bool
    """Whether the method's definition ends in a ReLU, which the heatmap has not gone through."""
    preprocessing: dict[str, Any]
    """What the graph does to a film, as the bundle states it."""
    precision: Precision
    spondyl_version: str
    measured: dict[str, Any] = field(default_factory=dict)
    """How far it was from PyTorch when it was made, on how many films, and within which bounds."""
    graph_sha256: str = ""
    notice: str = NOTICE
    made_by: str = MADE_BY
    schema_version: int = SCHEMA_VERSION

    def metadata(self) -> dict[str, str]:
        """As a model's metadata holds it."""
        told: dict[str, Any] = asdict(self)
        return {
            name: value if name in _TEXTS else canonical_json(value) for name, value in told.items()
        }

    @classmethod
    def read(cls, metadata: Mapping[str, str], source: str) -> About:
        """What `metadata` wrote; `SpondylError` for a graph that says something else of itself."""
        if metadata.get("made_by") != MADE_BY:
            raise SpondylError(f"{source}: not a graph that spondyl exported", _HINT)
        try:
            told: dict[str, Any] = {
                one.name: metadata[one.name]
                if one.name in _TEXTS
                else json.loads(metadata[one.name])
                for one in fields(cls)
            }
        except (KeyError, ValueError) as error:
            raise SpondylError(
                f"{source}: what it says of itself is damaged or of another version ({error})",
                _HINT,
            ) from error
        if told["schema_version"] != SCHEMA_VERSION:
            raise SpondylError(
                f"{source}: schema {told['schema_version']}, this is {SCHEMA_VERSION}", _HINT
            )
        lists = {name: tuple(told[name]) for name in ("labels", "folds", "rows_of_pooled")}
        return cls(**(told | lists))


def described(model: ModelProto, about: About) -> None:
    """Writes into `model` what it is; whatever was written before is gone."""
    from onnx import helper

    model.producer_name, model.producer_version = "spondyl", about.spondyl_version
    model.doc_string = f"{about.title}. {about.notice} {about.intended_use}"
    del model.metadata_props[:]
    helper.set_model_props(model, about.metadata())


def graph_sha256(model: ModelProto) -> str:
    """Hexadecimal SHA-256 of the graph with its weights, without what is said of it."""
    return hashlib.sha256(model.graph.SerializeToString(deterministic=True)).hexdigest()
