"""A comparison as one JSON document, and as one flat table with all digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from spondyl.learn.environment import environment
from spondyl.learn.outcome import Outcome
from spondyl.report.comparing.compared import Compared, Front
from spondyl.report.comparing.sources import Row
from spondyl.report.published import Published
from spondyl.report.published_references import Reference
from spondyl.trust.answers.many_pairs import Pair
from spondyl.trust.answers.side_by_side import RowFigures
from spondyl.trust.plain import plain

SCHEMA_VERSION = 1
_SUMMED = ("accuracy", "macro_sensitivity", "macro_f1", "macro_auc_pooled")
_CALIBRATED = ("ece", "brier", "log_loss")


def document(
    compared: Compared, paper: Published, cited: tuple[Reference, ...], command: str
) -> dict[str, Any]:
    """All figures, null where something has none; published ones stand apart."""
    shared = compared.shared
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "films": {
            "n": shared.n_films,
            "n_distinct": shared.n_groups,
            "cohort_sha256": list(shared.cohorts),
            "splits_sha256": list(shared.splits),
            "regrouped": shared.regrouped,
        },
        "seed": compared.seed,
        "rows": [_row(compared, row) for row in compared.rows],
        "tests": {
            "reference": compared.pairs.reference or None,
            "n_mcnemar": compared.pairs.n_mcnemar,
            "n_delong": compared.pairs.n_delong,
            "n": compared.pairs.n_tests,
            "corrected_by": "Holm 1979, over all of them",
        },
        "pairs": [_pair(pair) for pair in compared.pairs.pairs],
        "best": plain(compared.best),
        "fronts": [_front(front) for front in compared.fronts],
        "published": {
            "article": paper.model_dump(mode="json"),
            "references": [one.model_dump(mode="json") for one in cited],
        },
        "environment": environment(),
    }


def flat_csv(compared: Compared) -> str:
    """A line for each row, all digits; empty where something was not run."""
    lines = [_flat(compared, row) for row in compared.rows]
    names = list(dict.fromkeys(name for line in lines for name in line))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return stream.getvalue()


def _row(compared: Compared, row: Row) -> dict[str, Any]:
    number = row.number
    own = compared.own_films.get(number)
    looked, audited = compared.looks.get(number), compared.audits.get(number)
    return {
        "number": number,
        "name": row.name,
        "runs": [source.name for source in row.sources],
        "configuration": plain(row.of.configuration) if isinstance(row.of, Outcome) else None,
        "trials": list(row.trials),
        "steered_by_judged_films": row.is_steered,
        "not_run": row.not_run or None,
        "own_films": None if own is None else {"n": own[0], "n_right": own[1]},
        "figures": plain(compared.figures.get(number)),
        "audit": None if audited is None else {**plain(audited), "checks": dict(audited.checks)},
        "heatmaps": None
        if looked is None
        else {
            "method": looked.method,
            "n_films": looked.n_films,
            "scores": {name: {**plain(mean), "n": n} for name, (mean, n) in looked.scores.items()},
        },
        "cost": plain(compared.costs[number]),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    """The two readings that are corrected, and the intervals; nothing else that has a p value."""
    one = pair.comparison
    return {
        "first": one.first,
        "second": one.second,
        "n_films": one.n_films,
        "n_distinct": one.n_groups,
        "accuracy": plain(one.accuracy),
        "macro_f1": plain(one.macro_f1),
        "mcnemar": {**plain(one.mcnemar), "p_holm": pair.mcnemar_holm},
        "auc": [
            {"label": label.label, "test": plain(label.test), "p_holm": plain(p_holm)}
            for label, p_holm in zip(one.labels, pair.auc_holm, strict=True)
        ],
    }


def _front(front: Front) -> dict[str, Any]:
    return {
        "x": front.x_label,
        "better": front.x_is_better,
        "members": [row.name for row in front.members],
        "points": [
            {
                "row": spot.row.name,
                "x": spot.x,
                "x_interval": plain(spot.x_interval),
                "accuracy": spot.accuracy,
                "accuracy_interval": plain(spot.accuracy_interval),
            }
            for spot in front.spots
        ],
        "without": [row.name for row in front.without],
    }


def _flat(compared: Compared, row: Row) -> dict[str, object]:
    number, line = row.number, {"row": row.number, "name": row.called, "not_run": row.not_run}
    line["runs"] = "; ".join(source.name for source in row.sources)
    line["steered"] = "yes" if row.is_steered else "no"
    if number in compared.figures:
        line |= _flat_figures(compared.figures[number])
    if compared.best and number in compared.figures and row in compared.eligible:
        line["in_best_set"] = "yes" if row.name in compared.best.members else "no"
    audited = compared.audits.get(number)
    if audited and audited.share:
        line |= _ends("shortcut_share", plain(audited.share))
    if number in compared.looks:
        for name, (mean, n) in compared.looks[number].scores.items():
            key = f"heatmap_{name.replace('-', '_')}"
            line |= {**_ends(key, plain(mean)), f"{key}_n": n}
    cost = plain(compared.costs[number])
    line |= {name: "" if value is None else value for name, value in cost.items()}
    return line


def _flat_figures(one: RowFigures) -> dict[str, object]:
    found, distinct = one.discrimination, one.distinct
    line: dict[str, object] = {
        "distinct_n": distinct.n,
        "distinct_right": distinct.n_right,
        "distinct_accuracy": distinct.accuracy.value,
        "distinct_wilson_low": distinct.wilson.low,
        "distinct_wilson_high": distinct.wilson.high,
        "n": found.n,
        "right": one.n_right,
        "wilson_low": found.accuracy_wilson.low,
        "wilson_high": found.accuracy_wilson.high,
    }
    for name in _SUMMED:
        line |= _ends(name, plain(getattr(found, name)))
    for when, scores in (("before", one.calibration.before), ("after", one.calibration.after)):
        for name in _CALIBRATED if scores is not None else ():
            line |= _ends(f"{name}_{when}", plain(getattr(scores, name)))
    return line


def _ends(name: str, estimate: Mapping[str, Any]) -> dict[str, object]:
    """A figure and the ends of its interval as three columns."""
    interval = estimate["interval"]
    values = (estimate["value"], interval["low"], interval["high"])
    keys = (name, f"{name}_low", f"{name}_high")
    return {key: "" if value is None else value for key, value in zip(keys, values, strict=True)}
