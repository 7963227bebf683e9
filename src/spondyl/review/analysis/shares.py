"""Counts as shares with intervals, and what was answered to a question, option by option.

Decision: a share has Wilson's interval where every film gives one answer, and is resampled over
films besides where a film gives several, because then Wilson's is too narrow. Both are kept, so
that a table can be compared with others' while its reader sees which one to read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spondyl.review.agreement import Analytic, Floats, Resampling, film_interval, ratio
from spondyl.review.analysis.counting import Counted, Row, chosen, offered
from spondyl.review.records import Question
from spondyl.trust.intervals import Interval, NotRun, wilson


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    n_yes: int
    n: int
    """One at least."""
    value: float
    """0 … 1."""
    wilson: Interval
    """Takes every answer as independent."""
    by_film: Interval | NotRun
    """Films resampled: the one to read where a film gives several answers."""


@dataclass(frozen=True, slots=True)
class OptionShare:
    """How often one option was chosen."""

    option: str
    share: Share


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to a question by one reader, or by all together."""

    reader: str | None
    """None of all readers' answers pooled."""
    n: int
    n_missing: int
    """Rows that these readers have not answered, of all there are."""
    options: tuple[OptionShare, ...] | NotRun
    """In the order in which they were offered."""
    middle: str | None
    """Of a scale the median answer, the lower of two; None of other kinds."""


def share(yes: Sequence[bool], films: Sequence[str], resampling: Resampling) -> Share | NotRun:
    """The share of `yes` (answers,), each of a film; or why there is none."""
    if not yes:
        return NotRun("there is no answer")
    n_yes = sum(yes)
    return Share(
        n_yes,
        len(yes),
        n_yes / len(yes),
        wilson(n_yes, len(yes), resampling.level),
        _by_film(yes, films, resampling),
    )


def paired_difference(
    before: Sequence[bool], after: Sequence[bool], films: Sequence[str], level: float
) -> Analytic | NotRun:
    """Interval of share(after) − share(before) of the same films (n,), one answer each.

    Newcombe 1998, Statistics in Medicine 17:2635, method 10: Wilson's intervals of both, squared
    and added, with their correlation. Where the two seldom differ it errs on the wide side, and a
    bootstrap of few differences on the narrow one.
    """
    if not films:
        return NotRun("there is no answer")
    if len(set(films)) < len(films):
        return NotRun("several answers are of one film; the formula takes them as independent")
    n, table = len(films), Counter(zip(after, before, strict=True))
    first, second = (wilson(sum(one), n, level) for one in (after, before))
    p, q = sum(after) / n, sum(before) / n
    r = _correlation(table[True, True], table[True, False], table[False, True], table[False, False])
    down, up = (
        _together(p - first.low, second.high - q, r),
        _together(first.high - p, q - second.low, r),
    )
    return Analytic(None, p - q - down, p - q + up, level, "Newcombe 1998, method 10")


def _together(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))


def _correlation(both: int, first_only: int, second_only: int, neither: int) -> float:
    """Of two paired shares, phi with Newcombe's continuity correction; 0 where one is 0 or 1."""
    n = both + first_only + second_only + neither
    margins = (
        (both + first_only)
        * (second_only + neither)
        * (both + second_only)
        * (first_only + neither)
    )
    if margins == 0:
        return 0.0
    excess = float(both * neither - first_only * second_only)
    return (max(excess - n / 2, 0.0) if excess > 0 else excess) / math.sqrt(margins)


def mean_interval(
    values: Sequence[float], films: Sequence[str], resampling: Resampling
) -> Interval | NotRun:
    """Interval of a mean of `values` (answers,), films resampled."""
    column = np.asarray(values, dtype=np.float64)

    def of_drawn(drawn: Floats) -> Floats:
        return ratio(drawn @ column, drawn.sum(-1))

    return film_interval(of_drawn, films, resampling)


def answered(
    counted: Counted,
    question: Question,
    rows: Sequence[Row],
    reader: str | None,
    resampling: Resampling,
) -> Answered:
    """What `reader`, or all, said of `rows`, heatmaps or films as the question is asked."""
    readers = counted.readers if reader is None else (reader,)
    said = [
        (row.film, value)
        for one in readers
        for row in rows
        if (value := counted.value(one, row, question)) is not None
    ]
    options = offered(question)
    return Answered(
        reader,
        len(said),
        len(rows) * len(readers) - len(said),
        _options(question, options, said, resampling),
        _middle(options, [value for _, value in said]) if question.kind == "scale" else None,
    )


def _options(
    question: Question,
    options: Sequence[str],
    said: Sequence[tuple[str, str]],
    resampling: Resampling,
) -> tuple[OptionShare, ...] | NotRun:
    if not options:
        return NotRun("the answers are free text")
    films = [film for film, _ in said]
    shares = []
    for option in options:
        made = share([option in chosen(question, value) for _, value in said], films, resampling)
        if isinstance(made, NotRun):
            return made
        shares.append(OptionShare(option, made))
    return tuple(shares)


def _middle(options: Sequence[str], values: Sequence[str]) -> str | None:
    places = sorted(options.index(value) for value in values)
    return options[places[(len(places) - 1) // 2]] if places else None


def _by_film(
    yes: Sequence[bool], films: Sequence[str], resampling: Resampling
) -> Interval | NotRun:
    if len(set(films)) == len(films):
        return NotRun("every film gives one answer: Wilson's interval is the one to read")
    return mean_interval([float(one) for one in yes], films, resampling)
