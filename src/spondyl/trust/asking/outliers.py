"""Is this film like those that were learned from? Two scores, and a refusal at a stated rate.

Energy is what the head makes of it (Liu et al. 2020), distance where its pooled features lie among
those of the training films (Lee et al. 2018). A network may be sure of what lies far off; so both
are asked, and the film is refused where either is stranger than the films kept aside allow.
These were neither learned from nor judged, so the rate of false alarms is kept on average over
films of the same kind, whatever the scores are worth (conformal p values, Bates et al. 2023,
"Testing for outliers with conformal p-values", eq. 2). The price: with m films aside no p value is
below 1 / (m + 1), so a detector with fewer than 39 of them never refuses at 5 %.

Films are far fewer than channels, so the covariance is shrunk (Ledoit and Wolf 2004), and kept as
what it is: a few directions, and one variance for all the rest. Nothing is lost by that, and a
detector is as small as its films are many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.covariance import ledoit_wolf_shrinkage
from threadpoolctl import threadpool_limits

from spondyl.errors import SpondylError
from spondyl.trust.metrics import Floats

FALSE_ALARMS = 0.05
SCHEMA_VERSION = 1
_NEGLIGIBLE = 1e-12  # of the largest variance: a direction in which nothing varies


def energy(logits: NDArray[np.floating]) -> Floats:
    """(n,) of logits (n, labels): -log Σ exp, higher for stranger films (Liu et al. 2020,
    "Energy-based Out-of-distribution Detection", eq. 4 at temperature 1)."""
    return np.asarray(-logsumexp(np.asarray(logits, np.float64), axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Familiar:
    """Where the training films lie among pooled features: a normal law for each label, all of one
    shrunk covariance (Lee et al. 2018, "A Simple Unified Framework …", section 2.1)."""

    means: NDArray[np.float32]
    """(labels that were there, channels)."""
    directions: NDArray[np.float32]
    """(r, channels) orthonormal: the principal directions of the films within their labels."""
    variances: Floats
    """(r,) of the shrunk covariance along each."""
    elsewhere: float
    """Its variance in every direction at right angles to all of them."""

    @classmethod
    def fit(cls, features: NDArray[np.floating], labels: NDArray[np.int64]) -> Familiar:
        """From training films: `features` (n, channels) and label columns (n,).

        Raises `SpondylError` where they do not vary within their labels, or not enough for a
        covariance: a single film of each label, constant features. ValueError for no film.
        """
        features = np.asarray(features, np.float64)
        if len(features) == 0 or len(features) != len(labels):
            raise ValueError(f"features of {len(features)} films, labels of {len(labels)}")
        present, of = np.unique(labels, return_inverse=True)
        means = np.stack([features[of == one].mean(axis=0) for one in range(len(present))])
        within = features - means[of]
        n, n_channels = within.shape
        mean_variance = float((within**2).sum() / (n * n_channels))
        shrunk = float(ledoit_wolf_shrinkage(within, assume_centered=True)) if mean_variance else 0
        with threadpool_limits(1, "blas"):  # more of them wait for each other, seconds under load
            _, scale, directions = np.linalg.svd(within, full_matrices=False)
        along = scale**2 / n
        kept = along > _NEGLIGIBLE * along.max()
        elsewhere = shrunk * mean_variance
        if not kept.any() or (elsewhere <= 0 and kept.sum() < n_channels):
            raise SpondylError(
                f"features of {n} films of {len(present)} labels: they vary too little to say what "
                "is familiar",
                "Learn from more films, two or more different ones of each label.",
            )
        variances = (1 - shrunk) * along[kept] + elsewhere
        directions = directions[kept].astype(np.float32)
        return cls(means.astype(np.float32), directions, variances, elsewhere)

    def distances(self, features: NDArray[np.floating]) -> Floats:
        """(n,) squared Mahalanobis distances of features (n, channels) to the nearest mean."""
        directions = self.directions.astype(np.float64)
        found = []
        for mean in self.means:
            off = np.asarray(features, np.float64) - mean
            along = off @ directions.T
            rest = np.maximum((off**2).sum(axis=1) - (along**2).sum(axis=1), 0)
            beyond = rest / self.elsewhere if self.elsewhere > 0 else np.zeros(len(off))
            found.append((along**2 / self.variances).sum(axis=1) + beyond)
        return np.asarray(np.min(found, axis=0))

    def conformed(
        self,
        features: NDArray[np.floating],
        logits: NDArray[np.floating],
        false_alarms: float = FALSE_ALARMS,
    ) -> OutlierDetector:
        """A detector whose refusals are measured by films kept aside: `features` (m, channels),
        `logits` (m, labels) of films that were neither learned from nor will be judged.

        Raises ValueError for no film, or a rate that is not between 0 and 1.
        """
        if len(features) == 0 or len(features) != len(logits) or not 0 < false_alarms < 1:
            raise ValueError(f"{len(features)} films kept aside, false alarms {false_alarms:g}")
        energies, distances = np.sort(energy(logits)), np.sort(self.distances(features))
        return OutlierDetector(self, energies, distances, false_alarms)


@dataclass(frozen=True, slots=True, eq=False)
class Strangeness:
    """How strange films are to a detector: five arrays (n,)."""

    energy: Floats
    """Higher is stranger; on the scale of the network's logits."""
    distance: Floats
    """Squared Mahalanobis, from 0; higher is stranger."""
    energy_p: Floats
    """How many of the films kept aside, this one among them, have its energy or more: 0 … 1."""
    distance_p: Floats
    refused: NDArray[np.bool_]
    """Whether twice the smaller p value is at most the stated rate (Bonferroni, for two scores)."""

    def __len__(self) -> int:
        return len(self.energy)


@dataclass(frozen=True, slots=True, eq=False)
class OutlierDetector:
    """What is familiar to a network, and how strange the films kept aside are by that."""

    familiar: Familiar
    aside_energies: Floats
    """(m,) rising."""
    aside_distances: Floats
    """(m,) rising."""
    false_alarms: float
    """Share of familiar films that may be refused."""

    @property
    def can_refuse(self) -> bool:
        """Whether enough films were kept aside for any film to be refused at the stated rate."""
        return 2 / (len(self.aside_energies) + 1) <= self.false_alarms

    def score(self, features: NDArray[np.floating], logits: NDArray[np.floating]) -> Strangeness:
        """Of films with pooled features (n, channels) and logits (n, labels).

        Raises ValueError for features of another network: other channels, or rows than logits.
        """
        n_channels = self.familiar.means.shape[1]
        if features.ndim != 2 or features.shape[1] != n_channels or len(features) != len(logits):
            raise ValueError(f"features {features.shape}, logits {logits.shape}: {n_channels} wide")
        energies, distances = energy(logits), self.familiar.distances(features)
        energy_p = _p_values(energies, self.aside_energies)
        distance_p = _p_values(distances, self.aside_distances)
        refused = 2 * np.minimum(energy_p, distance_p) <= self.false_alarms
        return Strangeness(energies, distances, energy_p, distance_p, refused)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it knows but `facts`, as named plain arrays."""
        return {
            "means": self.familiar.means,
            "directions": self.familiar.directions,
            "variances": self.familiar.variances,
            "aside_energies": self.aside_energies,
            "aside_distances": self.aside_distances,
        }

    @property
    def facts(self) -> dict[str, Any]:
        """The rest, ready for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "elsewhere": self.familiar.elsewhere,
            "false_alarms": self.false_alarms,
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> OutlierDetector:
        """The detector whose `arrays` and `facts` these are; it scores every film the same.

        Raises `SpondylError` for what is of another schema or does not fit together.
        """
        version = facts.get("schema_version")
        if version != SCHEMA_VERSION:
            raise SpondylError(
                f"outlier detector: schema {version}, this is {SCHEMA_VERSION}",
                "Use the version of spondyl that made it.",
            )
        try:
            familiar = Familiar(
                np.asarray(arrays["means"], np.float32),
                np.asarray(arrays["directions"], np.float32),
                np.asarray(arrays["variances"], np.float64),
                float(facts["elsewhere"]),
            )
            detector = cls(
                familiar,
                np.asarray(arrays["aside_energies"], np.float64),
                np.asarray(arrays["aside_distances"], np.float64),
                float(facts["false_alarms"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(f"not in the form of schema {SCHEMA_VERSION} ({error})") from error
        _refuse_misfit(detector)
        return detector


def _p_values(scores: Floats, aside: Floats) -> Floats:
    """(n,) share of `aside` (m,), rising, and the film itself that is as strange or stranger."""
    stranger = len(aside) - np.searchsorted(aside, scores, side="left")
    return np.asarray((1 + stranger) / (1 + len(aside)))


def _refuse_misfit(detector: OutlierDetector) -> None:
    """Raises `SpondylError` for a detector that `Familiar.conformed` cannot have made."""
    of, aside = detector.familiar, (detector.aside_energies, detector.aside_distances)
    shapes_fit = (
        of.means.ndim == of.directions.ndim == 2
        and len(of.means) > 0
        and of.means.shape[1] == of.directions.shape[1]
        and of.variances.shape == of.directions.shape[:1]
        and aside[0].ndim == 1
        and aside[0].shape == aside[1].shape
        and aside[0].size > 0
    )
    if not shapes_fit:
        raise _damaged("its arrays do not fit together")
    numbers = (of.means, of.directions, of.variances, of.elsewhere, *aside)
    sound = (
        all(bool(np.isfinite(one).all()) for one in numbers)
        and bool((of.variances > 0).all())
        and of.elsewhere >= 0
        and all(bool((np.diff(one) >= 0).all()) for one in aside)
        and 0 < detector.false_alarms < 1
    )
    if not sound:
        raise _damaged("its numbers are none that a detector can have")


def _damaged(what: str) -> SpondylError:
    return SpondylError(f"outlier detector: {what}", "The file is damaged; make it anew.")
