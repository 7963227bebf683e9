"""Conducting a study: begun once, run until nothing is left, gone on with after any interruption.

The folder is made whole once films, groups, splits, weights and spine masks are known to be usable,
and bound to them by hashes: whoever comes back with other films, another spec, other weights or
masks is refused. After that only finished trials are added, so a killed study goes on where it was.
A trial that fails is told of at the end, and keeps no other from being run. Copies are looked for
among all films, so that two copies of a film that is left out stay together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from spondyl.data import cohort as cohorts
from spondyl.data import spines
from spondyl.data.cohort import Cohort
from spondyl.data.duplicates import finding as duplicates
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.data.spines import NO_SPINES, Spines
from spondyl.engines.engine import Failure, attempted
from spondyl.errors import Problem, SpondylError
from spondyl.files import refuse_unless_free, write_text
from spondyl.learn import in_domain, proven, tasks, with_spines
from spondyl.learn import trial as trials
from spondyl.learn import unlabelled as without_labels
from spondyl.learn import weights as weight_files
from spondyl.learn.environment import environment
from spondyl.learn.fabrics import LateFabric
from spondyl.learn.first_look import FirstLook
from spondyl.learn.materials import Materials
from spondyl.learn.outcome import Configuration, Epoch
from spondyl.learn.preprocess import prepare
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.study import STUDY, Study, load, save
from spondyl.learn.trial import Trial
from spondyl.learn.unlabelled import NO_UNLABELLED, Unlabelled
from spondyl.learn.vision_language import zero_shot
from spondyl.learn.weights import MissingWeightsError, WeightsFile
from spondyl.progress import Track, silently

WAIT_SECONDS = 2.0
"""After so long it is asked again whether a trial that another process is at has ended."""

Watch = Callable[[Trial, Epoch], None]
"""Hears of every epoch of every trial, trial by trial and from its first epoch on, whether the
epoch is run now or was run before an interruption."""


class TrialsFailedError(SpondylError):
    """Some trials came to nothing; `problems` says which, and why. The others are finished."""


def unwatched(trial: Trial, epoch: Epoch) -> None:
    """Hears of an epoch and does nothing."""
    del trial, epoch


def begin(
    spec: StudySpec,
    cohort_path: Path,
    folder: Path,
    weights: Mapping[str, Path],
    *,
    regions: Path | None = None,
    unlabelled: Path | None = None,
    skip_missing_weights: bool = False,
    command: str = "",
    cache: Path | None = None,
    track: Track = silently,
) -> Study:
    """A new study in `folder`, or the one that is there, proven to be the same; nothing is run yet.

    Everything that can be wrong with films, spec, weights or regions is found here. `regions` is a
    folder of spine masks, `unlabelled` a folder or manifest of films without a label; each is given
    where the spec asks for it and nowhere else. Configurations whose weights are neither given nor
    cached, and those that lack unlabelled films, are refused, or kept as not run where
    `skip_missing_weights`. What is made of the films is kept in the folder `cache`, where one is
    named.
    """
    lacking = without_labels.not_run_without(spec, unlabelled, skip=skip_missing_weights)
    with_spines.refuse_unless_asked_for(spec, regions)
    resuming = (folder / STUDY).is_file()
    if not resuming:
        refuse_unless_free(folder)
    files, not_run = _find_weights(spec, weight_files.given(weights), skip_missing_weights, cache)
    for network, file in () if resuming else files.items():
        weight_files.refuse_misshown(network, file)
    not_run |= lacking
    labels = tasks.labels_read(spec)
    look = FirstLook(spec.preprocessing, cache, spec.find_duplicates and not resuming)
    stated = cohorts.read(
        *(cohort_path, labels, True, tasks.fewest_groups(spec)),
        track=track,
        onlooker=look,
        others=spec.other_labels,
    )
    look.keep(stated.radiographs, track)
    marked = NO_SPINES if regions is None else spines.read(regions, stated.radiographs, track)
    pool = NO_UNLABELLED
    if unlabelled is not None:
        pool = without_labels.read(unlabelled, stated, spec, cache, track)
    if resuming:
        return _resumed(load(folder), spec, stated, files, not_run, marked, pool)
    facts = {"stated_cohort_sha256": stated.sha256, "command": command, **environment()}
    shown = stated
    if regions is not None:
        shown = with_spines.shown(stated, marked, spec, regions)
        facts["regions"] = with_spines.facts(stated, shown, marked)
    found: tuple[DuplicateGroup, ...] = ()
    cohort = shown
    if spec.find_duplicates:
        among_all = look.groups(stated.radiographs, track)
        groups = duplicates.groups_of(stated.group_ids, among_all)
        cohort = stated.with_groups(groups).only(shown.group_ids)
        found = duplicates.among(among_all, shown.group_ids)
    of_all = tasks.draw(spec, cohort)
    facts |= tasks.facts(spec, cohort, of_all)
    cohort, drawn = tasks.restricted(spec, cohort, of_all)
    found = duplicates.among(found, cohort.group_ids)
    initial = {network: file.path for network, file in files.items()}
    facts |= in_domain.facts_of_films_seen(initial, cohort, spec.films_seen_before)
    study = Study(folder, spec, cohort, found, drawn, files, not_run, facts, marked, pool)
    try:
        save(study)
    except SpondylError:
        if not (folder / STUDY).is_file():
            raise
        # Another process began the same study in the meantime; go on with that one.
        return _resumed(load(folder), spec, stated, files, not_run, marked, pool)
    return study


def run(
    study: Study,
    cache: Path,
    fabric: LateFabric,
    track: Track = silently,
    watch: Watch = unwatched,
) -> None:
    """Runs every trial of `study` that is not finished; waits for those another process is at.

    Raises `TrialsFailedError` where trials failed, when all others are finished.
    """
    if not fabric.is_global_zero:
        watch = unwatched  # of several processes that train together one is enough
    waiting = fabric.broadcast(unfinished(study, watch))
    if not waiting:
        return
    materials = Materials(
        study.spec,
        study.cohort,
        study.splits,
        prepare(study.cohort.radiographs, study.spec.preprocessing, track, study.spines, cache),
        study.files,
        cache,
        fabric,
        track,
        waiting=tuple(trial.task for trial in waiting),
        unlabelled=without_labels.prepared(
            study.unlabelled, study.spec.preprocessing, track, cache
        ),
    )

    def one(trial: Trial) -> bool:
        watched = replace(materials, tell=partial(watch, trial))
        return trials.run(trial, watched, study.trials_folder)

    failed: list[Problem] = []
    while waiting:
        held = []
        for trial in track(waiting, "trials"):
            ended = attempted(one, trial)
            if isinstance(ended, Failure):
                failed.append(problem(study, trial, ended))
            elif not ended:
                held.append(trial)
        if len(held) == len(waiting):
            time.sleep(WAIT_SECONDS)
        waiting = held
    refuse_where_any(failed, study)


def unfinished(study: Study, watch: Watch = unwatched) -> list[Trial]:
    """The trials that are still to be run; of the epochs of all others `watch` hears now."""
    left = []
    for configuration in study.spec.configurations:
        if configuration in study.not_run:
            continue
        for trial in study.every_trial(configuration):
            finished = trials.read(trial, study.trials_folder, study.cohort)
            if finished is None:
                left.append(trial)
                continue
            for epoch in finished.outcome.history:
                watch(trial, epoch)
    return left


def problem(study: Study, trial: Trial, failure: Failure) -> Problem:
    """What became of a trial that failed; the traceback of a fault goes to a file of its own."""
    where, hint = f"{trial.configuration}, fold {trial.fold}", failure.hint
    if failure.trace:
        kept = study.trials_folder / f".{trial.trial_id}.fault.txt"
        write_text(kept, failure.trace)
        hint = f"{hint} It is in {kept}."
    return Problem(where, failure.message, hint)


def refuse_where_any(failed: Sequence[Problem], study: Study) -> None:
    """Raises `TrialsFailedError` that names every failed trial, where there are any."""
    if failed:
        raise TrialsFailedError.of(failed, f"the trials of {study.folder}")


def _find_weights(
    spec: StudySpec, given: Mapping[str, Path], skip_missing: bool, cache: Path | None
) -> tuple[dict[str, WeightsFile], dict[Configuration, str]]:
    """Files by network name, each proven to load, and the configurations that lack theirs."""
    unknown = set(given) - {
        name for network in spec.networks for name in (network, network.partition(":")[0])
    }
    if unknown:
        raise SpondylError(
            f"weights of {', '.join(sorted(unknown))}: no such network in the study",
            f"Its networks: {', '.join(spec.networks)}.",
        )
    files: dict[str, WeightsFile] = {}
    not_run: dict[Configuration, str] = {}
    for configuration in spec.configurations:
        if STRATEGIES[configuration.strategy].initial == "random":
            continue
        try:
            file = files.get(configuration.network) or weight_files.find(
                configuration.network, given
            )
        except MissingWeightsError:
            if not skip_missing:
                raise
            not_run[configuration] = "its weights are neither given nor in the library's cache"
            continue
        files[configuration.network] = file
        proven.prove(configuration, spec, files, cache)
        if STRATEGIES[configuration.strategy].how == "zero-shot":
            zero_shot.refuse_unless_ready(configuration, spec, file)
    return files, not_run


def _resumed(
    there: Study,
    spec: StudySpec,
    cohort: Cohort,
    files: Mapping[str, WeightsFile],
    not_run: Mapping[Configuration, str],
    marked: Spines,
    unlabelled: Unlabelled,
) -> Study:
    """The study that is there, with today's paths and captions, or a refusal that names what
    differs."""
    ours, theirs = spec.substance(), there.spec.substance()
    keys = dict.fromkeys((*ours, *theirs))
    differing = [f"the spec's {key}" for key in keys if ours.get(key) != theirs.get(key)]
    if cohort.sha256 != there.facts["stated_cohort_sha256"]:
        differing.append("the films, labels or groups")
    if {k: f.sha256 for k, f in files.items()} != {k: f.sha256 for k, f in there.files.items()}:
        differing.append("the initial weights")
    if spines.sha256_of(marked) != spines.sha256_of(there.spines):
        differing.append("the spine masks")
    if unlabelled.sha256 != there.unlabelled.sha256:
        differing.append("the unlabelled films")
    if differing:
        raise SpondylError(
            f"{there.folder}: holds another study; {', '.join(differing)} differ",
            "Name a new folder; results of different studies are not mixed.",
        )
    moved = there.cohort.moved_to(cohort.root)
    # Their names are no part of what they are, so they may lie elsewhere and be called otherwise.
    taught_by = replace(there.unlabelled, root=unlabelled.root, films=unlabelled.films)
    return replace(
        there, spec=spec, cohort=moved, files=files, not_run=not_run, unlabelled=taught_by
    )
