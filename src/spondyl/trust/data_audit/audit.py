"""What a model of these films could use instead of the spine: asked of the films, without a model.

Every probe is asked under plain folds and under folds of whole groups. Only probes of what is not
anatomy raise alarms, and only where they beat shuffled labels under grouped folds after Holm's
correction for all of them: on films of which nothing but the spine tells the label, there is a
false alarm in one audit of twenty at most. A pass says that nothing was seen with so many films,
not that nothing is there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spondyl.data import cohort as cohorts
from spondyl.data.cohort import Cohort
from spondyl.data.duplicates import finding as duplicates
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.data.radiograph import Radiograph
from spondyl.errors import SpondylError
from spondyl.learn.preprocess import Preprocessing, prepare
from spondyl.progress import Track, silently
from spondyl.trust.checks import Check, Evidence, counts, finite, not_run
from spondyl.trust.data_audit import probes as all_probes
from spondyl.trust.data_audit import probing
from spondyl.trust.data_audit.probes import SIDE, Asked, NotAsked, Pictures
from spondyl.trust.data_audit.probing import N_SHUFFLES, Films, Folding, FoldsName, Probe, Probed
from spondyl.trust.intervals import LEVEL, holm

SCHEMA_VERSION = 1
FOLDS: tuple[FoldsName, ...] = ("plain", "grouped")
ALPHA = 1 - LEVEL
"""Share of clean cohorts that may raise one alarm or more."""
_AT_MOST = 5  # rows of an association table
_FEW = 40  # numbers of a probe, at most, that are worth a look one by one


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
    checks: tuple[Check, ...]
    n_folds: int
    seed: int
    seconds: float

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
            "probes": [_probe_row(one) for one in self.probes],
            "not_asked": [asdict(one) for one in self.not_asked],
            "duplicate_groups": [list(group.image_ids) for group in self.copies],
            "checks": [check.as_dict() for check in self.checks],
        }

    def lines(self) -> list[str]:
        """The audit for a person, a line each."""
        said = [
            f"{one.name:14} {one.folds:8} {one.kind:12} accuracy {one.accuracy:.3f} "
            f"[{one.interval.low:.3f}, {one.interval.high:.3f}], macro F1 {one.macro_f1:.3f}, "
            f"p {one.null.p_value:.3f}"
            for one in self.probes
        ]
        majority = f"always the most frequent label: {self.probes[0].majority:.3f}"
        checked = [f"{check.status:8} {check.name}: {check.said}" for check in self.checks]
        answers = ", ".join(f"{n} {status}" for status, n in counts(self.checks).items())
        return [*said, majority, *checked, f"checks: {answers}"]


def audit(
    path: Path,
    labels: LabelSet = SPINE_LABELS,
    n_folds: int = 5,
    seed: int = 0,
    n_shuffles: int = N_SHUFFLES,
    track: Track = silently,
) -> DataAudit:
    """The audit of the films at `path`, a folder of class folders or a CSV manifest.

    Raises `SpondylError` for films that cannot be read, fewer than two folds, and labels with
    fewer groups than folds.
    """
    began = time.perf_counter()
    if n_folds < 2:
        raise SpondylError(f"{n_folds} folds: nothing to probe", "Ask for two folds or more.")
    stated = cohorts.read(path, labels, track=track)
    copies = duplicates.find_in(stated.radiographs, track)
    cohort = stated.with_groups(duplicates.groups_of(stated.group_ids, copies))
    if problems := cohorts.too_few_groups(cohort.radiographs, labels, n_folds):
        raise SpondylError.of(problems, str(path))
    every = _films(cohort)
    taken = cohort.only({every.image_ids[row] for row in probing.sampled(every, seed)})
    films = _films(taken)
    asked = _asked(taken.radiographs, track)
    folded = {name: Folding.draw(films, name, n_folds, seed, n_shuffles) for name in FOLDS}
    probes = [one for one in asked if isinstance(one, Probe)]
    probed = tuple(
        probing.probe(one, folded[name], seed)
        for one in track(probes, "probing", len(probes))
        for name in FOLDS
    )
    skipped = tuple(one for one in asked if isinstance(one, NotAsked))
    checks = (
        *_alarms(probes, probed, folded["grouped"]),
        *(not_run(one.name, one.question, one.why) for one in skipped if one.kind != "context"),
        _copies(cohort, copies, probed),
    )
    seconds = round(time.perf_counter() - began, 1)
    return DataAudit(cohort, len(films), probed, skipped, copies, checks, n_folds, seed, seconds)


def _films(cohort: Cohort) -> Films:
    films = cohort.radiographs
    return Films(
        cohort.labels,
        tuple(film.image_id for film in films),
        tuple(film.group_id for film in films),
        np.array([cohort.labels.column(film.label or "") for film in films], np.int64),
    )


def _asked(films: Sequence[Radiograph], track: Track) -> list[Asked]:
    """Every probe, or why it cannot be asked."""
    small = Preprocessing(size=(SIDE, SIDE), fit="stretch", colour="grey")
    pictures: Pictures = prepare(films, small, track).images[:, 0].float().numpy()
    return [
        all_probes.of_files(films),
        all_probes.of_people(films),
        all_probes.of_stated("view", films),
        all_probes.of_stated("site", films),
        *all_probes.of_pictures(pictures),
    ]


def _alarms(
    probes: Sequence[Probe], probed: Sequence[Probed], folding: Folding
) -> tuple[Check, ...]:
    """A check for each probe of what is not anatomy, under grouped folds."""
    values = {one.name: one for one in probes}
    suspects = [one for one in probed if one.kind == "not-anatomy" and one.folds == "grouped"]
    corrected = holm([one.null.p_value for one in suspects])
    return tuple(
        _alarm(one, p, values[one.name], folding)
        for one, p in zip(suspects, corrected, strict=True)
    )


def _alarm(one: Probed, p_value: float, asked: Probe, folding: Folding) -> Check:
    told = p_value <= ALPHA
    share = f"{one.accuracy:.1%} of {len(one.predictions)} films are told by it"
    said = f"{share}; always the most frequent label tells {one.majority:.1%} (p = {p_value:.3f})."
    if not told:
        said += " No more is seen in it than in shuffled labels; with more films it might be."
    evidence: tuple[Evidence, ...] = ()
    if len(asked.columns) <= _FEW:
        strongest = probing.associations(asked, folding)[:_AT_MOST]
        rows = tuple((name, f"{eta:.3f}", f"{p:.3f}") for name, eta, p in strongest)
        evidence = (Evidence("Each number by itself", ("number", "η²", "p, uncorrected"), rows),)
        if told:
            telling = [name for name, _, p in strongest if p <= ALPHA][:3]
            said += f" Most telling by themselves: {', '.join(telling) or 'none'}."
    return Check(
        one.name,
        one.question,
        "fail" if told else "pass",
        said,
        one.accuracy,
        one.interval,
        one.null.accuracy_high,
        f"{one.null.n_shuffles} shuffles of the labels, corrected for all alarms (Holm 1979)",
        p_value,
        evidence,
    )


def _copies(cohort: Cohort, copies: Sequence[DuplicateGroup], probed: Sequence[Probed]) -> Check:
    """What films that occur more than once are worth to whoever does not group them."""
    question = "Does a film occur more than once, so that a fold could know it already?"
    if not copies:
        return Check("copies", question, "pass", "No two films show one picture.", 0.0)
    n = sum(len(group.image_ids) for group in copies)
    label_of = {film.image_id: film.label for film in cohort.radiographs}
    crossed = [g for g in copies if len({label_of[image_id] for image_id in g.image_ids}) > 1]
    by_folds = {(one.name, one.folds): one.accuracy for one in probed}
    worth = {
        name: by_folds[name, "plain"] - by_folds[name, "grouped"]
        for name in all_probes.NAMES
        if (name, "plain") in by_folds
    }
    rows = tuple((name, f"{100 * points:+.1f}") for name, points in worth.items())
    said = f"{n} films show one picture with another, in {len(copies)} groups: keep them together."
    if crossed:
        said += f" {len(crossed)} groups bear two labels: one of them is wrong."
    return Check(
        "copies",
        question,
        "fail" if crossed else "warn",
        said,
        float(n),
        evidence=(Evidence("Plain minus grouped folds", ("probe", "points of accuracy"), rows),),
    )


def _probe_row(one: Probed) -> dict[str, Any]:
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
