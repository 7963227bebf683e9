"""How two cohorts differ, measured: what tells them apart, in which units, and how far.

Once for two cohorts: files, small pictures and what is no anatomy. Once for each frozen body: its
pooled features, which are what a head is given. No number here is compared with what the shift does
to accuracy: that is measured by itself (`figures`), and no measure of the shift predicts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.progress import Track, silently
from spondyl.trust.data_audit import artefact_probes, probes, probing, sight
from spondyl.trust.data_audit.probing import Films
from spondyl.trust.external import facts
from spondyl.trust.external import telling_apart as apart
from spondyl.trust.external.asking import Said
from spondyl.trust.external.beside import Beside
from spondyl.trust.external.discrepancy import Discrepancy, discrepancy
from spondyl.trust.external.facts import Fact
from spondyl.trust.external.telling_apart import ALL, COHORTS, Mixed, NotTold, Told
from spondyl.trust.intervals import NotRun

_PICTURES = ("frame", "histogram", "thumbnail-8")
"""Probes of small pictures that are asked."""


@dataclass(frozen=True, slots=True)
class CohortShift:
    """How the films differ, whatever network looks at them."""

    n_home: int
    n_outside: int
    """Films that were compared; fewer than there are where the cohorts are very large."""
    told: tuple[Told, ...]
    not_told: tuple[NotTold, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class BodyShift:
    """How the films differ to one frozen body."""

    n_channels: int
    told: tuple[Told, ...]
    not_told: tuple[NotTold, ...]
    distances: tuple[Discrepancy, ...]


def of_cohorts(pair: Beside, seed: int, track: Track = silently) -> CohortShift:
    """The shift of what is seen without a network. Raises `SpondylError` for files that cannot be
    read."""
    mixed = _mixed(pair, seed)
    seen = sight.seen(mixed.films, track=track)
    asked = [
        probes.of_files(mixed.films),
        *(one for one in probes.of_pictures(seen.pictures) if one.name in _PICTURES),
        *artefact_probes.of_artefacts(seen.artefacts),
    ]
    told, lacking = apart.told(asked, mixed, pair.shared_labels, seed, track)
    n = int(mixed.outside.sum())
    beside = facts.side_by_side(mixed, seen.pictures, seed)
    return CohortShift(len(mixed.films) - n, n, told, lacking, beside)


def of_body(pair: Beside, said: Said, seed: int, track: Track = silently) -> BodyShift | NotRun:
    """The shift of a frozen body's pooled features; or why it cannot be told."""
    if said.features is None or said.home_features is None:
        return NotRun(
            "its bodies were trained on the study's films, so their features tell these from "
            "others for that reason alone"
        )
    mixed = Mixed.of(pair.home.radiographs, pair.outside.radiographs)
    values = np.concatenate((said.home_features, said.features)).astype(np.float64)
    rows = _sampled(mixed, seed)
    mixed, values = _taken(mixed, rows), values[rows]
    named = tuple(f"channel {i}" for i in range(values.shape[1]))
    asked = [probes.probe_of("whole-features", named, values)]
    told, lacking = apart.told(asked, mixed, pair.shared_labels, seed, track)
    distances = []
    for name in (ALL, *pair.shared_labels):
        folding = mixed.folding(name, seed)
        if not isinstance(folding, str):
            some = values[mixed.rows_of(name)]
            n_groups = len(set(folding.films.group_ids))
            distances.append(discrepancy(some, folding.shuffled, name, n_groups))
    return BodyShift(values.shape[1], told, lacking, tuple(distances))


def _mixed(pair: Beside, seed: int) -> Mixed:
    mixed = Mixed.of(pair.home.radiographs, pair.outside.radiographs)
    return _taken(mixed, _sampled(mixed, seed))


def _sampled(mixed: Mixed, seed: int) -> NDArray[np.int64]:
    names = tuple(film.image_id for film in mixed.films)
    groups = tuple(film.group_id for film in mixed.films)
    return probing.sampled(Films(COHORTS, names, groups, mixed.outside), seed)


def _taken(mixed: Mixed, rows: NDArray[np.int64]) -> Mixed:
    return Mixed(tuple(mixed.films[row] for row in rows.tolist()), mixed.outside[rows])
