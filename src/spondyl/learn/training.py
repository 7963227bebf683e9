"""The training loop: plain, under Lightning Fabric, and resumable at any epoch bit for bit.

All that is random in an epoch (order, augmentation, dropout) follows from the trial's seed and the
epoch's number, so a checkpoint needs no random state and an epoch that was cut short is simply run
again. The tune part steers the learning rate and the stop; the weights that are kept are those of
the epoch with the lowest tune loss.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.files import replaced
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Epoch
from spondyl.learn.sources import Films, HeadOnly, Source, stored
from spondyl.learn.spec import StudySpec
from spondyl.progress import Track, silently

CHECKPOINT_SECONDS = 60.0
"""A checkpoint is written when this long has passed since the last one."""

Tell = Callable[[Epoch], None]
"""Hears of every epoch of a training in order, and of those in its checkpoint first."""


def nobody(epoch: Epoch) -> None:
    """Hears of an epoch and does nothing."""
    del epoch


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
    tell: Tell = nobody,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Trained:
    """Trains `learned` (the network, or its head) in place; leaves the best weights and eval mode.

    A body that is not trained runs without a graph and in eval mode, so its batch-norm statistics
    stay; with `spec.views` it runs only once over each view. Goes on from `checkpoint` where that
    file is there. The global random state is left as it was.
    """
    network.body.requires_grad_(learned is network)
    # Channels last: up to half as fast again on a CPU.
    network.to(fabric.device).to(memory_format=torch.channels_last)
    model, train_source, tune_source = _sources(
        network, learned, train_part, tune_part, spec, seed, fabric, track
    )
    optimiser = torch.optim.Adam(learned.parameters(), lr=spec.learning_rate)
    model, optimiser = fabric.setup(model, optimiser)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser,
        factor=spec.plateau_factor,
        patience=spec.plateau_patience,
        min_lr=spec.learning_rate_floor,
    )
    state = _load(checkpoint, learned, optimiser, plateau, fabric)
    for epoch in state.history:
        tell(epoch)
    weights = class_weights(train_part.labels, len(spec.labels), spec).to(fabric.device)
    written = time.monotonic()
    for number in track(_remaining(state, spec), f"training {network.name}", spec.epochs):
        began = time.perf_counter()
        with torch.random.fork_rng(devices=_cuda_devices(fabric)):
            torch.manual_seed(_epoch_seed(seed, number))
            loss = _train_epoch(model, learned, optimiser, train_source, weights, spec, fabric)
        tune_loss, accuracy = _judged(model, tune_source, weights, spec)
        if not math.isfinite(tune_loss):
            raise SpondylError(
                f"training {network.name}: the loss is {tune_loss} after epoch {number}",
                "Lower learning_rate, or use precision 32-true.",
            )
        plateau.step(tune_loss)
        rate = float(optimiser.param_groups[0]["lr"])
        seconds = time.perf_counter() - began
        state.history.append(Epoch(number, loss, tune_loss, accuracy, rate, seconds))
        tell(state.history[-1])
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


def predict(network: Network, images: Tensor, spec: StudySpec, device: torch.device) -> Tensor:
    """Logits (n, labels) float32 on the CPU of images (n, 1 or 3, h, w); sets eval mode."""
    network.eval()
    films = Films(images, torch.empty(0), spec, device)
    with torch.inference_mode():
        return torch.cat([network(batch).float().cpu() for batch in films.plain(spec.batch_size)])


def class_weights(labels: Tensor, n_labels: int, spec: StudySpec) -> Tensor:
    """(n_labels,) float32 weights in the loss: ones, or n / (n_labels · films of the class)."""
    if spec.class_weights == "none":
        return torch.ones(n_labels)
    counts = torch.bincount(labels.cpu(), minlength=n_labels).clamp_min(1)
    return len(labels) / (n_labels * counts.float())


def _sources(
    network: Network,
    learned: nn.Module,
    train_part: Part,
    tune_part: Part,
    spec: StudySpec,
    seed: int,
    fabric: Fabric,
    track: Track,
) -> tuple[nn.Module, Source, Source]:
    """What is run in every step, and what it is run on."""
    train, tune = (
        Films(part.images, part.labels.to(fabric.device), spec, fabric.device)
        for part in (train_part, tune_part)
    )
    if learned is network or not spec.views:
        return network, train, tune
    draws = torch.Generator().manual_seed(seed)
    views = stored(network, train, spec.views, draws, track)
    return HeadOnly(network.head), views, stored(network, tune, 0, draws, track)


def _train_epoch(
    model: nn.Module,
    learned: nn.Module,
    optimiser: Any,
    source: Source,
    weights: Tensor,
    spec: StudySpec,
    fabric: Fabric,
) -> float:
    """One pass over the training part in a fresh order; mean loss per film, in nats."""
    model.eval()
    learned.train()
    draws = torch.Generator().manual_seed(int(torch.randint(2**62, ()).item()))
    total = torch.zeros((), device=fabric.device)
    n = len(source.labels)
    for rows in _batches(torch.randperm(n, generator=draws), spec.batch_size):
        logits = model(source.drawn(rows, draws))
        loss = F.cross_entropy(logits.float(), source.labels[rows], weights)
        optimiser.zero_grad(set_to_none=True)
        fabric.backward(loss)
        optimiser.step()
        total += loss.detach() * len(rows)
    return float(total) / n


def _judged(
    model: nn.Module, source: Source, weights: Tensor, spec: StudySpec
) -> tuple[float, float]:
    """Loss in nats and accuracy on a part, unaugmented and in eval mode."""
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(batch).float() for batch in source.plain(spec.batch_size)])
        loss = float(F.cross_entropy(logits, source.labels, weights))
        return loss, float((logits.argmax(1) == source.labels).double().mean())


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
