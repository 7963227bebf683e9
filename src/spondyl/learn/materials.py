"""What a strategy is given to learn from on one fold, and what it leaves.

Every way of learning (`solving`, `iterating`, `two_stage` …) is a function of these records alone,
so a new one is a file of its own and one entry in `learning.WAYS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spondyl.data.cohort import Cohort
from spondyl.data.splits import Fold, Splits
from spondyl.errors import SpondylError
from spondyl.learn import headed, networks, probe, weights
from spondyl.learn.fabrics import LateFabric
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration, Epoch, WeightsRecord
from spondyl.learn.preprocess import PreparedFilms
from spondyl.learn.sources import Part
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.training import Tell, nobody
from spondyl.learn.unlabelled import Pool
from spondyl.learn.weights import WeightsFile
from spondyl.progress import Track, silently


@dataclass(frozen=True, slots=True, eq=False)
class Materials:
    """What the trials of a study share."""

    spec: StudySpec
    cohort: Cohort
    splits: Splits
    prepared: PreparedFilms
    files: Mapping[str, WeightsFile]
    """Initial weights by network name, for the networks that have any."""
    cache: Path
    """Folder of the feature cache."""
    fabric: LateFabric
    track: Track = field(default=silently)
    tell: Tell = field(default=nobody)
    checkpoint_seconds: float | None = None
    """Between two checkpoints of a training; None leaves it to the training, 0 is every epoch."""
    frozen: dict[Configuration, tuple[NDArray[np.float32], WeightsRecord]] = field(
        default_factory=dict
    )
    """Features (n, channels) of the cohort by frozen bodies, and where their weights came from, as
    far as this process has had them: the folds of a configuration share them."""
    waiting: tuple[Task, ...] = ()
    """What this process means to learn: the heads of one configuration are solved side by side."""
    solved: dict[Task, probe.Solved] = field(default_factory=dict)
    """Heads that were solved beside the first of their configuration, and are not asked for yet."""
    unlabelled: Pool | None = None
    """Films without a label, where the study has any."""
    frozen_unlabelled: dict[Configuration, NDArray[np.float32]] = field(default_factory=dict)
    """Their features, as in `frozen`."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learned: a configuration, the parts of its fold, and the seed of its draws."""

    configuration: Configuration
    parts: Fold
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What a strategy leaves: test logits (n, labels), what was chosen, and the learned tensors."""

    test_logits: NDArray[np.float64]
    chosen: tuple[tuple[str, float], ...]
    tensors: dict[str, Tensor]
    record: WeightsRecord
    history: tuple[Epoch, ...] = ()
    how: str = ""
    """How training steps were run and on what; "" where the head was solved."""
    tune_logits: NDArray[np.float64] | None = None
    """(m, labels) of the tune part, by what was learned without it: of a solved head the one that
    was fitted before tune joined in. None where the tune part is the test part, too."""


def initial_network(
    configuration: Configuration, spec: StudySpec, files: Mapping[str, WeightsFile], seed: int
) -> tuple[Network, WeightsRecord]:
    """The network before anything is learned, and where its tensors came from."""
    strategy = STRATEGIES[configuration.strategy]
    network = networks.build(configuration.network, len(spec.labels), seed)
    headed.put_on(network, strategy, len(spec.labels))
    if strategy.initial == "random":
        return network, weights.random_weights(network)
    file = files[configuration.network]
    return network, weights.load(network, file, body_is_frozen=strategy.body_is_given)


def initial_seed(task: Task, spec: StudySpec) -> int:
    """Seed of the random initial tensors: the study's for a frozen body, so that all folds share
    its features; the task's own where the body is trained."""
    frozen = STRATEGIES[task.configuration.strategy].learned == "head"
    return spec.seed if frozen else task.seed


def part_of(materials: Materials, image_ids: tuple[str, ...]) -> Part:
    """The given films of the cohort, as training takes them."""
    rows = materials.prepared.rows(image_ids)
    labels = torch.from_numpy(columns(materials.cohort, image_ids))
    return Part(materials.prepared.images, labels, rows)


def rows_of(cohort: Cohort, image_ids: tuple[str, ...]) -> list[int]:
    """Rows of the given films among the cohort's."""
    row = {film.image_id: i for i, film in enumerate(cohort.radiographs)}
    return [row[image_id] for image_id in image_ids]


def pool_of(materials: Materials) -> Pool:
    """The study's unlabelled films; `SpondylError` where it has none, as no study should."""
    if materials.unlabelled is None:
        raise SpondylError(
            "the strategy learns from unlabelled films, and there are none",
            "Run the study with --unlabelled.",
        )
    return materials.unlabelled


def columns(cohort: Cohort, image_ids: tuple[str, ...]) -> NDArray[np.int64]:
    """(n,) label columns of the given films of a labelled cohort."""
    label = {film.image_id: film.label for film in cohort.radiographs}
    return np.array(
        [cohort.labels.column(str(label[image_id])) for image_id in image_ids], dtype=np.int64
    )
