"""What the readers of all formats fill: the films of one file, their marks, and all that is wrong.

A label decides what a mark is: the spine's area, a target point, or nothing that matters here. A
label to which nobody gave a meaning is refused, because a misspelt "spnie" would otherwise be a
film without a spine; the price is that a file with ribs in it needs `ignored=["rib"]`. Rectangles
alone are kept under any label, as boxes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from pydantic import ValidationError

from spondyl.data.annotations.outlines import Floats, Mask, add_polygon
from spondyl.data.pixels import LARGEST_PIXELS
from spondyl.data.regions import Box, Regions
from spondyl.errors import Problem, SpondylError

LARGEST_SUM_OF_PIXELS = 20 * LARGEST_PIXELS
"""Of all masks of one file: four gigabytes, a thousand large films."""
SLACK_PIXELS = 1.0
"""How far outside the film an outline may lie: a hand that drew along the border."""
CORNER = 0.5
"""Subtracted where a format puts whole numbers on the corners of pixels; ours are on centres."""

Role = Literal["area", "point", "ignored"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What labels mean, whatever their capitals."""

    roles: dict[str, Role]

    @classmethod
    def of(cls, spine: Iterable[str], targets: Iterable[str], ignored: Iterable[str]) -> Meaning:
        """Labels of the spine's areas, of target points, and of what is passed over.

        Raises `SpondylError` for a label with two meanings.
        """
        roles: dict[str, Role] = {}
        given: dict[Role, Iterable[str]] = {"area": spine, "point": targets, "ignored": ignored}
        for role, labels in given.items():
            for label in map(_plain, labels):
                if roles.setdefault(label, role) != role:
                    raise SpondylError(
                        f"the label {label!r} is given two meanings",
                        "Name it once: among the spine, the targets or the ignored.",
                    )
        return cls(roles)

    def role(self, label: str) -> Role | None:
        """What `label` means; None where nobody said."""
        return self.roles.get(_plain(label))


@dataclass(slots=True)
class Film:
    """The marks of one film while its file is read."""

    size: tuple[int, int]
    made_by: str
    collector: Collector
    mask: Mask | None = None
    targets: list[tuple[float, float]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def add_outline(self, where: str, corners: Floats) -> None:
        """Adds to the spine the inside of a polygon (n, 2), (row, column) on the image grid."""
        if len(corners) < 3:
            self.collector.say(where, f"an outline of {len(corners)} points", "Three are needed.")
        elif self._holds(where, corners, SLACK_PIXELS) and self._has_mask():
            assert self.mask is not None
            add_polygon(self.mask, corners)

    def add_part(self, where: str, part: Mask, top: int, left: int) -> None:
        """Adds to the spine a mask whose first pixel is (top, left) of the film."""
        bottom, right = top + part.shape[0], left + part.shape[1]
        if top < 0 or left < 0 or bottom > self.size[0] or right > self.size[1]:
            self._outside(where, f"rows {top} to {bottom} and columns {left} to {right}")
        elif self._has_mask():
            assert self.mask is not None
            self.mask[top:bottom, left:right] |= part

    def add_target(self, where: str, row: float, column: float) -> None:
        """Adds a point on which the diagnosis rests."""
        if self._holds(where, np.array([[row, column]]), 0):
            self.targets.append((row, column))

    def add_box(self, where: str, label: str, one: Floats, other: Floats) -> None:
        """Adds a rectangle between two opposite corners (row, column), unless it is ignored."""
        if self.collector.meaning.role(label) == "ignored":
            return
        corners = np.stack((one, other))
        if self._holds(where, corners, SLACK_PIXELS):
            (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
            if top == bottom or left == right:
                self.collector.say(where, "a box without any area", "Draw it anew, or remove it.")
            else:
                self.boxes.append(Box(label, float(top), float(left), float(bottom), float(right)))

    def regions(self) -> Regions:
        """What was marked, as a record."""
        return Regions(
            image_size=self.size,
            made_by=self.made_by,
            spine_mask=self.mask,
            targets=tuple(self.targets),
            boxes=tuple(self.boxes),
        )

    def _has_mask(self) -> bool:
        if self.mask is None and self.collector.may_mask(self.size):
            self.mask = np.zeros(self.size, np.bool_)
        return self.mask is not None

    def _holds(self, where: str, points: Floats, slack: float) -> bool:
        far = np.array(self.size) - CORNER + slack
        within = (points >= -CORNER - slack) & (points <= far)
        if within.all():
            return True
        row, column = points[~within.all(axis=1)][0]
        self._outside(where, f"row {row:g}, column {column:g}")
        return False

    def _outside(self, where: str, what: str) -> None:
        height, width = self.size
        self.collector.say(
            where,
            f"{what}: outside the film of {height} × {width} pixels",
            "Were the marks drawn on a copy of another size, or the sizes mixed up?",
        )


@dataclass(slots=True)
class Collector:
    """The films of one annotation file by the names it gives them, and what is wrong with it."""

    file_name: str
    meaning: Meaning
    films: dict[str, Film] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    masked_pixels: int = 0

    def say(self, where: str, what: str, hint: str) -> None:
        """Notes a problem of one place in the file; an empty `where` is the whole file."""
        self.problems.append(Problem(", ".join(filter(None, (self.file_name, where))), what, hint))

    def say_all(self, where: str, error: ValidationError) -> None:
        """Notes every field that pydantic found wrong."""
        for fault in error.errors():
            place = ".".join(map(str, fault["loc"]))
            hint = "Put this field right, or export the annotations anew."
            self.say(" ".join(filter(None, (where, place))), fault["msg"], hint)

    def film(self, where: str, name: str, size: tuple[int, int], made_by: str) -> Film | None:
        """A film of this name and (height, width), without marks; None where that cannot be."""
        height, width = size
        if not name or name in self.films:
            what = f"a second image named {name!r}" if name else "an image without a name"
            self.say(where, what, "Every image needs a name of its own.")
        elif height < 1 or width < 1 or height * width > LARGEST_PIXELS:
            what = f"an image of {height} × {width} pixels"
            self.say(where, what, f"At most {LARGEST_PIXELS // 1_000_000} million are read.")
        else:
            self.films[name] = Film(size, made_by, self)
            return self.films[name]
        return None

    def wants(self, where: str, label: str, kind: Literal["area", "point"]) -> bool:
        """Whether a mark of this kind and label is read; says so where its meaning is unknown."""
        role = self.meaning.role(label)
        if role is None:
            if _plain(label) not in self.unknown:
                what = f"nobody said what the label {label!r} means"
                self.say(where, what, "Name it among the spine, the targets or the ignored.")
            self.unknown.add(_plain(label))
        elif role not in (kind, "ignored"):
            self.say(
                where,
                f"{label!r} stands for {_SHOWN[role]} and is drawn as {_SHOWN[kind]}",
                "Draw it as what it stands for, or give the label another meaning.",
            )
        return role == kind

    def refuse_shape(self, where: str, label: str, shape: str, accepted: str) -> None:
        """Notes a shape that is not read, unless its label is ignored."""
        if self.meaning.role(label) != "ignored":
            self.say(where, f"the shape {shape!r} is not read", f"Read are: {accepted}.")

    def may_mask(self, size: tuple[int, int]) -> bool:
        """Whether one more mask of `size` keeps within what one file may ask for."""
        before = self.masked_pixels
        self.masked_pixels += size[0] * size[1]
        if before <= LARGEST_SUM_OF_PIXELS < self.masked_pixels:
            what = f"its masks need over {LARGEST_SUM_OF_PIXELS // 1_000_000} million pixels"
            self.say("", what, "Split the file.")
        return self.masked_pixels <= LARGEST_SUM_OF_PIXELS

    def regions(self) -> dict[str, Regions]:
        """The regions of every film; `SpondylError` with all problems where there is one."""
        if self.problems:
            raise SpondylError.of(self.problems, self.file_name)
        return {name: film.regions() for name, film in self.films.items()}


_SHOWN = {"area": "an area", "point": "a point"}


def _plain(label: str) -> str:
    return label.strip().casefold()
