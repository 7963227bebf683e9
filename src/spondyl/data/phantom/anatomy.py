"""The spine as numbers: where the vertebrae of a made-up person are, frontally and from the side.

Every vertebra is a quadrangle with parallel end plates, so a Cobb angle and a slip can be read off
its corners exactly as they are defined; the price is that wedging shows only as uneven discs.
Lengths are millimetres, points (row, column) with rows running down, origin in the middle of the
sacral end plate. Frontal pictures are anteroposterior: the patient's right is on the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from spondyl.data.labels import NORMAL, SCOLIOSIS, SPONDYLOLISTHESIS
from spondyl.data.levels import SCOLIOSIS_FROM_DEGREES, VERTEBRAE, Floats
from spondyl.errors import SpondylError

Field = Literal["whole", "thoracolumbar", "lumbar"]
Facing = Literal["left", "right"]

LEVELS = ("C3", "C4", "C5", "C6", "C7", *VERTEBRAE, "S1")
"""All that a column holds, from the top."""
BODIES = slice(LEVELS.index("T1"), LEVELS.index("S1"))
"""Where `VERTEBRAE` stand in `LEVELS`."""
SLIP_LEVELS = {"L3-4": "L3", "L4-5": "L4", "L5-S1": "L5"}
"""The slipped vertebra of each level that can slip."""

_ANCHORS = ("C3", "C7", "T1", "T6", "T12", "L3", "L5", "S1")
_WIDTH = (20, 26, 29, 31, 40, 46, 50, 54)
_DEPTH = (15, 16, 17, 26, 31, 34, 35, 34)
_HEIGHT = (13, 14, 16, 19.5, 24.5, 28, 28, 30)
_DISC = (4, 4, 3.5, 4.5, 7, 11, 10.5, 0)
_PATTERNS: dict[str, tuple[str, ...]] = {
    "thoracic": ("T5", "T12"),
    "thoracolumbar": ("T9", "L3"),
    "lumbar": ("T12", "L4"),
    "double": ("T5", "T11", "L4"),
}
_LOW_PATTERNS = ("thoracolumbar", "lumbar")


@dataclass(frozen=True, slots=True)
class Curvature:
    """One or two neighbouring curves; below 10 degrees it is posture."""

    ends: tuple[str, ...]
    """End vertebrae from the top; the lower end of a curve is the upper end of the next."""
    cobb_degrees: tuple[float, ...]
    """One for each curve, so one fewer than `ends`."""
    first_side: Literal["left", "right"]
    """Convexity of the uppermost curve, the patient's side; sides alternate."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A vertebra that stands too far forward on the one below it."""

    level: str
    """A key of `SLIP_LEVELS`."""
    fraction: float
    """Forward shift over the length of the end plate below, 0 … 1 (Taillard's percentage / 100)."""


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """A made-up person's spine."""

    curvature: Curvature
    slip: Slip | None = None
    scale: float = 1.0
    """Size relative to a tall adult."""
    kyphosis_degrees: float = 38.0
    """T1 against T12."""
    lordosis_degrees: float = 55.0
    """T12 against S1."""
    balance_degrees: float = 0.0
    """Frontal lean of the line from the sacrum to T1."""
    facing: Facing = "left"
    """Where the person of a lateral film looks."""
    unevenness_degrees: Floats | None = None
    """(23,) small frontal tilt of each of `LEVELS` by itself."""

    @property
    def label(self) -> str:
        """The class that this spine belongs to; a slip outweighs a curve."""
        if self.slip is not None:
            return SPONDYLOLISTHESIS
        curved = max(self.curvature.cobb_degrees) >= SCOLIOSIS_FROM_DEGREES
        return SCOLIOSIS if curved else NORMAL


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A spine as one view projects it, millimetres."""

    corners: Floats
    """(23, 4, 2): `LEVELS` × top-left, top-right, bottom-left, bottom-right of the picture."""
    tilt_degrees: Floats
    """(23,) frontal tilt; positive where the right end of the mid-line is lower."""
    turn: Floats
    """(23,) axial rotation: how far the back of the vertebra turns right, in vertebral widths."""

    @property
    def centres(self) -> Floats:
        """(23, 2) middles of the bodies."""
        middles: Floats = self.corners.mean(axis=1)
        return middles


def drawn(rng: np.random.Generator, label: str, field: Field = "whole") -> Anatomy:
    """A random spine of class `label` whose curves and slip lie in `field`.

    Raises `SpondylError` for a label that has no anatomy.
    """
    if label not in (NORMAL, SCOLIOSIS, SPONDYLOLISTHESIS):
        raise SpondylError(
            f"label {label!r}: no spine can be drawn for it",
            f"Use {NORMAL}, {SCOLIOSIS} or {SPONDYLOLISTHESIS}.",
        )
    slip = Slip(str(rng.choice(list(SLIP_LEVELS), p=(0.15, 0.5, 0.35))), rng.uniform(0.18, 0.6))
    return Anatomy(
        curvature=_drawn_curvature(rng, field, straight=label != SCOLIOSIS),
        slip=slip if label == SPONDYLOLISTHESIS else None,
        scale=rng.uniform(0.82, 1.08),
        kyphosis_degrees=rng.uniform(25, 48),
        lordosis_degrees=rng.uniform(44, 66),
        balance_degrees=float(np.clip(rng.normal(0, 1.2), -2.5, 2.5)),
        facing="left" if rng.random() < 0.5 else "right",
        unevenness_degrees=np.clip(rng.normal(0, 0.25, len(LEVELS)), -0.5, 0.5),
    )


def _drawn_curvature(rng: np.random.Generator, field: Field, straight: bool) -> Curvature:
    names = list(_PATTERNS) if field == "whole" else list(_LOW_PATTERNS)
    pattern = _PATTERNS[str(rng.choice(names))]
    shift = int(rng.integers(-1, 2))
    ends = tuple(LEVELS[min(LEVELS.index(end) + shift, BODIES.stop - 1)] for end in pattern)
    first = rng.uniform(0, 7) if straight else rng.uniform(16, 52)
    cobb = (first, first * rng.uniform(0.65, 1.0))[: len(ends) - 1]
    return Curvature(ends, cobb, "right" if rng.random() < 0.7 else "left")


def frontal(anatomy: Anatomy) -> Column:
    """The spine from the front; a slip lets all above it sink over the vertebra below."""
    tilt = _frontal_tilt(anatomy)
    height, disc = anatomy.scale * _sizes(_HEIGHT), anatomy.scale * _sizes(_DISC)
    if anatomy.slip is not None:
        slipped, fraction = _slipped(anatomy.slip), anatomy.slip.fraction
        disc[slipped] -= fraction * (2.5 * disc[slipped] + 0.5 * height[slipped])
        height[slipped] *= 1 - 0.5 * fraction
    corners = _chain(np.radians(tilt), anatomy.scale * _sizes(_WIDTH), height, disc)
    top = corners[BODIES.start].mean(axis=0)
    lean = np.arctan2(top[1], -top[0]) - np.radians(anatomy.balance_degrees)
    corners = _turned(corners, lean)
    off_axis = corners.mean(axis=1)[:, 1] + corners.mean(axis=1)[:, 0] * np.tan(
        np.radians(anatomy.balance_degrees)
    )
    return Column(corners, tilt - np.degrees(lean), np.clip(-off_axis / 180, -0.22, 0.22))


def lateral(anatomy: Anatomy) -> Column:
    """The spine from the side; a slip pushes all above it forward along the end plate below."""
    front = frontal(anatomy)
    tops = np.interp(
        np.arange(len(LEVELS)),
        [LEVELS.index(level) for level in ("C3", "C7", "T1", "T12", "S1")],
        [
            -0.2 * anatomy.kyphosis_degrees,
            -0.5 * anatomy.kyphosis_degrees,
            -0.55 * anatomy.kyphosis_degrees,
            0.45 * anatomy.kyphosis_degrees,
            0.45 * anatomy.kyphosis_degrees - anatomy.lordosis_degrees,
        ],
    )
    sizes = (anatomy.scale * _sizes(table) for table in (_DEPTH, _HEIGHT, _DISC))
    corners = _chain(np.radians(tops), *sizes)
    if anatomy.slip is not None:
        slipped = _slipped(anatomy.slip)
        plate = corners[slipped + 1, 0] - corners[slipped + 1, 1]
        missing = anatomy.slip.fraction - slip_fraction(corners, slipped, "left")
        corners[: slipped + 1] += missing * plate
    if anatomy.facing == "right":
        corners = corners[:, [1, 0, 3, 2]] * (1, -1)
    return Column(corners, front.tilt_degrees, front.turn)


def straight_length_mm(top: str, scale: float) -> float:
    """From the upper edge of level `top` to the sacrum, of a straight spine without a slip."""
    above_sacrum = slice(LEVELS.index(top), BODIES.stop)
    return scale * float((_sizes(_HEIGHT) + _sizes(_DISC))[above_sacrum].sum())


def slip_fraction(corners: Floats, slipped: int, facing: Facing) -> float:
    """Forward shift of level `slipped` over the length of the end plate below it, lateral view.

    `corners` (23, 4, 2) as in `Column`. The distance between the two posterior corners is taken
    along the lower vertebra's upper end plate (Taillard 1954).
    """
    back, front = (1, 0) if facing == "left" else (0, 1)
    plate = corners[slipped + 1, front] - corners[slipped + 1, back]
    shift = corners[slipped, back + 2] - corners[slipped + 1, back]
    return float(shift @ plate / (plate @ plate))


def _slipped(slip: Slip) -> int:
    return LEVELS.index(SLIP_LEVELS[slip.level])


def _sizes(table: tuple[float, ...]) -> Floats:
    known = [LEVELS.index(level) for level in _ANCHORS]
    return np.interp(np.arange(len(LEVELS)), known, table)


def _frontal_tilt(anatomy: Anatomy) -> Floats:
    """(23,) degrees: swings from end vertebra to end vertebra, fastest half-way, at the apex."""
    bend = anatomy.curvature
    swings = [-cobb * (-1) ** i for i, cobb in enumerate(bend.cobb_degrees)]
    at_ends = np.concatenate(([0.0], np.cumsum(swings)))
    at_ends -= (at_ends.max() + at_ends.min()) / 2
    if bend.first_side == "left":
        at_ends = -at_ends
    places = [0, *(LEVELS.index(end) for end in bend.ends), len(LEVELS) - 1]
    values = np.concatenate(([0.0], at_ends, [0.0]))
    levels = np.arange(len(LEVELS))
    segment = np.clip(np.searchsorted(places, levels, side="right") - 1, 0, len(places) - 2)
    start = np.take(places, segment)
    share = (levels - start) / (np.take(places, segment + 1) - start)
    eased = (1 - np.cos(np.pi * share)) / 2
    tilt: Floats = values[segment] + (values[segment + 1] - values[segment]) * eased
    return tilt if anatomy.unevenness_degrees is None else tilt + anatomy.unevenness_degrees


def _chain(tilt: Floats, width: Floats, height: Floats, disc: Floats) -> Floats:
    """(23, 4, 2) corners of bodies stacked along their axes; `tilt` in radians, lengths in mm."""
    down = np.stack((np.cos(tilt), -np.sin(tilt)), axis=1)
    across = np.stack((np.sin(tilt), np.cos(tilt)), axis=1) * width[:, None] / 2
    half = down * height[:, None] / 2
    gaps = (down[:-1] + down[1:]) / 2 * disc[:-1, None]
    steps = half[:-1] + gaps + half[1:]
    centres = np.concatenate((np.zeros((1, 2)), np.cumsum(steps, axis=0)))
    corners = (
        np.stack((-half - across, -half + across, half - across, half + across), axis=1)
        + centres[:, None]
    )
    chained: Floats = corners - corners[-1, :2].mean(axis=0)
    return chained


def _turned(points: Floats, angle: float) -> Floats:
    """Points (…, 2) turned about the origin so that what leaned right by `angle` stands upright."""
    cos, sin = np.cos(angle), np.sin(angle)
    turned: Floats = points @ np.array([[cos, sin], [-sin, cos]])
    return turned
