"""L2 logistic regression on frozen features, solved to its end, its strength chosen by the tune
part.

Features are standardised with the statistics of the part that is fitted, and both steps are folded
into one linear layer, so the result is an ordinary head: the same logits, the same heatmaps.
The optimum depends on the features only through their inner products, so films are first turned
into at most n coordinates (a rotation), and the rows of the optimum add up to zero, so one label
fewer is sought: exact, and 338 films of 1,664 channels and three labels become 676 unknowns, few
enough for Newton's method.

Why not scikit-learn's solvers: they stop by the gradient of the mean loss. On classes that can be
parted without error a weak penalty's optimum lies far out, where that loss is flat, and they stop
well before it. Here the gradient of the whole objective is held against the weights, which bounds
how far they are from the optimum at every strength (`TOLERANCE`). The price: a step costs the cube
of the unknowns, so this is for hundreds of films, not for tens of thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, helmert
from scipy.special import log_softmax, softmax
from threadpoolctl import threadpool_limits

from spondyl.errors import SpondylError

STRENGTHS = tuple(float(c) for c in 10.0 ** np.arange(-4, 4.5, 0.5))
"""Inverse strengths of the penalty to choose from: scikit-learn's C, over its default range."""
TOLERANCE = 1e-6
"""Largest gradient of C · Σ loss + ½‖W‖² at which the solver may stop, as a share of ‖W‖. Where the
bias is at its optimum that objective curves at least like ½‖W‖², so the weights are then within the
same share of their own norm from the optimum."""
MAX_STEPS = 100
"""Newton's steps after which a fit is refused; 20 are many."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """Logits = features · weightᵀ + bias; weight (labels, channels), bias (labels,), float64."""

    weight: Array
    bias: Array

    def logits(self, features: NDArray[np.floating]) -> Array:
        """(n, labels) for features (n, channels)."""
        return np.asarray(features, dtype=np.float64) @ self.weight.T + self.bias


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """A head and how it came about."""

    head: LinearHead
    inverse_strength: float
    tune_loss: float
    """Mean cross-entropy on the tune part, in nats, of the head that was fitted without it."""
    also: tuple[tuple[str, float], ...] = ()
    """What else was chosen, by name."""
    tune_logits: Array | None = None
    """(m, labels) of the tune part, by the head that was fitted without it."""


def fit(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    tune: NDArray[np.float32],
    tune_labels: NDArray[np.int64],
    *,
    balanced: bool = False,
) -> Solved:
    """The strength with the lowest tune cross-entropy, then one head for both parts with it.

    `train` (n, channels) and `tune` (m, channels) with label columns (n,) and (m,). Every label
    must occur in `train`. `balanced` weighs each class in the fit by n / (labels · films of it).
    """
    n_labels = int(max(train_labels.max(), tune_labels.max())) + 1
    said = [
        head.logits(tune)
        for head in solve(train, train_labels, n_labels, STRENGTHS, balanced=balanced)
    ]
    losses = [cross_entropy(logits, tune_labels) for logits in said]
    best = int(np.argmin(losses))
    both = np.concatenate([train, tune])
    labels = np.concatenate([train_labels, tune_labels])
    (head,) = solve(both, labels, n_labels, STRENGTHS[best : best + 1], balanced=balanced)
    return Solved(head, STRENGTHS[best], losses[best], tune_logits=said[best])


def solve(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    n_labels: int,
    strengths: tuple[float, ...],
    *,
    balanced: bool = False,
    counted: Array | None = None,
    one_scale: bool = False,
) -> list[LinearHead]:
    """For each inverse strength C the multinomial L2 logistic regression of `labels` on `features`:
    the least C · Σ cross-entropy + ½‖W‖² over standardised features, the bias left free.

    Two labels are penalised as in scikit-learn, by half the square of the difference of their two
    rows. Each strength starts from the solution of the one before, which is quick where they rise.
    `counted` (n,) says how often each film counts, in the loss and in what standardises; None is
    once. With `one_scale` all channels are divided by one number, the root mean square of their
    deviations, instead of each by its own: then no channel that hardly varies gets a large weight,
    which matters where the body is to be trained under the head.
    Raises `SpondylError` where a label is absent or the solver does not reach `TOLERANCE`.
    """
    # Matrices of some hundred rows are too small to be shared: on a busy machine threads that wait
    # for each other take thirty times as long, and how many there are decides the last digits.
    with threadpool_limits(1, "blas"):
        return _solved(features, labels, n_labels, strengths, balanced, counted, one_scale)


def _solved(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    n_labels: int,
    strengths: tuple[float, ...],
    balanced: bool,
    counted: Array | None,
    one_scale: bool,
) -> list[LinearHead]:
    if len(np.unique(labels)) < n_labels:
        raise SpondylError(
            "a class is absent from the training part", "Use fewer folds, or add films."
        )
    exact = features.astype(np.float64)
    mean, spread = _moments(exact, counted)
    if one_scale:
        spread = np.full_like(spread, np.sqrt((spread**2).mean()))
    spread = np.where(spread > 0, spread, 1.0)
    standard = (exact - mean) / spread
    # standard = coordinates · directions: ‖w‖ is the same in both, so is the penalised optimum.
    left, scale, directions = np.linalg.svd(standard, full_matrices=False)
    kept = scale > scale[0] * 1e-10
    coordinates = left[:, kept] * scale[kept]
    problem = _Problem.of(coordinates, labels, n_labels, balanced, counted)
    sought = np.zeros((problem.films.shape[1], n_labels - 1))
    heads = []
    for strength in strengths:
        sought = _minimum(problem, strength / 2 if n_labels == 2 else strength, sought)
        rows = problem.basis @ sought.T
        folded = rows[:, :-1] @ directions[kept] / spread
        heads.append(LinearHead(folded, rows[:, -1] - folded @ mean))
    return heads


def _moments(features: Array, counted: Array | None) -> tuple[Array, Array]:
    """Mean and deviation (channels,) of features (n, channels)."""
    if counted is None:
        return features.mean(axis=0), features.std(axis=0)
    mean = np.average(features, axis=0, weights=counted)
    return mean, np.sqrt(np.average((features - mean) ** 2, axis=0, weights=counted))


def cross_entropy(logits: Array, labels: NDArray[np.int64]) -> float:
    """Mean of −log softmax(logits)[label], in nats."""
    return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """What is fitted. Sought is V (r + 1, labels − 1), its last row the bias: W = basis · Vᵀ."""

    films: Array
    """(n, r + 1): coordinates, and a 1 for the bias."""
    truth: Array
    """(n, labels): 1 in the column of the film's label."""
    weights: Array
    """(n, 1): how much each film counts."""
    basis: Array
    """(labels, labels − 1): orthonormal columns that add up to zero, so that ‖W‖ = ‖V‖."""

    @classmethod
    def of(
        cls,
        coordinates: Array,
        labels: NDArray[np.int64],
        n_labels: int,
        balanced: bool,
        counted: Array | None,
    ) -> _Problem:
        n = len(labels)
        weights = np.ones(n) if counted is None else counted
        if balanced:
            of_label = np.bincount(labels, weights, n_labels)
            weights = weights * (weights.sum() / (n_labels * of_label))[labels]
        films = np.column_stack([coordinates, np.ones(n)])
        return cls(films, np.eye(n_labels)[labels], weights[:, None], helmert(n_labels).T)

    def logits(self, sought: Array) -> Array:
        """(n, labels)."""
        return self.films @ sought @ self.basis.T

    def objective(self, strength: float, sought: Array) -> float:
        """C · Σ weight · cross-entropy + ½‖V without its bias‖²."""
        losses = -(self.truth * log_softmax(self.logits(sought), axis=1)).sum(axis=1)
        return float(strength * losses @ self.weights[:, 0] + 0.5 * (sought[:-1] ** 2).sum())

    def gradient(self, strength: float, sought: Array) -> Array:
        """(r + 1, labels − 1)."""
        excess = self.weights * (softmax(self.logits(sought), axis=1) - self.truth)
        return strength * self.films.T @ (excess @ self.basis) + self._penalised(sought)

    def step(self, strength: float, sought: Array, gradient: Array) -> Array:
        """Newton's step (r + 1, labels − 1): minus the inverse of the second derivatives times the
        gradient. Raises `LinAlgError` where they are not positive definite in float64."""
        likely = softmax(self.logits(sought), axis=1)
        mean = likely @ self.basis
        size, rows = len(sought), range(self.basis.shape[1])
        second = np.empty((len(rows), size, len(rows), size))
        for a in rows:
            for b in range(a + 1):
                spread = likely @ (self.basis[:, a] * self.basis[:, b]) - mean[:, a] * mean[:, b]
                block = self.films.T @ (strength * self.weights * spread[:, None] * self.films)
                second[a, :, b] = second[b, :, a] = block
        flat = second.reshape(gradient.size, gradient.size)
        flat[np.diag_indices(gradient.size)] += self._penalised(np.ones_like(sought)).T.ravel()
        solved = cho_solve(cho_factor(flat, lower=True), gradient.T.ravel())
        return -solved.reshape(gradient.T.shape).T

    @staticmethod
    def _penalised(sought: Array) -> Array:
        """The penalty's share of the gradient: all of V but the bias."""
        return np.concatenate([sought[:-1], np.zeros_like(sought[-1:])])


def _minimum(problem: _Problem, strength: float, sought: Array) -> Array:
    """V at which the objective is least, by Newton's method from `sought`, steps halved until they
    descend (Boyd and Vandenberghe 2004, algorithm 9.5)."""
    # What a sum of so many terms cannot tell from zero in float64.
    lengths = np.linalg.norm(problem.films, axis=1) * problem.weights[:, 0]
    rounding = float(np.finfo(np.float64).eps * strength * lengths.sum())
    for _ in range(MAX_STEPS):
        gradient = problem.gradient(strength, sought)
        if np.linalg.norm(gradient) <= TOLERANCE * np.linalg.norm(sought[:-1]) + rounding:
            return sought
        try:
            step = problem.step(strength, sought, gradient)
        except (LinAlgError, ValueError):  # not definite, or not finite
            break
        sought = sought + _length(problem, strength, sought, step, gradient) * step
    raise SpondylError(
        f"the logistic regression did not reach its tolerance at strength {strength:g}",
        "Features of very different scales? Check the weights.",
    )


def _length(
    problem: _Problem, strength: float, sought: Array, step: Array, gradient: Array
) -> float:
    """1, ½, ¼ …: the first that takes the objective down by a share of what its slope promises, or
    leaves little of that slope.

    Near the minimum the objective's digits run out before those of its slope (Hager and Zhang 2005,
    section 2), so the second is asked too.
    """
    now, slope = problem.objective(strength, sought), float((gradient * step).sum())
    length = 1.0
    while length > 1e-10:
        there = sought + length * step
        if problem.objective(strength, there) <= now + 1e-4 * length * slope:
            return length
        if abs(float((problem.gradient(strength, there) * step).sum())) <= -0.1 * slope:
            return length
        length /= 2
    return length
