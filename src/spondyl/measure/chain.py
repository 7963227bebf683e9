"""From the network's answer to a numbered chain of vertebrae.

Peaks of the middle map are candidates; the cells round each vote on its corners. One dynamic
programme then chooses which candidates are vertebrae and numbers them at the same time: a chain of
consecutive levels whose neighbours lie end plate to end plate, worth as much as the network
believes in each middle and in each level. A level may be bridged where no candidate stands, at a
price, and its corners are then laid between its neighbours'. So a chain never skips, doubles or
reorders a level; the price is that a person with eleven or thirteen ribbed vertebrae is numbered as
if there were twelve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.special import expit, log_softmax

from spondyl.data.levels import Floats
from spondyl.measure.network import N_LEVELS, STRIDE

FAINTEST = 0.05
"""Smallest probability of a candidate."""
MOST_CANDIDATES = 60
_DISC = 0.22
"""Usual height of a disc, in heights of the body above it."""
_LOOSENESS = 0.35
"""Spread of the place of the next body, in heights."""
_BRIDGE = 4.0
"""Price of a level that no candidate stands for."""
_LEAD = 1.0
"""Log-odds that are added for every vertebra: a chain would rather be long."""
_LEVEL_TRUST = 0.6
"""Neighbours' levels rest on the same context, so they are not independent evidence."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """k places that may be vertebrae, on the network grid."""

    corners: Floats
    """(k, 4, 2) (row, column), network pixels."""
    odds: Floats
    """(k,) log-odds of a middle there."""
    levels: Floats
    """(k, 17) log-probabilities of the levels."""


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """n neighbouring vertebrae from the top."""

    corners: Floats
    """(n, 4, 2)."""
    first: int
    """Level of the uppermost, 0 … 16."""
    odds: Floats
    """(n,) log-odds of a middle; -inf where a level was bridged."""
    levels: Floats
    """(n, 17) log-probabilities of the levels; even where a level was bridged."""
    score: float
    """Worth of the chain; more is better."""

    def __len__(self) -> int:
        return len(self.corners)


def candidates(
    middle: NDArray[np.float32], levels: NDArray[np.float32], corners: NDArray[np.float32]
) -> Candidates:
    """Peaks of one film's answer: `middle` (h, w) logits, `levels` (17, h, w) logits, `corners`
    (4, 2, h, w) network pixels."""
    peaks = (maximum_filter(middle, 3) == middle) & (expit(middle) >= FAINTEST)
    rows, columns = np.nonzero(peaks)
    best = np.argsort(-middle[rows, columns], kind="stable")[:MOST_CANDIDATES]
    cells = np.stack((rows, columns), axis=1)[best]
    at = corners.transpose(2, 3, 0, 1).astype(np.float64)
    cell_places = np.moveaxis(np.indices(middle.shape, np.float64), 0, -1)
    grid: Floats = cell_places * STRIDE + (STRIDE - 1) / 2
    voted = grid[:, :, None] + at
    belief = log_softmax(levels.astype(np.float64), axis=0)
    return Candidates(
        corners=np.array([_voted(voted, grid, cell) for cell in cells]).reshape(-1, 4, 2),
        odds=middle[cells[:, 0], cells[:, 1]].astype(np.float64),
        levels=np.array([_around(belief, cell) for cell in cells]).reshape(-1, N_LEVELS),
    )


def _voted(voted: Floats, grid: Floats, cell: NDArray[np.int64]) -> Floats:
    """(4, 2) median of what the cells in the inner part of a body say of its corners."""
    own = voted[cell[0], cell[1]]
    middle = own.mean(axis=0)
    down = (own[2:].mean(axis=0) - own[:2].mean(axis=0)) / 2
    across = (own[[1, 3]].mean(axis=0) - own[[0, 2]].mean(axis=0)) / 2
    frame = np.stack((down, across), axis=1)
    if abs(np.linalg.det(frame)) < 1e-6:
        return own
    reach = int(np.ceil((np.abs(down).max() + np.abs(across).max()) / STRIDE)) + 1
    window = tuple(slice(max(0, at - reach), at + reach + 1) for at in cell.tolist())
    place = (grid[window] - middle) @ np.linalg.inv(frame).T
    inner = (np.abs(place) <= 0.75).all(axis=-1)
    votes = voted[window][inner]
    return np.median(votes, axis=0) if len(votes) >= 3 else own


def _around(belief: Floats, cell: NDArray[np.int64]) -> Floats:
    """(17,) mean belief of a cell and its neighbours."""
    row, column = cell.tolist()
    near = belief[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
    return np.asarray(near.mean(axis=(1, 2)))


def strongest(found: Candidates) -> Chain | None:
    """The chain of highest worth; None where there is no candidate.

    Viterbi's algorithm over (candidate, level), candidates from the top down.
    """
    k = len(found.odds)
    if not k:
        return None
    order = np.argsort(found.corners[..., 0].mean(axis=1), kind="stable")
    corners, odds = found.corners[order], found.odds[order]
    worth = _worth(odds, found.levels[order])
    steps = [_step(corners, gap) for gap in (1, 2, 3)]
    best, came = worth.copy(), np.full((k, N_LEVELS, 2), -1)
    for here in range(1, k):
        for gap, step in enumerate(steps, start=1):
            gains = best[:here, : N_LEVELS - gap] + step[:here, here, None] - _BRIDGE * (gap - 1)
            source = gains.argmax(axis=0)
            gain = gains[source, np.arange(N_LEVELS - gap)]
            reached = worth[here, gap:] + gain
            better = (gain > 0) & (reached > best[here, gap:])
            best[here, gap:][better] = reached[better]
            came[here, gap:][better] = np.stack((source, np.arange(N_LEVELS - gap)), 1)[better]
    return _followed(best, came, corners, odds, found.levels[order])


def _worth(odds: Floats, levels: Floats) -> Floats:
    """(k, 17) what a candidate adds to a chain as each level."""
    relative = levels - np.log(1 / N_LEVELS)
    return np.asarray(
        np.clip(odds, -4, 4)[:, None] + _LEAD + _LEVEL_TRUST * np.clip(relative, -6, 6)
    )


def _step(corners: Floats, gap: int) -> Floats:
    """(k, k) log-likelihood, up to a constant, of [a, b]: b lies `gap` levels below a."""
    top, bottom = corners[:, :2].mean(axis=1), corners[:, 2:].mean(axis=1)
    span = bottom - top
    height = np.maximum(np.linalg.norm(span, axis=1), 1e-6)
    usual = _DISC + (gap - 1) * (1 + _DISC)
    # Both ends look for each other: along the upper body's axis and along the lower body's.
    apart = top[None] - bottom[:, None]
    downward, upward = apart - usual * span[:, None], apart - usual * span[None]
    error = (np.linalg.norm(downward, axis=2) + np.linalg.norm(upward, axis=2)) / 2
    mean_height = (height[:, None] + height[None]) / 2
    relative = error / (mean_height * _LOOSENESS * gap)
    sizes = np.abs(np.log(height[:, None] / height[None])) / 0.4
    return np.asarray(-0.5 * relative**2 - 0.5 * sizes**2)


def _followed(
    best: Floats, came: NDArray[np.int64], corners: Floats, odds: Floats, levels: Floats
) -> Chain:
    """The path that ends in the best state, with what was bridged."""
    here, level = np.unravel_index(int(best.argmax()), best.shape)
    score = float(best[here, level])
    path: list[tuple[int, int]] = []
    at = (int(here), int(level))
    while at[0] >= 0:
        path.append(at)
        source = came[at[0], at[1]]
        at = (int(source[0]), int(source[1]))
    path.reverse()
    first, last = path[0][1], path[-1][1]
    known = np.array([place for _, place in path])
    chosen = np.array([candidate for candidate, _ in path])
    every = np.arange(first, last + 1)
    flat = corners[chosen].reshape(len(chosen), 8)
    laid = np.stack([np.interp(every, known, column) for column in flat.T], axis=1)
    chain_odds = np.full(len(every), -np.inf)
    chain_levels = np.full((len(every), N_LEVELS), -np.log(N_LEVELS))
    chain_odds[known - first], chain_levels[known - first] = odds[chosen], levels[chosen]
    return Chain(laid.reshape(-1, 4, 2), first, chain_odds, chain_levels, score)
