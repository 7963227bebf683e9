"""How good a spine finder is: on corners that are known, and on films of whose spines little is
said.

Two questions with two kinds of truth. A landmark set has corners and angles, so errors are numbers,
beside what one gets without looking (the mean angles of the films that taught) and beside published
figures, which are of other films. A cohort has only what folders and names say: the side and region
of a curve, that a spine is normal, and, in a table of its own, the view. All intervals resample
studies or groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spondyl.data.levels import VERTEBRAE
from spondyl.measure import conduct, judging, landmark_set
from spondyl.measure.cobb import Angles
from spondyl.measure.finder import Finder
from spondyl.measure.judging import Judged
from spondyl.measure.spec import FinderSpec
from spondyl.progress import Track, silently
from spondyl.trust.intervals import LEVEL, MeanBootstrap

PUBLISHED_SMAPE = (
    ("best of the challenge, on its own test films (Wang et al. 2021)", 21.71),
    ("vertebra-focused landmarks, on the set's test part (Yi et al. 2020)", 10.81),
)
"""Other films than ours: not the same quantity."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its interval over studies."""

    name: str
    value: float
    low: float
    high: float
    unit: str

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.value:.3g} [{self.low:.3g}, {self.high:.3g}] {self.unit}".strip()
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What a finder scores on a landmark set."""

    finder: str
    trained_on: str
    films: str
    """Which films were asked, in words."""
    n_films: int
    n_studies: int
    n_refused: int
    n_whole: int
    """Films on which all seventeen vertebrae were found."""
    figures: tuple[Figure, ...]
    rows: tuple[Judged, ...]

    @property
    def lines(self) -> Iterator[str]:
        """The standing for a person."""
        yield f"{self.finder}, trained on {self.trained_on}"
        yield (
            f"{self.films}: {self.n_films} films of {self.n_studies} studies; {self.n_refused} "
            f"refused, all 17 vertebrae found on {self.n_whole}"
        )
        yield from map(str, self.figures)
        for who, value in PUBLISHED_SMAPE:
            yield f"published, other films: {who}: SMAPE {value} %"

    def as_dict(self) -> dict[str, Any]:
        """The standing as a JSON object, without the rows."""
        return {
            "finder": self.finder,
            "trained_on": self.trained_on,
            "films": self.films,
            "n_films": self.n_films,
            "n_studies": self.n_studies,
            "n_refused": self.n_refused,
            "n_whole": self.n_whole,
            "level": LEVEL,
            "figures": {
                figure.name: {
                    "value": figure.value,
                    "low": figure.low,
                    "high": figure.high,
                    "unit": figure.unit,
                }
                for figure in self.figures
            },
            "published_smape_percent": dict(PUBLISHED_SMAPE),
        }


def judge(data: Path, by: Finder, *, every_film: bool = False, track: Track = silently) -> Standing:
    """`by` on the films of a landmark set that its spec keeps for judging, or on every film.

    Every film is right for a finder that learned from none of them.
    """
    spec = FinderSpec.model_validate(by.about.spec)
    films = landmark_set.read(data)
    taught, _, judged = landmark_set.parted(films, spec.tune, spec.test, spec.seed)
    asked = list(films) if every_film else judged
    others = taught if not every_film else films
    mean = np.mean([film.true_angles for film in others], axis=0)
    rows = conduct.judge(asked, by, track)
    return _standing(by, rows, "every film" if every_film else "films kept for judging", mean)


def _standing(by: Finder, rows: Sequence[Judged], films: str, mean: NDArray[Any]) -> Standing:
    answer: Angles = (float(mean[0]), float(mean[1]), float(mean[2]))
    return Standing(
        finder=by.finder_id,
        trained_on=by.about.trained_on,
        films=films,
        n_films=len(rows),
        n_studies=len({row.study for row in rows}),
        n_refused=sum(row.angles is None for row in rows),
        n_whole=sum(row.n_vertebrae == len(VERTEBRAE) for row in rows),
        figures=tuple(_figures(rows, answer)),
        rows=tuple(rows),
    )


def _figures(rows: Sequence[Judged], mean: Angles) -> Iterator[Figure]:
    measured = [row for row in rows if row.angles is not None]
    of_film: list[tuple[str, str, Sequence[Judged], Callable[[Judged], float]]] = [
        ("corner error", "px", measured, lambda row: row.corner_error_px),
        ("corner error of height", "%", measured, lambda row: 100 * row.corner_error_share),
        ("mask Dice", "", rows, lambda row: row.dice),
        ("angle error", "degrees", measured, lambda row: row.angle_error),
        ("error of the largest angle", "degrees", measured, _first_error),
        ("SMAPE", "%", measured, lambda row: 100 * judging.smape_of(_of(row), row.true_angles)),
        (
            "SMAPE, refused films answered by the mean angles",
            "%",
            rows,
            lambda row: 100 * judging.smape_of(row.angles or mean, row.true_angles),
        ),
        (
            "SMAPE of always answering the mean angles",
            "%",
            rows,
            lambda row: 100 * judging.smape_of(mean, row.true_angles),
        ),
    ]
    for name, unit, asked, value in of_film:
        values = np.array([value(row) for row in asked])
        yield figure(name, unit, values, [row.study for row in asked])


def figure(name: str, unit: str, values: NDArray[Any], groups: Sequence[str]) -> Figure:
    """The mean of `values` (n,) with a percentile interval over resampled `groups` (n,)."""
    if not len(values):
        return Figure(name, float("nan"), float("nan"), float("nan"), unit)
    interval = MeanBootstrap.draw(groups, seed=0).interval(values)
    return Figure(name, float(values.mean()), interval.low, interval.high, unit)


def _first_error(row: Judged) -> float:
    return abs(_of(row)[0] - row.true_angles[0])


def _of(row: Judged) -> Angles:
    assert row.angles is not None
    return row.angles
