"""What becomes of a labelled cohort when a bundle reads it: how often it answers, and how rightly.

The cohort may be the study's own, whose films are then answered for by the network that did not
learn from them, or another one. Films that every network learned from are left out and counted:
what is said of them is memory. Intervals are Wilson's and treat films as independent; copies of a
film make them a little too narrow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from spondyl.bench import clock
from spondyl.bench.spine_survey import Share
from spondyl.data import cohort as cohorts
from spondyl.data import spines
from spondyl.data.spines import SpineOf
from spondyl.errors import SpondylError
from spondyl.progress import Track, silently
from spondyl.reading.reading import Reader
from spondyl.reading.record import Reading
from spondyl.trust.plain import plain


@dataclass(frozen=True, slots=True)
class ReadCohort:
    """A bundle's answers to a labelled cohort, counted."""

    bundle_id: str
    title: str
    n_films: int
    n_remembered: int
    """Left out: every network had learned from them."""
    n_unreadable: int
    shares: tuple[Share, ...]
    doubts: tuple[tuple[str, int], ...]
    """(kind, films), the most frequent first; a film can have several."""
    median_ms: float
    """Of reading one film, decoding included."""

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        return (
            f"{self.title}, bundle {self.bundle_id[:12]}: {self.n_films} films, "
            f"{self.n_remembered} left out as learned from by every network, "
            f"{self.n_unreadable} unreadable; median {self.median_ms:.0f} ms a film",
            *map(str, self.shares),
            *(f"doubt: {kind}: {n} films" for kind, n in self.doubts),
        )

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        shares = [
            {"question": s.question, "n_yes": s.n_yes, "n": s.n, "interval": list(s.interval)}
            for s in self.shares
        ]
        about = {name: getattr(self, name) for name in ("bundle_id", "title", "n_films")}
        rest = {name: getattr(self, name) for name in ("n_remembered", "n_unreadable", "median_ms")}
        return plain({**about, **rest, "shares": shares, "doubts": dict(self.doubts)})


@dataclass(frozen=True, slots=True)
class _Told:
    """What is kept of a reading: `truth` is the film's label."""

    truth: str
    likeliest: str
    answer: str | None
    in_set: bool | None
    doubts: tuple[str, ...]


def read_cohort(
    path: Path, reader: Reader, spine_of: SpineOf = spines.unknown, track: Track = silently
) -> ReadCohort:
    """Reads every labelled film at `path`, a folder of class folders or a manifest.

    Raises `SpondylError` for a cohort that cannot be read or has other labels than the bundle.
    """
    films = cohorts.read(path, reader.bundle.labels, require_labels=False, track=track).radiographs
    told, milliseconds, remembered, unreadable = [], [], 0, 0
    for film in track([one for one in films if one.label], "reading films"):
        made: list[Reading] = []
        try:
            spine = spine_of(film.path)
            seconds = clock.seconds(lambda: made.append(reader.read(film.path, spine=spine)))  # noqa: B023
        except SpondylError:
            unreadable += 1
            continue
        (reading,) = made
        if len(reading.learned_from_it) == len(reader.bundle.folds):
            remembered += 1
            continue
        milliseconds.append(1000 * seconds)
        told.append(_told(reading, str(film.label)))
    if not told:
        raise SpondylError(
            f"{path}: no film that the bundle's networks may be asked about",
            "Name labelled films that not all of them learned from.",
        )
    return ReadCohort(
        *(reader.bundle.bundle_id, str(reader.bundle.configuration)),
        *(len(told), remembered, unreadable),
        _shares(told, reader.bundle.labels.names),
        tuple(Counter(kind for one in told for kind in one.doubts).most_common()),
        median(milliseconds),
    )


def _told(reading: Reading, truth: str) -> _Told:
    in_set = None if reading.label_set is None else truth in reading.label_set.labels
    kinds = tuple(doubt.kind for doubt in reading.doubts)
    return _Told(truth, reading.likeliest, reading.answer, in_set, kinds)


def _shares(told: Sequence[_Told], labels: Sequence[str]) -> tuple[Share, ...]:
    answered = [one for one in told if one.answer is not None]
    shares = [
        _share("answered", told, lambda one: one.answer is not None),
        _share("right, where answered", answered, lambda one: one.answer == one.truth),
        _share("right, if the likeliest label always were", told, lambda o: o.likeliest == o.truth),
        _share(
            "true label not ruled out",
            [one for one in told if one.in_set is not None],
            lambda one: bool(one.in_set),
        ),
    ]
    for label in labels:
        of = [one for one in told if one.truth == label]
        of_answered = [one for one in answered if one.truth == label]
        shares += [
            _share(f"{label}: answered", of, lambda one: one.answer is not None),
            _share(f"{label}: right, where answered", of_answered, lambda o: o.answer == o.truth),
        ]
    return tuple(shares)


def _share(question: str, among: Sequence[_Told], holds: Callable[[_Told], bool]) -> Share:
    return Share(question, sum(map(holds, among)), len(among))
