"""Several processes train one network as one would: each has its share of every batch, and layers
that look across a batch look across all of it.

Batch norm takes means and variances over all processes, and layers that draw (dropout, stochastic
depth) draw for the whole batch and use their share. So a result does not depend on how many
processes there were, but for rounding. PyTorch's own `SyncBatchNorm` runs on GPUs only and could
not be tested where there are none. The price: two sums across processes for each norm, forward
and backward, and masks of which most is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from spondyl.errors import SpondylError

_Forward = Callable[[nn.Module, Tensor], Tensor]


@dataclass(slots=True, eq=False)
class Share:
    """Which films of a batch are this process's: the `rank`th of `processes` nearly equal runs."""

    rank: int = 0
    processes: int = 1
    n_films: int = 0
    """Of the whole batch; to be set before each step."""

    @property
    def films(self) -> slice:
        """Of the whole batch."""
        begin, end = (self.n_films * rank // self.processes for rank in (self.rank, self.rank + 1))
        return slice(begin, end)


@contextmanager
def whole_batches(network: nn.Module, share: Share) -> Iterator[None]:
    """Within it, the layers of `network` see the whole batch of which they are given a share.

    Nothing is done for one process. Names of tensors stay as they are. Raises `SpondylError` for a
    batch norm of a kind that is not known here.
    """
    changed: list[nn.Module] = []
    try:
        if share.processes > 1:
            for name, layer in network.named_modules():
                seen = _seen_whole(name, layer)
                if seen is not None:
                    # An attribute of the instance stands before the method of its class.
                    layer.forward = partial(seen, layer, share)
                    changed.append(layer)
        yield
    finally:
        for layer in changed:
            del layer.forward


def sum_of_all(values: Tensor, share: Share) -> Tensor:
    """The sum of `values` over all processes, the same to the last bit in each."""
    if share.processes > 1:
        values = values.clone()
        torch.distributed.all_reduce(values)
    return values


def _seen_whole(name: str, layer: nn.Module) -> Callable[..., Tensor] | None:
    """What stands for the layer's own `forward`; None for layers that see each film alone."""
    if isinstance(layer, _drawing()):
        return _drawn
    if not isinstance(layer, _BatchNorm):
        return None
    if type(layer) not in (nn.BatchNorm1d, nn.BatchNorm2d):
        raise SpondylError(
            f"layer {name}: {type(layer).__name__} cannot be trained by several processes",
            "Train this network on one device.",
        )
    return _normed


def _drawing() -> tuple[type[nn.Module], ...]:
    """Layers that multiply what they are given by something drawn; libraries that have such are
    imported here, since one process alone needs none."""
    from timm.layers import DropPath
    from torchvision.ops import StochasticDepth

    return nn.Dropout, StochasticDepth, DropPath


def _drawn(layer: nn.Module, share: Share, given: Tensor) -> Tensor:
    """`layer` on this share of a batch, by factors that are drawn for all of it."""
    ordinary: _Forward = type(layer).forward
    if not layer.training:
        return ordinary(layer, given)
    ones = torch.ones((share.n_films, *given.shape[1:]), dtype=given.dtype, device=given.device)
    return given * ordinary(layer, ones)[share.films]


def _normed(layer: _BatchNorm, share: Share, given: Tensor) -> Tensor:
    """Batch norm (Ioffe and Szegedy 2015, algorithm 1) with moments of the whole batch."""
    if not layer.training:
        usual: Tensor = type(layer).forward(layer, given)
        return usual
    rest = [axis for axis in range(given.ndim) if axis != 1]
    shape = [1, -1, *[1] * (given.ndim - 2)]
    part = len(given) / share.n_films
    values = given.float()
    mean = _summed(values.mean(rest) * part)
    centred = values - mean.view(shape)
    variance = _summed(centred.square().mean(rest) * part)
    _remember(layer, mean.detach(), variance.detach(), share.n_films * given[0, 0].numel())
    scale = torch.rsqrt(variance + layer.eps)
    if layer.affine:
        scale = scale * layer.weight
    normed = centred * scale.view(shape)
    if layer.affine:
        normed = normed + layer.bias.view(shape)
    return normed.to(given.dtype)


class _SummedByAll(torch.autograd.Function):
    """The sum over all processes. A process's values are in everybody's sum, so their gradient is
    the sum of everybody's."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        """The sum, the same everywhere."""
        del ctx
        values = values.contiguous().clone()
        torch.distributed.all_reduce(values)
        return values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Of this process's values."""
        del ctx
        gradient = gradients[0].contiguous().clone()
        torch.distributed.all_reduce(gradient)
        return gradient


def _summed(values: Tensor) -> Tensor:
    total: Tensor = _SummedByAll.apply(values)
    return total


def _remember(layer: _BatchNorm, mean: Tensor, variance: Tensor, n: int) -> None:
    """The running moments; that of the variance is unbiased, as PyTorch's is."""
    if not layer.track_running_stats:
        return
    assert layer.running_mean is not None
    assert layer.running_var is not None
    assert layer.num_batches_tracked is not None
    assert layer.momentum is not None
    with torch.no_grad():
        layer.running_mean.lerp_(mean, layer.momentum)
        layer.running_var.lerp_(variance * n / (n - 1), layer.momentum)
        layer.num_batches_tracked.add_(1)
