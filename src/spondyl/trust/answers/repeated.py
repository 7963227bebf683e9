"""What several draws of the same folds say together: mean, spread, and how sure the mean is.

Every draw judges the same films, so their figures are no independent measurements, and neither are
the folds of one draw, whose training parts overlap. An interval of the mean therefore takes the
variance of single folds times 1 / folds + tested / learned films instead of 1 / folds (Nadeau &
Bengio 2003, Machine Learning 52:239, section 3, for hold-outs that are drawn anew; Bouckaert &
Frank 2004, PAKDD, LNCS 3056:3, for folds that are). The price: it is an approximation, wide where
little is learned from much, and speaks of networks taught by as many films as these were; it is not
cut at 0 or 1.

The spread over draws is small even where every draw misjudges the same films: it says how much the
draw of the folds matters, and nothing of other films or hospitals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spondyl.learn.outcome import Outcome
from spondyl.trust import metrics
from spondyl.trust.answers.paired_tests import CorrectedT, corrected_t
from spondyl.trust.intervals import LEVEL, NotRun


@dataclass(frozen=True, slots=True)
class MeanOfFolds:
    """A score's mean over the single folds of all draws, and how sure it is."""

    n: int
    """Folds in which the score is defined."""
    mean: float
    factor: float
    """1 / n + tested films / films that were learned from or steered."""
    standard_error: float
    """√(factor · variance of the folds)."""
    low: float
    high: float
    """mean ± quantile of t with n − 1 degrees of freedom · standard error; nan for no variance."""
    level: float


@dataclass(frozen=True, slots=True)
class OverDraws:
    """One score over all draws of the folds; nan where it has no value."""

    of_draws: tuple[float, ...]
    """Over the films that each draw tested, taken together."""
    mean: float
    sd: float
    """Of `of_draws`, over those in which the score is defined (ddof = 1)."""
    of_folds: MeanOfFolds | NotRun
    """Its mean differs from the one above where folds differ in
    size, or where the score of a whole is not the mean of its parts', as F1 and AUC are not."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The scores of a configuration over all draws of its folds."""

    n_draws: int
    n_folds: int
    """Of all draws."""
    n_test: float
    """Films tested in a fold, on average."""
    n_learned: float
    """Films that were learned from, or steered, in a fold and were not tested in it, on average."""
    scores: Mapping[str, OverDraws]
    """By the names of `metrics.SUMMARY`."""


@dataclass(frozen=True, slots=True)
class RepeatedDifference:
    """Accuracy of one configuration minus that of another, fold by fold over all draws."""

    first: str
    second: str
    n_draws: int
    test: CorrectedT | NotRun


def repeated(outcome: Outcome, level: float = LEVEL) -> Repeated | None:
    """The scores over all draws; None where there is one, or none."""
    draws = outcome.repeats
    if len(draws) < 2:
        return None
    pooled = [metrics.score(draw.predictions) for draw in draws]
    folds = [one for draw in draws for one in metrics.score_folds(draw.predictions).scores]
    n_test, n_learned = _sizes(outcome)
    return Repeated(
        len(draws),
        len(folds),
        n_test,
        n_learned,
        {
            name: _over(
                [getattr(one, name) for one in pooled],
                [getattr(one, name) for one in folds],
                (n_test, n_learned),
                level,
            )
            for name in metrics.SUMMARY
        },
    )


def difference(first: Outcome, second: Outcome, level: float = LEVEL) -> RepeatedDifference | None:
    """The corrected test of a difference in accuracy; None unless both were drawn several times.

    Raises ValueError where the two were not tested on the same films fold by fold.
    """
    if min(len(first.repeats), len(second.repeats)) < 2:
        return None
    gained: list[float] = []
    for one, other in zip(first.repeats, second.repeats, strict=True):
        ours, theirs = one.predictions, other.predictions
        if ours.image_ids != theirs.image_ids or (ours.folds != theirs.folds).any():
            raise ValueError("not the same films in the same folds")
        right = (ours.predicted == ours.truth).astype(float) - (theirs.predicted == theirs.truth)
        gained += [float(right[ours.folds == fold].mean()) for fold in np.unique(ours.folds)]
    test = corrected_t(gained, *_sizes(first), level)
    names = (str(first.configuration), str(second.configuration))
    return RepeatedDifference(*names, len(first.repeats), test)


def _over(
    of_draws: Sequence[float], of_folds: Sequence[float], sizes: tuple[float, float], level: float
) -> OverDraws:
    defined = [value for value in of_draws if not np.isnan(value)]
    return OverDraws(
        tuple(map(float, of_draws)),
        float(np.mean(defined)) if defined else float("nan"),
        float(np.std(defined, ddof=1)) if len(defined) > 1 else float("nan"),
        _mean_of_folds(of_folds, sizes, level),
    )


def _mean_of_folds(
    values: Sequence[float], sizes: tuple[float, float], level: float
) -> MeanOfFolds | NotRun:
    """The corrected interval of the mean of those of `values` that are defined."""
    defined = [value for value in values if not np.isnan(value)]
    if len(defined) < 2:
        return NotRun(f"defined in {len(defined)} of {len(values)} folds")
    of = corrected_t(defined, *sizes, level)
    if isinstance(of, NotRun):
        return NotRun(f"every fold has the same {defined[0]:.3f}: no variance, so no interval")
    sure = (of.factor, of.standard_error, of.low, of.high)
    return MeanOfFolds(len(defined), float(np.mean(defined)), *sure, level)


def _sizes(outcome: Outcome) -> tuple[float, float]:
    """Films tested, and films that were learned from or steered and not tested, of a fold."""
    folds = [fold for draw in outcome.repeats for fold in draw.folds]
    # Under `paper` the films that steer are those that are tested.
    steered = int(outcome.configuration.protocol == "nested")
    return (
        float(np.mean([fold.n_test for fold in folds])),
        float(np.mean([fold.n_train + steered * fold.n_tune for fold in folds])),
    )
