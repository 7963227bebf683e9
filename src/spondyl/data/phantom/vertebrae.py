"""Vertebrae and sacrum on a film, from the front and from the side.

A vertebra is drawn in its own frame: u runs from its left to its right edge, v from its upper to
its lower end plate, both 0 … 1 on the body; processes lie outside that square. Shapes seen from the
side are written for a person who looks left.
"""

from __future__ import annotations

import numpy as np

from spondyl.data.levels import Floats
from spondyl.data.phantom.anatomy import BODIES, LEVELS, SLIP_LEVELS, Column, Facing, Slip
from spondyl.data.phantom.attenuation import Canvas

_ROUND = np.linspace(0, 2 * np.pi, 16, endpoint=False)
_LUMBAR = LEVELS.index("L1")

# fmt: off
_WAISTED = np.array([
    (0, 0), (0.5, 0.03), (1, 0), (0.95, 0.3), (0.935, 0.5), (0.95, 0.7),
    (1, 1), (0.5, 0.97), (0, 1), (0.05, 0.7), (0.065, 0.5), (0.05, 0.3),
])
_UPPER_PLATE = np.array([(0.01, 0.02), (0.3, 0.06), (0.7, 0.06), (0.99, 0.02)])
_LOWER_PLATE = np.array([(0.01, 0.98), (0.3, 0.94), (0.7, 0.94), (0.99, 0.98)])
_TEARDROP = np.array([
    (0.46, 0.4), (0.54, 0.4), (0.575, 0.9), (0.55, 1.08), (0.45, 1.08), (0.425, 0.9),
])
_TRANSVERSE = np.array([
    (0.02, 0.2), (-0.22, 0.12), (-0.4, 0.2), (-0.38, 0.34), (-0.18, 0.36), (0.02, 0.45),
])
_LAMINA = np.array([
    (0.12, 0.5), (0.36, 0.62), (0.64, 0.62), (0.88, 0.5),
    (0.8, 1.12), (0.62, 0.86), (0.38, 0.86), (0.2, 1.12),
])
_SACRUM = np.array([
    (0, 0), (1, 0), (1.45, 0.15), (1.4, 1.2), (1.1, 2.2), (0.75, 3.2), (0.62, 3.9),
    (0.38, 3.9), (0.25, 3.2), (-0.1, 2.2), (-0.4, 1.2), (-0.45, 0.15),
])
_PEDICLE = np.array([(0.96, 0.08), (1.3, 0.12), (1.36, 0.46), (0.96, 0.48)])
_FACET = np.array([
    (1.24, 0.1), (1.3, -0.28), (1.42, -0.3), (1.46, 0.3), (1.56, 0.7),
    (1.52, 1.22), (1.4, 1.25), (1.36, 0.8),
])
_LUMBAR_SPINE = np.array([
    (1.44, 0.45), (1.8, 0.5), (2.25, 0.62), (2.3, 1.1), (2.1, 1.2), (1.75, 1.0), (1.46, 0.85),
])
_THORACIC_SPINE = np.array([
    (1.4, 0.4), (1.7, 0.7), (2.3, 1.6), (2.2, 1.85), (1.75, 1.3), (1.4, 0.9),
])
_SACRUM_WEDGE = np.array([
    (0, 0), (1, 0), (1.2, 0.7), (1.12, 1.7), (0.9, 2.8), (0.6, 3.7), (0.42, 3.7),
    (0.4, 2.8), (0.3, 1.8), (0.1, 0.9),
])
_SACRUM_BACK = np.array([(1.0, 0.0), (1.12, 0.8), (1.05, 1.8), (0.84, 2.8)])
# fmt: on


def placed(corners: Floats, shape: Floats) -> Floats:
    """(k, n, 2) points of `shape` (n, 2), given as (u, v), on each body of `corners` (k, 4, 2)."""
    u, v = shape[:, 0], shape[:, 1]
    weights = np.stack(((1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v))
    on: Floats = np.einsum("kcd,cn->knd", corners, weights)
    return on


def oval(u: float, v: float, half_u: float, half_v: float) -> Floats:
    """(16, 2) outline of an ellipse about (u, v)."""
    return np.stack((u + half_u * np.cos(_ROUND), v + half_v * np.sin(_ROUND)), axis=1)


def faced(shape: Floats, facing: Facing) -> Floats:
    """A `shape` (n, 2) of a person who looks left, as it is on one who looks `facing`; (u, v)."""
    return shape if facing == "left" else shape * (-1, 1) + (1, 0)


def frontal_spine(canvas: Canvas, column: Column, slip: Slip | None) -> None:
    """The column from the front: bodies, end plates, pedicles, processes; a slip's dense band."""
    corners, turn = column.corners[:-1], column.turn[:-1]
    _bodies(canvas, corners, 0.42)
    _end_plates(canvas, corners, 0.34)
    canvas.fill(_turned_shape(corners, _LAMINA, turn), 0.16, soft_mm=0.8)
    canvas.fill(_turned_shape(corners, _TEARDROP, 1.6 * turn), 0.34, soft_mm=0.5)
    for shape in (_TRANSVERSE, faced(_TRANSVERSE, "right")):
        canvas.fill(placed(corners[BODIES.start :], shape), 0.2, soft_mm=0.8)
    pedicles = np.concatenate(
        [_turned_shape(corners, oval(side, 0.36, 0.09, 0.22), turn) for side in (0.17, 0.83)]
    )
    canvas.fill(pedicles, 0.14)
    canvas.stroke(pedicles, 1.7, 0.42, closed=True)
    if slip is not None:
        slipped = LEVELS.index(SLIP_LEVELS[slip.level])
        _napoleons_hat(canvas, column.corners[slipped : slipped + 1], slip.fraction)


def lateral_spine(canvas: Canvas, column: Column, facing: Facing) -> None:
    """The column from the side; where it is tilted or turned, its contours are doubled."""
    corners = column.corners[:-1]
    for contour in _near_and_far(column):
        _bodies(canvas, contour, 0.3)
        _end_plates(canvas, contour, 0.24)
        for u, waist in ((0.01, 0.055), (0.99, 0.945)):
            wall = np.array([(u, 0), (waist, 0.5), (u, 1)])
            canvas.stroke(placed(contour, wall), 1.2, 0.14)
    canvas.fill(placed(corners, faced(_PEDICLE, facing)), 0.34, soft_mm=0.6)
    canvas.fill(placed(corners, faced(_FACET, facing)), 0.3, soft_mm=0.9)
    canvas.fill(placed(corners[_LUMBAR:], faced(_LUMBAR_SPINE, facing)), 0.3, soft_mm=0.9)
    canvas.fill(placed(corners[:_LUMBAR], faced(_THORACIC_SPINE, facing)), 0.24, soft_mm=1.2)


def frontal_sacrum(canvas: Canvas, column: Column) -> None:
    """The sacrum from the front: plate, foramina in pairs, median crest."""
    base = column.corners[-1:]
    canvas.fill(placed(base, _SACRUM), 0.36, soft_mm=1.0)
    canvas.stroke(placed(base, _UPPER_PLATE), 1.6, 0.34)
    canvas.stroke(placed(base, _SACRUM), 1.4, 0.14, closed=True)
    holes = [oval(u, v, 0.07, 0.13) for v in (0.75, 1.5, 2.2) for u in (0.26, 0.74)]
    canvas.fill([placed(base, hole)[0] for hole in holes], -0.22, soft_mm=0.8)
    crest = [oval(0.5, v, 0.035, 0.2) for v in (0.75, 1.45, 2.15, 2.8)]
    canvas.fill([placed(base, bump)[0] for bump in crest], 0.16, soft_mm=0.6)


def lateral_sacrum(canvas: Canvas, column: Column, facing: Facing) -> None:
    """The sacrum from the side: a wedge with the remains of its discs."""
    base = column.corners[-1:]
    canvas.fill(placed(base, faced(_SACRUM_WEDGE, facing)), 0.5, soft_mm=0.8)
    canvas.stroke(placed(base, _UPPER_PLATE), 1.9, 0.44)
    canvas.stroke(placed(base, faced(_SACRUM_BACK, facing)), 1.8, 0.3)
    discs = [np.array([(0.12 + v / 14, v), (1.02 - v / 12, v - 0.03)]) for v in (1.05, 1.9, 2.7)]
    canvas.stroke([placed(base, faced(disc, facing))[0] for disc in discs], 1.4, 0.2)


def _bodies(canvas: Canvas, corners: Floats, depth: float) -> None:
    """Neighbours lie in different layers, so that bodies that overlap add up."""
    outlines = placed(corners, _WAISTED)
    for start in (0, 1):
        canvas.fill(outlines[start::2], depth, soft_mm=0.5)
    canvas.stroke(outlines, 1.3, 0.35 * depth, closed=True)


def _end_plates(canvas: Canvas, corners: Floats, depth: float) -> None:
    canvas.stroke(placed(corners, _UPPER_PLATE), 1.8, depth)
    canvas.stroke(placed(corners, _LOWER_PLATE), 1.8, depth)


def _turned_shape(corners: Floats, shape: Floats, turn: Floats) -> Floats:
    """`shape` on every vertebra, moved sideways by its axial rotation `turn` (k,)."""
    across = corners[:, 1] - corners[:, 0]
    moved: Floats = placed(corners, shape) + (turn[:, None] * across)[:, None]
    return moved


def _napoleons_hat(canvas: Canvas, slipped: Floats, fraction: float) -> None:
    """The slipped body seen end on: a dense bow that hangs over the vertebra below."""
    across = np.linspace(0.0, 1.0, 13)
    sag = (0.15 + 0.7 * fraction) * np.sin(np.pi * across) ** 0.8
    brim = np.stack((across, 0.85 + sag), axis=1)
    crown = np.stack((across[::-1], np.full(13, 0.72)), axis=1)
    density = 0.12 + 0.35 * fraction
    canvas.fill(placed(slipped, np.concatenate((brim, crown))), density, soft_mm=0.8)
    canvas.stroke(placed(slipped, brim), 2.4, 2 * density)


def _near_and_far(column: Column) -> tuple[Floats, Floats]:
    """Both contours of each body (23 - 1, 4, 2): apart by its frontal tilt and axial rotation.

    A tilted end plate is seen from above, its near and far rim at different heights; a turned body
    shows its two back corners one behind the other.
    """
    corners = column.corners[:-1]
    depth_mm = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
    apart = 0.35 * depth_mm * np.sin(np.radians(column.tilt_degrees[:-1]))
    aside = 0.7 * depth_mm * column.turn[:-1]
    offset = np.stack((apart, aside), axis=1)[:, None]
    return corners - offset, corners + offset
