"""The paper's augmentation, drawn anew for every image in every epoch, in one warp on the device.

Flip, rotation, shift, zoom and shear are all affine, so they are multiplied into one matrix per
image and the film is sampled once: sampling three times, as a chain of library transforms would,
blurs it and costs three times as much. What moves in from outside is black, as air is on a film.

All that an epoch draws is drawn at once, in host memory, so one seed gives the same twins on every
device and a step waits for nothing. The price: drawing and applying are two functions, and the
order of the draws is that of batches drawn one by one, which stored studies depend on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from spondyl.learn.spec import StudySpec

_GREY = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in luminance (ITU-R BT.601)."""
_N_MOVES = 6
"""Numbers that an affine map is drawn by."""


class Twins(NamedTuple):
    """How each of n films is moved and shaded."""

    maps: Tensor
    """(n, 2, 3) float32: from a cell (x, y) of the twin to a place on the film, both in -1 … 1."""
    brightness: Tensor
    """(n, 1, 1, 1) float32, a factor."""
    contrast: Tensor
    """(n, 1, 1, 1) float32, a factor about the film's mean grey."""


def draw(
    sizes: Sequence[int], size: tuple[int, int], spec: StudySpec, generator: torch.Generator
) -> Twins:
    """What is drawn for batches of `sizes` films of `size` (height, width), one after another."""
    numbers = torch.cat([_numbers(n, _N_MOVES + 2, generator) for n in sizes], dim=1)
    # In double precision: how a processor rounds sines depends on how many it is given at once.
    matrices = _matrices(numbers[:_N_MOVES].double(), size, spec)
    unit = _to_unit(size)
    maps = unit @ torch.linalg.inv(matrices) @ torch.linalg.inv(unit)
    bright, contrast = (
        _between(row, 1 - strength, 1 + strength).view(-1, 1, 1, 1)
        for row, strength in zip(numbers[_N_MOVES:], (spec.brightness, spec.contrast), strict=True)
    )
    return Twins(maps[:, :2].float().contiguous(), bright, contrast)


def apply(images: Tensor, twins: Twins) -> Tensor:
    """Images (n, c, h, w) in [0, 1], each moved and shaded as was drawn for it, float32 in [0, 1].

    On the device of both; the images are not changed. Brightness multiplies, contrast moves values
    away from the mean of the film's grey; both clip (as in Pillow and torchvision).
    """
    images = images.float()
    grid = F.affine_grid(twins.maps, list(images.shape), align_corners=True)
    moved = F.grid_sample(images, grid, padding_mode="zeros", align_corners=True)
    moved = moved.mul_(twins.brightness).clamp_(0, 1)
    level = _grey_level(moved) * (1 - twins.contrast)
    return moved.mul_(twins.contrast).add_(level).clamp_(0, 1)


def augmented(images: Tensor, spec: StudySpec, generator: torch.Generator) -> Tensor:
    """Images (n, c, h, w) in [0, 1], each moved and shaded by its own draw, still in [0, 1].

    `generator` is on the CPU, so one seed gives the same draws on every device.
    """
    size = (images.shape[-2], images.shape[-1])
    twins = draw([len(images)], size, spec, generator)
    return apply(images, Twins(*(drawn.to(images.device) for drawn in twins)))


def _numbers(n: int, kinds: int, generator: torch.Generator) -> Tensor:
    """(kinds, n) in [0, 1), kind by kind."""
    return torch.stack([torch.rand(n, generator=generator) for _ in range(kinds)])


def _matrices(numbers: Tensor, size: tuple[int, int], spec: StudySpec) -> Tensor:
    """(n, 3, 3) from a film's pixels (x, y) to those of its twin, by `numbers` (6, n) in [0, 1).

    In the order flip, rotation, shear, zoom, all about the centre of the image, then shift.
    """
    height, width = size
    flip = torch.where(numbers[0] < spec.flip, -1.0, 1.0).to(numbers)
    angle = torch.deg2rad(_between(numbers[1], -spec.rotate_degrees, spec.rotate_degrees))
    shear = torch.deg2rad(_between(numbers[2], -spec.shear_degrees, spec.shear_degrees))
    zoom = _between(numbers[3], spec.zoom[0], spec.zoom[1])
    shift_x = _between(numbers[4], -spec.translate, spec.translate) * width
    shift_y = _between(numbers[5], -spec.translate, spec.translate) * height
    zero, one = torch.zeros_like(flip), torch.ones_like(flip)
    mirror = _stacked(flip, zero, zero, zero, one, zero)
    turn = _stacked(angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero)
    lean = _stacked(one, shear.tan(), zero, zero, one, zero)
    scale = _stacked(zoom, zero, shift_x, zero, zoom, shift_y)
    centre = torch.eye(3).to(numbers)
    centre[0, 2], centre[1, 2] = (width - 1) / 2, (height - 1) / 2
    return centre @ scale @ lean @ turn @ mirror @ torch.linalg.inv(centre)


def _between(numbers: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * numbers


def _stacked(*entries: Tensor) -> Tensor:
    rows = torch.stack(entries, dim=1).view(-1, 2, 3)
    last = torch.tensor([0.0, 0.0, 1.0]).to(rows).expand(len(rows), 1, 3)
    return torch.cat([rows, last], dim=1)


def _to_unit(size: tuple[int, int]) -> Tensor:
    """(3, 3) float64: from pixels (x, y) to -1 … 1, middles of the outer pixels on the ends."""
    height, width = size
    return torch.tensor(
        [[2 / (width - 1), 0, -1], [0, 2 / (height - 1), -1], [0, 0, 1]], dtype=torch.float64
    )


def _grey_level(images: Tensor) -> Tensor:
    """(n, 1, 1, 1): the mean grey of each film."""
    means = images.mean(dim=(2, 3), keepdim=True)
    if images.shape[1] == 1:
        return means
    red, green, blue = means[:, :1], means[:, 1:2], means[:, 2:]
    return _GREY[0] * red + _GREY[1] * green + _GREY[2] * blue
