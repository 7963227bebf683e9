"""Whether a heatmap lies where the truth is; each score beside what chance would give.

Heat is an array (H, W) on the image grid that may hold negative values, of which only the positive
part counts. A map without any has no score: None, never 0, which would say that it pointed wrongly.
Values that differ by rounding are equal (`TIE`), since interpolation of an even map is even only to
the last digit; equal values share what is at stake, so that a map that is the same everywhere gets
chance, exactly. The price: peaks that differ by less than a millionth count as one.

A score near chance says that the map knows nothing of the place; a score above it says that the map
is there, not that the network decided by it (`faithfulness`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.errors import SpondylError

TIE = 1e-6
"""Values within this share of each other are the same value."""

Heat = NDArray[np.floating]
Mask = NDArray[np.bool_]
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Energy:
    """Share of a heatmap's energy on a mask, and the mask's share of the film; both in [0, 1]."""

    on_mask: float
    by_chance: float


@dataclass(frozen=True, slots=True)
class Pointing:
    """Share of the peak's pixels that lie on the target: 0 or 1 unless the peak is a plateau."""

    on_target: float
    by_chance: float
    """The target's share of the film."""


@dataclass(frozen=True, slots=True)
class Concordance:
    """Overlap of the hottest pixels with the mask, and what as many pixels drawn blindly give."""

    dice: float
    """2 |hot ∩ mask| / (|hot| + |mask|), in [0, 1]."""
    dice_by_chance: float

    @property
    def iou(self) -> float:
        """|hot ∩ mask| / |hot ∪ mask|, in [0, 1]."""
        return self.dice / (2 - self.dice)

    @property
    def iou_by_chance(self) -> float:
        """The same of the expected overlap."""
        return self.dice_by_chance / (2 - self.dice_by_chance)


@dataclass(frozen=True, slots=True)
class PeakDistance:
    """From the peak to the nearest target point, and from a pixel drawn blindly."""

    px: float
    px_by_chance: float
    diagonal_px: float
    """Length of the film's diagonal."""
    mm: float | None
    """To the target nearest in mm; None where the spacing is not known."""
    mm_by_chance: float | None

    @property
    def of_diagonal(self) -> float:
        """Distance as a share of the film's diagonal, in [0, 1]."""
        return self.px / self.diagonal_px

    @property
    def of_diagonal_by_chance(self) -> float:
        """The same of a pixel drawn blindly."""
        return self.px_by_chance / self.diagonal_px


def energy(heat: Heat, mask: Mask) -> Energy | None:
    """Share of the energy of `heat` on `mask`, both (H, W): the energy-based pointing game.

    Wang et al. 2020 (Score-CAM, 1910.01279, section 4.2). A map that is the same everywhere, or
    that knows nothing, gives the mask's share of the film.
    """
    positive = _positive(heat, mask)
    total = float(positive.sum())
    if total <= 0:
        return None
    return Energy(float(positive[mask].sum()) / total, float(mask.mean()))


def pointing_game(heat: Heat, target: Mask) -> Pointing | None:
    """Whether the hottest pixel of `heat` lies on `target`, both (H, W).

    Zhang et al. 2018 (1608.00507), who allow 15 pixels around the target; here `target`,
    such as the spine mask, holds what tolerance there is.
    """
    peak = _peak(_positive(heat, target))
    if peak is None:
        return None
    return Pointing(float(target[peak].mean()), float(target.mean()))


def concordance(heat: Heat, mask: Mask) -> Concordance | None:
    """Overlap of `mask` (H, W) with as many of the hottest pixels of `heat` as it has itself.

    Vardhan's heatmap concordance score is the overlap of the heatmap with the organ, as Ahmad et
    al. 2026 report it; no threshold could be found. The reading here: hot are the top pixels with
    the area of the mask, so that a map gains nothing by being large or small, or all positive
    pixels where these are fewer. Pixels that tie at the threshold share the places that are left.
    """
    positive = _positive(heat, mask)
    n_mask = int(mask.sum())
    n_hot = min(n_mask, int((positive > 0).sum()))
    if n_hot == 0:
        return None
    threshold = np.partition(positive.ravel(), -n_hot)[-n_hot]
    above = positive > threshold * (1 + TIE)
    tied = (positive >= threshold * (1 - TIE)) & ~above
    share = (n_hot - int(above.sum())) / int(tied.sum())
    overlap = int((above & mask).sum()) + share * int((tied & mask).sum())
    return Concordance(
        2 * overlap / (n_hot + n_mask), 2 * n_hot * float(mask.mean()) / (n_hot + n_mask)
    )


def peak_distance(
    heat: Heat, targets: Points, spacing_mm: tuple[float, float] | None = None
) -> PeakDistance | None:
    """Distance from the hottest pixel of `heat` (H, W) to the nearest of `targets` (row, column).

    Kim's displacement of the heatmap's peak from the finding, as Ahmad et al. 2026 report it, with
    several targets. Of a plateau it is the mean over its pixels. Chance is the exact mean over all
    pixels of the film. `spacing_mm` is a pixel's (height, width).
    """
    if not targets:
        raise SpondylError("no target point to measure from", "Leave films without targets out.")
    peak = _peak(_positive(heat))
    if peak is None:
        return None
    height, width = heat.shape
    px = _to_nearest((height, width), targets, (1.0, 1.0))
    mm = None if spacing_mm is None else _to_nearest((height, width), targets, spacing_mm)
    return PeakDistance(
        px=float(px[peak].mean()),
        px_by_chance=float(px.mean()),
        diagonal_px=float(np.hypot(height, width)),
        mm=None if mm is None else float(mm[peak].mean()),
        mm_by_chance=None if mm is None else float(mm.mean()),
    )


def _to_nearest(
    size: tuple[int, int], points: Points, spacing: tuple[float, float]
) -> NDArray[np.float64]:
    """(height, width) distance of each pixel's centre to the nearest point, in units of spacing."""
    rows, columns = np.ogrid[: size[0], : size[1]]
    distances = [
        np.hypot((rows - row) * spacing[0], (columns - column) * spacing[1])
        for row, column in points
    ]
    return np.asarray(np.minimum.reduce(distances))


def _peak(positive: NDArray[np.float64]) -> Mask | None:
    """(H, W) True on the hottest pixels, more than one where they tie; None without heat."""
    highest = positive.max()
    return positive >= highest * (1 - TIE) if highest > 0 else None


def _positive(heat: Heat, mask: Mask | None = None) -> NDArray[np.float64]:
    """The positive part; `SpondylError` for maps and masks that no score can be made of."""
    if not np.isfinite(heat).all():
        raise SpondylError(
            "the heatmap holds values that are not finite",
            "Explain in full precision, and look for such values in the weights.",
        )
    if mask is not None and mask.shape != heat.shape:
        raise SpondylError(
            f"the heatmap has {heat.shape[0]} × {heat.shape[1]} pixels, the mask "
            f"{mask.shape[0]} × {mask.shape[1]}",
            "Both belong on the image grid of the film.",
        )
    if mask is not None and not mask.any():
        raise SpondylError("the mask marks no pixel", "Leave films out on which nothing is marked.")
    return np.clip(heat, 0, None).astype(np.float64)
