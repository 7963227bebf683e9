"""The encoder of the spine finder (`measure.network`), which a classifier can begin from.

It stands below the finder so that both are made of one definition, and its tensors are called as
in a finder's file. As a classifier's body it is preceded by `OwnGrey`, because the finder is shown
grey films whose own mean and spread were taken out. The price: a classifier made of it is small,
and knows where a spine is better than what a radiograph may hold.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (32, 64, 128, 192)
"""Channels at strides 4, 8, 16 and 32."""
_LEAST_SPREAD = 4.5e-3
"""Below which a film's spread counts as this: a thousandth of the grey scale over ImageNet's own
deviation, as the finder has it."""


class SpineEncoder(nn.Module):
    """What the spine finder begins with: `stem` to stride 4, then four stages, `down`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_convolution(1, 16, 2), _convolution(16, WIDTHS[0], 2))
        self.down = nn.ModuleList(
            nn.Sequential(Residual(before, width, 1 + (place > 0)), Residual(width, width, 1))
            for place, (before, width) in enumerate(zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False))
        )


class OwnGrey(nn.Module):
    """Normalised films (n, 3, h, w) → grey (n, 1, h, w) with mean 0 and deviation 1 each.

    Whatever mean and deviation the films were normalised by fall out here, if they are grey; of
    coloured films the channels count by them.
    """

    def forward(self, images: Tensor) -> Tensor:
        """The films as the finder is shown them."""
        grey = images.mean(dim=1, keepdim=True)
        centred = grey - grey.mean(dim=(2, 3), keepdim=True)
        spread = centred.square().mean(dim=(2, 3), keepdim=True).sqrt()
        return centred / spread.clamp_min(_LEAST_SPREAD)


class Residual(nn.Module):
    """x + two 3 × 3 convolutions of x (He et al. 2016), the first of them strided."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(before, after, stride)
        self.second = nn.Sequential(
            nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)
        )
        self.past = (
            nn.Identity()
            if before == after and stride == 1
            else nn.Sequential(
                nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
                nn.Conv2d(before, after, 1, bias=False),
                nn.BatchNorm2d(after),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, after, h / stride, w / stride)."""
        return F.relu(self.past(x) + self.second(self.first(x)), inplace=True)


def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )
