"""Whether one configuration is better than another on the same films, by four readings.

Decision: tests that take films as independent (McNemar, DeLong) see one film of each group, and
intervals that resample groups see every film. The price is that a difference in one record may rest
on a few films fewer than its neighbour; both numbers of films are said.

Every difference is first − second. Where the two do the same on every film there is nothing to
test: p is 1 and the interval nan, because a width of zero would read as certainty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers.paired_tests import CorrectedT, DeLong, corrected_t, delong
from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Estimate,
    GroupBootstrap,
    NotRun,
    PairedComparison,
    compare,
    holm,
    percentile_interval,
)
from spondyl.trust.metrics import Floats

CONDITIONAL = (
    "All of it is conditional on these trained networks: p values and intervals say what other "
    "films of the same kind would have done to the difference, not what other seeds, folds or "
    "hospitals would have done. Only the test over folds looks at several trainings, and the "
    "trainings of folds share most of their films, which its correction allows for roughly."
)

NULLS = (
    (
        "McNemar, exact",
        "of the films that exactly one of the two gets right, each gets right as many as the other",
    ),
    (
        "DeLong",
        "both have the same pooled AUC for the label against the rest: a film of the label lies "
        "above another film equally often",
    ),
    (
        "corrected resampled t",
        "networks trained in the two ways on other films of the same kind are equally accurate on "
        "the mean",
    ),
    ("group bootstrap", "none: an interval of the difference, not a test"),
)
"""Name and null hypothesis of each reading."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A score of both on all shared films, and its difference with a paired interval."""

    first: float
    second: float
    difference: Estimate
    """first − second, -1 … 1; both are read on the same resampled groups."""


@dataclass(frozen=True, slots=True)
class LabelDeLong:
    """DeLong's test for one label against the rest."""

    label: str
    n: int
    """Films of the label."""
    n_rest: int
    test: DeLong | NotRun
    p_holm: float
    """Corrected for the number of labels tested; nan where this one was not."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two configurations on the films that both were tested on."""

    first: str
    second: str
    n_films: int
    """Films of both tables."""
    n_groups: int
    """Of these films; as many films are in McNemar's and DeLong's tests."""
    accuracy: Difference
    macro_f1: Difference
    mcnemar: PairedComparison
    labels: tuple[LabelDeLong, ...]
    """In the order of the label set."""
    folds: CorrectedT | NotRun
    conditional: str = CONDITIONAL
    nulls: tuple[tuple[str, str], ...] = NULLS


def compare_tables(
    first_name: str,
    first: PredictionTable,
    second_name: str,
    second: PredictionTable,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    n_train: float | None = None,
) -> Comparison | NotRun:
    """All readings of the two tables on their shared films; or why there is none.

    `n_train`: the films a network was trained on, on the mean; None: all outside its fold.
    """
    shared = on_shared_films(first, second)
    if isinstance(shared, NotRun):
        return shared
    one, other = shared
    n_groups = len(set(one.group_ids))
    if n_groups < 2:
        return NotRun("the shared films are of one group: there is nothing to resample")
    bootstrap = GroupBootstrap.draw(one, seed, n_resamples)
    rows = one.one_per_group()
    alone, beside = one.taken(rows), other.taken(rows)
    return Comparison(
        first_name,
        second_name,
        len(one),
        n_groups,
        _difference(bootstrap, other, metrics.accuracy, level),
        _difference(bootstrap, other, lambda counts: metrics.macro(metrics.f1(counts)), level),
        compare(first_name, alone, second_name, beside),
        label_tests(alone, beside, level),
        fold_test(one, other, level, n_train),
    )


def on_shared_films(
    first: PredictionTable, second: PredictionTable
) -> tuple[PredictionTable, PredictionTable] | NotRun:
    """The rows of both tables for the films that both hold, in the order of `first`; or why they
    cannot stand beside each other: other labels, no shared film, another truth, other groups."""
    if first.labels.names != second.labels.names:
        return NotRun("the two have different label sets")
    row_of = {image_id: row for row, image_id in enumerate(second.image_ids)}
    here = [row for row, image_id in enumerate(first.image_ids) if image_id in row_of]
    if not here:
        return NotRun("no film was tested by both")
    there = [row_of[first.image_ids[row]] for row in here]
    one, other = first.taken(here), second.taken(there)
    if n_other := int((one.truth != other.truth).sum()):
        return NotRun(f"the two disagree about the truth of {n_other} of {len(here)} films")
    if one.group_ids != other.group_ids:
        return NotRun("the two put the same films into different groups")
    return one, other


def label_tests(
    first: PredictionTable, second: PredictionTable, level: float = LEVEL
) -> tuple[LabelDeLong, ...]:
    """DeLong's test of each label's probability on pooled films, rows of both tables alike.

    Pooled ranks mix the scales of as many networks as there are folds. Of two labels the second
    has the same AUC as the first, so only the first is tested and nothing is corrected.
    """
    tests: list[DeLong | NotRun] = []
    for column in range(len(first.labels)):
        if column == 1 and len(first.labels) == 2:
            tests.append(NotRun("of two labels the second has the AUC of the first"))
            continue
        tests.append(
            delong(
                first.probabilities[:, column],
                second.probabilities[:, column],
                first.truth == column,
                level,
            )
        )
    corrected = iter(holm([test.p_value for test in tests if isinstance(test, DeLong)]))
    return tuple(
        LabelDeLong(
            label,
            int((first.truth == column).sum()),
            int((first.truth != column).sum()),
            test,
            next(corrected) if isinstance(test, DeLong) else float("nan"),
        )
        for column, (label, test) in enumerate(zip(first.labels.names, tests, strict=True))
    )


def fold_test(
    first: PredictionTable,
    second: PredictionTable,
    level: float = LEVEL,
    n_train: float | None = None,
) -> CorrectedT | NotRun:
    """The corrected resampled t test of accuracy by fold, rows of both tables alike; or why not:
    the two were tested in different folds, or in one."""
    if (first.folds != second.folds).any():
        n_other = int((first.folds != second.folds).sum())
        return NotRun(f"{n_other} of {len(first)} films were tested in another fold by the second")
    folds = np.unique(first.folds)
    if len(folds) < 2:
        return NotRun("1 fold: no spread over folds")
    gained = (first.predicted == first.truth).astype(np.float64)
    gained -= second.predicted == second.truth
    n_test = len(first) / len(folds)
    return corrected_t(
        [float(gained[first.folds == fold].mean()) for fold in folds],
        n_test,
        len(first) - n_test if n_train is None else n_train,
        level,
    )


def _difference(
    bootstrap: GroupBootstrap,
    other: PredictionTable,
    score: Callable[[Floats], Floats],
    level: float,
) -> Difference:
    """A score of (…, k, k) confusion matrices, for the bootstrap's table and the other on the same
    resamples."""
    beside = replace(bootstrap, table=other)
    resampled = score(bootstrap.confusions) - score(beside.confusions)
    if (bootstrap.table.predicted == other.predicted).all():
        resampled = np.full(len(resampled), np.nan)
    first, second = (
        float(score(metrics.confusion(table).astype(np.float64)))
        for table in (bootstrap.table, other)
    )
    interval = percentile_interval(resampled, bootstrap.counts.shape[1], level)
    return Difference(first, second, Estimate(first - second, interval))
