"""A training film as the network may meet it: another part, size, lean, side, exposure, clutter.

Corners move with the film through one affine map, so they stay exact. A part is cut out before it
is turned, as a crop in a folder would be. Tones are changed hard - gamma, local contrast,
sharpening, joins between plates, text, rods and borders - because a finder has to read films of
other centres, and, trained on drawn films, of patients.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.levels import Floats
from spondyl.data.placement import Size, Window
from spondyl.measure.looking import Grey, around, normalised

MIRRORED = (1, 0, 3, 2)
"""Corners of a mirrored vertebra, in their usual order."""
FEWEST_SHOWN = 5
"""Vertebrae that a part of a film shows at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Warped:
    """A picture (height, width) for the network, and where the vertebrae went."""

    picture: Grey
    corners: Floats
    """(k, 4, 2) on the picture, (row, column), in the order of the film."""
    whole: NDArray[np.bool_]
    """(k,) which of them lie wholly on the part that is shown."""
    shown: NDArray[np.bool_]
    """(height, width) False on padding."""


def warped(
    film: NDArray[np.uint8], corners: Floats, size: Size, rng: np.random.Generator
) -> Warped:
    """`film` (H, W) with bodies `corners` (k, 4, 2), or none (0, 4, 2), changed at random."""
    window = _window(film.shape[:2], corners, rng)
    part = film[window.slices]
    zoom = _zoom(window.size, size, rng)
    cluttered = np.asarray(_cluttered(part, rng) / 255, np.float32)
    small, shrunk = _shrunk(cluttered, zoom)
    move = _move(small.shape, size, zoom / shrunk[0], rng)
    placed = cv2.warpAffine(small, move, size[::-1], flags=cv2.INTER_LINEAR, borderValue=-1.0)
    shown = placed >= 0
    tones = _toned(np.where(shown, placed, 0).astype(np.float32), rng)
    picture = np.zeros(size, np.float32)
    if shown.any():
        picture[shown] = normalised(tones[shown])
    moved = _moved((corners - window.corner + 0.5) * shrunk - 0.5, move)
    whole = _inside(corners - window.corner, window.size)
    if rng.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
        shown = np.ascontiguousarray(shown[:, ::-1])
        moved = moved[:, MIRRORED]
        moved[..., 1] = size[1] - 1 - moved[..., 1]
    return Warped(picture, moved, whole, shown)


def _inside(corners: Floats, size: Size) -> NDArray[np.bool_]:
    """(k,) whose four corners lie on a part of `size`, but for a tenth of a body."""
    if not len(corners):
        return np.zeros(0, np.bool_)
    slack = 0.1 * np.linalg.norm(corners[:, 2] - corners[:, 0], axis=1)[:, None]
    low, high = corners.min(axis=1), corners.max(axis=1)
    return ((low >= -slack) & (high <= np.array(size) - 1 + slack)).all(axis=1)


def _window(size: Size, corners: Floats, rng: np.random.Generator) -> Window:
    """All of the film, the spine with some margin, a stretch of it, or a strip along it."""
    kind = rng.random()
    if not len(corners) or kind < 0.4:
        return _strip(Window.whole(size), corners, size, rng) if kind < 0.08 else Window.whole(size)
    some = corners
    if kind > 0.85 and len(corners) > FEWEST_SHOWN:
        n = int(rng.integers(FEWEST_SHOWN, len(corners) + 1))
        first = int(rng.integers(0, len(corners) - n + 1))
        some = corners[first : first + n]
    reach = float(np.ptp(some[..., 0]))
    margin = reach * float(rng.uniform(0.01, 0.16))
    window = around(some, margin, size)
    if rng.random() < 0.5:  # as wide as a film is, not as the spine
        aside = reach * rng.uniform(0, 0.35, 2)
        left, right = (
            int(max(0, window.left - aside[0])),
            int(min(size[1], window.right + aside[1])),
        )
        window = Window(window.top, left, window.bottom, right)
    return window


def _strip(window: Window, corners: Floats, size: Size, rng: np.random.Generator) -> Window:
    if not len(corners):
        return window
    near = around(corners, 0.05 * size[1] * float(rng.uniform(0.2, 2)), size)
    return Window(window.top, near.left, window.bottom, near.right)


def _zoom(part: Size, size: Size, rng: np.random.Generator) -> float:
    """Network pixels to a pixel of the part."""
    even = min(size[0] / part[0], size[1] / part[1])
    return float(even * np.exp(rng.uniform(-0.22, 0.06)))


def _shrunk(part: Grey, zoom: float) -> tuple[Grey, Floats]:
    """The part without detail that is too fine for `zoom`, and (2,) its scale, (row, column)."""
    if zoom >= 1:
        return part, np.ones(2)
    height, width = (max(8, round(side * zoom)) for side in part.shape)
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    return small, np.array((height, width)) / part.shape


def _move(part: Size, size: Size, zoom: float, rng: np.random.Generator) -> Floats:
    """(2, 3) the affine map from (x, y) of the part to (x, y) of the network grid."""
    stretch = np.exp(rng.normal(0, 0.05))
    angle = np.radians(np.clip(rng.normal(0, 4), -12, 12))
    scale = zoom * np.array((stretch, 1 / stretch))
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) * scale
    middle = np.array((part[1] - 1, part[0] - 1)) / 2
    free = np.maximum(np.array(size[::-1]) - scale * np.array(part[::-1]), 8)
    target = (np.array(size[::-1]) - 1) / 2 + rng.uniform(-0.4, 0.4, 2) * free
    return np.column_stack((linear, target - linear @ middle))


def _moved(corners: Floats, move: Floats) -> Floats:
    xy = corners[..., ::-1] @ move[:, :2].T + move[:, 2]
    return np.ascontiguousarray(xy[..., ::-1])


def _cluttered(part: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """What lies on films: plates that were joined, borders, letters, rods and beads."""
    part = part.copy()
    if rng.random() < 0.25:
        _join(part, rng)
    for _ in range(int(rng.integers(1, 4)) if rng.random() < 0.3 else 0):
        _write(part, rng)
    for _ in range(int(rng.integers(1, 5)) if rng.random() < 0.15 else 0):
        _lay_rod(part, rng)
    if rng.random() < 0.2:
        height, width = part.shape
        edges = (rng.uniform(0, 0.05, 4) * (height, height, width, width)).astype(int)
        tone = int(rng.choice((0, 255)))
        part[: edges[0]] = part[height - edges[1] :] = tone
        part[:, : edges[2]] = part[:, width - edges[3] :] = tone
    return part


def _join(part: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Another exposure below some row, and sometimes a line between."""
    height = part.shape[0]
    row = int(rng.uniform(0.2, 0.8) * height)
    below = part[row:] * rng.uniform(0.6, 1.5) + rng.uniform(-60, 90)
    part[row:] = np.clip(below, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        part[row : row + 1 + int(rng.uniform(0, 0.01) * height)] = int(rng.choice((0, 255)))


def _write(part: NDArray[np.uint8], rng: np.random.Generator) -> None:
    height, width = part.shape
    at = (int(rng.uniform(0, 0.9) * width), int(rng.uniform(0.02, 1) * height))
    text = "".join(rng.choice(list("LR0123456789:.AP cm"), int(rng.integers(1, 9))))
    tone, big = int(rng.uniform(150, 255)), height / 1000 * float(rng.uniform(0.5, 2.5))
    cv2.putText(part, text, at, cv2.FONT_HERSHEY_SIMPLEX, big, tone, max(1, round(2 * big)))


def _lay_rod(part: NDArray[np.uint8], rng: np.random.Generator) -> None:
    height, width = part.shape
    start = rng.uniform(0, 1, 2) * (width, height)
    end = start + rng.normal(0, 0.15, 2) * height
    thick = max(1, int(height * rng.uniform(0.002, 0.01)))
    ends = (start.astype(int).tolist(), end.astype(int).tolist())
    cv2.line(part, *ends, int(rng.uniform(180, 255)), thick)


def _toned(film: Grey, rng: np.random.Generator) -> Grey:
    """Another development: gamma, local contrast, sharpening, blur, noise; [0, 1]."""
    film = film ** np.float32(np.exp(rng.uniform(-0.7, 0.7)))
    if rng.random() < 0.25:
        tiles = cv2.createCLAHE(float(rng.uniform(1, 8)), (int(rng.integers(2, 9)),) * 2)
        film = tiles.apply(np.rint(film * 255).astype(np.uint8)).astype(np.float32) / 255
    if rng.random() < 0.35:
        soft = cv2.GaussianBlur(film, (0, 0), float(rng.uniform(1, 8)))
        film = film + np.float32(rng.uniform(0.2, 2.0)) * (film - soft)
    if rng.random() < 0.25:
        film = cv2.GaussianBlur(film, (0, 0), float(rng.uniform(0.4, 1.6)))
    if rng.random() < 0.5:
        film = film + rng.standard_normal(film.shape, np.float32) * np.float32(rng.uniform(0, 0.06))
    return np.clip(film, 0, 1).astype(np.float32)
