"""A bundle of one network that lies in memory, so that what is exported of bundles can be timed.

Only what an exported graph and the engines ask of a bundle is true of it: the network, its labels
and its preprocessing, and a temperature of 1. It was trained on nothing, has no folder and no id of
its own, and cannot be stored. Weights are random where no file is given: they cost the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from spondyl.data.labels import SPINE_LABELS
from spondyl.errors import SpondylError
from spondyl.learn import networks, weights
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration, WeightsRecord
from spondyl.learn.spec import StudySpec
from spondyl.reading.bundle import Bundle, CalibrationFile, Member
from spondyl.reading.trained_on import TrainedOn
from spondyl.trust.answers.calibration_set import CalibrationSet

NO_SHA256 = "0" * 64
RANDOM = "random"
"""What is said of the weights of a network for which no file was given."""
_WHY_NONE = "a bundle in memory, to be timed"


@dataclass(frozen=True, eq=False, kw_only=True)
class BundleInMemory(Bundle):
    """A network as the only one of a bundle."""

    held: Network
    """In eval mode."""

    def networks(
        self, device: torch.device, folds: tuple[int, ...] | None = None
    ) -> dict[int, Network]:
        """The one network, which is moved to `device` and not copied."""
        del folds
        return {0: self.held.to(device)}

    @cached_property
    def calibration_set(self) -> CalibrationSet:
        """A film of each label, told rightly: the temperature is 1."""
        n = len(self.labels)
        return CalibrationSet(self.labels.names, np.eye(n), np.arange(n), np.zeros(n, np.int64))

    @property
    def weights(self) -> str:
        """Where the network's weights are from: a file's name, or `RANDOM`."""
        record = self.members[0].weights
        return record.file if record.source == "file" else RANDOM


def bundled(name: str, files: Mapping[str, Path], side: int = 224) -> BundleInMemory:
    """The network called `name` for films on a grid of `side` × `side` pixels.

    Its weights are those of its file in `files` (`weights.given`), else random, from one seed.
    Raises `SpondylError` for an unknown name, a side that no study takes, and a file that is not
    this network's.
    """
    network = networks.build(name, len(SPINE_LABELS), seed=0).eval()
    record = _filled(network, files)
    spec = _spec(network.name, side)
    return BundleInMemory(
        folder=Path(),
        bundle_id=NO_SHA256,
        made_of="one network",
        configuration=Configuration(network.name, "fine-tuning", "nested"),
        labels=SPINE_LABELS,
        preprocessing=spec.preprocessing,
        spec=spec,
        cohort_sha256=NO_SHA256,
        trained_on=TrainedOn(0, 0, {}, {}, {}, None, 0, {}),
        members=(Member(0, "none", NO_SHA256, record, (), (), None, _WHY_NONE),),
        body_sha256=None,
        calibration=CalibrationFile(
            NO_SHA256, 0.05, "by label", len(SPINE_LABELS), 1.0, "lowest", SPINE_LABELS.names
        ),
        quorum=1.0,
        card_sha256=NO_SHA256,
        versions={"spondyl": version("spondyl")},
        held=network,
    )


def _filled(network: Network, files: Mapping[str, Path]) -> WeightsRecord:
    """What was filled into `network` from its file, the account of random weights without one."""
    base, _, _ = network.name.partition(":")
    if not {network.name, base} & files.keys():
        return weights.random_weights(network)
    file = weights.find(network.name, files)
    return weights.load(network, file, body_is_frozen=False)


def _spec(name: str, side: int) -> StudySpec:
    """The study that a network would have come from; `SpondylError` for a side that none takes."""
    try:
        return StudySpec(networks=(name,), strategies=("fine-tuning",), size=(side, side))
    except ValueError as error:
        raise SpondylError(
            f"a grid of {side} × {side} pixels: no study takes such a side", "224 is usual."
        ) from error
