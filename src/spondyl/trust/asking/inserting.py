"""What is put on a film to see who follows it: letters, rims, words, a tint, another shape.

They are the very shortcuts that can be planted in drawn films, so a network that learned one of
them is asked in its own words. What is painted is known by what it makes of a black film and of a
white one: the black one shows the paint, and the difference which share of a film shines through.
Both are drawn at the film's proportions and brought to the network grid as the film was, so a
letter is as narrow there as one that was on the film. The price: a rim or letter of a hospital's
own kind is not among them, and a network that follows only that one is not found.

All lie on what is shown of the film, never on padding.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from spondyl.data.phantom.shortcuts import SHORTCUTS
from spondyl.data.placement import Placement, Size
from spondyl.trust.asking.questioning import Image, Picture

Plane = NDArray[np.float32]
"""(H, W) one channel of an image."""

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)  # ITU-R BT.601, as films are read
_CANVAS = 1024
"""Longest side of what is drawn on, pixels; finer than any network grid."""


def painted(picture: Picture, shortcut: str, variant: int) -> Image:
    """The film with variant 0, 1, 2 of the "marker", "border" or "text" of `SHORTCUTS` on it."""
    film = picture.placement.window.size
    even = min(1.0, _CANVAS / max(film))
    canvas = max(1, round(film[0] * even)), max(1, round(film[1] * even))
    paint, through = _painted(shortcut, variant, canvas, picture.content.size)
    image = picture.image.copy()
    shown = image[:, *picture.content.slices]
    shown[...] = np.clip(shown * through + paint, 0, 1)
    return image


def tinted(picture: Picture, variant: int) -> Image | None:
    """The film in variant 0, 1, 2 of the tint of `SHORTCUTS`, (3, H, W), which is what it makes of
    white; None where the network is shown no colours."""
    if picture.colour == "grey":
        return None
    white, _ = SHORTCUTS["tint"].plant(np.full((1, 1), 255, np.uint8), variant)
    factors = white.reshape(3, 1, 1).astype(np.float32) / 255
    return np.asarray(picture.image * factors)


def colourless(picture: Picture) -> Image | None:
    """The film's luma, (1, H, W); None where the network is shown no colours."""
    if picture.colour == "grey":
        return None
    if len(picture.image) == 1:
        return picture.image
    return np.tensordot(_LUMA, picture.image, axes=1)[None].clip(0, 1)


def reshaped(picture: Picture, factor: float) -> Image:
    """The film at `factor` times its width, fitted to the grid as all films are.

    A narrower film is cut at its sides; a wider one continues beyond them as in a mirror. Either
    way the body keeps its proportions on the film, and a network that is shown stretched films
    sees it wider or narrower, as it would see that of any film of this shape.
    """
    width, grid = picture.content.size[1], picture.image.shape[1:]
    beyond = round(width * (factor - 1) / 2)
    film_height, film_width = picture.placement.window.size
    new = film_height, max(1, round(film_width * (width + 2 * beyond) / width))
    place = Placement.fit(new, (grid[0], grid[1]), picture.fit)
    (top, left), (rows, columns) = place.offset, place.content_size
    image = np.zeros_like(picture.image)
    for plane, shown in zip(image, picture.image[:, *picture.content.slices], strict=True):
        plane[top : top + rows, left : left + columns] = _resized(
            _widened(shown, beyond), (rows, columns)
        )
    return image.clip(0, 1)


def _widened(plane: Plane, by: int) -> Plane:
    """The plane with `by` mirrored columns more on either side, or less where that is below 0."""
    if by < 0:
        return plane[:, -by : plane.shape[1] + by]
    border = cv2.BORDER_REFLECT_101
    return np.asarray(cv2.copyMakeBorder(plane, 0, 0, by, by, border), np.float32)


@lru_cache(maxsize=128)
def _painted(shortcut: str, variant: int, canvas: Size, size: Size) -> tuple[Plane, Plane]:
    """(H, W) of `size`: what is painted, and the share of the film that shines through, 0 … 1."""
    plant = SHORTCUTS[shortcut].plant
    black, white = (
        np.asarray(plant(np.full(canvas, grey, np.uint8), variant)[0] / 255, np.float32)
        for grey in (0, 255)
    )
    paint, through = _resized(black, size), _resized(white - black, size)
    for plane in (paint, through):
        plane.setflags(write=False)
    return paint, through


def _resized(plane: Plane, size: Size) -> Plane:
    """On a grid of `size`, under the filter of `preprocess`."""
    picture = Pictures.fromarray(np.ascontiguousarray(plane))
    return np.array(picture.resize((size[1], size[0]), Pictures.Resampling.BILINEAR), np.float32)
