"""The main job on drawn films, from nothing to a report, on two cores in minutes.

Phantoms are drawn, a small network is really trained on them from random weights under
cross-validation, beside its own untrained features; what would need weights that are not here is
shown as not run. Because the spine of a phantom is known, heatmaps of some of its films can be
scored by where they lie, beside what chance would give, and the trained networks are audited. It
says that the machinery works, and nothing about patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from spondyl.data.phantom import drawing, output
from spondyl.explain.study import record
from spondyl.explain.study.record import Explanations
from spondyl.explain.study_explaining import explain_run
from spondyl.files import new_folder, refuse_unless_free
from spondyl.learn.spec import StudySpec, parse_spec
from spondyl.learn.study import Study
from spondyl.progress import Track, silently
from spondyl.reading import auditing
from spondyl.reading.auditing import Wanted
from spondyl.report import whole
from spondyl.report.audits import page, writing
from spondyl.trust.checks import counts

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
        remarks=lambda study: _explained(study, drawn / "regions", track),
        track=track,
    )
    folder = reported.study.folder
    explained = [record.load(folder, one.configuration) for one in reported.outcomes]
    said = [_said(one) for one in explained if one is not None]
    audited = _audited(folder, drawn / "regions", out / "audit", track)
    return Demonstrated(reported.page, (*reported.lines, *said, *audited))


def _audited(study: Path, marked: Path, out: Path, track: Track) -> tuple[str, ...]:
    """Audits the trained networks, and says what failed."""
    asked = auditing.audited(study, wanted=Wanted(strategy="scratch"), track=track)
    (found,) = auditing.audits(asked, marked, track=track)
    with new_folder(out) as draft:
        writing.write(study, (found,), None, draft)
    failed = ", ".join(check.name for check in found.checks if check.status == "fail") or "none"
    answers = ", ".join(f"{n} {status}" for status, n in counts(found.checks).items())
    return (
        f"audit of {found.title}: {answers}; failed: {failed}",
        f"audit: {out / page.PAGE}",
    )


def _explained(study: Study, marked: Path, track: Track) -> tuple[str, ...]:
    """Scores the heatmaps against the drawn spines, which the report then finds in the folder."""
    explain_run(study.folder, masks=marked, track=track)
    return (
        "These films are drawn phantoms: what a network scores on them says that the machinery "
        "works, and nothing about patients.",
    )


def _said(explained: Explanations) -> str:
    """How much of the maps' energy lies on the drawn spine, beside what chance would give."""
    table = explained.table
    maker = explained.about.pictures[0][0]
    on_spine, by_chance = (
        list(table.by_film(score, maker).values()) for score in ("energy", "energy-chance")
    )
    if not on_spine:
        return f"{explained.configuration}: no heatmap has any energy"
    return (
        f"{explained.configuration}: {mean(on_spine):.3f} of the heatmap's energy on the spine, "
        f"chance {mean(by_chance):.3f}, {len(on_spine)} films"
    )
