"""How far readers agree with themselves when they meet a film again.

It is the ceiling of agreement between readers: nobody can be expected to agree more with another
than with themselves. A film and its repeat are one film to the bootstrap; of heatmaps those are
compared that show the same both times, so a decoy, which is never met twice, is in none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spondyl.review.agreement import Agreement, Ratings, Resampling
from spondyl.review.analysis.between_readers import ratings_of
from spondyl.review.analysis.counting import Counted, Row
from spondyl.review.analysis.shares import Share, share
from spondyl.review.kappa import cohen
from spondyl.review.records import Phase, Question
from spondyl.trust.intervals import NotRun


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """One reader, or all, on one question at two times."""

    question: str
    option: str | None
    """Of "any of" the option whose choice is compared; else None."""
    phase: Phase
    reader: str | None
    """None of all readers' pairs pooled."""
    same: Share | NotRun
    kappa: Agreement | NotRun
    weighted: Agreement | NotRun
    """With quadratic weights, of scales only."""


def self_agreement(counted: Counted, resampling: Resampling) -> tuple[SelfAgreement, ...] | NotRun:
    """Agreement of all together and of each reader with themselves, by question; or why not."""
    if not counted.repeats:
        return NotRun("the survey repeats no film")
    readers: list[str | None] = [None, *counted.readers]
    return tuple(
        _agreement(question, option, reader, rated, resampling)
        for question in counted.survey.questions
        for reader in readers
        for option, rated in _twice(counted, question, reader)
    )


def _twice(
    counted: Counted, question: Question, reader: str | None
) -> tuple[tuple[str | None, Ratings], ...]:
    """(option, ratings) with the two times in the place of readers."""
    readers = counted.readers if reader is None else (reader,)
    rows = [(one, first, again) for one in readers for first, again in _rows(counted, question)]
    said = [
        [counted.value(one, first, question), counted.value(one, again, question)]
        for one, first, again in rows
    ]
    films = [first.film for _, first, _ in rows]
    return ratings_of(question, ("first", "again"), films, said)


def _rows(counted: Counted, question: Question) -> Iterator[tuple[Row, Row]]:
    """Films, or heatmaps that show the same, that are met twice."""
    for first, again in counted.repeats:
        if question.phase == "unaided":
            yield Row(first, None), Row(again, None)
            continue
        same = {(one.network, one.label): one for one in again.maps if one.kind == "network"}
        for one in first.maps:
            if one.kind == "network" and (one.network, one.label) in same:
                yield Row(first, one), Row(again, same[one.network, one.label])


def _agreement(
    question: Question,
    option: str | None,
    reader: str | None,
    rated: Ratings,
    resampling: Resampling,
) -> SelfAgreement:
    both = rated.answered_by(2)
    same = [bool(a == b) for a, b in both.values]
    return SelfAgreement(
        question.key,
        option,
        question.phase,
        reader,
        share(same, both.films, resampling),
        cohen(rated, 0, 1, resampling),
        cohen(rated, 0, 1, resampling, "quadratic")
        if question.kind == "scale"
        else NotRun("the options have no order"),
    )
