"""Angles of a frontal spine from the corners of its vertebrae: the data set's three, and curves.

A vertebra's tilt is that of its mid-line, the mean of its two end plates, because two plates make
half the noise of one; the price is that an angle differs from a reader's, who lays a line along one
plate, by what the end vertebra is wedged. A curve is a swing of the tilt of 10 degrees or more, and
a swing back of less than that is no curve and cannot divide one. The price: two curves to the same
side with a smaller swing between them are reported as one long curve.

Only differences of tilts count, so a leaning patient or a crooked cassette changes no curve. A
frontal film alone has no side bendings and no sagittal profile: it cannot say which curves are
structural, nor a Lenke type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from spondyl.data.levels import (
    SCOLIOSIS_FROM_DEGREES,
    VERTEBRAE,
    Floats,
    mid_line_degrees,
    region_of,
)
from spondyl.data.radiograph import Region

MODERATE_FROM_DEGREES = 25.0
SEVERE_FROM_DEGREES = 45.0

CurveSide = Literal["right", "left"]
Severity = Literal["mild", "moderate", "severe"]
Part = Literal["proximal thoracic", "main thoracic", "thoracolumbar/lumbar"]
Interval = tuple[float, float]
"""(low, high), degrees."""
Angles = tuple[float, float, float]
"""Degrees, as `three_angles` defines them."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A scoliotic curve between two end vertebrae, of 10 degrees or more."""

    upper: str
    """The end vertebra above, such as "T5": the one tilted most."""
    apex: str
    """The vertebra farthest from the line between the middles of the two end vertebrae, on the
    convex side. Where the bend is farthest at a disc, the nearer of the two vertebrae beside it."""
    lower: str
    """The end vertebra below, as a rule the upper one of the next curve."""
    side: CurveSide
    """The patient's side of the convexity, if the film shows the patient face to face, the right
    on the picture's left. A film that is shown from behind swaps the sides; letters of lead are
    not read."""
    cobb_degrees: float
    """Between the mid-lines of the two end vertebrae."""
    at_edge: bool = False
    """An end vertebra is the first or the last that was found: the curve may go on beyond it, and
    its angle is then the least that it can be."""
    interval_degrees: Interval | None = None
    """(low, high) for `cobb_degrees`, at the level that the measurement states."""

    @property
    def region(self) -> Region:
        """By the apex, after the Scoliosis Research Society: thoracic down to the disc T11-12,
        thoracolumbar T12 and L1, lumbar below. An apex at T1 or L5 (cervicothoracic, lumbosacral)
        counts into the neighbouring region."""
        return region_of(self.apex)

    @property
    def part(self) -> Part | None:
        """The part of the spine that Lenke et al. (2001, J Bone Joint Surg 83-A:1169) call by this
        apex: proximal thoracic T3 to T5, main thoracic T6 to the disc T11-12, thoracolumbar/lumbar
        T12 to L4; None for any other."""
        place = VERTEBRAE.index(self.apex)
        if not VERTEBRAE.index("T3") <= place <= VERTEBRAE.index("L4"):
            return None
        if place >= VERTEBRAE.index("T12"):
            return "thoracolumbar/lumbar"
        return "main thoracic" if place >= VERTEBRAE.index("T6") else "proximal thoracic"

    @property
    def severity(self) -> Severity:
        """Mild below 25 degrees, moderate below 45, severe from there.

        There is no one agreed scale. These borders are those of the Scoliosis Research Society's
        criteria for studies of braces (Richards et al. 2005, Spine 30:2068): a brace is tried from
        25 degrees, and has failed where a curve exceeds 45 at maturity. They were made for growing
        patients with idiopathic scoliosis.
        """
        if self.cobb_degrees < MODERATE_FROM_DEGREES:
            return "mild"
        return "moderate" if self.cobb_degrees < SEVERE_FROM_DEGREES else "severe"


def three_angles(corners: Floats, image_height: float) -> Angles:
    """The three angles of AASCE 2019 (SpineWeb data set 16), degrees.

    `corners` (n, 4, 2) float64, n ≥ 1: (row, column) in square pixels, for each vertebra from the
    top its top-left, top-right, bottom-left and bottom-right; `image_height` in the same pixels.

    The first is the largest angle between any two mid-lines, of i above and j below. Where the
    spine stays on one side of its chord, the others are ∠(first, i) and ∠(j, last). Where it
    crosses it (S-shaped) and the lower plates of i and j are in the image's upper half on average,
    they are the largest angle of i with any above and of j with any below; in the lower half, that
    of i with any above, m, and that of m with any above m. So they are neither "proximal thoracic"
    nor "lumbar", and do not always belong to curves of their own.

    The data set's definition, of T1 to L5; found by matching, it gives all of the training part's
    481 × 3 angles to 0.05 degrees. Of a partial film the first and last vertebrae that are there
    stand for T1 and L5.
    """
    tilt = _tilt(corners)
    apart = np.abs(tilt[:, None] - tilt)
    upper, lower = sorted((int(tilt.argmax()), int(tilt.argmin())))
    largest = apart[upper, lower]
    if not _crosses_chord(corners):
        return _angles(largest, apart[0, upper], apart[lower, -1])
    above = int(apart[upper, : upper + 1].argmax())
    if corners[[upper, lower], 2:, 0].mean() < image_height / 2:
        return _angles(largest, apart[upper, above], apart[lower, lower:].max())
    return _angles(largest, apart[upper, above], apart[above, : above + 1].max())


def curves(corners: Floats, names: Sequence[str]) -> tuple[Curve, ...]:
    """The curves of 10 degrees or more, from the top; none of a spine without any.

    `corners` as for `three_angles`, `names` (n) of the same vertebrae, such as "T1". Neighbours
    share an end vertebra and bend to opposite sides. A swing between two vertebrae next to each
    other is a tilted disc without an apex: it divides curves, and is none itself.

    Curves above and below the largest one count as well, whether structural or compensatory: the
    film does not tell. The largest one may be smaller than the first of `three_angles`, whose
    vertebrae need not bound one curve. ValueError where names and corners differ in number.
    """
    if len(names) != len(corners):
        raise ValueError(f"{len(names)} names for {len(corners)} vertebrae")
    if not len(corners):
        return ()
    tilt = _tilt(corners)
    ends = end_vertebrae(tilt, SCOLIOSIS_FROM_DEGREES)
    return tuple(
        _curve(corners, tilt, names, upper, lower)
        for upper, lower in pairwise(ends)
        if lower - upper > 1
    )


def main_curve(found: Sequence[Curve]) -> Curve | None:
    """The largest of the curves, the upper one of two that are equal; None of none."""
    return max(found, key=lambda curve: curve.cobb_degrees, default=None)


def end_vertebrae(tilt_degrees: Floats, least_degrees: float) -> tuple[int, ...]:
    """Places in `tilt_degrees` (n,) of its alternating extremes, at least `least_degrees` apart.

    The smallest swing between two neighbouring turning points is taken out, with both of them, or
    with the outer one at an end of the spine, until none is smaller than asked (what topology calls
    persistence). Fewer than two places mean that no swing is so large.
    """
    turns = _turning_points(tilt_degrees)
    while len(turns) > 1:
        swings = np.abs(np.diff(tilt_degrees[turns]))
        smallest = int(swings.argmin())
        if swings[smallest] >= least_degrees:
            break
        if smallest == 0:
            del turns[0]
        elif smallest == len(swings) - 1:
            del turns[-1]
        else:
            del turns[smallest : smallest + 2]
    return tuple(turns)


def _turning_points(tilt: Floats) -> list[int]:
    """The first place, each at which rising turns into falling or back, and the last."""
    turns = [0]
    heading = 0.0
    for place, step in enumerate(np.sign(np.diff(tilt)).tolist()):
        if step and step == -heading:
            turns.append(place)
        heading = step or heading
    return [*turns, len(tilt) - 1] if len(tilt) > 1 else turns


def _curve(corners: Floats, tilt: Floats, names: Sequence[str], upper: int, lower: int) -> Curve:
    side: CurveSide = "right" if tilt[upper] > tilt[lower] else "left"
    aside = _aside(corners.mean(axis=1)[upper : lower + 1])
    between = (aside if side == "left" else -aside)[1:-1]
    apex = upper + 1 + int(between.argmax())
    return Curve(
        upper=names[upper],
        apex=names[apex],
        lower=names[lower],
        side=side,
        cobb_degrees=float(abs(tilt[upper] - tilt[lower])),
        at_edge=upper == 0 or lower == len(tilt) - 1,
    )


def _crosses_chord(corners: Floats) -> bool:
    """Whether the middles of the plates lie on both sides of the line from first to last.

    As the data set has it, the last vertebra's upper plate is left out.
    """
    plates = corners.reshape(-1, 2, 2).mean(axis=1)
    aside = np.delete(_aside(plates), -2)
    return bool(aside.min() < 0 < aside.max())


def _aside(points: Floats) -> Floats:
    """(n,) how far each of `points` (n, 2) from the top is right of the line from the first to the
    last, times that line's length."""
    chord = points[-1] - points[0]
    from_first = points - points[0]
    aside: Floats = from_first[:, 1] * chord[0] - from_first[:, 0] * chord[1]
    aside[[0, -1]] = 0
    return aside


def _tilt(corners: Floats) -> Floats:
    if corners.ndim != 3 or corners.shape[1:] != (4, 2) or not len(corners):
        raise ValueError(f"corners {corners.shape}, not (n, 4, 2) with n of 1 or more")
    return mid_line_degrees(corners)


def _angles(*degrees: float) -> Angles:
    first, second, third = map(float, degrees)
    return first, second, third
