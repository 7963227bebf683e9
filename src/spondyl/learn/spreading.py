"""The trials of a study on an engine: other processes of this machine, a Ray cluster, Slurm.

Decision: a unit of work is the study's folder and which trial of it. Whoever runs it reads the rest
from there and from the cohort, and proves that it is the same study: the trial's own hash, the
versions of what results depend on, and on other machines the hash of every film. What was trained
is written into the study's folder by whoever trained it, so nothing large travels. The price:
folder, films, weights and cache have to lie under the same paths everywhere, and each process
decodes the films, unless they are cached.

Results are those of one process, byte for byte on a CPU with as many threads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch

from spondyl.engines.engine import Engine, Failure
from spondyl.errors import Problem, SpondylError
from spondyl.files import sha256_of_file
from spondyl.learn import conduct, unlabelled, weights
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.conduct import WAIT_SECONDS, Watch, unwatched
from spondyl.learn.environment import environment
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.materials import Materials
from spondyl.learn.outcome import Configuration
from spondyl.learn.preprocess import prepare
from spondyl.learn.study import Study
from spondyl.learn.trial import FinishedTrial, Trial
from spondyl.learn.weights import WeightsFile
from spondyl.progress import Track, silently

_SEEN_WITHIN_SECONDS = 120.0
"""A folder that another machine made may be seen this much later: NFS asks anew for what is in a
folder after a minute by default."""


@dataclass(frozen=True, slots=True)
class StudyAt:
    """A study as any process finds it, and how its trials are to be run there. Absolute paths."""

    folder: Path
    films: Path
    """The cohort's root, which may have moved since the study began."""
    unlabelled: Path
    """That of the films without a label, likewise."""
    weights: tuple[tuple[str, WeightsFile], ...]
    """By network name; may have moved too."""
    cache: Path
    device: str
    threads: int | None
    """None: as they are."""
    versions: tuple[tuple[str, str], ...]
    """Of what results depend on, where the trials are handed out."""
    prove_films: bool
    """Whether the films' hashes are compared first, as on another machine."""


@dataclass(frozen=True, slots=True)
class TrialUnit:
    """A unit of work: a trial of a study."""

    at: StudyAt
    configuration: Configuration
    fold: int
    trial_id: str


def run(
    study: Study,
    cache: Path,
    device: str,
    engine: Engine,
    track: Track = silently,
    watch: Watch = unwatched,
) -> None:
    """Runs every trial of `study` that is not finished on `engine`; waits for those that somebody
    else is at.

    `watch` hears of a trial's epochs when it has ended, from its history. A trial whose worker dies
    goes on from its last whole epoch. Raises `TrialsFailedError` where trials failed, when all
    others are finished.
    """
    waiting = conduct.unfinished(study, watch)
    failed: list[Problem] = []
    at = _at(study, cache, device, engine)

    def ends() -> Iterator[Trial]:
        """Each trial when it has ended, well or not."""
        left = list(waiting)
        while left:
            free = [trial for trial in left if not trials.is_held(trial, study.trials_folder)]
            if not free:
                time.sleep(WAIT_SECONDS)
            for number, ended in engine.run(run_trial, [_unit(at, trial) for trial in free]):
                trial = free[number]
                if ended is False:  # somebody else was quicker; it stays among those left
                    continue
                if isinstance(ended, Failure):
                    failed.append(conduct.problem(study, trial, ended))
                else:
                    for epoch in _seen(study, trial).outcome.history:
                        watch(trial, epoch)
                left.remove(trial)
                yield trial

    for _ in track(ends(), "trials", len(waiting)):
        pass
    conduct.refuse_where_any(failed, study)


def run_trial(unit: TrialUnit) -> bool:
    """Runs the trial unless it is finished; False, having done nothing, where another process has
    it. To be called in whatever process an engine has.

    Raises `SpondylError` where what is found here is not the study that the trial is of.
    """
    study, materials = _opened(unit.at)
    every_fold = replace(study, spec=study.spec.model_copy(update={"only_folds": ()}))
    trial = every_fold.every_trial(unit.configuration)[unit.fold]
    if trial.trial_id != unit.trial_id:
        raise SpondylError(
            f"{study.folder}: holds another study here than where the trial was handed out",
            "All machines have to see the same folder under this path.",
        )
    return trials.run(trial, materials, study.trials_folder)


def _unit(at: StudyAt, trial: Trial) -> TrialUnit:
    return TrialUnit(at, trial.configuration, trial.fold, trial.trial_id)


def _at(study: Study, cache: Path, device: str, engine: Engine) -> StudyAt:
    files = {name: replace(file, path=file.path.absolute()) for name, file in study.files.items()}
    return StudyAt(
        study.folder.absolute(),
        study.cohort.root.absolute(),
        study.unlabelled.root.absolute(),
        tuple(files.items()),
        cache.absolute(),
        device,
        engine.threads,
        _versions(),
        prove_films=not engine.is_here,
    )


def _versions() -> tuple[tuple[str, str], ...]:
    return tuple(environment()["versions"].items())


@lru_cache(maxsize=1)
def _opened(at: StudyAt) -> tuple[Study, Materials]:
    """The study and its prepared films, once for all the trials that a process runs."""
    _prove_versions(at)
    if at.threads is not None:
        torch.set_num_threads(at.threads)
    there = studies.load(at.folder)
    study = replace(
        there,
        cohort=there.cohort.moved_to(at.films),
        files=dict(at.weights),
        unlabelled=there.unlabelled.moved_to(at.unlabelled),
    )
    if at.prove_films:
        _prove_files(study)
    prepared = prepare(
        study.cohort.radiographs, study.spec.preprocessing, silently, study.spines, at.cache
    )
    fabric = fabric_on(at.device, study.spec.precision)
    materials = Materials(
        *(study.spec, study.cohort, study.splits, prepared, study.files, at.cache, fabric),
        unlabelled=unlabelled.prepared(
            study.unlabelled, study.spec.preprocessing, silently, at.cache
        ),
    )
    # So that a death costs the epoch that it falls in, and no more.
    return study, replace(materials, checkpoint_seconds=0.0)


def _prove_versions(at: StudyAt) -> None:
    here = dict(_versions())
    differing = [
        f"{name} {here[name]} instead of {wanted}"
        for name, wanted in at.versions
        if here[name] != wanted
    ]
    if differing:
        raise SpondylError(
            f"the machine that was to run the trial has {', '.join(differing)}",
            "Install the same versions on all machines; results depend on them.",
        )


def _prove_files(study: Study) -> None:
    """Raises `SpondylError` that names every film and weights file which is another one here."""
    films = (*study.cohort.radiographs, *study.unlabelled.films)
    wanted = {film.path: film.file.sha256 for film in films}
    differing = [
        path
        for path, sha256 in wanted.items()
        if not path.is_file() or sha256_of_file(path) != sha256
    ]
    differing += [
        file.path for name, file in study.files.items() if not weights.is_unchanged(name, file)
    ]
    problems = [
        Problem(str(path), "is not there, or another file than where the trial was handed out", "")
        for path in differing
    ]
    if problems:
        hint = "All machines have to see the same files under this path."
        raise SpondylError.of([replace(one, hint=hint) for one in problems], str(study.folder))


def _seen(study: Study, trial: Trial) -> FinishedTrial:
    """The trial that has ended somewhere, as soon as its folder is seen here."""
    until = time.monotonic() + _SEEN_WITHIN_SECONDS
    while True:
        finished = trials.read(trial, study.trials_folder, study.cohort)
        if finished is not None:
            return finished
        if time.monotonic() > until:
            raise SpondylError(
                f"{study.trials_folder / trial.trial_id}: a worker wrote it, and it is not here",
                "All machines have to see the study's folder, on one file system.",
            )
        time.sleep(WAIT_SECONDS)
