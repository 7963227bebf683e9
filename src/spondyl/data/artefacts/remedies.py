"""Films without what is no anatomy: rims cut off, letters and lines painted over, one aspect.

Only what was found is removed, and a filling is smoother than film, so a place that was painted
over can still be told from others. Whether a remedy helps is to be measured. Seams stay: no pixel
of them could be made up without making up anatomy.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.artefacts.border import rims_of
from spondyl.data.artefacts.copying import Copy, Grey, Mask
from spondyl.data.artefacts.lettering import Letter, letters_of
from spondyl.data.artefacts.lines import lines_of
from spondyl.data.artefacts.words import markers_and_text
from spondyl.data.pixels import SMALLEST_SIDE, Pixels
from spondyl.data.placement import Window
from spondyl.errors import SpondylError

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Red, green, blue, as `pixels` weighs them."""
_FAINTEST = 0.25
"""Of a letter's contrast: what is less bright round it is left alone."""
_ROUND_LETTER = 3
"""Pixels of the copy round a letter's box in which its ink is looked for."""
_LINE_WIDE = 5
"""Pixels of the copy that are painted over along a line."""
_REACH = 3.0
"""Pixels of the copy from which a filling is taken."""
_SOFT = 3
"""Pixels of the copy over which a filling fades into the film."""


def without_border(pixels: Pixels) -> tuple[Pixels, Window]:
    """The film within its rims, and the window of the film that this is.

    A film without rims is handed back whole. What would be smaller than a film can be is not cut.
    """
    height, width = pixels.size
    share = {rim.side: rim.share for rim in rims_of(Copy.of(pixels))}
    window = Window(
        math.ceil(share.get("top", 0.0) * height),
        math.ceil(share.get("left", 0.0) * width),
        height - math.ceil(share.get("bottom", 0.0) * height),
        width - math.ceil(share.get("right", 0.0) * width),
    )
    if min(window.size) < SMALLEST_SIDE or not share:
        window = Window.whole(pixels.size)
    return _cut(pixels, window), window


def common_aspect(pixels: Pixels, aspect: float) -> Pixels:
    """The film cut about its middle to `aspect`, width / height, as nearly as whole pixels allow.

    Raises `SpondylError` where `aspect` is no positive number or leaves less than a film.
    """
    if not (math.isfinite(aspect) and aspect > 0):
        raise SpondylError(
            f"an aspect of {aspect:g}: not possible", "Give width / height, a number above 0."
        )
    height, width = pixels.size
    tall, wide = min(height, round(width / aspect)), min(width, round(height * aspect))
    if min(tall, wide) < SMALLEST_SIDE:
        raise SpondylError(
            f"a film of {height} × {width} pixels cut to an aspect of {aspect:g}: {tall} × {wide}",
            f"At least {SMALLEST_SIDE} pixels a side are needed; choose a milder aspect.",
        )
    top, left = (height - tall) // 2, (width - wide) // 2
    return _cut(pixels, Window(top, left, top + tall, left + wide))


def painted_out(pixels: Pixels) -> Pixels:
    """The film with its markers, text and drawn lines filled from what surrounds them (Telea 2004).

    A film on which none was found is handed back as it is.
    """
    copy = Copy.of(pixels)
    ink = _ink(copy)
    if not ink.any():
        return pixels
    soft = _soft(ink, pixels.size)
    if pixels.rgb is None or copy.rgb is None:
        return replace(pixels, grey=_blended(pixels.grey, _filled(copy.grey, ink), soft))
    channels = [
        _blended(film, _filled(small, ink), soft)
        for film, small in zip(_channels(pixels.rgb), _channels(copy.rgb), strict=True)
    ]
    rgb = np.stack(channels, axis=2)
    return replace(pixels, grey=np.minimum(rgb @ _LUMA, np.float32(1)), rgb=rgb)


def _channels(rgb: Grey) -> list[Grey]:
    """Red, green and blue, each (h, w)."""
    return [np.ascontiguousarray(rgb[..., place]) for place in range(3)]


def _cut(pixels: Pixels, window: Window) -> Pixels:
    """The part of a film in `window`; its facts stay those of the file."""
    rgb = None if pixels.rgb is None else np.ascontiguousarray(pixels.rgb[window.slices])
    return replace(pixels, grey=np.ascontiguousarray(pixels.grey[window.slices]), rgb=rgb)


def _ink(copy: Copy) -> Mask:
    """(h, w) where the copy shows ink, a little wider than it is."""
    ink = np.zeros(copy.size, np.uint8)
    for group in markers_and_text(letters_of(copy), copy.longer):
        for word in group:
            for letter in word.letters:
                _add_letter(ink, copy.grey, letter)
    ink = cv2.dilate(ink, np.ones((3, 3), np.uint8))
    for line in lines_of(copy):
        start, end = ((round(column), round(row)) for row, column in (line.start, line.end))
        cv2.line(ink, start, end, 1, _LINE_WIDE)
    return np.asarray(ink > 0)


def _add_letter(ink: NDArray[np.uint8], grey: Grey, letter: Letter) -> None:
    """Marks what is as bright as a letter in its box and just round it, all that it surrounds and
    that is bright included."""
    rows = slice(max(0, letter.top - _ROUND_LETTER), letter.bottom + _ROUND_LETTER)
    columns = slice(max(0, letter.left - _ROUND_LETTER), letter.right + _ROUND_LETTER)
    bright = grey[rows, columns] > letter.ground + _FAINTEST * (letter.ink - letter.ground)
    ink[rows, columns] |= bright.astype(np.uint8)


def _filled(values: Grey, ink: Mask) -> Grey:
    """(h, w) with what is under `ink` filled from round it."""
    whole = np.rint(values * 255).astype(np.uint8)
    filled = cv2.inpaint(whole, ink.astype(np.uint8), _REACH, cv2.INPAINT_TELEA)
    return np.asarray(filled / np.float32(255), np.float32)


def _soft(ink: Mask, size: tuple[int, int]) -> Grey:
    """(height, width) of the film: 1 on ink, falling to 0 where nothing is changed."""
    near = cv2.dilate(ink.astype(np.float32), np.ones((3, 3), np.uint8))
    soft = np.maximum(cv2.blur(near, (_SOFT, _SOFT)), ink)
    return _on_film(np.asarray(soft, np.float32), size)


def _blended(film: Grey, filling: Grey, soft: Grey) -> Grey:
    """The film where `soft` is 0, the filling where it is 1."""
    mixed = film + soft * (_on_film(filling, film.shape) - film)
    return np.asarray(np.where(soft > 0, mixed, film), np.float32)


def _on_film(values: Grey, size: tuple[int, ...]) -> Grey:
    if values.shape == tuple(size):
        return values
    large = cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)
