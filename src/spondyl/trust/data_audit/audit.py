"""What a model of these films could use instead of the spine: asked of the films, without a model.

Every probe is asked under plain folds and under folds of whole groups. Two kinds are never mixed:
what is not anatomy raises alarms (`alarms`), context stands beside. A pass says that nothing was
seen with so many films, not that nothing is there. What needs masks or weights that were not given
is not asked, and says so.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spondyl.data import cohort as cohorts
from spondyl.data.cohort import Cohort
from spondyl.data.duplicates import finding as duplicates
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.progress import Track, silently
from spondyl.trust.checks import Check, Evidence, counts, finite, not_run
from spondyl.trust.data_audit import alarms, label_errors, probing
from spondyl.trust.data_audit.label_errors import Suspicions
from spondyl.trust.data_audit.panel import FOLDS, Panel, Plan, Remedied, refuse_impossible
from spondyl.trust.data_audit.probes import NotAsked
from spondyl.trust.data_audit.probing import FoldsName, Probed

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True, eq=False)
class DataAudit:
    """All that was asked of a cohort, and what came of it."""

    cohort: Cohort
    """Groups of films that show one picture already made."""
    n_probed: int
    """Films that were probed; fewer than the cohort's where it is very large."""
    probes: tuple[Probed, ...]
    not_asked: tuple[NotAsked, ...]
    copies: tuple[DuplicateGroup, ...]
    artefacts: Evidence
    """How many films of each label show what is no anatomy."""
    suspicions: Suspicions
    remedied: tuple[Remedied, ...]
    checks: tuple[Check, ...]
    n_folds: int
    seed: int
    seconds: float

    def probed(self, name: str, folds: FoldsName) -> Probed:
        """What came of one probe; KeyError where it was not asked."""
        return {(one.name, one.folds): one for one in self.probes}[name, folds]

    def as_dict(self) -> dict[str, Any]:
        """The audit as one JSON document."""
        return {
            "schema_version": SCHEMA_VERSION,
            "cohort_sha256": self.cohort.sha256,
            "counts": self.cohort.counts,
            "n_groups": len(set(self.cohort.group_ids.values())),
            "n_probed": self.n_probed,
            "n_folds": self.n_folds,
            "seed": self.seed,
            "seconds": self.seconds,
            "probes": [_row(one) for one in self.probes],
            "not_asked": [asdict(one) for one in self.not_asked],
            "duplicate_groups": [list(group.image_ids) for group in self.copies],
            "artefacts": asdict(self.artefacts),
            "suspected_labels": [asdict(one) for one in self.suspicions.suspects],
            "remedies": [_remedied_row(one) for one in self.remedied],
            "checks": [check.as_dict() for check in self.checks],
        }

    def lines(self) -> list[str]:
        """The audit for a person, a line each."""
        wide = max(len(one.name) for one in self.probes)
        said = [
            f"{one.name:{wide}} {one.folds:8} {one.kind:12} accuracy {one.accuracy:.3f} "
            f"[{one.interval.low:.3f}, {one.interval.high:.3f}], macro F1 {one.macro_f1:.3f}, "
            f"p {one.null.p_value:.3f}"
            for one in self.probes
        ]
        majority = f"always the most frequent label: {self.probes[0].majority:.3f}"
        checked = [f"{check.status:8} {check.name}: {check.said}" for check in self.checks]
        answers = ", ".join(f"{n} {status}" for status, n in counts(self.checks).items())
        remedied = [line for one in self.remedied for line in _remedied_lines(one)]
        return [*said, majority, *remedied, *checked, f"checks: {answers}"]


def audit(
    path: Path, labels: LabelSet = SPINE_LABELS, plan: Plan | None = None, track: Track = silently
) -> DataAudit:
    """The audit of the films at `path`, a folder of class folders or a CSV manifest.

    Raises `SpondylError` for films or masks that cannot be read, fewer than two folds, labels with
    fewer groups than folds, and a remedy that needs masks that are not given.
    """
    plan = plan or Plan()
    refuse_impossible(plan)
    stated = cohorts.read(path, labels, track=track)
    copies = duplicates.find_in(stated.radiographs, track)
    cohort = stated.with_groups(duplicates.groups_of(stated.group_ids, copies))
    return audited(cohort, copies, plan, track)


def audited(
    cohort: Cohort,
    copies: Sequence[DuplicateGroup],
    plan: Plan | None = None,
    track: Track = silently,
) -> DataAudit:
    """The audit of a cohort whose `copies` have been found and grouped; raises as `audit` does."""
    plan, began = plan or Plan(), time.perf_counter()
    work = Panel.of(cohort, plan, track)
    probed = tuple(
        probing.probe(one, work.folded[name], plan.seed)
        for one in track(work.probes, "probing", len(work.probes))
        for name in FOLDS
    )
    about_spines, of_spines = work.spine_probes(track)
    skipped = (*(one for one in work.asked if isinstance(one, NotAsked)), *about_spines)
    every = (*probed, *of_spines)
    by, suspicions = _suspicions(every)
    checks = (
        *alarms.of_probes(work.probes, probed, work.folded["grouped"], work.beside),
        *(not_run(one.name, one.question, one.why) for one in skipped if one.kind != "context"),
        alarms.of_copies(cohort, copies, probed),
        alarms.of_suspicions(suspicions, by.name, by.accuracy),
    )
    return DataAudit(
        cohort,
        len(work.films),
        every,
        skipped,
        tuple(copies),
        work.counted,
        suspicions,
        tuple(work.remedied(remedy, probed, track) for remedy in plan.remedies),
        checks,
        plan.n_folds,
        plan.seed,
        round(time.perf_counter() - began, 1),
    )


def _suspicions(probed: Sequence[Probed]) -> tuple[Probed, Suspicions]:
    """The context probe that tells labels best under grouped folds, and whom it suspects."""
    fit = [one for one in probed if one.kind == "context" and one.folds == "grouped"]
    everybody = max(len(one.predictions) for one in fit)
    best = max(
        (one for one in fit if len(one.predictions) == everybody), key=lambda one: one.explained
    )
    return best, label_errors.suspected(best.predictions)


def _row(one: Probed) -> dict[str, Any]:
    """A probe as plain values."""
    return {
        "name": one.name,
        "folds": one.folds,
        "kind": one.kind,
        "question": one.question,
        "n": len(one.predictions),
        "accuracy": one.accuracy,
        "macro_f1": finite(one.macro_f1),
        "interval": asdict(one.interval),
        "majority": one.majority,
        "explained": finite(one.explained),
        "null": {name: finite(value) for name, value in asdict(one.null).items()},
    }


def _remedied_row(one: Remedied) -> dict[str, Any]:
    return {
        "name": one.name,
        "what": one.what,
        "n": one.n_films,
        "before": [_row(probed) for probed in one.before],
        "after": [_row(probed) for probed in one.after],
    }


def _remedied_lines(one: Remedied) -> list[str]:
    """Probes that were asked before and after."""
    after = {probed.name: probed for probed in one.after}
    pairs = [
        f"{was.name} {was.accuracy:.3f} → {after[was.name].accuracy:.3f}"
        if was.name in after
        else f"{was.name} {was.accuracy:.3f} → nothing of the kind is left"
        for was in one.before
    ]
    return [f"remedy {one.name} ({one.what}; {one.n_films} films): {', '.join(pairs)}"]
