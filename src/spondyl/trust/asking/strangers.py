"""Pictures that are no film of the kind that was learned from, drawn on the spot.

Nobody can list what will be handed in by mistake, so the kinds are coarse on purpose: something
like a photograph, other shapes on a dark ground, patterns, noise, nothing at all, and the cohort's
own films as no film should hang. All are drawn from a seed and need no download. The price: they
are drawings, and a detector that refuses them has not been shown to refuse another body part's
radiograph. The near strangers, turned and inverted films, are the harder ones, and rightly: they
are films.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.learn.preprocess import Colour
from spondyl.trust.asking.changes import upside_down
from spondyl.trust.asking.questioning import Image, Picture

Size = tuple[int, int]
Point = NDArray[np.float64]
Drawing = Callable[[np.random.Generator, Size], NDArray[np.floating]]
"""(random numbers, (height, width)) → (H, W) or (H, W, 3), any range; cut to [0, 1]."""

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as films are read


@dataclass(frozen=True, slots=True)
class Drawn:
    """A kind of stranger that is drawn."""

    kind: str
    what: str
    """In plain words, for a report."""
    draw: Drawing

    def images(self, n: int, size: Size, colour: Colour, seed: int) -> list[Image]:
        """`n` of them on a grid of `size`, (1, H, W) where `colour` is "grey", else (3, H, W)."""
        drawings = []
        for number in range(n):
            rng = np.random.default_rng([seed, number])
            drawings.append(_image(self.draw(rng, size), colour))
        return drawings


@dataclass(frozen=True, slots=True)
class Changed:
    """A kind of stranger that is a film of the cohort, changed."""

    kind: str
    what: str
    change: Callable[[Picture], Image]


def _photograph(rng: np.random.Generator, size: Size) -> NDArray[np.floating]:
    """Smooth fields of colour, a few discs and edges, and texture over all."""
    fields = [_smooth(rng, size, int(rng.integers(2, 5))) for _ in range(3)]
    canvas = np.ascontiguousarray(np.stack(fields, axis=-1), dtype=np.float32)
    height, width = size
    for _ in range(int(rng.integers(3, 9))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        radius = max(2, int(rng.uniform(0.04, 0.22) * min(size)))
        cv2.circle(canvas, centre, radius, rng.random(3).tolist(), -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(2, 6))):
        start, end = rng.random((2, 2)) * size
        _line(canvas, start, end, rng.random(3).tolist(), int(rng.integers(1, 6)))
    return np.asarray(canvas + rng.normal(0, rng.uniform(0.02, 0.08), (*size, 1)))


def _checkerboard(rng: np.random.Generator, size: Size) -> NDArray[np.floating]:
    rows, columns = np.indices(size)
    side = max(2, int(rng.uniform(0.04, 0.2) * min(size)))
    odd = ((rows + rng.integers(side)) // side + (columns + rng.integers(side)) // side) % 2
    dark, bright = rng.uniform(0, 0.35), rng.uniform(0.55, 1)
    return np.asarray(np.where(odd == 1, bright, dark))


def _gradient(rng: np.random.Generator, size: Size) -> NDArray[np.floating]:
    rows, columns = np.indices(size) / np.array(size)[:, None, None]
    angle, (low, high) = rng.uniform(0, 2 * np.pi), rng.random(2)
    along = np.cos(angle) * (columns - 0.5) + np.sin(angle) * (rows - 0.5)
    return np.asarray(low + (high - low) * (along / np.sqrt(2) + 0.5))


def _skull(rng: np.random.Generator, size: Size) -> NDArray[np.floating]:
    """One ellipse with a bright rim on a dark ground, two dark sockets in it."""
    height, width = size
    canvas = np.full(size, rng.uniform(0, 0.1), np.float32)
    row, column = height * rng.uniform(0.45, 0.55), width * rng.uniform(0.45, 0.55)
    tall, wide = height * rng.uniform(0.3, 0.42), width * rng.uniform(0.25, 0.38)
    _ellipse(canvas, (row, column), (tall, wide), rng.uniform(0.7, 0.95))
    _ellipse(canvas, (row, column), (0.9 * tall, 0.88 * wide), rng.uniform(0.4, 0.6))
    for side in (-0.35, 0.35):
        _ellipse(canvas, (row + 0.1 * tall, column + side * wide), (0.15 * tall, 0.2 * wide), 0.15)
    return np.asarray(_softened(canvas) + rng.normal(0, 0.02, size))


def _hand(rng: np.random.Generator, size: Size) -> NDArray[np.floating]:
    """Five fingers of bright pieces in grey flesh, spread from a palm, on a dark ground."""
    height, width = size
    canvas = np.full(size, rng.uniform(0, 0.08), np.float32)
    palm = np.array((0.7 * height, rng.uniform(0.45, 0.55) * width))
    thick = max(2, round(0.08 * width))
    _ellipse(canvas, (palm[0], palm[1]), (0.2 * height, 0.2 * width), 0.4)
    for angle in np.linspace(-0.75, 0.6, 5) + rng.normal(0, 0.04):
        towards = np.array((-np.cos(angle) * height, np.sin(angle) * width))
        joints = [palm + reach * towards for reach in np.linspace(0.12, rng.uniform(0.5, 0.6), 5)]
        _line(canvas, joints[0], joints[-1], 0.4, thick)
        for start, end in pairwise(joints):
            gap = 0.12 * (end - start)
            _line(canvas, start + gap, end - gap, 0.85, max(1, thick // 3))
    return np.asarray(_softened(canvas) + rng.normal(0, 0.02, size))


def _noise(rng: np.random.Generator, size: Size) -> NDArray[np.floating]:
    return rng.random(size)


def _constant(rng: np.random.Generator, size: Size) -> NDArray[np.floating]:
    return np.full(size, rng.random())


def turned(picture: Picture) -> Image:
    """The film turned by 90° to the left and stretched to the place it had."""
    image = picture.image.copy()
    height, width = picture.content.size
    for plane in image[:, *picture.content.slices]:
        on_its_side = np.ascontiguousarray(np.rot90(plane))
        resized = cv2.resize(on_its_side, (width, height), interpolation=cv2.INTER_AREA)
        plane[:] = resized.clip(0, 1)
    return image


def inverted(picture: Picture) -> Image:
    """The film with bright and dark exchanged; padding stays."""
    image = picture.image.copy()
    shown = image[:, *picture.content.slices]
    np.subtract(1, shown, out=shown)
    return image


DRAWN: tuple[Drawn, ...] = (
    Drawn("photograph", "fields of colour with discs, edges and texture", _photograph),
    Drawn("checkerboard", "a checkerboard", _checkerboard),
    Drawn("gradient", "an even gradient", _gradient),
    Drawn("skull", "one large ellipse with a bright rim, like a skull", _skull),
    Drawn("hand", "five fingers, like a hand", _hand),
    Drawn("noise", "pixels at random", _noise),
    Drawn("constant", "one grey everywhere", _constant),
)
"""All kinds that are drawn."""
CHANGED: tuple[Changed, ...] = (
    Changed("turned", "a film of the cohort turned by 90°", turned),
    Changed("upside-down", "a film of the cohort turned by 180°", upside_down),
    Changed("inverted", "a film of the cohort with bright and dark exchanged", inverted),
)
"""All kinds that are made of the cohort's own films."""


def _image(drawing: NDArray[np.floating], colour: Colour) -> Image:
    planes = drawing if drawing.ndim == 3 else np.repeat(drawing[..., None], 3, axis=-1)
    planes = np.clip(planes, 0, 1)
    shown = planes @ _LUMA[:, None] if colour == "grey" else planes
    return np.ascontiguousarray(shown.transpose(2, 0, 1).clip(0, 1), dtype=np.float32)


def _smooth(rng: np.random.Generator, size: Size, n_cells: int) -> NDArray[np.floating]:
    coarse = rng.random((n_cells, n_cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC))


def _ellipse(
    canvas: Image, centre: tuple[float, float], radii: tuple[float, float], grey: float
) -> None:
    """Paints on `canvas` (H, W); centre and radii as (rows, columns)."""
    rows, columns = np.indices(canvas.shape)
    down, right = (rows - centre[0]) / radii[0], (columns - centre[1]) / radii[1]
    canvas[down**2 + right**2 <= 1] = grey


def _line(canvas: Image, start: Point, end: Point, grey: float | list[float], thick: int) -> None:
    """Paints on `canvas` (H, W) or (H, W, 3); ends as (row, column)."""
    first, last = ((round(float(column)), round(float(row))) for row, column in (start, end))
    colour = grey if isinstance(grey, list) else [grey]
    cv2.line(canvas, first, last, colour, thick, cv2.LINE_AA)


def _softened(canvas: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), max(0.5, canvas.shape[0] / 224)))
