"""A heatmap as a record: raw values on the layer's grid, and all that says where they came from.

Values are never normalised here: a map a thousand times weaker than its neighbour must be able to
look so. Only drawing divides by a scale, and its legend says by which.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from spondyl.errors import SpondylError
from spondyl.files import canonical_json, replaced

SCHEMA_VERSION = 2
_FACTS = ("image_id", "label", "method", "layer", "source", "rectified", "unit")


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """Where one network looked in one film when asked about one label."""

    image_id: str
    signed: NDArray[np.float32]
    """(h, w) on the grid of `layer`, before the ReLU where the method's definition ends in one."""
    label: str
    """The label asked about, which need not be the predicted one."""
    method: str
    layer: str
    source: str
    """Trial or bundle whose network it was."""
    rectified: bool = True
    """Whether the method's definition ends in a ReLU."""
    unit: str = "logit"
    """Of the values: what they are a share of."""

    def __post_init__(self) -> None:
        self.signed.setflags(write=False)

    @property
    def values(self) -> NDArray[np.float32]:
        """(h, w): the map as the method defines it."""
        values = np.maximum(self.signed, 0) if self.rectified else self.signed
        values.setflags(write=False)
        return values

    @property
    def peak(self) -> float:
        """The largest value; 0 or less where the method found nothing for the label."""
        return float(self.values.max())


def save(path: Path, heatmaps: Sequence[Heatmap]) -> None:
    """Writes heatmaps of one or more networks to one file, whole or not at all."""
    facts = [{name: getattr(heatmap, name) for name in _FACTS} for heatmap in heatmaps]
    about = canonical_json({"schema_version": SCHEMA_VERSION, "heatmaps": facts})
    arrays = {f"map{i:06d}": heatmap.signed for i, heatmap in enumerate(heatmaps)}
    with replaced(path) as draft, draft.open("wb") as stream:
        np.savez_compressed(stream, about=np.array(about), **arrays)  # type: ignore[arg-type]


def load(path: Path) -> tuple[Heatmap, ...]:
    """The heatmaps that `save` wrote; `SpondylError` for any other file."""
    try:
        with np.load(path, allow_pickle=False) as content:
            about = json.loads(str(content["about"]))
            if about["schema_version"] != SCHEMA_VERSION:
                raise ValueError("written by another version")
            return tuple(
                Heatmap(signed=content[f"map{i:06d}"], **facts)
                for i, facts in enumerate(about["heatmaps"])
            )
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError) as error:
        raise SpondylError(
            f"{path}: not a file of heatmaps", "Run `spondyl study run` again to make it anew."
        ) from error
