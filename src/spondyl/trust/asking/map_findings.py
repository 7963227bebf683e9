"""What is found of the maps of a subject's networks: the parts of what `looking` makes.

Every figure stands beside what it has to be read against, or says that it was not run and why; the
price is that none of them can be quoted as one number.
"""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.trust.heatmap_scores import Average, Judgement
from spondyl.trust.intervals import NotRun


@dataclass(frozen=True, slots=True)
class Places:
    """Where the maps lie, beside chance, random maps, a blob in the middle, the film's edges and
    the same network untrained; of a cropped film within the crop."""

    energy: Judgement
    """Share of a map's energy on the spine; chance is the spine's share of the film."""
    pointing: Judgement
    """1 for a map whose peak lies on the spine, else 0."""
    to_target: Judgement | NotRun
    """From the peak to the nearest target, as a share of the film's diagonal."""


@dataclass(frozen=True, slots=True)
class Sanity:
    """What is left of the maps without what was learned: rank correlations of cells, -1 … 1, low
    for maps that tell of it (Adebayo et al. 2018, 1810.03292)."""

    randomised: Judgement
    """With the maps of a network all of whose weights are random, beside "two random networks",
    which is what film and architecture make alike by themselves."""
    randomised_head: Average
    """With the maps when the head alone is random."""
    unchanged: Average
    """Share of films whose map survives random weights (`sanity.unchanged`)."""
    untrained: Average
    """With the maps of the network that is the baseline "untrained", on all films checked."""
    other_label: Average
    """With the maps for the label that came second."""
    n_films: int
    """Of the randomised networks; of the other figures as many as were checked."""


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How far maps stay when films are changed that mean the same: rank correlations of cells,
    high for steady maps, beside those between maps of different films."""

    shifted: Judgement
    """By a few pixels."""
    shaded: Judgement
    """A little brighter or darker, of more or less contrast."""
    mirrored: Judgement


@dataclass(frozen=True, slots=True)
class MapAgreement:
    """How alike the maps of all pairs of networks are on the films checked; of a study's own films
    an upper bound, as all agreement is."""

    rank: Average
    """Rank correlation of cells, -1 … 1; 0 by chance."""
    hottest: Judgement
    """Intersection over union of the hottest cells, beside chance."""
