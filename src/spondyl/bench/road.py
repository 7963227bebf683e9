"""ROAD's imputation: ours for a batch of films, and SciPy's sparse solver film by film.

The holes are where a smooth map is hottest, a few big ones, which is the worst case, or scattered
pixels. SciPy's time is of `spsolve` alone, and with the assembly of its matrix. For films with
colours it factorises once for three channels, where ours solves each. A row is for one share of the
pixels, or for what one map of a film costs in a study: all shares of `film_scores`, of the hottest
and of the coldest pixels. The price of the comparison: SciPy's film is the first of the batch,
whose holes are as large as any other's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve

from spondyl.bench.clock import medians
from spondyl.explain.scores.imputation import interpolated
from spondyl.explain.study.film_scores import ROAD_SHARES

BATCH = 8
SHARES = (0.1, 0.5, 0.9)
ROUNDS = 5
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """The cost of filling films of one kind with holes of one kind."""

    films: str
    holes: str
    shares: tuple[float, ...]
    """Of the pixels, removed: one, or those of a score, which are removed at both ends."""
    side: int
    ms: float
    """Ours, of one film of `BATCH` with all of its holes, which are filled in one call."""
    ratio_of_sparse_solve: float
    """SciPy's time for one film and its holes, one after another, in ours; the matrices are
    there."""
    ratio_with_assembly: float
    """The same, with the assembly of the matrices."""

    def as_dict(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self)


def rows(rounds: int = ROUNDS, side: int = 224) -> Iterator[Row]:
    """A row for each kind of film and hole and each share removed, and for a whole score, as it is
    measured; films are smooth noise of `side` × `side` pixels."""
    rng = np.random.default_rng(0)
    colour = gaussian_filter(rng.normal(size=(BATCH, 3, side, side)), (0, 0, 2, 2)) * 12
    orders = {
        "big": gaussian_filter(rng.normal(size=(BATCH, side, side)), (0, 24, 24)),
        "scattered": rng.random((BATCH, side, side)),
    }
    for kind, films in {"grey": colour[:, :1].repeat(3, axis=1), "colour": colour}.items():
        for holes, order in orders.items():
            for share in SHARES:
                removed = _hottest(order, share)[:, None]
                yield Row(kind, holes, (share,), side, *_measured(films, removed, rounds))
            both = [_hottest(end, share) for end in (order, -order) for share in ROAD_SHARES]
            removed = np.stack(both, axis=1)
            yield Row(kind, holes, ROAD_SHARES, side, *_measured(films, removed, rounds))


def lines(found: Sequence[Row] | Iterator[Row]) -> Iterator[str]:
    """The rows for a person."""
    for row in found:
        shares = ", ".join(f"{share:.0%}" for share in row.shares)
        ends = " at both ends" if len(row.shares) > 1 else ""
        yield (
            f"{row.films}, {row.holes} holes, {shares} removed{ends} at {row.side}²: ours "
            f"{row.ms:.1f} ms a film = 1; spsolve {row.ratio_of_sparse_solve:.1f}, with its matrix "
            f"{row.ratio_with_assembly:.1f}"
        )


def _hottest(order: Array, share: float) -> Array:
    """(n, h, w) bool: the largest share of each of `order` (n, h, w)."""
    return np.asarray(order >= np.quantile(order, 1 - share, axis=(1, 2), keepdims=True))


def _measured(films: Array, removed: Array, rounds: int) -> tuple[float, float, float]:
    """Our milliseconds for a film (channels, h, w) with each of its holes (k, h, w), and SciPy's
    time in ours without and with its matrices."""
    images = torch.from_numpy(films.astype(np.float32)).repeat_interleave(removed.shape[1], dim=0)
    holes = torch.from_numpy(removed).flatten(0, 1)
    systems = [equations(films[0], hole) for hole in removed[0]]
    taken = medians(
        {
            "ours": lambda: interpolated(images, holes),
            "solving": lambda: [spsolve(matrix, right) for matrix, right in systems],
            "assembly": lambda: [equations(films[0], hole) for hole in removed[0]],
        },
        rounds,
    )
    ours = taken["ours"] / len(films)
    return 1000 * ours, taken["solving"] / ours, (taken["solving"] + taken["assembly"]) / ours


def equations(film: Array, removed: Array) -> tuple[csc_matrix, Array]:
    """Matrix and right-hand sides (unknowns, channels) of one film, in float64, vectorised."""
    n = int(removed.sum())
    number = np.cumsum(removed).reshape(removed.shape) - 1
    rows, columns = np.nonzero(removed)
    diagonal, right = np.zeros(n), np.zeros((n, len(film)))
    entries, here, there = [], [], []
    for down, across in ((d, a) for d in (-1, 0, 1) for a in (-1, 0, 1) if d or a):
        weight = 1 / 12 if down and across else 1 / 6
        r, c = rows + down, columns + across
        at = np.flatnonzero((r >= 0) & (r < removed.shape[0]) & (c >= 0) & (c < removed.shape[1]))
        diagonal[at] += weight
        sought = removed[r[at], c[at]]
        known, unknown = at[~sought], at[sought]
        right[known] += weight * film[:, r[known], c[known]].T
        entries.append(np.full(len(unknown), -weight))
        here.append(unknown)
        there.append(number[r[unknown], c[unknown]])
    every = np.arange(n)
    where = (np.concatenate([*here, every]), np.concatenate([*there, every]))
    return csc_matrix((np.concatenate([*entries, diagonal]), where), shape=(n, n)), right
