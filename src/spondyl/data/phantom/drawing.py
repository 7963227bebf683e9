"""Drawn spine radiographs with known truth: the data that every install of `spondyl` has.

They are schematic, so what a network scores on them says that the machinery works and nothing about
patients. In return everything is known: angles, levels, corners, and that nothing but the spine
tells the class, unless a shortcut was planted. Body, aim, exposure, noise and facts come from
separate random streams of (seed, index), so the same person can be drawn with each diagnosis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.levels import largest_angle_degrees
from spondyl.data.phantom import anatomy as spines
from spondyl.data.phantom import trunk, vertebrae
from spondyl.data.phantom.anatomy import BODIES, Anatomy, Column, Field
from spondyl.data.phantom.attenuation import Aim, Canvas, developed
from spondyl.data.phantom.filming import (
    DrawnView,
    Image,
    Setting,
    aimed,
    collimate,
    drawn_setting,
    write_lead,
)
from spondyl.data.phantom.shortcuts import SHORTCUTS, Shortcut, shortcut_named, variant_for
from spondyl.data.phantom.truth import (
    Truth,
    measured_curves,
    regions_of,
    targets_of,
)
from spondyl.data.regions import Box, Regions
from spondyl.errors import SpondylError
from spondyl.progress import Track, silently

_STREAMS = ("spine", "body", "aim", "noise", "facts", "shortcut", "cohort", "labels")
_SMALLEST_SIDE = 48
_BLOCK = 6
"""Films of a cohort over which the labels' proportions are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A drawn film, where things are in it, and its truth."""

    image_id: str
    """LABEL/INDEX.png"""
    image: Image
    """(height, width), or (height, width, 3) RGB where a tint is planted; uint8, bright = dense."""
    regions: Regions
    truth: Truth


def draw(
    seed: int,
    label: str,
    view: DrawnView = "frontal",
    size: tuple[int, int] = (224, 224),
    *,
    index: int = 0,
    field: Field | None = None,
    spine: Anatomy | None = None,
    shortcut: str | None = None,
    strength: float = 1.0,
) -> Phantom:
    """One film of class `label`: the same arguments give the same bytes.

    `size` is (height, width) in pixels. `field` None draws how much of the spine the film shows;
    "whole" is sure to show all of T1 to L5. `spine` is one of your own instead of a random one; its
    class must be `label`. `shortcut` is a name in `shortcuts.SHORTCUTS`.

    Raises `SpondylError` for an unknown label, view, field or shortcut, a strength outside [0, 1],
    a negative seed or a film too small to show a spine.
    """
    _refuse_nonsense(seed, view, size, field)
    planted = _planted(shortcut, strength)
    streams = {name: _stream(seed, index, name) for name in _STREAMS}
    setting = drawn_setting(streams["aim"], view, field, size[0])
    anatomy = spine or spines.drawn(streams["spine"], label, setting.field)
    if anatomy.label != label:
        raise SpondylError(
            f"the spine given is {anatomy.label}, the label {label}", "Give the label of the spine."
        )
    variant = 0
    if planted is not None:
        variant = variant_for(label, strength, streams["shortcut"])
        size = (size[0], max(_SMALLEST_SIDE, round(size[1] * planted.widths[variant])))
    front = spines.frontal(anatomy)
    column = front if view == "frontal" else spines.lateral(anatomy)
    aim = aimed(setting, anatomy, size)
    depth = _painted(view, aim, column, anatomy, streams["body"])
    film = developed(depth, setting.exposure, streams["noise"])
    image, boxes = _finished(film, setting, planted, variant)
    curves = measured_curves(front, anatomy.curvature)
    regions, shown = regions_of(column, aim, targets_of(column, anatomy, curves), boxes)
    truth = Truth(
        label=label,
        view=view,
        field=setting.field,
        sex="female" if streams["facts"].random() < 0.6 else "male",
        age_years=int(streams["facts"].integers(8, 80)),
        curves=curves,
        largest_angle_degrees=largest_angle_degrees(front.corners[BODIES]),
        slip_level=anatomy.slip.level if anatomy.slip else None,
        slip_fraction=anatomy.slip.fraction if anatomy.slip else None,
        vertebrae=shown,
        spacing_mm=aim.spacing_mm,
        shortcut=None if planted is None else f"{planted.name} {variant}",
        seed=seed,
        index=index,
    )
    return Phantom(f"{label}/{index:04d}.png", image, regions, truth)


def cohort(
    n: int,
    seed: int,
    *,
    view: DrawnView | Literal["mixed"] = "frontal",
    size: tuple[int, int] = (224, 224),
    size_jitter: float = 0.0,
    proportions: Mapping[str, float] | None = None,
    field: Field | None = None,
    shortcut: str | None = None,
    strength: float = 1.0,
    track: Track = silently,
) -> tuple[Phantom, ...]:
    """`n` films; film i is the same in a cohort of any size with the same other arguments.

    `proportions` are shares of the labels, equal by default, kept in every six films as nearly as
    whole films allow. View, size and exposure are independent of the label. With `size_jitter` j,
    height and width are each multiplied by their own factor between 1 / (1 + j) and 1 + j.

    Raises `SpondylError` as `draw` does, and for fewer than one film, shares that are no shares or
    a jitter outside [0, 1].
    """
    shares = _shares(proportions)
    if n < 1 or not 0 <= size_jitter <= 1:
        raise SpondylError(
            f"{n} films with a size jitter of {size_jitter:g}: not possible",
            "Ask for one film or more, and a jitter between 0 and 1.",
        )
    _planted(shortcut, strength)
    _refuse_nonsense(seed, "frontal" if view == "mixed" else view, size, field)
    films = []
    for index in track(range(n), "drawing films", n):
        rng = _stream(seed, index, "cohort")
        lateral = rng.random() < 0.5
        factors = np.exp(rng.uniform(-1, 1, 2) * np.log1p(size_jitter))
        films.append(
            draw(
                seed,
                _label_of(seed, index, shares),
                ("lateral" if lateral else "frontal") if view == "mixed" else view,
                (round(size[0] * factors[0]), round(size[1] * factors[1])),
                index=index,
                field=field,
                shortcut=shortcut,
                strength=strength,
            )
        )
    return tuple(films)


def _painted(
    view: DrawnView, aim: Aim, column: Column, anatomy: Anatomy, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The attenuation of a whole body, (height, width)."""
    canvas, scale, facing = Canvas(aim), anatomy.scale, anatomy.facing
    person = trunk.drawn_person(rng, scale)
    if view == "frontal":
        trunk.frontal_trunk(canvas, column, person)
        trunk.frontal_ribs(canvas, column, scale)
        trunk.shoulders(canvas, column, scale)
        trunk.frontal_pelvis(canvas, scale)
        vertebrae.frontal_sacrum(canvas, column)
        vertebrae.frontal_spine(canvas, column, anatomy.slip)
    else:
        trunk.lateral_trunk(canvas, column, person, facing)
        trunk.lateral_ribs(canvas, column, scale, facing)
        trunk.lateral_pelvis(canvas, scale, facing)
        vertebrae.lateral_sacrum(canvas, column, facing)
        vertebrae.lateral_spine(canvas, column, facing)
    return canvas.depth


def _finished(
    film: Image, setting: Setting, planted: Shortcut | None, variant: int
) -> tuple[Image, tuple[Box, ...]]:
    """The film with its borders, its letter and what was planted; and the boxes of these."""
    boxes: tuple[Box, ...] = ()
    replaced = planted.replaces if planted else ""
    if replaced != "borders":
        collimate(film, setting.borders)
    if setting.letter and replaced != "letter":
        col = 0.9 if setting.letter == "L" else 0.1
        boxes = (write_lead(film, setting.letter, setting.letter_row, col, "letter"),)
    if planted is None:
        return film, boxes
    image, more = planted.plant(film, variant)
    return image, boxes + more


def _stream(seed: int, index: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng((seed, index, _STREAMS.index(purpose)))


def _shares(proportions: Mapping[str, float] | None) -> NDArray[np.float64]:
    """(labels,) the upper ends of the labels' stretches of [0, 1]."""
    wanted = dict.fromkeys(SPINE_LABELS.names, 1.0) if proportions is None else dict(proportions)
    shares = np.array([wanted.pop(name, 0.0) for name in SPINE_LABELS.names])
    if wanted or shares.min() < 0 or not 0 < shares.sum() < np.inf:
        raise SpondylError(
            f"label proportions {dict(proportions or {})}: not usable",
            f"Give shares that are not negative for {', '.join(SPINE_LABELS.names)}.",
        )
    ends: NDArray[np.float64] = np.cumsum(shares / shares.sum())
    return ends


def _label_of(seed: int, index: int, ends: NDArray[np.float64]) -> str:
    """Systematic sampling in shuffled blocks: each label's count in a block is within one film."""
    block, place = divmod(index, _BLOCK)
    rng = _stream(seed, block, "labels")
    points = (rng.permutation(_BLOCK) + rng.random()) / _BLOCK
    return SPINE_LABELS.names[int(np.searchsorted(ends[:-1], points[place], side="right"))]


def _planted(shortcut: str | None, strength: float) -> Shortcut | None:
    if shortcut is not None:
        return shortcut_named(shortcut, strength)
    if strength != 1:
        raise SpondylError(
            f"shortcut strength {strength:g}: without a shortcut it means nothing",
            f"Plant one of these: {', '.join(SHORTCUTS)}.",
        )
    return None


def _refuse_nonsense(seed: int, view: str, size: tuple[int, int], field: str | None) -> None:
    if view not in get_args(DrawnView) or (field is not None and field not in get_args(Field)):
        raise SpondylError(
            f"view {view!r}, field {field!r}: cannot be drawn",
            "Views: frontal, lateral. Fields: whole, thoracolumbar, lumbar.",
        )
    if seed < 0 or min(size) < _SMALLEST_SIDE or max(size) > 8192:
        raise SpondylError(
            f"seed {seed}, film of {size[0]} × {size[1]} pixels: cannot be drawn",
            f"Seeds are 0 or more, sides {_SMALLEST_SIDE} to 8192 pixels.",
        )
