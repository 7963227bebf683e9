"""Does a heatmap come from what the network has learned, and from the label it was asked about?

The tests of Adebayo et al. (1810.03292): forget what was learned, layer by layer, and see whether
the map goes with it. Numbers decide, beside the similarity of networks that never learned anything,
which is what film and architecture make alike by themselves. A map that outlives its weights fails
whether or not unlearned networks are as alike: where both are, film and architecture draw it. The
price is a forward pass and more for every group of layers and every seed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.explain.stability import (
    Explain,
    Similarity,
    compare,
    mapped,
    mean,
    stacked,
)
from spondyl.learn import networks
from spondyl.learn.heads import PooledLinear
from spondyl.learn.networks import Network
from spondyl.learn.vision_language.worded_head import WordedHead

UNCHANGED = 0.7
"""Rank correlation from which a map counts as unchanged: half the variance of the ranks (0.7²) is
shared."""


@dataclass(frozen=True, slots=True, eq=False)
class Randomisation:
    """What is left of the maps when parts of the network are set back to random weights."""

    steps: tuple[str, ...]
    """Name of the group of layers that was randomised at each step, from the logits down."""
    similarity: Similarity
    """(steps, n): with the maps of the network as it is; the mean over the seeds."""
    unrelated: Similarity
    """(n,): between two networks that are random throughout; the mean over the pairs of seeds."""


def cascading(
    network: Network, images: Tensor, labels: Tensor, explain: Explain, seeds: Sequence[int]
) -> Randomisation:
    """Maps after the head, then head and last layers, … and at last all weights are random.

    1810.03292, Cascading Randomization. Random weights and batch-norm statistics are those that the
    library starts `network.name` with; `network` itself is not touched. `seeds` are two or more
    different ones, each a cascade of its own.

    Raises `SpondylError` for fewer seeds and for maps that cannot be compared.
    """
    groups = _groups(network)
    parts = [groups[: n + 1] for n in range(len(groups))]
    return _randomisation(network, images, labels, explain, seeds, parts)


def independent(
    network: Network, images: Tensor, labels: Tensor, explain: Explain, seeds: Sequence[int]
) -> Randomisation:
    """Maps with one group of layers random at a time and all others as they were learned.

    1810.03292, Independent Randomization; otherwise as `cascading`.
    """
    parts = [[group] for group in _groups(network)]
    return _randomisation(network, images, labels, explain, seeds, parts)


def unchanged(similarity: Similarity) -> NDArray[np.bool_]:
    """Where maps are unchanged: either rank correlation is `UNCHANGED` or more.

    Of the last step of `cascading` it says which films' maps fail the test. A film with a map that
    is the same in every cell has no correlation and is not called unchanged: count its nan apart.
    """
    return np.asarray(np.fmax(similarity.rank, similarity.magnitude_rank) >= UNCHANGED)


def label_randomisation(
    learned: Network, permuted: Network, images: Tensor, labels: Tensor, explain: Explain
) -> Similarity:
    """(n,): maps of a network that learned the labels, with one that learned permuted ones.

    1810.03292, Data Randomization Test. A map that is alike in both shows what is in the film, not
    what tells the label.
    """
    return compare(
        mapped(explain, learned, images, labels), mapped(explain, permuted, images, labels)
    )


def class_discrimination(
    network: Network, images: Tensor, labels: Tensor, others: Tensor, explain: Explain
) -> Similarity:
    """(n,): maps for `labels` with maps for `others` on the same films, both (n,) int64.

    A map that is the same for every label explains none. Raises `SpondylError` where a film is
    asked twice about one label.
    """
    if bool((labels == others).any()):
        raise SpondylError(
            "a film's map cannot be compared with itself: both labels asked about are the same",
            "Ask about two different labels in every film.",
        )
    return compare(
        mapped(explain, network, images, labels), mapped(explain, network, images, others)
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """Modules of a network, by path, that are randomised together."""

    name: str
    paths: tuple[str, ...]


def _groups(network: Network) -> list[_Group]:
    """The head, then the body's named modules from the last to the first.

    A module without tensors has nothing to forget; one that only normalises goes with the layer
    before it.
    """
    groups: list[_Group] = []
    for name, module in network.body.named_children():
        tensors = module.state_dict().values()
        path = f"body.{name}"
        if groups and tensors and max(tensor.ndim for tensor in tensors) < 2:
            groups[-1] = _Group(groups[-1].name, (*groups[-1].paths, path))
        elif tensors:
            groups.append(_Group(name, (path,)))
    return [_Group("head", ("head",)), *reversed(groups)]


def _randomisation(
    network: Network,
    images: Tensor,
    labels: Tensor,
    explain: Explain,
    seeds: Sequence[int],
    parts: Sequence[Sequence[_Group]],
) -> Randomisation:
    if len(seeds) < 2 or len(set(seeds)) < len(seeds):
        raise SpondylError(
            f"seeds {', '.join(map(str, seeds))}: chance cannot be told from them",
            "Give two or more different seeds.",
        )
    learned = mapped(explain, network, images, labels)
    of_seeds, random = [], []
    for seed in seeds:
        fresh = _fresh(network, seed)
        mixtures = (_mixture(network, fresh, groups) for groups in parts)
        maps = [mapped(explain, mixture, images, labels) for mixture in mixtures]
        of_seeds.append(stacked([compare(learned, one) for one in maps]))
        random.append(mapped(explain, _mixture(network, fresh, _groups(network)), images, labels))
    return Randomisation(
        steps=tuple(groups[-1].name for groups in parts),
        similarity=mean(of_seeds),
        unrelated=mean([compare(one, other) for one, other in combinations(random, 2)]),
    )


def _fresh(network: Network, seed: int) -> Network:
    """A network of the same shape with random weights; a solved head has taken the place of the
    one that its body was built with."""
    n_labels = _n_labels(network)
    fresh = networks.build(network.name, n_labels, seed)
    if isinstance(network.head, WordedHead):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh.head = network.head.renewed()
    elif isinstance(network.head, PooledLinear) and not isinstance(fresh.head, PooledLinear):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh.head = PooledLinear(network.n_channels, n_labels)
    return fresh


def _mixture(network: Network, fresh: Network, groups: Sequence[_Group]) -> Network:
    """A copy of `network` in which `groups` have the tensors of `fresh`, statistics included."""
    mixture = copy.deepcopy(network)
    for path in (path for group in groups for path in group.paths):
        mixture.get_submodule(path).load_state_dict(fresh.get_submodule(path).state_dict())
    return mixture


def _n_labels(network: Network) -> int:
    *_, last = (module for module in network.head.modules() if isinstance(module, nn.Linear))
    return last.out_features
