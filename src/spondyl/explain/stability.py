"""What ought not to change a heatmap: a few pixels to the side, a little more light, a mirror.

How alike two maps are is measured here, for this and for `sanity`, which asks what ought to change
them. Maps are compared on the grid they came on, a few dozen cells, because upsampling multiplies
the cells and not the evidence. The price: between unrelated maps of so few cells, rank correlations
of ±0.5 are nothing rare, and only means over many films say something. And a map that shows one
blob for every film is stable too, so what maps of different films have in common stands beside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from spondyl.errors import SpondylError
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing

Floats = NDArray[np.float64]

Explain = Callable[[Network, Tensor, Tensor], Tensor]
"""(network, normalised images (n, 3, H, W) float32, labels (n,) int64) → maps (n, h, w)."""

MEASURES = ("rank", "magnitude_rank", "ssim", "overlap")
"""The fields of `Similarity`, by name."""
TOP_SHARE = 0.2
"""Share of a map's cells whose place `overlap` compares."""
WINDOW = 3
"""Cells along each side of SSIM's window; Wang's 11 do not fit on a grid of 7."""
SHIFTS = ((0, 4), (0, -4), (4, 0), (-4, 0))
"""(rows, columns) in pixels of the network grid; down and to the right are positive."""


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """How alike maps are, film by film: four arrays of one shape, (n,) or (steps, n).

    1 is the same map; nan where a measure has no value, because a map says the same of every cell.
    """

    rank: Floats
    """Spearman's correlation of the values with their signs, -1 … 1; 0 by chance."""
    magnitude_rank: Floats
    """The same of absolute values: where a map is strong, for or against. It is high, and `rank` is
    not, for a map that always shows the same places with signs that mean nothing."""
    ssim: Floats
    """Structural similarity, -1 … 1."""
    overlap: Floats
    """Intersection over union of the hottest fifth of the cells, 0 … 1; see `overlap_by_chance`."""


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """How alike the maps of changed films are to those of the films as they are."""

    changes: tuple[str, ...]
    similarity: Similarity
    """(changes, n)."""


def between_films(network: Network, images: Tensor, labels: Tensor, explain: Explain) -> Similarity:
    """(n,): each film's map with the next film's, the last with the first's.

    What stability has to exceed. Raises `SpondylError` for a single film.
    """
    if len(images) < 2:
        raise SpondylError("one film has no other to compare with", "Give two films or more.")
    maps = mapped(explain, network, images, labels)
    return compare(maps, np.roll(maps, -1, axis=0))


def under_shifts(
    network: Network,
    images: Tensor,
    labels: Tensor,
    explain: Explain,
    shifts: Sequence[tuple[int, int]] = SHIFTS,
) -> Stability:
    """Maps of films moved by (rows, columns) pixels and moved back, with those of unmoved films.

    What moves in repeats the film's edge: air stays air and padding padding, where rolling would
    lay the feet beside the head. The moved map is interpolated bilinearly at the unmoved cells'
    centres; cells are left out where that would need a value beyond its outermost centres.
    """
    still = mapped(explain, network, images, labels)
    stride = images.shape[2] / still.shape[1], images.shape[3] / still.shape[2]
    similarities = []
    for shift in shifts:
        moved = mapped(explain, network, _moved(images, shift), labels)
        cells = shift[0] / stride[0], shift[1] / stride[1]
        similarities.append(compare(*_common(still, moved, cells)))
    return Stability(
        tuple(f"moved by ({rows:+d}, {columns:+d})" for rows, columns in shifts),
        stacked(similarities),
    )


def under_shading(
    network: Network,
    images: Tensor,
    labels: Tensor,
    explain: Explain,
    preprocessing: Preprocessing,
    by: float = 0.05,
) -> Stability:
    """Maps of films whose brightness or contrast is higher or lower by the share `by`.

    As the augmentation does it, on films in [0, 1], which `preprocessing` has normalised to
    `images`: brightness multiplies, contrast multiplies the distance to the film's mean grey, and
    what leaves [0, 1] is cut off, as no film goes beyond.
    """
    films = _in_film_units(images, preprocessing)
    centre = films.mean(dim=(1, 2, 3), keepdim=True)
    still = mapped(explain, network, images, labels)
    shaded = {
        f"{name} {factor - 1:+.0%}": (films - level) * factor + level
        for name, level in (("brightness", torch.zeros_like(centre)), ("contrast", centre))
        for factor in (1 - by, 1 + by)
    }
    similarities = [
        compare(still, mapped(explain, network, preprocessing.normalised(film.clamp(0, 1)), labels))
        for film in shaded.values()
    ]
    return Stability(tuple(shaded), stacked(similarities))


def under_flip(network: Network, images: Tensor, labels: Tensor, explain: Explain) -> Stability:
    """Maps of mirrored films, mirrored back.

    Convolutions with stride 2 on an even number of columns are not quite mirror images of
    themselves, so even a network of symmetric filters stays a little below 1.
    """
    still = mapped(explain, network, images, labels)
    mirrored = mapped(explain, network, images.flip(-1), labels)[:, :, ::-1]
    return Stability(("mirrored",), stacked([compare(still, mirrored)]))


def mapped(explain: Explain, network: Network, images: Tensor, labels: Tensor) -> Floats:
    """The maps (n, h, w) that `explain` gives, on the CPU; `SpondylError` if one is no number."""
    maps = np.asarray(explain(network, images, labels).detach().cpu().numpy(), dtype=np.float64)
    if not np.isfinite(maps).all():
        raise SpondylError(
            f"{network.name}: a heatmap holds values that are no finite numbers",
            "Explain in float32, and check the network's weights for nan.",
        )
    return maps


def compare(maps: Floats, others: Floats) -> Similarity:
    """(n,): similarity of `maps` with `others`, both (n, h, w), each with its own partner.

    Raises `SpondylError` for maps on different grids, and on grids too small for SSIM.
    """
    if maps.shape != others.shape or min(maps.shape[1:]) < WINDOW:
        grids = " and ".join(" × ".join(map(str, one.shape[1:])) for one in (maps, others))
        raise SpondylError(
            f"heatmaps on grids of {grids} cells cannot be compared",
            f"Explain layers of one grid, with at least {WINDOW} × {WINDOW} cells.",
        )
    return Similarity(
        rank=spearman(maps, others),
        magnitude_rank=spearman(np.abs(maps), np.abs(others)),
        ssim=ssim(maps, others),
        overlap=overlap(maps, others),
    )


def spearman(maps: Floats, others: Floats) -> Floats:
    """(n,): Pearson's correlation of the ranks of cells, equal values sharing their mean rank."""
    ranks = [stats.rankdata(one.reshape(len(one), -1), axis=1) for one in (maps, others)]
    first, second = (one - one.mean(axis=1, keepdims=True) for one in ranks)
    with np.errstate(invalid="ignore"):
        lengths = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
        return np.asarray((first * second).sum(axis=1) / lengths)


def ssim(maps: Floats, others: Floats) -> Floats:
    """(n,): mean structural similarity (Wang et al. 2004, 10.1109/TIP.2003.819861, eq. 13).

    Over all whole windows of 3 × 3 cells, evenly weighted, with K₁ = 0.01, K₂ = 0.03, L = 1. Each
    map becomes a grey picture first, ½ where it is 0, and its largest magnitude at 0 or 1: the
    logits of an unlearned network have another scale and would be unlike for that alone, and of
    values with signs the formula would call a map and its negative alike.
    """
    first, second = (_windows(_grey(one)) for one in (maps, others))
    means = first.mean(axis=-1), second.mean(axis=-1)
    spread = first.var(axis=-1) + second.var(axis=-1)
    shared = (first * second).mean(axis=-1) - means[0] * means[1]
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * means[0] * means[1] + c1) / (means[0] ** 2 + means[1] ** 2 + c1)
    return np.asarray((luminance * (2 * shared + c2) / (spread + c2)).mean(axis=(1, 2)))


def overlap(maps: Floats, others: Floats) -> Floats:
    """(n,): intersection over union of the hottest cells of each pair of maps.

    The hottest are a fifth of the cells, more where the last of them has equals, fewer where the
    rest is as cold as the coldest cell: what the ReLU has cut off is never called hot.
    """
    first, second = _hottest(maps), _hottest(others)
    both = (first & second).sum(axis=1)
    blank = ~first.any(axis=1) | ~second.any(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(blank, np.nan, both / (first | second).sum(axis=1))


def overlap_by_chance(n_cells: int) -> float:
    """Expected `overlap` of two maps that order their cells at random: 0.12 on 7 × 7 cells.

    E[i / (2k - i)], with i of k hottest cells shared: hypergeometric (`n_cells`, k, k).
    """
    k = _n_hottest(n_cells)
    shared = np.arange(k + 1)
    return float((stats.hypergeom.pmf(shared, n_cells, k, k) * shared / (2 * k - shared)).sum())


def stacked(similarities: Sequence[Similarity]) -> Similarity:
    """Similarities of equal shape laid on one another: (len(similarities), …)."""
    return Similarity(*(np.stack(_each(similarities, measure)) for measure in MEASURES))


def mean(similarities: Sequence[Similarity]) -> Similarity:
    """The mean, place by place, of those that have a value there; nan where none has."""
    return Similarity(*(_defined_mean(_each(similarities, measure)) for measure in MEASURES))


def _each(similarities: Sequence[Similarity], measure: str) -> list[Floats]:
    return [getattr(similarity, measure) for similarity in similarities]


def _defined_mean(arrays: Sequence[Floats]) -> Floats:
    values = np.stack(arrays)
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(defined, values, 0).sum(axis=0) / defined.sum(axis=0))


def _grey(maps: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray((1 + maps / np.abs(maps).max(axis=(1, 2), keepdims=True)) / 2)


def _windows(maps: Floats) -> Floats:
    """(n, h - 2, w - 2, 9): the cells of every window."""
    windows = sliding_window_view(maps, (WINDOW, WINDOW), axis=(1, 2))
    return windows.reshape(*windows.shape[:3], WINDOW * WINDOW)


def _n_hottest(n_cells: int) -> int:
    return max(1, round(TOP_SHARE * n_cells))


def _hottest(maps: Floats) -> NDArray[np.bool_]:
    cells = maps.reshape(len(maps), -1)
    last = np.sort(cells, axis=1)[:, -_n_hottest(cells.shape[1]), None]
    return np.asarray((cells >= last) & (cells > cells.min(axis=1, keepdims=True)))


def _moved(images: Tensor, shift: tuple[int, int]) -> Tensor:
    """Images whose pixel (row, column) shows what was at (row, column) - shift, or at the edge."""
    for axis, by in zip((2, 3), shift, strict=True):
        size = images.shape[axis]
        source = (torch.arange(size, device=images.device) - by).clamp(0, size - 1)
        images = images.index_select(axis, source)
    return images


def _common(still: Floats, moved: Floats, cells: tuple[float, float]) -> tuple[Floats, Floats]:
    """The cells of `still` that have a partner between the centres of `moved`, and the partners.

    `cells` is how far the film was moved, in (rows, columns) of the map.
    """
    for axis, by in zip((1, 2), cells, strict=True):
        n = still.shape[axis]
        there = np.arange(n) + by
        inside = (there >= 0) & (there <= n - 1)
        low = np.floor(there[inside]).astype(np.int64)
        share = np.expand_dims(there[inside] - low, (0, 3 - axis))
        above = moved.take(np.minimum(low + 1, n - 1), axis=axis)
        moved = (1 - share) * moved.take(low, axis=axis) + share * above
        still = still.compress(inside, axis=axis)
    return still, moved


def _in_film_units(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Normalised images as they were before, (n, 3, H, W) in [0, 1]."""
    mean_, std = (
        torch.tensor(values, device=images.device).view(1, 3, 1, 1)
        for values in (preprocessing.mean, preprocessing.std)
    )
    return images * std + mean_
