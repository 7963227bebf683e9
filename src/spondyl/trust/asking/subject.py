"""What a model audit is of: trained networks, the films of a cohort, and who may answer for which.

A film is answered for by the networks that did not learn from it, in a study as from a bundle: of
the study's own films that is the one network that was tested on it, of a stranger's all networks,
and of a film that all of them learned from none. Where several answer, their probabilities are
averaged. So one record serves both, and no check asks where its networks came from.

What a source does not know (a bundle keeps no list of the films that steered, only the detectors
that were made of them) is empty here, and the checks that need it say that they were not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.data.cohort import Cohort
from spondyl.data.spines import NO_SPINES, Spines
from spondyl.errors import SpondylError
from spondyl.learn import trial as trials
from spondyl.learn.materials import columns
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Outcome
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.preprocess import Preprocessing
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.study import Study
from spondyl.learn.trial import Trial
from spondyl.progress import Track, silently
from spondyl.trust.asking.detecting import NetworkDetector, Solved


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained network and what it knows of films, by the SHA-256 of their files."""

    fold: int
    load: Callable[[], Network]
    """The network on the CPU, in eval mode; read anew at every call."""
    learned_from: frozenset[str]
    tested_on: frozenset[str]
    aside: frozenset[str] = frozenset()
    """Films that steered but were neither learned from nor judged; empty where nobody knows, or
    where the judged films steered, as in the paper."""
    solved: Solved | None = None
    """Of a head that was solved on `learned_from` at the strength that `aside` chose, and then once
    more on both; None for one that was trained."""
    detector: NetworkDetector | None = None
    """What tells strangers from its films, where a bundle brought it along."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One network of a subject, and its part in the films; image ids of the subject's cohort."""

    fold: int
    load: Callable[[], Network]
    answers_for: tuple[str, ...]
    """Films that it neither learned from nor, under `nested`, was steered by."""
    learned_from: tuple[str, ...]
    aside: tuple[str, ...]
    """As in `Trained`; none unless all of what it learned from is here."""
    solved: Solved | None
    detector: NetworkDetector | None


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A configuration's networks before a cohort of labelled films."""

    title: str
    """Network, strategy and protocol, as a report names them."""
    source: str
    """"study" or "bundle", with what identifies it."""
    cohort: Cohort
    """Its films; groups of films that show one picture already made."""
    preprocessing: Preprocessing
    spines: Spines
    """Of the films, where the networks are not shown a film without."""
    members: tuple[Member, ...]
    """In the order of the folds, one at least."""
    shares_body: bool
    """Whether one frozen body stands under all heads, so that it need look only once."""
    tested_within: bool
    """Whether the networks met all of the films in their training, each film answered for by the
    one that was kept from it; else it is an external test, at least in part."""

    def __post_init__(self) -> None:
        if not any(member.answers_for for member in self.members):
            raise SpondylError(
                f"{self.title}: its networks learned from every film of the cohort",
                "Audit it on films that it has not learned from.",
            )

    @property
    def answered(self) -> tuple[str, ...]:
        """The films that somebody may answer for, in the order of the cohort."""
        there = {image_id for member in self.members for image_id in member.answers_for}
        return tuple(f.image_id for f in self.cohort.radiographs if f.image_id in there)

    @property
    def one_each(self) -> bool:
        """Whether each film is answered for by one network only."""
        n = sum(len(member.answers_for) for member in self.members)
        return n == len(self.answered)

    def networks(
        self, device: torch.device | None = None, track: Track = silently
    ) -> Iterator[tuple[Member, Network]]:
        """Each member and its network on `device` (None: the CPU), one in memory at a time."""
        for member in track(self.members, f"asking {self.title}", len(self.members)):
            yield member, member.load().to(device or torch.device("cpu"))

    def table(
        self, image_ids: Sequence[str], fold: int, logits: NDArray[np.float64]
    ) -> PredictionTable:
        """What one network said, `logits` (n, labels), of the films `image_ids`."""
        group = self.cohort.group_ids
        return PredictionTable(
            self.cohort.labels,
            tuple(image_ids),
            tuple(group[image_id] for image_id in image_ids),
            np.full(len(image_ids), fold, np.int64),
            columns(self.cohort, tuple(image_ids)),
            logits,
        )

    def joined(self, parts: Sequence[PredictionTable]) -> PredictionTable:
        """What the members said, a part each, as one table in the order of the cohort.

        A film of several parts gets the mean of their probabilities (as its logits, their
        logarithms) and stands in fold 0, as do all others then: what is chosen on other folds
        cannot be chosen there.
        """
        order = [film.image_id for film in self.cohort.radiographs]
        if not any(map(len, parts)):
            return self.table((), 0, np.empty((0, len(self.cohort.labels))))
        if self.one_each:
            return PredictionTable.joined(parts, order)
        said: dict[str, list[NDArray[np.float64]]] = {}
        for part in parts:
            for image_id, shares in zip(part.image_ids, part.probabilities, strict=True):
                said.setdefault(image_id, []).append(shares)
        ids = [image_id for image_id in order if image_id in said]
        means = np.array([np.mean(said[image_id], axis=0) for image_id in ids])
        return self.table(ids, 0, np.log(np.maximum(means, np.finfo(np.float64).tiny)))


def before(
    cohort: Cohort,
    trained: Sequence[Trained],
    title: str,
    source: str,
    preprocessing: Preprocessing,
    spines: Spines,
    shares_body: bool,
) -> Subject:
    """The subject of `trained` networks before the films of `cohort`.

    Films are known by their file alone: a crop of a film that was learned from, or another film of
    its patient, passes for a stranger. Raises `SpondylError` where no film may be answered for.
    """
    met = frozenset[str]().union(*(one.learned_from | one.aside | one.tested_on for one in trained))
    hashes = {film.image_id: film.file.sha256 for film in cohort.radiographs}

    def member(one: Trained) -> Member:
        whole = one.learned_from <= frozenset(hashes.values())
        strangers = (i for i, sha in hashes.items() if sha not in one.learned_from | one.aside)
        return Member(
            one.fold,
            one.load,
            tuple(strangers),
            _those(hashes, one.learned_from),
            _those(hashes, one.aside) if whole else (),
            one.solved,
            one.detector,
        )

    members = tuple(member(one) for one in trained)
    within = frozenset(hashes.values()) <= met
    return Subject(title, source, cohort, preprocessing, spines, members, shares_body, within)


def of_study(
    study: Study, outcome: Outcome, cohort: Cohort | None = None, spines: Spines | None = None
) -> Subject:
    """A finished configuration of a study, before the study's own films or those of `cohort`, whose
    `spines` are then needed where the networks are not shown a film without.

    Raises `SpondylError` for a configuration that is not finished, for a cohort of other labels,
    and where its networks learned from every film.
    """
    if cohort is not None and cohort.labels.names != study.cohort.labels.names:
        raise SpondylError(
            f"the cohort's labels are {', '.join(cohort.labels.names)}, the study's "
            f"{', '.join(study.cohort.labels.names)}",
            "Name the study's labels, in its order.",
        )
    own = study.spines if cohort is None else NO_SPINES
    configuration = outcome.configuration
    if outcome.predictions is None:
        raise SpondylError(
            f"{configuration}: {outcome.not_run}, so there is nobody to ask",
            "Run the study to its end first.",
        )
    strategy = STRATEGIES[configuration.strategy]
    hashes = {film.image_id: film.file.sha256 for film in study.cohort.radiographs}
    chosen = {fold.fold: dict(fold.chosen) for fold in outcome.folds}
    balanced = study.spec.class_weights == "balanced"
    # They had a part in it, so in a cohort of their own it may not answer for them.
    unlabelled = frozenset(study.unlabelled.hashes_for(configuration))

    def trained(trial: Trial) -> Trained:
        parts = trial.parts
        aside = () if parts.tune == parts.test else parts.tune
        strength = chosen[trial.fold].get("inverse_strength")
        return Trained(
            trial.fold,
            partial(trials.restore, trial, study.trials_folder, study.spec, study.files),
            frozenset(hashes[image_id] for image_id in parts.train),
            frozenset(hashes[image_id] for image_id in parts.test),
            frozenset(hashes[image_id] for image_id in aside) | unlabelled,
            Solved(strength, balanced) if strategy.how == "solved" and strength else None,
        )

    return before(
        cohort or study.cohort,
        [trained(trial) for trial in study.trials(configuration)],
        str(configuration),
        f"study of cohort {study.cohort.sha256[:12]}",
        study.spec.preprocessing,
        own if spines is None else spines,
        strategy.learned == "head",
    )


def _those(hashes: Mapping[str, str], which: frozenset[str]) -> tuple[str, ...]:
    """The films whose file is one of `which`."""
    return tuple(image_id for image_id, sha256 in hashes.items() if sha256 in which)
