"""How far a vertebra has slipped on the one below it, from four points that a person marked.

The points are a lateral film's: the ends of the upper end plate of the lower vertebra, and the two
lower corners of the upper one. Nothing here finds them. Our finder knows frontal films only, where
a slip cannot be seen, so an automatic slip is refused rather than guessed (`automatic`). The slip
follows from the two posterior corners; the upper vertebra's anterior one only tells whether points
were swapped. The price: a vertebra turned by more than 90 degrees against its neighbour is refused.
"""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from spondyl.data.levels import VERTEBRAE
from spondyl.data.regions import Regions
from spondyl.errors import Problem, SpondylError
from spondyl.files import read_json

Grade = Literal["I", "II", "III", "IV", "V"]
Direction = Literal["forward", "none", "retrolisthesis"]
Point = tuple[FiniteFloat, FiniteFloat]
"""(row, column), pixels or millimetres; square."""

GRADES: tuple[tuple[float, Grade], ...] = ((25, "I"), (50, "II"), (75, "III"), (100, "IV"))
"""The largest percentage of each grade; more than the last is V."""
POINTS = ("lower_posterior", "lower_anterior", "upper_posterior", "upper_anterior")
SLIP_LEVELS = tuple(
    f"{above}-{below[1:] if above[0] == below[0] else below}"
    for above, below in pairwise((*VERTEBRAE, "S1"))
)
"""T1-2 … T12-L1 … L5-S1: the upper vertebra has slipped."""
_COLUMNS = ("image_id", "level", *(f"{point}_{axis}" for point in POINTS for axis in "rc"))
_HINT = f"Columns: {', '.join(_COLUMNS)}; r and c are row and column in pixels."


class Marked(BaseModel):
    """Four points of one level, as a person marked them on a lateral film."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    image_id: Annotated[str, Field(min_length=1)]
    level: str
    """One of `SLIP_LEVELS`."""
    lower_posterior: Point
    lower_anterior: Point
    """Both ends of the upper end plate of the lower vertebra."""
    upper_posterior: Point
    upper_anterior: Point
    """Both lower corners of the vertebra above, which may have slipped."""


class _MarkedFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1]
    slips: Annotated[list[Any], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Slip:
    """A measured slip."""

    image_id: str
    level: str
    percent: float
    """Forward shift over the length of the end plate below (Taillard 1954); negative backward."""

    def __str__(self) -> str:
        grade = "no grade" if self.grade is None else f"Meyerding {self.grade}"
        return f"{self.image_id}: {self.level} {self.percent:.1f} % {self.direction}, {grade}"

    def as_dict(self) -> dict[str, Any]:
        """The slip as a JSON object."""
        return {**asdict(self), "direction": self.direction, "meyerding": self.grade}

    @property
    def direction(self) -> Direction:
        """Where the upper vertebra went; a small figure of either sign may be marking error."""
        if self.percent == 0:
            return "none"
        return "forward" if self.percent > 0 else "retrolisthesis"

    @property
    def grade(self) -> Grade | None:
        """Meyerding (1932, Surg Gynecol Obstet 54:371): I up to and with 25 %, II 50, III 75, IV
        100; beyond it V, spondyloptosis, as was added later. None of what has not slipped forward:
        the scale was made for forward slips."""
        if self.percent <= 0:
            return None
        return next((grade for most, grade in GRADES if self.percent <= most), "V")


def slip_percent(marked: Marked) -> float:
    """The slip as a percentage of the length of the end plate below, positive forward.

    The distance between the two posterior corners is taken along that end plate (Taillard 1954,
    Acta Orthop Scand 24:115). Forward is from the plate's posterior to its anterior end, so it does
    not matter where the patient looks. Raises `SpondylError` for points that make no end plates.
    """
    plate = np.subtract(marked.lower_anterior, marked.lower_posterior)
    above = np.subtract(marked.upper_anterior, marked.upper_posterior)
    if not (plate.any() and above.any()):
        raise SpondylError(
            f"{marked.image_id}, {marked.level}: posterior and anterior corner are one point",
            "Mark the two ends of each end plate.",
        )
    if plate @ above <= 0:
        raise SpondylError(
            f"{marked.image_id}, {marked.level}: the two end plates point to opposite sides",
            "Posterior and anterior are swapped on one of them, or it is no lateral film.",
        )
    shift = np.subtract(marked.upper_posterior, marked.lower_posterior)
    return 100 * float(shift @ plate / (plate @ plate))


def measured(marked: Marked) -> Slip:
    """The slip of one level. Raises `SpondylError` as `slip_percent` does."""
    return Slip(marked.image_id, marked.level, slip_percent(marked))


def automatic(regions: Regions) -> NoReturn:
    """Refuses: a slip needs corners of a lateral film, and `regions` from our finder has a frontal
    film's, which say nothing of it. Always raises `SpondylError`."""
    raise SpondylError(
        f"no slip can be measured from the landmarks of {regions.made_by}: they are corners of a "
        "frontal film, and a slip shows on a lateral one",
        "Mark four points on the lateral film, and give them as a CSV or JSON file.",
    )


def read(path: Path) -> tuple[Slip, ...]:
    """The slips of the points in a CSV or JSON file, in its order.

    CSV, UTF-8: one line a level, with the columns image_id, level and, for each of `POINTS`, its
    row and column in pixels (lower_posterior_r, lower_posterior_c, …). JSON: {"schema_version": 1,
    "slips": [{"image_id": …, "level": "L4-5", "lower_posterior": [row, column], …}, …]}.

    Raises `SpondylError` for a file that cannot be read, and one of all problems of its lines.
    """
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _json_rows(path)
    slips, problems = [], []
    for where, row in rows:
        try:
            slips.append(measured(_marked(row)))
        except ValidationError as error:
            problems += _problems(where, error)
        except SpondylError as error:
            problems.append(Problem(where, error.message, error.hint))
    if problems:
        raise SpondylError.of(problems, str(path))
    return tuple(slips)


def _marked(row: Any) -> Marked:
    marked = Marked.model_validate(row)
    if marked.level not in SLIP_LEVELS:
        raise SpondylError(
            f"unknown level {marked.level!r}", f"Levels: {', '.join(SLIP_LEVELS[11:])}, or above."
        )
    return marked


def _json_rows(path: Path) -> list[tuple[str, Any]]:
    try:
        found = _MarkedFile.model_validate(read_json(path))
    except ValidationError as error:
        raise SpondylError.of(_problems(path.name, error), str(path)) from error
    return [(f"slip {number}", row) for number, row in enumerate(found.slips, 1)]


def _csv_rows(path: Path) -> list[tuple[str, Any]]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        lines = [(f"line {reader.line_num}", cells) for cells in reader]
    except csv.Error as error:
        raise SpondylError(f"{path}: is not CSV ({error})", _HINT) from error
    named = reader.fieldnames or ()
    wrong = [f"no column {name!r}" for name in _COLUMNS if name not in named]
    wrong += [f"unknown column {name!r}" for name in named if name not in _COLUMNS]
    if wrong:
        raise SpondylError.of([Problem("line 1", what, _HINT) for what in wrong], str(path))
    if not lines:
        raise SpondylError(f"{path}: lists no slip", "Add a line for each level.")
    return [(where, _points_of(cells)) for where, cells in lines]


def _points_of(cells: dict[str, Any]) -> dict[str, Any]:
    """A line of the CSV as the JSON has it; surplus cells become a field that is refused."""
    row: dict[str, Any] = {name: cells[name] or "" for name in ("image_id", "level")}
    row |= {point: (cells[f"{point}_r"], cells[f"{point}_c"]) for point in POINTS}
    return row | ({"surplus cells": cells[None]} if None in cells else {})  # type: ignore[index]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SpondylError(
            f"{path}: cannot be read ({error.strerror or error})", "Check the path and its rights."
        ) from error
    except UnicodeDecodeError as error:
        raise SpondylError(f"{path}: is not UTF-8 text", 'Save it as "CSV UTF-8".') from error


def _problems(where: str, error: ValidationError) -> list[Problem]:
    return [
        Problem(
            f"{where}, {'.'.join(map(str, fault['loc'])) or 'whole entry'}",
            fault["msg"],
            "Each point is a row and a column in pixels; see the documentation for the layout.",
        )
        for fault in error.errors()
    ]
