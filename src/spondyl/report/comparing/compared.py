"""Everything that a comparison holds, computed once: rows, tests, the set of the best, fronts.

Decision: rows that the judged films steered (protocol paper) are shown and tested, and are never
called the best nor put on a front while others are there, since their figures lean upwards by
design. The price: whoever compares such rows only gets fronts of them, with a remark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spondyl.progress import Track, silently
from spondyl.report.comparing import audited, costing, looks, shared, sources
from spondyl.report.comparing.audited import Audited
from spondyl.report.comparing.costing import RowCost
from spondyl.report.comparing.looks import Looks
from spondyl.report.comparing.shared import Shared
from spondyl.report.comparing.sources import Row
from spondyl.report.summary import SEED
from spondyl.trust.answers import best_set, many_pairs, pareto, side_by_side
from spondyl.trust.answers.best_set import BestSet
from spondyl.trust.answers.many_pairs import ManyPairs
from spondyl.trust.answers.side_by_side import RowFigures
from spondyl.trust.intervals import Interval


@dataclass(frozen=True, slots=True)
class Spot:
    """A row in the plane of two figures."""

    row: Row
    x: float
    x_interval: Interval | None
    accuracy: float
    """On distinct films, 0 … 1."""
    accuracy_interval: Interval
    """Wilson."""


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """Accuracy against another figure, and who is beaten by nobody in both at once."""

    slug: str
    x_label: str
    x_is_better: str
    """"higher" or "lower"."""
    spots: tuple[Spot, ...]
    """Rows that have both figures and may be called best."""
    members: tuple[Row, ...]
    """Those on the front."""
    without: tuple[Row, ...]
    """Rows that lack the other figure."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A comparison."""

    rows: tuple[Row, ...]
    """All, those that were not run too."""
    shared: Shared
    figures: Mapping[int, RowFigures]
    """By row number, of rows that were run; likewise what follows, where there is any."""
    own_films: Mapping[int, tuple[int, int]]
    """Films that the row itself was tested on, and how many of them it got right."""
    audits: Mapping[int, Audited]
    looks: Mapping[int, Looks]
    costs: Mapping[int, RowCost]
    pairs: ManyPairs
    eligible: tuple[Row, ...]
    """Rows that may be called best."""
    best: BestSet | None
    """Among them; None where there is one only."""
    fronts: tuple[Front, ...]
    seed: int

    @property
    def others_steered(self) -> tuple[Row, ...]:
        """Rows that the judged films steered."""
        return tuple(row for row in self.shared.rows if row.is_steered)


def compare(
    runs: Sequence[Path],
    audit_folders: Sequence[Path] = (),
    reference: str = "",
    seed: int = SEED,
    track: Track = silently,
) -> Compared:
    """Reads the runs and computes all figures. Raises `SpondylError` as reading them does, for runs
    that cannot be compared, and for a reference that is no row."""
    rows = sources.read(runs)
    against = sources.one_named(rows, reference).name if reference else ""
    found = shared.of(rows)
    given = audited.audits(rows, audit_folders)
    costs = costing.costs(rows)
    looked = {row.number: one for row in rows if (one := looks.looks(row, seed)) is not None}
    figures = {
        row.number: side_by_side.figures(table, seed)
        for row, table in track(
            list(zip(found.rows, found.tables, strict=True)), "scoring", len(found.rows)
        )
    }
    eligible = tuple(row for row in found.rows if not row.is_steered) or found.rows
    of_best = [pair for row, pair in zip(found.rows, found.named, strict=True) if row in eligible]
    return Compared(
        rows,
        found,
        figures,
        {row.number: _own(row) for row in found.rows},
        given,
        looked,
        costs,
        many_pairs.many_pairs(found.named, seed, against, track=track),
        eligible,
        best_set.best_set(of_best) if len(of_best) > 1 else None,
        _fronts(eligible, figures, costs, given, looked),
        seed,
    )


def _own(row: Row) -> tuple[int, int]:
    assert row.table is not None
    return len(row.table), int((row.table.predicted == row.table.truth).sum())


_Found = tuple[float, Interval | None] | None


def _fronts(
    rows: Sequence[Row],
    figures: Mapping[int, RowFigures],
    costs: Mapping[int, RowCost],
    audits: Mapping[int, Audited],
    looked: Mapping[int, Looks],
) -> tuple[Front, ...]:
    def cost(row: Row) -> _Found:
        counted = costs[row.number].multiply_adds
        return None if counted is None else (counted / 1e9, None)

    def share(row: Row) -> _Found:
        one = audits.get(row.number)
        return (one.share.value, one.share.interval) if one and one.share else None

    def energy(row: Row) -> _Found:
        one = looked.get(row.number)
        return (
            (one.over_chance.value, one.over_chance.interval) if one and one.over_chance else None
        )

    return (
        _front("cost", "G multiply-adds of one film", "lower", rows, figures, cost),
        _front("shortcut", "shortcut share", "lower", rows, figures, share),
        _front("spine", "share of heat on the spine, less chance", "higher", rows, figures, energy),
    )


def _front(
    slug: str,
    x_label: str,
    x_is_better: str,
    rows: Sequence[Row],
    figures: Mapping[int, RowFigures],
    x_of: Callable[[Row], _Found],
) -> Front:
    spots, without = [], []
    for row in rows:
        found = x_of(row)
        if found is None or np.isnan(found[0]):
            without.append(row)
            continue
        distinct = figures[row.number].distinct
        spots.append(Spot(row, *found, distinct.accuracy.value, distinct.wilson))
    members: tuple[Row, ...] = ()
    if spots:
        plane = np.array([(spot.x, spot.accuracy) for spot in spots])
        on_front = pareto.front(plane, (x_is_better == "higher", True))
        members = tuple(spots[at].row for at in on_front)
    return Front(slug, x_label, x_is_better, tuple(spots), members, tuple(without))
