"""What was measured on one film, or why it was not: the record that JSON, page and DICOM show.

A measurement has angles or a refusal, never both and never neither, so no page can show a number
that was refused. Corners and mask stay in `Regions`; only the row that is written for others to
read (`as_json`) holds both. There points are [x, y], as landmark sets have them, while everywhere
else in this house they are (row, column): the price of being read by other people's programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spondyl.data.levels import VERTEBRAE
from spondyl.data.radiograph import View
from spondyl.data.regions import Regions
from spondyl.errors import SpondylError
from spondyl.files import read_json
from spondyl.measure.cobb import Angles, Curve, Interval

SCHEMA_VERSION = 1
MEASUREMENTS = "measurements.json"
NOTICE = "Research use only, not for diagnosis."
CORNERS_PER_VERTEBRA = 4


@dataclass(frozen=True, slots=True)
class Measurement:
    """The angles of one film, or the reason why there are none."""

    image_id: str
    image_size: tuple[int, int]
    """(height, width) of the film, pixels."""
    made_by: str
    """Id of the finder that named the corners, or the name of a reader."""
    view: View
    view_probability: float
    """That the film shows this view, 0 … 1."""
    confidence: float
    """In the corners, 0 … 1, as the finder defines it; 1 of a reader's."""
    vertebrae: tuple[str, ...] = ()
    """Those found, from the top, such as "T1"."""
    cobb_degrees: Angles | None = None
    """As `cobb.three_angles` defines them; None where refused."""
    interval_degrees: tuple[Interval, Interval, Interval] | None = None
    """(low, high) of each of `cobb_degrees`."""
    interval_level: float | None = None
    """The share of films whose angle the intervals are meant to hold, such as 0.9; also of the
    curves' intervals."""
    curves: tuple[Curve, ...] = ()
    """From the top, those of 10 degrees or more."""
    refusal: str | None = None
    """Why nothing was measured, in a sentence for people."""
    spacing_mm: tuple[float, float] | None = None
    """(row, column) millimetres to a pixel, where the file states it; angles do not need it."""

    def __post_init__(self) -> None:
        if (self.refusal is None) == (self.cobb_degrees is None):
            raise ValueError("a measurement has either angles or a refusal")
        if self.refusal is not None and (self.curves or self.interval_degrees):
            raise ValueError("a refused measurement has neither curves nor intervals")
        if not (0 <= self.confidence <= 1 and 0 <= self.view_probability <= 1):
            raise ValueError("confidence and probability are shares, 0 … 1")
        if self.interval_level is None and self._has_intervals():
            raise ValueError("intervals without their level mean nothing")

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON has it; `cobb_deg` and `refusal` are null one or the other."""
        return {
            "schema_version": SCHEMA_VERSION,
            "image_id": self.image_id,
            "image_size": list(self.image_size),
            "cobb_deg": None if self.cobb_degrees is None else list(self.cobb_degrees),
            "cobb_interval_deg": _listed(self.interval_degrees),
            "interval_level": self.interval_level,
            "refusal": self.refusal,
            "curves": [_curve_row(curve) for curve in self.curves],
            "vertebrae": list(self.vertebrae),
            "confidence": self.confidence,
            "view": self.view,
            "view_probability": self.view_probability,
            "spacing_mm": None if self.spacing_mm is None else list(self.spacing_mm),
            "made_by": self.made_by,
            "notice": NOTICE,
        }

    def _has_intervals(self) -> bool:
        stated = [self.interval_degrees, *(curve.interval_degrees for curve in self.curves)]
        return any(interval is not None for interval in stated)


def as_json(
    measurement: Measurement,
    regions: Regions | None,
    names: Sequence[str],
    mask_png: str | None = None,
) -> dict[str, Any]:
    """One film's whole row: `Measurement.as_dict` with `corners` and `mask_png`.

    `names` are those of the vertebrae in `regions.landmarks`, in their order. `corners` are 68 of
    [x, y] in the film's own pixels, T1 to L5, each top-left, top-right, bottom-left, bottom-right;
    null for a vertebra that is not among `names`. `mask_png` is the path of the spine mask as the
    row is to state it. ValueError where names and landmarks do not fit, or a name is
    unknown or there twice.
    """
    return measurement.as_dict() | {"corners": _corners(regions, names), "mask_png": mask_png}


def _corners(regions: Regions | None, names: Sequence[str]) -> list[list[float] | None]:
    landmarks = None if regions is None else regions.landmarks
    points = np.zeros((0, 2)) if landmarks is None else landmarks.astype(np.float64)
    known = len(set(names) & set(VERTEBRAE))
    if not len(points) == CORNERS_PER_VERTEBRA * len(names) == CORNERS_PER_VERTEBRA * known:
        raise ValueError(f"{len(points)} landmarks of the vertebrae {', '.join(names) or 'none'}")
    of_vertebra = dict(
        zip(names, points[:, ::-1].reshape(-1, CORNERS_PER_VERTEBRA, 2), strict=True)
    )
    row: list[list[float] | None] = []
    for name in VERTEBRAE:
        found = of_vertebra.get(name)
        row += [None] * CORNERS_PER_VERTEBRA if found is None else found.tolist()
    return row


def _curve_row(curve: Curve) -> dict[str, Any]:
    interval = curve.interval_degrees
    return {
        "upper": curve.upper,
        "apex": curve.apex,
        "lower": curve.lower,
        "side": curve.side,
        "region": curve.region,
        "part": curve.part,
        "cobb_deg": curve.cobb_degrees,
        "interval_deg": None if interval is None else list(interval),
        "severity": curve.severity,
        "at_edge": curve.at_edge,
    }


def _listed(intervals: tuple[Interval, ...] | None) -> list[list[float]] | None:
    return None if intervals is None else [list(interval) for interval in intervals]


def views(folder: Path) -> dict[str, View]:
    """image_id → view, of the films that `spondyl measure … --out` measured into `folder`, refused
    ones included.

    Raises `SpondylError` where no measurements are there, or not in our form.
    """
    path = folder / MEASUREMENTS
    if not path.is_file():
        raise SpondylError(
            f"{folder}: no measurements ({MEASUREMENTS} is missing)",
            "Give the folder that `spondyl measure … --out` made.",
        )
    rows = read_json(path)
    try:
        return {row["image_id"]: row["view"] for row in rows}
    except (KeyError, TypeError) as error:
        raise SpondylError(
            f"{path}: not in the form of schema {SCHEMA_VERSION} ({error})",
            "Measure the films again.",
        ) from error
