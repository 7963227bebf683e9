"""Whether a subject's networks say the same of the same films.

All of them are asked of all films, met in training or not: the price of asking every network of one
film is that most of a study's networks have learned from it. What they agree on then is an upper
bound of how far networks of this kind agree on films that are new to them, and the record says how
much of it was said so. Only before strangers is it honest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.progress import Track, silently
from spondyl.trust.asking.questioning import Shown
from spondyl.trust.asking.seeing import Sight
from spondyl.trust.asking.subject import Subject
from spondyl.trust.intervals import N_RESAMPLES, Estimate, MeanBootstrap, percentile_interval
from spondyl.trust.metrics import Floats


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far all networks say the same of the same films; intervals resample their groups."""

    n_networks: int
    n_films: int
    met: float
    """Share of the networks' answers that are of films which they learned from or were steered by,
    0 … 1."""
    all_agree: Estimate
    """Share of films of which all networks say one label."""
    pairwise: Estimate
    """Mean share of the pairs of networks that say one label."""
    kappa: Estimate
    """Fleiss' kappa, at most 1; 0 is chance by how often each label is said. nan where all networks
    say one label of all films."""

    @property
    def is_upper_bound(self) -> bool:
        """Whether any network was asked about films that it had met in its training."""
        return self.met > 0


def said(
    subject: Subject,
    shown: Shown,
    image_ids: Sequence[str],
    device: torch.device | None = None,
    track: Track = silently,
) -> NDArray[np.float64]:
    """(networks, n, labels) logits of all networks of the films `image_ids`, met or not."""
    sight = Sight(subject, shown.preprocessing, device)
    logits = []
    for _, network in subject.networks(device, track):
        images = (picture.image for picture in shown.pictures(image_ids))
        logits.append(sight.of(network, "films", images).logits)
    return np.stack(logits)


def of(
    subject: Subject, image_ids: Sequence[str], logits: NDArray[np.float64], seed: int = 0
) -> Agreement:
    """How far the subject's networks agree who `said` logits (networks, n, labels) of `image_ids`.

    Raises ValueError for fewer than two networks, and for no film.
    """
    k, n, n_labels = logits.shape
    if k < 2 or n == 0:
        raise ValueError(f"{k} networks, {n} films: nothing to agree on")
    counts = np.eye(n_labels)[logits.argmax(axis=2)].sum(axis=0)
    group = subject.cohort.group_ids
    resamples = MeanBootstrap.draw([group[image_id] for image_id in image_ids], seed, N_RESAMPLES)
    pairs = pairwise_agreement(counts)
    every = np.asarray(counts.max(axis=1) == k, np.float64)
    drawn = fleiss_kappa(counts, resamples.counts[:, resamples.film_group])
    interval = percentile_interval(drawn, resamples.counts.shape[1], resamples.level)
    return Agreement(
        n_networks=k,
        n_films=n,
        met=_share_met(subject, image_ids),
        all_agree=Estimate(float(every.mean()), resamples.interval(every)),
        pairwise=Estimate(float(pairs.mean()), resamples.interval(pairs)),
        kappa=Estimate(float(fleiss_kappa(counts)), interval),
    )


def fleiss_kappa(counts: Floats, weights: Floats | None = None) -> Floats:
    """Agreement beyond chance of k raters who each put n films under one of several labels.

    `counts` (n, labels) says how many raters gave each label, the same k of two or more for every
    film; `weights` (…, n), how often each film counts, gives a result of shape (…,).
    (P - E) / (1 - E), with P the mean share of agreeing pairs and E the sum of the squared shares
    of the labels (Fleiss 1971, "Measuring nominal scale agreement among many raters",
    Psychological Bulletin 76:378); nan where E is 1.
    """
    weights = np.ones(len(counts)) if weights is None else np.asarray(weights)
    total = weights.sum(axis=-1)
    agreed = weights @ pairwise_agreement(counts) / total
    shares = weights @ counts / (total * counts[0].sum())[..., None]
    by_chance = (shares**2).sum(axis=-1)
    varied = by_chance < 1 - 1e-12
    return np.where(varied, (agreed - by_chance) / np.where(varied, 1 - by_chance, 1), np.nan)


def pairwise_agreement(counts: Floats) -> Floats:
    """(n,) share of the pairs of raters that agree on each film; `counts` as in `fleiss_kappa`."""
    k = counts.sum(axis=1)
    return np.asarray((counts * (counts - 1)).sum(axis=1) / (k * (k - 1)))


def _share_met(subject: Subject, image_ids: Sequence[str]) -> float:
    strange = [len(set(image_ids) & set(member.answers_for)) for member in subject.members]
    return 1 - sum(strange) / (len(strange) * len(image_ids))
