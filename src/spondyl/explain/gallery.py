"""The heatmaps of a study: which films are shown, and each trial's maps of its own test films.

A film is explained by the network that was tested on it, never by one that learned from it. Correct
films are drawn by the study's seed before any heatmap exists, so nobody picks the handsome ones;
of the best configuration, and of every fine-tuned one, the wrong films are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.data.onlooking import decoders
from spondyl.errors import SpondylError
from spondyl.explain import heatmap
from spondyl.explain.explaining import explain
from spondyl.explain.heatmap import Heatmap
from spondyl.files import sha256_of_file, sha256_of_json
from spondyl.learn import trial as trials
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.preprocess import PreparedFilms, prepare
from spondyl.learn.study import Study
from spondyl.learn.trial import TENSORS, Trial
from spondyl.progress import Track, silently

HEATMAPS = "heatmaps"
BATCH = 16


@dataclass(frozen=True, slots=True)
class WrongFilms:
    """Films that a configuration got wrong."""

    configuration: Configuration
    shown: tuple[str, ...]
    """Image ids in the cohort's order; all of them, or as many as were asked for."""
    n_wrong: int
    """Of all its films."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Films to be shown, by image id."""

    correct: tuple[tuple[str, tuple[str, ...]], ...]
    """(label, films of it drawn by the seed), in label order."""
    best: Configuration | None
    """The configuration of the highest pooled accuracy, the first of equals."""
    wrong: tuple[WrongFilms, ...]
    """Of `best`, then of every other fine-tuned configuration in the order of the spec."""

    @property
    def image_ids(self) -> tuple[str, ...]:
        """All of them, each once."""
        shown = [image_id for _, films in self.correct for image_id in films]
        wrong = [image_id for one in self.wrong for image_id in one.shown]
        return tuple(dict.fromkeys((*shown, *wrong)))


def choose(outcomes: Sequence[Outcome], n_correct: int, most_wrong: int, seed: int) -> Selection:
    """Films for the report: `n_correct` of each class, and at most `most_wrong` errors of the
    best configuration (most often right in the first draw of the folds, steered by the films that
    judge it only where all are) and of each fine-tuned one.

    Correct films are drawn among those that all configurations got right, and, where these are too
    few, among those that the best one did.
    """
    tables = {one.configuration: one.predictions for one in outcomes if one.predictions is not None}
    if not tables:
        return Selection((), None, ())
    right = {which: table.predicted == table.truth for which, table in tables.items()}
    best = max(right, key=lambda which: (not which.is_steered, np.mean(right[which])))
    tuned = [which for which in tables if which.strategy == "fine-tuning"]
    return Selection(
        _correct(tables[best], right[best], list(right.values()), n_correct, seed),
        best,
        tuple(
            _wrong(which, tables[which], ~right[which], most_wrong)
            for which in dict.fromkeys((best, *tuned))
        ),
    )


def _correct(
    table: PredictionTable,
    right: NDArray[np.bool_],
    right_of_each: Sequence[NDArray[np.bool_]],
    n_correct: int,
    seed: int,
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    draws = np.random.default_rng(seed)
    shared = np.logical_and.reduce(right_of_each)
    correct = []
    for column, name in enumerate(table.labels.names):
        of_class = table.truth == column
        shuffled = [
            draws.permutation(np.flatnonzero(of_class & hits)) for hits in (shared, right & ~shared)
        ]
        rows = np.concatenate(shuffled)[:n_correct]
        correct.append((name, tuple(table.image_ids[row] for row in rows)))
    return tuple(correct)


def _wrong(
    configuration: Configuration, table: PredictionTable, wrong: NDArray[np.bool_], most: int
) -> WrongFilms:
    rows = np.flatnonzero(wrong)
    shown = tuple(table.image_ids[row] for row in rows[:most])
    return WrongFilms(configuration, shown, len(rows))


def choose_for(study: Study, outcomes: Sequence[Outcome]) -> Selection:
    """The films that the study's spec asks to be shown."""
    spec = study.spec
    return choose(outcomes, spec.gallery_films, spec.gallery_wrong, spec.seed)


def explain_study(
    study: Study,
    outcomes: Sequence[Outcome],
    device: torch.device,
    track: Track = silently,
    cache: Path | None = None,
) -> Selection:
    """Writes RUN/heatmaps/<configuration>.npz for every finished configuration; what was chosen.

    For each film the predicted label is explained, and the true one where it differs. Prepared
    films, and the maps of the very same networks, are taken from the folder `cache`.
    """
    selection = choose_for(study, outcomes)
    if study.spec.heatmaps == "none":
        return selection
    shown = set(selection.image_ids)
    films = [
        film
        for film in study.cohort.radiographs
        if study.spec.heatmaps == "all" or film.image_id in shown
    ]
    prepared = prepare(films, study.spec.preprocessing, track, study.spines, cache)
    finished = [one for one in outcomes if one.predictions is not None]
    for outcome in track(finished, "heatmaps"):
        maps = _maps(study, outcome, prepared, device, cache)
        heatmap.save(path(study.folder, outcome.configuration), maps)
    return selection


def path(folder: Path, configuration: Configuration) -> Path:
    """Where the heatmaps of a configuration lie in the folder of its study."""
    return folder / HEATMAPS / f"{configuration.slug}.npz"


_Wanted = Sequence[tuple[str, int]]
"""Films, and the columns of the labels that are asked about."""


def _maps(
    study: Study,
    outcome: Outcome,
    prepared: PreparedFilms,
    device: torch.device,
    cache: Path | None,
) -> Sequence[Heatmap]:
    """The maps of a configuration; from the cache, where it holds those of the same learned tensors
    on the same films."""
    wanted = _wanted(study, outcome, prepared)
    if cache is None:
        return list(_of_configuration(study, wanted, prepared, device))
    source = dict(zip(prepared.image_ids, prepared.sources, strict=True))
    defined = [
        [
            *(trial.trial_id, sha256_of_file(study.trials_folder / trial.trial_id / TENSORS)),
            [[image_id, source[image_id], column] for image_id, column in asked],
        ]
        for trial, asked in wanted
    ]
    on = [torch.__version__, device.type, *decoders()]
    kept = cache / "heatmaps" / f"{sha256_of_json([1, on, defined])}.npz"
    if kept.is_file():
        with suppress(SpondylError):  # damaged: made again
            return heatmap.load(kept)
    maps = list(_of_configuration(study, wanted, prepared, device))
    heatmap.save(kept, maps)
    return maps


def _wanted(study: Study, outcome: Outcome, prepared: PreparedFilms) -> list[tuple[Trial, _Wanted]]:
    """What each trial of a configuration that has any film to explain is asked about."""
    asked = _labels_asked(outcome)
    here = set(prepared.image_ids)
    wanted = [
        (trial, [(one, column) for one in trial.parts.test if one in here for column in asked[one]])
        for trial in study.trials(outcome.configuration)
    ]
    return [(trial, films) for trial, films in wanted if films]


def _of_configuration(
    study: Study,
    wanted: Sequence[tuple[Trial, _Wanted]],
    prepared: PreparedFilms,
    device: torch.device,
) -> Iterator[Heatmap]:
    network: Network | None = None
    for trial, asked in wanted:
        network = trials.restore(trial, study.trials_folder, study.spec, study.files, network)
        yield from _of_trial(study, trial, network.to(device), asked, prepared)


def _of_trial(
    study: Study,
    trial: Trial,
    network: Network,
    wanted: _Wanted,
    prepared: PreparedFilms,
) -> Iterator[Heatmap]:
    device = next(network.parameters()).device
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        rows = prepared.rows([image_id for image_id, _ in batch])
        images = study.spec.preprocessing.normalised(prepared.images[rows].to(device))
        labels = torch.tensor([column for _, column in batch], device=device)
        explained = explain(network, images, labels)
        for i, (image_id, column) in enumerate(batch):
            yield explained.heatmap(i, image_id, study.spec.labels[column], trial.trial_id)


def _labels_asked(outcome: Outcome) -> dict[str, tuple[int, ...]]:
    table = outcome.predictions
    assert table is not None
    return {
        image_id: tuple(dict.fromkeys((int(predicted), int(truth))))
        for image_id, predicted, truth in zip(
            table.image_ids, table.predicted, table.truth, strict=True
        )
    }
