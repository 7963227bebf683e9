"""Size, shape and greys of two cohorts' films side by side, in units that a reader knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spondyl.data.radiograph import Radiograph
from spondyl.trust.data_audit.probes import Pictures
from spondyl.trust.external.telling_apart import Mixed, single_numbers
from spondyl.trust.intervals import Estimate
from spondyl.trust.metrics import Floats

QUANTILES = (0.05, 0.5, 0.95)
"""Of a number over a cohort's films."""
GREYS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of the greys within one film."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of every film in both cohorts."""

    name: str
    home: tuple[float, ...]
    """Its `QUANTILES` over the study's films."""
    outside: tuple[float, ...]
    larger_outside: Estimate
    """Chance that it is larger in a film of the other cohort, ties counting half; 0.5 where
    nothing differs."""


def side_by_side(mixed: Mixed, pictures: Pictures, seed: int) -> tuple[Fact, ...]:
    """The facts of the films of `mixed`, whose small `pictures` have the same rows."""
    values = {**_of_files(mixed.films), **_of_greys(pictures)}
    chances = single_numbers(values, mixed, seed)
    there = mixed.outside == 1
    return tuple(
        Fact(name, _quantiles(column[~there]), _quantiles(column[there]), chances[name])
        for name, column in values.items()
    )


def _of_files(films: Sequence[Radiograph]) -> Mapping[str, Floats]:
    sizes = np.array([(film.file.height, film.file.width) for film in films], np.float64)
    return {
        "height, pixels": sizes[:, 0],
        "width, pixels": sizes[:, 1],
        "width / height": sizes[:, 1] / sizes[:, 0],
        "bytes for a pixel": np.array([f.file.n_bytes for f in films]) / sizes.prod(axis=1),
    }


def _of_greys(pictures: Pictures) -> Mapping[str, Floats]:
    """Greys below which lies a share of a film, 0 black … 1 white."""
    levels = np.quantile(pictures.reshape(len(pictures), -1).astype(np.float64), GREYS, axis=1)
    named = (f"grey that {100 * share:.0f} % of the film stay below" for share in GREYS)
    return dict(zip(named, levels, strict=True))


def _quantiles(values: Floats) -> tuple[float, ...]:
    return tuple(float(one) for one in np.quantile(values, QUANTILES))
