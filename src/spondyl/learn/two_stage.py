"""Two stages: first the head alone, then the body's last stages beside it, at a lower rate.

The recipe is Vardhan's among the paper's references; early layers are general enough to stay as
they are (Yosinski et al. 2014). Decision: the first stage is not trained but solved, as the probe's
head is: its end is known, costs a second, and needs no rate. Kumar et al. 2022 (arXiv 2202.10054,
section 3) show what a solved head is for: from a random one the first steps of fine-tuning move the
body by gradients that mean nothing, and distort it for films unlike those that it learns from.

The head is solved on the training part alone, its strength chosen by the tune part, since that part
steers the second stage and must not have taught the head. The second stage is the loop of every
strategy, on the last stages and the head; below them nothing changes. Batch norms keep their
statistics in the last stages too, as Keras's guide to transfer learning asks for: the head was
solved on features by these, and of features by a batch's own it says anything. For the same reason
its channels share one scale (`probe.solve`): a channel that hardly varies would get a weight so
large that the smallest step of the body turns the answer. What is kept is the epoch of the lowest
tune loss, or the first stage where no epoch betters it; the outcome says which.

The price: a network with dense layers of its own (VGG) loses them, because what is solved is one
linear layer on pooled features; and the views that a study stores (`views`) are far cheaper on a
CPU and fewer than those of a study that draws them anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from spondyl.learn import iterating, probe, solving, training
from spondyl.learn.frozen_maps import MapStore, StoredMaps, Upper, maps_of, parted
from spondyl.learn.materials import (
    Learned,
    Materials,
    Task,
    columns,
    initial_network,
    part_of,
    rows_of,
)
from spondyl.learn.networks import Network
from spondyl.learn.outcome import WeightsRecord
from spondyl.learn.probe import STRENGTHS
from spondyl.learn.spec import StudySpec
from spondyl.learn.training import Sources


def train(task: Task, materials: Materials, checkpoint: Path) -> Learned:
    """The head solved, then the last stages trained with it; goes on from `checkpoint`, which is
    of the second stage: the first is solved again, and gives the same."""
    spec, parts = materials.spec, task.parts
    network, record = initial_network(task.configuration, spec, materials.files, spec.seed)
    lower, upper = parted(network, spec.unfrozen_stages)
    strength, first_loss = _solve_head(network, task, materials)
    first = {name: tensor.clone() for name, tensor in upper.state_dict().items()}
    sources = _stored(network, lower, upper, record, task, materials) if spec.views else None
    trained = iterating.run(
        network, upper, task, second_stage(spec), materials, checkpoint, sources=sources
    )
    best = trained.history[trained.best_epoch].tune_loss
    betters = best < first_loss
    if not betters:
        upper.load_state_dict(first)
    chosen = (
        ("stage", 2.0 if betters else 1.0),
        ("epoch", float(trained.best_epoch)),
        ("tune_loss", best if betters else first_loss),
        ("inverse_strength", strength),
        ("first_stage_tune_loss", first_loss),
    )
    tensors = iterating.tensors_of(network)
    test, tune = (iterating.said_of(network, part, materials) for part in (parts.test, parts.tune))
    return Learned(test, chosen, tensors, record, trained.history, trained.how, tune)


def second_stage(spec: StudySpec) -> StudySpec:
    """The study as the second stage runs it: its own epochs, at a share of the rate."""
    return spec.model_copy(
        update={
            "epochs": spec.second_epochs,
            "learning_rate": spec.learning_rate * spec.second_rate,
            "learning_rate_floor": spec.learning_rate_floor * spec.second_rate,
        }
    )


def _solve_head(network: Network, task: Task, materials: Materials) -> tuple[float, float]:
    """Gives the network the head that the tune part chooses among those of all strengths; that
    strength, and its tune loss as the second stage measures it, in nats."""
    spec, parts, cohort = materials.spec, task.parts, materials.cohort
    found, _ = solving.features_of(task.configuration, materials)
    train, tune = (found[rows_of(cohort, part)] for part in (parts.train, parts.tune))
    train_labels, tune_labels = (columns(cohort, part) for part in (parts.train, parts.tune))
    # Balanced draws weigh the classes alike on average; nothing is drawn here.
    balanced = "balanced" in (spec.class_weights, spec.sampling)
    n_labels = len(spec.labels)
    heads = probe.solve(
        *(train, train_labels, n_labels, STRENGTHS), balanced=balanced, one_scale=True
    )
    weights = training.class_weights(torch.from_numpy(train_labels), n_labels, spec)
    losses = [_loss(head.logits(tune), tune_labels, weights) for head in heads]
    at = int(np.argmin(losses))
    network.head.load_state_dict(solving.tensors_of(heads[at]))
    return STRENGTHS[at], losses[at]


def _loss(logits: NDArray[np.float64], labels: NDArray[np.int64], weights: Tensor) -> float:
    truth = torch.from_numpy(labels)
    return float(F.cross_entropy(torch.from_numpy(logits), truth, weights.double()))


def _stored(
    network: Network,
    lower: torch.nn.Sequential,
    upper: Upper,
    record: WeightsRecord,
    task: Task,
    materials: Materials,
) -> Sources:
    """The last stages, and what the stages below them make of both parts' films."""
    spec, prepared, device = materials.spec, materials.prepared, materials.fabric.device
    store = MapStore.of(materials.cache, network, lower, spec, prepared, record.sha256)
    views = maps_of(store, network, lower, prepared, spec, device, materials.track)
    taught, judged = (
        StoredMaps.of(views, part_of(materials, part), device)
        for part in (task.parts.train, task.parts.tune)
    )
    return upper, taught, judged
