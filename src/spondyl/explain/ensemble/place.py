"""Whether the ensemble's map lies on the spine better than its members' do.

Share of a map's heat on the spine's mask, on the part of the film that all members were shown,
beside the mask's share of that part, which is what a map gets that knows nothing of the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spondyl.data import regions
from spondyl.data.placement import Window
from spondyl.data.radiograph import Radiograph
from spondyl.explain.ensemble import maps as ensemble_maps
from spondyl.explain.ensemble.cells import Cells, Floats
from spondyl.explain.ensemble.maps import MemberMaps
from spondyl.explain.scores import localisation
from spondyl.explain.study.film_scores import PLACE_SIDE


@dataclass(frozen=True, slots=True, eq=False)
class OnSpine:
    """Share of heat on the spine, film by film; nan for films without a mask or maps without
    heat."""

    members: Floats
    """(members, n)."""
    ensemble: Floats
    """(n,)."""
    chance: Floats
    """(n,) the mask's share of what was shown."""


def on_spine(
    masks: Path,
    films: Sequence[Radiograph],
    maps: Sequence[MemberMaps],
    cells: Sequence[Cells],
    weights: Floats,
) -> OnSpine:
    """The shares of `films` (n) whose spine is marked in the folder `masks`.

    `weights` is (members, n), `cells` (n) what of each film was shown to all. Raises `SpondylError`
    that names every film whose marks do not fit.
    """
    marked = regions.marked_films(masks, films)
    members = np.full((len(maps), len(films)), np.nan)
    ensemble, chance = np.full(len(films), np.nan), np.full(len(films), np.nan)
    for row, film in enumerate(films):
        marks = marked.get(film.image_id)
        if marks is None or marks.spine_mask is None:
            continue
        size, part = _small((film.file.height, film.file.width), cells[row].window)
        small = marks.resized(size).spine_mask
        if small is None or not small[part].any():
            continue
        mask = small[part]
        heats, vote = ensemble_maps.on_film(maps, row, weights[:, row], size)
        chance[row] = mask.mean()
        for at, heat in enumerate(heats):
            if energy := localisation.energy(heat[part], mask):
                members[at, row] = energy.on_mask
        if energy := localisation.energy(vote[part], mask):
            ensemble[row] = energy.on_mask
    return OnSpine(members, ensemble, chance)


def _small(size: tuple[int, int], window: Window) -> tuple[tuple[int, int], tuple[slice, slice]]:
    """A film's size with at most `PLACE_SIDE` pixels a side of the window, and the window there."""
    smaller = min(1.0, PLACE_SIDE / max(window.size))
    height, width = (max(1, round(side * smaller)) for side in size)
    rows, columns = height / size[0], width / size[1]
    return (height, width), (
        slice(round(window.top * rows), max(1, round(window.bottom * rows))),
        slice(round(window.left * columns), max(1, round(window.right * columns))),
    )
