"""Whether "looks right" means anything: decoys that were called right, beside the real heatmaps.

A decoy is of another label or of a randomised network, so "looks right" of one is a mistake of a
known kind. Readers who accept decoys as readily as real heatmaps tell us about the look of heatmaps
and nothing about networks.

Decision: where decoys stand only on films that no network missed, only such films' real heatmaps
are held against them, since heatmaps of errors may look wrong for a reason of their own. The test
deals the films' decoys anew, which uses every film; films that showed both kinds are compared with
themselves beside it, whichever networks they were of, because one network's heatmap of a film is
either its own or a decoy. The price of that is a test over the few films with a decoy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spondyl.review.agreement import (
    Floats,
    Resampling,
    film_interval,
    ratio,
)
from spondyl.review.analysis.cases import wrong_about
from spondyl.review.analysis.counting import Counted, Row
from spondyl.review.analysis.film_tests import (
    FilmTest,
    dealt,
    exchangeable,
    sign_test,
    two_sided,
)
from spondyl.review.analysis.sections import Films
from spondyl.review.analysis.shares import Share, share
from spondyl.review.records import Map, MapKind, Question
from spondyl.trust.intervals import Interval, NotRun

_ALPHA = 0.05
_KINDS: tuple[MapKind, ...] = ("other label", "randomised network")


@dataclass(frozen=True, slots=True)
class LabelAccepted:
    """How often decoys of one label in the place of another were called right."""

    label: str
    """What the network said, which the decoy passes for being of."""
    drawn_label: str
    """What it is really of."""
    share: Share | NotRun


@dataclass(frozen=True, slots=True)
class KindAccepted:
    """How often decoys of one kind were called right."""

    kind: MapKind
    share: Share | NotRun
    difference: float | None
    """real − decoys of this kind, -1 … 1; None where one of them is missing."""
    interval: Interval | NotRun
    """Of the difference, films resampled."""
    test: FilmTest | NotRun
    """Of the difference, decoys of this kind dealt anew among films."""
    labels: tuple[LabelAccepted, ...]
    """Of "other label" those of which is known what they are of, by both labels."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What one reader, or all, called right."""

    reader: str | None
    """None of all readers pooled."""
    films: Films
    """Which films' heatmaps are compared: "right" where decoys stand only on films that no network
    missed, else "all"."""
    real: Share | NotRun
    """Of the networks' own heatmaps of these films."""
    decoys: Share | NotRun
    kinds: tuple[KindAccepted, ...]
    """Decoys by kind."""
    difference: float | None
    """real − decoys, -1 … 1; None where one of them is missing."""
    interval: Interval | NotRun
    """Of the difference, films resampled."""
    test: FilmTest | NotRun
    """Of the difference, decoys dealt anew among films."""
    paired: FilmTest | NotRun
    """Higher: films whose real heatmaps were called right more often than their decoys."""
    meaning: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One heatmap and what was said of it."""

    film: str
    map: Map
    said: tuple[bool, ...]
    """By reader, who answered."""

    @property
    def kind(self) -> MapKind:
        """The heatmap's."""
        return self.map.kind


def decoys(counted: Counted, resampling: Resampling) -> tuple[Acceptance, ...] | NotRun:
    """Acceptance of all together, and of each reader; or why there is none."""
    question = counted.looks_right
    if question is None:
        return NotRun("no question asks whether a heatmap looks right")
    false = counted.map_rows(decoys=True)
    if not false:
        return NotRun("the survey holds no decoy")
    films: Films = "right" if all(_none_missed(row) for row in false) else "all"
    rows = [row for row in counted.map_rows() if films == "all" or _none_missed(row)]
    readers: list[str | None] = [None, *counted.readers]
    return tuple(
        _acceptance(one, films, _judged(counted, question, one, (*rows, *false)), resampling)
        for one in readers
    )


def _none_missed(row: Row) -> bool:
    return row.item.truth is not None and not wrong_about(row.item)


def _judged(
    counted: Counted, question: Question, reader: str | None, rows: Sequence[Row]
) -> list[_Judged]:
    found = []
    for row in rows:
        values = [
            counted.value(one, row, question)
            for one in (counted.readers if reader is None else (reader,))
        ]
        said = tuple(value == "yes" for value in values if value is not None)
        if row.map is not None and said:
            found.append(_Judged(row.film, row.map, said))
    return found


def _acceptance(
    reader: str | None, films: Films, judged: Sequence[_Judged], resampling: Resampling
) -> Acceptance:
    own = [one for one in judged if one.kind == "network"]
    others = [one for one in judged if one.kind != "network"]
    real, false = _share(own, resampling), _share(others, resampling)
    by_kind = _by_kind(own, others, resampling)
    if isinstance(real, NotRun) or isinstance(false, NotRun):
        kind = "decoy"
        if isinstance(real, NotRun):
            kind = "real heatmap of a film that no network missed"
        why = NotRun(f"no answer was given of a {kind}")
        said = _who(reader) + f" answered for no {kind}: it is not known how they take decoys."
        return Acceptance(reader, films, real, false, by_kind, None, why, why, why, said)
    test = _dealing(judged, real.value - false.value, resampling)
    return Acceptance(
        reader,
        films,
        real,
        false,
        by_kind,
        real.value - false.value,
        _interval(judged, resampling),
        test,
        _paired(own, others),
        _meaning(_who(reader), real, false, test),
    )


def _by_kind(
    own: Sequence[_Judged], others: Sequence[_Judged], resampling: Resampling
) -> tuple[KindAccepted, ...]:
    """Each kind of decoy that was answered for, against the networks' own heatmaps."""
    found: list[KindAccepted] = []
    real = _share(own, resampling)
    for kind in _KINDS:
        these = [one for one in others if one.kind == kind]
        false, labels = _share(these, resampling), _by_label(these, resampling)
        if isinstance(false, NotRun):
            continue
        if isinstance(real, NotRun):
            found.append(KindAccepted(kind, false, None, real, real, labels))
            continue
        judged, gap = [*own, *these], real.value - false.value
        interval, test = _interval(judged, resampling), _dealing(judged, gap, resampling)
        found.append(KindAccepted(kind, false, gap, interval, test, labels))
    return tuple(found)


def _by_label(judged: Sequence[_Judged], resampling: Resampling) -> tuple[LabelAccepted, ...]:
    of: dict[tuple[str, str], list[_Judged]] = defaultdict(list)
    for one in judged:
        if one.kind == "other label" and one.map.drawn_label is not None:
            of[one.map.label, one.map.drawn_label].append(one)
    return tuple(LabelAccepted(*pair, _share(of[pair], resampling)) for pair in sorted(of))


def _share(judged: Sequence[_Judged], resampling: Resampling) -> Share | NotRun:
    yes = [(one.film, said) for one in judged for said in one.said]
    return share([said for _, said in yes], [film for film, _ in yes], resampling)


def _sums(judged: Sequence[_Judged]) -> tuple[Floats, Floats, Floats]:
    """(maps,) yeses, answers, and 1 of a network's own heatmap or 0 of a decoy."""
    yes = np.array([sum(one.said) for one in judged], dtype=np.float64)
    n_said = np.array([len(one.said) for one in judged], dtype=np.float64)
    return yes, n_said, np.array([one.kind == "network" for one in judged], dtype=np.float64)


def _gap(yes: Floats, n_said: Floats, own: Floats) -> Floats:
    """(…,) share of real heatmaps called right − share of decoys, of sums (…, maps)."""
    real = ratio((yes * own).sum(-1), (n_said * own).sum(-1))
    return real - ratio((yes * (1 - own)).sum(-1), (n_said * (1 - own)).sum(-1))


def _interval(judged: Sequence[_Judged], resampling: Resampling) -> Interval | NotRun:
    yes, n_said, own = _sums(judged)

    def of_drawn(drawn: Floats) -> Floats:
        return _gap(drawn * yes, drawn * n_said, own)

    films = [one.film for one in judged]
    sides = (
        {film for film, is_own in zip(films, own, strict=True) if is_own == side} for side in (0, 1)
    )
    return film_interval(of_drawn, films, resampling, min(map(len, sides)))


def _dealing(
    judged: Sequence[_Judged], observed: float, resampling: Resampling
) -> FilmTest | NotRun:
    """Whether decoys dealt to other films would have been accepted as little."""
    films, networks = [one.film for one in judged], [one.map.network for one in judged]
    yes, n_said, own = _sums(judged)
    groups = [
        rows for rows in exchangeable(films, networks) if len(np.unique(own[rows], axis=0)) > 1
    ]
    if not groups:
        return NotRun("no two films show the same networks, one of them with a decoy")
    n_films = sum(len(rows) for rows in groups)
    gaps = _gap(yes, n_said, own[dealt(groups, len(judged), resampling)])
    return FilmTest("films dealt anew", n_films, None, None, two_sided(observed, gaps))


def _paired(own: Sequence[_Judged], others: Sequence[_Judged]) -> FilmTest | NotRun:
    """Films with both kinds against themselves, every answer of a kind counting alike."""
    real, false = _by_film(own), _by_film(others)
    both = sorted(real.keys() & false.keys())
    return sign_test(both, [float(np.mean(real[f]) - np.mean(false[f])) for f in both])


def _by_film(judged: Sequence[_Judged]) -> dict[str, list[bool]]:
    said: dict[str, list[bool]] = defaultdict(list)
    for one in judged:
        said[one.film].extend(one.said)
    return said


def _who(reader: str | None) -> str:
    return "All readers together" if reader is None else f"Reader {reader}"


def _meaning(who: str, real: Share, false: Share, test: FilmTest | NotRun) -> str:
    said = (
        f"{who} called {real.n_yes} of {real.n} real heatmaps right, and {false.n_yes} of "
        f"{false.n} decoys"
    )
    if isinstance(test, NotRun):
        return f"{said}; it could not be tested whether they tell them apart: {test.why}."
    tested = f"{said} ({test.method}, p = {test.p_value:.2g})"
    if test.p_value >= _ALPHA:
        return (
            f"{tested}. It is not shown that they tell the two apart, so that a heatmap looks "
            "right to them says nothing yet about the network."
        )
    if real.value > false.value:
        return f"{tested}. They tell the two apart: decoys look right to them less often."
    return f"{tested}. Decoys look right to them more often than real heatmaps do."
