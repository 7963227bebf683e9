"""What ought to change a method's maps, what ought not to, and whether a study's folds agree.

Maps are compared before the ReLU where a definition ends in one: cells that it cut off would tie,
and a map of nothing but zeros, as unlearned networks often give, could not be compared at all. The
price: a reader of the drawn map sees less than what is compared here. Baselines are not asked,
since they do not hang on what the network has learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from torch import Tensor

from spondyl.explain import sanity, stability
from spondyl.explain.explaining import explain
from spondyl.explain.stability import Explain
from spondyl.explain.study.film_scores import Films, Floats, Scores
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing

SHADING = 0.05
"""Share by which brightness and contrast are changed."""


def steadiness_of(
    network: Network, films: Films, methods: Sequence[str], preprocessing: Preprocessing
) -> Scores:
    """Rank correlations of the maps with those of other labels, of changed films, of other films.

    "between-films-rank", what stability has to exceed, needs two films or more.
    """
    images, labels = films.images, films.labels
    found: Scores = {}
    for method in methods:
        how = signed_by(method)
        other = sanity.class_discrimination(network, images, labels, films.others, how)
        shifts = stability.under_shifts(network, images, labels, how)
        shading = stability.under_shading(network, images, labels, how, preprocessing, SHADING)
        flip = stability.under_flip(network, images, labels, how)
        found[method, "other-label-rank"] = other.rank
        found[method, "shift-rank"] = _mean(shifts.similarity.rank)
        found[method, "shading-rank"] = _mean(shading.similarity.rank)
        found[method, "flip-rank"] = _mean(flip.similarity.rank)
        if len(films) > 1:
            between = stability.between_films(network, images, labels, how)
            found[method, "between-films-rank"] = between.rank
    return found


def cascade_of(
    network: Network, films: Films, methods: Sequence[str], seeds: Sequence[int]
) -> Scores:
    """What is left of the maps when the head, and when all weights, are random, beside chance."""
    found: Scores = {}
    for method in methods:
        cascade = sanity.cascading(network, films.images, films.labels, signed_by(method), seeds)
        last = stability.Similarity(
            *(getattr(cascade.similarity, measure)[-1] for measure in stability.MEASURES)
        )
        defined = ~np.isnan(np.fmax(last.rank, last.magnitude_rank))
        found[method, "randomised-head-rank"] = cascade.similarity.rank[0]
        found[method, "randomised-rank"] = last.rank
        found[method, "unrelated-rank"] = cascade.unrelated.rank
        found[method, "randomised-unchanged"] = np.where(defined, sanity.unchanged(last), np.nan)
    return found


def signed_maps(network: Network, films: Films, methods: Sequence[str]) -> dict[str, Floats]:
    """Method → its maps (n, h, w) before the ReLU, on the CPU."""
    return {
        method: stability.mapped(signed_by(method), network, films.images, films.labels)
        for method in methods
    }


def fold_agreement(of_networks: Sequence[Mapping[str, Floats]]) -> Scores:
    """How alike the maps (n, h, w) of a study's fold networks are on the same films: the mean over
    all pairs of networks, beside the overlap of maps that order their cells at random.

    Of maps rather than networks, so that no two networks need be in memory at once. Empty for fewer
    than two networks, which have nothing to agree with.
    """
    found: Scores = {}
    if len(of_networks) < 2:
        return found
    for method, first in of_networks[0].items():
        pairs = combinations([maps[method] for maps in of_networks], 2)
        alike = stability.mean([stability.compare(one, other) for one, other in pairs])
        chance = stability.overlap_by_chance(first[0].size)
        found[method, "fold-agreement-rank"] = alike.rank
        found[method, "fold-agreement-overlap"] = alike.overlap
        found[method, "fold-agreement-chance"] = np.full(len(first), chance)
    return found


def signed_by(method: str) -> Explain:
    """What makes the maps of `method` before the ReLU."""

    def signed(network: Network, images: Tensor, labels: Tensor) -> Tensor:
        return explain(network, images, labels, method).signed

    return signed


def _mean(changes: Floats) -> Floats:
    """(n,) mean over the rows of (changes, n) that have a value; nan where none has."""
    defined = ~np.isnan(changes)
    total = np.where(defined, changes, 0).sum(axis=0)
    n = defined.sum(axis=0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
