"""What a network costs: parameters, multiply-adds, milliseconds for an answer and for a heatmap.

Times are the median of a few batches on the device of the study and stand beside its name; they
move with whatever else the machine does, and are for ratios.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch

from spondyl.explain.explaining import explain
from spondyl.explain.feature_map import says_where
from spondyl.learn import networks
from spondyl.learn.architectures.counting import multiply_adds
from spondyl.learn.outcome import Outcome

BATCH = 8
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one network at one size, with the labels of a study."""

    network: str
    size: tuple[int, int]
    """(height, width) of the network grid."""
    parameters: int
    multiply_adds: int
    """Of one image."""
    inference_ms: float
    """Of one image in a batch of `BATCH`."""
    heatmap_ms: float | None
    """Of one image in a batch of `BATCH`, Grad-CAM, the answer included; None where the map has too
    few cells to say where."""

    def as_dict(self) -> dict[str, Any]:
        """The cost as a JSON object."""
        return asdict(self)


def measure(name: str, n_labels: int, size: tuple[int, int], device: torch.device) -> Cost:
    """The cost of the network called `name`; what its weights are makes no difference."""
    network = networks.build(name, n_labels, seed=0).to(device).eval()
    images = torch.zeros(BATCH, 3, *size, device=device)
    labels = torch.zeros(BATCH, dtype=torch.int64, device=device)

    def infer() -> None:
        with torch.inference_mode():
            network(images)

    return Cost(
        network=name,
        size=size,
        parameters=networks.n_parameters([network.body, network.head]),
        multiply_adds=multiply_adds(network, size, device),
        inference_ms=_ms_per_image(infer, device),
        heatmap_ms=_ms_per_image(lambda: explain(network, images, labels), device)
        if says_where(network, images)
        else None,
    )


def seconds_per_epoch(outcome: Outcome) -> float | None:
    """Median over all epochs of all folds; None for strategies that are solved."""
    seconds = [epoch.seconds for fold in outcome.folds for epoch in fold.history]
    return median(seconds) if seconds else None


def _ms_per_image(work: Callable[[], object], device: torch.device) -> float:
    taken = []
    for turn in range(ROUNDS + 1):
        _finish(device)
        began = time.perf_counter()
        work()
        _finish(device)
        if turn:  # the first one warms up
            taken.append(time.perf_counter() - began)
    return 1000 * median(taken) / BATCH


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
