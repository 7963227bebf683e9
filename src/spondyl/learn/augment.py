"""The paper's augmentation, drawn anew for every image in every epoch, in one warp on the device.

Flip, rotation, shift, zoom and shear are all affine, so they are multiplied into one matrix per
image and the film is sampled once: sampling three times, as a chain of library transforms would,
blurs it and costs three times as much. What moves in from outside is black, as air is on a film.
"""

from __future__ import annotations

import kornia.enhance
import kornia.geometry.transform
import torch
from torch import Tensor

from spondyl.learn.spec import StudySpec


def augmented(images: Tensor, spec: StudySpec, generator: torch.Generator) -> Tensor:
    """Images (n, c, h, w) float32 in [0, 1], each moved and shaded by its own draw, still in [0,
    1].

    `generator` is on the CPU, so one seed gives the same draws on every device.
    """
    size = images.shape[-2:]
    matrices = affine_matrices(len(images), (size[0], size[1]), spec, generator)
    moved = kornia.geometry.transform.warp_affine(
        images, matrices[:, :2].to(images.device), (size[0], size[1]), padding_mode="zeros"
    )
    brightness = _uniform(len(images), 1 - spec.brightness, 1 + spec.brightness, generator)
    contrast = _uniform(len(images), 1 - spec.contrast, 1 + spec.contrast, generator)
    shaded = kornia.enhance.adjust_brightness_accumulative(moved, brightness.to(images.device))
    return kornia.enhance.adjust_contrast_with_mean_subtraction(
        shaded, contrast.to(images.device)
    ).clamp(0, 1)


def affine_matrices(
    n: int, size: tuple[int, int], spec: StudySpec, generator: torch.Generator
) -> Tensor:
    """(n, 3, 3) float32 matrices from a film's pixels (x, y) to those of its augmented twin.

    In the order flip, rotation, shear, zoom, all about the centre of the image, then shift.
    """
    height, width = size
    flip = torch.where(torch.rand(n, generator=generator) < spec.flip, -1.0, 1.0)
    angle = torch.deg2rad(_uniform(n, -spec.rotate_degrees, spec.rotate_degrees, generator))
    shear = torch.deg2rad(_uniform(n, -spec.shear_degrees, spec.shear_degrees, generator))
    zoom = _uniform(n, spec.zoom[0], spec.zoom[1], generator)
    shift_x = _uniform(n, -spec.translate, spec.translate, generator) * width
    shift_y = _uniform(n, -spec.translate, spec.translate, generator) * height
    zero, one = torch.zeros(n), torch.ones(n)
    mirror = _stacked(flip, zero, zero, zero, one, zero)
    turn = _stacked(angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero)
    lean = _stacked(one, shear.tan(), zero, zero, one, zero)
    scale = _stacked(zoom, zero, shift_x, zero, zoom, shift_y)
    centre = torch.eye(3)
    centre[0, 2], centre[1, 2] = (width - 1) / 2, (height - 1) / 2
    return centre @ scale @ lean @ turn @ mirror @ torch.linalg.inv(centre)


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _stacked(*entries: Tensor) -> Tensor:
    rows = torch.stack(entries, dim=1).view(-1, 2, 3)
    last = torch.tensor([0.0, 0.0, 1.0]).expand(len(rows), 1, 3)
    return torch.cat([rows, last], dim=1)
