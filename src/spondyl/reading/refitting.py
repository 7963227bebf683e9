"""From a study to a bundle of one network, learned anew from all films but some groups kept aside.

One network reads several times as fast as those of all folds and has seen more films than any of
them. The prices: nobody cross-validated this very network, so a report's figures are of its kind
and not of it; and the groups kept aside, by which it is calibrated, taught it nothing. Part of the
others still steers strength or stopping, as in every trial of the study.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from spondyl.data import splits
from spondyl.data.cohort import Cohort, too_few_groups
from spondyl.data.splits import TUNE_PARTS, Fold, Splits
from spondyl.errors import SpondylError
from spondyl.files import new_folder, refuse_unless_free, sha256_of_json
from spondyl.learn import study as studies
from spondyl.learn import unlabelled
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.learning import learn
from spondyl.learn.materials import (
    Learned,
    Materials,
    Task,
    columns,
    initial_network,
    initial_seed,
)
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.preprocess import prepare
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.study import Study
from spondyl.progress import Track, silently
from spondyl.reading import opening
from spondyl.reading.assembling import refuse_changed_weights
from spondyl.reading.bundle import Bundle
from spondyl.reading.storing import DEFAULT_TERMS, CardOf, Content, Origin, Terms, store
from spondyl.trust.asking.subject import Member, Subject

ASIDE = 0.25
"""Share of the groups that are kept aside, where nobody says otherwise."""
_LARGEST_ASIDE = 0.5


def refit(
    study_folder: Path,
    configuration: Configuration,
    out: Path,
    card_of: CardOf,
    terms: Terms = DEFAULT_TERMS,
    aside: float = ASIDE,
    device: str = "auto",
    track: Track = silently,
) -> Bundle:
    """Learns one network of a study's configuration anew and makes the folder `out` of it.

    `aside` is the share of groups, 0.05 … 0.5, that calibrate it and teach it nothing. Written
    whole or not at all. Raises `SpondylError` where films or initial weights are gone or changed,
    for a share that leaves too few groups, and where `out` is taken.
    """
    refuse_unless_free(out)
    study = studies.load(study_folder)
    refuse_changed_weights(study, configuration)
    fold = parted(study.cohort, aside, study.spec.seed)
    task = Task(configuration, fold, _seed(study, configuration, fold))
    learned = _learned(study, task, device, track)
    kept = set(fold.test)
    table = PredictionTable(
        study.cohort.labels,
        fold.test,
        tuple(f.group_id for f in study.cohort.radiographs if f.image_id in kept),
        np.zeros(len(fold.test), np.int64),
        columns(study.cohort, fold.test),
        learned.test_logits,
    )
    taught = (*fold.train, *fold.tune)
    besides = study.taught_besides(configuration)
    origin = Origin(0, f"{task.seed:08x}", learned.record, fold.test, taught, besides)
    content = Content(
        *(study, configuration, "one network", _subject(study, task, learned)),
        (origin,),
        table,
    )
    with new_folder(out) as draft:
        store(draft, content, terms, card_of, track)
    return opening.load(out)


def parted(cohort: Cohort, aside: float, seed: int) -> Fold:
    """Films to learn from, to steer by, and (as `test`) to keep aside; no group is in two parts.

    Raises `SpondylError` for a share outside 0.05 … 0.5 and for classes of too few groups.
    """
    if not 0.05 <= aside <= _LARGEST_ASIDE:
        raise SpondylError(
            f"{aside:g} of the groups kept aside: too many or too few",
            f"Give a share from 0.05 to {_LARGEST_ASIDE:g}, such as {ASIDE:g}.",
        )
    n_parts = round(1 / aside)
    if problems := _too_few(cohort, n_parts):
        raise problems
    films = cohort.radiographs
    ids = np.array([film.image_id for film in films])
    labels = columns(cohort, tuple(ids.tolist()))
    groups = np.array([film.group_id for film in films])
    rest, kept = next(iter(splits.parts(labels, groups, n_parts, seed)))
    inner = splits.parts(labels[rest], groups[rest], TUNE_PARTS, seed + 1)
    train, tune = next(iter(inner))
    order = {image_id: at for at, image_id in enumerate(ids.tolist())}
    roles = (rest[train], rest[tune], kept)
    return Fold(*(tuple(sorted(ids[part].tolist(), key=order.__getitem__)) for part in roles))


def _too_few(cohort: Cohort, n_parts: int) -> SpondylError | None:
    """What is wrong with parting the groups of each class so often."""
    problems = too_few_groups(cohort.radiographs, cohort.labels, max(n_parts, TUNE_PARTS))
    return SpondylError.of(problems, "the cohort's classes") if problems else None


def _seed(study: Study, configuration: Configuration, fold: Fold) -> int:
    """Of all that is drawn in learning; follows from what is learned, as a trial's does."""
    definition = {
        "configuration": asdict(configuration),
        "parts": asdict(fold),
        "learning": study.spec.learning(),
        "cohort": study.cohort.sha256,
    }
    if taught_by := study.unlabelled.sha256_for(configuration):
        definition["unlabelled"] = taught_by
    return int(sha256_of_json(definition)[:8], 16)


def _learned(study: Study, task: Task, device: str, track: Track) -> Learned:
    cohort, spec = study.cohort, study.spec
    alone = Splits("groups kept aside", spec.seed, cohort.sha256, (task.parts,))
    prepared = prepare(cohort.radiographs, spec.preprocessing, track, study.spines)
    with tempfile.TemporaryDirectory() as scratch:
        materials = Materials(
            *(spec, cohort, alone, prepared, study.files, Path(scratch) / "features"),
            fabric_on(device, spec.precision),
            track,
            unlabelled=unlabelled.prepared(study.unlabelled, spec.preprocessing, track),
        )
        return learn(task, materials, Path(scratch) / "checkpoint")


def _network(study: Study, task: Task, learned: Learned) -> Network:
    seed = initial_seed(task, study.spec)
    network, _ = initial_network(task.configuration, study.spec, study.files, seed)
    whole = STRATEGIES[task.configuration.strategy].learned != "head"
    (network if whole else network.head).load_state_dict(learned.tensors)
    return network.eval()


def _subject(study: Study, task: Task, learned: Learned) -> Subject:
    """The network before the study's films; those kept aside tell what is familiar to it."""
    parts = task.parts
    member = Member(
        fold=0,
        load=lambda: _network(study, task, learned),
        answers_for=parts.test,
        learned_from=(*parts.train, *parts.tune),
        aside=parts.test,
        solved=None,
        detector=None,
    )
    return Subject(
        title=str(task.configuration),
        source=f"study of cohort {study.cohort.sha256[:12]}",
        cohort=study.cohort,
        preprocessing=study.spec.preprocessing,
        spines=study.spines,
        members=(member,),
        shares_body=False,
        tested_within=True,
    )
