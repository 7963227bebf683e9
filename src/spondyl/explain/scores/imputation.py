"""Removed pixels filled from what is left of a film: ROAD's noisy linear imputation, in batches.

Rong et al. 2022 (ROAD, 2202.00449): every removed pixel is the weighted mean of its
eight neighbours, the direct ones 1/6 and the diagonal ones 1/12, renormalised at the border of the
film, plus a little noise; the pixels that stay are the boundary values of one sparse linear system
per film. A film so filled shows neither an edge nor a colour that would betray what was removed.

The authors factorise that system film by film. Here many are solved at once, on the device of the
images, by conjugate gradients preconditioned with a multigrid cycle; that takes some ten steps
whatever the holes look like. The price: the answer is not exact but within a stated tolerance,
every image pays for the slowest of those solved with it, and for a whole film even where little is
missing. Work stops when the next correction is below the tolerance, not when the residual is: in a
hole of half a film a residual of 1e-4 can go with an error as large as the film's range.

What costs is memory, not arithmetic: a fresh page costs as much as twenty passes over it. So on
a CPU only a few systems are solved at a time, and what a step computes is written where the last
one was.
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
COARSEST = 64
"""Pixels at most of a grid that is solved by its inverse, where the multigrid cycle turns round."""
SYSTEMS = 16
"""Channels of films that a CPU solves at a time: one vector register of them, and few enough that
some of their arrays stay in the caches. Other devices solve all at once."""
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
    """The unknowns on one grid of the multigrid cycle, and room to work in.

    Arrays (1, systems, h, w) lie channels last, so that each operation is a depthwise convolution
    or one pass over memory.
    """

    unknown: Tensor
    """(1, systems, h, w): 1 where a value is sought, 0 where it is known to be right."""
    missing: Tensor
    """(1, 1, h, w): what the weights of a pixel's neighbours inside the film lack to 1; 0 but at
    its border."""
    inverse: Tensor
    """(1, systems, h, w): 1 / the weights of the neighbours on the unknowns, 0 elsewhere."""
    solution: Tensor | None
    """(systems, pixels, pixels): the inverse of the matrix, if there are at most `COARSEST`."""
    spare: Tensor
    """(1, systems, h, w): what `_cycle` returns, until its next call."""
    neighbours: Tensor
    """(systems, 1, 3, 3): `_NEIGHBOURS` for each."""
    less_itself: Tensor
    """The same, −1 in the middle."""
    bilinear: Tensor
    """(systems, 1, 4, 4): what goes up to the next finer grid and down from it."""

    @classmethod
    def of(cls, unknown: Tensor) -> _Grid:
        systems, height, width = unknown.shape[1:]
        kernel = unknown.new_tensor(_NEIGHBOURS).repeat(systems, 1, 1, 1)
        line = unknown.new_tensor([1, 3, 3, 1]) / 4
        weights = _convolved(torch.ones_like(unknown[:, :1]), kernel[:1])
        small = height * width <= COARSEST
        return cls(
            unknown,
            1 - weights,
            unknown / weights,
            _inverted(unknown, weights, kernel[:1]) if small else None,
            torch.empty_like(unknown),
            kernel,
            kernel - F.pad(kernel.new_ones(1, 1, 1, 1), (1, 1, 1, 1)),
            (line[:, None] * line).repeat(systems, 1, 1, 1),
        )

    def around(self, x: Tensor) -> Tensor:
        """Σ of the eight neighbours of each pixel, weighted; nothing beyond the border."""
        return _convolved(x, self.neighbours)

    def lacking(self, x: Tensor) -> Tensor:
        """What each unknown lacks to the mean of its neighbours: minus the matrix times `x`."""
        found = _convolved(x, self.less_itself)
        for edge in _EDGES:  # where fewer neighbours pull, less has to be taken off
            found[edge].addcmul_(x[edge], self.missing[edge])
        return found.mul_(self.unknown)


def _solved(images: Tensor, removed: Tensor) -> Tensor:
    """`interpolated`, for channels that have nothing to do with each other: one system for each.

    Systems with as much to seek stand together, since they take about as many steps.
    """
    films = images.flatten(0, 1)
    unknown = removed[:, None].expand_as(images).flatten(0, 1)
    order = unknown.sum((1, 2)).argsort(stable=True)
    found = torch.empty_like(films)
    for part in torch.split(order, SYSTEMS if films.device.type == "cpu" else len(films)):
        found[part] = _solved_together(films[part], unknown[part])
    return found.reshape(images.shape)


def _solved_together(films: Tensor, unknown: Tensor) -> Tensor:
    """(systems, h, w) solved for the deviations from the mean of the kept pixels, whose digits
    float32 has to spare."""
    precision = 4 * torch.finfo(films.dtype).eps * films.abs().amax((1, 2), keepdim=True)
    tolerated = TOLERANCE * _range(films) + precision
    found = films[None].contiguous(memory_format=torch.channels_last)
    sought = torch.empty_like(found).copy_(unknown[None])
    kept = 1 - sought
    level = found.mul_(kept).sum((2, 3), keepdim=True) / kept.sum((2, 3), keepdim=True)
    grids = _grids(sought)
    _guess(grids, found.addcmul_(level, kept, value=-1), kept)
    return _conjugate_gradients(grids, found, tolerated[None]).add_(level)[0]


def _conjugate_gradients(grids: list[_Grid], found: Tensor, tolerated: Tensor) -> Tensor:
    """`found` with its unknowns solved for, preconditioned by `_cycle` (Saad 2003, algorithm 9.1).

    A system that is finished stands still until all are, so its answer is its own.
    """
    residual = grids[0].lacking(found)
    direction, room = torch.zeros_like(found), torch.empty_like(found)
    before = torch.ones_like(tolerated)
    for _ in range(MAX_STEPS):
        correction = _cycle(grids, residual)
        unfinished = ~(_largest(correction) <= tolerated)  # nan is unfinished
        if not bool(unfinished.any()):
            return found.add_(correction)
        now = _dot(residual, correction, room)
        ratio = torch.where(unfinished, now / before, 0)
        torch.addcmul(correction, direction, ratio, out=direction)
        change = grids[0].lacking(direction)
        length = torch.where(unfinished, -now / _dot(direction, change, room), 0)
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
    while grids[-1].solution is None:
        # A coarse cell is sought only where all of its pixels are: so no kept pixel is overlooked.
        unknown = F.max_pool2d(unknown.neg(), 2, ceil_mode=True).neg_()
        if not bool(unknown.any()):
            break
        grids.append(_Grid.of(unknown))
    return grids


def _guess(grids: list[_Grid], film: Tensor, kept: Tensor) -> Tensor:
    """`film`, which is 0 but for its `kept` pixels, with a first guess of the others in place: the
    answer of the next coarser grid, whose known cells are the means of their kept pixels (nested
    iteration, Trottenberg et al. 2001, section 2.6)."""
    if len(grids) > 1:
        share = F.avg_pool2d(kept, 2, ceil_mode=True)
        known = 1 - grids[1].unknown
        means = F.avg_pool2d(film, 2, ceil_mode=True).div_(share.clamp_(min=1e-6)).mul_(known)
        coarse = _guess(grids[1:], means, known)
        coarse.add_(_cycle(grids[1:], grids[1].lacking(coarse)))
        fine = F.interpolate(coarse, scale_factor=2.0, mode="bilinear")
        film.addcmul_(_cut(fine, film), grids[0].unknown)
    return film


def _cycle(grids: list[_Grid], right: Tensor) -> Tensor:
    """One V-cycle from zero (Trottenberg et al. 2001, section 2.4): an approximate solution, in the
    first grid's `spare`.

    A sweep sets every unknown to the weighted mean of its neighbours (Jacobi), which damps the
    upper half of the spectrum of these weights threefold. The cycle is symmetric and positive
    definite, as conjugate gradients need it: what goes down is the transpose of what comes up, and
    the sweep after is the sweep before.
    """
    grid = grids[0]
    if grid.solution is not None:
        return _times(grid.solution, right)
    x = torch.mul(right, grid.inverse, out=grid.spare)
    if len(grids) > 1:
        left = grid.around(x).mul_(grid.unknown)  # the residual of that first sweep
        coarse = _cycle(grids[1:], _down(left, grid.bilinear).mul_(grids[1].unknown))
        x.addcmul_(_up(coarse, grid.bilinear, x), grid.unknown)
    return torch.add(grid.around(x), right, out=x).mul_(grid.inverse)


_NEIGHBOURS = ((1 / 12, 1 / 6, 1 / 12), (1 / 6, 0, 1 / 6), (1 / 12, 1 / 6, 1 / 12))
_EDGES = (
    (..., slice(1), slice(None)),
    (..., slice(-1, None), slice(None)),
    (..., slice(1, -1), slice(1)),
    (..., slice(1, -1), slice(-1, None)),
)
"""The border of an array, each pixel once, if it has two rows and columns or more."""


def _convolved(x: Tensor, kernels: Tensor) -> Tensor:
    """Every channel under its kernel of 3 × 3; nothing beyond the border."""
    return F.conv2d(x, kernels, padding=1, groups=len(kernels))


def _up(coarse: Tensor, bilinear: Tensor, like: Tensor) -> Tensor:
    """Bilinear interpolation to the grid of `like`, twice as fine."""
    fine = F.conv_transpose2d(coarse, bilinear, stride=2, padding=1, groups=len(bilinear))
    return _cut(fine, like)


def _cut(fine: Tensor, like: Tensor) -> Tensor:
    return fine[..., : like.shape[2], : like.shape[3]]


def _down(fine: Tensor, bilinear: Tensor) -> Tensor:
    """The transpose of `_up`: residuals to the grid twice as coarse.

    Four pixels of a smooth residual add up, which is right, since the same weights on a grid twice
    as coarse stand for a quarter of the curvature.
    """
    odd = (fine.shape[2] % 2, fine.shape[3] % 2)
    if any(odd):  # padding by nothing would copy
        padded = F.pad(fine, (0, odd[1], 0, odd[0]))
        fine = padded.contiguous(memory_format=torch.channels_last)
    return F.conv2d(fine, bilinear, stride=2, padding=1, groups=len(bilinear))


def _inverted(unknown: Tensor, weights: Tensor, kernel: Tensor) -> Tensor:
    """(systems, pixels, pixels): the inverse of each system's matrix on its unknowns, the identity
    elsewhere. There is one: a film that keeps a pixel keeps a cell of every grid."""
    height, width = unknown.shape[2:]
    each = torch.eye(height * width, dtype=unknown.dtype, device=unknown.device)
    around = _convolved(each.view(-1, 1, height, width), kernel).flatten(1)
    sought = unknown.flatten(2)[0]
    pairs = sought[:, :, None] * sought[:, None]
    matrix = torch.diag(weights.flatten()) - around
    return torch.linalg.inv(matrix * pairs + torch.diag_embed(1 - sought))


def _times(matrices: Tensor, x: Tensor) -> Tensor:
    """(1, systems, h, w): each system's matrix times its pixels."""
    found = torch.bmm(matrices, x.flatten(2)[0].unsqueeze(2)).view(x.shape)
    return found.contiguous(memory_format=torch.channels_last)


def _largest(x: Tensor) -> Tensor:
    """(1, systems, 1, 1): the largest |value| of each; whole rows first, which is what
    vectorises."""
    rows = x.permute(0, 2, 3, 1).flatten(2)[0]
    largest = torch.maximum(rows.amax(0), rows.amin(0).neg_())
    return largest.view(-1, x.shape[1]).amax(0)[None, :, None, None]


def _dot(a: Tensor, b: Tensor, room: Tensor) -> Tensor:
    """(1, systems, 1, 1): Σ a · b of each, the products in `room`."""
    return torch.mul(a, b, out=room).sum((2, 3), keepdim=True)


def _range(images: Tensor) -> Tensor:
    """(…, 1, 1): the largest value of each channel less its smallest."""
    return images.amax((-2, -1), keepdim=True) - images.amin((-2, -1), keepdim=True)
