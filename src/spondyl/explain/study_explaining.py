"""How good the heatmaps of a finished study are: scores of a sample of its films, kept to be read.

Each film is explained by the fold network that was tested on it, and asked about the label that it
predicted. The sample is the same for every configuration, so that networks and strategies can be
set side by side. Work is kept configuration by configuration: one that is there with the same
settings is not made again. The price of scores from a sample: intervals are wide, and stand beside
every mean.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.explain import stability
from spondyl.explain.explaining import named, same_picture
from spondyl.explain.score_table import Row
from spondyl.explain.scores import baselines
from spondyl.explain.study import checks, film_scores, record, sampling
from spondyl.explain.study.film_scores import Films, Floats, Scores
from spondyl.explain.study.record import About, Explanations
from spondyl.explain.study.sampling import Asked, Rows, Sample
from spondyl.files import sha256_of_json
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.environment import environment
from spondyl.learn.fabrics import device_on
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Outcome
from spondyl.learn.study import Study
from spondyl.progress import Track, silently

Scope = Literal["all", "place"]
N_FILMS = 24
CASCADE_FILMS = 8
"""Films at most whose networks are randomised layer by layer: the first of the sample."""
BATCH = 16
"""Films at most in memory with all their maps."""


def explain_run(
    folder: Path,
    methods: Sequence[str] = ("grad-cam",),
    n_films: int = N_FILMS,
    seed: int = 0,
    masks: Path | None = None,
    scores: Scope = "all",
    device: str = "auto",
    track: Track = silently,
) -> tuple[Explanations, ...]:
    """Scores of the heatmaps of every finished configuration of the study in `folder`.

    Written to RUN/explanations/ (`study.record`): by `methods` and the four baselines, on `n_films`
    films drawn by `seed` (all, where there are fewer). `scores` "place" asks only where the maps
    are hot, which costs two forward passes a film instead of hundreds. `masks` is a folder of
    regions as `data.regions.save` writes them; films without a file there have no scores of place.
    Raises `SpondylError`, before any work, for unknown methods, fewer than two films, a study
    without a finished configuration, and regions that do not fit.
    """
    asked = tuple(dict.fromkeys(named(method).name for method in methods))
    if not asked or n_films < 2:
        raise SpondylError(
            f"{len(asked)} methods on {n_films} films: nothing to explain and compare",
            "Name one method or more, and two films or more.",
        )
    on = device_on(device)
    study = studies.load(folder)
    finished = [one for one in study.outcomes() if one.predictions is not None]
    if not finished:
        raise SpondylError(
            f"{folder}: no configuration is finished", "Run `spondyl study run` to its end first."
        )
    table = finished[0].predictions  # all finished configurations have judged the same films
    assert table is not None
    sample = sampling.draw(study, table, n_films, seed, masks, track)
    settings = _settings(asked, n_films, seed, scores, sample)
    return tuple(_kept_or_made(study, one, sample, settings, on, track) for one in finished)


def _settings(
    methods: Sequence[str], n_films: int, seed: int, scores: Scope, sample: Sample
) -> dict[str, Any]:
    """All that decides the scores, but for the networks."""
    marks = {
        image_id: [
            "" if of.spine_mask is None else hashlib.sha256(of.spine_mask.tobytes()).hexdigest(),
            [list(target) for target in of.targets],
            None if of.landmarks is None else of.landmarks.tolist(),
        ]
        for image_id, of in zip(sample.image_ids, sample.regions, strict=True)
        if of is not None
    }
    return {
        "methods": list(methods),
        "n_films": n_films,
        "seed": seed,
        "scores": scores,
        "deletion_and_insertion_steps": film_scores.STEPS,
        "road_shares": list(film_scores.ROAD_SHARES),
        "place_side_px": film_scores.PLACE_SIDE,
        "cascade_films": CASCADE_FILMS,
        "shifts_px": [list(shift) for shift in stability.SHIFTS],
        "shading": checks.SHADING,
        "overlap_top_share": stability.TOP_SHARE,
        "n_marked": len(marks),
        "regions_sha256": sha256_of_json(marks),
    }


def _kept_or_made(
    study: Study,
    outcome: Outcome,
    sample: Sample,
    settings: dict[str, Any],
    device: torch.device,
    track: Track,
) -> Explanations:
    configuration = outcome.configuration
    networks = [trial.trial_id for trial in study.trials(configuration)]
    settings = {**settings, "trials": networks}
    kept = _kept(study, outcome)
    if kept is not None and record.same(kept.about.settings, settings):
        return kept
    began = time.perf_counter()
    work = _Work(study, outcome, sample, settings, device)
    rows = tuple(work.rows(track))
    about = About(
        settings=settings,
        pictures=work.pictures,
        image_ids=sample.image_ids,
        cascade_ids=sample.image_ids[:CASCADE_FILMS],
        n_networks=len(networks),
        forward_passes=work.n_passes,
        seconds=round(time.perf_counter() - began, 1),
        device=str(device),
        environment=environment(),
    )
    record.save(study.folder, configuration, rows, about)
    made = record.load(study.folder, configuration)
    assert made is not None
    return made


def _kept(study: Study, outcome: Outcome) -> Explanations | None:
    """What is there; None where nothing is, or what was damaged and is made anew."""
    try:
        return record.load(study.folder, outcome.configuration)
    except SpondylError:
        return None


class _Work:
    """The scores of one configuration in the making; one network in memory at a time."""

    def __init__(
        self,
        study: Study,
        outcome: Outcome,
        sample: Sample,
        settings: dict[str, Any],
        device: torch.device,
    ) -> None:
        assert outcome.predictions is not None
        self.study, self.outcome, self.sample, self.device = study, outcome, sample, device
        self.methods: list[str] = settings["methods"]
        self.seed: int = settings["seed"]
        self.scores: Scope = settings["scores"]
        self.asked = Asked.of(outcome.predictions, sample.image_ids)
        self.values: Scores = {}
        self.pictures: tuple[tuple[str, ...], ...] = ()
        self.n_passes = 0
        """Films sent through a network so far."""

    def rows(self, track: Track) -> Iterator[Row]:
        """Row by row of the table, film after film."""
        every = np.arange(len(self.sample.radiographs))
        signed = []
        configuration = self.outcome.configuration
        for trial in track(self.study.trials(configuration), f"explaining {configuration}"):
            study = self.study
            network = trials.restore(trial, study.trials_folder, study.spec, study.files)
            self._counted(network.to(self.device))
            self.pictures = same_picture(network, self.methods)
            self._ask(network, every[self.asked.folds == trial.fold])
            if self.scores == "all":
                signed.append(self._signed(network, every))
        if self.scores == "all":
            self._enter(every, checks.fold_agreement(signed))
        for row, film in enumerate(self.sample.radiographs):
            label = self.study.spec.labels[self.asked.labels[row]]
            for (maker, score), values in self.values.items():
                if not np.isnan(values[row]):
                    about = (film.image_id, film.group_id, label, maker, score)
                    yield Row(*about, float(values[row]))

    @property
    def _makers(self) -> list[str]:
        """Of methods that are one picture, the first."""
        return [together[0] for together in self.pictures]

    def _ask(self, network: Network, rows: Rows) -> None:
        """Enters the scores of the films that were tested on `network`, cheap ones first, so that
        what cannot be explained is refused early."""
        unlearned = self._counted(baselines.untrained(network, self.seed))
        for some in sampling.batches(rows, BATCH):
            films = self._films(some)
            preprocessing = self.sample.preprocessing
            maps = film_scores.maps_of(
                network, unlearned, films, self._makers, self.seed + int(some[0])
            )
            self._enter(some, film_scores.spread_of(maps))
            self._enter(some, film_scores.places_of(films, maps))
            if self.scores == "place":
                continue
            self._enter(some, checks.steadiness_of(network, films, self._makers, preprocessing))
            self._enter(some, film_scores.faithfulness_of(network, films, maps))
        cascaded = rows[rows < CASCADE_FILMS] if self.scores == "all" else rows[:0]
        for some in sampling.batches(cascaded, BATCH):
            seeds = (self.seed, self.seed + 1)
            films = self._films(some)
            self._enter(some, checks.cascade_of(network, films, self._makers, seeds))

    def _signed(self, network: Network, rows: Rows) -> dict[str, Floats]:
        """Method → maps (n, h, w) of films that `network` may have learned from."""
        parts = [
            checks.signed_maps(network, self._films(some), self._makers)
            for some in sampling.batches(rows, BATCH)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in self._makers}

    def _films(self, rows: Rows) -> Films:
        return self.sample.films(rows, self.asked, self.device)

    def _enter(self, rows: Rows, scores: Scores) -> None:
        for key, values in scores.items():
            blank = np.full(len(self.sample.radiographs), np.nan)
            self.values.setdefault(key, blank)[rows] = values

    def _counted(self, network: Network) -> Network:
        """`network`, whose passes, and those of its copies, are counted; it is ours, and goes with
        its hook."""

        def count(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            del module
            self.n_passes += len(inputs[0])

        network.body[0].register_forward_pre_hook(count)
        return network
