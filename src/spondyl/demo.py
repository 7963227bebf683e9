"""The main job on drawn films, from nothing to a report, on two cores in minutes.

Phantoms are drawn, a small network is really trained on them from random weights under
cross-validation, beside its own untrained features; what would need weights that are not here is
shown as not run. Because the spine of a phantom is known, the demo can say how much of the
heatmaps' energy lies on it, and what chance would give. It says that the machinery works, and
nothing about patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np

from spondyl.data import regions
from spondyl.data.phantom import drawing, output
from spondyl.data.placement import Placement
from spondyl.explain import gallery, heatmap
from spondyl.explain.scores.localisation import Energy, energy_on_mask
from spondyl.files import refuse_unless_free
from spondyl.learn.outcome import Outcome
from spondyl.learn.spec import StudySpec, parse_spec
from spondyl.learn.study import Study
from spondyl.progress import Track, silently
from spondyl.report import whole
from spondyl.report.assembly import Additions
from spondyl.report.tables import Table

N_FILMS = 600
FILM_SIZE = (320, 160)
"""(height, width) about which the sizes of the drawn films vary, in pixels."""


@dataclass(frozen=True, slots=True)
class Demonstrated:
    """Where the demo's report lies, and what it says, line by line."""

    page: Path
    lines: tuple[str, ...]


def spec(seed: int) -> StudySpec:
    """The demo's study: a small network, trained, untrained, and with weights that are not here."""
    content = {
        "title": "Demonstration on drawn films",
        "networks": ["test_resnet:layer3"],
        "strategies": ["scratch", "random-features", "probe"],
        "folds": 3,
        "seed": seed,
        "size": [192, 96],
        "epochs": 32,
        "batch_size": 16,
        "learning_rate": 3e-3,
        "plateau_patience": 3,
        "rotate_degrees": 5.0,
        "translate": 0.05,
        "zoom": [0.9, 1.1],
        "shear_degrees": 0.0,
        "heatmaps": "all",
        "gallery_wrong": 12,
    }
    return parse_spec(content, "the demo's spec")


def run(out: Path, seed: int = 0, track: Track = silently) -> Demonstrated:
    """Draws the films into `out`/phantoms, runs the study in `out`/study, and writes its report."""
    refuse_unless_free(out)
    asked = spec(seed)  # an impossible seed is refused before any work
    films = drawing.cohort(
        N_FILMS, seed, size=FILM_SIZE, size_jitter=0.2, field="thoracolumbar", track=track
    )
    drawn = output.save(out / "phantoms", films, track)
    reported = whole.study_and_report(
        asked,
        drawn / "films",
        out / "study",
        {},
        cache=out / "cache",
        command="spondyl demo",
        skip_missing_weights=True,
        extras=lambda study, outcomes: _extras(study, outcomes, drawn / "regions"),
        track=track,
    )
    table = _energy_table(reported.study, reported.outcomes, drawn / "regions")
    said = [
        f"{row[0]}: {row[1]} of the heatmap's energy on the spine, chance {row[2]}"
        for row in table.rows
    ]
    return Demonstrated(reported.page, (*reported.lines, *said))


def _extras(study: Study, outcomes: Sequence[Outcome], marked: Path) -> Additions:
    remark = (
        "These films are drawn phantoms: what a network scores on them says that the machinery "
        "works, and nothing about patients."
    )
    return Additions((_energy_table(study, outcomes, marked),), (remark,))


def _energy_table(study: Study, outcomes: Sequence[Outcome], marked: Path) -> Table:
    """How much of the heatmaps' energy lies on the drawn spine, beside what chance would give."""
    rows = []
    for outcome in outcomes:
        if outcome.predictions is None:
            continue
        energies, n_empty = _energies(study, outcome, marked)
        gains = np.array([energy.on_mask - energy.by_chance for energy in energies])
        rows.append(
            (
                str(outcome.configuration),
                f"{mean(energy.on_mask for energy in energies):.3f}" if energies else "–",
                f"{mean(energy.by_chance for energy in energies):.3f}" if energies else "–",
                f"{(gains > 0).mean():.2f}" if energies else "–",
                str(len(energies)),
                str(n_empty),
            )
        )
    return Table(
        "energy-on-spine",
        "Energy of the heatmaps on the drawn spine",
        ("configuration", "on spine", "by chance", "films above chance", "films", "empty maps"),
        tuple(rows),
        (
            "Mean share of a map's energy on the spine mask, for the predicted label; a map that "
            "knows nothing has the mask's share of the film.",
        ),
    )


def _energies(study: Study, outcome: Outcome, marked: Path) -> tuple[list[Energy], int]:
    """One for each film's predicted label, and the number of maps without any energy."""
    table = outcome.predictions
    assert table is not None
    predicted = {
        image_id: table.labels.names[column]
        for image_id, column in zip(table.image_ids, table.predicted, strict=True)
    }
    found: list[Energy | None] = []
    for one in heatmap.load(gallery.path(study.folder, outcome.configuration)):
        if one.label == predicted[one.image_id]:
            known = regions.load(marked, one.image_id)
            assert known is not None
            assert known.spine_mask is not None
            placement: Placement = study.spec.preprocessing.placement(known.image_size)
            found.append(energy_on_mask(one, known.spine_mask, placement))
    energies = [energy for energy in found if energy is not None]
    return energies, len(found) - len(energies)
