"""What is hidden of a film to see who misses it: the spine, as much beside it, or all else.

A spine is hidden by what surrounds it: the mask, widened by a quarter of the spine's own width, is
filled with a smooth continuation of the film round it (push and pull: the known pixels averaged
over ever larger cells, and laid back from large to small). A flat grey would draw the curve for the
network to see. The price: what is filled has no texture and still has an outline, and an outline
can tell a curve. So the same shape is hidden beside the spine as a control, and the columns of the
spine are hidden in all rows, which leaves no outline but how wide and where they are.

Widths are even on the film, not on the network grid, which may be stretched. A film of which
nothing is left to fill from is not answered for.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.trust.asking.questioning import Image, Mask, Picture

Plane = NDArray[np.float32]
"""(H, W) one channel of an image."""

MARGIN = 0.25
"""By which a mask is widened on every side, as a share of the spine's median width."""
FITS = 0.9
"""Share of the spine's area below which a patch beside it is no control for it."""


def spine_hidden(picture: Picture) -> Image | None:
    """The film with the widened mask filled from round it."""
    return _hidden(picture, hidden_mask(picture))


def control_hidden(picture: Picture) -> Image | None:
    """The film with an equally large patch beside the spine filled in the same way; None, too,
    where the film has no room for `FITS` of it."""
    return _hidden(picture, control_mask(picture))


def columns_hidden(picture: Picture) -> Image | None:
    """The film with all columns of the widened mask filled, in all rows."""
    mask = hidden_mask(picture)
    if mask is None:
        return None
    columns = np.zeros_like(mask)
    columns[:, mask.any(axis=0)] = True
    return _hidden(picture, columns & _content(picture))


def spine_only(picture: Picture) -> Image | None:
    """The widened mask's part of the film; all else, padding too, is the film's mean grey."""
    mask = hidden_mask(picture)
    if mask is None:
        return None
    mean = picture.image[:, *picture.content.slices].mean(axis=(1, 2), keepdims=True)
    return np.where(mask, picture.image, mean).astype(np.float32)


def hidden_mask(picture: Picture) -> Mask | None:
    """(H, W) the spine mask and `MARGIN` round it, on the film; None where there is none."""
    spine = picture.spine
    if spine is None:
        return None
    widths = spine.sum(axis=1)
    columns = max(1.0, MARGIN * float(np.median(widths[widths > 0])))
    per_row, per_column = picture.placement.scale
    rows = max(1.0, columns * per_row / per_column)
    down, right = np.ogrid[-int(rows) : int(rows) + 1, -int(columns) : int(columns) + 1]
    ellipse = (down / rows) ** 2 + (right / columns) ** 2 <= 1
    widened = cv2.dilate(spine.astype(np.uint8), ellipse.astype(np.uint8)).astype(np.bool_)
    return np.asarray(widened & _content(picture))


def control_mask(picture: Picture) -> Mask | None:
    """(H, W) the shape of `hidden_mask` moved sideways, on the film, clear of the spine.

    Moved no farther than it takes: tissue close by is the fair comparison, and air the unfair one.
    Where less than `FITS` of it finds room, its left half is moved left and its right half right;
    None where that does not fit either, or no spine is marked.
    """
    mask = hidden_mask(picture)
    if mask is None:
        return None
    enough = FITS * int(mask.sum())
    whole = _beside(mask, mask, picture, (-1, 1))
    if int(whole.sum()) >= enough:
        return whole
    left = mask & (np.cumsum(mask, axis=1) * 2 <= mask.sum(axis=1, keepdims=True))
    parted = _beside(left, mask, picture, (-1,)) | _beside(mask & ~left, mask, picture, (1,))
    return parted if int(parted.sum()) >= enough else None


def filled(image: Image, unknown: Mask, known: Mask) -> Image:
    """A copy of `image` whose `unknown` pixels continue the `known` ones smoothly.

    `unknown` and `known` are (H, W) and share no pixel; pixels that are neither stay as they are,
    and say nothing. Push and pull (Gortler et al. 1996, "The Lumigraph", section 3.4); what is
    filled lies within the range of what is known, and nothing is filled where nothing is known.
    """
    if not unknown.any() or not known.any():
        return image.copy()
    result = image.copy()
    for plane, source in zip(result, image, strict=True):
        smooth = _push_and_pull(source, known.astype(np.float32))
        plane[unknown] = smooth[unknown].clip(source[known].min(), source[known].max())
    return result


def _push_and_pull(plane: Plane, weight: Plane) -> Plane:
    """(H, W) the plane where `weight` is 1, its continuation where it is 0, mixed in between."""
    height, width = plane.shape
    if weight.min() >= 1 or max(height, width) == 1:
        return plane
    even = ((0, height % 2), (0, width % 2))
    shape = ((height + 1) // 2, 2, (width + 1) // 2, 2)
    weights = np.pad(weight, even).reshape(shape).sum(axis=(1, 3))
    sums = np.pad(plane * weight, even).reshape(shape).sum(axis=(1, 3))
    means = np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 0)
    coarse = _push_and_pull(means, np.minimum(weights, 1))
    above = cv2.resize(coarse, (2 * shape[2], 2 * shape[0]), interpolation=cv2.INTER_LINEAR)[
        :height, :width
    ]
    return np.asarray(weight * plane + (1 - weight) * above, dtype=np.float32)


def _hidden(picture: Picture, mask: Mask | None) -> Image | None:
    known = _content(picture)
    if mask is None or not (known & ~mask).any():
        return None
    return filled(picture.image, mask, known & ~mask)


def _content(picture: Picture) -> Mask:
    inside = np.zeros(picture.image.shape[1:], np.bool_)
    inside[picture.content.slices] = True
    return inside


def _beside(part: Mask, spine: Mask, picture: Picture, sides: tuple[int, ...]) -> Mask:
    """`part` moved sideways, cut to the film and clear of `spine`: the most of it that fits, and of
    equals the nearest; empty where nothing fits."""
    inside, width, whole = _content(picture), part.shape[1], int(part.sum())
    best = np.zeros_like(part)
    for by in range(1, width):
        if int(best.sum()) == whole:
            break
        for side in sides:
            moved = _moved(part, side * by)
            if not (moved & spine).any() and (moved & inside).sum() > best.sum():
                best = moved & inside
    return best


def _moved(mask: Mask, columns: int) -> Mask:
    """The mask moved to the right (to the left below 0); what leaves the grid is lost."""
    moved = np.zeros_like(mask)
    if columns >= 0:
        moved[:, columns:] = mask[:, : mask.shape[1] - columns]
    else:
        moved[:, :columns] = mask[:, -columns:]
    return moved
