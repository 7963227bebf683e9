"""The training loop: plain, under Lightning Fabric, and resumable at any epoch bit for bit.

All that is random in an epoch (order, augmentation, dropout) follows from the trial's seed and the
epoch's number, so a checkpoint needs no random state and an epoch that was cut short is simply run
again. The tune part steers the learning rate and the stop; the weights that are kept are those of
the epoch with the lowest tune loss, and stay on the device. The host waits for the device once an
epoch, for three numbers.

Several processes learn from the same batches as one would (`whole_batches`), judge a share each and
hear the same numbers; the first of them writes checkpoints and tells. Nothing here takes a device
for its own: trials may share one, and know nothing of each other.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.learn import consistency, stepping
from spondyl.learn.checkpoints import State, Writer
from spondyl.learn.consistency import ConsistencyStep
from spondyl.learn.fabrics import LateFabric
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Epoch
from spondyl.learn.sampling import Sampling
from spondyl.learn.sampling import order as ordered
from spondyl.learn.sources import Films, HeadOnly, Part, Source, batches_of, stored
from spondyl.learn.spec import StudySpec
from spondyl.learn.stepping import AnyStep, Step
from spondyl.learn.whole_batches import Share, sum_of_all, whole_batches
from spondyl.progress import Track, silently

__all__ = ["Part", "Tell", "Trained", "class_weights", "nobody", "predict", "train"]

CHECKPOINT_SECONDS = 60.0
"""A checkpoint is written when this long has passed since the last one."""

Tell = Callable[[Epoch], None]
"""Hears of every epoch of a training in order, and of those in its checkpoint first."""


Sources = tuple[nn.Module, Source, Source]
"""What is run in every step, and the inputs that it learns from and is judged on."""


def nobody(epoch: Epoch) -> None:
    """Hears of an epoch and does nothing."""
    del epoch


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What a training left: its epochs, and which one's weights the network now has."""

    history: tuple[Epoch, ...]
    best_epoch: int
    how: str
    """How its steps were run and on what, in a line; by it results differ in rounding only."""


def train(
    network: Network,
    learned: nn.Module,
    train_part: Part,
    tune_part: Part,
    spec: StudySpec,
    seed: int,
    fabric: LateFabric,
    checkpoint: Path,
    track: Track = silently,
    tell: Tell = nobody,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    unlabelled: Part | None = None,
    sources: Sources | None = None,
) -> Trained:
    """Trains `learned` (the network, or a part of it) in place; leaves the best weights and eval
    mode.

    What is not trained runs without a graph and in eval mode, so its batch-norm statistics stay. A
    head alone with `spec.views` learns from what the body makes of so many views, once. Goes on
    from `checkpoint` where that file is there. With `unlabelled` films, whose labels nobody reads,
    it learns from these too (`consistency`). With `sources` it learns from these instead of the
    parts' films. The global random state is left as it was. Raises `SpondylError` for a step
    that cannot be run here, for a loss that is no number, and for a checkpoint that cannot be
    written.
    """
    kind_for = stepping.kind_for if unlabelled is None else consistency.kind_for
    kind = kind_for(spec, fabric)
    share = Share(fabric.global_rank, fabric.world_size)
    network.requires_grad_(False)
    learned.requires_grad_(True)
    # Channels last: up to half as fast again on a CPU.
    network.to(fabric.device).to(memory_format=torch.channels_last)
    model, train_source, tune_source = sources or _sources(
        network, learned, train_part, tune_part, spec, seed, fabric, track, unlabelled
    )
    optimiser = stepping.adam(learned, spec, kind, fabric.device)
    state = State(learned, optimiser, _plateau(optimiser, spec))
    sizes = batch_sizes(len(train_part.labels), spec.batch_size, share.processes)
    weights = class_weights(train_part.labels, len(spec.labels), spec).to(fabric.device)
    with whole_batches(model, share), Writer(checkpoint) as writer:
        forward, fabrics_optimiser = fabric.setup(model, optimiser)
        state.load(checkpoint, fabric)
        if fabric.is_global_zero:
            for epoch in state.history:
                tell(epoch)
        total = torch.zeros((), device=fabric.device)
        plain = Step(forward, train_source, fabrics_optimiser, weights, fabric, share, total)
        if unlabelled is not None:
            plain = ConsistencyStep.like(plain, spec)
        step = stepping.in_kind(kind, plain, model, spec.batch_size)
        written = time.monotonic()
        for number in track(_remaining(state, spec), f"training {network.name}", spec.epochs):
            began = time.perf_counter()
            with torch.random.fork_rng(devices=_cuda_devices(fabric)):
                torch.manual_seed(_epoch_seed(seed, number))
                total.zero_()
                learn_from(step, train_source, sizes, model, learned, spec.sampling)
            learned_from = sum_of_all(total, share).double() / len(train_part.labels)
            judged = _judged(model, tune_source, weights, spec, fabric, share)
            # The one moment at which the host waits.
            losses = torch.stack([learned_from, *judged]).tolist()
            state.add(_epoch(number, losses, network, state, began))
            if fabric.is_global_zero:
                tell(state.history[-1])
                if time.monotonic() - written >= checkpoint_seconds:
                    writer.write(state.content())
                    written = time.monotonic()
    learned.load_state_dict(state.best)
    network.eval()
    how = stepping.described(kind, spec, fabric)
    return Trained(tuple(state.history), state.best_epoch, how)


def predict(
    network: Network,
    images: Tensor,
    spec: StudySpec,
    device: torch.device,
    rows: Tensor | None = None,
) -> Tensor:
    """Logits (n, labels) float32 on the CPU of images (n, 1 or 3, h, w), or of those in `rows`;
    sets eval mode."""
    network.eval()
    n = len(images) if rows is None else len(rows)
    films = Films.of(Part(images, torch.zeros(n, dtype=torch.int64), rows), spec, device)
    with torch.inference_mode():
        logits = [network(inputs()).float() for inputs in films.plain(spec.batch_size)]
        return torch.cat(logits).cpu()


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
    fabric: LateFabric,
    track: Track,
    unlabelled: Part | None,
) -> Sources:
    """What is run in every step, and what it is run on."""
    train, tune = (Films.of(part, spec, fabric.device) for part in (train_part, tune_part))
    if unlabelled is not None:
        return network, consistency.beside(train, unlabelled, spec), tune
    if learned is network or not spec.views:
        return network, train, tune
    draws = torch.Generator().manual_seed(seed)
    views = stored(network, train, spec.views, draws, track)
    return HeadOnly(network.head), views, stored(network, tune, 0, draws, track)


def _plateau(
    optimiser: torch.optim.Adam, spec: StudySpec
) -> torch.optim.lr_scheduler.ReduceLROnPlateau:
    return torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser,
        factor=spec.plateau_factor,
        patience=spec.plateau_patience,
        min_lr=spec.learning_rate_floor,
    )


def learn_from(
    step: AnyStep,
    source: Source,
    sizes: list[int],
    model: nn.Module,
    learned: nn.Module,
    sampling: Sampling = "as they are",
) -> None:
    """As many films as the training part has, in a fresh order, all drawn before the first step."""
    model.eval()
    learned.train()
    draws = torch.Generator().manual_seed(int(torch.randint(2**62, ()).item()))
    order = ordered(source.labels.cpu(), sampling, draws)
    for batch in batches_of(source.draw(order, sizes, draws), sizes):
        step(batch)


def _judged(
    model: nn.Module,
    source: Source,
    weights: Tensor,
    spec: StudySpec,
    fabric: LateFabric,
    share: Share,
) -> tuple[Tensor, Tensor]:
    """Loss in nats and accuracy on a part, unaugmented and in eval mode: scalars on the device.

    Each process looks at every so many batches; adding zeros puts them together exactly.
    """
    model.eval()
    with torch.inference_mode():
        logits = torch.zeros(len(source.labels), len(weights), device=fabric.device)
        batches = source.plain(spec.batch_size)
        places = torch.split(logits, spec.batch_size)
        with fabric.autocast():
            for number in range(share.rank, len(batches), share.processes):
                places[number].copy_(model(batches[number]()))
        logits = sum_of_all(logits, share)
        loss = F.cross_entropy(logits, source.labels, weights)
        return loss.double(), (logits.argmax(1) == source.labels).double().mean()


def _epoch(
    number: int,
    losses: list[float],
    network: Network,
    state: State,
    began: float,
) -> Epoch:
    """The record of an epoch by its train loss, tune loss and tune accuracy, after which the rate
    may be lower."""
    train_loss, tune_loss, accuracy = losses
    if not math.isfinite(tune_loss):
        raise SpondylError(
            f"training {network.name}: the loss is {tune_loss} after epoch {number}",
            "Lower learning_rate, or use precision 32-true.",
        )
    state.plateau.step(tune_loss)
    rate = float(state.optimiser.param_groups[0]["lr"])
    return Epoch(number, train_loss, tune_loss, accuracy, rate, time.perf_counter() - began)


def batch_sizes(n: int, size: int, processes: int = 1) -> list[int]:
    """Batches of `size` that make up `n` films; what is left joins the batch before it where it is
    a film alone, for batch norm's sake, or fewer films than processes."""
    if n < processes:
        raise SpondylError(f"{n} training films for {processes} processes", "Use fewer devices.")
    sizes = [size] * (n // size) + ([n % size] if n % size else [])
    if len(sizes) > 1 and sizes[-1] < max(2, processes):
        last = sizes.pop()
        sizes[-1] += last
    return sizes


def _remaining(state: State, spec: StudySpec) -> Iterator[int]:
    """Numbers of the epochs still to run, ending early where the tune loss has stopped falling."""
    for number in range(len(state.history), spec.epochs):
        if number - state.best_epoch > spec.stop_patience:
            return
        yield number


def _epoch_seed(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch) % (2**63 - 1)


def _cuda_devices(fabric: LateFabric) -> list[int]:
    return [fabric.device.index or 0] if fabric.device.type == "cuda" else []
