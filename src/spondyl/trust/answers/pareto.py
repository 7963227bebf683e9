"""Which of several things nothing else beats in every respect at once: the Pareto front.

Decision: membership is told by the figures as they stand, since dominance has no null hypothesis
that two of them could be tested against. The price: where intervals overlap, another sample of
films would have drawn another front, so a front is drawn with intervals and is called no ranking.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spondyl.trust.metrics import Floats


def dominates(one: Floats, other: Floats, higher: Sequence[bool]) -> bool:
    """Whether `one` (d,) is nowhere worse than `other` and somewhere better; `higher` (d,) says of
    which figures more is better (Pareto 1906; Ehrgott 2005, Multicriteria Optimization, 2.1)."""
    gained = np.where(higher, np.subtract(one, other), np.subtract(other, one))
    return bool((gained >= 0).all() and (gained > 0).any())


def front(figures: Floats, higher: Sequence[bool]) -> tuple[int, ...]:
    """Rows of `figures` (n, d) that no row dominates, in their order; equals stand there together.

    Raises ValueError for a figure that is nan, which nothing could be held against, and where
    `higher` does not say of each figure which way is better.
    """
    rows = np.asarray(figures, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(higher):
        raise ValueError(f"figures of shape {rows.shape} for {len(higher)} directions")
    if np.isnan(rows).any():
        raise ValueError("a figure is nan: leave that row out")
    return tuple(
        at
        for at, row in enumerate(rows)
        if not any(dominates(other, row, higher) for other in rows)
    )
