"""Sentences on what came of a configuration: its figures with their intervals, and its errors."""

from __future__ import annotations

import numpy as np

from spondyl.report.summary import SEED, Scored, majority_share
from spondyl.trust import metrics
from spondyl.trust.answers.calibration import calibration_scores
from spondyl.trust.intervals import Interval

_CONFUSIONS = 3  # kinds of error that are named


def of_results(scored: Scored) -> dict[str, str]:
    """What came of a configuration, with intervals."""
    pooled, table = scored.pooled, scored.table
    rows = [
        f"{one.label}: sensitivity {_share(one.sensitivity, wilson)}, specificity "
        f"{_share(one.specificity)}, precision {_share(one.precision)}, AUC "
        f"{_number(one.auc)} {_span(area, 1)}"
        for one, wilson, area in zip(
            pooled.classes, scored.sensitivity_wilson, scored.auc_groups, strict=True
        )
    ]
    calibrated = calibration_scores(table, SEED)
    return {
        "metrics": "Accuracy, sensitivity, specificity, precision and F1 of each label and their "
        "means, AUC of each label against the rest, Brier score and log loss, pooled over folds.",
        "uncertainty": "95 % intervals: bootstrap over groups of films, and Wilson for shares; "
        "configurations are compared by exact McNemar tests, corrected (Holm).",
        "performance": f"Accuracy {_share(pooled.accuracy, scored.accuracy_groups)} of {pooled.n} "
        f"films, macro F1 {_number(pooled.macro_f1)} {_span(scored.macro_f1_groups, 1)}; always "
        f"the most frequent label: {_share(majority_share(table))}.",
        "per_class": "; ".join(rows) + ".",
        "calibration": f"Expected calibration error {_number(calibrated.ece.value)} "
        f"(if calibrated, {_number(calibrated.ece_if_calibrated)}); slope "
        f"{_number(calibrated.slope.value)} {_span(calibrated.slope.interval, 1)}, where 1 is "
        "calibrated and less is too sure. Probabilities as the networks gave them, those of all "
        "folds pooled.",
        "failures": _failures(scored),
    }


def _failures(scored: Scored) -> str:
    names, counts = scored.table.labels.names, metrics.confusion(scored.table)
    wrong = sorted(
        (-int(counts[i, j]), i, j) for i, j in np.ndindex(counts.shape) if i != j and counts[i, j]
    )
    if not wrong:
        return f"No film of {scored.pooled.n} was called wrongly."
    said = ", ".join(f"{names[i]} → {names[j]} {-n}" for n, i, j in wrong[:_CONFUSIONS])
    n_wrong = scored.pooled.n - scored.pooled.n_correct
    return (
        f"{n_wrong} of {scored.pooled.n} films were called wrongly, most often {said}; each is "
        "named in predictions.csv."
    )


def _share(value: float, interval: Interval | None = None) -> str:
    """A proportion in percent, with its interval where there is one."""
    if value != value:
        return "undefined"
    return f"{100 * value:.1f} %" + (f" {_span(interval, 100)}" if interval else "")


def _number(value: float) -> str:
    return "undefined" if value != value else f"{value:.3f}"


def _span(interval: Interval, scale: float) -> str:
    if interval.low != interval.low:
        return "[undefined]"
    digits = 1 if scale == 100 else 3
    return f"[{scale * interval.low:.{digits}f}–{scale * interval.high:.{digits}f}]"
