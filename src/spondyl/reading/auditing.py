"""From a path to what is audited: the finished configurations of a study, or a bundle's networks.

A bundle keeps which files its networks learned from and were tested on, and not which of them only
steered, nor the films; so it needs a cohort. What tells strangers from films it brings along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from spondyl.data import cohort as cohorts
from spondyl.data import spines
from spondyl.data.cohort import Cohort
from spondyl.data.duplicates import finding as duplicates
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.data.labels import LabelSet
from spondyl.data.regions import refuse_unless_folder
from spondyl.data.spines import NO_SPINES, Spines
from spondyl.errors import Problem, SpondylError
from spondyl.learn import study as studies
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.learn.preprocess import Preprocessing
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.study import STUDY
from spondyl.progress import Track, silently
from spondyl.reading import opening
from spondyl.reading.bundle import Bundle, Member
from spondyl.trust.asking import subject
from spondyl.trust.asking.subject import Subject, Trained
from spondyl.trust.model_audit import audit
from spondyl.trust.model_audit.audit import ModelAudit, Plan


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which configurations of a study are audited; "" leaves a name open."""

    network: str = ""
    strategy: str = ""
    protocol: str = ""

    def fits(self, configuration: Configuration) -> bool:
        """Whether every name that is given is the configuration's."""
        return all(
            getattr(configuration, name) == value
            for name in ("network", "strategy", "protocol")
            if (value := getattr(self, name))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Audited:
    """What is audited, all on the same films, and which of these show one picture."""

    subjects: tuple[Subject, ...]
    copies: tuple[DuplicateGroup, ...]


def audited(
    path: Path,
    cohort: Path | None = None,
    regions: Path | None = None,
    wanted: Wanted | None = None,
    track: Track = silently,
) -> Audited:
    """The subjects at `path`, a study's folder or a bundle, before the films of `cohort`; without
    one, before the study's own.

    Raises `SpondylError` where nothing there can be audited, where a bundle has no cohort, for
    films that cannot be read or bear no label, and for spines that are needed and not given.
    """
    if regions is not None:
        refuse_unless_folder(regions)
    if (path / STUDY).is_file():
        return _of_study(path, cohort, regions, wanted or Wanted(), track)
    bundle = opening.load(path)
    if cohort is None:
        raise SpondylError(
            f"{path}: a bundle holds no films to be asked about", "Name a cohort with --cohort."
        )
    films, copies = _read(cohort, bundle.labels, track)
    known = spines_for(bundle.preprocessing, films, regions, track)
    return Audited((subject_of(bundle, films, known),), copies)


def audits(
    found: Audited,
    masks: Path | None = None,
    plan: Plan | None = None,
    device: torch.device | None = None,
    track: Track = silently,
) -> tuple[ModelAudit, ...]:
    """The audit of each subject; the films are audited once. Raises as `audit.audit` does."""
    plan = plan or Plan()
    films = audit.audit_films(found.subjects[0], masks, plan.seed, found.copies, track)
    return tuple(audit.audit(one, films, masks, plan, device, track) for one in found.subjects)


def subject_of(bundle: Bundle, cohort: Cohort, spines: Spines = NO_SPINES) -> Subject:
    """The networks of `bundle` before the films of `cohort`.

    Raises `SpondylError` for a cohort of other labels, and where every network learned from every
    film.
    """
    if cohort.labels.names != bundle.labels.names:
        raise SpondylError(
            f"the cohort's labels are {', '.join(cohort.labels.names)}, the bundle's "
            f"{', '.join(bundle.labels.names)}",
            "Name the bundle's labels, in its order.",
        )

    def trained(member: Member) -> Trained:
        return Trained(
            member.fold,
            partial(bundle.network, member.fold, torch.device("cpu")),
            frozenset(member.learned_from),
            frozenset(member.tested_on),
            detector=bundle.detector(member.fold),
        )

    return subject.before(
        cohort,
        [trained(member) for member in bundle.members],
        str(bundle.configuration),
        f"bundle {bundle.bundle_id[:12]}",
        bundle.preprocessing,
        spines,
        STRATEGIES[bundle.configuration.strategy].learned == "head",
    )


def _of_study(
    path: Path, cohort: Path | None, regions: Path | None, wanted: Wanted, track: Track
) -> Audited:
    study = studies.load(path)
    outcomes = finished(path, study.outcomes(), wanted)
    if cohort is None:
        own = tuple(subject.of_study(study, outcome) for outcome in outcomes)
        return Audited(own, study.duplicates)
    films, copies = _read(cohort, study.cohort.labels, track)
    known = spines_for(study.spec.preprocessing, films, regions, track)
    others = tuple(subject.of_study(study, outcome, films, known) for outcome in outcomes)
    return Audited(others, copies)


def finished(path: Path, outcomes: Sequence[Outcome], wanted: Wanted) -> list[Outcome]:
    """Those of a study's `outcomes` that are `wanted` and finished; `SpondylError` for none."""
    fitting = [one for one in outcomes if wanted.fits(one.configuration)]
    done = [one for one in fitting if one.predictions is not None]
    if not done:
        listed = "; ".join(f"{one.configuration}: {one.not_run or 'finished'}" for one in outcomes)
        raise SpondylError(
            f"{path}: no finished configuration of that name to ask ({listed})",
            "Run the study to its end, or name another with --network, --strategy and --protocol.",
        )
    return done


def _read(path: Path, labels: LabelSet, track: Track) -> tuple[Cohort, tuple[DuplicateGroup, ...]]:
    """The films at `path` as `labelled` reads them, copies grouped."""
    stated = labelled(path, labels, track)
    copies = duplicates.find_in(stated.radiographs, track)
    return stated.with_groups(duplicates.groups_of(stated.group_ids, copies)), copies


def labelled(path: Path, labels: LabelSet, track: Track = silently) -> Cohort:
    """The films at `path`, each with one of `labels`; not every label need be there.

    Raises `SpondylError` for films that cannot be read, other labels, and films without one.
    """
    stated = cohorts.read(path, labels, require_labels=False, track=track)
    unlabelled = [film.image_id for film in stated.radiographs if film.label is None]
    if unlabelled:
        hint = "State the label of every film, or leave the film out."
        raise SpondylError.of([Problem(i, "has no label", hint) for i in unlabelled], str(path))
    return stated


def spines_for(
    preprocessing: Preprocessing, cohort: Cohort, regions: Path | None, track: Track = silently
) -> Spines:
    """The films' spines where the networks are not shown a film without; `SpondylError` where they
    are needed and not given."""
    if not preprocessing.needs_spine:
        return NO_SPINES
    if regions is None:
        raise SpondylError(
            "its networks are shown films by their spine masks, and none are given",
            "Give the folder of the films' masks with --regions.",
        )
    return spines.read(regions, cohort.radiographs, track)
