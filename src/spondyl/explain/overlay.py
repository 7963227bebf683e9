"""A heatmap drawn over its film, so that hotter is never drawn colder. Pixels only, no layout.

Heat adds a colour from red to yellow, with blue left out and opacity rising in proportion. Red
minus blue at a pixel is then the opacity itself, whatever grey the film has there: the heat can be
read back from the picture, and no film pixel can make a hotter spot look colder than its neighbour.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OPACITY = 0.7
"""Opacity of the hottest value."""

Rgb = NDArray[np.uint8]


def draw(film: NDArray[np.float32], heat: NDArray[np.float32], scale: float) -> Rgb:
    """The film (H, W) in [0, 1] under the heat (H, W), as (H, W, 3).

    `scale` is the value drawn hottest: the map's own peak, or one for a whole page, so that weak
    maps look weak. Negative heat, and all heat where `scale` is not positive, leaves the film as
    it is.
    """
    share = np.clip(heat / scale, 0, 1) if scale > 0 else np.zeros_like(heat)
    opacity = (OPACITY * share)[..., None]
    colour = np.stack([np.ones_like(share), share, np.zeros_like(share)], axis=-1)
    blended = (1 - opacity) * film[..., None] + opacity * colour
    return np.rint(255 * np.clip(blended, 0, 1)).astype(np.uint8)


def bare(film: NDArray[np.float32]) -> Rgb:
    """The film (H, W) in [0, 1] alone, as (H, W, 3)."""
    return np.repeat(np.rint(255 * film).astype(np.uint8)[..., None], 3, axis=2)


def legend(width: int, height: int) -> Rgb:
    """A bar (height, width, 3) from no heat at the left to the scale's value at the right, on the
    middle grey of a film."""
    heat = np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))
    return draw(np.full((height, width), 0.35, dtype=np.float32), heat, 1.0)


def shrunk(film: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    """The film (H, W), no side longer than `longest` pixels, aspect kept."""
    factor = min(1.0, longest / max(film.shape))
    size = (max(1, round(film.shape[1] * factor)), max(1, round(film.shape[0] * factor)))
    picture = Image.fromarray(np.ascontiguousarray(film, dtype=np.float32))
    small = np.asarray(picture.resize(size, Image.Resampling.BILINEAR), dtype=np.float32)
    return np.clip(small, 0, 1)


def jpeg(picture: Rgb) -> bytes:
    """The picture as the bytes of a JPEG file with full colour, a tenth of a PNG's size: for pages
    that hold many. The heat can no longer be read back to the last digit."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="JPEG", quality=85, subsampling=0)
    return stream.getvalue()


def png(picture: Rgb) -> bytes:
    """The picture as the bytes of a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", optimize=True)
    return stream.getvalue()
