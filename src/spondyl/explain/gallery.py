"""The heatmaps of a study: which films are shown, and each trial's maps of its own test films.

A film is explained by the network that was tested on it, never by one that learned from it. Correct
films are drawn by the study's seed before any heatmap exists, so nobody picks the handsome ones;
of the best configuration every wrong film is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from spondyl.explain import cam, heatmap
from spondyl.explain.heatmap import Heatmap
from spondyl.learn import trial as trials
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.learn.preprocess import PreparedFilms, prepare
from spondyl.learn.study import Study
from spondyl.learn.trial import Trial
from spondyl.progress import Track, silently

HEATMAPS = "heatmaps"
BATCH = 16


@dataclass(frozen=True, slots=True)
class Selection:
    """Films to be shown, by image id."""

    correct: tuple[tuple[str, tuple[str, ...]], ...]
    """(label, films of it drawn by the seed), in label order."""
    best: Configuration | None
    """The configuration of the highest pooled accuracy, the first of equals."""
    wrong: tuple[str, ...]
    """Every film that `best` got wrong, in the cohort's order."""

    @property
    def image_ids(self) -> tuple[str, ...]:
        """All of them, each once."""
        shown = [image_id for _, films in self.correct for image_id in films]
        return tuple(dict.fromkeys((*shown, *self.wrong)))


def choose(outcomes: Sequence[Outcome], n_correct: int, seed: int) -> Selection:
    """Films for the report: `n_correct` of each class, and every error of the best configuration.

    Correct films are drawn among those that all configurations got right, and, where these are too
    few, among those that the best one did.
    """
    tables = [
        (one.configuration, one.predictions) for one in outcomes if one.predictions is not None
    ]
    if not tables:
        return Selection((), None, ())
    right = [table.predicted == table.truth for _, table in tables]
    best = int(np.argmax([np.mean(hits) for hits in right]))
    configuration, table = tables[best]
    draws = np.random.default_rng(seed)
    shared = np.logical_and.reduce(right)
    correct = []
    for column, name in enumerate(table.labels.names):
        of_class = table.truth == column
        shuffled = [
            draws.permutation(np.flatnonzero(of_class & hits))
            for hits in (shared, right[best] & ~shared)
        ]
        rows = np.concatenate(shuffled)[:n_correct]
        correct.append((name, tuple(table.image_ids[row] for row in rows)))
    wrong = tuple(table.image_ids[row] for row in np.flatnonzero(~right[best]))
    return Selection(tuple(correct), configuration, wrong)


def explain_study(
    study: Study, outcomes: Sequence[Outcome], device: torch.device, track: Track = silently
) -> Selection:
    """Writes RUN/heatmaps/<configuration>.npz for every finished configuration; what was chosen.

    For each film the predicted label is explained, and the true one where it differs.
    """
    selection = choose(outcomes, study.spec.gallery_films, study.spec.seed)
    if study.spec.heatmaps == "none":
        return selection
    shown = set(selection.image_ids)
    films = [
        film
        for film in study.cohort.radiographs
        if study.spec.heatmaps == "all" or film.image_id in shown
    ]
    prepared = prepare(films, study.spec.preprocessing, track)
    finished = [one for one in outcomes if one.predictions is not None]
    for outcome in track(finished, "heatmaps"):
        maps = list(_of_configuration(study, outcome, prepared, device))
        heatmap.save(path(study.folder, outcome.configuration), maps)
    return selection


def path(folder: Path, configuration: Configuration) -> Path:
    """Where the heatmaps of a configuration lie in the folder of its study."""
    return folder / HEATMAPS / f"{configuration.slug}.npz"


def _of_configuration(
    study: Study, outcome: Outcome, prepared: PreparedFilms, device: torch.device
) -> Iterator[Heatmap]:
    asked = _labels_asked(outcome)
    here = set(prepared.image_ids)
    for trial in study.trials(outcome.configuration):
        wanted = [
            (image_id, column)
            for image_id in trial.parts.test
            if image_id in here
            for column in asked[image_id]
        ]
        if wanted:
            yield from _of_trial(study, trial, wanted, prepared, device)


def _of_trial(
    study: Study,
    trial: Trial,
    wanted: Sequence[tuple[str, int]],
    prepared: PreparedFilms,
    device: torch.device,
) -> Iterator[Heatmap]:
    network = trials.restore(trial, study.trials_folder, study.spec, study.files).to(device)
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        rows = prepared.rows([image_id for image_id, _ in batch])
        images = study.spec.preprocessing.normalised(prepared.images[rows].to(device))
        labels = torch.tensor([column for _, column in batch], device=device)
        maps = cam.grad_cam(network, images, labels).maps.cpu().numpy()
        for (image_id, column), values in zip(batch, maps, strict=True):
            label = study.spec.labels[column]
            yield Heatmap(image_id, values.copy(), label, "Grad-CAM", network.layer, trial.trial_id)


def _labels_asked(outcome: Outcome) -> dict[str, tuple[int, ...]]:
    table = outcome.predictions
    assert table is not None
    return {
        image_id: tuple(dict.fromkeys((int(predicted), int(truth))))
        for image_id, predicted, truth in zip(
            table.image_ids, table.predicted, table.truth, strict=True
        )
    }
