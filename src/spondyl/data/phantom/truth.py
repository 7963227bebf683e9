"""What is known of a drawn film: its diagnosis in numbers, and where things are in it.

Angles and slips are read off the drawn corners, never off what was asked for. The front view's
angles are kept for lateral films too: they belong to the patient, not to the projection.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spondyl.data.levels import (
    SCOLIOSIS_FROM_DEGREES,
    VERTEBRAE,
    Floats,
    mid_line_degrees,
    region_of,
    spine_mask,
)
from spondyl.data.phantom.anatomy import (
    BODIES,
    LEVELS,
    SLIP_LEVELS,
    Anatomy,
    Column,
    Curvature,
    Field,
)
from spondyl.data.phantom.attenuation import Aim
from spondyl.data.phantom.filming import DrawnView
from spondyl.data.radiograph import Region, Sex, Side
from spondyl.data.regions import Box, Regions

MADE_BY = "phantom"


@dataclass(frozen=True, slots=True)
class MeasuredCurve:
    """A curve as the drawn corners have it."""

    upper: str
    apex: str
    lower: str
    side: Side
    region: Region
    cobb_degrees: float


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a drawn film."""

    label: str
    view: DrawnView
    field: Field
    sex: Sex
    age_years: int
    curves: tuple[MeasuredCurve, ...]
    """From the top, those of 10 degrees or more; of a lateral film, as seen from the front."""
    largest_angle_degrees: float
    """Between any two mid-lines from T1 to L5, frontally; of any film, also a normal one."""
    slip_level: str | None
    slip_fraction: float | None
    """Forward shift over the end plate below, 0 … 1."""
    vertebrae: tuple[str, ...]
    """Those that lie wholly on the film: the landmarks' names, four corners each."""
    spacing_mm: float
    """Millimetres of the patient per pixel."""
    shortcut: str | None
    """Name of the planted shortcut and its variant, such as "marker 2"."""
    seed: int
    index: int


def measured_curves(front: Column, curvature: Curvature) -> tuple[MeasuredCurve, ...]:
    """The curves of 10 degrees or more, from the top, measured on a spine seen from the `front`."""
    ends = [LEVELS.index(end) for end in curvature.ends]
    curves = (_measured(front.corners, upper, lower) for upper, lower in pairwise(ends))
    return tuple(curve for curve in curves if curve.cobb_degrees >= SCOLIOSIS_FROM_DEGREES)


def _measured(corners: Floats, upper: int, lower: int) -> MeasuredCurve:
    centres = corners.mean(axis=1)
    chord = centres[lower] - centres[upper]
    between = centres[upper : lower + 1] - centres[upper]
    aside = between[:, 1] * chord[0] - between[:, 0] * chord[1]
    apex = int(np.abs(aside).argmax())
    tilt = mid_line_degrees(corners)
    return MeasuredCurve(
        LEVELS[upper],
        LEVELS[upper + apex],
        LEVELS[lower],
        "left" if aside[apex] > 0 else "right",
        region_of(LEVELS[upper + apex]),
        float(abs(tilt[upper] - tilt[lower])),
    )


def regions_of(
    column: Column, aim: Aim, targets_mm: Floats, boxes: tuple[Box, ...]
) -> tuple[Regions, tuple[str, ...]]:
    """Where things are, and the names of the vertebrae that lie wholly on the film."""
    corners = aim.pixels(column.corners[BODIES])
    inside = (corners >= 0) & (corners <= np.array(aim.size) - 1)
    shown = inside.all(axis=(1, 2))
    targets = aim.pixels(targets_mm)
    on_film = ((targets >= 0) & (targets <= np.array(aim.size) - 1)).all(axis=1)
    regions = Regions(
        image_size=aim.size,
        made_by=MADE_BY,
        spine_mask=spine_mask(corners, aim.size),
        landmarks=corners[shown].reshape(-1, 2).astype(np.float32),
        targets=tuple((row, col) for row, col in targets[on_film].tolist()),
        boxes=boxes,
    )
    return regions, tuple(np.array(VERTEBRAE)[shown].tolist())


def targets_of(column: Column, anatomy: Anatomy, curves: tuple[MeasuredCurve, ...]) -> Floats:
    """(n, 2) middles of the apices of a scoliosis, or of the gap at which a vertebra slips."""
    if anatomy.slip is not None:
        slipped = LEVELS.index(SLIP_LEVELS[anatomy.slip.level])
        plates = np.concatenate((column.corners[slipped, 2:], column.corners[slipped + 1, :2]))
        gap: Floats = plates.mean(axis=0, keepdims=True)
        return gap
    return column.centres[np.array([LEVELS.index(curve.apex) for curve in curves], np.intp)]
