"""Films that a finder learns from: read from a landmark set, drawn as phantoms, or without a spine.

An example keeps a whole film at a working height and all corners that are known; which part of it
is shown is decided anew each time it is drawn (`warping`). Pictures without a spine are made of
what is there: a film laid on its side, the part of it beside the spine, and plain shapes. Real
films of other body parts would be better, and a landmark set has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.levels import VERTEBRAE, Floats
from spondyl.data.phantom import anatomy as spines
from spondyl.data.phantom.anatomy import Anatomy, Curvature
from spondyl.data.phantom.drawing import draw
from spondyl.data.phantom.filming import DrawnView
from spondyl.measure.network import NamedView
from spondyl.progress import Track, silently

WORKING_HEIGHT = 1024
"""Films are kept at most so high, pixels."""
DRAWN_HEIGHT = 768
STEEPEST_DEGREES = 85.0
"""The largest curve that is drawn for learning."""
MOST_GRAIN = 0.6
"""Largest share of other grain in a drawn film."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A film, what it shows, and where."""

    film: NDArray[np.uint8]
    """(height, width), bright = dense."""
    view: NamedView
    corners: Floats
    """(k, 4, 2) of its vertebrae from the top, (row, column) in pixels of `film`; (0, 4, 2) where
    none are to be found."""
    levels: NDArray[np.int64]
    """(k,) which of T1 … L5, 0 … 16."""
    drawn: bool = False
    """Whether it is a phantom."""


def none_there() -> tuple[Floats, NDArray[np.int64]]:
    """Corners and levels of a film on which no vertebra is to be found."""
    return np.zeros((0, 4, 2)), np.zeros(0, np.int64)


def drawn(n: int, seed: int, lateral_share: float, track: Track = silently) -> list[Example]:
    """`n` phantoms, the first ones of any longer list with the same seed; a `lateral_share` of them
    is seen from the side, and has no vertebrae to be found."""
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda index: _drawn(seed, index, lateral_share), range(n))
        return list(track(made, "drawing films to learn from", n))


def _drawn(seed: int, index: int, lateral_share: float) -> Example:
    rng = np.random.default_rng((seed, index, 4711))
    view: DrawnView = "lateral" if rng.random() < lateral_share else "frontal"
    label = str(rng.choice(("normal", "scoliosis", "scoliosis", "spondylolisthesis")))
    size = (DRAWN_HEIGHT, round(DRAWN_HEIGHT * float(rng.uniform(0.3, 0.62))))
    spine = _curved(rng) if label == "scoliosis" else None
    field: spines.Field = "whole" if view == "frontal" or rng.random() < 0.3 else "lumbar"
    phantom = draw(seed, label, view, size, index=index, field=field, spine=spine)
    film = np.asarray(phantom.image if phantom.image.ndim == 2 else phantom.image[..., 0])
    if view == "lateral":
        return Example(film, "lateral", *none_there(), drawn=True)
    assert phantom.regions.landmarks is not None
    return Example(
        film,
        "frontal",
        phantom.regions.landmarks.reshape(-1, 4, 2).astype(np.float64),
        np.array([VERTEBRAE.index(name) for name in phantom.truth.vertebrae], np.int64),
        drawn=True,
    )


def _curved(rng: np.random.Generator) -> Anatomy:
    """A scoliosis with ends anywhere and up to three curves, as steep as they come to a clinic."""
    n_curves = int(rng.choice((1, 2, 3), p=(0.35, 0.45, 0.2)))
    first = int(rng.integers(0, 17 - 4 * n_curves))
    spans = rng.multinomial(16 - 4 * n_curves - first, np.ones(n_curves + 1) / (n_curves + 1))
    ends = first + np.concatenate(([0], np.cumsum(spans[:n_curves] + 4)))
    steepest = float(np.exp(rng.uniform(np.log(12), np.log(STEEPEST_DEGREES))))
    cobb = steepest * rng.uniform(0.35, 1.0, n_curves)
    cobb[rng.integers(n_curves)] = steepest
    base = spines.drawn(rng, "normal")
    return Anatomy(
        curvature=Curvature(
            tuple(VERTEBRAE[int(end)] for end in ends),
            tuple(cobb.tolist()),
            "right" if rng.random() < 0.6 else "left",
        ),
        scale=base.scale,
        kyphosis_degrees=base.kyphosis_degrees,
        lordosis_degrees=base.lordosis_degrees,
        balance_degrees=base.balance_degrees,
        unevenness_degrees=np.clip(rng.normal(0, 0.8, len(spines.LEVELS)), -2, 2),
    )


def without_spine(examples: Sequence[Example], rng: np.random.Generator) -> Example:
    """A picture of the view "other", made from one of `examples` or of nothing."""
    kind = rng.random()
    some = examples[int(rng.integers(len(examples)))]
    if kind < 0.35:
        film = np.rot90(some.film, int(rng.choice((1, 3))))
    elif kind < 0.75 and len(some.corners):
        film = _beside(some, rng)
    else:
        film = _shapes(rng)
    return Example(np.ascontiguousarray(film), "other", *none_there())


def over_grain(drawn: Example, films: Sequence[Example], rng: np.random.Generator) -> Example:
    """A drawn film laid over other grain: what lies beside the spine on a real one of `films`, or,
    without any, plain shapes. So the grain of a film says little of what it shows, and drawn bones
    stand out from it no better than real ones do."""
    grain = _beside(films[int(rng.integers(len(films)))], rng) if films else _shapes(rng)
    grain = cv2.resize(grain, drawn.film.shape[::-1], interpolation=cv2.INTER_LINEAR)
    share = float(rng.uniform(0.15, MOST_GRAIN))
    mixed = cv2.addWeighted(drawn.film, 1 - share, grain, share, 0)
    return replace(drawn, film=np.asarray(mixed, np.uint8))


def _beside(example: Example, rng: np.random.Generator) -> NDArray[np.uint8]:
    """What lies to the left or right of the spine; shapes where that is next to nothing."""
    columns = example.corners[..., 1]
    width = example.film.shape[1]
    left, right = int(columns.min()) - 8, int(columns.max()) + 8
    part = example.film[:, :left] if left > width - right else example.film[:, max(0, right) :]
    if left <= 48 and width - right <= 48:
        return _shapes(rng)
    high = max(48, int(part.shape[1] * rng.uniform(1, 3)))
    top = int(rng.integers(0, max(1, part.shape[0] - high)))
    return part[top : top + high]


def _shapes(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Ellipses, bars and grain: a long bone, a hand, a photograph, or nothing that one knows."""
    height, width = 512, int(rng.uniform(160, 512))
    film = np.full((height, width), rng.uniform(10, 120), np.float32)
    for _ in range(int(rng.integers(2, 14))):
        at = (rng.uniform(0, 1, 2) * (width, height)).astype(int).tolist()
        axes = (rng.uniform(0.02, 0.45, 2) * (width, height)).astype(int).tolist()
        layer = np.zeros_like(film)
        cv2.ellipse(layer, at, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
        film += cv2.GaussianBlur(layer, (0, 0), float(rng.uniform(1, 12))) * rng.uniform(-60, 110)
    film += cv2.GaussianBlur(
        rng.standard_normal(film.shape, np.float32), (0, 0), float(rng.uniform(0.6, 12))
    ) * np.float32(rng.uniform(5, 60))
    return np.clip(film, 0, 255).astype(np.uint8)
