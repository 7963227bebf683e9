"""What a spine finder says of a cohort beside what folders and names say: weak truth, much of it.

A class says that a spine has a curve of ten degrees or not, a name on which side and in which
region the main one is, a list of views which films are lateral. Where nothing is stated nothing is
asked, and a film that was refused is counted, not guessed. Sides are asked both ways round, because
a film shown from behind swaps them and nothing in the picture tells. Intervals are Wilson's and
treat films as independent; copies of a film make them a little too narrow.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spondyl.data import cohort as cohorts
from spondyl.data import pixels
from spondyl.data.cohort import Cohort
from spondyl.data.labels import NORMAL, SCOLIOSIS, SPINE_LABELS
from spondyl.data.levels import SCOLIOSIS_FROM_DEGREES
from spondyl.data.radiograph import NOT_STATED, Radiograph
from spondyl.errors import SpondylError
from spondyl.measure.cobb import main_curve
from spondyl.measure.finder import Finder
from spondyl.measure.measurement import Measurement
from spondyl.measure.measuring import measure
from spondyl.progress import Track, silently
from spondyl.trust.intervals import wilson


@dataclass(frozen=True, slots=True)
class Share:
    """A share of films with Wilson's 95 % interval."""

    question: str
    n_yes: int
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high), 0 … 1."""
        interval = wilson(self.n_yes, self.n)
        return interval.low, interval.high

    def __str__(self) -> str:
        low, high = self.interval
        value = self.n_yes / self.n if self.n else float("nan")
        return f"{self.question}: {self.n_yes} of {self.n} = {value:.3f} [{low:.3f}, {high:.3f}]"


@dataclass(frozen=True, slots=True)
class Survey:
    """A finder's answers to a cohort, counted."""

    finder: str
    trained_on: str
    n_films: int
    views: dict[str, dict[str, int]]
    """True view → view that the finder named → films; empty where no list of views was given."""
    refusals: dict[str, int]
    """Label → films that were refused."""
    shares: tuple[Share, ...]
    vertebrae: dict[str, int]
    """How many vertebrae were found → films."""

    @property
    def lines(self) -> Iterator[str]:
        """The survey for a person."""
        yield f"{self.finder}, trained on {self.trained_on}: {self.n_films} films"
        for true, named in self.views.items():
            said = ", ".join(f"{n} {view}" for view, n in named.items())
            yield f"{true} films were taken for: {said}"
        refused = ", ".join(f"{n} {label}" for label, n in self.refusals.items())
        yield f"refused: {refused or 'none'}"
        yield from map(str, self.shares)

    def as_dict(self) -> dict[str, Any]:
        """The survey as a JSON object."""
        return {
            **{key: value for key, value in asdict(self).items() if key != "shares"},
            "shares": [asdict(one) | {"interval": one.interval} for one in self.shares],
        }


@dataclass(frozen=True, slots=True)
class _Answer:
    film: Radiograph
    said: Measurement
    view: str
    """The true one, or "not stated"."""


def survey(
    cohort_path: Path, by: Finder, views: Path | None = None, track: Track = silently
) -> Survey:
    """`by` on every film of the folder or manifest, beside labels, names and a list of `views`.

    The list is a CSV with the columns sha256 (of the film's file) and view. Raises `SpondylError`
    for a cohort or list that cannot be read.
    """
    cohort = cohorts.read(cohort_path, SPINE_LABELS, track=track)
    true_views = {} if views is None else _views(views)
    return counted(list(_answers(cohort, by, true_views, track)), by)


def counted(answers: Sequence[_Answer], by: Finder) -> Survey:
    """The survey of films that were answered."""
    measured = [one for one in answers if one.said.refusal is None]
    stated = [one for one in answers if one.view != NOT_STATED]
    return Survey(
        finder=by.finder_id,
        trained_on=by.about.trained_on,
        n_films=len(answers),
        views={
            true: dict(Counter(one.said.view for one in stated if one.view == true))
            for true in sorted({one.view for one in stated})
        },
        refusals=dict(Counter(str(a.film.label) for a in answers if a.said.refusal is not None)),
        shares=tuple(_shares(answers, measured)),
        vertebrae={
            str(n): count
            for n, count in sorted(Counter(len(a.said.vertebrae) for a in measured).items())
        },
    )


def _shares(answers: Sequence[_Answer], measured: Sequence[_Answer]) -> Iterator[Share]:
    frontal = [one for one in answers if one.view == "frontal"]
    lateral = [one for one in answers if one.view == "lateral"]
    if frontal or lateral:
        yield _share("frontal films called frontal", frontal, lambda a: a.said.view == "frontal")
        yield _share("frontal films measured", frontal, lambda a: a.said.refusal is None)
        yield _share("lateral films called lateral", lateral, lambda a: a.said.view == "lateral")
        yield _share("lateral films refused", lateral, lambda a: a.said.refusal is not None)
    for label in (NORMAL, SCOLIOSIS):
        asked = [one for one in measured if one.film.label == label]
        yield _share(f"{label} films with a curve of 10° or more", asked, _has_curve)
        yield _share(f"{label} films with a largest angle of 10° or more", asked, _has_angle)
    sided = [a for a in measured if len(_sides(a)) == 1 and a.said.curves]
    yield _share(
        "main curve on the side of the name, patient's right at the left", sided, _same_side
    )
    yield _share(
        "main curve on the side of the name, shown from behind", sided, lambda a: not _same_side(a)
    )
    placed = [a for a in measured if len(_regions(a)) == 1 and a.said.curves]
    yield _share("main curve in the region of the name", placed, _same_region)
    yield _share("any curve in the region of the name", placed, _any_region)


def _share(question: str, asked: Iterable[_Answer], yes: Callable[[_Answer], bool]) -> Share:
    answers = [yes(one) for one in asked]
    return Share(question, sum(answers), len(answers))


def _has_curve(answer: _Answer) -> bool:
    return bool(answer.said.curves)


def _has_angle(answer: _Answer) -> bool:
    assert answer.said.cobb_degrees is not None
    return answer.said.cobb_degrees[0] >= SCOLIOSIS_FROM_DEGREES


def _sides(answer: _Answer) -> set[str]:
    """The side of the one curve that the name states; nothing where it states several curves."""
    curves = answer.film.curves
    return {str(curve.side) for curve in curves if len(curves) == 1} - {NOT_STATED}


def _regions(answer: _Answer) -> set[str]:
    curves = answer.film.curves
    return {str(curve.region) for curve in curves if len(curves) == 1} - {NOT_STATED}


def _same_side(answer: _Answer) -> bool:
    main = main_curve(answer.said.curves)
    return main is not None and {main.side} == _sides(answer)


def _same_region(answer: _Answer) -> bool:
    main = main_curve(answer.said.curves)
    return main is not None and {main.region} == _regions(answer)


def _any_region(answer: _Answer) -> bool:
    return bool({curve.region for curve in answer.said.curves} & _regions(answer))


def _answers(cohort: Cohort, by: Finder, views: dict[str, str], track: Track) -> Iterator[_Answer]:
    for film in track(cohort.radiographs, "measuring films", len(cohort.radiographs)):
        said = measure(pixels.read(film.path), film.image_id, by).measurement
        yield _Answer(film, said, views.get(film.file.sha256, NOT_STATED))


def _views(path: Path) -> dict[str, str]:
    try:
        with path.open(newline="", encoding="utf-8") as text:
            rows = list(csv.DictReader(text))
        return {row["sha256"]: row["view"] for row in rows}
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise SpondylError(
            f"{path}: no list of views ({error})", "A CSV with the columns sha256 and view."
        ) from error
