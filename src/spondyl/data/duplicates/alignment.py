"""How two pictures lie on each other, and whether they are one exposure.

A few equal-looking corners prove nothing: all spines look alike, and so do lead letters and rulers.
So local features only say how one film would lie on the other, and the proof is the detail between
them: edges a few pixels wide, compared place by place. In one picture they agree nearly everywhere,
bowel gas and lungs included; in two exposures of one patient only the bones do, which is why the
lower quartile is asked and not the mean. The price: a copy with much added noise is another film.

A mirrored placement mirrors its first film before anything else.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.duplicates.fingerprints import (
    LEAST_SIDE,
    Fingerprint,
    Grey,
    Places,
    blurred,
    unit_descriptors,
)

Affine = NDArray[np.float64]
"""(2, 3), applied to (column, row, 1)."""

DETAIL_SIDE = 384
"""Longest side in pixels of the grid on which two films are compared."""
LEAST_INLIERS = 8

_REACHES = (0.03, 0.015, 0.006, 0.006)
"""How far off its place a feature may be, in diagonals, round after round."""
_FLAT = 1.0 / 255
_EMPTY = 0.05 / 255
_WINDOW, _MARGIN = 5.0, 21
_QUANTILE = 0.25
_DAMPING = 0.003


@dataclass(frozen=True, slots=True)
class Evidence:
    """How a film lies on another, and how alike they are where they meet."""

    inliers: int
    """Features of the one that have their like at the right place of the other."""
    scale: float
    """Pixels of the second film for one of the first, on the films as they came."""
    rotation_degrees: float
    """Clockwise, from the first to the second."""
    overlap: float
    """Share of the smaller film's area that lies on the other, 0 … 1."""
    correlation: float
    """Three quarters of the overlap agree better: lower quartile of local correlation, -1 … 1."""


def align(
    first: Fingerprint, second: Fingerprint, turn: complex, shift: complex
) -> Evidence | None:
    """How `first` lies on `second`, beginning at place → turn · place + shift; None if not at all.

    For a mirrored placement `first` is the film's `mirrored()` fingerprint.
    """
    matrix = _similarity(turn, shift)
    diagonal = float(np.hypot(*second.copy.shape))
    for reach in _REACHES:
        mine, theirs = _partners(first, second, matrix, reach * diagonal)
        if len(mine) < LEAST_INLIERS:
            return None
        here, there = first.places[mine], second.places[theirs]
        matrix = (_fitted_affine if reach < 0.01 else _fitted_similarity)(here, there)
    stretches = np.linalg.svd(matrix[:, :2], compute_uv=False)
    if np.linalg.det(matrix[:, :2]) <= 0 or stretches[1] < 0.8 * stretches[0]:
        return None
    back = cv2.invertAffineTransform(matrix)
    bend = _fitted_bend(there / diagonal, here - _moved(there, back))
    overlap, correlation = _likeness(first.copy, second.copy, back, bend)
    return Evidence(
        inliers=len(here),
        scale=float(np.sqrt(stretches.prod())) * first.shrink / second.shrink,
        rotation_degrees=float(np.degrees(np.angle(_turn(matrix)))),
        overlap=overlap,
        correlation=correlation,
    )


def _similarity(turn: complex, shift: complex) -> Affine:
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _turn(matrix: Affine) -> complex:
    return complex(matrix[0, 0] + matrix[1, 1], matrix[1, 0] - matrix[0, 1]) / 2


def _moved(places: Places, matrix: Affine) -> Places:
    along, down, start = matrix[0] + 1j * matrix[1]
    return np.asarray(along * places.real + down * places.imag + start)


def _partners(
    first: Fingerprint, second: Fingerprint, matrix: Affine, reach: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Features that are each other's most alike among those within `reach` pixels."""
    here, there = (
        _moved(first.places, matrix).astype(np.complex64),
        second.places.astype(np.complex64),
    )
    apart = np.square(here.real[:, None] - there.real) + np.square(here.imag[:, None] - there.imag)
    mine, theirs = np.nonzero(apart < reach**2)
    bent = np.log(second.frames[theirs] / (_turn(matrix) * first.frames[mine]))
    fits = np.abs(bent) < 0.4
    mine, theirs = mine[fits], theirs[fits]
    pairs = unit_descriptors(first.descriptors)[mine], unit_descriptors(second.descriptors)[theirs]
    alike = np.einsum("nd,nd->n", *pairs)
    best = np.argsort(-alike, kind="stable")[: int(np.sum(alike > 0.8))]
    mine, theirs = mine[best], theirs[best]
    mutual = np.intersect1d(
        np.unique(mine, return_index=True)[1], np.unique(theirs, return_index=True)[1]
    )
    return mine[mutual], theirs[mutual]


def _fitted_similarity(here: Places, there: Places) -> Affine:
    """The least-squares similarity that takes `here` to `there`."""
    spread = here - here.mean()
    turn = np.vdot(spread, there) / max(np.vdot(spread, spread).real, 1e-9)
    return _similarity(turn, there.mean() - turn * here.mean())


def _fitted_affine(here: Places, there: Places) -> Affine:
    """The least-squares affine map that takes `here` to `there`."""
    known = np.stack((here.real, here.imag, np.ones(len(here))), axis=1)
    wanted = np.stack((there.real, there.imag), axis=1)
    return np.asarray(np.linalg.lstsq(known, wanted, rcond=None)[0].T)


def _bend_terms(places: Places) -> NDArray[np.float64]:
    column, row = places.real, places.imag
    ones = np.ones_like(row)
    return np.stack((ones, column, row, column**2, column * row, row**2), axis=-1)


def _fitted_bend(places: Places, off: Places) -> Places:
    """(6,) the quadratic bend of `places` (in diagonals) that explains `off` (pixels), damped.

    A film photographed from a screen is a little bent. The damping keeps few features from bending
    much, and the worst fifth of the features have no say.
    """
    terms = _bend_terms(places - 0.25 * (1 + 1j))
    kept = np.full(len(off), True)
    bend = np.zeros(6, np.complex128)
    for _ in range(3):
        some = terms[kept]
        bend = np.linalg.solve(some.T @ some + _DAMPING * np.eye(6), some.T @ off[kept])
        error = np.abs(off - terms @ bend)
        kept = error <= np.quantile(error, 0.8)
    return np.asarray(bend)


def _likeness(
    first: NDArray[np.uint8], second: NDArray[np.uint8], back: Affine, bend: Places
) -> tuple[float, float]:
    """Overlap and lower quartile of local correlation, on a grid no finer than the coarser film's.

    Where one of them is empty (a border, burnt-out air) nothing can be compared: such places and
    their neighbourhood are left out.
    """
    on_second, step = _meeting_grid(first.shape, second.shape, back)
    if min(on_second.shape) < LEAST_SIDE:
        return 0.0, 0.0
    terms = _bend_terms(on_second / np.hypot(*second.shape) - 0.25 * (1 + 1j))
    on_first = _moved(on_second, back) + terms @ bend
    shrink = float(np.sqrt(np.linalg.det(back[:, :2])))
    mine, mine_there = _laid(first, on_first, step * shrink)
    theirs, theirs_there = _laid(second, on_second, step)
    both = mine_there & theirs_there
    smaller = min(second.size, first.size / shrink**2)
    overlap = min(1.0, float(both.sum() * step**2 / smaller))
    details = [_detail(grey) for grey in (mine, theirs)]
    full = [blurred(np.square(detail), 1) > _EMPTY**2 for detail in details]
    strengths = [np.sqrt(blurred(np.square(detail), _WINDOW)) for detail in details]
    told = _eroded(both & _eroded(full[0] & full[1], _MARGIN), 5) & (np.minimum(*strengths) > _FLAT)
    if np.sum(told) < LEAST_SIDE**2:
        return overlap, 0.0
    local = blurred(details[0] * details[1], _WINDOW)[told] / (strengths[0] * strengths[1])[told]
    return overlap, float(np.quantile(local, _QUANTILE))


def _meeting_grid(
    first: tuple[int, ...], second: tuple[int, ...], back: Affine
) -> tuple[Places, float]:
    """(h, w) places on `second` that cover the overlap, and the step between them."""
    height, width = first
    corners = np.array([0, width - 1, 1j * (height - 1), width - 1 + 1j * (height - 1)])
    moved = _moved(corners, cv2.invertAffineTransform(back))
    left, right = max(moved.real.min(), 0), min(moved.real.max(), second[1] - 1)
    top, bottom = max(moved.imag.min(), 0), min(moved.imag.max(), second[0] - 1)
    coarser = 1 / float(np.sqrt(np.linalg.det(back[:, :2])))
    step = max(1.0, coarser, (right - left) / DETAIL_SIDE, (bottom - top) / DETAIL_SIDE)
    columns, rows = np.arange(left, right, step), np.arange(top, bottom, step)
    return columns[None] + 1j * rows[:, None], step


def _laid(film: NDArray[np.uint8], places: Places, step: float) -> tuple[Grey, NDArray[np.bool_]]:
    """`film` in [0, 1] at `places` that are `step` pixels apart, and which of them are on it."""
    soft = blurred(np.float32(1 / 255) * film.astype(np.float32), max(0.5 * step, 0.3))
    columns, rows = places.real.astype(np.float32), places.imag.astype(np.float32)
    laid = cv2.remap(soft, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    height, width = film.shape
    there = (columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1)
    return np.asarray(laid), np.asarray(there)


def _eroded(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    square = np.ones((side, side), np.uint8)
    return np.asarray(cv2.erode(mask.astype(np.uint8), square, borderValue=0) > 0)


def _detail(grey: Grey) -> Grey:
    return blurred(grey, 1) - blurred(grey, 3)
