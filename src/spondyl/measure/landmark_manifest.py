"""A landmark set as a manifest of labelled films: what its corners say of scoliosis.

The label follows from the largest angle between any two of a film's vertebrae: scoliosis from 10
degrees, as the Scoliosis Research Society has it, normal below. That is what corners say, and no
reader's diagnosis: a film may be of a patient with any other disease, and a spine of 9.9 degrees is
as normal as a straight one. The angle itself stands beside, for bands.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from spondyl.data.labels import NORMAL, SCOLIOSIS
from spondyl.data.levels import SCOLIOSIS_FROM_DEGREES
from spondyl.errors import SpondylError
from spondyl.files import write_text
from spondyl.measure import landmark_set
from spondyl.measure.cobb import three_angles
from spondyl.measure.landmark_set import LandmarkedFilm

COLUMNS = ("path", "label", "group", "cobb", "set_angle")
"""`cobb`: the largest angle of the corners, degrees; `set_angle`: the largest that the set states,
empty where it states none."""


def write(folder: Path, out: Path) -> dict[str, int]:
    """Writes the manifest of the set in `folder` to `out`, and returns films by label.

    Raises `SpondylError` where `out` is there already or is no place above the films (a manifest's
    paths stay within its folder), and for films and corners that cannot be read.
    """
    if out.exists():
        raise SpondylError(f"{out}: is there already", "Name a new file.")
    # A link to the films is followed only when they are read.
    beside = Path(os.path.relpath(folder.absolute(), out.absolute().parent))
    if os.pardir in beside.parts:
        raise SpondylError(
            f"{out}: its folder is not above {folder}",
            "Write the manifest beside the set's folder or above it; a link to the set will do.",
        )
    films = landmark_set.read(folder)
    write_text(out, _as_csv(films, beside))
    found = [label_of(largest_degrees(film)) for film in films]
    return {name: found.count(name) for name in (NORMAL, SCOLIOSIS)}


def largest_degrees(film: LandmarkedFilm) -> float:
    """The largest angle between any two of the film's vertebrae, from its corners; to a hundredth,
    as it is written, so that label and number never disagree."""
    return round(three_angles(film.corners, film.height)[0], 2)


def label_of(degrees: float) -> str:
    """What a largest angle is called."""
    return SCOLIOSIS if degrees >= SCOLIOSIS_FROM_DEGREES else NORMAL


def _as_csv(films: Sequence[LandmarkedFilm], folder: Path) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for film in films:
        degrees = largest_degrees(film)
        stated = "" if film.angles_degrees is None else f"{max(film.angles_degrees):.2f}"
        path = (folder / "images" / film.name).as_posix()
        writer.writerow((path, label_of(degrees), film.study, f"{degrees:.2f}", stated))
    return text.getvalue()
