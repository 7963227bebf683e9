"""The scores of a batch of films that one network is asked about, under every maker of maps.

Makers are the methods and four baselines; every score is taken of all of them, on the same films
and labels, since none means anything alone. On two cores the forward passes of deletion, insertion
and ROAD are nearly all of the cost, so they take few steps here (`STEPS`, `ROAD_SHARES`): curves
of the peers' length would cost three times as much and move the areas little, while baselines and
methods pay the same coarseness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from spondyl.data.placement import Placement, Window
from spondyl.data.radiograph import NOT_STATED, Radiograph
from spondyl.data.regions import Regions
from spondyl.explain.explaining import explain
from spondyl.explain.scores import baselines, faithfulness, localisation, weak_truth
from spondyl.explain.scores.spread import spread
from spondyl.learn.networks import Network

STEPS = 8
"""Steps of a deletion or insertion from one end to the other."""
ROAD_SHARES = (0.25, 0.5, 0.75)
PLACE_SIDE = 512
"""Pixels of the longer side, at most, of a film on which maps are asked where they lie."""

Floats = NDArray[np.float64]
Heat = NDArray[np.float32]
Scores = dict[tuple[str, str], Floats]
"""(maker, score) → (n,) one value for each film, nan where there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """Films that a network is asked about in one go."""

    radiographs: tuple[Radiograph, ...]
    images: Tensor
    """(n, 3, H, W) normalised, on the network's device."""
    labels: Tensor
    """(n,) int64: column of the label asked about in each."""
    others: Tensor
    """(n,) int64: column of another label."""
    placements: tuple[Placement, ...]
    regions: tuple[Regions | None, ...]
    """None for a film that nobody marked."""

    def __len__(self) -> int:
        return len(self.radiographs)


def maps_of(
    network: Network, unlearned: Network, films: Films, methods: Sequence[str], seed: int
) -> dict[str, Tensor]:
    """Name of each maker → its maps (n, h, w), the methods first.

    The baselines lie on the first method's grid; "untrained" is the first method on `unlearned`, a
    network of the same kind with random weights. `seed` is that of the random maps.
    """
    maps = {method: explain(network, films.images, films.labels, method).maps for method in methods}
    first = methods[0]
    height, width = maps[first].shape[1:]
    grid = (height, width)
    return maps | {
        "random": baselines.random_maps(len(films), grid, seed),
        "centre": baselines.centre_blob(grid).expand(len(films), -1, -1),
        "edges": baselines.edge_maps(films.images, grid),
        "untrained": explain(unlearned, films.images, films.labels, first).maps,
    }


def faithfulness_of(network: Network, films: Films, maps: Mapping[str, Tensor]) -> Scores:
    """Deletion, insertion, gap of ROAD, average drop and increase, as `scores.faithfulness`."""
    images, labels = films.images, films.labels
    deletion = faithfulness.deletion(network, images, labels, maps, STEPS)
    insertion = faithfulness.insertion(network, images, labels, maps, STEPS)
    road = faithfulness.road(network, images, labels, maps, ROAD_SHARES)
    confidence = faithfulness.confidence(network, images, labels, maps)
    found: Scores = {}
    for maker in maps:
        found[maker, "deletion"] = deletion[maker].area
        found[maker, "insertion"] = insertion[maker].area
        found[maker, "road-gap"] = road[maker].gap
        found[maker, "average-drop"] = confidence[maker].drop
        found[maker, "increase"] = confidence[maker].increased
    return found


def spread_of(maps: Mapping[str, Tensor]) -> Scores:
    """Entropy as a share of its maximum, effective area and Gini index, and the raw peak.

    The peak is in the method's unit, so baselines that are no method's have none.
    """
    found: Scores = {}
    for maker, heats in maps.items():
        spreads = [spread(heat) for heat in heats.cpu().numpy()]
        for score, values in {
            "entropy-share": [one and one.of_maximum for one in spreads],
            "effective-area": [one and one.effective_area for one in spreads],
            "gini": [one and one.gini for one in spreads],
        }.items():
            found[maker, score] = np.array(values, dtype=np.float64)  # None becomes nan
        if maker not in ("random", "centre", "edges"):
            found[maker, "peak"] = heats.amax(dim=(1, 2)).cpu().double().numpy()
    return found


def places_of(films: Films, maps: Mapping[str, Tensor]) -> Scores:
    """Whether maps lie where the truth is, and what chance gives: of regions, and of names.

    Of a cropped film all is asked within the crop, since a map cannot be elsewhere, and chance must
    not be either. Films are looked at with at most `PLACE_SIDE` pixels a side: all scores are
    shares of the film, and maps are far coarser. Films without regions that state neither a curve
    nor a slipped level have no such score.
    """
    found: Scores = {}
    for row, (film, placement, marked) in enumerate(
        zip(films.radiographs, films.placements, films.regions, strict=True)
    ):
        if marked is None and not film.curves and film.slip_level == NOT_STATED:
            continue
        shown, marks = _looked_at(film, marked, placement.window)
        size = (shown.file.height, shown.file.width)
        for maker, heats in maps.items():
            heat = placement.of_window.on_image(heats[row].cpu().numpy(), size)
            scored = {**on_regions(heat, marks), **on_names(heat, shown, marks)}
            for score, value in scored.items():
                blank = np.full(len(films), np.nan)
                found.setdefault((maker, score), blank)[row] = value
    return found


def _looked_at(
    film: Radiograph, marked: Regions | None, window: Window
) -> tuple[Radiograph, Regions | None]:
    """The film and its regions, as if `window` were all of it, with at most `PLACE_SIDE` pixels a
    side."""
    smaller = min(1.0, PLACE_SIDE / max(window.size))
    height, width = (max(1, round(side * smaller)) for side in window.size)
    facts = replace(film.file, height=height, width=width)
    within = marked and marked.within(window)
    return replace(film, file=facts), within and within.resized((height, width))


def on_regions(heat: Heat, marked: Regions | None) -> dict[str, float]:
    """Score → value of one map (H, W) on the image grid; only what has one."""
    found: dict[str, float] = {}
    if marked is not None and marked.spine_mask is not None:
        mask = marked.spine_mask
        if energy := localisation.energy(heat, mask):
            found |= {"energy": energy.on_mask, "energy-chance": energy.by_chance}
        if pointing := localisation.pointing_game(heat, mask):
            found |= {"pointing": pointing.on_target, "pointing-chance": pointing.by_chance}
        if overlap := localisation.concordance(heat, mask):
            found |= {"concordance": overlap.iou, "concordance-chance": overlap.iou_by_chance}
    targets = () if marked is None else marked.targets
    if targets and (distance := localisation.peak_distance(heat, targets)):
        found["peak-distance"] = distance.of_diagonal
        found["peak-distance-chance"] = distance.of_diagonal_by_chance
    return found


def on_names(heat: Heat, film: Radiograph, marked: Regions | None) -> dict[str, float]:
    """Score → value of one map (H, W) on the image grid, of what the film's name states."""
    found: dict[str, float] = {}
    for hit in weak_truth.hits(heat, film, marked):
        if hit.hit is not None and hit.chance is not None:
            name = f"{hit.question.replace(' ', '-')}-{hit.measure}"
            found |= {name: float(hit.hit), f"{name}-chance": hit.chance}
    return found
