"""How far readers agree with each other, question by question.

Every question gets the figures that its kind allows: Cohen's kappa for each two readers, Fleiss'
and Krippendorff's for all, ordered ones for scales. Of "any of" each option is its own yes or no.
Only the networks' own heatmaps count: that readers agree about decoys is easily had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from spondyl.review.agreement import Agreement, Ratings, Resampling, percent_agreement
from spondyl.review.analysis.counting import Counted, chosen, offered
from spondyl.review.kappa import Weights, cohen, fleiss
from spondyl.review.krippendorff import alpha
from spondyl.review.questions import YES_NO
from spondyl.review.records import Phase, Question
from spondyl.trust.intervals import NotRun

MOST_IN_PAIRS = 12
"""Readers; more are not compared two by two, because nobody reads a hundred kappas."""
_UNORDERED = NotRun("the options have no order")


@dataclass(frozen=True, slots=True)
class Pair:
    """Cohen's kappa of two readers."""

    first: str
    second: str
    plain: Agreement | NotRun
    linear: Agreement | NotRun
    quadratic: Agreement | NotRun
    """Weighted ones are of scales only."""


@dataclass(frozen=True, slots=True)
class QuestionAgreement:
    """Agreement about one question, or one option of "any of"."""

    question: str
    option: str | None
    """Of "any of" the option whose choice is compared; else None."""
    phase: Phase
    percent: Agreement | NotRun
    pairs: tuple[Pair, ...] | NotRun
    """Of each two readers, where there are at most `MOST_IN_PAIRS`."""
    fleiss: Agreement | NotRun
    alpha_nominal: Agreement | NotRun
    alpha_ordinal: Agreement | NotRun


def between_readers(counted: Counted, resampling: Resampling) -> tuple[QuestionAgreement, ...]:
    """Agreement about every question that offers options."""
    return tuple(
        _agreement(question, option, rated, resampling)
        for question in counted.survey.questions
        for option, rated in ratings(counted, question)
    )


def ratings(counted: Counted, question: Question) -> tuple[tuple[str | None, Ratings], ...]:
    """What all readers said to a question, as `ratings_of`."""
    rows = counted.film_rows() if question.phase == "unaided" else counted.map_rows()
    said = [[counted.value(one, row, question) for one in counted.readers] for row in rows]
    return ratings_of(question, counted.readers, [row.film for row in rows], said)


def ratings_of(
    question: Question,
    readers: Sequence[str],
    films: Sequence[str],
    said: Sequence[Sequence[str | None]],
) -> tuple[tuple[str | None, Ratings], ...]:
    """(option, ratings) of values `said` (rows, readers) to a question; the option is None but of
    "any of", whose options are rated one by one. Nothing of free text."""
    if question.kind != "any of":
        options = offered(question)
        return ((None, Ratings.of(options, readers, films, said)),) if options else ()
    return tuple(
        (option, Ratings.of(YES_NO, readers, films, _has(question, option, said)))
        for option in question.options
    )


def _has(
    question: Question, option: str, said: Sequence[Sequence[str | None]]
) -> list[list[str | None]]:
    yes, no = YES_NO
    return [
        [None if one is None else yes if option in chosen(question, one) else no for one in row]
        for row in said
    ]


def _agreement(
    question: Question, option: str | None, rated: Ratings, resampling: Resampling
) -> QuestionAgreement:
    scale = question.kind == "scale"
    return QuestionAgreement(
        question.key,
        option,
        question.phase,
        percent_agreement(rated, resampling),
        _pairs(rated, scale, resampling),
        fleiss(rated, resampling),
        alpha(rated, "nominal", resampling),
        alpha(rated, "ordinal", resampling) if scale else _UNORDERED,
    )


def _pairs(rated: Ratings, scale: bool, resampling: Resampling) -> tuple[Pair, ...] | NotRun:
    n = len(rated.readers)
    if n > MOST_IN_PAIRS:
        return NotRun(f"{n * (n - 1) // 2} pairs of {n} readers: read the figures of all together")

    def weighted(first: int, second: int, weights: Weights) -> Agreement | NotRun:
        return cohen(rated, first, second, resampling, weights) if scale else _UNORDERED

    return tuple(
        Pair(
            rated.readers[first],
            rated.readers[second],
            cohen(rated, first, second, resampling),
            weighted(first, second, "linear"),
            weighted(first, second, "quadratic"),
        )
        for first, second in combinations(range(n), 2)
    )
