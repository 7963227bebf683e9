"""An ensemble's folder: what is written of it, and how it is read back by whoever compares it.

ensemble.json is written last and names the hashes of the files beside it, so a folder that has one
is whole. It binds the predictions to cohort and splits as a study's trials are bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spondyl.data.labels import LabelSet
from spondyl.errors import SpondylError
from spondyl.explain import heatmap
from spondyl.explain.explaining import named
from spondyl.explain.heatmap import Heatmap
from spondyl.files import read_json, sha256_of_file, write_json, write_text
from spondyl.learn import predictions
from spondyl.learn.environment import environment
from spondyl.learn.members import Member
from spondyl.learn.predictions import PredictionTable
from spondyl.report.ensembles.made import Looked, Made
from spondyl.trust.plain import plain

SCHEMA_VERSION = 1
ENSEMBLE, PREDICTIONS = "ensemble.json", "predictions.csv"
HEATMAPS, CONSISTENCY = "heatmaps.npz", "consistency.csv"


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """An ensemble read back from its folder."""

    name: str
    cohort_sha256: str
    splits_sha256: str
    members: tuple[str, ...]
    weighting: str
    predictions: PredictionTable
    document: Mapping[str, Any]
    """All of ensemble.json."""


def save(made: Made, folder: Path, command: str = "") -> None:
    """Writes predictions, maps, consistency of maps film by film, and ensemble.json."""
    write_text(folder / PREDICTIONS, predictions.as_csv(made.vote.table))
    if made.looked is not None:
        write_text(folder / CONSISTENCY, _consistency(made, made.looked))
        heatmap.save(folder / HEATMAPS, _heatmaps(made, made.looked))
    names = [name for name in (PREDICTIONS, CONSISTENCY, HEATMAPS) if (folder / name).is_file()]
    hashes = {name: sha256_of_file(folder / name) for name in names}
    write_json(folder / ENSEMBLE, {**_document(made), "command": command, "sha256": hashes})


def load(folder: Path) -> Ensemble:
    """The ensemble in `folder`; `SpondylError` where there is none or it was changed."""
    document = read_json(folder / ENSEMBLE)
    try:
        if document["schema_version"] != SCHEMA_VERSION:
            raise KeyError(f"schema {document['schema_version']}")
        if sha256_of_file(folder / PREDICTIONS) != document["sha256"][PREDICTIONS]:
            raise SpondylError(
                f"{folder / PREDICTIONS}: changed since the ensemble was made",
                "Make the ensemble again, in a new folder.",
            )
        text = (folder / PREDICTIONS).read_text(encoding="utf-8")
        return Ensemble(
            document["name"],
            document["cohort_sha256"],
            document["splits_sha256"],
            tuple(member["name"] for member in document["members"]),
            document["weighting"],
            predictions.from_csv(text, LabelSet.of(document["labels"])),
            document,
        )
    except (KeyError, TypeError, AttributeError, OSError, ValueError) as error:
        raise SpondylError(
            f"{folder / ENSEMBLE}: not in the form of schema {SCHEMA_VERSION} ({error})",
            "Make the ensemble again, in a new folder.",
        ) from error


def _document(made: Made) -> dict[str, Any]:
    study = made.members[0].study
    vote = made.vote
    return {
        "schema_version": SCHEMA_VERSION,
        "name": made.name,
        "cohort_sha256": study.cohort.sha256,
        "splits_sha256": study.splits.sha256,
        "labels": list(vote.table.labels.names),
        "n": len(vote.table),
        "n_groups": len(set(vote.table.group_ids)),
        "folds": list(study.spec.folds_run),
        "weighting": vote.weighting,
        "scaled_on": vote.scaled_on,
        "members": [
            _member(member, [asdict(scale) for scale in scales])
            for member, scales in zip(made.members, vote.scales, strict=True)
        ],
        "weights": plain(vote.weights),
        "chosen_members": [list(one) for one in vote.chosen_members],
        "figures": plain(made.worth),
        "maps": None if made.looked is None else _about_maps(made.looked),
        "seed": made.seed,
        "environment": environment(),
    }


def _member(member: Member, scales: list[dict[str, Any]]) -> dict[str, Any]:
    trials = member.study.trials(member.configuration)
    return {
        "name": member.name,
        "run": member.study.folder.resolve().name,
        **asdict(member.configuration),
        "trials": [trial.trial_id for trial in trials],
        "temperatures": scales,
        "why_no_tune": member.why_no_tune,
    }


def _about_maps(looked: Looked) -> dict[str, Any]:
    return {
        "method": looked.method,
        "layers": {one.name: one.layer for one in looked.maps},
        "n_scored": looked.n_scored,
        **plain(looked.figures),
    }


def _consistency(made: Made, looked: Looked) -> str:
    """Film by film: whether it is right, and every measure."""
    table = made.vote.table.taken(looked.rows)
    found = looked.consistency
    of = {"members": found.members, **found.baselines}
    of |= {f"{found.names[a]} and {found.names[b]}": alike for a, b, alike in found.pairs}
    head = ["image_id", "group_id", "scored", "truth", "predicted"]
    head += [f"{name}: {measure}" for name in of for measure in ("rank", "dice")]
    lines = [head]
    for row, image_id in enumerate(table.image_ids):
        values = [
            float(getattr(alike, measure)[row])
            for alike in of.values()
            for measure in ("rank", "dice")
        ]
        lines.append(
            [
                *(image_id, table.group_ids[row], "yes" if row < looked.n_scored else "no"),
                table.labels.names[table.truth[row]],
                table.labels.names[table.predicted[row]],
                *("" if math.isnan(value) else f"{value:.6f}" for value in values),
            ]
        )
    return predictions.csv_text(lines)


def _heatmaps(made: Made, looked: Looked) -> list[Heatmap]:
    """Every member's map on its layer's grid, and the ensemble's on the cells that all share."""
    method, table = named(looked.method), made.vote.table.taken(looked.rows)
    maps = []
    for row, image_id in enumerate(table.image_ids):
        label = table.labels.names[table.predicted[row]]
        about = (label, method.title)
        maps += [
            Heatmap(
                *(image_id, one.maps[row].copy(), *about, one.layer, one.name),
                *(method.rectified, method.unit),
            )
            for one in looked.maps
        ]
        shared = looked.films[row].ensemble.astype(np.float32)
        where = "cells that all members share"
        unit = "of each member's peak"
        maps.append(Heatmap(image_id, shared, *about, where, made.name, method.rectified, unit))
    return maps
