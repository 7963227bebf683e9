"""How often readers say what networks say, blind, and whether seeing heatmaps changes their minds.

Blind agreement is between two readers who know nothing of each other. Changes are counted by their
direction, towards the network and towards the data set's label, because a reader who is won over to
a wrong prediction is the harm that heatmaps can do. Decoys are left out. A diagnosis that follows
the second heatmap of a film has seen the first as well; orders differ from film to film, so that
neither network always comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spondyl.review.agreement import Agreement, Ratings, Resampling
from spondyl.review.analysis.against_labels import categories
from spondyl.review.analysis.counting import Counted, Row
from spondyl.review.analysis.film_tests import FilmTest, sign_test
from spondyl.review.analysis.sections import predicted_by
from spondyl.review.analysis.shares import Share, share
from spondyl.review.kappa import cohen
from spondyl.trust.intervals import NotRun


@dataclass(frozen=True, slots=True)
class WithNetwork:
    """Blind diagnoses against one network's predictions."""

    network: str
    reader: str | None
    """None of all readers pooled."""
    same: Share | NotRun
    kappa: Agreement | NotRun


@dataclass(frozen=True, slots=True)
class Changes:
    """Diagnoses before and after a heatmap was seen."""

    network: str | None
    """Whose heatmap; None where a reader went back to the first question after all of them."""
    reader: str | None
    """None of all readers pooled."""
    changed: Share | NotRun
    n_to_network: int | None
    """From another diagnosis to what the network said; None without one network."""
    n_from_network: int | None
    network_test: FilmTest | NotRun
    """Higher: films on which readers went over to the network."""
    n_to_label: int
    """From another diagnosis to the data set's label."""
    n_from_label: int
    label_test: FilmTest | NotRun


@dataclass(frozen=True, slots=True)
class _Change:
    film: str
    before: str
    after: str
    predicted: str | None
    truth: str | None


def with_networks(counted: Counted, resampling: Resampling) -> tuple[WithNetwork, ...] | NotRun:
    """Blind agreement with each network, of all together and of each reader; or why not."""
    if counted.diagnosis is None:
        return NotRun("no unaided question asks for the diagnosis")
    readers: list[str | None] = [None, *counted.readers]
    return tuple(
        _with_network(counted, network, reader, resampling)
        for network in counted.networks()
        for reader in readers
    )


def changes(counted: Counted, resampling: Resampling) -> tuple[Changes, ...] | NotRun:
    """What became of blind diagnoses after each network's heatmap, and where readers went back to
    the first question, at the end; or why that cannot be said."""
    blind = counted.diagnosis
    if blind is None:
        return NotRun("no unaided question asks for the diagnosis")
    aided = any(q.diagnosis for q in counted.questions("aided"))
    went_back = any(question == blind.key for *_, question in counted.after)
    if not aided and not went_back:
        return NotRun("nobody was asked for a diagnosis after a heatmap")
    asked: list[str | None] = [*(counted.networks() if aided else ())]
    asked += [None] if went_back else []
    readers: list[str | None] = [None, *counted.readers]
    return tuple(
        _changes(network, reader, _before_and_after(counted, network, reader), resampling)
        for network in asked
        for reader in readers
    )


def _with_network(
    counted: Counted, network: str, reader: str | None, resampling: Resampling
) -> WithNetwork:
    question = counted.diagnosis
    rows = [
        (row.film, value, said)
        for one in (counted.readers if reader is None else (reader,))
        for row in counted.film_rows()
        if question is not None
        and (value := counted.value(one, row, question)) is not None
        and (said := predicted_by(row.item, network)) is not None
    ]
    films = [film for film, _, _ in rows]
    columns = (reader or "readers", network)
    rated = Ratings.of(categories(counted), columns, films, [row[1:] for row in rows])
    same = share([value == said for _, value, said in rows], films, resampling)
    return WithNetwork(network, reader, same, cohen(rated, 0, 1, resampling))


def _before_and_after(counted: Counted, network: str | None, reader: str | None) -> list[_Change]:
    """Blind diagnoses that have a later one, of the films of one network's heatmaps or of all."""
    readers = counted.readers if reader is None else (reader,)
    rows = counted.film_rows() if network is None else counted.map_rows(network)
    found = []
    for one in readers:
        for row in rows:
            before, after = _blind(counted, one, row), _later(counted, one, row)
            if before is not None and after is not None:
                said = None if network is None else predicted_by(row.item, network)
                found.append(_Change(row.film, before, after, said, row.item.truth))
    return found


def _blind(counted: Counted, reader: str, row: Row) -> str | None:
    question = counted.diagnosis
    return None if question is None else counted.value(reader, Row(row.item, None), question)


def _later(counted: Counted, reader: str, row: Row) -> str | None:
    """The aided diagnosis with a heatmap; of a film alone the last one that was said after a
    heatmap, or the blind one where none was."""
    if row.map is None:
        key = counted.diagnosis.key if counted.diagnosis else ""
        after = counted.after.get((reader, row.item.item_id, None, key))
        return after.value if after else _blind(counted, reader, row)
    question = next((q for q in counted.questions("aided") if q.diagnosis), None)
    return None if question is None else counted.value(reader, row, question)


def _changes(
    network: str | None, reader: str | None, found: Sequence[_Change], resampling: Resampling
) -> Changes:
    films = [one.film for one in found]
    to_network = [_towards(one, one.predicted) for one in found]
    to_label = [_towards(one, one.truth) for one in found]
    alone = network is None
    return Changes(
        network,
        reader,
        share([one.before != one.after for one in found], films, resampling),
        None if alone else to_network.count(1),
        None if alone else to_network.count(-1),
        NotRun("no single network") if alone else sign_test(films, to_network),
        to_label.count(1),
        to_label.count(-1),
        sign_test(films, to_label),
    )


def _towards(change: _Change, label: str | None) -> int:
    """1 where the reader came to `label`, -1 where they left it."""
    if label is None:
        return 0
    return int(change.after == label) - int(change.before == label)
