"""The figures of one configuration among several, all of them read on the same films.

Decision: nothing is defined here that another file defines; this is the list of what stands in one
row of a comparison. Distinct films are one film of each group, the same for every row, and taken as
independent; figures of all films keep copies, and their intervals resample groups.
"""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers import calibration
from spondyl.trust.answers.calibration import Calibration
from spondyl.trust.answers.discrimination import Discrimination, discrimination
from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Estimate,
    GroupBootstrap,
    Interval,
    wilson,
)


@dataclass(frozen=True, slots=True)
class Distinct:
    """How often right on one film of each group."""

    n: int
    n_right: int
    accuracy: Estimate
    """With the bootstrap's interval, which has no width where every film is right."""
    wilson: Interval


@dataclass(frozen=True, slots=True)
class RowFigures:
    """The figures of one configuration."""

    n_right: int
    """Of all films."""
    discrimination: Discrimination
    distinct: Distinct
    calibration: Calibration


def figures(
    table: PredictionTable, seed: int, n_resamples: int = N_RESAMPLES, level: float = LEVEL
) -> RowFigures:
    """The figures of a table. Raises ValueError for an empty one."""
    return RowFigures(
        int((table.predicted == table.truth).sum()),
        discrimination(table, seed, n_resamples, level),
        distinct_figures(table, seed, n_resamples, level),
        calibration.calibration(table, seed, n_resamples, level),
    )


def distinct_figures(
    table: PredictionTable, seed: int, n_resamples: int = N_RESAMPLES, level: float = LEVEL
) -> Distinct:
    """How often the table is right on one film of each group."""
    alone = table.taken(table.one_per_group())
    n, n_right = len(alone), int((alone.predicted == alone.truth).sum())
    interval = GroupBootstrap.draw(alone, seed, n_resamples).of_confusions(metrics.accuracy, level)
    return Distinct(n, n_right, Estimate(n_right / n, interval), wilson(n_right, n, level))
