"""How far a heatmap spreads: over one cell or over all of them. No score here is good or bad.

Complexity (Bhatt et al. 2020, 2005.00631) is the entropy of the shares that the cells
have of a map's energy. For a map without negative values, as all that end in a ReLU are, it is the
same number as the map's entropy, so it is given once, in bits. Beside it stands the Gini index, by
which Chalasani et al. 2020 (1810.06583) measure sparseness: entropy weighs how many
cells share the energy, Gini how unequally they do.

Both depend on the grid: compare maps on the same one, best the layer's own, since interpolation
spreads a map that knows fewer cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spread:
    """How the positive energy of a map is shared out among its cells."""

    entropy_bits: float
    """−Σ p log2 p with p a cell's share of the energy: 0 for one cell, log2(cells) for an even map.
    In nats (× ln 2) it is the complexity of Bhatt et al."""
    n_cells: int
    gini: float
    """0 for an even map, 1 − 1 / cells for a single cell."""

    @property
    def of_maximum(self) -> float:
        """Entropy as a share of log2(cells), in [0, 1]; 0 for a map of one cell."""
        return self.entropy_bits / float(np.log2(self.n_cells)) if self.n_cells > 1 else 0.0

    @property
    def effective_area(self) -> float:
        """Share of the grid that an even map of the same entropy would cover: 2^entropy / cells."""
        return float(2**self.entropy_bits / self.n_cells)


def spread(heat: NDArray[np.floating]) -> Spread | None:
    """The spread of the positive part of `heat` (h, w), any grid; None where nothing is positive.

    Gini index: 1 − 2 Σ_k p_(k) (d − k + ½) / d with shares p in rising order, k = 1 … d cells
    (Hurley & Rickard 2009, table I; Chalasani et al. use the same).
    """
    energy = np.sort(np.clip(heat, 0, None).astype(np.float64).ravel())
    total = energy.sum()
    if not total > 0:
        return None
    shares = energy / total
    d = len(shares)
    held = shares[shares > 0]
    weights = (d - np.arange(1, d + 1) + 0.5) / d
    # An even map is 0 up to the last digit, which must not come out as less than nothing.
    entropy = max(0.0, float(-(held * np.log2(held)).sum()))
    return Spread(entropy, d, max(0.0, float(1 - 2 * (shares * weights).sum())))
