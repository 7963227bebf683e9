"""Which pairs of films are worth comparing picture on picture, and how they would lie.

Comparing every two of n films is out of reach, so features are first sorted into cells (around
every 300th feature of all), and each finds the most alike one of any other film in its own cell.
That is a vote for one placement of one film on the other. Accidents vote for everything; a pair of
films on whose placement five features agree is proposed. The price: a feature near a cell's border
may miss its like, which is why it lives in two cells, and proposals are many more than true pairs.
Descriptors stay bytes until a batch or a cell is compared, since as unit vectors those of ten
thousand films would take 5 GB.

Films are taken in the order given and nothing is drawn, so equal input has equal output.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.data.duplicates.fingerprints import (
    MIRRORED_BINS,
    Fingerprint,
    Grey,
    Places,
    unit_descriptors,
)

_LEAST_VOTES, _VOTES_AT_MOST = 5, 250
_LARGEST_TURN, _LARGEST_STRETCH = np.radians(20), np.log(4.6)
_FEATURES_A_CELL, _CELLS_AT_MOST = 300, 4096
_LEAST_LIKENESS = 0.8

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A guess: film `first` lies on film `second` by place → turn · place + shift."""

    first: int
    second: int
    """Positions in the list of films, first < second."""
    mirrored: bool
    """The first film is mirrored before it is placed."""
    turn: complex
    shift: complex


@dataclass(frozen=True, slots=True, eq=False)
class _Features:
    """The features of all films, one after another."""

    films: Indices
    places: Places
    frames: Places
    descriptors: NDArray[np.uint8]
    """(n, 128) SIFT."""

    @classmethod
    def of(cls, prints: Sequence[Fingerprint]) -> _Features:
        return cls(
            np.repeat(np.arange(len(prints)), [len(film.places) for film in prints]),
            np.concatenate([film.places for film in prints]),
            np.concatenate([film.frames for film in prints]),
            np.concatenate([film.descriptors for film in prints]),
        )

    def __len__(self) -> int:
        return len(self.films)

    def units(self, which: Indices | slice, mirrored: bool = False) -> Grey:
        """(m, 128) unit descriptors of these features, or of their mirror images."""
        those = self.descriptors[which]
        return unit_descriptors(those[:, MIRRORED_BINS] if mirrored else those)


def propose(prints: Sequence[Fingerprint]) -> list[Proposal]:
    """Pairs of films on whose placement several features agree, plain and mirrored."""
    if sum(len(film.places) > 0 for film in prints) < 2:
        return []
    features = _Features.of(prints)
    diagonals = [float(np.hypot(*film.copy.shape)) for film in prints]
    widths = np.array([film.copy.shape[1] for film in prints])
    every = max(_FEATURES_A_CELL, len(features) // _CELLS_AT_MOST)
    cells = features.units(slice(None, None, every))
    homes = _nearest_cells(features, cells, 2)
    proposals = []
    for mirrored in (False, True):
        mine, theirs, alike = _nearest_of_other_films(features, cells, homes, mirrored)
        here, frames = features.places[mine], features.frames[mine]
        if mirrored:
            here, frames = widths[features.films[mine]] - 1 - here.conj(), -frames.conj()
        there, turns = features.places[theirs], features.frames[theirs] / frames
        for votes in _by_pair(features.films[mine], features.films[theirs], turns, alike):
            second = int(features.films[theirs[votes[0]]])
            placed = _most_agreed(here[votes], there[votes], turns[votes], 0.03 * diagonals[second])
            if placed is not None:
                first = int(features.films[mine[votes[0]]])
                proposals.append(Proposal(first, second, mirrored, *placed))
    return proposals


def _nearest_of_other_films(
    features: _Features, cells: Grey, homes: Indices, mirrored: bool
) -> tuple[Indices, Indices, Grey]:
    """Pairs (feature, feature, likeness): each with the most alike one of all other films.

    The first is of the earlier film. Only the features that share a cell are compared.
    """
    asked = _nearest_cells(features, cells, 1, mirrored)[:, 0] if mirrored else homes[:, 0]
    askers, residents = _sorted_into(asked, len(cells)), _sorted_into(homes.ravel(), len(cells))

    def within(asking: Indices, living: Indices) -> tuple[Indices, Indices, Grey]:
        answers = living // homes.shape[1]
        alike = features.units(asking, mirrored) @ features.units(answers).T
        alike[features.films[asking][:, None] == features.films[answers]] = -1
        best = alike.argmax(1)
        return asking, answers[best], alike[np.arange(len(best)), best]

    met = [pair for pair in zip(askers, residents, strict=True) if len(pair[0]) and len(pair[1])]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(within, *zip(*met, strict=True)))
    one, other, alike = (np.concatenate(column) for column in zip(*found, strict=True))
    kept = alike > _LEAST_LIKENESS
    one, other, alike = one[kept], other[kept], alike[kept]
    return np.minimum(one, other), np.maximum(one, other), alike


def _nearest_cells(features: _Features, cells: Grey, count: int, mirrored: bool = False) -> Indices:
    """(n, count) the `cells` most alike to each of `features`, best first."""
    nearest = np.zeros((len(features), count), np.int64)

    def fill(start: int) -> None:
        batch = slice(start, start + 4096)
        alike = features.units(batch, mirrored) @ cells.T
        for rank in range(min(count, len(cells))):
            best = alike.argmax(1)
            nearest[batch, rank] = best
            alike[np.arange(len(best)), best] = -1

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, len(features), 4096)))  # a list: a failure is heard of
    return nearest


def _sorted_into(cell_of: Indices, count: int) -> list[Indices]:
    """For each cell the indices that live in it."""
    order = np.argsort(cell_of, kind="stable")
    return np.split(order, np.searchsorted(cell_of[order], np.arange(1, count)))


def _by_pair(
    first: Indices,
    second: Indices,
    turns: Places,
    alike: Grey,
) -> Iterator[Indices]:
    """The votes for each pair of films, the most alike first, too few and wild ones left out."""
    tame = np.abs(np.angle(turns)) < _LARGEST_TURN
    tame &= np.abs(np.log(np.abs(turns))) < _LARGEST_STRETCH
    order = np.lexsort((-alike, second, first))
    order = order[tame[order]]
    new = np.diff(first[order]).astype(bool) | np.diff(second[order]).astype(bool)
    for votes in np.split(order, np.nonzero(new)[0] + 1):
        if len(votes) >= _LEAST_VOTES:
            yield votes[:_VOTES_AT_MOST]


def _most_agreed(
    here: Places,
    there: Places,
    turns: Places,
    reach: float,
) -> tuple[complex, complex] | None:
    """The vote's (turn, shift) that most others agree with, or None where too few do."""
    shifts = there - turns * here
    off = np.abs(turns[:, None] * here + shifts[:, None] - there)
    agree = (off < reach) & (np.abs(np.log(turns[:, None] / turns)) < 0.35)
    winner = int(agree.sum(1).argmax())
    those = agree[winner]
    if min(len(np.unique(here[those])), len(np.unique(there[those]))) < _LEAST_VOTES:
        return None
    return complex(turns[winner]), complex(shifts[winner])
