"""What each strategy does on one fold: from films and initial weights to test logits and
tensors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
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
    if task.configuration not in materials.frozen:
        materials.frozen[task.configuration] = _features(task.configuration, materials)
    found, record = materials.frozen[task.configuration]
    if task not in materials.solved:
        materials.solved.update(_solved_side_by_side(task, found, materials))
    solved = materials.solved.pop(task)
    test = found[_rows(materials.cohort, task.parts.test)]
    return Learned(
        solved.head.logits(test),
        (("inverse_strength", solved.inverse_strength), ("tune_loss", solved.tune_loss)),
        {
            "linear.weight": torch.from_numpy(solved.head.weight).float(),
            "linear.bias": torch.from_numpy(solved.head.bias).float(),
        },
        record,
    )


def _solved_side_by_side(
    task: Task, found: NDArray[np.float32], materials: Materials
) -> dict[Task, probe.Solved]:
    """The heads of `task` and of all that wait with its configuration, a core for each: one head's
    matrices are too small for two."""
    cohort, balanced = materials.cohort, materials.spec.class_weights == "balanced"
    others = [one for one in materials.waiting if one.configuration == task.configuration]
    tasks = list(dict.fromkeys([task, *others]))

    def solve(one: Task) -> probe.Solved:
        train, tune = one.parts.train, one.parts.tune
        return probe.fit(
            found[_rows(cohort, train)],
            columns(cohort, train),
            found[_rows(cohort, tune)],
            columns(cohort, tune),
            balanced=balanced,
        )

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        heads = {one: pool.submit(solve, one) for one in tasks}
    # What fails beside this one is solved again in its own turn, and told of there.
    return {one: h.result() for one, h in heads.items() if one == task or h.exception() is None}


def _rows(cohort: Cohort, image_ids: tuple[str, ...]) -> list[int]:
    """Rows of the given films among the cohort's."""
    row = {film.image_id: i for i, film in enumerate(cohort.radiographs)}
    return [row[image_id] for image_id in image_ids]


def _features(
    configuration: Configuration, materials: Materials
) -> tuple[NDArray[np.float32], WeightsRecord]:
    """Pooled features (n, channels) of all films, from the cache where they are in it."""
    spec = materials.spec
    network, record = initial_network(configuration, spec, materials.files, spec.seed)
    identity = record.sha256 or f"random, seed {spec.seed}"
    found = features.pooled(
        network,
        materials.cohort.radiographs,
        materials.prepared,
        spec.preprocessing,
        features.FeatureCache.of(materials.cache, network, spec.preprocessing, identity),
        materials.fabric.device,
        materials.track,
    )
    return found, record


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
        return training.Part(materials.prepared.images, labels, rows)

    seconds = materials.checkpoint_seconds
    train = training.train
    if seconds is not None:
        train = partial(train, checkpoint_seconds=seconds)
    trained = train(
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
    test = training.predict(
        network,
        materials.prepared.images,
        spec,
        materials.fabric.device,
        materials.prepared.rows(parts.test),
    )
    best = trained.history[trained.best_epoch]
    tensors = {name: t.detach().cpu().contiguous() for name, t in learned.state_dict().items()}
    chosen = (("epoch", float(trained.best_epoch)), ("tune_loss", best.tune_loss))
    logits = test.double().numpy()
    return Learned(logits, chosen, tensors, record, trained.history, trained.how)


def columns(cohort: Cohort, image_ids: tuple[str, ...]) -> NDArray[np.int64]:
    """(n,) label columns of the given films of a labelled cohort."""
    label = {film.image_id: film.label for film in cohort.radiographs}
    return np.array(
        [cohort.labels.column(str(label[image_id])) for image_id in image_ids], dtype=np.int64
    )
