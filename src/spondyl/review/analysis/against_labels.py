"""The experts' diagnoses against the data set's labels, and networks scored anew on the experts'.

Decision: what experts agree on is what more than half of those who read a film say, blind. A film
without such a label is left out and counted, never decided by lot. The price is that rescored
accuracies are of the films on which experts are of one mind; the data set's accuracy stands beside
them on the same films, so that the two can be compared with each other, and with nothing else: the
films of a survey are chosen, the wrong ones on purpose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spondyl.review.agreement import Agreement, Analytic, Ratings, Resampling
from spondyl.review.analysis.counting import Counted, Row
from spondyl.review.analysis.film_tests import FilmTest, sign_test
from spondyl.review.analysis.sections import predicted_by
from spondyl.review.analysis.shares import Share, mean_interval, paired_difference, share
from spondyl.review.kappa import cohen
from spondyl.review.records import Item
from spondyl.trust.intervals import Interval, NotRun

_REASONS = {
    "wrong": "because a network missed the data set's label",
    "right": "because all networks met it",
    "sample": "as a sample of the data set",
    "": "for no stated reason",
}
"""Why a film was chosen (`records.Item.why`), in words."""


@dataclass(frozen=True, slots=True)
class FilmVotes:
    """What the readers said of one film, blind."""

    item_id: str
    film: str
    truth: str | None
    """The data set's label."""
    votes: tuple[tuple[str, int], ...]
    """(label, readers), labels without a vote left out."""
    consensus: str | None
    """What more than half of them said; None where nothing was."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """One reader, or what they agree on, against the data set."""

    reader: str | None
    """None of the consensus."""
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """Films: a row for each of the data set's labels, a column for each of the experts'."""
    same: Share | NotRun
    kappa: Agreement | NotRun


@dataclass(frozen=True, slots=True)
class Rescored:
    """One configuration's accuracy on the same films by two sets of labels."""

    network: str
    n_films: int
    """With a prediction, a label of the data set's and a consensus of experts."""
    by_data_set: Share | NotRun
    by_experts: Share | NotRun
    difference: float | None
    """By experts − by data set; None where there is no film."""
    interval: Interval | NotRun
    """Of the difference, films resampled; too narrow where few films differ."""
    by_formula: Analytic | NotRun
    """Of the difference: the one to read where each film was asked about once."""
    n_gained: int
    """Errors by the data set's labels that the experts agree with."""
    n_lost: int
    """Right by the data set's labels, and wrong by the experts'."""
    test: FilmTest | NotRun
    """Whether one of the two happens more often."""


@dataclass(frozen=True, slots=True)
class AgainstLabels:
    """Everything that compares the experts' labels with the data set's."""

    films: tuple[FilmVotes, ...]
    n_consensus: int
    n_tied: int
    """Films that were read, with no label that more than half said."""
    n_unread: int
    readers: tuple[Confusion, ...]
    consensus: Confusion
    networks: tuple[Rescored, ...]


def against_labels(counted: Counted, resampling: Resampling) -> AgainstLabels | NotRun:
    """The comparison over all films; or why there is none."""
    if counted.diagnosis is None:
        return NotRun("no unaided question asks for the diagnosis")
    said = {reader: diagnoses(counted, reader) for reader in counted.readers}
    films = tuple(_votes(item, said) for item in counted.items)
    agreed = {one.item_id: one.consensus for one in films if one.consensus is not None}
    n_unread = sum(not one.votes for one in films)
    return AgainstLabels(
        films,
        len(agreed),
        len(films) - len(agreed) - n_unread,
        n_unread,
        tuple(_confusion(counted, one, said[one], resampling) for one in counted.readers),
        _confusion(counted, None, agreed, resampling),
        tuple(_rescored(counted, one, agreed, resampling) for one in counted.networks()),
    )


def diagnoses(counted: Counted, reader: str) -> dict[str, str]:
    """What `reader` said blind, by item; films that they left out are left out."""
    question = counted.diagnosis
    if question is None:
        return {}
    return {
        item.item_id: value
        for item in counted.items
        if (value := counted.value(reader, Row(item, None), question)) is not None
    }


def categories(counted: Counted) -> tuple[str, ...]:
    """The survey's labels, and whatever else a diagnosis or a data set's label may be."""
    options = counted.diagnosis.options if counted.diagnosis else ()
    truths = [item.truth for item in counted.items if item.truth is not None]
    said = [label for item in counted.items for _, label in item.predicted]
    return tuple(dict.fromkeys((*counted.survey.labels, *options, *truths, *said)))


def _votes(item: Item, said: Mapping[str, Mapping[str, str]]) -> FilmVotes:
    votes = Counter(one[item.item_id] for one in said.values() if item.item_id in one)
    most = votes.most_common(1)
    agreed = most[0][0] if most and 2 * most[0][1] > votes.total() else None
    return FilmVotes(item.item_id, item.film, item.truth, tuple(sorted(votes.items())), agreed)


def _confusion(
    counted: Counted, reader: str | None, said: Mapping[str, str], resampling: Resampling
) -> Confusion:
    rows = [
        (item.film_sha256, item.truth, said[item.item_id])
        for item in counted.items
        if item.truth is not None and item.item_id in said
    ]
    labels = categories(counted)
    counts = Counter((truth, label) for _, truth, label in rows)
    films = [film for film, _, _ in rows]
    columns = ("data set", reader or "consensus")
    rated = Ratings.of(labels, columns, films, [row[1:] for row in rows])
    return Confusion(
        reader,
        labels,
        tuple(tuple(counts[truth, label] for label in labels) for truth in labels),
        share([truth == label for _, truth, label in rows], films, resampling),
        cohen(rated, 0, 1, resampling),
    )


def _rescored(
    counted: Counted, network: str, agreed: Mapping[str, str], resampling: Resampling
) -> Rescored:
    rows: list[tuple[str, bool, bool]] = []
    for item in counted.items:
        said, expert = predicted_by(item, network), agreed.get(item.item_id)
        if said is not None and expert is not None and item.truth is not None:
            rows.append((item.film_sha256, said == item.truth, said == expert))
    films = [film for film, _, _ in rows]
    old, new = [before for _, before, _ in rows], [after for _, _, after in rows]
    differences = [float(after) - float(before) for _, before, after in rows]
    return Rescored(
        network,
        len(rows),
        share(old, films, resampling),
        share(new, films, resampling),
        sum(differences) / len(rows) if rows else None,
        mean_interval(differences, films, resampling),
        paired_difference(old, new, films, resampling.level),
        sum(one > 0 for one in differences),
        sum(one < 0 for one in differences),
        sign_test(films, differences),
    )


def selection(items: Sequence[Item]) -> str:
    """What the choice of films does to every share over them, in words."""
    why = Counter(item.why for item in items)
    n_wrong = sum(
        item.truth is not None and any(label != item.truth for _, label in item.predicted)
        for item in items
    )
    bias = (
        "They are a sample of the data set, each label with its share of it, so accuracies and "
        "shares here may be read as the data set's within their intervals."
        if set(why) == {"sample"}
        else "Films were chosen by what networks said of them, those on which networks fail on "
        "purpose, so accuracies and shares here are of these films and not of the data set; what "
        "may be compared are two figures over the same films."
    )
    missed = f"At least one network missed the data set's label of {n_wrong} of them."
    return f"{_chosen(why)} {missed} {bias}" if items else "No film was chosen."


def _chosen(why: Counter[str]) -> str:
    """How many films were chosen for which reason, as a sentence."""
    reasons = [*(reason for reason in _REASONS if why[reason])]
    reasons += sorted(reason for reason in why if reason not in _REASONS)
    said = [_REASONS.get(one, f"for the reason “{one}”") for one in reasons]
    n_films = why.total()
    if len(said) == 1:
        return f"{n_films} films were chosen, {'all ' if n_films > 1 else ''}{said[0]}."
    *most, last = [f"{why[one]} {words}" for one, words in zip(reasons, said, strict=True)]
    return f"{n_films} films were chosen: {', '.join(most)} and {last}."
