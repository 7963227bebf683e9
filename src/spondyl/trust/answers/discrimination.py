"""How well a network tells labels apart, and how much of that the best probe without anatomy does.

Decision: an AUC is given twice and never under one name. *By fold* it ranks films that one network
saw, and its spread over folds is no error of its mean; *pooled* it has an interval, and ranks films
of as many networks as there are folds, whose scales differ. The price is two numbers where readers
expect one.

Nothing is computed here that `metrics` and `intervals` compute for the report: both call the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers.comparing import on_shared_films
from spondyl.trust.answers.predictive import share
from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Estimate,
    GroupBootstrap,
    Interval,
    NotRun,
    percentile_interval,
    wilson,
)
from spondyl.trust.metrics import Floats


@dataclass(frozen=True, slots=True)
class LabelAuc:
    """AUC of one label's probability, its films against the rest."""

    label: str
    n: int
    """Films of the label."""
    n_folds: int
    """Folds that hold films both of the label and of others."""
    mean_of_folds: float
    """Mean of their AUCs, each of one network; nan where there is no such fold."""
    sd_of_folds: float
    """Spread over them (ddof = 1), no error of the mean; nan for fewer than two."""
    pooled: Estimate
    """Over all films, the scales of several networks mixed; the interval is of groups."""


@dataclass(frozen=True, slots=True)
class Discrimination:
    """How well one table's films are told apart. Intervals are of groups, except where said."""

    n: int
    n_groups: int
    n_folds: int
    accuracy: Estimate
    accuracy_wilson: Interval
    """Films are taken as independent."""
    majority_label: str
    majority: float
    """Accuracy of calling every film the most frequent label of these films."""
    macro_f1: Estimate
    macro_sensitivity: Estimate
    """Also known as balanced accuracy."""
    macro_by_chance: float
    """Macro sensitivity of calling every film one label: 1 / labels that occur."""
    macro_auc_mean_of_folds: float
    macro_auc_sd_of_folds: float
    macro_auc_pooled: Estimate
    labels: tuple[LabelAuc, ...]
    """In the order of the label set."""


@dataclass(frozen=True, slots=True)
class ShareReached:
    """How much of what a network knows beyond the majority a probe without anatomy knows too."""

    n_films: int
    """Films of both tables."""
    n_groups: int
    majority_label: str
    majority: float
    """Accuracy of calling every film the most frequent label of these films."""
    model: float
    """Accuracy of the network on them."""
    probe: float
    """Accuracy of the probe on them."""
    share: Estimate
    """(probe − majority) / (model − majority): 0 no better than the majority, 1 as good as the
    network, above 1 better; below 0 worse than the majority. Both read on the same resamples."""
    why_no_interval: str
    """Empty where `share` has one."""


def discrimination(
    table: PredictionTable, seed: int, n_resamples: int = N_RESAMPLES, level: float = LEVEL
) -> Discrimination:
    """The figures of one table. Raises ValueError for an empty one."""
    pooled, folds = metrics.score(table), metrics.score_folds(table)
    bootstrap = GroupBootstrap.draw(table, seed, n_resamples)
    counts = metrics.confusion(table).sum(axis=1)
    areas = _resampled_aucs(bootstrap)
    n_groups = bootstrap.counts.shape[1]
    return Discrimination(
        n=pooled.n,
        n_groups=n_groups,
        n_folds=len(folds.folds),
        accuracy=Estimate(pooled.accuracy, bootstrap.of_confusions(metrics.accuracy, level)),
        accuracy_wilson=wilson(pooled.n_correct, pooled.n, level),
        majority_label=table.labels.names[int(counts.argmax())],
        majority=float(counts.max() / pooled.n),
        macro_f1=Estimate(
            pooled.macro_f1,
            bootstrap.of_confusions(lambda cells: metrics.macro(metrics.f1(cells)), level),
        ),
        macro_sensitivity=Estimate(
            pooled.macro_sensitivity,
            bootstrap.of_confusions(lambda cells: metrics.macro(metrics.sensitivity(cells)), level),
        ),
        macro_by_chance=1 / int((counts > 0).sum()),
        macro_auc_mean_of_folds=folds.mean["macro_auc"],
        macro_auc_sd_of_folds=folds.sd["macro_auc"],
        macro_auc_pooled=Estimate(
            pooled.macro_auc, percentile_interval(metrics.macro(areas), n_groups, level)
        ),
        labels=tuple(
            _label_auc(one, folds, c, percentile_interval(areas[:, c], n_groups, level))
            for c, one in enumerate(pooled.classes)
        ),
    )


def share_above_majority(model: Floats, probe: Floats, majority: Floats) -> Floats:
    """(probe − majority) / (model − majority) of accuracies of one shape; nan where the model is
    not above the majority."""
    above = np.subtract(model, majority, dtype=np.float64)
    return share(np.subtract(probe, majority, dtype=np.float64), np.maximum(above, 0))


def share_reached(
    model: PredictionTable,
    probe: PredictionTable,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> ShareReached | NotRun:
    """The share that the probe reaches on the films of both tables; not run where the network is
    not above the majority there, or the tables cannot stand beside each other.

    A probe that was chosen as the best of several on these films is flattered by the choice. The
    majority is the label that is most frequent on all these films, in every resample the same.
    """
    shared = on_shared_films(model, probe)
    if isinstance(shared, NotRun):
        return shared
    truth = shared[0].truth
    most = int(metrics.confusion(shared[0]).sum(axis=1).argmax())
    bootstrap = GroupBootstrap.draw(shared[0], seed, n_resamples)
    of_model, of_probe, of_majority = (
        _with_resamples(bootstrap, called == truth)
        for called in (shared[0].predicted, shared[1].predicted, np.full(len(truth), most))
    )
    shares = share_above_majority(of_model, of_probe, of_majority)
    if np.isnan(shares[0]):
        return NotRun(
            f"the network's accuracy of {of_model[0]:.3f} is not above the {of_majority[0]:.3f} "
            "of the majority"
        )
    n_groups = bootstrap.counts.shape[1]
    interval = percentile_interval(shares[1:], n_groups, level)
    if why := _why_no_interval(interval):
        interval = replace(interval, low=float("nan"), high=float("nan"))
    return ShareReached(
        n_films=len(truth),
        n_groups=n_groups,
        majority_label=shared[0].labels.names[most],
        majority=float(of_majority[0]),
        model=float(of_model[0]),
        probe=float(of_probe[0]),
        share=Estimate(float(shares[0]), interval),
        why_no_interval=why,
    )


def _label_auc(
    pooled: metrics.ClassScores, folds: metrics.FoldScores, column: int, interval: Interval
) -> LabelAuc:
    by_fold = np.array([scores.classes[column].auc for scores in folds.scores])
    defined = by_fold[~np.isnan(by_fold)]
    return LabelAuc(
        pooled.label,
        pooled.n,
        len(defined),
        float(metrics.mean_of_defined(by_fold)),
        float(defined.std(ddof=1)) if len(defined) > 1 else float("nan"),
        Estimate(pooled.auc, interval),
    )


def _resampled_aucs(bootstrap: GroupBootstrap) -> Floats:
    """(resamples, labels) pooled one-vs-rest AUC."""
    table, weights = bootstrap.table, bootstrap.counts[:, bootstrap.film_group]
    return np.stack(
        [
            metrics.auc(table.probabilities[:, c], table.truth == c, weights)
            for c in range(len(table.labels))
        ],
        axis=1,
    )


def _with_resamples(bootstrap: GroupBootstrap, right: NDArray[np.bool_]) -> Floats:
    """(1 + resamples,) share of films that are `right` (n,): of all, then of each resample's."""
    n_groups = bootstrap.counts.shape[1]
    counts = np.vstack([np.ones(n_groups), bootstrap.counts])
    n_right, n = (
        counts @ np.bincount(bootstrap.film_group, films, minlength=n_groups)
        for films in (right, np.ones(len(right)))
    )
    return share(n_right, n)


def _why_no_interval(interval: Interval) -> str:
    """Resamples without a share are those where it would be without bound; with more than a tail of
    them an interval of the others would have an end that it has not earned."""
    if interval.n_undefined <= (1 - interval.level) / 2 * interval.n_resamples:
        return ""
    return (
        f"the network is not above the majority in {interval.n_undefined} of "
        f"{interval.n_resamples} resamples"
    )
