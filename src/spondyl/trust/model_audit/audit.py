"""May these networks be trusted? Everything that is asked of them, and the checks that come of it.

One line: the subject's films are prepared once; its networks are asked about them as they are,
changed, and beside strangers; the answers are scored; each score becomes a check with its question.
There is no overall score. What could not be asked is a check that was not run.

The cohort is audited first, since what a network could use without a spine is what its accuracy has
to be held against. The price is the time of some twenty forward passes a film.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from spondyl.data import cohort as cohorts
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.learn.predictions import PredictionTable
from spondyl.progress import Track, silently
from spondyl.trust.answers import (
    calibration,
    cross_conformal,
    discrimination,
    net_benefit,
    screening,
    selective,
    subgroups,
)
from spondyl.trust.asking import changes, looking, questioning, refusals, reliance
from spondyl.trust.asking.questioning import Shown
from spondyl.trust.asking.subject import Subject
from spondyl.trust.checks import Check, counts
from spondyl.trust.data_audit import alarms, label_errors
from spondyl.trust.data_audit import audit as of_films
from spondyl.trust.data_audit import panel as data_panel
from spondyl.trust.data_audit.audit import DataAudit
from spondyl.trust.data_audit.probing import Probed
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.verdict import answers, grounds, honesty, limits, looks
from spondyl.trust.plain import plain

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is asked, and at which stated errors."""

    seed: int = 0
    alpha: float = 0.1
    """Share of films whose set may miss their label."""
    stated_error: float = 0.05
    """Of the films that are answered under abstention."""
    n_looked: int = looking.N_FILMS
    """Films whose heatmaps are scored."""


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What the networks' answers are worth."""

    discrimination: discrimination.Discrimination
    calibration: calibration.Calibration
    sets: cross_conformal.ConformalSets | NotRun
    sets_by_label: cross_conformal.ConformalSets | NotRun
    risk_coverage: selective.RiskCoverage
    abstention: selective.Abstention | NotRun
    screening: screening.OperatingPoint | NotRun
    net_benefit: net_benefit.DecisionCurve | NotRun
    subgroups: subgroups.Subgroups
    suspicions: label_errors.Suspicions
    """Films whose label the networks would not have given."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelAudit:
    """All that was asked of a subject, and what came of it."""

    title: str
    source: str
    tested_within: bool
    n_films: int
    """That its networks may answer for."""
    n_left_out: int
    """That all of its networks learned from."""
    predictions: PredictionTable
    films: DataAudit | NotRun
    """Of the same films, without a network."""
    best_probe: Probed | None
    """Of those of what is not anatomy, the most accurate under grouped folds."""
    share: discrimination.ShareReached | NotRun
    answered: Answered
    reliance: reliance.Reliance
    looked: looking.Looked
    refusals: refusals.Refusals | NotRun
    checks: tuple[Check, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The audit as one JSON document, predictions apart."""
        probes = [] if isinstance(self.films, NotRun) else self.films.as_dict()["probes"]
        return {
            "schema_version": SCHEMA_VERSION,
            "title": self.title,
            "source": self.source,
            "tested_within": self.tested_within,
            "n_films": self.n_films,
            "n_left_out": self.n_left_out,
            "seconds": self.seconds,
            "checks": [check.as_dict() for check in self.checks],
            "probes": probes,
            "best_probe": self.best_probe and self.best_probe.name,
            "share_reached": plain(self.share),
            "answered": plain(self.answered),
            "reliance": plain(self.reliance),
            "looked": plain(self.looked),
            "refusals": plain(self.refusals),
        }

    def lines(self) -> list[str]:
        """The audit for a person, a line each."""
        checked = [f"{check.status:8} {check.name}: {check.said}" for check in self.checks]
        said = ", ".join(f"{n} {status}" for status, n in counts(self.checks).items())
        return [f"{self.title} ({self.source}), {self.n_films} films", *checked, f"checks: {said}"]


def audit(
    subject: Subject,
    films: DataAudit | NotRun,
    masks: Path | None = None,
    plan: Plan | None = None,
    device: torch.device | None = None,
    track: Track = silently,
) -> ModelAudit:
    """The audit of `subject`, whose cohort's audit is `films`.

    `masks` is a folder of regions; films without a mask there are asked nothing about their spine.
    Raises `SpondylError` for films and masks that cannot be read.
    """
    plan, began = plan or Plan(), time.perf_counter()
    shown = Shown.of(subject, masks, track)
    asked = {reliance.UNCHANGED: changes.unchanged} | {
        name: change.apply for name, change in changes.CHANGES.items()
    }
    said = questioning.asked(subject, asked, shown, device, track)
    table = said[reliance.UNCHANGED].predictions
    rests = reliance.of(said, changes.CHANGES, plan.seed)
    refused = refusals.measured(subject, shown, seed=plan.seed, device=device, track=track)
    looked = looking.measured(
        subject, shown, n_films=plan.n_looked, seed=plan.seed, device=device, track=track
    )
    answered = _answered(table, subject, plan)
    best, share = _share(table, films, plan.seed)
    found = ModelAudit(
        subject.title,
        subject.source,
        subject.tested_within,
        len(table),
        len(subject.cohort.radiographs) - len(subject.answered),
        table,
        films,
        best,
        share,
        answered,
        rests,
        looked,
        refused,
        checks=(),
        seconds=round(time.perf_counter() - began, 1),
    )
    sites = {film.site for film in subject.cohort.radiographs}
    return replace(found, checks=checks_of(found, masks is not None, sites))


def checks_of(found: ModelAudit, masks_given: bool, sites: Collection[str]) -> tuple[Check, ...]:
    """The checks that the figures of an audit come to; its films are of `sites`."""
    answered = found.answered
    return (
        answers.of_discrimination(answered.discrimination),
        grounds.of_share(found.share, found.best_probe),
        *grounds.of_spine(found.reliance, masks_given),
        *grounds.of_families(found.reliance),
        *looks.of_looks(found.looked),
        honesty.of_calibration(answered.calibration),
        honesty.of_raw_confidence(answered.calibration),
        honesty.of_sets(answered.sets, "marginal"),
        honesty.of_sets(answered.sets_by_label, "by label"),
        honesty.of_abstention(answered.abstention),
        answers.of_screening(answered.screening),
        answers.of_subgroups(answered.subgroups),
        alarms.of_suspicions(
            answered.suspicions, "these networks", answered.discrimination.accuracy.value
        ),
        limits.of_refusals(found.refusals),
        limits.of_place(found.n_films, found.tested_within, sites),
    )


def audit_films(
    subject: Subject,
    masks: Path | None = None,
    seed: int = 0,
    copies: Sequence[DuplicateGroup] = (),
    track: Track = silently,
) -> DataAudit | NotRun:
    """The data audit of the films that a subject is asked about, in whose groups `copies` are; or
    why they cannot be probed."""
    films = subject.cohort.only(set(subject.answered))
    plan = data_panel.Plan(seed=seed, regions=masks)
    if too_few := cohorts.too_few_groups(films.radiographs, films.labels, plan.n_folds):
        return NotRun(f"the films cannot be probed: {too_few[0].where} {too_few[0].what}")
    return of_films.audited(films, copies, plan, track)


def best_probe(probed: Sequence[Probed]) -> Probed:
    """The most accurate of the probes of what is not anatomy, under grouped folds."""
    suspects = [one for one in probed if one.kind == "not-anatomy" and one.folds == "grouped"]
    return max(suspects, key=lambda one: one.accuracy)


def _share(
    table: PredictionTable, films: DataAudit | NotRun, seed: int
) -> tuple[Probed | None, discrimination.ShareReached | NotRun]:
    if isinstance(films, NotRun):
        return None, films
    best = best_probe(films.probes)
    return best, discrimination.share_reached(table, best.predictions, seed)


def _answered(table: PredictionTable, subject: Subject, plan: Plan) -> Answered:
    scaled = calibration.calibrated(table)
    honest = table if isinstance(scaled, NotRun) else scaled[0]
    seed = plan.seed
    return Answered(
        discrimination.discrimination(table, seed),
        calibration.calibration(table, seed),
        cross_conformal.cross_conformal(table, plan.alpha, "marginal", seed),
        cross_conformal.cross_conformal(table, plan.alpha, "by label", seed),
        selective.risk_coverage(honest, seed),
        selective.abstain(honest, plan.stated_error, seed),
        screening.operating_point(honest, seed),
        net_benefit.decision_curve(honest, seed),
        subgroups.subgroups(table, subject.cohort.radiographs, seed),
        label_errors.suspected(table),
    )
