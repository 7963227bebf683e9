"""Strategies that train a network, or its head, epoch by epoch."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

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
from spondyl.learn.strategies import STRATEGIES


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
    seconds = materials.checkpoint_seconds
    run = partial(training.train, unlabelled=unlabelled)
    if seconds is not None:
        run = partial(run, checkpoint_seconds=seconds)
    trained = run(
        network,
        learned,
        part_of(materials, parts.train),
        part_of(materials, parts.tune),
        spec,
        task.seed,
        materials.fabric,
        checkpoint,
        materials.track,
        materials.tell,
    )

    def said_of(image_ids: tuple[str, ...]) -> NDArray[np.float64]:
        rows = materials.prepared.rows(image_ids)
        images, device = materials.prepared.images, materials.fabric.device
        return training.predict(network, images, spec, device, rows).double().numpy()

    test = said_of(parts.test)
    tune = None if parts.tune == parts.test else said_of(parts.tune)
    best = trained.history[trained.best_epoch]
    tensors = {name: t.detach().cpu().contiguous() for name, t in learned.state_dict().items()}
    chosen: tuple[tuple[str, float], ...] = (
        ("epoch", float(trained.best_epoch)),
        ("tune_loss", best.tune_loss),
    )
    if unlabelled is not None:
        said = training.predict(network, unlabelled.images, spec, materials.fabric.device)
        chosen = (*chosen, *consistency.told_of(said, spec))
    return Learned(test, chosen, tensors, record, trained.history, trained.how, tune)
