"""A film before and after development: what weakens the rays adds up, then becomes grey values.

Bones that overlap are brighter than either alone because attenuation is summed along the ray
(Beer-Lambert) and only then developed. Every `fill` and `stroke` is one anti-aliased layer of eight
bits, fast and good enough: its rounding lies far below the noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.levels import Floats

_SHIFT = 4
"""Bits of sub-pixel position that cv2 draws with."""


@dataclass(frozen=True, slots=True)
class Aim:
    """How a film is aimed at a body: which millimetre falls on which pixel."""

    size: tuple[int, int]
    """(height, width) of the film, pixels."""
    spacing_mm: float
    centre_mm: tuple[float, float]
    """(row, column) of the body's point in the middle of the film."""
    tilt_degrees: float = 0.0
    """How far the body leans to the right on the film."""

    def pixels(self, points_mm: Floats) -> Floats:
        """The pixel positions (…, 2) of points (…, 2) of the body; (row, column) both."""
        angle = np.radians(self.tilt_degrees)
        cos, sin = np.cos(angle), np.sin(angle)
        turned = (points_mm - self.centre_mm) @ np.array([[cos, -sin], [sin, cos]])
        middle = (np.array(self.size) - 1) / 2
        placed: Floats = turned / self.spacing_mm + middle
        return placed


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a film is exposed and developed."""

    photons: float = 3000.0
    """Reaching a pixel through nothing: fewer give more noise."""
    darkest: float = 0.5
    """Attenuation shown black."""
    contrast: float = 1.0
    sharpening: float = 0.4
    """Share of local detail that is added, as computed radiography does."""
    blur_px: float = 0.6


class Canvas:
    """The summed attenuation of a body, drawn in millimetres.

    `depth` is (height, width) float32 in natural units: 1 lets 1/e of the photons through.
    """

    def __init__(self, aim: Aim) -> None:
        self.aim = aim
        self.depth: NDArray[np.float32] = np.zeros(aim.size, np.float32)

    def fill(self, outlines_mm: Iterable[Floats], depth: float, soft_mm: float = 0.0) -> None:
        """Adds `depth` inside the union of `outlines_mm`, each (n, 2), blurred by `soft_mm`."""
        outlines, patch = self._on_film(outlines_mm, 2 * soft_mm)
        layer = np.zeros(self.depth[patch].shape, np.uint8)
        if not layer.size:
            return
        for outline in outlines:
            cv2.fillPoly(layer, [outline], 255, cv2.LINE_AA, _SHIFT)
        self._add(patch, layer, depth, soft_mm)

    def stroke(
        self,
        lines_mm: Iterable[Floats],
        width_mm: float,
        depth: float,
        closed: bool = False,
        soft_mm: float = 0.0,
    ) -> None:
        """Adds `depth` along `lines_mm`, each (n, 2); thinner than a pixel is fainter instead."""
        width_px = width_mm / self.aim.spacing_mm
        whole_px = max(1, round(width_px))
        lines, patch = self._on_film(lines_mm, width_mm / 2 + 2 * soft_mm)
        layer = np.zeros(self.depth[patch].shape, np.uint8)
        if not layer.size:
            return
        cv2.polylines(layer, lines, closed, 255, whole_px, cv2.LINE_AA, _SHIFT)
        self._add(patch, layer, depth * min(1.0, width_px / whole_px), soft_mm)

    def dome(self, rows_mm: Floats, left_mm: Floats, right_mm: Floats, depth: float) -> None:
        """Adds a rounded trunk: `depth` in the middle between its sides, nothing beyond them.

        `left_mm` and `right_mm` (n,) are the sides' columns at `rows_mm` (n,), increasing.
        """
        height, width = self.aim.size
        middle = np.array(self.aim.size) / 2
        rows = (np.arange(height) - middle[0]) * self.aim.spacing_mm + self.aim.centre_mm[0]
        cols = (np.arange(width) - middle[1]) * self.aim.spacing_mm + self.aim.centre_mm[1]
        lean = np.tan(np.radians(self.aim.tilt_degrees)) * (rows - self.aim.centre_mm[0])
        left, right = np.interp(rows, rows_mm, left_mm), np.interp(rows, rows_mm, right_mm)
        centre = ((left + right) / 2 - lean)[:, None]
        aside = ((cols - centre) / ((right - left) / 2)[:, None]).astype(np.float32)
        self.depth += depth * np.sqrt(np.clip(1 - aside * aside, 0, 1))

    def cloud(self, bumps: Floats, depth: float) -> None:
        """Adds `bumps` (n, n), stretched smoothly over the film, times `depth`."""
        stretched = cv2.resize(
            bumps.astype(np.float32), self.aim.size[::-1], interpolation=cv2.INTER_CUBIC
        )
        self.depth += np.float32(depth) * stretched

    def _on_film(
        self, lines_mm: Iterable[Floats], edge_mm: float
    ) -> tuple[list[NDArray[np.int32]], tuple[slice, slice]]:
        """The lines in cv2's fixed-point (x, y), relative to the patch of film that they touch."""
        lines = list(lines_mm)
        joined = self.aim.pixels(np.concatenate(lines))
        edge = edge_mm / self.aim.spacing_mm + 2
        limits = np.array(self.aim.size)
        first = np.clip(np.floor(joined.min(axis=0) - edge), 0, limits).astype(int)
        last = np.clip(np.ceil(joined.max(axis=0) + edge) + 1, first, limits).astype(int)
        fixed = np.rint((joined - first)[:, ::-1] * (1 << _SHIFT)).astype(np.int32)
        ends = accumulate((len(line) for line in lines), initial=0)
        separate = [fixed[start:end] for start, end in pairwise(ends)]
        return separate, (slice(first[0], last[0]), slice(first[1], last[1]))

    def _add(
        self, patch: tuple[slice, slice], layer: NDArray[np.uint8], depth: float, soft_mm: float
    ) -> None:
        soft = soften(layer, soft_mm / self.aim.spacing_mm)
        self.depth[patch] += soft * np.float32(depth / 255)


def soften(image: NDArray[np.uint8], sigma_px: float) -> NDArray[np.uint8]:
    """`image` blurred by a Gaussian of `sigma_px`; unchanged where that is below a third."""
    if sigma_px < 0.33:
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)


def developed(
    depth: NDArray[np.float32], exposure: Exposure, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The film of an attenuation (height, width): uint8, bright where the body is dense.

    Quantum noise: a pixel counts N = photons · exp(-depth) ± √N, so log N errs by 1 / √N.
    """
    depth = cv2.GaussianBlur(depth, (0, 0), exposure.blur_px)
    seen = np.clip(depth, 0.0, None)
    seen = seen + rng.standard_normal(depth.shape, np.float32) * np.exp(seen / 2) / np.sqrt(
        np.float32(exposure.photons)
    )
    around = cv2.blur(seen, (depth.shape[0] // 8 | 1,) * 2)
    seen += np.float32(exposure.sharpening) * (seen - around)
    curve = 1 / (1 + np.exp(-exposure.contrast * (seen - exposure.darkest - 1.5) * 1.5))
    return np.asarray(np.rint(4 + 246 * curve), np.uint8)
