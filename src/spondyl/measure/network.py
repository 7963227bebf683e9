"""The network that looks for a spine: a small U-Net that answers at every fourth pixel.

Each cell of its answer says whether it lies on the spine, whether a vertebra's middle is near,
which of T1 … L5 that vertebra is, and where its four corners are, so that many cells vote on every
corner and no peak has to be sharper than the film. A second answer names the view of the whole
film. Plain 3 × 3 convolutions, because a CPU runs them at its best; the price is a context of some
250 pixels, so a level is numbered by what is around it and made consistent afterwards (`chain`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spondyl.data.levels import VERTEBRAE
from spondyl.learn.spine_encoder import WIDTHS, Residual, SpineEncoder

STRIDE = 4
"""Network pixels, a side, to a cell of the answer."""
COARSEST = 32
"""Sides of the network grid must be multiples of this."""
CORNER_UNIT_PX = 16.0
"""Corner offsets are learned in this many network pixels."""
N_LEVELS = len(VERTEBRAE)
NamedView = Literal["frontal", "lateral", "other"]
VIEWS: tuple[NamedView, ...] = ("frontal", "lateral", "other")


class Answer(NamedTuple):
    """What the network says of n films, on its grid of (height / 4) × (width / 4) cells."""

    mask: Tensor
    """(n, h, w) logit: on the spine, T1 to L5 with the discs between them."""
    middle: Tensor
    """(n, h, w) logit: near the middle of one of these vertebrae."""
    levels: Tensor
    """(n, 17, h, w) logits: which vertebra."""
    corners: Tensor
    """(n, 4, 2, h, w) from the cell's middle to the corners of its vertebra, (row, column) in
    network pixels."""
    view: Tensor
    """(n, 3) logits of `VIEWS`."""


class SpineNetwork(SpineEncoder):
    """Films (n, 1, height, width) as `looking.placed` makes them → `Answer`."""

    def __init__(self) -> None:
        super().__init__()
        self.context = nn.Sequential(
            Residual(WIDTHS[-1], WIDTHS[-1], 1), Residual(WIDTHS[-1], WIDTHS[-1], 1)
        )
        self.up = nn.ModuleList(
            _Merge(coarse, fine) for coarse, fine in zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True)
        )
        self.fine = Residual(WIDTHS[0], 48, 1)
        self.place = nn.Conv2d(48, 2 + 8, 1)
        self.level = nn.Conv2d(WIDTHS[1], N_LEVELS, 1)
        self.view = nn.Linear(WIDTHS[-1], len(VIEWS))
        with torch.no_grad():  # few cells are on a spine, and fewer in its middles
            assert self.place.bias is not None
            self.place.bias[:2] = torch.tensor((-2.0, -4.0))

    def forward(self, films: Tensor) -> Answer:
        """The answer for normalised films, in float32 whatever precision the layers ran in."""
        x = self.stem(films)
        passed = []
        for stage in self.down:
            x = stage(x)
            passed.append(x)
        x = self.context(x)
        view = self.view(x.float().mean((2, 3)))
        levels = x
        for merge, finer in zip(self.up, passed[-2::-1], strict=True):
            levels, x = x, merge(x, finer)
        where = self.place(self.fine(x)).float()
        which = F.interpolate(
            self.level(levels).float(), where.shape[2:], mode="bilinear", align_corners=False
        )
        n, _, height, width = where.shape
        offsets = where[:, 2:].reshape(n, 4, 2, height, width) * CORNER_UNIT_PX
        return Answer(where[:, 0], where[:, 1], which, offsets, view)


class _Merge(nn.Module):
    """A coarse map doubled in size, joined with the finer one that it was made from."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(coarse, fine, 1)
        self.joined = Residual(fine, fine, 1)

    def forward(self, x: Tensor, finer: Tensor) -> Tensor:
        doubled = F.interpolate(self.narrow(x), finer.shape[2:], mode="nearest")
        joined: Tensor = self.joined(doubled + finer)
        return joined
