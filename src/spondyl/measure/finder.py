"""A trained spine finder as one file: weights, how it was trained, and how well it did.

The file is safetensors, so loading it runs no code; the record travels in its header as JSON.
Weights are stored in half precision, which moves corners by hundredths of a pixel and halves the
file. A finder knows what it was trained on, because one that saw research-only films must not be
passed on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from spondyl.errors import SpondylError
from spondyl.files import canonical_json, replaced, sha256_of_file
from spondyl.measure.network import SpineNetwork

KIND = "spondyl spine finder"
SCHEMA_VERSION = 1
SHIPPED = "finder.safetensors"


@dataclass(frozen=True, slots=True)
class About:
    """What travels with a finder's weights."""

    title: str
    trained_on: str
    """In words: drawn films alone, or a landmark set with its licence."""
    spec: dict[str, Any]
    size: tuple[int, int]
    """(height, width) of the network grid."""
    interval_scale: float | None
    """Half-width of a Cobb angle's interval in standard deviations over the looks; None where no
    part of the data was kept to choose it."""
    interval_level: float
    """The share of calibrating films whose angle lay inside, such as 0.9."""
    judged: dict[str, Any]
    """Figures on the part that judged it, and what part that was."""
    environment: dict[str, Any]
    least_confidence: float = 0.4
    """A spine found with less is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Finder:
    """A network at rest and what is known of it."""

    network: SpineNetwork
    about: About
    sha256: str
    """Of its file; "" for one that was never saved."""

    @property
    def finder_id(self) -> str:
        """Short name that results carry."""
        return f"spine-finder {self.sha256[:12]}" if self.sha256 else "spine-finder (unsaved)"


def save(path: Path, network: SpineNetwork, about: About) -> Path:
    """Writes a finder to `path`, whole or not at all, and returns the path."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }
    header = {
        "kind": KIND,
        "schema_version": str(SCHEMA_VERSION),
        "about": canonical_json(asdict(about)),
    }
    with replaced(path) as draft:
        safetensors.torch.save_file(tensors, draft, header)
    return path


def load(path: Path, device: torch.device | str = "cpu") -> Finder:
    """The finder in a file, in eval mode and single precision, on `device`.

    Raises `SpondylError` for a file that is missing, damaged, of another kind or another version.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        raise SpondylError(
            f"{path}: cannot be read as a spine finder ({error})",
            "Name a file that `spondyl measure train` wrote.",
        ) from error
    if header.get("kind") != KIND or header.get("schema_version") != str(SCHEMA_VERSION):
        raise SpondylError(
            f"{path}: safetensors, but no spine finder of this version",
            "Name a file that `spondyl measure train` wrote.",
        )
    with torch.device("meta"):  # no weight is drawn, so no random state is touched
        network = SpineNetwork()
    network.to_empty(device="cpu")
    try:
        network.load_state_dict(
            {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
        )
        about = _about(json.loads(header["about"]))
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise SpondylError(
            f"{path}: a damaged or foreign spine finder ({first})", "Train it again."
        ) from error
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise SpondylError(f"{path}: {name} is not finite", "Train it again.")
    network.requires_grad_(False).eval().to(device)
    return Finder(network, about, sha256_of_file(path))


def shipped_path() -> Path:
    """Where the finder lies that comes with the package: one trained on drawn films alone.

    Raises `SpondylError` where it is not there.
    """
    path = Path(str(resources.files("spondyl.measure"))) / SHIPPED
    if not path.is_file():
        raise SpondylError(
            "no spine finder comes with this installation",
            "Train one: spondyl measure train spec/spine-phantoms.toml --out FINDER, then give it "
            "with --finder FINDER.",
        )
    return path


def where_shipped(weights: Mapping[str, Path]) -> dict[str, Path]:
    """Files of initial weights by network, where "shipped" for the network spine-finder means the
    finder that comes with the package."""
    shipped = {"spine-finder"} if str(weights.get("spine-finder")) == "shipped" else set()
    return {**weights, **{name: shipped_path() for name in shipped}}


def _about(value: dict[str, Any]) -> About:
    height, width = value["size"]
    return About(**{**value, "size": (int(height), int(width))})
