"""The training loop: plain, under Lightning Fabric, and resumable at any epoch bit for bit.

All that is random in an epoch (order, augmentation, dropout) follows from the trial's seed and the
epoch's number, so a checkpoint needs no random state and an epoch that was cut short is simply run
again. The tune part steers the learning rate and the stop; the weights that are kept are those of
the epoch with the lowest tune loss.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from spondyl.files import replaced
from spondyl.learn.augment import augmented
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Epoch
from spondyl.learn.preprocess import Preprocessing
from spondyl.learn.spec import StudySpec
from spondyl.progress import Track, silently

CHECKPOINT_SECONDS = 60.0
"""A checkpoint is written when this long has passed since the last one."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Images (n, 1 or 3, h, w) in [0, 1] and label columns (n,) int64 of one part of a fold."""

    images: Tensor
    labels: Tensor


@dataclass(slots=True)
class _State:
    """What a checkpoint holds: everything that the next epoch depends on."""

    history: list[Epoch]
    best_loss: float
    best_epoch: int
    best: dict[str, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What a training left: its epochs, and which one's weights the network now has."""

    history: tuple[Epoch, ...]
    best_epoch: int


def train(
    network: Network,
    learned: nn.Module,
    train_part: Part,
    tune_part: Part,
    spec: StudySpec,
    seed: int,
    fabric: Fabric,
    checkpoint: Path,
    track: Track = silently,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Trained:
    """Trains `learned` (the network, or its head) in place; leaves the best weights and eval mode.

    A body that is not trained runs without a graph and in eval mode, so its batch-norm statistics
    stay. Goes on from `checkpoint` where that file is there. The global random state is left as it
    was.
    """
    network.body.requires_grad_(learned is network)
    network.to(memory_format=torch.channels_last)  # up to half as fast again on a CPU
    optimiser = torch.optim.Adam(learned.parameters(), lr=spec.learning_rate)
    model, optimiser = fabric.setup(network, optimiser)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser,
        factor=spec.plateau_factor,
        patience=spec.plateau_patience,
        min_lr=spec.learning_rate_floor,
    )
    state = _load(checkpoint, learned, optimiser, plateau, fabric)
    preprocessing = spec.preprocessing
    labels_on_device = train_part.labels.to(fabric.device)
    written = time.monotonic()
    epochs = _remaining(state, spec)
    for number in track(epochs, f"training {network.name}", spec.epochs):
        began = time.perf_counter()
        with torch.random.fork_rng(devices=_cuda_devices(fabric)):
            torch.manual_seed(_epoch_seed(seed, number))
            losses = _train_epoch(
                model, learned, optimiser, train_part.images, labels_on_device, spec, fabric
            )
        tune_logits = predict(model, tune_part.images, preprocessing, spec.batch_size, fabric)
        tune_loss = float(F.cross_entropy(tune_logits, tune_part.labels))
        plateau.step(tune_loss)
        accuracy = float((tune_logits.argmax(1) == tune_part.labels).double().mean())
        rate = float(optimiser.param_groups[0]["lr"])
        seconds = time.perf_counter() - began
        state.history.append(Epoch(number, losses, tune_loss, accuracy, rate, seconds))
        if tune_loss < state.best_loss:
            state.best_loss, state.best_epoch = tune_loss, number
            state.best = {
                name: t.detach().cpu().clone() for name, t in learned.state_dict().items()
            }
        if time.monotonic() - written >= checkpoint_seconds:
            _save(checkpoint, state, learned, optimiser, plateau)
            written = time.monotonic()
    learned.load_state_dict(state.best)
    network.eval()
    return Trained(tuple(state.history), state.best_epoch)


def predict(
    model: nn.Module, images: Tensor, preprocessing: Preprocessing, batch_size: int, fabric: Fabric
) -> Tensor:
    """Logits (n, labels) float32 on the CPU of images (n, 1 or 3, h, w); sets eval mode."""
    model.eval()
    with torch.inference_mode():
        logits = [
            model(_as_seen(batch.to(fabric.device), preprocessing)).float().cpu()
            for batch in torch.split(images, batch_size)
        ]
    return torch.cat(logits)


def _train_epoch(
    model: nn.Module,
    learned: nn.Module,
    optimiser: Any,
    images: Tensor,
    labels: Tensor,
    spec: StudySpec,
    fabric: Fabric,
) -> float:
    """One pass over the training part in a fresh order; mean loss per film, in nats."""
    model.eval()
    learned.train()
    draws = torch.Generator().manual_seed(int(torch.randint(2**62, ()).item()))
    total = torch.zeros((), device=fabric.device)
    for rows in _batches(torch.randperm(len(images), generator=draws), spec.batch_size):
        batch = augmented(images[rows].to(fabric.device).float(), spec, draws)
        loss = F.cross_entropy(model(_as_seen(batch, spec.preprocessing)), labels[rows])
        optimiser.zero_grad(set_to_none=True)
        fabric.backward(loss)
        optimiser.step()
        total += loss.detach() * len(rows)
    return float(total) / len(images)


def _as_seen(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    normalised = preprocessing.normalised(images)
    return normalised.contiguous(memory_format=torch.channels_last)


def _batches(order: Tensor, size: int) -> list[Tensor]:
    """Batches of `size`; a last film alone joins the batch before it, for batch norm's sake."""
    batches = list(torch.split(order, size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _remaining(state: _State, spec: StudySpec) -> Iterator[int]:
    """Numbers of the epochs still to run, ending early where the tune loss has stopped falling."""
    for number in range(len(state.history), spec.epochs):
        if number - state.best_epoch > spec.stop_patience:
            return
        yield number


def _epoch_seed(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch) % (2**63 - 1)


def _cuda_devices(fabric: Fabric) -> list[int]:
    return [fabric.device.index or 0] if fabric.device.type == "cuda" else []


def _save(path: Path, state: _State, learned: nn.Module, optimiser: Any, plateau: Any) -> None:
    content = {
        "history": [asdict(epoch) for epoch in state.history],
        "best_loss": state.best_loss,
        "best_epoch": state.best_epoch,
        "best": state.best,
        "learned": learned.state_dict(),
        "optimiser": optimiser.state_dict(),
        "plateau": plateau.state_dict(),
    }
    with replaced(path) as draft:
        torch.save(content, draft)


def _load(path: Path, learned: nn.Module, optimiser: Any, plateau: Any, fabric: Fabric) -> _State:
    if not path.is_file():
        return _State([], math.inf, 0, {})
    content = torch.load(path, map_location=fabric.device, weights_only=True)
    learned.load_state_dict(content["learned"])
    optimiser.load_state_dict(content["optimiser"])
    plateau.load_state_dict(content["plateau"])
    return _State(
        [Epoch(**epoch) for epoch in content["history"]],
        content["best_loss"],
        content["best_epoch"],
        {name: tensor.cpu() for name, tensor in content["best"].items()},
    )
