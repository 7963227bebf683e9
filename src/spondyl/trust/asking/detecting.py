"""One network's outlier detector, and whose logits it is given.

A solved head was fitted once more on train and tune together, and is surer of the tune films than
of films it has not met. So of a solved network all energies, of films aside, test films and
strangers alike, are those of a head that is solved on the training part alone, at the chosen
strength; the price is that they are of another head than the one that judges, though from the same
features. (Only the films aside by that other head would not do: a shift of all logits changes no
probability, but every energy.) That head is small, and travels with the detector. Of trained
strategies the tune part chose the epoch, which is a small favour that remains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spondyl.errors import SpondylError
from spondyl.learn import probe
from spondyl.trust.asking.outliers import FALSE_ALARMS, Familiar, OutlierDetector, Strangeness
from spondyl.trust.metrics import Floats

_WEIGHT, _BIAS = "head_weight", "head_bias"


@dataclass(frozen=True, slots=True)
class Solved:
    """How the head of a frozen body was solved, so that it can be solved again on fewer films."""

    inverse_strength: float
    balanced: bool
    """Whether labels weigh alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What one network makes of some images."""

    features: NDArray[np.float32]
    """(n, channels) pooled, as `heads.pooled`."""
    logits: Floats
    """(n, labels)."""

    def of(self, rows: Sequence[int]) -> Seen:
        """Of some of the images."""
        return Seen(self.features[list(rows)], self.logits[list(rows)])


@dataclass(frozen=True, slots=True, eq=False)
class NetworkDetector:
    """Tells films from strangers by what one network makes of them."""

    detector: OutlierDetector
    head: probe.LinearHead | None
    """Solved without the films kept aside; None where the network's own head is asked."""

    @classmethod
    def of(
        cls,
        learned: Seen,
        labels: NDArray[np.int64],
        aside: Seen,
        solved: Solved | None,
        false_alarms: float = FALSE_ALARMS,
    ) -> NetworkDetector:
        """From the films that taught a network, `labels` (n,) their columns, and those kept aside.

        `solved` says how its head was solved, where it was. Raises `SpondylError` for features that
        do not vary, ValueError for no film in either part.
        """
        head, logits = None, aside.logits
        if solved is not None:
            n_labels = learned.logits.shape[1]
            head = _solved_again(solved, learned.features, labels, n_labels)
            logits = head.logits(aside.features)
        familiar = Familiar.fit(learned.features, labels)
        return cls(familiar.conformed(aside.features, logits, false_alarms), head)

    @property
    def n_aside(self) -> int:
        """Films kept aside, that its false alarm rate is kept by."""
        return len(self.detector.aside_energies)

    def score(self, seen: Seen) -> Strangeness:
        """How strange to it what its network makes of films is. Raises ValueError for another
        network's."""
        logits = seen.logits if self.head is None else self.head.logits(seen.features)
        return self.detector.score(seen.features, logits)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it knows but `facts`, as named plain arrays."""
        if self.head is None:
            return self.detector.arrays
        return self.detector.arrays | {_WEIGHT: self.head.weight, _BIAS: self.head.bias}

    @property
    def facts(self) -> dict[str, Any]:
        """The rest, ready for JSON."""
        return self.detector.facts

    @classmethod
    def read(
        cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any], n_labels: int
    ) -> NetworkDetector:
        """The detector whose `arrays` and `facts` these are, of a network with `n_labels`; it
        scores every film the same. Raises `SpondylError` for what does not fit together."""
        detector = OutlierDetector.of(arrays, facts)
        if (_WEIGHT in arrays) != (_BIAS in arrays):
            raise _damaged("half of its head is missing")
        if _WEIGHT not in arrays:
            return cls(detector, None)
        weight, bias = (np.asarray(arrays[name], np.float64) for name in (_WEIGHT, _BIAS))
        n_channels = detector.familiar.means.shape[1]
        if weight.shape != (n_labels, n_channels) or bias.shape != (n_labels,):
            raise _damaged(f"a head {weight.shape} for {n_labels} labels and {n_channels} channels")
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise _damaged("its head holds values that are not finite")
        return cls(detector, probe.LinearHead(weight, bias))


def _solved_again(
    how: Solved, features: NDArray[np.float32], labels: NDArray[np.int64], n_labels: int
) -> probe.LinearHead:
    """The head of a solved network without its tune part, at the strength that was chosen."""
    strengths = (how.inverse_strength,)
    (head,) = probe.solve(features, labels, n_labels, strengths, balanced=how.balanced)
    return head


def _damaged(what: str) -> SpondylError:
    return SpondylError(f"outlier detector: {what}", "The file is damaged; make it anew.")
