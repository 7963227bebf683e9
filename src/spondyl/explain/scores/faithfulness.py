"""Whether the network's answer hangs on the pixels that a heatmap calls important.

Pixels are taken from a film, or given to it, in the order of the heat, and the network is asked
again. A method is a name and its maps; the films of all methods share full batches. Maps lie on the
layer's grid and are upsampled bilinearly, in float64 and rounded, so that an even region stays
even; pixels of equal heat follow one shuffled order, so that a map that is the same everywhere
scores like a random one and not like its upper left corner.

The price of every score here: films with holes are like nothing the network was trained on, and
part of what is measured is its dismay. ROAD's filling (`imputation`) keeps that part small. What is
left is the same for maps that know nothing (`baselines`), so no score should be read without
theirs.

Every score is per film. The network runs in eval mode, in float32 and without gradients, and is
left as it was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import kornia.filters
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from spondyl.errors import SpondylError
from spondyl.explain.feature_map import evaluating
from spondyl.explain.scores.imputation import imputed
from spondyl.learn.networks import Network

Maps = Mapping[str, Tensor]
"""Name of a method → its maps (n, h, w) for the same films and labels; grids may differ."""

STEPS = 20
"""Steps from the first film of a deletion or insertion to its last."""
ROAD_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BLUR = 5 / 224
"""Standard deviation of insertion's blur as a share of the longer side: RISE's 5 pixels of 224."""
BATCH = 64
SEED = 0
"""Of the order of equal pixels and of ROAD's noise."""

_Altered = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Rows of films (b,), ranks of their pixels (b, H, W), steps (b, 1, 1) → films (b, 3, H, W)."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Probability of the label of each film while a growing share of its pixels is changed."""

    shares: NDArray[np.float64]
    """(steps,) rising, in [0, 1]."""
    probabilities: NDArray[np.float64]
    """(n, steps)."""

    @property
    def area(self) -> NDArray[np.float64]:
        """(n,) mean height of each curve by the trapezoid rule, in [0, 1]."""
        width = self.shares[-1] - self.shares[0]
        return np.asarray(np.trapezoid(self.probabilities, self.shares, axis=1) / width)


@dataclass(frozen=True, slots=True, eq=False)
class Road:
    """ROAD's two curves: what is removed first is what the map calls most, or least, relevant."""

    most_relevant_first: Curve
    """Lower is better."""
    least_relevant_first: Curve
    """Higher is better."""

    @property
    def gap(self) -> NDArray[np.float64]:
        """(n,) area of the second less that of the first: in [−1, 1], higher is better, 0 expected
        of a map that knows nothing."""
        return self.least_relevant_first.area - self.most_relevant_first.area


@dataclass(frozen=True, slots=True, eq=False)
class Confidence:
    """Probability of the label of each film, whole and seen through its heatmap; both (n,)."""

    whole: NDArray[np.float64]
    masked: NDArray[np.float64]
    """nan where the map is the same everywhere and has no minimum-to-maximum range."""

    @property
    def drop(self) -> NDArray[np.float64]:
        """(n,) (whole − masked)+ / whole, in [0, 1]; its mean is the average drop. Lower is better.
        nan where `masked` is."""
        return np.clip(self.whole - self.masked, 0, None) / self.whole

    @property
    def increased(self) -> NDArray[np.float64]:
        """(n,) 1 where the network is surer of the masked film; its mean is the increase in
        confidence. Higher is better. nan where `masked` is."""
        return np.where(np.isnan(self.masked), np.nan, self.masked > self.whole)


def deletion(
    network: Network,
    images: Tensor,
    labels: Tensor,
    maps: Maps,
    steps: int = STEPS,
    batch: int = BATCH,
    seed: int = SEED,
) -> dict[str, Curve]:
    """For each method the curve from the film to nothing, hottest pixels first; lower is better.

    RISE (Petsiuk et al. 2018, 1806.07421), with fewer steps. `images` (n, 3, H, W)
    normalised, on the network's device, `labels` (n,) int64. Removed pixels are zero, which is the
    mean colour of the normalisation. Raises `SpondylError` for maps that are not finite.
    """
    return _turned(network, images, torch.zeros_like(images), labels, maps, steps, batch, seed)


def insertion(
    network: Network,
    images: Tensor,
    labels: Tensor,
    maps: Maps,
    steps: int = STEPS,
    batch: int = BATCH,
    seed: int = SEED,
) -> dict[str, Curve]:
    """For each method the curve from a blurred film to the film, hottest pixels first; higher is
    better. RISE as in `deletion`; the blur is a Gaussian of `BLUR`, cut at three deviations."""
    sigma = BLUR * max(images.shape[2:])
    side = 2 * min(round(3 * sigma), min(images.shape[2:]) - 1) + 1
    blurred = kornia.filters.gaussian_blur2d(images.float(), (side, side), (sigma, sigma))
    return _turned(network, blurred, images, labels, maps, steps, batch, seed)


def road(
    network: Network,
    images: Tensor,
    labels: Tensor,
    maps: Maps,
    shares: Sequence[float] = ROAD_SHARES,
    batch: int = BATCH,
    seed: int = SEED,
) -> dict[str, Road]:
    """For each method both curves of ROAD (Rong et al. 2022, 2202.00449), arguments as `deletion`.

    At each of the rising `shares`, strictly between 0 and 1, so many pixels are removed, of the
    hottest or of the coldest, and filled by noisy linear imputation.
    """
    if len(shares) < 2 or not all(0 < a < b < 1 for a, b in pairwise(shares)):
        raise ValueError(f"shares {shares}: need two or more, rising, between 0 and 1")
    n_pixels = images.shape[2] * images.shape[3]
    removed = [round(share * n_pixels) for share in shares]
    counts = torch.tensor(removed, device=images.device)

    def altered(rows: Tensor, order: Tensor, steps: Tensor) -> Tensor:
        count = counts[steps % len(counts)]
        hottest, coldest = order < count, order >= n_pixels - count
        return imputed(images[rows], torch.where(steps < len(counts), hottest, coldest), seed)

    asked = _asked(network, images, labels, maps, altered, 2 * len(shares), batch, seed)
    at = np.array(removed) / n_pixels
    return {
        name: Road(Curve(at, found[:, : len(at)]), Curve(at, found[:, len(at) :]))
        for name, found in asked.items()
    }


def confidence(
    network: Network, images: Tensor, labels: Tensor, maps: Maps, batch: int = BATCH
) -> dict[str, Confidence]:
    """For each method the confidence in films seen through its maps, arguments as `deletion`.

    Grad-CAM++ (Chattopadhay et al. 2018, 1710.11063, section 4): the film times the map, which is
    scaled from its minimum to its maximum; here the normalised film, so what is hidden is of the
    mean colour.
    """
    whole = _answers(network, images, labels, batch)
    found = {}
    for name, heat in maps.items():
        fine = _upsampled(name, heat, images)
        low, high = fine.amin((1, 2), keepdim=True), fine.amax((1, 2), keepdim=True)
        seen = images * ((fine - low) / (high - low)).nan_to_num(0).unsqueeze(1)
        masked = _answers(network, seen, labels, batch)
        masked[(high == low).flatten().cpu().numpy()] = np.nan
        found[name] = Confidence(whole, masked)
    return found


def ranks(heat: Tensor, seed: int) -> Tensor:
    """(n, H, W) int64 rank of each pixel of `heat` (n, H, W): 0 for the hottest.

    Equal pixels are ranked by one permutation drawn from `seed`, the same for all maps.
    """
    flat = heat.flatten(1)
    shuffled = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(seed))
    shuffled = shuffled.to(heat.device)
    order = shuffled[flat[:, shuffled].argsort(dim=1, descending=True, stable=True)]
    places = torch.arange(flat.shape[1], device=heat.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places).reshape(heat.shape)


def _turned(
    network: Network,
    first: Tensor,
    last: Tensor,
    labels: Tensor,
    maps: Maps,
    steps: int,
    batch: int,
    seed: int,
) -> dict[str, Curve]:
    """Curves of films that turn from `first` into `last` in the order of the heat; the two ends are
    the same for all methods and are asked once."""
    n_pixels = first.shape[2] * first.shape[3]
    turned = [round(step * n_pixels / steps) for step in range(steps + 1)]
    counts = torch.tensor(turned[1:-1], device=first.device)

    def altered(rows: Tensor, order: Tensor, steps: Tensor) -> Tensor:
        return torch.where((order < counts[steps])[:, None], last[rows], first[rows])

    asked = _asked(network, first, labels, maps, altered, steps - 1, batch, seed)
    ends = [_answers(network, films, labels, batch)[:, None] for films in (first, last)]
    shares = np.array(turned) / n_pixels
    return {
        name: Curve(shares, np.concatenate([ends[0], found, ends[1]], axis=1))
        for name, found in asked.items()
    }


@torch.inference_mode()
def _asked(
    network: Network,
    images: Tensor,
    labels: Tensor,
    maps: Maps,
    altered: _Altered,
    steps: int,
    batch: int,
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """For each method (n, steps) probabilities of the labels of altered films.

    The questions of all methods, films and steps stand in one line, which is cut into batches.
    """
    n = len(images)
    heats = torch.cat([_upsampled(name, heat, images) for name, heat in maps.items()])
    found = np.empty(len(heats) * steps)
    for start in range(0, len(found), batch):
        stop = min(start + batch, len(found))
        questions = torch.arange(start, stop, device=images.device)
        of_map, step = questions // steps, questions % steps
        first = start // steps
        order = ranks(heats[first : (stop - 1) // steps + 1], seed)[of_map - first]
        films = altered(of_map % n, order, step[:, None, None])
        found[start:stop] = _probabilities(network, films, labels[of_map % n])
    return dict(zip(maps, found.reshape(len(maps), n, steps), strict=True))


def _answers(network: Network, images: Tensor, labels: Tensor, batch: int) -> NDArray[np.float64]:
    """(n,) probability of each film's label, in batches."""
    parts = zip(torch.split(images, batch), torch.split(labels, batch), strict=True)
    return np.concatenate([_probabilities(network, films, asked) for films, asked in parts])


@torch.inference_mode()
def _probabilities(network: Network, images: Tensor, labels: Tensor) -> NDArray[np.float64]:
    with evaluating(network), torch.autocast(images.device.type, enabled=False):
        answers = network(images.float()).softmax(dim=1)
    return answers.gather(1, labels[:, None])[:, 0].double().cpu().numpy()


def _upsampled(name: str, heat: Tensor, images: Tensor) -> Tensor:
    """(n, H, W) float32 on the grid of `images`, equal where the map is."""
    if heat.dim() != 3 or len(heat) != len(images):
        raise ValueError(f"{name}: maps {tuple(heat.shape)} for {len(images)} films")
    if not bool(heat.isfinite().all()):
        raise SpondylError(
            f"{name}: the maps hold values that are not finite",
            "Explain in full precision, and look for such values in the weights.",
        )
    exact = heat.to(images.device).double().unsqueeze(1)
    fine = F.interpolate(exact, images.shape[2:], mode="bilinear", align_corners=False)
    return fine.squeeze(1).float()
