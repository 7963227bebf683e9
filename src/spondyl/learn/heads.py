"""Heads: what turns a network's features into logits.

Features are a feature map (n, channels, h, w), or the tokens (n, 1 + h·w, channels) of a vision
transformer: class token first, then one token for each cell of a square grid, row by row. Where
explanations look there are two class tokens. What is said here of maps and tokens keeps that
difference out of all other files.
"""

from __future__ import annotations

from collections.abc import Mapping
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

    pools = False
    """Whether `reduced` is the mean over a feature map, so that a logit's gradient is the same in
    every cell: that of `classify`, shared out among the cells."""

    @property
    def given(self) -> Mapping[str, nn.Module]:
        """What of the head a library's file of weights may fill, by the library's name: all that
        does not depend on the labels."""
        return {}

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

    pools = True

    def __init__(self, n_channels: int, n_labels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.linear = nn.Linear(n_channels, n_labels)

    def reduced(self, features: Tensor) -> Tensor:
        """(n, channels): the mean over the image, or the class token."""
        return pooled(features)

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of (n, channels)."""
        logits: Tensor = self.linear(self.dropout(reduced))
        return logits


class NormedLinear(Head):
    """ConvNeXt's head: pooling, a norm over the channels, one linear layer.

    What is normed is one film's mean, so its logits are no weighted sum of the map's cells, and CAM
    is not defined; the gradient is still the same in every cell.
    """

    pools = True

    def __init__(self, n_channels: int, n_labels: int, eps: float, norm_name: str) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(n_channels, eps)
        self.linear = nn.Linear(n_channels, n_labels)
        self.norm_name = norm_name
        """What the library calls the norm."""

    @property
    def given(self) -> Mapping[str, nn.Module]:
        """The norm."""
        return {self.norm_name: self.norm}

    def reduced(self, features: Tensor) -> Tensor:
        """(n, channels): the mean over the image."""
        return pooled(features)

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of (n, channels)."""
        logits: Tensor = self.linear(self.norm(reduced))
        return logits


class DenseHead(Head):
    """VGG's and AlexNet's head: the last pooling, averages on a small grid (7 × 7, 6 × 6), two
    dense layers with dropout behind (VGG) or before them (AlexNet), a last one."""

    def __init__(self, pool: nn.Module, average: nn.Module, classifier: nn.Sequential) -> None:
        super().__init__()
        self.pool = pool
        self.average = average
        self.classifier = classifier

    @property
    def first(self) -> nn.Linear:
        """The first dense layer, of 49 × channels inputs in VGG. In eval mode nothing that is
        before it changes what `reduced` returned."""
        layer = self.classifier[self._first]
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def rest(self) -> nn.Sequential:
        """What comes after it."""
        return self.classifier[self._first + 1 :]

    @property
    def _first(self) -> int:
        """Its place: behind dropout alone, if anything."""
        for place, layer in enumerate(self.classifier):
            if not isinstance(layer, nn.Dropout):
                return place
        raise AssertionError("a dense head has a dense layer")

    @property
    def given(self) -> Mapping[str, nn.Module]:
        """All dense layers but the last."""
        *layers, _ = (
            (f"classifier.{place}", layer)
            for place, layer in enumerate(self.classifier)
            if isinstance(layer, nn.Linear)
        )
        return dict(layers)

    def reduced(self, features: Tensor) -> Tensor:
        """(n, cells × channels): pooled, averaged to the small grid, laid out in a row."""
        flat: Tensor = self.average(self.pool(features)).flatten(1)
        return flat

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of (n, cells × channels)."""
        logits: Tensor = self.classifier(reduced)
        return logits
