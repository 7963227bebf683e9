"""ROAD's imputation: ours for a batch of films, and SciPy's sparse solver film by film.

The holes are where a smooth map is hottest, a few big ones, which is the worst case, or scattered
pixels. SciPy's time is of `spsolve` alone, and with the assembly of its matrix.
"""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve

from benchmarks.clock import medians
from spondyl.explain.scores.imputation import interpolated

BATCH = 8
SIDE = 224
SHARES = (0.1, 0.5, 0.9)


def run(rounds: int = 5) -> Iterator[str]:
    """A line for each kind of film and hole and each share removed."""
    rng = np.random.default_rng(0)
    colour = gaussian_filter(rng.normal(size=(BATCH, 3, SIDE, SIDE)), (0, 0, 2, 2)) * 12
    orders = {
        "big holes": gaussian_filter(rng.normal(size=(BATCH, SIDE, SIDE)), (0, 24, 24)),
        "scattered": rng.random((BATCH, SIDE, SIDE)),
    }
    for kind, films in {"grey": colour[:, :1].repeat(3, axis=1), "colour": colour}.items():
        images = torch.from_numpy(films.astype(np.float32))
        for holes, order in orders.items():
            for share in SHARES:
                removed = order >= np.quantile(order, 1 - share, axis=(1, 2), keepdims=True)
                holed, (matrix, right) = torch.from_numpy(removed), equations(films[0], removed[0])
                taken = medians(
                    {
                        "ours": lambda i=images, h=holed: interpolated(i, h),
                        "spsolve": lambda m=matrix, r=right: spsolve(m, r),
                        "assembly": lambda f=films[0], r=removed[0]: equations(f, r),
                    },
                    rounds,
                )
                ours, alone = taken["ours"] / BATCH, taken["spsolve"]
                whole = alone + taken["assembly"]
                yield (
                    f"{kind}, {holes}, {share:.0%} removed at {SIDE}²: ours {1000 * ours:.1f} ms a "
                    f"film = 1; spsolve {alone / ours:.1f}, with its matrix {whole / ours:.1f}"
                )


def equations(film: np.ndarray, removed: np.ndarray) -> tuple[csc_matrix, np.ndarray]:
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
