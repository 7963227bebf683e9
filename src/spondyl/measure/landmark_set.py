"""A folder of frontal films with vertebra corners, laid out as the AASCE challenge did.

`images/NAME` and, for each, `labels/NAME.mat` with `p2` (68, 2) corners (x, y) in pixels, T1 to L5,
top-left, top-right, bottom-left, bottom-right; `labels/filenames.csv` and `labels/angles.csv`,
where they are there, hold the set's own three angles. Several pictures of one study exist, so the
parts are drawn by study number. Read only; for research only, as the set's licence says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import scipy.io
from numpy.typing import NDArray

from spondyl.data import pixels
from spondyl.data.levels import Floats
from spondyl.errors import Problem, SpondylError
from spondyl.measure.cobb import Angles, three_angles
from spondyl.measure.examples import WORKING_HEIGHT, Example
from spondyl.progress import Track, silently

_N_POINTS = 68
_STUDY = re.compile(r"-(?:coronal)?(\d+)(?: [A-Z])?(?: \w+)?\.\w+$")
"""…-262 A AP.jpg: study 262, picture A, view AP; …-coronal10.jpg: study 10."""


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkedFilm:
    """A film of the set; its pixels are read later."""

    name: str
    path: Path
    study: str
    """Its study number, or its name where that has none: what is never torn apart."""
    corners: Floats
    """(17, 4, 2) T1 to L5, (row, column), native pixels."""
    angles_degrees: Angles | None
    """The set's own three angles, where it states them."""
    height: int
    """Of the film, pixels."""

    @property
    def true_angles(self) -> Angles:
        """The set's own three angles, or those of the corners by its definition."""
        return self.angles_degrees or three_angles(self.corners, self.height)


def read(folder: Path) -> tuple[LandmarkedFilm, ...]:
    """All films of the set in `folder`, by name. `SpondylError` names every one that is
    unusable."""
    images = sorted(path for path in (folder / "images").glob("*") if path.is_file())
    if not images:
        raise SpondylError(
            f"{folder}: no films in its folder images",
            "Name a folder with images/ and labels/, as the AASCE challenge (SpineWeb data set 16) "
            "has them.",
        )
    angles = _angles(folder / "labels")
    films, problems = [], []
    for path in images:
        try:
            corners = _corners(folder / "labels" / f"{path.name}.mat")
            height = pixels.facts(path).height
        except SpondylError as error:
            problems.append(Problem(path.name, error.message, error.hint))
            continue
        films.append(
            LandmarkedFilm(
                path.name, path, study_of(path.name), corners, angles.get(path.name), height
            )
        )
    if problems:
        raise SpondylError.of(problems, str(folder))
    return tuple(films)


def study_of(name: str) -> str:
    """The study number in a film's name, or the name itself."""
    found = _STUDY.search(name)
    return found.group(1) if found else name


def parted(
    films: Sequence[LandmarkedFilm], tune: float, test: float, seed: int
) -> tuple[list[LandmarkedFilm], list[LandmarkedFilm], list[LandmarkedFilm]]:
    """Films to learn from, that calibrate, and that judge: whole studies, drawn by `seed`.

    `tune` and `test` are shares of the studies. The same films and seed give the same parts.
    """
    studies = sorted({film.study for film in films})
    order = np.random.default_rng(seed).permutation(len(studies))
    n_test, n_tune = round(test * len(studies)), round(tune * len(studies))
    judged = {studies[i] for i in order[:n_test]}
    tuned = {studies[i] for i in order[n_test : n_test + n_tune]}
    learned = [film for film in films if film.study not in judged | tuned]
    return (
        learned,
        [film for film in films if film.study in tuned],
        [film for film in films if film.study in judged],
    )


def examples(films: Sequence[LandmarkedFilm], track: Track = silently) -> list[Example]:
    """The films decoded and scaled to the working height, as examples to learn from."""
    with ThreadPoolExecutor(2) as pool:
        return list(track(pool.map(_example, films), "reading films", len(films)))


def _example(film: LandmarkedFilm) -> Example:
    grey = pixels.read(film.path).grey
    scale = min(1.0, WORKING_HEIGHT / grey.shape[0])
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    factors = np.array((height / grey.shape[0], width / grey.shape[1]))
    return Example(
        np.rint(small * 255).astype(np.uint8),
        "frontal",
        (film.corners + 0.5) * factors - 0.5,
        np.arange(len(film.corners)),
    )


def _corners(path: Path) -> NDArray[np.float64]:
    try:
        points = np.asarray(scipy.io.loadmat(path)["p2"], np.float64)
    except FileNotFoundError as error:
        raise SpondylError(
            f"no landmarks ({path.name} is not there)", "Leave the film out, or add its landmarks."
        ) from error
    except Exception as error:
        raise SpondylError(
            f"its landmarks cannot be read ({error})", "Restore the file, or leave the film out."
        ) from error
    if points.shape != (_N_POINTS, 2) or not np.isfinite(points).all():
        raise SpondylError(
            f"landmarks of shape {points.shape}, not ({_N_POINTS}, 2) finite numbers",
            "Each film needs 17 vertebrae with four corners.",
        )
    return np.ascontiguousarray(points.reshape(-1, 4, 2)[..., ::-1])


def _angles(labels: Path) -> dict[str, Angles]:
    names, values = labels / "filenames.csv", labels / "angles.csv"
    if not (names.is_file() and values.is_file()):
        return {}
    with names.open(newline="", encoding="utf-8") as text:
        listed = [row[0] for row in csv.reader(text) if row]
    with values.open(newline="", encoding="utf-8") as text:
        rows = [tuple(float(cell) for cell in row) for row in csv.reader(text) if row]
    if len(listed) != len(rows) or any(len(row) != 3 for row in rows):
        raise SpondylError(
            f"{values}: {len(rows)} rows of angles for {len(listed)} names",
            "Each name needs one row of three angles.",
        )
    return {name: (row[0], row[1], row[2]) for name, row in zip(listed, rows, strict=True)}
