"""One training step, in one of three ways that differ by rounding only: augmentation, forward pass,
loss, backward pass and update. Nothing in it waits for the device.

"plain" runs it operation by operation. "compiled" has PyTorch compile augmentation and network,
which pays where a trial is long enough for the minute that it takes. "graph" captures the whole
step once and replays it, so that the host starts one thing instead of a thousand. Both need batches
of one size, so a smaller last batch of an epoch is run plainly. What cannot be run as asked is
refused, never run in another way.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.learn.fabrics import LateFabric
from spondyl.learn.sources import Drawn, Films, Source
from spondyl.learn.spec import StudySpec
from spondyl.learn.whole_batches import Share

Kind = Literal["plain", "compiled", "graph"]
Work = Callable[[], None]

_BEFORE_CAPTURE = 3
"""Steps that are run before one is captured: libraries choose their kernels in the first ones."""


def kind_for(spec: StudySpec, fabric: LateFabric) -> Kind:
    """How the steps of a training on `fabric` are run.

    Raises `SpondylError` for a graph anywhere but on one GPU, or with 16-mixed, whose scale of the
    loss is decided by the host; and for compiling over several processes or without a compiler.
    """
    alone = fabric.world_size == 1
    captures = alone and fabric.device.type == "cuda" and spec.precision != "16-mixed"
    if spec.step == "auto":
        return "graph" if captures else "plain"
    if spec.step == "graph" and not captures:
        raise SpondylError(
            f'step "graph": {_described(fabric)} with precision {spec.precision} cannot run it',
            'It needs one GPU and 32-true or bf16-mixed; set step = "auto" or "plain".',
        )
    if spec.step == "compiled" and not alone:
        raise SpondylError(
            f'step "compiled": {fabric.world_size} processes train one network',
            'Set step = "plain", or train on one device.',
        )
    if spec.step == "compiled" and fabric.device.type == "cpu" and not has_compiler():
        raise SpondylError(
            'step "compiled": no C++ compiler is to be had here',
            'Install g++ or clang++, or set step = "plain".',
        )
    return spec.step


def described(kind: Kind, spec: StudySpec, fabric: LateFabric) -> str:
    """How a training was run, in a line for the trial's facts."""
    return f"{kind} step, {spec.precision}, {_described(fabric)}"


def adam(learned: nn.Module, spec: StudySpec, kind: Kind, device: torch.device) -> torch.optim.Adam:
    """Adam in one kernel for all tensors. In a graph the rate is on the device, to be changed."""
    rate: float | Tensor = spec.learning_rate
    if kind == "graph":
        rate = torch.tensor(spec.learning_rate, device=device)
    parameters = learned.parameters()
    return torch.optim.Adam(parameters, lr=rate, fused=True, capturable=kind == "graph")


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Learns from one batch, operation by operation."""

    forward: Callable[[Tensor], Tensor]
    source: Source
    optimiser: Any
    weights: Tensor
    """(labels,) float32 in the loss."""
    fabric: LateFabric
    share: Share
    total: Tensor
    """Scalar float32: the losses of this process's films so far, summed, in nats."""

    def __call__(self, batch: Drawn) -> None:
        """Adds to `total`; this process learns from its share of `batch`."""
        self.share.n_films = len(batch)
        with torch.no_grad():
            inputs = self.source.inputs(batch[self.share.films])
        loss = self._loss(self.forward(inputs).float(), batch)
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimiser.step()
        self.total.add_(loss.detach(), alpha=len(batch) / self.share.processes)

    def _loss(self, logits: Tensor, batch: Drawn) -> Tensor:
        """The batch's weighted mean loss; of several processes the mean of theirs is that, because
        gradients are averaged over processes."""
        if self.share.processes == 1:
            return F.cross_entropy(logits, batch.labels, self.weights)
        labels = batch.labels[self.share.films]
        mine = F.cross_entropy(logits, labels, self.weights, reduction="sum")
        return mine * self.share.processes / self.weights[batch.labels].sum()


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """Learns from batches of `size` films by compiled code, and plainly from smaller ones."""

    step: Step
    plain: Step
    size: int

    @classmethod
    def of(cls, plain: Step, network: nn.Module, size: int) -> Compiled:
        """What `plain` does with `network`, compiled at the first batch."""
        compiled = torch.compile(network, dynamic=False)
        source = plain.source
        if isinstance(source, Films):
            source = replace(source, apply=torch.compile(source.apply, dynamic=False))

        def forward(inputs: Tensor) -> Tensor:
            with plain.fabric.autocast():
                logits: Tensor = compiled(inputs)
            return logits

        return cls(replace(plain, forward=forward, source=source), plain, size)

    def __call__(self, batch: Drawn) -> None:
        """Adds to the plain step's `total`."""
        (self.step if len(batch) == self.size else self.plain)(batch)


class Captured:
    """Learns from batches of `size` films by replaying one captured step, and plainly from others.

    The first batches are run plainly on a stream of their own, as capturing needs; they are
    ordinary steps, and no number depends on which they are.
    """

    def __init__(self, plain: Step, size: int) -> None:
        if isinstance(plain.source, Films) and not plain.source.are_on_device:
            raise SpondylError(
                'step "graph": the films do not fit on the GPU beside everything else',
                'Set step = "plain", which brings them batch by batch.',
            )
        self.plain = plain
        self.size = size
        self._n_before = 0
        self._batch: Drawn | None = None
        self._replay: Work | None = None

    def __call__(self, batch: Drawn) -> None:
        """Adds to the plain step's `total`."""
        if len(batch) != self.size:
            self.plain(batch)
        elif self._n_before < _BEFORE_CAPTURE:
            self._n_before += 1
            on_side_stream(lambda: self.plain(batch))
        else:
            self._again(batch)

    def _again(self, batch: Drawn) -> None:
        # A graph reads its batch where it was captured, so that place is ours for good.
        if self._batch is None:
            self._batch = batch.copy()
        for here, given in zip(self._batch.tensors, batch.tensors, strict=True):
            here.copy_(given, non_blocking=True)
        if self._replay is None:
            static = self._batch
            self.plain.optimiser.zero_grad(set_to_none=True)
            self._replay = as_graph(lambda: self.plain(static))
        self._replay()


def on_side_stream(work: Work) -> None:
    """Does `work` on a CUDA stream beside the current one, in its turn among what is asked of it;
    always on the same, which keeps its memory for the next time."""
    here, aside = torch.cuda.current_stream(), _side_stream(torch.cuda.current_device())
    aside.wait_stream(here)
    with torch.cuda.stream(aside), warnings.catch_warnings():
        # Adam that can be captured is surprised to be run without a graph.
        warnings.filterwarnings("ignore", message=".*capturable=True")
        work()
    here.wait_stream(aside)


@cache
def _side_stream(device: int) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def as_graph(work: Work) -> Work:
    """What does the GPU's part of `work` again, in the same memory; nothing is done yet.

    A capture minds only its own thread, so that a checkpoint may be written beside it.
    """
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay


AnyStep = Step | Compiled | Captured


def in_kind(kind: Kind, plain: Step, network: nn.Module, size: int) -> AnyStep:
    """The step for batches of `size` films, run in the given way."""
    if kind == "compiled":
        return Compiled.of(plain, network, size)
    return Captured(plain, size) if kind == "graph" else plain


def _described(fabric: LateFabric) -> str:
    device = fabric.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return f"{fabric.world_size} × {name}"


def has_compiler() -> bool:
    """Whether PyTorch finds a C++ compiler, which it needs to compile for a CPU."""
    return any(shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++") if name)
