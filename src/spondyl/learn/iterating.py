"""Strategies that train a network, or its head, epoch by epoch."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spondyl.learn import consistency, training
from spondyl.learn.materials import (
    Learned,
    Materials,
    Task,
    initial_network,
    initial_seed,
    part_of,
    pool_of,
)
from spondyl.learn.networks import Network
from spondyl.learn.sources import Part
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.training import Sources, Trained


def train(task: Task, materials: Materials, checkpoint: Path) -> Learned:
    """The network, or only its head, trained epoch by epoch."""
    spec, parts = materials.spec, task.parts
    strategy = STRATEGIES[task.configuration.strategy]
    seed = initial_seed(task, spec)
    network, record = initial_network(task.configuration, spec, materials.files, seed)
    learned: nn.Module = network if strategy.learned == "all" else network.head

    unlabelled = None
    if strategy.needs_unlabelled:
        images = pool_of(materials).prepared.images
        unlabelled = training.Part(images, torch.zeros(len(images), dtype=torch.int64))
    trained = run(network, learned, task, spec, materials, checkpoint, unlabelled=unlabelled)
    test = said_of(network, parts.test, materials)
    tune = None if parts.tune == parts.test else said_of(network, parts.tune, materials)
    best = trained.history[trained.best_epoch]
    chosen: tuple[tuple[str, float], ...] = (
        ("epoch", float(trained.best_epoch)),
        ("tune_loss", best.tune_loss),
    )
    if unlabelled is not None:
        said = training.predict(network, unlabelled.images, spec, materials.fabric.device)
        chosen = (*chosen, *consistency.told_of(said, spec))
    tensors = tensors_of(learned)
    return Learned(test, chosen, tensors, record, trained.history, trained.how, tune)


def run(
    network: Network,
    learned: nn.Module,
    task: Task,
    spec: StudySpec,
    materials: Materials,
    checkpoint: Path,
    *,
    unlabelled: Part | None = None,
    sources: Sources | None = None,
) -> Trained:
    """`training.train` on the task's films, as `spec` says, with what the study shares."""
    seconds = materials.checkpoint_seconds
    train = training.train
    if seconds is not None:
        train = partial(train, checkpoint_seconds=seconds)
    return train(
        network,
        learned,
        part_of(materials, task.parts.train),
        part_of(materials, task.parts.tune),
        spec,
        task.seed,
        materials.fabric,
        checkpoint,
        materials.track,
        materials.tell,
        unlabelled=unlabelled,
        sources=sources,
    )


def said_of(
    network: Network, image_ids: tuple[str, ...], materials: Materials
) -> NDArray[np.float64]:
    """Logits (n, labels) of the given films of the cohort."""
    rows, images = materials.prepared.rows(image_ids), materials.prepared.images
    device = materials.fabric.device
    return training.predict(network, images, materials.spec, device, rows).double().numpy()


def tensors_of(learned: nn.Module) -> dict[str, Tensor]:
    """What was learned, on the CPU, as a trial keeps it."""
    return {name: t.detach().cpu().contiguous() for name, t in learned.state_dict().items()}
