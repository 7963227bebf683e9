"""Training a spine finder: a plain loop under Lightning Fabric that can be killed and goes on.

All that is random in an epoch follows from the seed and the epoch's number, so a checkpoint holds
no random state. No part of the data stops the training: the schedule is fixed, and the weights kept
are a running mean over the last steps, which needs no film to choose them. The price: a schedule
that is too long is paid in full.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from spondyl.errors import SpondylError
from spondyl.files import replaced
from spondyl.learn.fabrics import LateFabric
from spondyl.measure.examples import Example, over_grain, without_spine
from spondyl.measure.losses import Wanted, loss
from spondyl.measure.network import VIEWS, SpineNetwork
from spondyl.measure.spec import FinderSpec
from spondyl.measure.targets import targets
from spondyl.measure.warping import warped
from spondyl.progress import Track, silently

CHECKPOINT_SECONDS = 60.0
"""A checkpoint is written when this long has passed since the last one."""
WARM_UP = 0.05
"""Share of the steps over which the rate rises."""
LARGEST_GRADIENT = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What is learned from."""

    films: Sequence[Example]
    """Of the landmark set: each is drawn once in every epoch. Empty for phantoms alone."""
    phantoms: Sequence[Example]


def train(
    network: SpineNetwork,
    material: Material,
    spec: FinderSpec,
    fabric: LateFabric,
    checkpoint: Path,
    track: Track = silently,
) -> tuple[float, ...]:
    """Trains `network` in place, leaves averaged weights and eval mode; the epochs' mean losses.

    Goes on from `checkpoint` where that file is there. The global random state is left as it was.
    Raises `SpondylError` where the loss is no longer a number.
    """
    network.to(fabric.device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=spec.learning_rate, weight_decay=spec.weight_decay
    )
    model, optimiser = fabric.setup(network, optimiser)
    mean = _copied(network)
    history = _load(checkpoint, network, optimiser, mean, fabric)
    steps = _steps(material, spec)
    written = time.monotonic()
    for epoch in track(range(len(history), spec.epochs), "training a spine finder", spec.epochs):
        model.train()
        total = torch.zeros((), device=fabric.device)
        for place, (pictures, wanted) in enumerate(_batches(material, spec, epoch)):
            _set_rate(optimiser, spec, (epoch * steps + place) / (spec.epochs * steps))
            answer = model(pictures.to(fabric.device, memory_format=torch.channels_last))
            value = loss(answer, wanted.to(fabric.device))
            optimiser.zero_grad(set_to_none=True)
            fabric.backward(value)
            fabric.clip_gradients(model, optimiser, max_norm=LARGEST_GRADIENT)
            optimiser.step()
            _average(mean, network, spec.averaging, epoch * steps + place)
            total += value.detach()
        history.append(float(total) / steps)
        if not math.isfinite(history[-1]):
            raise SpondylError(
                f"training a spine finder: the loss is {history[-1]} after epoch {epoch}",
                "Lower learning_rate, or use precision 32-true.",
            )
        if time.monotonic() - written >= CHECKPOINT_SECONDS:
            _save(checkpoint, network, optimiser, mean, history)
            written = time.monotonic()
    network.load_state_dict(mean)
    network.eval()
    return tuple(history)


def _steps(material: Material, spec: FinderSpec) -> int:
    """Batches of an epoch."""
    return -(-len(_listed(material, spec, 0)) // spec.batch_size)


def _listed(material: Material, spec: FinderSpec, epoch: int) -> list[Example | None]:
    """The examples of an epoch in a fresh order; None stands for a picture without a spine."""
    rng = np.random.default_rng((spec.seed, epoch))
    n_drawn = min(spec.phantoms_per_epoch, len(material.phantoms))
    chosen = rng.choice(len(material.phantoms), n_drawn, replace=False)
    listed: list[Example | None] = [*material.films, *(material.phantoms[i] for i in chosen)]
    n_without = round(spec.without_spine / (1 - spec.without_spine) * len(listed))
    listed += [None] * n_without
    return [listed[i] for i in rng.permutation(len(listed))]


def _batches(material: Material, spec: FinderSpec, epoch: int) -> Iterator[tuple[Tensor, Wanted]]:
    """Pictures (n, 1, height, width) and their targets; the next batch is made beside the step."""
    listed = _listed(material, spec, epoch)

    def batch(first: int) -> tuple[Tensor, Wanted]:
        places = range(first, min(first + spec.batch_size, len(listed)))
        return _stacked([_one(listed[i], material, spec, (spec.seed, epoch, i)) for i in places])

    with ThreadPoolExecutor(1) as pool:
        firsts = range(0, len(listed), spec.batch_size)
        following = pool.submit(batch, 0)
        for first in firsts:
            made = following.result()
            if first + spec.batch_size < len(listed):
                following = pool.submit(batch, first + spec.batch_size)
            yield made


def _one(
    example: Example | None, material: Material, spec: FinderSpec, key: tuple[int, ...]
) -> tuple[Any, ...]:
    rng = np.random.default_rng((*key, 1))
    if example is None:
        example = without_spine([*material.films, *material.phantoms], rng)
    elif example.drawn and rng.random() < spec.over_grain:
        example = over_grain(example, material.films, rng)
    shown = warped(example.film, example.corners, spec.size, rng)
    wanted = targets(shown.corners, example.levels, shown.whole, shown.shown)
    parts = (wanted.mask, wanted.middle, wanted.level, wanted.corners, wanted.asked)
    return shown.picture, *parts, np.int64(VIEWS.index(example.view))


def _stacked(films: Sequence[tuple[Any, ...]]) -> tuple[Tensor, Wanted]:
    pictures, *wanted = (torch.from_numpy(np.stack(part)) for part in zip(*films, strict=True))
    return pictures.unsqueeze(1), Wanted(*wanted)


def _set_rate(optimiser: Any, spec: FinderSpec, done: float) -> None:
    """The rate when a share `done` of all steps is behind us."""
    fall = 0.5 * (1 + math.cos(math.pi * max(0.0, done - WARM_UP) / (1 - WARM_UP)))
    for group in optimiser.param_groups:
        group["lr"] = spec.learning_rate * min(done / WARM_UP + 0.01, fall + 1e-3)


def _copied(network: SpineNetwork) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


@torch.no_grad()
def _average(mean: dict[str, Tensor], network: SpineNetwork, kept: float, step: int) -> None:
    """Moves the running mean; early on it forgets faster, so that it does not hold the start."""
    kept = min(kept, (1 + step) / (10 + step))
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            mean[name].lerp_(tensor, 1 - kept)
        else:
            mean[name].copy_(tensor)


def _save(
    path: Path, network: SpineNetwork, optimiser: Any, mean: dict[str, Tensor], history: list[float]
) -> None:
    content = {
        "history": history,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "mean": mean,
    }
    with replaced(path) as draft:
        torch.save(content, draft)


def _load(
    path: Path, network: SpineNetwork, optimiser: Any, mean: dict[str, Tensor], fabric: LateFabric
) -> list[float]:
    if not path.is_file():
        return []
    content = torch.load(path, map_location=fabric.device, weights_only=True)
    network.load_state_dict(content["network"])
    optimiser.load_state_dict(content["optimiser"])
    for name, tensor in content["mean"].items():
        mean[name].copy_(tensor)
    return list(content["history"])
