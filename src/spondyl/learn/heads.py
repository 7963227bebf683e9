"""Heads: what turns a network's features into logits.

Features are a feature map (n, channels, h, w), or the tokens (n, 1 + h·w, channels) of a vision
transformer: class token first, then one token for each cell of a square grid, row by row. Where
explanations look there are two class tokens. What is said here of maps and tokens keeps that
difference out of all other files.
"""

from __future__ import annotations

from math import isqrt

import torch
from torch import Tensor, nn


def pooled(features: Tensor) -> Tensor:
    """(n, channels): a feature map's mean over the image, or the class token."""
    return features[:, 0] if features.ndim == 3 else features.mean(dim=(2, 3))


def on_grid(features: Tensor) -> Tensor:
    """(n, channels, h, w): what of the features lies on the image; class tokens do not."""
    if features.ndim == 4:
        return features
    side = isqrt(features.shape[1] - 1)
    cells = features[:, -(side**2) :].transpose(1, 2)
    return cells.reshape(*cells.shape[:2], side, side)


def weighted(features: Tensor, mask: Tensor) -> Tensor:
    """Features with each cell multiplied by a mask (n, 1, h, w); class tokens stay."""
    if features.ndim == 4:
        return features * mask
    flat = mask.flatten(2).transpose(1, 2)
    n_class = features.shape[1] - flat.shape[1]
    return torch.cat([features[:, :n_class], features[:, n_class:] * flat], dim=1)


class Head(nn.Module):
    """Features → logits in two steps: `reduced`, without parameters, then `classify`."""

    def reduced(self, features: Tensor) -> Tensor:
        """(n, inputs of `classify`)."""
        raise NotImplementedError

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of what `reduced` returned."""
        raise NotImplementedError

    def forward(self, features: Tensor) -> Tensor:
        """Logits (n, labels)."""
        return self.classify(self.reduced(features))


class PooledLinear(Head):
    """A head that pools the features and maps them linearly to logits."""

    def __init__(self, n_channels: int, n_labels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_channels, n_labels)

    def reduced(self, features: Tensor) -> Tensor:
        """(n, channels): the mean over the image, or the class token."""
        return pooled(features)

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of (n, channels)."""
        logits: Tensor = self.linear(reduced)
        return logits


class DenseHead(Head):
    """VGG's head: the last pooling, 7 × 7 averages, two dense layers with dropout, a last one."""

    def __init__(self, pool: nn.Module, average: nn.Module, classifier: nn.Sequential) -> None:
        super().__init__()
        self.pool = pool
        self.average = average
        self.classifier = classifier

    @property
    def first(self) -> nn.Linear:
        """The first dense layer, of 49 × channels inputs."""
        layer = self.classifier[0]
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def rest(self) -> nn.Sequential:
        """What comes after it."""
        return self.classifier[1:]

    def reduced(self, features: Tensor) -> Tensor:
        """(n, 49 × channels): pooled, averaged to 7 × 7, laid out in a row."""
        flat: Tensor = self.average(self.pool(features)).flatten(1)
        return flat

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of (n, 49 × channels)."""
        logits: Tensor = self.classifier(reduced)
        return logits
