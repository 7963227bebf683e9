"""Heads whose gradient is written out, so that a heatmap needs no autograd where it is made.

Every kind of head has a vector-Jacobian product in ordinary operators. Pooling and one linear
layer: w_ck / (h·w) in every cell; with ConvNeXt's norm between the two, what of w_c the norm lets
through, shared out alike. VGG's and AlexNet's dense head, backwards: the last layer's row of the
label asked about; through each dense layer a product with its weights; through each ReLU the mask
of what was positive; through the averages their transposed matrices; through the last pooling the
cell that won. The mean over the map, all that Grad-CAM needs, asks for no position
(`mean_gradient`). The formulas that make a map of feature map and gradient are those of
`explain.cam`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from spondyl.errors import SpondylError
from spondyl.explain import cam
from spondyl.explain.explaining import Method
from spondyl.learn.heads import DenseHead, Head, NormedLinear, PooledLinear


class ClosedForm(nn.Module):
    """A head and its gradient: `forward` goes up, `mean_gradient` and `gradient` come down.

    What is met on the way up is handed back, for the way down: a graph holds each step once.
    """

    def forward(self, features: Tensor, pooled: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(logits (1, labels), what the way down needs) of a feature map (1, k, h, w) and its mean
        (1, k)."""
        raise NotImplementedError

    def mean_gradient(self, features: Tensor, met: list[Tensor], column: Tensor) -> Tensor:
        """(1, k): the mean of g over the map, g the gradient of the logit of `column` (1,)."""
        raise NotImplementedError

    def gradient(self, features: Tensor, met: list[Tensor], column: Tensor) -> Tensor:
        """g (1, k, h, w), or what broadcasts to it."""
        raise NotImplementedError

    def signed(self, method: Method, features: Tensor, met: list[Tensor], column: Tensor) -> Tensor:
        """(1, h, w): the method's map before its ReLU."""
        if method.from_mean:
            return cam.weighted_sum(self.mean_gradient(features, met, column), features)
        assert method.formula is not None
        return method.formula(features, self.gradient(features, met, column))


class PooledForm(ClosedForm):
    """Any head that begins with pooling: its gradient is the same in every cell."""

    def gradient(self, features: Tensor, met: list[Tensor], column: Tensor) -> Tensor:
        """The same in every cell."""
        return self.mean_gradient(features, met, column)[..., None, None].expand(features.shape)


class PooledLinearForm(PooledForm):
    """Pooling and one linear layer."""

    def __init__(self, head: PooledLinear) -> None:
        super().__init__()
        self.linear = head.linear

    def forward(self, features: Tensor, pooled: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Nothing is met on the way."""
        del features
        return self.linear(pooled), []

    def mean_gradient(self, features: Tensor, met: list[Tensor], column: Tensor) -> Tensor:
        """w_c / (h·w)."""
        del met
        height, width = features.shape[2:]
        return self.linear.weight.index_select(0, column) / (height * width)


class NormedLinearForm(PooledForm):
    """ConvNeXt's head: pooling, a norm over the channels, one linear layer."""

    def __init__(self, head: NormedLinear) -> None:
        super().__init__()
        self.norm = head.norm
        self.linear = head.linear

    def forward(self, features: Tensor, pooled: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What enters the norm is met."""
        del features
        return self.linear(self.norm(pooled)), [pooled]

    def mean_gradient(self, features: Tensor, met: list[Tensor], column: Tensor) -> Tensor:
        """With v = w_c ⊙ γ, x the pooled film less its mean over the channels, s its deviation and
        z = x / s: (v - mean v - z · mean(v ⊙ z)) / s, shared out among the cells (Ba et al.
        1607.06450, section 3, differentiated)."""
        height, width = features.shape[2:]
        (entered,) = met
        pulled = self.linear.weight.index_select(0, column) * self.norm.weight
        centred = entered - entered.mean(dim=1, keepdim=True)
        spread = (centred.square().mean(dim=1, keepdim=True) + self.norm.eps).sqrt()
        z = centred / spread
        left = pulled - pulled.mean(dim=1, keepdim=True) - z * (pulled * z).mean(1, keepdim=True)
        return left / spread / (height * width)


class DenseForm(ClosedForm):
    """VGG's and AlexNet's head; the feature map is of one size, known beforehand."""

    def __init__(self, head: DenseHead, map_size: tuple[int, int]) -> None:
        super().__init__()
        self.head = head
        layers = [layer for layer in head.classifier if not isinstance(layer, nn.Dropout)]
        self.layers = nn.ModuleList(layers)
        _refuse_unwritten(layers, head.pool)
        self.overlapping = head.pool.kernel_size != head.pool.stride
        cells = map_size[0] * map_size[1]
        n_inputs = head.first.in_features
        with torch.no_grad():
            pooled = head.pool(torch.zeros(1, 1, *map_size))
            self.pooled_size = tuple(pooled.shape[2:])
            self.grid = tuple(head.average(pooled).shape[2:])
            n_channels = n_inputs // (self.grid[0] * self.grid[1])
            weight = head.first.weight.detach()
            summed = weight.view(len(weight), n_channels, -1).sum(dim=2) / cells
        self.n_channels = n_channels
        self.summed: Tensor
        self.rows: Tensor
        self.columns: Tensor
        # Buffers, so that the graph holds what can be known beforehand instead of the work.
        self.register_buffer("summed", summed)
        for axis, name in enumerate(("rows", "columns")):
            self.register_buffer(name, _averages(head.average, self.pooled_size, axis))

    def forward(self, features: Tensor, pooled: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Each layer's input is met, the first one's too."""
        del pooled
        met = [self.head.reduced(features)]
        for layer in self.layers:
            met.append(functional.relu(met[-1]) if isinstance(layer, nn.ReLU) else layer(met[-1]))
        return met[-1], met

    def mean_gradient(self, features: Tensor, met: list[Tensor], column: Tensor) -> Tensor:
        """The pooling and the averages hand each value's gradient on whole, so its sum over the map
        is the sum over what enters the first layer."""
        del features
        return self._pulled(met, column) @ self.summed

    def gradient(self, features: Tensor, met: list[Tensor], column: Tensor) -> Tensor:
        """Back through averages and pooling to the map; of a tie one cell wins, the first. Where
        windows overlap, as AlexNet's do, a cell may win several times."""
        entering = self._pulled(met, column) @ self.head.first.weight
        averaged = entering.view(1, self.n_channels, *self.grid)
        spread = self.rows.T @ averaged @ self.columns
        pool = self.head.pool
        assert isinstance(pool, nn.MaxPool2d)
        _, winners = functional.max_pool2d(
            features, pool.kernel_size, pool.stride, return_indices=True
        )
        nothing = torch.zeros_like(features).flatten(2)
        put = nothing.scatter_add if self.overlapping else nothing.scatter
        scattered = put(2, winners.flatten(2), spread.flatten(2))
        return scattered.view(features.shape)

    def _pulled(self, met: list[Tensor], column: Tensor) -> Tensor:
        """(1, n) the gradient behind the first dense layer."""
        *between, last = list(self.layers)[1:]
        assert isinstance(last, nn.Linear)
        pulled = last.weight.index_select(0, column)
        # met[1] is what the first layer made, so met[i + 1] is what entered between[i].
        for layer, entered in reversed(list(zip(between, met[1:], strict=False))):
            if isinstance(layer, nn.Linear):
                pulled = pulled @ layer.weight
            else:
                pulled = pulled * (entered > 0).to(pulled.dtype)
        return pulled


def closed_form(head: Head, map_size: tuple[int, int], network: str) -> ClosedForm:
    """The closed form of `head` above a feature map of `map_size` (height, width).

    Raises `SpondylError` for a head that has none here.
    """
    if isinstance(head, PooledLinear):
        return PooledLinearForm(head)
    if isinstance(head, NormedLinear):
        return NormedLinearForm(head)
    if isinstance(head, DenseHead):
        return DenseForm(head, map_size)
    raise SpondylError(
        f"network {network}: the gradient of its head has no closed form here",
        "Pooling with one linear layer has one, ConvNeXt's norm between them or not, and the dense "
        "heads of VGG and AlexNet.",
    )


def _refuse_unwritten(layers: list[nn.Module], pool: nn.Module) -> None:
    """Raises `SpondylError` for a dense head of other layers than the gradient is written for."""
    known = all(isinstance(layer, nn.Linear | nn.ReLU) for layer in layers)
    ends = (
        len(layers) > 1 and isinstance(layers[0], nn.Linear) and isinstance(layers[-1], nn.Linear)
    )
    plain = (
        isinstance(pool, nn.MaxPool2d)
        and pool.padding == 0
        and pool.dilation == 1
        and not pool.ceil_mode
    )
    if not (known and ends and plain):
        raise SpondylError(
            "a dense head of other layers than VGG's: its gradient is not written out",
            "Use another network, or read with the torch engine.",
        )


def _averages(average: nn.Module, size: tuple[int, ...], axis: int) -> Tensor:
    """(averaged, entering) the weights by which `average` makes rows (axis 0) or columns (1) of a
    map of `size`; it treats the two apart, so each is found by ones along the other."""
    side = size[axis]
    probes = torch.eye(side)[:, None, :, None] if axis == 0 else torch.eye(side)[:, None, None, :]
    made: Tensor = average(probes.expand(side, 1, *size))
    return made[:, 0].select(2 - axis, 0).T.contiguous()
