"""A vote of several networks on the same films: weights, temperatures and what they make of it.

Soft vote: the ensemble's probabilities are the weighted mean of the members', each at a temperature
of its own, so that a member does not outshout the others by being too sure. Temperature and weights
of a fold are chosen on the tune part of that fold, which no member learned from and none is judged
on; weights have the least tune cross-entropy on the simplex. That problem is convex and says itself
how far from its optimum it is (`Weights.gap`).

The price: a tune part holds some fifty films, so weights are noisy and often say "one member
alone"; equal weights are the honest default. Where a tune part is told apart without error no
temperature follows from it, and the member is taken at its word. Of a solved head the tune part is
answered by the head that was fitted before these films joined in, which is a little less sure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from spondyl.errors import SpondylError
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers import calibration
from spondyl.trust.answers.calibration import Bound
from spondyl.trust.intervals import NotRun
from spondyl.trust.metrics import Floats, film_log_losses

Weighting = Literal["equal", "tune"]
GAP = 1e-5
"""Nats above the least tune cross-entropy at which weights may stop."""
_LEAST = float(np.finfo(np.float64).tiny)
"""Stands for a probability of 0 under a logarithm."""


@dataclass(frozen=True, slots=True, eq=False)
class Voter:
    """What a member of a vote said: of every film once, and of the films that choose."""

    name: str
    test: PredictionTable
    tune: Mapping[int, PredictionTable]
    """Fold → its tune part; empty where that is not known, and then `why_no_tune` says why."""
    why_no_tune: str = ""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each member counts in one fold."""

    fold: int
    values: tuple[float, ...]
    """Of the members in their order, at least 0 each, 1 together."""
    tune_loss: float
    """Cross-entropy of the vote on the tune part, nats; nan without one."""
    equal_loss: float
    """The same of equal weights."""
    gap: float
    """Nats by which `tune_loss` may at most lie above the least that any weights reach; 0 where
    nothing was sought."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What a member's logits are divided by in one fold."""

    fold: int
    value: float
    n_films: int
    """On which it was fitted."""
    bound: Bound
    """Why it was not found, as in `calibration`; it is then 1 for "lowest" and the end of what is
    tried for others. "" where it was found."""


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """The members at their temperatures, and their weighted mean."""

    names: tuple[str, ...]
    weighting: Weighting
    weights: tuple[Weights, ...]
    """In the order of the folds."""
    scales: tuple[tuple[Scale, ...], ...]
    """Of each member, in the order of the folds."""
    scaled_on: Literal["the tune part", "the other folds", "nothing"]
    members: tuple[PredictionTable, ...]
    """Their out-of-fold predictions at their temperatures."""
    tunes: tuple[Mapping[int, PredictionTable], ...]
    """Of each member its tune parts by fold, at their temperatures; empty where one has none."""
    table: PredictionTable
    """The ensemble's; its logits are the logarithms of its probabilities."""
    chosen: PredictionTable | NotRun
    """Of each film what that member said which had the least cross-entropy on the tune part of the
    film's fold; what a vote has to beat."""
    chosen_members: tuple[tuple[int, str], ...] = ()
    """Fold and name of that member."""


def vote(voters: Sequence[Voter], weighting: Weighting) -> Vote:
    """The soft vote of two or more members on the films that all of them judged in the same folds.

    Raises ValueError for fewer members or tables of different films, and `SpondylError` where
    weights are to be chosen on a tune part that a member does not have.
    """
    _refuse_unlike(voters)
    lacking = [one for one in voters if not one.tune]
    if weighting == "tune" and lacking:
        why = "; ".join(f"{one.name}: {one.why_no_tune}" for one in lacking)
        raise SpondylError(
            f"weights cannot be chosen on the tune part: {why}",
            "Use --weights equal, or run these configurations again in a new folder.",
        )
    scales, tests, tunes, scaled_on = _scaled(voters)
    folds = [int(fold) for fold in np.unique(voters[0].test.folds)]
    weights = tuple(_weights(fold, tunes, len(voters), weighting) for fold in folds)
    chosen = _chosen(voters, tests, tunes, folds)
    return Vote(
        tuple(one.name for one in voters),
        weighting,
        weights,
        scales,
        scaled_on,
        tests,
        tunes,
        mean_of(tests, {one.fold: one.values for one in weights}),
        *chosen,
    )


def without(whole: Vote, row: int) -> PredictionTable:
    """What the others say without the member of that row, weights chosen anew; of two members what
    the other one says alone."""
    rest = [at for at in range(len(whole.names)) if at != row]
    tunes = tuple(whole.tunes[at] for at in rest) if whole.tunes else ()
    weights = {
        one.fold: _weights(one.fold, tunes, len(rest), whole.weighting).values
        for one in whole.weights
    }
    return mean_of([whole.members[at] for at in rest], weights)


def mean_of(
    tables: Sequence[PredictionTable], weights: Mapping[int, Sequence[float]]
) -> PredictionTable:
    """The weighted mean of the tables' probabilities, weights by fold; as its logits, their
    logarithms."""
    first = tables[0]
    said = np.stack([one.probabilities for one in tables])
    of_film = np.array([weights[int(fold)] for fold in first.folds]).T
    mean = (of_film[:, :, None] * said).sum(axis=0)
    return replace(first, logits=np.log(np.maximum(mean, _LEAST)))


def least_loss(likely: Floats) -> tuple[Floats, float]:
    """The weights (members,) on the simplex with the least mean −log(likely @ weights), and by how
    many nats they may miss the least.

    `likely` (n, members) is what each member gave the true label of each film. The loss is convex.
    With g the mean over films of likely / (likely @ weights), the loss lies at most max(g) − 1
    above the least (the gap of Frank and Wolfe 1956; Jaggi 2013, section 2). Where equal weights
    are a best answer they are taken. Raises `SpondylError` where the gap stays above `GAP`.
    """
    n_members = likely.shape[1]
    likely = np.maximum(likely, _LEAST)
    equal = np.full(n_members, 1 / n_members)
    if _gap(likely, equal) <= 1e-9:
        return equal, 0.0
    found = minimize(
        lambda w: -np.log(np.maximum(likely @ w, _LEAST)).mean(),
        equal,
        jac=lambda w: -_gains(likely, w),
        method="SLSQP",
        bounds=[(0, 1)] * n_members,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-13, "maxiter": 500},
    )
    weights = np.clip(np.asarray(found.x, dtype=np.float64), 0, None)
    weights /= weights.sum()
    gap = _gap(likely, weights)
    if gap > GAP:
        raise SpondylError(
            f"weights of the vote: still {gap:.1e} nats above the least after {found.nit} steps",
            "Use --weights equal.",
        )
    return weights, gap


def _gains(likely: Floats, weights: Floats) -> Floats:
    """(members,) minus the derivative of the loss by each weight."""
    mixed = np.maximum(likely @ weights, _LEAST)
    return np.asarray((likely / mixed[:, None]).mean(axis=0))


def _gap(likely: Floats, weights: Floats) -> float:
    return max(0.0, float(_gains(likely, weights).max()) - 1)


def _refuse_unlike(voters: Sequence[Voter]) -> None:
    first = voters[0].test
    for other in (one.test for one in voters[1:]):
        same = first.image_ids == other.image_ids and first.labels.names == other.labels.names
        if not same or (first.truth != other.truth).any() or (first.folds != other.folds).any():
            raise ValueError("the members of a vote judged other films, labels or folds")
    tuned = {(fold, table.image_ids) for one in voters for fold, table in one.tune.items()}
    if len(tuned) > len({fold for fold, _ in tuned}):
        raise ValueError("the members of a vote have other tune parts")
    if len(voters) < 2:
        raise ValueError(f"a vote of {len(voters)}")


_Tunes = tuple[Mapping[int, PredictionTable], ...]


def _scaled(
    voters: Sequence[Voter],
) -> tuple[
    tuple[tuple[Scale, ...], ...],
    tuple[PredictionTable, ...],
    _Tunes,
    Literal["the tune part", "the other folds", "nothing"],
]:
    """Scales, tables and tune parts of the members at their temperatures, and where these are from:
    of all members the tune part, or, where one has none, of all of them the other folds."""
    if all(one.tune for one in voters):
        scales = [_on_tune(one) for one in voters]
        tunes = tuple(
            {scale.fold: _cooler(one.tune[scale.fold], scale.value) for scale in of}
            for one, of in zip(voters, scales, strict=True)
        )
        return tuple(scales), _at(voters, scales), tunes, "the tune part"
    scales = [_on_other_folds(one.test) for one in voters]
    if not all(scales):
        return tuple(scales), tuple(one.test for one in voters), (), "nothing"
    return tuple(scales), _at(voters, scales), (), "the other folds"


def _on_tune(voter: Voter) -> tuple[Scale, ...]:
    return tuple(
        _scale(int(fold), voter.tune[int(fold)].logits, voter.tune[int(fold)].truth)
        for fold in np.unique(voter.test.folds)
    )


def _on_other_folds(table: PredictionTable) -> tuple[Scale, ...]:
    """As `calibration.calibrated`, but for what follows where no temperature can be found; empty
    for a single fold, which has no others."""
    folds = np.unique(table.folds)
    if len(folds) < 2:
        return ()
    outside = [(int(fold), table.folds != fold) for fold in folds]
    return tuple(_scale(fold, table.logits[rows], table.truth[rows]) for fold, rows in outside)


def _scale(fold: int, logits: Floats, truth: NDArray[np.int64]) -> Scale:
    value, bound = calibration.temperature(logits, truth)
    return Scale(fold, 1.0 if bound == "lowest" else value, len(truth), bound)


def _at(voters: Sequence[Voter], scales: Sequence[Sequence[Scale]]) -> tuple[PredictionTable, ...]:
    tables = []
    for voter, of in zip(voters, scales, strict=True):
        value = {scale.fold: scale.value for scale in of}
        divisors = np.array([value[int(fold)] for fold in voter.test.folds])
        tables.append(replace(voter.test, logits=voter.test.logits / divisors[:, None]))
    return tuple(tables)


def _cooler(table: PredictionTable, value: float) -> PredictionTable:
    return replace(table, logits=table.logits / value)


def _weights(fold: int, tunes: _Tunes, n_members: int, weighting: Weighting) -> Weights:
    equal = np.full(n_members, 1 / n_members)
    if not tunes:
        nan = float("nan")
        return Weights(fold, tuple(map(float, equal)), nan, nan, 0.0)
    truth = tunes[0][fold].truth
    films = np.arange(len(truth))
    likely = np.stack([one[fold].probabilities[films, truth] for one in tunes], axis=1)
    found, gap = least_loss(likely) if weighting == "tune" else (equal, 0.0)
    losses = [float(-np.log(np.maximum(likely @ w, _LEAST)).mean()) for w in (found, equal)]
    return Weights(fold, tuple(map(float, found)), losses[0], losses[1], gap)


def _chosen(
    voters: Sequence[Voter],
    tests: Sequence[PredictionTable],
    tunes: _Tunes,
    folds: Sequence[int],
) -> tuple[PredictionTable | NotRun, tuple[tuple[int, str], ...]]:
    if not tunes:
        lacking = next(one for one in voters if not one.tune)
        return NotRun(f"no member can be chosen: {lacking.name}: {lacking.why_no_tune}"), ()
    losses = {fold: [float(film_log_losses(one[fold]).mean()) for one in tunes] for fold in folds}
    best = {fold: int(np.argmin(of)) for fold, of in losses.items()}
    alone = {fold: np.eye(len(voters))[row] for fold, row in best.items()}
    names = tuple((fold, voters[row].name) for fold, row in best.items())
    rows = np.array([int(alone[int(fold)].argmax()) for fold in tests[0].folds])
    logits = np.stack([one.logits for one in tests])[rows, np.arange(len(rows))]
    return replace(tests[0], logits=logits), names
