"""Corners of vertebrae that a person put right, as `Regions` keep them.

A browser sends the 68 corners of a measurement's JSON ([x, y], T1 to L5, four to a vertebra, null
where there is no such vertebra). `Regions` have points as (row, column) without names; so each
vertebra is a box, too, named "T1" … and drawn round its corners, and nothing is lost.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from spondyl.data.levels import VERTEBRAE
from spondyl.data.regions import Box, Regions
from spondyl.errors import SpondylError

_EACH = 4
N_CORNERS = _EACH * len(VERTEBRAE)

Corner = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]


class Corners(BaseModel):
    """Corrected corners, as a measurement has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    corners: Annotated[list[Corner | None], Field(min_length=N_CORNERS, max_length=N_CORNERS)]
    """[x, y] in the film's pixels, T1 to L5, each top-left, top-right, bottom-left, bottom-right;
    null where there is no such vertebra."""


def regions_of(sent: Corners, size: tuple[int, int], made_by: str) -> Regions:
    """The corners on a film of `size` (height, width) as `Regions`.

    Raises `SpondylError` where a vertebra has some of its corners only, none has any, or one lies
    beyond the film.
    """
    points: list[tuple[float, float]] = []
    boxes = []
    for place, name in enumerate(VERTEBRAE):
        given = sent.corners[_EACH * place : _EACH * (place + 1)]
        here = [(y, x) for x, y in (corner for corner in given if corner is not None)]
        if len(here) not in (0, _EACH):
            raise SpondylError(
                f"{name}: {len(here)} corners; a vertebra has {_EACH} or none", "Place all four."
            )
        if here:
            _refuse_beyond(name, here, size)
            points += here
            rows, columns = zip(*here, strict=True)
            boxes.append(Box(name, min(rows), min(columns), max(rows), max(columns)))
    if not points:
        raise SpondylError("no vertebra has corners", "Place the corners of one at least.")
    landmarks = np.array(points, np.float32)
    return Regions(size, made_by, landmarks=landmarks, boxes=tuple(boxes))


def as_json(regions: Regions, version: int) -> dict[str, Any]:
    """What was kept, with `corners` in the form in which they were sent."""
    assert regions.landmarks is not None
    corners: list[list[float] | None] = [None] * N_CORNERS
    points = regions.landmarks[:, ::-1].astype(float).reshape(-1, _EACH, 2)
    for box, four in zip(regions.boxes, points.tolist(), strict=True):
        first = _EACH * VERTEBRAE.index(box.name)
        corners[first : first + _EACH] = four
    return {
        "version": version,
        "made_by": regions.made_by,
        "image_size": list(regions.image_size),
        "vertebrae": [box.name for box in regions.boxes],
        "corners": corners,
    }


def _refuse_beyond(name: str, corners: list[tuple[float, float]], size: tuple[int, int]) -> None:
    height, width = size
    for row, column in corners:
        if not (-0.5 <= row <= height - 0.5 and -0.5 <= column <= width - 0.5):
            raise SpondylError(
                f"{name}: a corner at row {row:g}, column {column:g} lies beyond the film "
                f"({height} × {width})",
                "Place it on the film.",
            )
