"""What a film's name says about where a heatmap should be hot, asked of the map, beside chance.

A name such as "Rt TAIS" gives the side and the region of a curve, "Olisthesis L4-5" the level that
slipped. That is weak truth: it names half a film, or a third, not a place. So each question comes
with its chance, and what is not stated, or is stated so that either answer would be right (a double
curve), is not asked. Two assumptions are the price. A picture shows the patient's right at the
viewer's left; where a film was flipped, or filmed and shown from behind, the side is wrong, and
nothing in the picture tells. And without landmarks the film is taken to be a picture of the whole
column, though many show the lumbar spine alone; an answer says on what it rests.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from spondyl.data.levels import VERTEBRAE
from spondyl.data.radiograph import NOT_STATED, Radiograph, Region
from spondyl.data.regions import Regions
from spondyl.errors import SpondylError

Question = Literal["side", "region", "slipped level"]
Measure = Literal["peak", "energy"]
Basis = Literal["film", "mask", "landmarks"]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MEASURES: tuple[Measure, ...] = ("peak", "energy")
_LOW = {"L4", "L5"}  # upper vertebrae of the levels that lie in a film's lower half
_OPPOSITE: dict[str, Literal["left", "right"]] = {"left": "right", "right": "left"}
_LEVEL = re.compile(r"([TL])(\d+)-([TLS])?(\d+)", re.IGNORECASE)
_ENDS = 0.1  # share of the mask's rows at either end that fix the midline
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Hit:
    """One question to one heatmap."""

    question: Question
    measure: Measure
    """Whether all of the largest value ("peak"), or more than half of the energy, is there."""
    basis: Basis
    """What the asked part of the film was derived from."""
    stated: bool
    """Whether the film's facts give the question an answer."""
    hit: bool | None
    """None where nothing is stated, and for a map without positive values, which has no peak."""
    chance: float | None
    """Share of all cyclic shifts of this very map over its film that hit, 0 … 1; None like `hit`.
    For one peak that is the part's share of the film; a flat map gets 0 or 1."""


@dataclass(frozen=True, slots=True)
class Count:
    """The answers to one question, by one measure, on one basis."""

    question: Question
    measure: Measure
    basis: Basis
    n_films: int
    n_stated: int
    n_answered: int
    """Stated, and the map had a positive value."""
    n_hits: int
    n_by_chance: float
    """Sum of the chances of those answered: the hits of maps laid blindly."""


def hits(
    heat: NDArray[np.floating],
    film: Radiograph,
    regions: Regions | None = None,
    patient_right: Literal["left", "right"] = "left",
) -> tuple[Hit, ...]:
    """Every question by every measure, asked of `heat` (H, W) on the image grid of `film`.

    `patient_right` is the side of the picture on which the patient's right lies. The energy is
    the sum of the positive values. Raises ValueError where `heat` or `regions` are of another size
    or not finite, and `SpondylError` for a spine mask that is empty.
    """
    size = (film.file.height, film.file.width)
    if heat.shape != size or (regions is not None and regions.image_size != size):
        raise ValueError(f"{heat.shape} and {regions and regions.image_size} on a film of {size}")
    if not np.isfinite(heat).all():
        raise ValueError("a heatmap with values that are not finite")
    parts: tuple[tuple[Question, Basis, Mask | None], ...] = (
        ("side", *_side_part(film, size, regions, patient_right)),
        ("region", *_region_part(film, size, regions)),
        ("slipped level", *_level_part(film, size, regions)),
    )
    weights = {measure: _weights(heat, measure) for measure in MEASURES}
    return tuple(
        _asked(question, measure, basis, part, weights[measure])
        for question, basis, part in parts
        for measure in MEASURES
    )


def counted(hits: Iterable[Hit]) -> tuple[Count, ...]:
    """How many answers of each question, measure and basis there are, in order of appearance."""
    alike: dict[tuple[Question, Measure, Basis], list[Hit]] = defaultdict(list)
    for hit in hits:
        alike[hit.question, hit.measure, hit.basis].append(hit)
    return tuple(
        Count(
            *kind,
            n_films=len(found),
            n_stated=sum(hit.stated for hit in found),
            n_answered=sum(hit.hit is not None for hit in found),
            n_hits=sum(hit.hit is True for hit in found),
            n_by_chance=float(sum(hit.chance for hit in found if hit.chance is not None)),
        )
        for kind, found in alike.items()
    )


def midline(size: tuple[int, int], regions: Regions | None = None) -> tuple[Floats, Basis]:
    """(H,) column of the midline in each row, and what it was derived from.

    The film's middle column; or, with a mask, the straight line between the ends of the spine (mean
    places of the uppermost and lowest tenth of the mask's rows), carried on beyond them. The line
    is straight because a curve's side is that of its apex from the line between its ends: a
    midline that bent with the spine would run through every apex. With 68 landmarks and no mask
    it joins the middles of T1 and L5.
    """
    height, width = size
    if regions is not None and regions.spine_mask is not None:
        upper, lower = _mask_ends(regions.spine_mask)
        basis: Basis = "mask"
    elif (corners := _corners(regions)) is not None:
        upper, lower = corners[0].mean(axis=0), corners[-1].mean(axis=0)
        basis = "landmarks"
    else:
        return np.full(height, (width - 1) / 2), "film"
    slope = (lower[1] - upper[1]) / (lower[0] - upper[0]) if lower[0] > upper[0] else 0.0
    return upper[1] + (np.arange(height) - upper[0]) * slope, basis


def _mask_ends(mask: Mask) -> tuple[Floats, Floats]:
    """Mean (row, column) of the centre line over the first and the last tenth of its rows."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        raise SpondylError(
            "a spine mask without a single pixel", "Mark the spine, or leave the mask out."
        )
    centres = mask[rows] @ np.arange(mask.shape[1]) / mask[rows].sum(axis=1)
    n = max(1, round(_ENDS * len(rows)))
    line = np.column_stack((rows, centres))
    return line[:n].mean(axis=0), line[-n:].mean(axis=0)


def _corners(regions: Regions | None) -> Floats | None:
    """(17, 4, 2) corners of T1 … L5; None where the landmarks are not of just those."""
    if regions is None or regions.landmarks is None:
        return None
    if len(regions.landmarks) != 4 * len(VERTEBRAE):
        return None
    return regions.landmarks.astype(np.float64).reshape(-1, 4, 2)


def _side_part(
    film: Radiograph,
    size: tuple[int, int],
    regions: Regions | None,
    patient_right: Literal["left", "right"],
) -> tuple[Basis, Mask | None]:
    """The pixels on the convex side of the midline; those on the line itself are on no side."""
    line, basis = midline(size, regions)
    sides = {curve.side for curve in film.curves}
    if len(sides) != 1 or NOT_STATED in sides or film.view in ("lateral", "other"):
        return basis, None
    from_line = np.arange(size[1]) - line[:, np.newaxis]
    in_picture = patient_right if sides == {"right"} else _OPPOSITE[patient_right]
    return basis, from_line < -_ROUNDING if in_picture == "left" else from_line > _ROUNDING


def _region_part(
    film: Radiograph, size: tuple[int, int], regions: Regions | None
) -> tuple[Basis, Mask | None]:
    """The rows in which an apex of the stated region lies."""
    corners = _corners(regions)
    bands = _film_bands(size[0]) if corners is None else _spine_bands(corners)
    stated = {curve.region for curve in film.curves}
    band = bands.get(stated.pop()) if len(stated) == 1 else None
    return _basis(corners), None if band is None else _rows(size, [band])


def _film_bands(height: int) -> dict[Region, tuple[float, float]]:
    """Upper half, middle third and lower half; edges lie half a pixel outside the centres."""
    middle, third = (height - 1) / 2, height / 3
    return {
        "thoracic": (-0.5, middle),
        "thoracolumbar": (third - 0.5, 2 * third - 0.5),
        "lumbar": (middle, height - 0.5),
    }


def _spine_bands(corners: Floats) -> dict[Region, tuple[float, float]]:
    """Where apices of each region lie, in the terms of the Scoliosis Research Society.

    Thoracic from T2 to the disc below T11, thoracolumbar T12 and L1, lumbar from the disc below L1
    to L4.
    """
    above_t12, below_l1 = _plates(corners, "T12")[0], _plates(corners, "L1")[1]
    return {
        "thoracic": (_plates(corners, "T2")[0], above_t12),
        "thoracolumbar": (above_t12, below_l1),
        "lumbar": (below_l1, _plates(corners, "L4")[1]),
    }


def _level_part(
    film: Radiograph, size: tuple[int, int], regions: Regions | None
) -> tuple[Basis, Mask | None]:
    """The rows of the two vertebrae of each stated level, all levels together.

    S1 has no landmarks and is given the height of L5. Without landmarks it is the film's lower
    half, where L4 and all below it are taken to lie on films of the whole column and of its lumbar
    part alike; of a higher level that cannot be said, and it is not asked.
    """
    corners, uppers = _corners(regions), _slipped(film.slip_level)
    if corners is not None and uppers:
        return "landmarks", _rows(size, [_level_band(corners, upper) for upper in uppers])
    if corners is None and uppers and set(uppers) <= _LOW:
        return "film", _rows(size, [_film_bands(size[0])["lumbar"]])
    return _basis(corners), None


def _slipped(stated: str) -> list[str]:
    """The upper vertebra of each level in words such as "L4-5, L5-S1"; none where one is odd."""
    uppers: list[str] = []
    for level in stated.split(","):
        read = _LEVEL.fullmatch(level.strip())
        if read is None:
            return []
        upper = f"{read[1]}{read[2]}".upper()
        lower = f"{read[3] or read[1]}{read[4]}".upper()
        if (upper, lower) not in pairwise((*VERTEBRAE, "S1")):
            return []
        uppers.append(upper)
    return uppers


def _level_band(corners: Floats, upper: str) -> tuple[float, float]:
    top, below = _plates(corners, upper)
    if upper == VERTEBRAE[-1]:
        return top, below + (below - top)
    return top, _plates(corners, VERTEBRAE[VERTEBRAE.index(upper) + 1])[1]


def _plates(corners: Floats, vertebra: str) -> tuple[float, float]:
    """Mean rows of the upper and of the lower end plate."""
    rows = corners[VERTEBRAE.index(vertebra), :, 0]
    return float(rows[:2].mean()), float(rows[2:].mean())


def _basis(corners: Floats | None) -> Basis:
    return "film" if corners is None else "landmarks"


def _rows(size: tuple[int, int], bands: Sequence[tuple[float, float]]) -> Mask:
    """(H, W) of the rows strictly between the ends of any band."""
    row = np.arange(size[0])
    inside = np.any([(row > top) & (row < bottom) for top, bottom in bands], axis=0)
    return np.broadcast_to(inside[:, np.newaxis], size)


def _weights(heat: NDArray[np.floating], measure: Measure) -> Floats | None:
    """(H, W) that sum to 1: equal on the largest values, or the positive part; None without any."""
    positive = np.clip(heat.astype(np.float64), 0, None)
    if positive.max() == 0:
        return None
    chosen = (positive == positive.max()).astype(np.float64) if measure == "peak" else positive
    chosen /= chosen.max()  # first, so that no sum is too small or too large to divide by
    return np.asarray(chosen / chosen.sum())


def _asked(
    question: Question, measure: Measure, basis: Basis, part: Mask | None, weights: Floats | None
) -> Hit:
    """One answer; its chance is read off the cyclic correlation of weights and part."""
    if part is None or weights is None:
        return Hit(question, measure, basis, part is not None, None, None)
    for axis in (0, 1):
        if (part == part.take([0], axis)).all():  # shifts along it change nothing: sum it away
            part, weights = part.take([0], axis), weights.sum(axis, keepdims=True)
    needed = 1 - _ROUNDING if measure == "peak" else 0.5 + _ROUNDING
    spectrum = fft.rfft2(part.astype(np.float64)) * np.conj(fft.rfft2(weights))
    shifted = fft.irfft2(spectrum, part.shape)
    share = float(weights[part].sum())
    return Hit(question, measure, basis, True, share > needed, float((shifted > needed).mean()))
