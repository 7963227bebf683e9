"""Agreement of readers with each other and with themselves, and what its figures mean.

Decision: no figure is called moderate or good. Such words are a convention (Landis and Koch 1977)
that says nothing of what agreement a use needs; the page says what each figure is a share of.
"""

from __future__ import annotations

from collections.abc import Iterator

from spondyl.report.tables import Table, percent, percent_range
from spondyl.review.agreement import Agreement
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.analysis.between_readers import Pair, QuestionAgreement
from spondyl.review.analysis.self_agreement import SelfAgreement
from spondyl.review.pages.section import Section
from spondyl.review.pages.words import (
    NOT_RUN,
    agreed,
    agreed_of_scale,
    count,
    share_cells,
    share_columns,
    signed,
    span,
    sure,
    who,
)
from spondyl.review.records import Survey
from spondyl.trust.intervals import Interval, NotRun

MEANING = (
    "Every figure but “same” is one minus the disagreement that was seen, divided by the "
    "disagreement that chance would give: 1 is agreement in everything, 0 what chance gives, and "
    "below 0 is less than that. Cohen's kappa is of two readers; weighted, it counts near misses "
    "on a scale for less than far ones. Fleiss' kappa and Krippendorff's alpha are of all readers, "
    "alpha of rows with missing answers too. At the same skill all of them are lower where nearly "
    "all films get the same answer. Words for them, such as “moderate” or “substantial”, are a "
    "convention of Landis and Koch (1977) and not a measurement; none is used here."
)


def between(survey: Survey, found: Analysis) -> Section:
    """Agreement between readers."""
    title, questions = "How far readers agree", found.between_readers
    if isinstance(questions, NotRun):
        return Section("agreement", title, (f"Not run: {questions.why}.",))
    level = sure(found.resampling.level)
    pairs = [
        (one, pair) for one in questions if not isinstance(one.pairs, NotRun) for pair in one.pairs
    ]
    shown = {q.key for q in survey.questions if q.diagnosis or q.looks_right}
    whole = Table(
        "agreement",
        "Agreement of all readers, by question",
        (
            "question",
            "rows",
            f"same, % ({level})",
            f"Fleiss ({level})",
            f"Krippendorff ({level})",
            f"Krippendorff, ordered ({level})",
        ),
        tuple(_all_readers(one) for one in questions),
        (
            "Same: of all pairs of answers to one row, those that agree, chance not taken off. "
            "Rows: films, or heatmaps, with two answers or more. Ordered: of scales only.",
            found.conditional,
        ),
    )
    weights = (f"Cohen ({level})", f"linear weights ({level})", f"quadratic weights ({level})")
    columns = ("question", "readers", "rows", *weights)
    rows = [(one.question, _pair(one, pair)) for one, pair in pairs]
    tables = (
        whole,
        Table(
            "agreement-pairs",
            "Cohen's kappa of two readers: diagnosis, and whether heatmaps look right",
            columns[:4],
            tuple(row[:4] for question, row in rows if question in shown),
        ),
    )
    every = Table(
        "agreement-pairs-all", "Cohen's kappa of two readers", columns, tuple(r for _, r in rows)
    )
    return Section(
        "agreement", title, (MEANING,), None, tuple(t for t in tables if t.rows), (every,)
    )


def with_themselves(found: Analysis) -> Section:
    """Agreement of readers with themselves."""
    title, again = "How far readers agree with themselves", found.self_agreement
    if isinstance(again, NotRun):
        return Section("self-agreement", title, (f"Not run: {again.why}.",))
    level = found.resampling.level
    columns = ("question", *share_columns(level), f"Cohen's kappa ({sure(level)})")
    columns += (f"quadratic weights ({sure(level)})",)
    pooled = Table(
        "self-agreement",
        "The same said of a film that came again, all readers",
        columns,
        tuple((_named(one), *_again(one)) for one in again if one.reader is None),
        ("Kappa of the pooled pairs treats all readers as one.",),
    )
    own = Table(
        "self-agreement-by-reader",
        "The same said of a film that came again",
        ("reader", *columns),
        tuple((who(one.reader), _named(one), *_again(one)) for one in again),
    )
    text = (
        f"{count(found.extent.n_repeats, 'film')} came twice. Nobody can be expected to agree "
        "more with others than with themselves, so this is the ceiling of the section before. The "
        "second time readers had seen the film with its heatmaps, so what they remember is in it.",
    )
    return Section("self-agreement", title, text, None, (pooled,), (own,))


def told(survey: Survey, found: Analysis) -> Iterator[str]:
    """What agreement about the diagnosis means."""
    key = next((q.key for q in survey.questions if q.diagnosis and q.phase == "unaided"), None)
    if isinstance(found.between_readers, NotRun):
        return
    for one in found.between_readers:
        if one.question == key and isinstance(one.alpha_nominal, Agreement):
            alpha = one.alpha_nominal
            yield (
                f"About the diagnosis readers disagree {_times(1 - alpha.value)} as much as chance "
                f"would have them (Krippendorff's alpha {signed(alpha.value)}{_sure(alpha)})."
            )


def _times(left: float) -> str:
    return f"{100 * left:.0f} %"


def _sure(found: Agreement) -> str:
    if isinstance(found.interval, NotRun):
        return ", without an interval"
    return f", {sure(found.interval.level)} interval {span(found.interval)}"


def _named(one: QuestionAgreement | SelfAgreement) -> str:
    return one.question if one.option is None else f"{one.question}: {one.option}"


def _all_readers(one: QuestionAgreement) -> tuple[str, ...]:
    same = one.percent
    n_rows, share = NOT_RUN, NOT_RUN
    if isinstance(same, Agreement):
        n_rows, share = str(same.n_rows), percent(same.value)
        if isinstance(same.interval, Interval):
            share += f" ({percent_range(same.interval.low, same.interval.high)})"
    return (
        _named(one),
        n_rows,
        share,
        agreed(one.fleiss),
        agreed(one.alpha_nominal),
        agreed_of_scale(one.alpha_ordinal),
    )


def _pair(one: QuestionAgreement, pair: Pair) -> tuple[str, ...]:
    plain = pair.plain
    return (
        _named(one),
        f"{pair.first}, {pair.second}",
        str(plain.n_rows) if isinstance(plain, Agreement) else NOT_RUN,
        agreed(plain),
        agreed_of_scale(pair.linear),
        agreed_of_scale(pair.quadratic),
    )


def _again(one: SelfAgreement) -> tuple[str, ...]:
    return (*share_cells(one.same), agreed(one.kappa), agreed_of_scale(one.weighted))
