"""The strong view of a film: the study's own warp, then grey values bent far, then a hole.

FixMatch (Sohn et al. 2020, arXiv 2001.07685, section 2.3) takes two of fourteen changes of a
photograph at random, then Cutout (DeVries and Taylor 2017, arXiv 1708.04552). Of a radiograph only
those are taken that a tube or a developer might make: brightness, contrast and gamma, all of them
and far, and the hole. Where a film is moved to is drawn as for any training film of the study,
since a spine that is turned or sheared further is another spine. The price: it is not the paper's
RandAugment, and its strength is ours.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from spondyl.learn import augment
from spondyl.learn.augment import Twins
from spondyl.learn.spec import StudySpec

SHADING = 0.5
"""Brightness and contrast are multiplied by 1 ± this at most."""
GAMMA = 2.0
"""Grey values are raised to between 1 / this and this, as often below 1 as above."""
HOLE = 0.5
"""Longest side of the square hole, as a share of the film's shorter side (as FixMatch has it)."""
_FILL = 0.5


class Strong(NamedTuple):
    """How each of n films is moved, shaded and holed."""

    maps: Tensor
    """(n, 2, 3), and the two below, as in `Twins`."""
    brightness: Tensor
    contrast: Tensor
    gamma: Tensor
    """(n, 1, 1, 1) float32."""
    hole: Tensor
    """(n, 3) float32: row and column of its middle and half its side, in pixels. It may reach
    beyond the film, as in Cutout."""


def draw(n: int, size: tuple[int, int], spec: StudySpec, generator: torch.Generator) -> Strong:
    """What is drawn for `n` films of `size` (height, width); `generator` is in host memory."""
    far = spec.model_copy(update={"brightness": SHADING, "contrast": SHADING})
    twins = augment.draw([n], size, far, generator)
    numbers = torch.rand(n, 4, generator=generator)
    gamma = GAMMA ** (2 * numbers[:, 0] - 1)
    reach = torch.tensor([size[0], size[1], HOLE * min(size) / 2])
    return Strong(*twins, gamma.view(-1, 1, 1, 1), numbers[:, 1:] * reach)


def apply(images: Tensor, strong: Strong) -> Tensor:
    """Images (n, c, h, w) in [0, 1], each as was drawn for it, float32 in [0, 1]; on the device of
    both."""
    bent = augment.apply(images, Twins(*strong[:3])).pow_(strong.gamma)
    row, column, half = strong.hole.T.reshape(3, -1, 1, 1, 1)
    rows, columns = (torch.arange(side, device=images.device) + 0.5 for side in images.shape[-2:])
    hole = ((rows.view(-1, 1) - row).abs() < half) & ((columns - column).abs() < half)
    return bent.masked_fill_(hole, _FILL)
