"""How far several networks' maps of one film agree, beside maps that agree by themselves.

Maps are compared two by two before the ReLU, by rank correlation and by the overlap of their
hottest fifth, as `stability` does. Three baselines go through the same measures: two random maps;
a member's map and a blob in the middle, where all spines are; and two networks of one
configuration that learned from other folds, which is as much as another draw of films allows. Maps
of different networks that agree no better than the blob agrees with them say that spines are in the
middle. The price: every film is asked of a second network of each member.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from spondyl.explain import stability
from spondyl.explain.ensemble.cells import Floats
from spondyl.explain.ensemble.maps import FilmMaps
from spondyl.explain.scores import baselines

BASELINES = ("random", "centre", "another fold")


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """How alike two maps of each film are: arrays (n,), nan where a map is the same everywhere."""

    rank: Floats
    """Spearman's correlation of signed values, -1 … 1."""
    dice: Floats
    """2 |A ∩ B| / (|A| + |B|) of the hottest fifths of the cells, 0 … 1."""

    def of_first(self, n: int) -> Alike:
        """Of the first `n` films alone."""
        return Alike(self.rank[:n], self.dice[:n])


@dataclass(frozen=True, slots=True, eq=False)
class Consistency:
    """How far the members' maps of each film agree."""

    names: tuple[str, ...]
    pairs: tuple[tuple[int, int, Alike], ...]
    """Every two members, by their places."""
    members: Alike
    """The mean over the pairs that have a value."""
    baselines: dict[str, Alike]
    """By the names in `BASELINES`; "another fold" is missing where only one was run."""

    def of_first(self, n: int) -> Consistency:
        """Of the first `n` films alone."""
        return Consistency(
            self.names,
            tuple((a, b, alike.of_first(n)) for a, b, alike in self.pairs),
            self.members.of_first(n),
            {name: alike.of_first(n) for name, alike in self.baselines.items()},
        )


def consistency(names: Sequence[str], films: Sequence[FilmMaps], seed: int) -> Consistency:
    """The agreement of the members' maps on every film; `seed` draws the random maps.

    Raises `SpondylError` for maps on grids too small to be compared.
    """
    pairs = list(combinations(range(len(names)), 2))
    of_pairs = [_of_films([(film.members[a], film.members[b]) for film in films]) for a, b in pairs]
    beside = {"random": _of_films(_random(films, seed)), "centre": _centre(films)}
    if all(film.of_other_folds is not None for film in films):
        beside["another fold"] = _mean(
            [
                _of_films(
                    [
                        (film.members[row], film.of_other_folds[row])
                        for film in films
                        if film.of_other_folds is not None
                    ]
                )
                for row in range(len(names))
            ]
        )
    return Consistency(
        tuple(names),
        tuple((a, b, alike) for (a, b), alike in zip(pairs, of_pairs, strict=True)),
        _mean(of_pairs),
        beside,
    )


def alike(first: Floats, second: Floats) -> tuple[float, float]:
    """Rank correlation and Dice of two maps (h, w) of one grid."""
    found = stability.compare(first[None], second[None])
    shared = float(found.overlap[0])
    return float(found.rank[0]), 2 * shared / (1 + shared)


def _of_films(pairs: Sequence[tuple[Floats, Floats]]) -> Alike:
    found = np.array([alike(*pair) for pair in pairs]).reshape(-1, 2)
    return Alike(found[:, 0], found[:, 1])


def _random(films: Sequence[FilmMaps], seed: int) -> list[tuple[Floats, Floats]]:
    """Two maps for each film."""
    drawn = []
    for row, film in enumerate(films):
        one, other = baselines.random_maps(2, film.cells.size, seed + row).double().numpy()
        drawn.append((one, other))
    return drawn


def _centre(films: Sequence[FilmMaps]) -> Alike:
    blobs = [baselines.centre_blob(film.cells.size).double().numpy() for film in films]
    return _mean(
        [
            _of_films([(film.members[row], blob) for film, blob in zip(films, blobs, strict=True)])
            for row in range(len(films[0].members))
        ]
    )


def _mean(several: Sequence[Alike]) -> Alike:
    return Alike(*(_defined([getattr(one, of) for one in several]) for of in ("rank", "dice")))


def _defined(arrays: Sequence[Floats]) -> Floats:
    """(n,) the mean of those that have a value there."""
    values = np.stack(arrays)
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(there, values, 0).sum(axis=0) / there.sum(axis=0))
