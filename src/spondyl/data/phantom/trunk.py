"""What surrounds a spine on a film: soft tissue, air, ribs, shoulders, pelvis.

None of it looks at the diagnosis. It is hung on the vertebrae, so ribs follow a curved spine as in
a patient, and the rest stays where the body is. Millimetres, (row, column), as in `anatomy`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.data.levels import Floats
from spondyl.data.phantom.anatomy import BODIES, LEVELS, Column, Facing
from spondyl.data.phantom.attenuation import Canvas
from spondyl.data.phantom.vertebrae import oval

# fmt: off
_RIB_REACH = (60, 84, 102, 114, 122, 128, 132, 135, 135, 132, 118, 92)
_RIB_DROP = (22, 32, 40, 46, 52, 56, 58, 60, 60, 58, 50, 40)
_COLLAR_BONE = np.array([(28, 16), (18, 50), (2, 90), (-6, 130), (2, 158)])
_SHOULDER_BLADE = np.array([
    (10, 165), (28, 172), (60, 150), (150, 108), (140, 92), (40, 84), (18, 100),
])
_UPPER_ARM = np.array([(22, 182), (70, 196), (240, 214)])
_JAW = np.array([
    (-150, -75), (-60, -82), (-28, -62), (-8, -28), (-8, 28), (-28, 62), (-60, 82), (-150, 75),
])
_WING = np.array([
    (62, 40), (26, 44), (0, 50), (-24, 72), (-34, 104), (-20, 134), (14, 144), (44, 132),
    (72, 124), (98, 114), (106, 84), (84, 58),
])
_PUBIS = np.array([
    (104, 84), (118, 60), (140, 28), (150, 8), (168, 10), (170, 40), (150, 76), (118, 112),
])
_SITTING_BONE = np.array([(118, 108), (168, 92), (196, 66), (176, 40)])
_THIGH = np.array([(112, 112), (140, 150), (300, 138)])
_ILIUM = np.array([
    (-20, 40), (-42, 14), (-46, -14), (-34, -44), (-8, -62), (24, -58), (56, -52), (84, -44),
    (96, -20), (70, 4), (40, 30), (14, 48),
])
# fmt: on


_GRAINS = {12: 0.1, 30: 0.05, 70: 0.05}
"""Coarseness of the soft tissue, in patches along a film's side, and its attenuation."""


@dataclass(frozen=True, slots=True)
class Person:
    """What differs from body to body and has nothing to do with the spine."""

    scale: float
    girth: float
    """Width of the soft tissue relative to the skeleton, about 1."""
    density: float
    """Attenuation through the middle of the trunk."""
    air: float
    """How much the lungs let through."""
    gas: Floats
    """(n, 4) bowel gas: row and column share of the belly, 0 … 1, and two half-axes in mm."""
    tissue: tuple[Floats, ...]
    """(n, n) unevenness of the soft tissue for each n of `_GRAINS`, standard normal. Without it two
    bodies would be alike but for their outlines, as no two are."""


def drawn_person(rng: np.random.Generator, scale: float) -> Person:
    """A random body around a spine of size `scale`."""
    bubbles = int(rng.integers(3, 13))
    gas = np.concatenate((rng.random((bubbles, 2)), rng.uniform(3, 13, (bubbles, 2))), axis=1)
    return Person(
        scale=scale,
        girth=rng.uniform(0.9, 1.12),
        density=rng.uniform(1.55, 2.05),
        air=rng.uniform(0.65, 1.0),
        gas=gas,
        tissue=tuple(rng.standard_normal((n, n)) for n in _GRAINS),
    )


def _tissue(canvas: Canvas, person: Person) -> None:
    for bumps, depth in zip(person.tissue, _GRAINS.values(), strict=True):
        canvas.cloud(bumps, depth)


def rounded(outline: Floats) -> Floats:
    """A closed outline (n, 2) with its corners cut twice (Chaikin): (4 n, 2)."""
    for _ in range(2):
        following = np.roll(outline, -1, axis=0)
        cut = np.stack((0.75 * outline + 0.25 * following, 0.25 * outline + 0.75 * following), 1)
        outline = cut.reshape(-1, 2)
    return outline


def frontal_trunk(canvas: Canvas, column: Column, person: Person) -> None:
    """Skin, lungs, heart, windpipe, liver and bowel gas, from the front."""
    row, scale = _rows(column), person.scale
    # fmt: off
    half_width = {
        row["C3"] - 120: 74, row["C3"]: 62, row["C7"] - 10: 66, row["T1"] + 8: 140, row["T3"]: 188,
        row["T7"]: 182, row["T11"]: 156, row["L2"]: 146, row["L5"]: 172, 90: 184, 220: 176,
    }
    middle = np.array([
        (row["C7"], -14), (row["C7"], 14), (row["T3"], 26), (row["T5"], 34), (row["T7"], 52),
        (row["T9"], 82), (row["T10"], 90), (row["T11"], 70), (row["T11"], -38), (row["T8"], -44),
        (row["T6"], -34), (row["T3"], -28),
    ])
    # fmt: on
    half = np.array(list(half_width.values())) * person.girth * scale
    canvas.dome(np.array(list(half_width)), -half, half, person.density)
    for side in (-1, 1):
        canvas.fill([rounded(_lung(column, scale, side))], -person.air, soft_mm=2.5)
    canvas.fill([rounded(middle * (1, scale))], 0.36, soft_mm=5.0)
    canvas.stroke([column.centres[LEVELS.index("T2") :]], 58 * scale, 0.34, soft_mm=6.0)
    _tissue(canvas, person)
    windpipe = np.array(
        [(row["C3"] - 30, -7), (row["C3"] - 30, 7), (row["T4"], 7), (row["T4"], -7)]
    )
    canvas.fill([windpipe], -0.2, soft_mm=1.5)
    canvas.fill([oval(row["T12"], -72 * scale, 48 * scale, 66 * scale)], 0.16, soft_mm=8.0)
    stomach = oval(row["T11"] + 14 * scale, 66 * scale, 13 * scale, 25 * scale)
    canvas.fill([stomach], -0.4, soft_mm=1.5)
    reach = 92 * scale
    _bowel_gas(canvas, (0.75 * row["L1"], 75.0), (-reach, reach), person)


def lateral_trunk(canvas: Canvas, column: Column, person: Person, facing: Facing) -> None:
    """Skin, lungs, heart and bowel gas, from the side."""
    row, scale = _rows(column), person.scale
    ahead = -1.0 if facing == "left" else 1.0
    rows, spine = column.centres[:, 0], column.centres[:, 1]
    levels = ("C3", "T1", "T4", "T8", "T12", "L3", "S1")
    front = np.interp(rows, [row[level] for level in levels], (55, 70, 125, 158, 152, 148, 128))
    back = np.interp(rows, [row[level] for level in levels], (52, 62, 66, 62, 66, 82, 84))
    sides = np.stack((spine - ahead * back * scale, spine + ahead * front * scale * person.girth))
    sides = np.concatenate((sides, sides[:, -1:], sides[:, -1:] + ahead * 8), axis=1)
    rows_mm = np.concatenate((rows, (80.0, 220.0)))
    canvas.dome(rows_mm, sides.min(axis=0), sides.max(axis=0), 1.1 * person.density)
    chest = slice(LEVELS.index("T1"), LEVELS.index("T12"))
    behind = np.stack((rows[chest], spine[chest] - ahead * 22 * scale), axis=1)
    before = np.stack((rows[chest] + 8, spine[chest] + ahead * front[chest] * 0.8 * scale), axis=1)
    dome = spine[chest][-1] + ahead * scale * np.array((30, 62, 94))
    diaphragm = np.stack((row["T10"] + np.array((4, -8, -4)), dome), axis=1)
    lungs = np.concatenate((behind, diaphragm, before[-2::-1]))
    canvas.fill([rounded(lungs)], -0.8 * person.air, soft_mm=4.0)
    skull = (row["C3"] - 92 * scale, float(spine[0]) + ahead * 22 * scale)
    canvas.fill([oval(*skull, 74 * scale, 92 * scale)], 0.9, soft_mm=2.0)
    arm = (row["T3"], float(spine[LEVELS.index("T3")]) + ahead * 30 * scale)
    canvas.fill([oval(*arm, 52 * scale, 34 * scale)], 0.4, soft_mm=9.0)
    _tissue(canvas, person)
    heart = oval(row["T8"] + 10, float(spine[chest].mean()) + ahead * 82 * scale, 52, 44)
    canvas.fill([heart], 0.34, soft_mm=6.0)
    near, far = (float(spine[-4] + ahead * reach * scale) for reach in (38, 112))
    _bowel_gas(canvas, (row["L1"], 30.0), (near, far), person)


def frontal_ribs(canvas: Canvas, column: Column, scale: float) -> None:
    """Twelve pairs from the front: bright behind, faint where they come round to the breastbone."""
    swing = np.linspace(0, np.pi / 2, 9)
    back, front = [], []
    for i, at in enumerate(column.corners[BODIES][:12]):
        start, reach = at[:2].mean(axis=0), scale * _RIB_REACH[i]
        half = 0.42 * float(at[1, 1] - at[0, 1])
        rows = start[0] + scale * _RIB_DROP[i] * (1 - np.cos(swing)) - 7 * np.sin(2 * swing)
        for side in (-1, 1):
            cols = start[1] * np.cos(swing) + side * (half + (reach - half) * np.sin(swing))
            back.append(np.stack((rows, cols), axis=1)[: 9 if i < 10 else 27 - 2 * i])
            if i < 10:
                inward = side * (34 + (reach - 34) * np.cos(0.9 * swing))
                front.append(np.stack((rows[-1] + swing * (26 - i), inward), axis=1))
    canvas.stroke(back, 7.0, 0.19, soft_mm=0.6)
    for edge in (-3.2, 3.2):
        canvas.stroke([line + np.array((edge, 0)) for line in back], 1.4, 0.2)
    canvas.stroke(front, 8.0, 0.12, soft_mm=1.2)


def lateral_ribs(canvas: Canvas, column: Column, scale: float, facing: Facing) -> None:
    """Both sides' ribs from the side, swinging forward and down from the back of the column."""
    ahead = -1.0 if facing == "left" else 1.0
    swing = np.linspace(0, 1, 10)
    lines = []
    for i, at in enumerate(column.centres[BODIES][:12]):
        reach = scale * (1.0 if i < 10 else 0.55) * _RIB_REACH[i]
        for apart in (0.0, 6.0):
            cols = at[1] + ahead * (apart - 26 * np.sin(np.pi * swing) - 12 + reach * swing**1.6)
            rows = at[0] - 4 + apart + (0.75 * reach + 8) * swing
            lines.append(np.stack((rows, cols), axis=1))
    canvas.stroke(lines, 6.0, 0.09, soft_mm=0.7)
    canvas.stroke([line + np.array((2.6, 0)) for line in lines], 1.3, 0.08)


def shoulders(canvas: Canvas, column: Column, scale: float) -> None:
    """Collar bones, shoulder blades, upper arms and jaw, hung on the ends of the neck."""
    top = np.array([column.centres[BODIES.start, 0], 0.0])
    for side in (-1, 1):
        spread = (scale, scale * side)
        canvas.stroke([top + _COLLAR_BONE * spread], 9.0, 0.24, soft_mm=0.8)
        canvas.fill([top + _SHOULDER_BLADE * spread], 0.12, soft_mm=1.5)
        canvas.stroke([top + _UPPER_ARM * spread], 24.0, 0.4, soft_mm=1.5)
    canvas.fill([column.centres[0] + _JAW * scale], 0.9, soft_mm=1.5)


def frontal_pelvis(canvas: Canvas, scale: float) -> None:
    """Iliac wings, pubic and sitting bones, thigh bones, from the front."""
    for side in (-1, 1):
        spread = (scale, scale * side)
        wing = rounded(_WING) * spread
        canvas.fill([wing], 0.3, soft_mm=1.2)
        canvas.stroke([wing], 2.6, 0.24, closed=True, soft_mm=0.6)
        canvas.fill([_PUBIS * spread], 0.4, soft_mm=1.0)
        canvas.stroke([_SITTING_BONE * spread], 16.0, 0.3, soft_mm=1.0)
        canvas.stroke([_THIGH * spread], 34.0, 0.4, soft_mm=1.2)
        canvas.fill([oval(116 * scale, 106 * scale * side, 24 * scale, 24 * scale)], 0.3, 0.8)


def lateral_pelvis(canvas: Canvas, scale: float, facing: Facing) -> None:
    """Both iliac bones and both hips from the side, a little apart."""
    back = scale if facing == "left" else -scale
    for apart in (0.0, 7.0):
        ilium = rounded(_ILIUM + apart) * (scale, back)
        canvas.fill([ilium], 0.2, soft_mm=2.0)
        canvas.stroke([ilium[:36]], 2.2, 0.24, soft_mm=0.5)
        canvas.fill([oval((84 + apart) * scale, (apart - 34) * back, 23, 23)], 0.22, soft_mm=1.0)


def _rows(column: Column) -> dict[str, float]:
    return dict(zip(LEVELS, column.centres[:, 0].tolist(), strict=True))


def _lung(column: Column, scale: float, side: int) -> Floats:
    """(n, 2) outline of one lung, down its outer wall and up along the heart."""
    rows = column.centres[BODIES][:12, 0]
    wall = rows[:9] + 0.75 * scale * np.array(_RIB_DROP[:9])
    outer = np.stack((wall, scale * np.array(_RIB_REACH[:9]) - 7), axis=1)
    apex = np.array([(rows[1] - 6, 26), (rows[1] - 18, 44), (rows[1] - 8, 60)])
    dome = rows[9] + (14 if side > 0 else 2)
    base = np.array(
        [(rows[11] + 8, 118), (dome + 8, 96), (dome, 66), (dome + 6, 34), (rows[9], 24)]
    )
    inner = np.array([(rows[6], 26), (rows[3], 22)])
    return np.concatenate((apex * (1, scale), outer, base * (1, scale), inner)) * (1, side)


def _bowel_gas(
    canvas: Canvas, rows: tuple[float, float], cols: tuple[float, float], person: Person
) -> None:
    """Dark bubbles between the given rows and columns of the belly, in mm."""
    low = np.array((rows[0], cols[0]))
    span = np.array((rows[1], cols[1])) - low
    bubbles = [oval(*(low + at[:2] * span), *at[2:]) for at in person.gas]
    canvas.fill(bubbles, -0.3, soft_mm=2.5)
