"""A heatmap drawn over its film, so that hotter is never drawn colder. Pixels only, no layout.

Heat adds a colour from red to yellow, with blue left out and opacity rising in proportion. Red
minus blue at a pixel is then the opacity itself, whatever grey the film has there: the heat can be
read back from the picture, and no film pixel can make a hotter spot look colder than its neighbour.
Heat against the label is the same in a mirror: blue to cyan with red left out, so red minus blue is
the signed opacity; orange and blue stay apart for every common colour blindness.

Where colour is lost, lines are drawn: heat as a grey could not be told from the film's. The price
is that lines show the three levels they stand at and nothing between.
"""

from __future__ import annotations

import contourpy
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

OPACITY = 0.7
"""Opacity of the hottest value."""
LEVELS = (0.25, 0.5, 0.75)
"""Shares of the scale at which lines are drawn."""
WEIGHTS = (1.2, 2.2, 3.4)
"""Width of each level's line, in pixels of a picture no side of which is longer than 450."""
RIM = 1.2
"""Pixels of the other colour on both sides of a line, in the same measure."""
PAPER = 0.4
"""Grey that black becomes where a film is lightened for print; white stays white."""

Rgb = NDArray[np.uint8]
Film = NDArray[np.float32]
"""(H, W) in [0, 1], bright = dense."""
Heat = NDArray[np.float32]
"""(H, W) on the film's grid, in any unit; `Placement.on_image` brings a map there."""

_FINER = 4
"""Lines are drawn on a grid so many times finer, so that their widths need not be whole pixels."""
_SUBPIXEL_BITS = 4


def draw(film: Film, heat: Heat, scale: float) -> Rgb:
    """The film (H, W) in [0, 1] under the heat (H, W), as (H, W, 3).

    `scale` is the value drawn hottest: the map's own peak, or one for a whole page, so that weak
    maps look weak. Negative heat, and all heat where `scale` is not positive, leaves the film as
    it is.
    """
    return draw_signed(film, np.maximum(heat, 0), scale)


def draw_signed(film: Film, heat: Heat, scale: float) -> Rgb:
    """The film under heat for the label, red to yellow, and against it, blue to cyan.

    Shapes as for `draw`. `scale` is the magnitude drawn strongest, on both sides; 0 is transparent,
    and all heat where `scale` is not positive.
    """
    share = np.clip(heat / scale, -1, 1) if scale > 0 else np.zeros_like(heat)
    strength = np.abs(share)
    opacity = (OPACITY * strength)[..., None]
    colour = np.stack([share > 0, strength, share < 0], axis=-1)
    return _bytes((1 - opacity) * film[..., None] + opacity * colour)


def draw_lines(film: Film, heat: Heat, scale: float) -> Rgb:
    """The film with lines around its heat and no colour: for a screen, or beside a colour plate."""
    return contours(bare(film), heat, scale)


def draw_with_lines(film: Film, heat: Heat, scale: float) -> Rgb:
    """The film under its heat and lines around it: as `draw`, and legible where colour is not."""
    return contours(draw(film, heat, scale), heat, scale)


def draw_for_print(film: Film, heat: Heat, scale: float) -> Rgb:
    """The film lightened, with black lines around its heat: nothing is lost in black and white.

    Heat is drawn by lines alone and changes no grey between them. Shapes as for `draw`.
    """
    return contours(bare(PAPER + (1 - PAPER) * film), heat, scale, line=0, rim=255)


def contours(picture: Rgb, heat: Heat, scale: float, *, line: int = 255, rim: int = 0) -> Rgb:
    """The picture (H, W, 3) with lines where the heat (H, W) crosses `LEVELS` of the scale.

    Lines grow heavier with the level and have a rim of the other grey (0 … 255), so they are seen
    on any film and told apart without colour. Negative heat has no lines, nor has any where `scale`
    is not positive.
    """
    lined = picture.astype(np.float32)
    if scale > 0:
        pixel = max(1.0, max(picture.shape) / 450)
        contour = contourpy.contour_generator(z=heat, line_type=contourpy.LineType.Separate)
        for level, weight in zip(LEVELS, WEIGHTS, strict=True):
            paths = [np.asarray(path) for path in contour.lines(level * scale)]
            for grey, width in ((rim, weight + 2 * RIM), (line, weight)):
                cover = _stroked(paths, width * pixel, heat.shape)
                lined += cover[..., None] * (grey - lined)
    return np.rint(lined).astype(np.uint8)


def bare(film: Film) -> Rgb:
    """The film (H, W) in [0, 1] alone, as (H, W, 3)."""
    return _bytes(np.repeat(film[..., None], 3, axis=2))


def shrunk(film: Film, longest: int) -> Film:
    """The film (H, W), no side longer than `longest` pixels, aspect kept."""
    factor = min(1.0, longest / max(film.shape))
    size = (max(1, round(film.shape[1] * factor)), max(1, round(film.shape[0] * factor)))
    picture = Image.fromarray(np.ascontiguousarray(film, dtype=np.float32))
    small = np.asarray(picture.resize(size, Image.Resampling.BILINEAR), dtype=np.float32)
    return np.clip(small, 0, 1)


def _bytes(shares: NDArray[np.float32]) -> Rgb:
    return np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8)


def _stroked(
    paths: list[NDArray[np.float64]], width: float, size: tuple[int, ...]
) -> NDArray[np.float32]:
    """(H, W): the share of each pixel that lines of `width` pixels along `paths`, (x, y), cover."""
    sheet = np.zeros((size[0] * _FINER, size[1] * _FINER), dtype=np.uint8)
    finer = [(path + 0.5) * _FINER - 0.5 for path in paths]
    points = [np.rint(path * 2**_SUBPIXEL_BITS).astype(np.int32) for path in finer]
    even = 2 * round((width * _FINER - 1) / 2)  # OpenCV draws an even thickness one wider
    cv2.polylines(sheet, points, False, 255, max(1, even), shift=_SUBPIXEL_BITS)
    covered = cv2.resize(sheet, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(covered / 255, dtype=np.float32)
