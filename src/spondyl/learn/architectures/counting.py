"""How much a network computes for one film."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@contextmanager
def counting() -> Iterator[Callable[[], int]]:
    """Counts multiply-adds within the block: half of what PyTorch calls floating-point operations.

    On the device "meta" shapes alone are followed, and nothing is computed.
    """
    counter = FlopCounterMode(display=False)
    with counter:
        yield lambda: int(counter.get_total_flops()) // 2


def multiply_adds(network: nn.Module, size: tuple[int, int], device: torch.device) -> int:
    """Multiply-adds of one image of `size` (height, width)."""
    with counting() as counted, torch.no_grad():
        network(torch.zeros(1, 3, *size, device=device))
    return counted()
