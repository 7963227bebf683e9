"""What each strategy does on one fold: from films and initial weights to test logits and
tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from spondyl.data.cohort import Cohort
from spondyl.data.splits import Fold, Splits
from spondyl.learn import features, networks, probe, training, weights
from spondyl.learn.heads import PooledLinear
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration, Epoch, WeightsRecord
from spondyl.learn.preprocess import PreparedFilms
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.training import Tell, nobody
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
    fabric: Fabric
    track: Track = field(default=silently)
    tell: Tell = field(default=nobody)


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


def learn(task: Task, materials: Materials, checkpoint: Path) -> Learned:
    """What the task's strategy makes of it; goes on from `checkpoint` where training left one."""
    if STRATEGIES[task.configuration.strategy].how == "solved":
        return _solve(task, materials)
    return _train(task, materials, checkpoint)


def initial_network(
    configuration: Configuration, spec: StudySpec, files: Mapping[str, WeightsFile], seed: int
) -> tuple[Network, WeightsRecord]:
    """The network before anything is learned, and where its tensors came from."""
    strategy = STRATEGIES[configuration.strategy]
    network = networks.build(configuration.network, len(spec.labels), seed)
    if strategy.how == "solved":
        network.head = PooledLinear(network.n_channels, len(spec.labels))
    if strategy.initial == "random":
        return network, weights.random_weights(network)
    file = files[configuration.network]
    return network, weights.load(network, file, body_is_frozen=strategy.learned == "head")


def initial_seed(task: Task, spec: StudySpec) -> int:
    """Seed of the random initial tensors: the study's for a frozen body, so that all folds share
    its features; the task's own where the body is trained."""
    frozen = STRATEGIES[task.configuration.strategy].learned == "head"
    return spec.seed if frozen else task.seed


def _solve(task: Task, materials: Materials) -> Learned:
    """Frozen, pooled features under a logistic regression that is solved to its end."""
    spec, cohort, parts = materials.spec, materials.cohort, task.parts
    network, record = initial_network(task.configuration, spec, materials.files, spec.seed)
    identity = record.sha256 or f"random, seed {spec.seed}"
    cache = features.FeatureCache.of(materials.cache, network, spec.preprocessing, identity)
    device = materials.fabric.device
    found = features.pooled(
        network,
        cohort.radiographs,
        materials.prepared,
        spec.preprocessing,
        cache,
        device,
        materials.track,
    )
    row = {film.image_id: i for i, film in enumerate(cohort.radiographs)}
    train, tune, test = (
        found[[row[image_id] for image_id in part]]
        for part in (parts.train, parts.tune, parts.test)
    )
    balanced = spec.class_weights == "balanced"
    solved = probe.fit(
        train, columns(cohort, parts.train), tune, columns(cohort, parts.tune), balanced=balanced
    )
    return Learned(
        solved.head.logits(test),
        (("inverse_strength", solved.inverse_strength), ("tune_loss", solved.tune_loss)),
        {
            "linear.weight": torch.from_numpy(solved.head.weight).float(),
            "linear.bias": torch.from_numpy(solved.head.bias).float(),
        },
        record,
    )


def _train(task: Task, materials: Materials, checkpoint: Path) -> Learned:
    """The network, or only its head, trained epoch by epoch."""
    spec, parts = materials.spec, task.parts
    strategy = STRATEGIES[task.configuration.strategy]
    seed = initial_seed(task, spec)
    network, record = initial_network(task.configuration, spec, materials.files, seed)
    learned: nn.Module = network if strategy.learned == "all" else network.head

    def part(image_ids: tuple[str, ...]) -> training.Part:
        rows = materials.prepared.rows(image_ids)
        labels = torch.from_numpy(columns(materials.cohort, image_ids))
        return training.Part(materials.prepared.images[rows], labels)

    trained = training.train(
        network,
        learned,
        part(parts.train),
        part(parts.tune),
        spec,
        task.seed,
        materials.fabric,
        checkpoint,
        materials.track,
        materials.tell,
    )
    test = training.predict(network, part(parts.test).images, spec, materials.fabric.device)
    best = trained.history[trained.best_epoch]
    tensors = {name: t.detach().cpu().contiguous() for name, t in learned.state_dict().items()}
    chosen = (("epoch", float(trained.best_epoch)), ("tune_loss", best.tune_loss))
    return Learned(test.double().numpy(), chosen, tensors, record, trained.history)


def columns(cohort: Cohort, image_ids: tuple[str, ...]) -> NDArray[np.int64]:
    """(n,) label columns of the given films of a labelled cohort."""
    label = {film.image_id: film.label for film in cohort.radiographs}
    return np.array(
        [cohort.labels.column(str(label[image_id])) for image_id in image_ids], dtype=np.int64
    )
