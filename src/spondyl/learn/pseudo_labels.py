"""Self-training of a solved head: unlabelled films that it is sure of teach it under the label that
it gives them, as far as the tune part says that they help.

Pseudo-labels are Lee's (2013, "Pseudo-Label", ICML workshop on challenges in representation
learning): the label of the largest probability, in a loss whose weight beside the labelled films is
α (his equation 15). Features are frozen, so there is one round instead of a schedule of α: a
teacher, solved on the labelled films alone, labels those that it is sure of; a student is solved on
both. Which probability is sure, and α, are chosen among a few values by the tune part. No
unlabelled film at all is one of them, and stands, with the probe's head to the last bit, unless the
tune loss falls by more than one standard error of its fall (Breiman et al. 1984, section 3.4.3):
a choice among seven by some twenty films finds a lower loss by chance.

The price: that rule forgoes part of the gain where films do help, and halves the harm where they do
not, without ending it (`docs/strategies.md` has figures). Heads are solved anew for each choice,
some thirty times the probe's work. And students are too sure of themselves: they learned that their
teachers were right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from spondyl.learn import probe
from spondyl.learn.probe import STRENGTHS, Array, LinearHead, Solved

THRESHOLDS = (0.8, 0.95)
"""Least probabilities at which a label is believed, to choose from; the second is FixMatch's."""
WEIGHTS = (0.1, 0.3, 1.0)
"""α, to choose from: what all pseudo-labelled films count together, by all labelled ones."""
STANDARD_ERRORS = 1.0
"""How many of them the tune loss has to fall by (Breiman et al. 1984, section 3.4.3)."""
NEIGHBOURS = 2
"""Strengths on each side of the probe's that a student is solved at: a factor of ten."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How far labels are believed that a head gave itself."""

    threshold: float
    weight: float

    def taken(self, teacher: LinearHead, unlabelled: NDArray[np.float32], n: int) -> Taken:
        """What a teacher of `n` labelled films says of unlabelled ones (m, channels)."""
        likely = softmax(teacher.logits(unlabelled), axis=1)
        sure = likely.max(axis=1) >= self.threshold
        # Lee's means of both losses, but no film counts for more than one that has a label.
        each = min(1.0, self.weight * n / max(1, int(sure.sum())))
        return Taken(unlabelled[sure], likely.argmax(axis=1)[sure], each)


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """The films that are believed: features (k, channels), labels (k,), and what each counts."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    each: float


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    trust: Trust
    strength: float
    tune_loss: float
    tune_logits: NDArray[np.float64]


def fit(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    tune: NDArray[np.float32],
    tune_labels: NDArray[np.int64],
    unlabelled: NDArray[np.float32],
    *,
    balanced: bool = False,
) -> Solved:
    """What the tune part chose, then one head for train, tune and the unlabelled films believed.

    `train` (n, channels), `tune` (m, channels), `unlabelled` (k, channels), label columns (n,) and
    (m,). `also` says what was chosen, how many unlabelled films there were and how many bear which
    label in the end; a `pseudo_weight` of 0 is none of them. Raises as `probe.fit` does.
    """
    plain = probe.fit(train, train_labels, tune, tune_labels, balanced=balanced)
    n_labels = len(plain.head.bias)
    (teacher,) = probe.solve(
        train, train_labels, n_labels, (plain.inverse_strength,), balanced=balanced
    )
    best: _Tried | None = None
    for trust in _every_trust():
        taken = trust.taken(teacher, unlabelled, len(train))
        if not len(taken.labels):
            continue
        strengths = _near(plain.inverse_strength)
        heads = _students(train, train_labels, taken, n_labels, strengths, balanced)
        said = [head.logits(tune) for head in heads]
        losses = [probe.cross_entropy(logits, tune_labels) for logits in said]
        at = int(np.argmin(losses))
        if losses[at] < (plain.tune_loss if best is None else best.tune_loss):
            best = _Tried(trust, strengths[at], losses[at], said[at])
    if best is None or not _helps(plain.tune_logits, best.tune_logits, tune_labels):
        told = (("pseudo_weight", 0.0), *told_of(len(unlabelled), np.empty(0, np.int64), n_labels))
        return replace(plain, also=told)
    return _refitted(plain, best, train, train_labels, tune, tune_labels, unlabelled, balanced)


def _helps(without: Array | None, taught: Array, labels: NDArray[np.int64]) -> bool:
    """Whether the tune loss falls by more than `STANDARD_ERRORS` of the mean of its differences,
    film by film; between logits (m, labels) of heads that are alike it does not."""
    assert without is not None
    rows = np.arange(len(labels))
    before, after = (-log_softmax(one, axis=1)[rows, labels] for one in (without, taught))
    falls = before - after
    error = falls.std(ddof=1) / np.sqrt(len(falls)) if len(falls) > 1 else np.inf
    return bool(falls.mean() > STANDARD_ERRORS * error)


def told_of(
    n_unlabelled: int, labels: NDArray[np.int64], n_labels: int
) -> tuple[tuple[str, float], ...]:
    """How many unlabelled films there were, and how many of them bear which label, by column."""
    counts = np.bincount(labels, minlength=n_labels)
    each = ((f"pseudo_labelled_{column}", float(n)) for column, n in enumerate(counts))
    return (("unlabelled", float(n_unlabelled)), ("pseudo_labelled", float(len(labels))), *each)


def _refitted(
    plain: Solved,
    best: _Tried,
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    tune: NDArray[np.float32],
    tune_labels: NDArray[np.int64],
    unlabelled: NDArray[np.float32],
    balanced: bool,
) -> Solved:
    """Teacher and student of train and tune together; the probe's head is such a teacher."""
    both, labels = np.concatenate([train, tune]), np.concatenate([train_labels, tune_labels])
    n_labels = len(plain.head.bias)
    taken = best.trust.taken(plain.head, unlabelled, len(both))
    (head,) = _students(both, labels, taken, n_labels, (best.strength,), balanced)
    also = (
        ("pseudo_threshold", best.trust.threshold),
        ("pseudo_weight", best.trust.weight),
        *told_of(len(unlabelled), taken.labels, n_labels),
    )
    return Solved(head, best.strength, best.tune_loss, also, best.tune_logits)


def _students(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    taken: Taken,
    n_labels: int,
    strengths: tuple[float, ...],
    balanced: bool,
) -> list[LinearHead]:
    counted: Array = np.concatenate([np.ones(len(labels)), np.full(len(taken.labels), taken.each)])
    return probe.solve(
        np.concatenate([features, taken.features]),
        np.concatenate([labels, taken.labels]),
        n_labels,
        strengths,
        balanced=balanced,
        counted=counted,
    )


def _every_trust() -> Iterator[Trust]:
    return (Trust(threshold, weight) for threshold in THRESHOLDS for weight in WEIGHTS)


def _near(strength: float) -> tuple[float, ...]:
    at = STRENGTHS.index(strength)
    return STRENGTHS[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1]
