"""Checkpoints, written beside the training: what they hold is copied, and a thread writes it.

Training goes on as soon as the copy is made (on a GPU as soon as it is asked for), so a slow disk
delays no step. One is written at a time, so there is never a queue of copies. The price: memory for
one copy, and a disk that is full is heard of at the next checkpoint or at the end; it is always
heard of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from spondyl.errors import SpondylError
from spondyl.files import replaced
from spondyl.learn.fabrics import LateFabric
from spondyl.learn.outcome import Epoch

_DEVICE_BOUND = ("fused", "foreach", "capturable", "lr")
"""Settings of an optimiser that belong to where it runs, not to what it has learned; of the rate
only in what kind of number it is kept."""


@dataclass(slots=True)
class State:
    """A training between two epochs: everything that the next one depends on."""

    learned: nn.Module
    optimiser: torch.optim.Adam
    plateau: ReduceLROnPlateau
    history: list[Epoch] = field(default_factory=list)
    best_loss: float = math.inf
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    """Tensors of `learned` after that epoch, beside it."""

    def add(self, epoch: Epoch) -> None:
        """Remembers an epoch, and the tensors as they are where none was better."""
        self.history.append(epoch)
        if epoch.tune_loss < self.best_loss:
            self.best_loss, self.best_epoch = epoch.tune_loss, epoch.epoch
            self.best = {name: t.detach().clone() for name, t in self.learned.state_dict().items()}

    def content(self) -> dict[str, Any]:
        """What a checkpoint holds; its tensors are those that are trained, not copies."""
        return {
            "history": [asdict(epoch) for epoch in self.history],
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "best": self.best,
            "learned": self.learned.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "plateau": self.plateau.state_dict(),
        }

    def load(self, path: Path, fabric: LateFabric) -> None:
        """Goes back to the checkpoint at `path`, where the first process finds one there.

        It may be from another device and another kind of step.
        """
        content = None
        if fabric.is_global_zero and path.is_file():
            content = torch.load(path, map_location="cpu", weights_only=True)
        content = fabric.broadcast(content)
        if content is None:
            return
        self.learned.load_state_dict(content["learned"])
        self._load_optimiser(content["optimiser"])
        self.plateau.load_state_dict(content["plateau"])
        self.history = [Epoch(**epoch) for epoch in content["history"]]
        self.best_loss, self.best_epoch = content["best_loss"], content["best_epoch"]
        self.best = {name: t.to(fabric.device) for name, t in content["best"].items()}

    def _load_optimiser(self, saved: dict[str, Any]) -> None:
        rates = [float(group["lr"]) for group in saved["param_groups"]]
        for group, ours in zip(saved["param_groups"], self.optimiser.param_groups, strict=True):
            group.update({name: ours[name] for name in _DEVICE_BOUND})
        self.optimiser.load_state_dict(saved)
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            is_tensor = isinstance(group["lr"], Tensor)
            group["lr"] = group["lr"].clone().fill_(rate) if is_tensor else rate


class Writer:
    """Writes checkpoints to one path, whole or not at all; leaving the block awaits the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._last: Future[None] | None = None

    def write(self, content: dict[str, Any]) -> None:
        """Copies `content` and has it written; awaits the one before.

        Its tensors may change as soon as this returns. Raises `SpondylError` where the one before
        could not be written.
        """
        self.wait()
        copied, arrived = on_host(content)
        self._last = self._threads.submit(_save, self.path, copied, arrived)

    def wait(self) -> None:
        """Returns when nothing is being written; `SpondylError` where the last one failed."""
        last, self._last = self._last, None
        if last is None:
            return
        try:
            last.result()
        except (OSError, RuntimeError) as error:
            # PyTorch's own writer turns a full disk into a RuntimeError.
            said = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            raise SpondylError(
                f"{self.path}: the checkpoint cannot be written ({said})",
                "Make room on the disk or correct its rights, and run the study again.",
            ) from error

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, trace
        try:
            self.wait()
        except SpondylError as failed:
            if error is None:
                raise
            error.add_note(str(failed))  # what ended the training comes first
        finally:
            self._threads.shutdown()


def on_host(content: Any) -> tuple[Any, Callable[[], None]]:
    """A copy of nested dictionaries, lists and tensors in host memory, and what to call before it
    is read: copies from a GPU may still be under way.

    From a GPU they go to pinned memory in the order of its stream, so they hold the values of now.
    """
    on_gpu: list[Tensor] = []
    copied = _copied(content, on_gpu)
    if not on_gpu:
        return copied, lambda: None
    arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record(torch.cuda.current_stream(on_gpu[0].device))
    return copied, arrived.synchronize


def _copied(content: Any, on_gpu: list[Tensor]) -> Any:
    if isinstance(content, dict):
        return {key: _copied(value, on_gpu) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(_copied(value, on_gpu) for value in content)
    if not isinstance(content, Tensor):
        return content
    if content.device.type == "cpu":
        return content.detach().clone()
    on_gpu.append(content)
    there = torch.empty_like(content, device="cpu", pin_memory=True)
    return there.copy_(content.detach(), non_blocking=True)


def _save(path: Path, content: Any, arrived: Callable[[], None]) -> None:
    arrived()
    with replaced(path) as draft:
        torch.save(content, draft)
