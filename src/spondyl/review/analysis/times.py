"""How long readers took, question by question, and whether they grew quicker.

A time is of the first answer to a question, from when it was shown; changes of mind and repeats are
left out. Medians, because a reader may be called away in the middle of a film.

Learning is read from the diagnosis alone, over a reader's own course, in which a repeat takes a
place and gives no time: seconds of questions that stand on one page overlap, so there is no sum for
a film.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import stats

from spondyl.review.agreement import (
    FEWEST_FILMS,
    Floats,
    Resampling,
    film_interval,
)
from spondyl.review.analysis.counting import Counted
from spondyl.review.records import Answer, Phase
from spondyl.trust.intervals import Interval, NotRun

_Asked = tuple[Phase, str | None, str | None]
"""Phase, question or None of all, reader or None of all."""

_SHORTEST = 0.1
"""Seconds: what is shorter is taken as this, so that it has a logarithm."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """The median time of an answer."""

    phase: Phase
    question: str | None
    """None of all questions of the phase."""
    reader: str | None
    """None of all readers."""
    n: int
    median: float
    interval: Interval | NotRun
    """Films resampled."""


@dataclass(frozen=True, slots=True)
class Slope:
    """How times change over the course: Theil's slope of log seconds with Sen's interval (Sen
    1968, JASA 63:1379), films taken as independent."""

    ratio_per_ten: float
    """Seconds after ten more films, repeats among them, / seconds before; below 1 is quicker."""
    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True)
class Learning:
    """One reader's course."""

    reader: str
    n_films: int
    first_third: float
    """Median seconds of the diagnosis in the first third of their films."""
    last_third: float
    slope: Slope | NotRun


@dataclass(frozen=True, slots=True)
class Times:
    """All that is known of times."""

    medians: tuple[Seconds, ...]
    learning: tuple[Learning, ...]
    """Of each reader who gave three diagnoses or more, so that there are thirds."""


def times(counted: Counted, resampling: Resampling) -> Times | NotRun:
    """Medians by phase and question, of all together and of each reader, and learning; or why
    there are none."""
    films = {item.item_id: item.film_sha256 for item in counted.items}
    answers = [answer for answer in counted.first.values() if answer.item_id in films]
    if not answers:
        return NotRun("there is no answer")
    of: dict[_Asked, list[Answer]] = defaultdict(list)
    for answer in answers:
        for question, reader in product((None, answer.question), (None, answer.reader)):
            of[answer.phase, question, reader].append(answer)
    readers: list[str | None] = [None, *counted.readers]
    asked: list[tuple[Phase, str | None]] = [("unaided", None), ("aided", None)]
    asked += [(question.phase, question.key) for question in counted.survey.questions]
    keys: list[_Asked] = [(*one, reader) for one in asked for reader in readers]
    found = tuple(_seconds(key, of[key], films, resampling) for key in keys if key in of)
    return Times(found, _learning(counted, resampling.level))


def _seconds(
    asked: _Asked, answers: Sequence[Answer], films: Mapping[str, str], resampling: Resampling
) -> Seconds:
    values = np.array([answer.seconds for answer in answers])
    return Seconds(
        *asked,
        len(values),
        float(np.median(values)),
        film_interval(
            lambda drawn: medians(values, drawn), [films[a.item_id] for a in answers], resampling
        ),
    )


def medians(values: Floats, drawn: Floats) -> Floats:
    """(resamples,) median of `values` (n,) with each drawn (resamples, n) times."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(drawn[:, order], axis=1)
    half = reached[:, -1:] / 2
    lower = values[order][np.argmax(reached >= half, axis=1)]
    upper = values[order][np.argmax(reached > half, axis=1)]
    return np.asarray(np.where(reached[:, -1] > 0, (lower + upper) / 2, np.nan))


def _learning(counted: Counted, level: float) -> tuple[Learning, ...]:
    key = counted.diagnosis.key if counted.diagnosis else None
    films = {item.item_id for item in counted.items}
    given = [answer for answer in counted.first.values() if answer.question == key]
    courses = []
    for reader in counted.readers:
        course = enumerate(answer for answer in given if answer.reader == reader)
        courses.append([(place, one.seconds) for place, one in course if one.item_id in films])
    return tuple(
        _of_course(reader, course, level)
        for reader, course in zip(counted.readers, courses, strict=True)
        if len(course) >= 3
    )


def _of_course(reader: str, course: Sequence[tuple[int, float]], level: float) -> Learning:
    """From (place among all that they diagnosed, seconds) of each film."""
    seconds = [one for _, one in course]
    third = len(course) // 3
    return Learning(
        reader,
        len(course),
        float(np.median(seconds[:third])),
        float(np.median(seconds[-third:])),
        _slope(course, level),
    )


def _slope(course: Sequence[tuple[int, float]], level: float) -> Slope | NotRun:
    if len(course) < FEWEST_FILMS:
        return NotRun(f"{len(course)} films, {FEWEST_FILMS} are needed")
    places, seconds = np.array(course, dtype=np.float64).T
    found = stats.theilslopes(np.log(np.maximum(seconds, _SHORTEST)), places, alpha=level)
    ratio, low, high = (
        float(np.exp(10 * slope)) for slope in (found.slope, found.low_slope, found.high_slope)
    )
    if not low < high:
        return NotRun("all slopes are the same, which is no certainty")
    return Slope(ratio, low, high, level)
