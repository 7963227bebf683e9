"""Each member's maps of the films, and the map that is made of them: the ensemble's.

Every member is asked about the label that the vote says, whatever it says itself, by its network
that was tested on the film; else maps would answer other questions and could not be compared. The
ensemble's map is the mean of the members' maps before the ReLU, each divided by its own peak of
absolute value and weighted as in the vote; the ReLU, where the method ends in one, comes last.

That is a picture of the members and no explanation of their vote: probabilities are averaged there,
not logits, and a network that is indifferent to the label counts as much as one that is sure. For
linear heads over one body it is more: the map of a weighted mean of logits is the weighted mean of
the maps, so it is exactly the map of the logits averaged with weights (vote weight / peak).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.data.placement import Placement
from spondyl.data.radiograph import Radiograph
from spondyl.explain.ensemble.cells import Cells, Floats
from spondyl.explain.explaining import explain, named
from spondyl.explain.study.sampling import batches
from spondyl.learn import trial as trials
from spondyl.learn.members import Member
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import PreparedFilms, prepare
from spondyl.learn.study import Study
from spondyl.progress import Track, silently

BATCH = 16

Signed = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MemberMaps:
    """One member's maps of the films, before the ReLU."""

    name: str
    layer: str
    maps: Signed
    """(n, h, w) by the network that was tested on the film."""
    of_another_fold: Signed | None
    """(n, h, w) by the same configuration's network of the next fold, which learned from the film
    or was steered by it; None where the study ran one fold only."""
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FilmMaps:
    """What all members and their vote say of one film, on one grid."""

    cells: Cells
    members: Floats
    """(members, rows, columns) before the ReLU, in the method's unit."""
    of_other_folds: Floats | None
    """The same by the networks of another fold each."""
    ensemble: Floats
    """(rows, columns) before the ReLU, in shares of the members' peaks."""


def ask(
    members: Sequence[Member],
    films: Sequence[Radiograph],
    folds: NDArray[np.int64],
    labels: NDArray[np.int64],
    method: str,
    device: torch.device,
    track: Track = silently,
) -> tuple[MemberMaps, ...]:
    """The maps of `films` (n) by every member, asked about `labels` (n,) by column.

    `folds` (n,) says in which fold a film was tested. Raises `SpondylError` for an unknown method,
    films that cannot be read, and networks that the method cannot explain.
    """
    named(method)
    shown: dict[tuple[object, int], PreparedFilms] = {}
    found = []
    for member in track(members, "heatmaps", len(members)):
        study = member.study
        key = (study.spec.preprocessing, id(study) if study.spec.preprocessing.needs_spine else 0)
        if key not in shown:
            shown[key] = prepare(films, study.spec.preprocessing, spines=study.spines)
        found.append(_of_member(member, shown[key], folds, labels, method, device))
    return tuple(found)


def together(maps: Sequence[MemberMaps], row: int, weights: Floats) -> FilmMaps:
    """The film of that row: all maps on one grid, and the ensemble's by `weights` (members,)."""
    cells = Cells.shared([(one.placements[row], _grid(one.maps)) for one in maps])
    members = np.stack([cells.of(one.maps[row], one.placements[row]) for one in maps])
    others = [
        cells.of(one.of_another_fold[row], one.placements[row])
        for one in maps
        if one.of_another_fold is not None
    ]
    peaks = [peak(one.maps[row]) for one in maps]
    return FilmMaps(
        cells,
        members,
        np.stack(others) if len(others) == len(maps) else None,
        added(members, peaks, weights),
    )


def on_film(
    maps: Sequence[MemberMaps], row: int, weights: Floats, size: tuple[int, ...]
) -> tuple[list[Signed], Signed]:
    """Each member's map before the ReLU and the ensemble's, sampled on the film of `size` (height,
    width) pixels: for pictures, and for what is marked there."""
    heats = [one.placements[row].on_image(one.maps[row], size) for one in maps]
    peaks = [peak(one.maps[row]) for one in maps]
    return heats, added(np.stack(heats), peaks, weights).astype(np.float32)


def added(maps: NDArray[np.floating], peaks: Sequence[float], weights: Floats) -> Floats:
    """Σ weight · map / peak over maps (members, h, w); a map without any heat adds nothing."""
    scaled = [w / p if p > 0 else 0.0 for w, p in zip(weights, peaks, strict=True)]
    return np.asarray(np.tensordot(np.array(scaled), maps.astype(np.float64), axes=1))


def peak(heat: NDArray[np.floating]) -> float:
    """The largest absolute value of a map."""
    return float(np.abs(heat).max())


def _grid(maps: Signed) -> tuple[int, int]:
    return maps.shape[1], maps.shape[2]


def _of_member(
    member: Member,
    prepared: PreparedFilms,
    folds: NDArray[np.int64],
    labels: NDArray[np.int64],
    method: str,
    device: torch.device,
) -> MemberMaps:
    study = member.study
    of = study.trials(member.configuration)
    own: dict[int, Signed] = {}
    others: dict[int, Signed] = {}
    network: Network | None = None
    for trial, before in zip(of, (of[-1], *of[:-1]), strict=True):
        network = trials.restore(trial, study.trials_folder, study.spec, study.files, network)
        network = network.to(device)
        tested = np.flatnonzero(folds == trial.fold)
        own |= _maps(network, study, prepared, tested, labels, method)
        if len(of) > 1:
            beside = np.flatnonzero(folds == before.fold)
            others |= _maps(network, study, prepared, beside, labels, method)
    assert network is not None
    return MemberMaps(
        member.name,
        network.layer,
        np.stack([own[row] for row in range(len(labels))]),
        np.stack([others[row] for row in range(len(labels))]) if others else None,
        prepared.placements,
    )


def _maps(
    network: Network,
    study: Study,
    prepared: PreparedFilms,
    rows: NDArray[np.int64],
    labels: NDArray[np.int64],
    method: str,
) -> dict[int, Signed]:
    """Row → map (h, w) of the films of `rows`."""
    device = next(network.parameters()).device
    found: dict[int, Signed] = {}
    for some in batches(rows, BATCH):
        images = prepared.images[torch.from_numpy(some)].to(device)
        images = study.spec.preprocessing.normalised(images).expand(-1, 3, -1, -1).contiguous()
        asked = torch.from_numpy(labels[some]).to(device)
        signed = explain(network, images, asked, method).signed.cpu().numpy()
        found |= dict(zip(some.tolist(), signed, strict=True))
    return found
