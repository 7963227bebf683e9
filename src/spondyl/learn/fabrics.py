"""The device that a network is put on, and Lightning's Fabric where something is trained on it.

Fabric precedes every mixed precision and every joining of processes, and importing it takes
seconds, since it brings PyTorch's compiler along, as torchvision does. Who trains nothing needs the
name of a device and nothing else, so a Fabric is made when it is first asked for more.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.learn.spec import Precision

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_Value = TypeVar("_Value")


def device_on(device: str) -> torch.device:
    """The device meant by "cpu", "cuda" or "auto" (the first GPU where there is one).

    `SpondylError` for any other name, and for "cuda" where there is no GPU.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise SpondylError(f"device {device!r}: not known", "One of auto, cpu, cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise SpondylError("device 'cuda': no GPU is to be had here", "Use --device cpu or auto.")
    there = device != "cpu" and torch.cuda.is_available()
    return torch.device("cuda", 0) if there else torch.device("cpu")


def fabric_on(
    device: str, precision: Precision = "32-true", devices: int = 1, nodes: int = 1
) -> LateFabric:
    """A Fabric on "cpu", "cuda" or "auto", in the given precision.

    With more than one device, `devices` on each of `nodes`, one network is trained by all of them
    together (DDP): Fabric starts this very command once more for each further device of this node;
    those of other nodes are started by torchrun or Slurm. Raises as `device_on` does, and for more
    devices than there are.
    """
    first = device_on(device)
    if first.type == "cuda" and devices > torch.cuda.device_count():
        raise SpondylError(
            f"{devices} devices: {torch.cuda.device_count()} GPUs are to be had here",
            "Ask for fewer with --devices.",
        )
    return LateFabric(first, precision, devices, nodes)


class LateFabric:
    """What is used here of Lightning's Fabric, which is made when it is first needed: at once for
    several processes, which have to be started, and for one as soon as it trains."""

    def __init__(self, first: torch.device, precision: Precision, devices: int, nodes: int) -> None:
        self._first = first
        self._precision = precision
        self._devices = devices
        self._nodes = nodes
        self._alone = devices * nodes == 1
        if not self._alone:
            _ = self.made

    @cached_property
    def made(self) -> Fabric:
        """Fabric itself, launched."""
        from lightning_fabric import Fabric

        fabric = Fabric(
            accelerator=self._first.type,
            devices=self._devices,
            num_nodes=self._nodes,
            precision=self._precision,
            strategy="auto" if self._alone else "ddp",
        )
        fabric.launch()
        return fabric

    @property
    def device(self) -> torch.device:
        """This process's."""
        return self._first if self._alone else self.made.device

    @property
    def world_size(self) -> int:
        """How many processes train one network."""
        return 1 if self._alone else self.made.world_size

    @property
    def global_rank(self) -> int:
        """Which of them this is, from 0."""
        return 0 if self._alone else self.made.global_rank

    @property
    def is_global_zero(self) -> bool:
        """Whether it is the first of them, the one that writes."""
        return self.global_rank == 0

    def broadcast(self, value: _Value) -> _Value:
        """The first process's `value`, in each of them."""
        return value if self._alone else self.made.broadcast(value)

    def barrier(self) -> None:
        """Waits until all processes are here."""
        if not self._alone:
            self.made.barrier()

    def setup(self, network: nn.Module, optimiser: torch.optim.Optimizer) -> Any:
        """Network and optimiser as they are trained in this precision by these processes."""
        return self.made.setup(network, optimiser)

    def autocast(self) -> Any:
        """Within it, forward passes run in this precision."""
        return self.made.autocast()

    def backward(self, loss: Tensor) -> None:
        """Gradients of `loss`, scaled where the precision needs it."""
        self.made.backward(loss)

    def clip_gradients(
        self, network: nn.Module, optimiser: torch.optim.Optimizer, max_norm: float
    ) -> None:
        """Their norm over all parameters, at most `max_norm`."""
        self.made.clip_gradients(network, optimiser, max_norm=max_norm)
