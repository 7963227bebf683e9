"""An external test as JSON, and its answers film by film as CSV."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from spondyl.learn.environment import environment
from spondyl.learn.predictions import csv_text
from spondyl.reading.external import External, Tested
from spondyl.trust.external.figures import Figures
from spondyl.trust.intervals import NotRun
from spondyl.trust.plain import plain

SCHEMA_VERSION = 1
JSON, PREDICTIONS = "external.json", "predictions.csv"
_TOO_LONG = ("table", "p_values")
"""Fields of `Figures` that stand in the predictions, film by film."""


def document(found: External, command: str) -> dict[str, Any]:
    """All figures with their numbers of films and groups; no film is named."""
    pair, banded = found.pair, found.banded
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "environment": environment(),
        "seed": found.seed,
        "study": {
            "cohort_sha256": pair.home.sha256,
            "splits_sha256": found.study.splits.sha256,
            "counts": pair.home.counts,
            "n_groups": len(set(pair.home.group_ids.values())),
        },
        "other": {
            "cohort_sha256": pair.outside.sha256,
            "counts": pair.outside.counts,
            "n_groups": len(set(pair.outside.group_ids.values())),
            "n_left_out_as_copies": len(pair.copies),
        },
        "bands": None if banded is None else plain(banded),
        "shift": plain(found.shift),
        "configurations": [_tested(one) for one in found.tested],
        "not_tested": [
            {"configuration": asdict(one.configuration), "why": one.not_run}
            for one in found.unfinished
        ],
    }


def predictions(found: External) -> str:
    """A row for each film and configuration, as CSV."""
    names = found.study.cohort.labels.names
    header = [
        *("network", "strategy", "protocol", "image_id", "group_id", "truth", "called"),
        *(f"probability_{name}" for name in names),
        *("networks_that_agree", *(f"p_value_{name}" for name in names), "networks_that_refuse"),
        *([] if found.banded is None else [found.banded.column]),
    ]
    rows = [row for one in found.tested for row in _rows(found, one)]
    return csv_text([header, *rows])


def _tested(one: Tested) -> dict[str, Any]:
    return {
        "configuration": asdict(one.configuration),
        "weights": None if one.weights is None else asdict(one.weights),
        "folds": list(one.said.folds),
        "figures": _figures(one.figures),
        "features": {"not_run": one.body.why} if isinstance(one.body, NotRun) else plain(one.body),
        "label_shift": plain(one.labels),
    }


def _figures(figures: Figures) -> dict[str, Any]:
    names = [name for name in Figures.__dataclass_fields__ if name not in _TOO_LONG]
    return {name: plain(getattr(figures, name)) for name in names}


def _rows(found: External, one: Tested) -> list[list[str]]:
    table, said = one.figures.table, one.said
    names = table.labels.names
    votes = said.logits.argmax(axis=2)
    agree = (votes == table.predicted).sum(axis=0)
    refusing = said.refusing
    strange = [""] * len(table)
    if not isinstance(refusing, NotRun):
        strange = [str(n) for n in refusing.outside.sum(axis=0).tolist()]
    about = [str(value) for value in asdict(one.configuration).values()]
    return [
        [
            *(*about, table.image_ids[film], table.group_ids[film]),
            *(names[table.truth[film]], names[called]),
            *(f"{share:.6f}" for share in table.probabilities[film]),
            str(int(agree[film])),
            *(f"{p:.6f}" for p in one.figures.p_values[film]),
            strange[film],
            *([] if found.values is None else [_number(found.values[film])]),
        ]
        for film, called in enumerate(table.predicted)
    ]


def _number(value: np.float64) -> str:
    return "" if np.isnan(value) else f"{value:g}"
