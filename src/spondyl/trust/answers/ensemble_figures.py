"""What a vote is worth: its figures beside its members', and what each of them brings.

A vote is held against the member that the tune part chose, fold by fold, since nobody could have
known the best one of the judged films. The price: that rival is sometimes not the best member, so
the best one is shown too, chosen on the judged films themselves and named so.

By how much a soft vote beats the mean of its members follows from an identity (Krogh & Vedelsby
1995, eq. 6, for each class): Brier score of the vote = weighted mean Brier score of the members −
their weighted mean squared distance from the vote. So only members that disagree bring anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers import comparing, ensembling
from spondyl.trust.answers.comparing import Comparison
from spondyl.trust.answers.ensembling import Vote
from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Estimate,
    GroupBootstrap,
    MeanBootstrap,
    NotRun,
    holm,
)
from spondyl.trust.metrics import Floats


@dataclass(frozen=True, slots=True)
class Figures:
    """Scores of one table; intervals resample groups."""

    name: str
    n: int
    n_right: int
    accuracy: Estimate
    n_distinct: int
    """Groups: of the films of one the first is counted, whatever was predicted."""
    n_right_distinct: int
    accuracy_distinct: float
    macro_f1: Estimate
    macro_auc: float
    brier: Estimate
    log_loss: Estimate


@dataclass(frozen=True, slots=True)
class Brought:
    """What a member brings to the vote."""

    name: str
    weight: float
    """Mean over the films, 0 … 1."""
    agrees: float
    """Share of films of which it says what the vote says."""
    alone_wrong: int
    """Films that the vote gets right and it does not."""
    alone_right: int
    """Films that it gets right and the vote does not."""
    accuracy_without: float
    """Of the vote of the others."""
    log_loss_without: float


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """The identity of this module in numbers; `members` − `distance` = `vote`."""

    members: float
    """Weighted mean Brier score of the members, 0 … 2."""
    distance: float
    """Weighted mean squared distance of their probabilities from the vote's."""
    vote: float


@dataclass(frozen=True, slots=True)
class Against:
    """The vote beside one member, films as in `comparing`; p values corrected for all members."""

    comparison: Comparison | NotRun
    p_holm: float
    """Of the exact McNemar test; nan where it was not run."""


@dataclass(frozen=True, slots=True)
class Worth:
    """All figures of a vote."""

    ensemble: Figures
    members: tuple[Figures, ...]
    chosen: Figures | NotRun
    """Of the member that the tune part of each fold chose."""
    against_chosen: Comparison | NotRun
    against_members: tuple[Against, ...]
    best_member: str
    """Most films right, of equals the least log loss: chosen on the films that judge it."""
    any_right: float
    """Share of films that at least one member gets right: what no vote of them exceeds by much."""
    both_wrong: tuple[tuple[str, str, int], ...]
    """Two members, and the films that both get wrong."""
    brought: tuple[Brought, ...]
    ambiguity: Ambiguity


def worth(
    name: str,
    vote: Vote,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    n_train: float | None = None,
) -> Worth:
    """The figures of the vote called `name`; `n_train` as in `comparing.compare_tables`."""
    figures = [
        _figures(which, table, seed, n_resamples, level)
        for which, table in zip(vote.names, vote.members, strict=True)
    ]
    best = min(figures, key=lambda one: (-one.n_right, one.log_loss.value))

    def beside(other: str, table: PredictionTable) -> Comparison | NotRun:
        return comparing.compare_tables(
            name, vote.table, other, table, seed, n_resamples, level, n_train
        )

    compared = [beside(*pair) for pair in zip(vote.names, vote.members, strict=True)]
    chosen: Figures | NotRun
    against_chosen: Comparison | NotRun
    if isinstance(vote.chosen, NotRun):
        chosen = against_chosen = vote.chosen
    else:
        called = "the member chosen on the tune part"
        chosen = _figures(called, vote.chosen, seed, n_resamples, level)
        against_chosen = beside(called, vote.chosen)
    right = np.stack([one.predicted == one.truth for one in vote.members])
    return Worth(
        _figures(name, vote.table, seed, n_resamples, level),
        tuple(figures),
        chosen,
        against_chosen,
        _corrected(compared),
        best.name,
        float(right.any(axis=0).mean()),
        tuple(
            (vote.names[a], vote.names[b], int((~right[a] & ~right[b]).sum()))
            for a, b in combinations(range(len(vote.names)), 2)
        ),
        tuple(_brought(vote, row) for row in range(len(vote.names))),
        ambiguity(vote),
    )


def ambiguity(vote: Vote) -> Ambiguity:
    """How far the members disagree, and what that takes off their mean Brier score."""
    weights = of_films(vote)
    said = np.stack([one.probabilities for one in vote.members])
    together = vote.table.probabilities
    truth = np.eye(len(vote.table.labels))[vote.table.truth]

    def squared(beside: Floats, other: Floats) -> Floats:
        return np.asarray(((beside - other) ** 2).sum(axis=-1))

    return Ambiguity(
        float((weights * squared(said, truth)).sum(axis=0).mean()),
        float((weights * squared(said, together)).sum(axis=0).mean()),
        float(squared(together, truth).mean()),
    )


def of_films(vote: Vote) -> Floats:
    """(members, n) the weight of each member in each film's vote."""
    by_fold = {one.fold: one.values for one in vote.weights}
    return np.array([by_fold[int(fold)] for fold in vote.table.folds]).T


def _figures(
    name: str, table: PredictionTable, seed: int, n_resamples: int, level: float
) -> Figures:
    scores = metrics.score(table)
    bootstrap = GroupBootstrap.draw(table, seed, n_resamples)
    means = MeanBootstrap(bootstrap.counts, bootstrap.film_group, level)
    truth = np.eye(len(table.labels))[table.truth]
    squares = ((table.probabilities - truth) ** 2).sum(axis=1)
    distinct = table.taken(table.one_per_group())
    n_right = int((distinct.predicted == distinct.truth).sum())

    def resampled(value: float, score: Callable[[Floats], Floats]) -> Estimate:
        return Estimate(value, bootstrap.of_confusions(score, level))

    return Figures(
        name,
        scores.n,
        scores.n_correct,
        resampled(scores.accuracy, metrics.accuracy),
        len(distinct),
        n_right,
        n_right / len(distinct),
        resampled(scores.macro_f1, lambda counts: metrics.macro(metrics.f1(counts))),
        scores.macro_auc,
        Estimate(scores.brier, means.interval(squares)),
        Estimate(scores.log_loss, means.interval(metrics.film_log_losses(table))),
    )


def _corrected(compared: list[Comparison | NotRun]) -> tuple[Against, ...]:
    made = [one.mcnemar.p_value for one in compared if isinstance(one, Comparison)]
    corrected = iter(holm(made) if made else ())
    return tuple(
        Against(one, next(corrected) if isinstance(one, Comparison) else float("nan"))
        for one in compared
    )


def _brought(vote: Vote, row: int) -> Brought:
    own, together = vote.members[row], vote.table
    right, all_right = own.predicted == own.truth, together.predicted == together.truth
    rest = ensembling.without(vote, row)
    return Brought(
        vote.names[row],
        float(of_films(vote)[row].mean()),
        float((own.predicted == together.predicted).mean()),
        int((all_right & ~right).sum()),
        int((right & ~all_right).sum()),
        float((rest.predicted == rest.truth).mean()),
        float(metrics.film_log_losses(rest).mean()),
    )
