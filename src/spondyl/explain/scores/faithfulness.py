"""Scores that say whether to believe a heatmap; each says what chance would give.

The energy-based pointing game (Wang et al. 2020, Score-CAM, section 4.2): the share of a map's
energy that lies on a region. A map that is the same everywhere, or that knows nothing, gives the
region's share of the film, so the two numbers stand side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.data.placement import Placement
from spondyl.explain.heatmap import Heatmap


@dataclass(frozen=True, slots=True)
class Energy:
    """Share of a heatmap's energy on a mask, and the mask's share of the film; both in [0, 1]."""

    on_mask: float
    by_chance: float


def energy_on_mask(
    heatmap: Heatmap, mask: NDArray[np.bool_], placement: Placement
) -> Energy | None:
    """Energy of the positive part of `heatmap` on `mask` (H, W), both on the image grid.

    None for a map without positive values, whose share is not defined.
    """
    positive = np.clip(placement.on_image(heatmap.values), 0, None)
    total = float(positive.sum(dtype=np.float64))
    if total <= 0:
        return None
    return Energy(float(positive[mask].sum(dtype=np.float64)) / total, float(mask.mean()))
