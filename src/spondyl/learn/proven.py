"""Frozen bodies that are built only where films have to go through them.

To prove that a file of weights fills a network, the network is built, and that imports the library
it comes from, which takes seconds. So what was proven is kept in the cache under all that decides
it, and a study whose films have been through its bodies before builds none. Kept are only files of
tensors that stand alone: what a bundle or a published model says of itself is read anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path

from torch import nn

from spondyl.errors import SpondylError
from spondyl.files import read_json, sha256_of_json, write_json
from spondyl.learn import weights
from spondyl.learn.materials import initial_network
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration, WeightsRecord
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.weights import WeightsFile

PROOF_VERSION = 1
"""To be raised where a network is parted otherwise, or `weights.load` refuses more."""
_BUILT_BY = ("torch", "torchvision", "timm")


@dataclass(frozen=True, eq=False)
class Proven:
    """A configuration's initial network, as far as it is known without being built."""

    name: str
    """The network's, with its cut."""
    n_channels: int
    """Of its body's features."""
    record: WeightsRecord
    """Where its tensors come from."""
    build: Callable[[], Network]

    @cached_property
    def body(self) -> nn.Sequential:
        """Its body with these tensors, built when it is first asked for."""
        return self.build().body


def prove(
    configuration: Configuration,
    spec: StudySpec,
    files: Mapping[str, WeightsFile],
    cache: Path | None,
) -> Proven:
    """The initial network of `configuration` in a study of `spec`, its weights from `files` by
    network name, or drawn by the study's seed.

    The network is built unless the folder `cache` says that it was built from the same weights
    before. Raises `SpondylError` for weights that do not fit (`weights.load`).
    """
    build = partial(_built, configuration, spec, files)
    path = _path(configuration, len(spec.labels), files.get(configuration.network), cache)
    known = None if path is None else _kept(path)
    if known is not None:
        n_channels, record = known
        return Proven(configuration.network, n_channels, record, build)
    network, record = initial_network(configuration, spec, files, spec.seed)
    if path is not None:
        write_json(path, {"n_channels": network.n_channels, "weights": asdict(record)})
    return Proven(configuration.network, network.n_channels, record, lambda: network)


def _built(
    configuration: Configuration, spec: StudySpec, files: Mapping[str, WeightsFile]
) -> Network:
    return initial_network(configuration, spec, files, spec.seed)[0]


def _path(
    configuration: Configuration, n_labels: int, file: WeightsFile | None, cache: Path | None
) -> Path | None:
    """Where the proof is kept; None where none is."""
    if cache is None or file is None or STRATEGIES[configuration.strategy].initial == "random":
        return None
    if not weights.stands_alone(configuration.network, file):
        return None
    decided_by = [
        *(PROOF_VERSION, configuration.network, configuration.strategy, n_labels),
        *(file.sha256, file.path.name, file.from_cache),
        *(version(package) for package in _BUILT_BY),
    ]
    return cache / "proven" / f"{sha256_of_json(decided_by)}.json"


def _kept(path: Path) -> tuple[int, WeightsRecord] | None:
    if not path.is_file():
        return None
    try:
        said = read_json(path)
        parts = tuple(said["weights"].pop("random_parts"))
        return int(said["n_channels"]), WeightsRecord(**said["weights"], random_parts=parts)
    except (SpondylError, KeyError, TypeError, ValueError, AttributeError):
        return None  # damaged: proven again
