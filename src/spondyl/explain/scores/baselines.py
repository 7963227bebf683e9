"""Maps that know nothing of the network's answer: what a heatmap has to beat to be worth a look.

Three are drawn without the network, on the grid of the layer and through the same scores: noise, a
blob in the middle, where spines are, and the edges of the film, which look like an explanation
without being one (Adebayo et al. 2018, 1810.03292). The fourth is the method itself on
the same network untrained. The price of scoring them all is some more forward passes; a score
without them says nothing.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spondyl.learn import networks
from spondyl.learn.networks import Network

BLOB_WIDTH = 0.25
"""Standard deviation of the centre blob as a share of each side of the grid."""


def random_maps(n: int, grid: tuple[int, int], seed: int) -> Tensor:
    """(n, h, w) float32, every cell drawn evenly from [0, 1); another map for each film."""
    return torch.rand(n, *grid, generator=torch.Generator().manual_seed(seed))


def centre_blob(grid: tuple[int, int]) -> Tensor:
    """(h, w) float32: a Gaussian, 1 at the centre of the film, `BLOB_WIDTH` wide on each side."""
    row, column = ((torch.arange(side) + 0.5) / side - 0.5 for side in grid)
    squared = row[:, None] ** 2 + column**2
    return torch.exp(-squared / (2 * BLOB_WIDTH**2))


def edge_maps(images: Tensor, grid: tuple[int, int]) -> Tensor:
    """(n, h, w) float32 ≥ 0: mean over each cell of the length of the film's gradient.

    `images` (n, channels, H, W), at least 2 × 2, normalised or not: a channel's scale only scales
    its part. Central differences, one-sided at the border, of the mean over the channels. The
    border of letterbox padding is an edge like any other.
    """
    down, across = torch.gradient(images.float().mean(dim=1), dim=(1, 2))
    return F.adaptive_avg_pool2d(torch.hypot(down, across), grid)


def untrained(network: Network, seed: int) -> Network:
    """A network of the same name and labels with the library's random initial weights, in eval mode
    and on the same device. Batch norms have seen nothing: they neither shift nor scale."""
    *_, last = (module for module in network.head.modules() if isinstance(module, nn.Linear))
    fresh = networks.build(network.name, last.out_features, seed)
    return fresh.to(next(network.parameters()).device).eval()
