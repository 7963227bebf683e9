"""How near a finder comes to corners that are known, film by film.

A film that is refused, and a vertebra that is missed, are counted and never averaged away: errors
are of what was found, and how much was found stands beside them. Corners are compared level by
level, so a spine that is numbered one too high is wrong by a whole vertebra.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spondyl.data.levels import VERTEBRAE, Floats, spine_mask
from spondyl.measure import cobb
from spondyl.measure.cobb import Angles
from spondyl.measure.spine import FoundSpine


@dataclass(frozen=True, slots=True)
class Judged:
    """A finder's answer to one film beside the truth."""

    name: str
    study: str
    """Films of one study are not independent."""
    refusal: str | None
    n_vertebrae: int
    """Of those that are known, how many were found."""
    corner_error_px: float
    """Mean distance of the corners that were found, native pixels; NaN where none was."""
    corner_error_share: float
    """The same as a share of the film's height."""
    dice: float
    """Of the spine masks, bodies and discs; 0 where refused."""
    angles: Angles | None
    """The three angles, degrees; None where refused."""
    true_angles: Angles

    @property
    def angle_error(self) -> float:
        """Mean absolute error of the three angles, degrees; NaN where refused."""
        if self.angles is None:
            return float("nan")
        return float(np.abs(np.subtract(self.angles, self.true_angles)).mean())


def judged(
    name: str,
    study: str,
    found: FoundSpine,
    corners: Floats,
    vertebrae: Sequence[str] = VERTEBRAE,
    true_angles: Angles | None = None,
) -> Judged:
    """`found` beside the known `corners` (n, 4, 2) of `vertebrae` (n names), native pixels.

    The true angles are those given, or those of the corners by `cobb.three_angles`.
    """
    height = found.image_size[0]
    true = true_angles or cobb.three_angles(corners, height)
    place = {name: i for i, name in enumerate(found.vertebrae)}
    shared = [(place[name], i) for i, name in enumerate(vertebrae) if name in place]
    if found.refusal is not None or not shared:
        why = found.refusal or "no vertebra in common"
        return Judged(name, study, why, 0, np.nan, np.nan, 0.0, None, true)
    ours, theirs = (np.array(side) for side in zip(*shared, strict=True))
    error = float(np.linalg.norm(found.corners[ours] - corners[theirs], axis=-1).mean())
    return Judged(
        name,
        study,
        None,
        len(shared),
        error,
        error / height,
        dice(found.mask, spine_mask(corners, found.image_size)),
        cobb.three_angles(found.corners, height),
        true,
    )


def dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """2 |A ∩ B| / (|A| + |B|) (Dice 1945); 1 for two empty masks."""
    together = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / together if together else 1.0


def smape(found: Iterable[Angles], true: Iterable[Angles]) -> float:
    """Symmetric mean absolute percentage error as AASCE scores it: the mean over films of
    Σ|a − b| / Σ(a + b) over the three angles, in %."""
    shares = [smape_of(a, b) for a, b in zip(found, true, strict=True)]
    return 100 * float(np.mean(shares)) if shares else float("nan")


def smape_of(found: Angles, true: Angles) -> float:
    """One film's share in `smape`, 0 … 1; 0 where all angles are 0."""
    total = float(np.sum(found) + np.sum(true))
    return float(np.abs(np.subtract(found, true)).sum()) / total if total else 0.0


def figures(films: Sequence[Judged]) -> dict[str, Any]:
    """Point figures over films, as a finder's record keeps them; None where nothing was found."""
    measured = [film for film in films if film.angles is not None]
    angles = [film.angles for film in measured if film.angles is not None]
    true = [film.true_angles for film in measured]
    return {
        "n_films": len(films),
        "n_studies": len({film.study for film in films}),
        "n_refused": len(films) - len(measured),
        "n_whole": sum(film.n_vertebrae == len(VERTEBRAE) for film in films),
        "corner_error_px": _mean([film.corner_error_px for film in measured]),
        "corner_error_share": _mean([film.corner_error_share for film in measured]),
        "dice": _mean([film.dice for film in films]),
        "angle_error_degrees": _mean([film.angle_error for film in measured]),
        "smape_percent": smape(angles, true) if measured else None,
    }


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
