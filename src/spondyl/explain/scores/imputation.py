"""Removed pixels filled from what is left of a film: ROAD's noisy linear imputation, in batches.

Rong et al. 2022 (ROAD, 2202.00449): every removed pixel is the weighted mean of its
eight neighbours, the direct ones 1/6 and the diagonal ones 1/12, renormalised at the border of the
film, plus a little noise; the pixels that stay are the boundary values of one sparse linear system
per film. A film so filled shows neither an edge nor a colour that would betray what was removed.

The authors factorise that system film by film. Here the whole batch is solved at once, on the
device of the images, by conjugate gradients preconditioned with a multigrid cycle; that takes some
ten steps whatever the holes look like. The price: the answer is not exact but within a stated
tolerance, and every image pays for the slowest of its batch. Work stops when the next correction
is below the tolerance, not when the residual is: in a hole of half a film a residual of 1e-4 can
go with an error as large as the film's range.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from spondyl.errors import SpondylError

NOISE = 0.01
"""Standard deviation of the noise, in the units of the images."""
TOLERANCE = 1e-4
"""Largest correction of a pixel that may be left undone, as a share of its channel's range (or four
units of float32's precision, where a channel has hardly any range)."""
MAX_STEPS = 60
"""Steps after which a film that has not converged is refused; 16 are many."""
COARSEST = 2
"""Side of the grid on which the multigrid cycle turns round."""
GREY = 1e-5
"""Channels that agree to this share of their range, but for scale and offset, are one channel."""


def imputed(images: Tensor, removed: Tensor, seed: int = 0) -> Tensor:
    """Images (n, channels, h, w) float32 with the `removed` pixels (n, h, w) bool filled.

    The noise is one field (channels, h, w) drawn from `seed` and shared by all images, so what
    becomes of a film depends neither on its company nor on the device, and two maps of a film are
    compared under equal noise. Pixels that stay are bit for bit those of `images`. For the errors
    see `interpolated`.
    """
    draws = torch.Generator().manual_seed(seed)
    noise = NOISE * torch.randn(images.shape[1:], generator=draws).to(images.device)
    return torch.where(removed[:, None], interpolated(images, removed) + noise, images.float())


@torch.no_grad()
def interpolated(images: Tensor, removed: Tensor) -> Tensor:
    """The same without noise: the solution of ROAD's equations, within `TOLERANCE`.

    A grey film's channels differ only by the scale and offset of the normalisation, which the
    weighted means commute with, so one of them is solved for all three. Raises `SpondylError`
    where a film keeps no pixel, or where the equations cannot be solved because it holds values
    that are not finite.
    """
    if removed.flatten(1).all(dim=1).any():
        raise SpondylError(
            "a film of which every pixel is removed cannot be filled from what is left",
            "Remove less than the whole film.",
        )
    exact = images.float()
    grey = _as_one_channel(exact)
    if grey is None:
        return _solved(exact, removed)
    first, scale, offset = grey
    return torch.addcmul(offset, _solved(first, removed), scale)


def _as_one_channel(images: Tensor) -> tuple[Tensor, Tensor, Tensor] | None:
    """The first channel (n, 1, h, w), scales and offsets (n, channels, 1, 1) that make all channels
    of it; None where any image has colours."""
    flat = images.flatten(2)
    darkest, brightest = (
        flat.gather(2, at.expand(-1, flat.shape[1], 1)).unsqueeze(3)
        for at in (flat[:, :1].argmin(2, keepdim=True), flat[:, :1].argmax(2, keepdim=True))
    )
    span = brightest - darkest
    scale = torch.where(span[:, :1] > 0, span / span[:, :1], torch.ones_like(span))
    offset = darkest - scale * darkest[:, :1]
    first = images[:, :1]
    error = torch.addcmul(offset, first, scale).sub_(images).abs_()
    return (first, scale, offset) if bool((error <= GREY * _range(images)).all()) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """The unknowns on one grid of the multigrid cycle."""

    unknown: Tensor
    """(1, systems, h, w): 1 where a value is sought, 0 where it is known to be right."""
    diagonal: Tensor
    """(1, 1, h, w) the weights of a pixel's neighbours inside the film together: 1, less at its
    border."""
    inverse: Tensor
    """(1, systems, h, w): 1 / `diagonal` on the unknowns, 0 elsewhere."""

    @classmethod
    def of(cls, unknown: Tensor) -> _Grid:
        diagonal = _neighbours(torch.ones_like(unknown[:, :1]))
        return cls(unknown, diagonal, unknown / diagonal)

    def lacking(self, x: Tensor) -> Tensor:
        """What each unknown lacks to the mean of its neighbours: minus the matrix times `x`."""
        return _neighbours(x).addcmul_(x, self.diagonal, value=-1).mul_(self.unknown)

    def sweep(self, x: Tensor, right: Tensor) -> Tensor:
        """Every unknown set to the weighted mean of its neighbours (Jacobi): it damps the upper
        half of the spectrum of these weights threefold."""
        return _neighbours(x).add_(right).mul_(self.inverse)


def _solved(images: Tensor, removed: Tensor) -> Tensor:
    """`interpolated`, for channels that have nothing to do with each other: one system for each.

    Systems are laid out as channels of one image in channels-last order, so that each operation is
    a depthwise convolution or one pass over memory. They are solved for the deviations from the
    mean of the kept pixels, whose digits float32 has to spare.
    """
    n, channels, height, width = images.shape
    films = images.reshape(1, n * channels, height, width)
    films = films.contiguous(memory_format=torch.channels_last)
    unknown = removed[:, None].expand_as(images).reshape(films.shape).to(films)
    unknown = unknown.contiguous(memory_format=torch.channels_last)
    kept = 1 - unknown
    level = _dot(films, kept) / kept.sum((2, 3), keepdim=True)
    precision = 4 * torch.finfo(films.dtype).eps * _largest(films)
    tolerated = TOLERANCE * _range(films) + precision
    found = _conjugate_gradients(_grids(unknown), (films - level).mul_(kept), tolerated)
    return found.add_(level).reshape(images.shape).contiguous()


def _conjugate_gradients(grids: list[_Grid], found: Tensor, tolerated: Tensor) -> Tensor:
    """`found` with its unknowns solved for, preconditioned by `_cycle` (Saad 2003, algorithm 9.1).

    A system that is finished stands still until all are, so its answer is its own.
    """
    residual = grids[0].lacking(found)
    direction, before = torch.zeros_like(found), torch.ones_like(tolerated)
    for _ in range(MAX_STEPS):
        correction = _cycle(grids, residual)
        unfinished = ~(_largest(correction) <= tolerated)  # nan is unfinished
        if not bool(unfinished.any()):
            return found.add_(correction)
        now = _dot(residual, correction)
        direction = torch.addcmul(correction, direction, torch.where(unfinished, now / before, 0))
        change = grids[0].lacking(direction)
        length = torch.where(unfinished, -now / _dot(direction, change), 0)
        found.addcmul_(length, direction)
        residual.addcmul_(length, change)
        before = now
    raise SpondylError(
        f"removed pixels could not be filled to {TOLERANCE:g} of the range in {MAX_STEPS} steps",
        "Look for values in the films that are not finite.",
    )


def _grids(unknown: Tensor) -> list[_Grid]:
    """The grid of the film, and ever coarser ones while there is something to seek on them."""
    grids = [_Grid.of(unknown)]
    while min(unknown.shape[2:]) > COARSEST:
        # A coarse cell is sought only where all of its pixels are: so no kept pixel is overlooked.
        unknown = 1 - F.max_pool2d(1 - unknown, 2, ceil_mode=True)
        if not bool(unknown.any()):
            break
        grids.append(_Grid.of(unknown))
    return grids


def _cycle(grids: list[_Grid], right: Tensor) -> Tensor:
    """One V-cycle from zero (Trottenberg et al. 2001, section 2.4): an approximate solution.

    It is symmetric and positive definite, as conjugate gradients need it: what goes down is the
    transpose of what comes up, and the sweep after is the sweep before.
    """
    grid = grids[0]
    x = right * grid.inverse
    if len(grids) > 1:
        left = _neighbours(x).mul_(grid.unknown)  # the residual of that first sweep
        coarse = _cycle(grids[1:], _down(left).mul_(grids[1].unknown))
        x.addcmul_(_up(coarse, x), grid.unknown)
    return grid.sweep(x, right)


def _neighbours(x: Tensor) -> Tensor:
    """Σ of the eight neighbours of each pixel, weighted 1/6 and 1/12; nothing beyond the border."""
    kernel = x.new_tensor([[1, 2, 1], [2, 0, 2], [1, 2, 1]]) / 12
    return F.conv2d(x, kernel.expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])


def _up(coarse: Tensor, like: Tensor) -> Tensor:
    """Bilinear interpolation to the grid of `like`, twice as fine."""
    kernel = _bilinear(coarse)
    fine = F.conv_transpose2d(coarse, kernel, stride=2, padding=1, groups=coarse.shape[1])
    return fine[..., : like.shape[2], : like.shape[3]]


def _down(fine: Tensor) -> Tensor:
    """The transpose of `_up`: residuals to the grid twice as coarse.

    Four pixels of a smooth residual add up, which is right, since the same weights on a grid twice
    as coarse stand for a quarter of the curvature.
    """
    even = F.pad(fine, (0, fine.shape[3] % 2, 0, fine.shape[2] % 2))
    even = even.contiguous(memory_format=torch.channels_last)
    return F.conv2d(even, _bilinear(fine), stride=2, padding=1, groups=fine.shape[1])


def _bilinear(x: Tensor) -> Tensor:
    line = x.new_tensor([1, 3, 3, 1]) / 4
    return (line[:, None] * line).expand(x.shape[1], 1, 4, 4)


def _largest(x: Tensor) -> Tensor:
    """(1, systems, 1, 1): the largest |value| of each; tiles first, which is what vectorises."""
    tile = min(8, *x.shape[2:])
    return F.max_pool2d(x.abs(), tile, ceil_mode=True).amax((2, 3), keepdim=True)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((2, 3), keepdim=True)


def _range(images: Tensor) -> Tensor:
    """(…, 1, 1): the largest value of each channel less its smallest."""
    return images.amax((-2, -1), keepdim=True) - images.amin((-2, -1), keepdim=True)
