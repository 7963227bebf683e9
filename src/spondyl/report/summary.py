"""All figures of a study, computed once: for each configuration a record that every table, figure
and page reads, and the document that stands in `metrics.json`.

Decision: nothing downstream computes a score, so a figure cannot differ between page, CSV and JSON.
A configuration that was not run has a row like any other, with its reason and null figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

from spondyl.learn.outcome import Outcome
from spondyl.learn.predictions import PredictionTable
from spondyl.report.published import Published
from spondyl.trust import metrics
from spondyl.trust.answers.findings import Findings, findings
from spondyl.trust.answers.repeated import Repeated, repeated
from spondyl.trust.intervals import (
    GroupBootstrap,
    Interval,
    PairedComparison,
    compare,
    holm,
    wilson,
)
from spondyl.trust.metrics import FoldScores, Scores
from spondyl.trust.plain import plain

SCHEMA_VERSION = 1
SEED = 20260101
"""Of the group bootstrap, so that equal predictions have equal intervals."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The figures of a configuration that was run."""

    outcome: Outcome
    table: PredictionTable
    pooled: Scores
    """Over all out-of-fold predictions."""
    folds: FoldScores
    accuracy_wilson: Interval
    accuracy_groups: Interval
    macro_f1_groups: Interval
    sensitivity_wilson: tuple[Interval, ...]
    """By label."""
    auc_groups: tuple[Interval, ...]
    """By label."""
    repeated: Repeated | None
    """Over all draws of the folds, where there were several; all else is of the first."""
    findings: Findings | None
    """Each finding by itself, where labels are combinations of them."""

    @property
    def accuracy(self) -> float:
        """Over the films of the first draw, or the mean over all draws where there are several."""
        return self.repeated.scores["accuracy"].mean if self.repeated else self.pooled.accuracy

    @property
    def name(self) -> str:
        """The configuration as a row is named."""
        return str(self.outcome.configuration)

    @property
    def n_groups(self) -> int:
        """Distinct groups among the films."""
        return len(set(self.table.group_ids))

    @property
    def n_folds(self) -> int:
        """Folds that the films were tested in; one for a hold-out."""
        return len(set(self.table.folds.tolist()))


@dataclass(frozen=True, slots=True)
class Compared:
    """A paired comparison, and its p value corrected (Holm) for the number of comparisons."""

    pair: PairedComparison
    p_holm: float


def score_outcome(outcome: Outcome) -> Scored | None:
    """The figures of a configuration; None where it has no predictions."""
    table = outcome.predictions
    if table is None or len(table) == 0:
        return None
    pooled = metrics.score(table)
    bootstrap = GroupBootstrap.draw(table, SEED)
    return Scored(
        outcome=outcome,
        table=table,
        pooled=pooled,
        folds=metrics.score_folds(table),
        accuracy_wilson=wilson(pooled.n_correct, pooled.n),
        accuracy_groups=bootstrap.of_confusions(metrics.accuracy),
        macro_f1_groups=bootstrap.of_confusions(lambda counts: metrics.macro(metrics.f1(counts))),
        sensitivity_wilson=tuple(wilson(c.n_correct, c.n) for c in pooled.classes),
        auc_groups=tuple(bootstrap.of_auc(column) for column in range(len(table.labels))),
        repeated=repeated(outcome),
        findings=findings(table, SEED),
    )


def score_all(outcomes: Sequence[Outcome]) -> tuple[Scored, ...]:
    """The figures of every configuration that was run, in the given order."""
    return tuple(scored for outcome in outcomes if (scored := score_outcome(outcome)))


def best(scored: Sequence[Scored]) -> Scored | None:
    """The configuration with the highest accuracy, the first of equals; None of none. One that the
    judged films steered is the best only where there are no others."""
    honest = [one for one in scored if not one.outcome.configuration.is_steered]
    return max(honest or scored, key=lambda s: s.accuracy, default=None)


def compare_all(scored: Sequence[Scored]) -> tuple[Compared, ...]:
    """Every pair of configurations of one label set, the more accurate one first."""
    pairs = []
    for one, other in combinations(scored, 2):
        if one.table.labels.names != other.table.labels.names:
            continue
        if other.pooled.accuracy > one.pooled.accuracy:
            one, other = other, one
        pairs.append(compare(one.name, one.table, other.name, other.table))
    corrected = holm([pair.p_value for pair in pairs])
    return tuple(Compared(pair, p) for pair, p in zip(pairs, corrected, strict=True))


def majority_share(table: PredictionTable) -> float:
    """Accuracy of calling every film the most frequent class, 0 … 1."""
    return float(metrics.confusion(table).sum(axis=1).max() / len(table))


def metrics_document(
    outcomes: Sequence[Outcome], published: Published | None, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of `metrics.json`: plain lists, texts, numbers and null (never NaN).

    Proportions are 0 … 1; `confusion` has the truth in rows and predictions in columns, both in the
    order of `labels`. `facts` is kept as it is under "facts" and must be JSON already. Figures are
    of the first draw of folds; "over_draws" and "findings" stand where there are any.
    """
    scored = score_all(outcomes)
    by_outcome = {id(s.outcome): s for s in scored}
    comparisons = [{**asdict(c.pair), "p_holm": c.p_holm} for c in compare_all(scored)]
    document = {
        "schema_version": SCHEMA_VERSION,
        "configurations": [_configuration(o, by_outcome.get(id(o))) for o in outcomes],
        "published": _published(published),
        "comparisons": [
            {**row, "decided_by": row["first_only"] + row["second_only"]} for row in comparisons
        ],
        "facts": dict(facts),
    }
    return {key: _without_nan(value) for key, value in document.items()}


def _configuration(outcome: Outcome, scored: Scored | None) -> dict[str, Any]:
    configuration = outcome.configuration
    head: dict[str, Any] = {
        "network": configuration.network,
        "strategy": configuration.strategy,
        "protocol": configuration.protocol,
        "weights": asdict(outcome.weights) if outcome.weights else None,
        "not_run": outcome.not_run or None,
    }
    if scored is None:
        head["not_run"] = outcome.not_run or "no predictions"
        return {**head, **dict.fromkeys(_FIGURES)}
    return {**head, **_figures(scored)}


_FIGURES = (
    *("labels", "n", "groups", "accuracy", "accuracy_interval", "accuracy_interval_groups"),
    *("majority_share", *metrics.SUMMARY[1:], "macro_f1_interval_groups", "confusion"),
    *("per_class", "auc", "mean_of_folds", "sd_of_folds", "folds"),
)


def _figures(scored: Scored) -> dict[str, Any]:
    pooled, labels = scored.pooled, scored.table.labels.names
    values = {
        "labels": list(labels),
        "n": pooled.n,
        "groups": scored.n_groups,
        **{name: getattr(pooled, name) for name in metrics.SUMMARY},
        "accuracy_interval": asdict(scored.accuracy_wilson),
        "accuracy_interval_groups": asdict(scored.accuracy_groups),
        "macro_f1_interval_groups": asdict(scored.macro_f1_groups),
        "majority_share": majority_share(scored.table),
        "confusion": metrics.confusion(scored.table).tolist(),
        "per_class": _per_class(scored),
        "auc": {c.label: c.auc for c in pooled.classes},
        "mean_of_folds": dict(scored.folds.mean),
        "sd_of_folds": dict(scored.folds.sd),
        "folds": _folds(scored),
    }
    further = {"over_draws": plain(scored.repeated), "findings": plain(scored.findings)}
    return {
        **{name: values[name] for name in _FIGURES},
        **{name: value for name, value in further.items() if value is not None},
    }


def _per_class(scored: Scored) -> list[dict[str, Any]]:
    return [
        {
            **asdict(c),
            "sensitivity_interval": asdict(scored.sensitivity_wilson[column]),
            "auc_interval_groups": asdict(scored.auc_groups[column]),
        }
        for column, c in enumerate(scored.pooled.classes)
    ]


def _folds(scored: Scored) -> list[dict[str, Any]]:
    """Scores of each fold, beside what is known of its trial."""
    trials = {
        trial.fold: asdict(replace(trial, history=())) | {"epochs": len(trial.history)}
        for trial in scored.outcome.folds
    }
    rows = []
    for fold, scores in zip(scored.folds.folds, scored.folds.scores, strict=True):
        trial = trials.get(fold, {})
        trial.pop("history", None)
        trial["chosen"] = dict(trial.get("chosen", ()))
        figures = {name: getattr(scores, name) for name in metrics.SUMMARY}
        confusion = metrics.confusion(scored.table.rows_of_fold(fold)).tolist()
        rows.append({**trial, "fold": fold, "n": scores.n, **figures, "confusion": confusion})
    return rows


def _published(published: Published | None) -> list[dict[str, Any]]:
    if published is None:
        return []
    about = {"source": published.name, "protocol": published.protocol, "n": published.n}
    return [{**about, **row.model_dump(mode="json")} for row in published.configurations]


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
