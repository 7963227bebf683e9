"""Whether one connected bright thing is made of a letter's strokes.

What is asked depends on the ground. Before air a letter may be faint and blurred by JPEG; before a
body, whose ribs and gas bubbles are bright and bounded, too, it must be whiter, sharper and of one
grey. A thing that would do only beside a letter, as the third of a row, is called doubtful.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.artefacts.copying import Grey, Mask

Verdict = Literal["sure", "doubtful", "none"]

_SLIM = 0.32
"""Width of strokes as a share of the letter's height, at most: a button is no letter."""
ROUND = 6
"""Pixels round a thing that are looked at."""
_NEXT = 3
"""Those of them that are its own surroundings."""
_AIR = 0.15
"""Spread of what surrounds strokes that lie before air, as a share of the contrast, at most."""
_FINE = 3.0
"""Pixels of a stroke whose edges must be as sharp as edges can be."""
_SQUARE: NDArray[np.uint8] = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of strokes before a ground as quiet as `quiet`. All but `contrast` and `white`
    are shares of the contrast between ink and ground."""

    quiet: float
    """Spread of the greys that surround them, first to last tenth, at most."""
    contrast: float
    """Between ink and ground, in [0, 1], at least."""
    white: float
    """Grey of the ink as a share of the film's brightest, at least."""
    uneven: float
    """Standard deviation of the ink, at most."""
    fleck: float
    """By how much the brightest pixel may outshine the ink."""
    sharp: float
    """Steepest rise of grey for a pixel along the outline, in the mean, at least; before air wide
    strokes may have wider edges."""
    clear: float
    """Part of the surroundings that is nearer to the ground's grey than to the ink's, at least."""
    crowded: float
    """Part of what lies above and below that is nearer to the ink's, at most: letters stand side by
    side, but vertebrae in a column, and a drawn one looks much like a letter."""


SURE = (
    Asked(
        quiet=0.3,
        contrast=0.3,
        white=0.6,
        uneven=0.3,
        fleck=1.0,
        sharp=0.44,
        clear=0.95,
        crowded=0.16,
    ),
    Asked(
        quiet=0.6,
        contrast=0.4,
        white=0.7,
        uneven=0.2,
        fleck=0.25,
        sharp=0.4,
        clear=0.9,
        crowded=0.16,
    ),
)
DOUBTFUL = Asked(
    quiet=1.5, contrast=0.25, white=0.6, uneven=0.3, fleck=0.5, sharp=0.32, clear=0.75, crowded=1.0
)


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """One connected bright thing and what surrounds it."""

    grey: Grey
    """(h, w) of a window round it."""
    mask: Mask
    """(h, w) where it is."""
    inner: Mask
    """All of it but its outermost pixels."""
    ring: Mask
    """Two pixels beyond its outline, but for what is bright itself."""
    ink: float
    """Its grey: three quarters of its pixels are darker, since most of a thin stroke is edge."""
    ground: float
    """The median of what surrounds it."""

    @classmethod
    def of(cls, grey: Grey, numbers: NDArray[np.int32], number: int) -> Strokes | None:
        """The thing called `number` among all bright things, 0 where none is; None where too little
        ground is seen round it."""
        mask = numbers == number
        solid = mask.astype(np.uint8)
        inner = cv2.erode(solid, _SQUARE, borderValue=1) > 0
        near = cv2.dilate(solid, _SQUARE)
        bright = cv2.dilate((numbers > 0).astype(np.uint8), _SQUARE) > 0
        ring = (cv2.dilate(near, _SQUARE) > 0) & ~bright
        if ring.sum() < 4 or inner.all():
            return None
        ink, ground = float(np.percentile(grey[mask], 75)), float(np.median(grey[ring]))
        return cls(grey, mask, inner, ring, ink, ground)

    def verdict(self, height: int, brightest: float) -> Verdict:
        """Whether it looks as lead and print do; `height` in pixels, `brightest` of the film."""
        contrast = self.ink - self.ground
        outline = self.mask & ~self.inner
        stroke = 2 * self.mask.sum() / max(1, outline.sum())
        if contrast < DOUBTFUL.contrast or stroke > max(2.0, _SLIM * height):
            return "none"
        around = self.grey[self.ring]
        low, high = np.percentile(around, (10, 90))
        quiet, middle = float(high - low) / contrast, self.ink - contrast / 2
        softness = _softness(stroke) if quiet <= _AIR else 1.0
        measured = Asked(
            quiet=quiet,
            contrast=contrast,
            white=self.ink / brightest,
            uneven=float(self._core.std()) / contrast,
            fleck=float(self.grey[self.mask].max() - self.ink) / contrast,
            sharp=float(_steepest(self.grey)[outline].mean()) / contrast * softness,
            clear=float((around < middle).mean()),
            crowded=float((self._above_and_below > middle).mean()),
        )
        if any(_passes(measured, asked) for asked in SURE):
            return "sure"
        return "doubtful" if _passes(measured, DOUBTFUL) else "none"

    @property
    def _above_and_below(self) -> Grey:
        """Greys of the window that lie higher or lower than its box by more than `_NEXT`."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        above, below = self.grey[: max(0, rows[0] - _NEXT)], self.grey[rows[-1] + _NEXT + 1 :]
        return np.concatenate((above, below, np.zeros((1, self.grey.shape[1]), np.float32)))

    @property
    def _core(self) -> Grey:
        """Greys inside of the strokes; of hair-thin ones those of the brighter half."""
        if self.inner.sum() > 0.25 * self.mask.sum():
            return self.grey[self.inner]
        own = self.grey[self.mask]
        return np.asarray(own[own >= np.median(own)])


def _softness(stroke: float) -> float:
    """By how much wider edges may be for `stroke` pixels: the same film has wider ones when it is
    scanned with more of them."""
    return float(np.clip(stroke / _FINE, 1, 2))


def _passes(measured: Asked, asked: Asked) -> bool:
    return (
        measured.quiet <= asked.quiet
        and measured.contrast >= asked.contrast
        and measured.white >= asked.white
        and measured.uneven <= asked.uneven
        and measured.fleck <= asked.fleck
        and measured.sharp >= asked.sharp
        and measured.clear >= asked.clear
        and measured.crowded <= asked.crowded
    )


def _steepest(grey: Grey) -> Grey:
    """The steepest rise for a pixel within a pixel's reach."""
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8)
    return np.asarray(cv2.dilate(np.hypot(down, across), _SQUARE), np.float32)
