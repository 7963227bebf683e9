"""What readers believed of heatmaps: decoys, scores that foretell it, and the time that it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spondyl.report.tables import NONE, Table
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.analysis.decoys import Acceptance, KindAccepted
from spondyl.review.analysis.predicting import ScoreFound, ScorePrediction
from spondyl.review.analysis.times import Learning, Seconds, Times
from spondyl.review.pages.section import Section
from spondyl.review.pages.words import (
    NOT_RUN,
    between,
    of,
    p_cell,
    p_value,
    shared,
    signed,
    sure,
    who,
)
from spondyl.trust.intervals import NotRun


def decoys(found: Analysis) -> Section:
    """Heatmaps that ought not to look right."""
    title, accepted = "Decoys that were called right", found.decoys
    if isinstance(accepted, NotRun):
        why = f"Not run: {accepted.why}. Without decoys “looks right” cannot be false."
        return Section("decoys", title, (why,))
    level = sure(found.resampling.level)
    table = Table(
        "decoys",
        "Heatmaps called right: the networks' own and decoys",
        (
            "reader",
            "own",
            f"own, % ({level} Wilson)",
            "decoys",
            f"decoys, % ({level} Wilson)",
            f"difference in points ({level} over films)",
            "p",
            "p, paired",
        ),
        tuple(_accepted(one) for one in accepted),
        (
            "p: decoys dealt anew among films. Paired: sign test of films that showed both kinds.",
            *(
                ("Only films that no network missed are compared, since decoys stand on these.",)
                if any(one.films == "right" for one in accepted)
                else ()
            ),
        ),
    )
    kinds, *files = _decoys_by_kind(accepted, level)
    text = (
        "A decoy is a heatmap of another label, or of a network with random weights; readers "
        "cannot see which is which. Whoever takes decoys for right as readily as the networks' own "
        "heatmaps judges how heatmaps look, and not the network.",
        *(one.meaning for one in accepted if one.reader is None),
    )
    return Section("decoys", title, text, None, (table, kinds), tuple(files))


def scores(found: Analysis) -> Section:
    """Whether scores of heatmaps foretell what readers say."""
    title, predicted = "Do scores of heatmaps foretell what experts say?", found.scores
    if isinstance(predicted, NotRun):
        return Section("scores", title, (f"Not run: {predicted.why}.",))
    columns = ("score", "heatmaps", "films", "yes", "no")
    table = Table(
        "scores",
        "Each score against “looks right”",
        (*columns, f"AUC ({sure(found.resampling.level)})", "p", "p, Holm"),
        tuple(_score(one) for one in predicted),
        ("p: answers of whole films dealt anew. Holm: corrected for the number of scores.",),
    )
    text = (
        "AUC: the chance that a heatmap that was called right has the higher score than one that "
        "was not; 0.5 tells nothing, and below 0.5 the lower score is the better one. Decoys are "
        "left out.",
    )
    return Section("scores", title, text, None, (table,))


def times(found: Analysis) -> Section:
    """How long answers took."""
    title, took = "Time", found.times
    if isinstance(took, NotRun):
        return Section("times", title, (f"Not run: {took.why}.",))
    level = sure(found.resampling.level)
    columns = ("phase", "question", "reader", "answers", f"median, s ({level} over films)")
    rows = [(one.reader, _seconds(one)) for one in took.medians]
    pooled = Table(
        "times",
        "Median seconds of an answer, all readers",
        (*columns[:2], *columns[3:]),
        tuple((*row[:2], *row[3:]) for reader, row in rows if reader is None),
        ("Of the first answer to each question, from when it was shown.",),
    )
    own = Table(
        "times-by-reader", "Median seconds of an answer", columns, tuple(row for _, row in rows)
    )
    text = ("Medians, because a reader may be called away in the middle of a film.",)
    return Section("times", title, text, None, (pooled, *_learning(took, level)), (own,))


def told(found: Analysis) -> Iterator[str]:
    """What all readers together made of decoys."""
    if not isinstance(found.decoys, NotRun):
        yield from (one.meaning for one in found.decoys if one.reader is None)


def _accepted(one: Acceptance) -> tuple[str, ...]:
    difference = NONE
    if one.difference is not None:
        difference = between(one.difference, one.interval, 100, 1)
    return (
        who(one.reader),
        of(one.real),
        shared(one.real),
        of(one.decoys),
        shared(one.decoys),
        difference,
        p_cell(one.test),
        p_cell(one.paired),
    )


def _decoys_by_kind(accepted: Sequence[Acceptance], level: str) -> tuple[Table, Table, Table]:
    """By kind, all readers together; by kind and reader; by the labels that were told and drawn."""
    accepted_as = ("called right", f"% ({level} Wilson)")
    columns = ("kind", *accepted_as, f"own − decoys, points ({level} over films)", "p")
    rows = [(one.reader, kind.kind, _of_kind(kind)) for one in accepted for kind in one.kinds]
    whole = Table(
        "decoys-by-kind",
        "Decoys called right by all readers, by kind",
        columns,
        tuple((kind, *cells) for reader, kind, cells in rows if reader is None),
        ("Other label: the network's heatmap of a label that it did not give.",),
    )
    own = Table(
        "decoys-by-kind-and-reader",
        "Decoys called right, by kind and reader",
        (columns[0], "reader", *columns[1:]),
        tuple((kind, who(reader), *cells) for reader, kind, cells in rows),
    )
    labels = Table(
        "decoys-by-label",
        "Decoys of another label called right, by what the network said and what was drawn",
        ("network said", "heatmap is of", "reader", *accepted_as),
        tuple(
            (pair.label, pair.drawn_label, who(one.reader), of(pair.share), shared(pair.share))
            for one in accepted
            for kind in one.kinds
            for pair in kind.labels
        ),
    )
    return whole, own, labels


def _of_kind(one: KindAccepted) -> tuple[str, ...]:
    difference = NONE
    if one.difference is not None:
        difference = between(one.difference, one.interval, 100, 1)
    return (of(one.share), shared(one.share), difference, p_cell(one.test))


def _score(one: ScorePrediction) -> tuple[str, ...]:
    found = one.found
    if not isinstance(found, ScoreFound):
        return (one.score, *(NOT_RUN,) * 7)
    numbers = (found.n_maps, found.n_films, found.n_yes, found.n_no)
    return (
        one.score,
        *map(str, numbers),
        between(found.auc, found.interval),
        p_value(found.p_value),
        p_value(found.p_holm),
    )


def _seconds(one: Seconds) -> tuple[str, ...]:
    return (
        one.phase,
        one.question or "all",
        who(one.reader),
        str(one.n),
        between(one.median, one.interval, 1, 1),
    )


def _learning(took: Times, level: str) -> tuple[Table, ...]:
    if not took.learning:
        return ()
    table = Table(
        "learning",
        "Whether readers grew quicker: seconds of the diagnosis",
        ("reader", "films", "first third, s", "last third, s", f"after ten films, times ({level})"),
        tuple(_course(one) for one in took.learning),
        ("Times: Theil's slope of log seconds, with Sen's interval; below 1 is quicker.",),
    )
    return (table,)


def _course(one: Learning) -> tuple[str, ...]:
    slope, ratio = one.slope, NOT_RUN
    if not isinstance(slope, NotRun):
        ratio = f"{signed(slope.ratio_per_ten)} ({signed(slope.low)} to {signed(slope.high)})"
    return (
        one.reader,
        str(one.n_films),
        signed(one.first_third, 1),
        signed(one.last_third, 1),
        ratio,
    )
