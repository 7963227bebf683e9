"""The pictures of a survey of heatmaps, drawn from a finished study before anybody is asked.

A film is explained by the network that was tested on it, never by one that learned from it. Every
heatmap is drawn as in a reading and on its own scale, hottest where it is hottest, with no number
on it: a scale that maps share, or a legend's figures, would tell one network from another and a
decoy from both. The price is that a weak map looks as strong as any. A decoy without heat would be
seen through at a glance, so other labels and other random weights are tried until there is some.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

import torch
from torch import Tensor

from spondyl.data import encoded, pixels
from spondyl.data.placement import Placement
from spondyl.data.radiograph import Radiograph
from spondyl.errors import SpondylError
from spondyl.explain import overlay
from spondyl.explain.explaining import explain, named
from spondyl.explain.heatmap import Heatmap
from spondyl.explain.overlay import Film
from spondyl.explain.scores.baselines import untrained
from spondyl.explain.study import record
from spondyl.files import sha256_of_json
from spondyl.learn import trial as trials
from spondyl.learn.fabrics import device_on
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration
from spondyl.learn.preprocess import prepare
from spondyl.learn.study import Study
from spondyl.learn.trial import Trial
from spondyl.progress import Track, silently
from spondyl.reading.assembling import all_finished, refuse_changed_weights
from spondyl.reading.picture import scale_of, style_of

LONGEST = 2000
"""Pixels of a picture's longer side at most."""
DRAWS = 8
"""Times at most that the weights of a randomised network are drawn, until its map has heat."""

Kind = Literal["network", "other label", "randomised network"]
Scores = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class MapAsked:
    """A heatmap that has to be drawn."""

    image_id: str
    configuration: Configuration
    labels: tuple[str, ...]
    """Labels to ask about: the first for which there is any heat, else the first of all."""
    kind: Kind = "network"
    """Of a "randomised network" all weights are drawn anew before it explains."""


@dataclass(frozen=True, slots=True)
class MapDrawn:
    """A heatmap as it is shown."""

    jpeg: bytes = field(repr=False)
    """The film under its heat, on the grid of its picture (`films`)."""
    fold: int
    """Whose network explained, or was randomised: the one that was tested on the film."""
    label: str
    """The label that the heat is of."""
    method: str
    """By its own name."""
    has_heat: bool
    """False where the method found nothing for any of the labels: the film is drawn as it is."""
    scores: Scores
    """(name, value) from the study's own explanations, chance levels left out; empty of decoys, and
    where the study did not explain this film by this method and label."""


def films(study: Study, image_ids: Sequence[str], track: Track = silently) -> dict[str, bytes]:
    """The films by image id as PNG, 8-bit grey, no side longer than `LONGEST`, pixels only.

    Raises `SpondylError` for films that the study does not have, and files that are gone or not
    those that it judged.
    """
    wanted = _radiographs(study, image_ids)
    return {
        film.image_id: encoded.png(overlay.bare(_shrunk(film))[..., 0])
        for film in track(wanted, "drawing films")
    }


def maps(
    study: Study,
    asked: Sequence[MapAsked],
    method: str = "grad-cam",
    seed: int = 0,
    device: str = "auto",
    track: Track = silently,
) -> tuple[MapDrawn, ...]:
    """What is `asked`, in its order, by `method`; `seed` is that of all random weights.

    Raises `SpondylError` for an unknown method, configurations that are not finished or whose
    initial weights are gone, labels and films that the study does not have, and as `films`.
    """
    name = named(method).name
    _refuse_unanswerable(study, asked)
    where = _trials(study, asked)
    wanted = _radiographs(study, list(dict.fromkeys(one.image_id for one in asked)))
    prepared = prepare(wanted, study.spec.preprocessing, track, study.spines)
    known = {film.image_id: film for film in wanted}
    scores = {one: _scores(study, one, name) for one in {one.configuration for one in asked}}
    on = device_on(device)
    found: dict[int, MapDrawn] = {}
    order = sorted(range(len(asked)), key=lambda at: (where[at].trial_id, at))
    walk = track(order, "drawing heatmaps")
    for _, rows in groupby(walk, key=lambda at: where[at].trial_id):
        network: Network | None = None
        for at in rows:
            one, trial = asked[at], where[at]
            network = network or _restored(study, trial, on)
            row = int(prepared.rows([one.image_id])[0])
            image = study.spec.preprocessing.normalised(prepared.images[row][None].to(on))
            heatmap = _first_with_heat(_attempts(study, one, trial, network, image, name, seed))
            film, placement = known[one.image_id], prepared.placements[row]
            own = one.kind == "network"
            found[at] = MapDrawn(
                _drawn(film, placement, heatmap),
                trial.fold,
                heatmap.label,
                name,
                scale_of(heatmap) > 0,
                scores[one.configuration].get((one.image_id, heatmap.label), ()) if own else (),
            )
    return tuple(found[at] for at in range(len(asked)))


def _refuse_unanswerable(study: Study, asked: Sequence[MapAsked]) -> None:
    """Before any work."""
    for configuration in dict.fromkeys(one.configuration for one in asked):
        all_finished(study, configuration)
        refuse_changed_weights(study, configuration)
    labels = study.cohort.labels.names
    for one in asked:
        strange = [label for label in one.labels if label not in labels]
        if strange or not one.labels:
            raise SpondylError(
                f"{one.image_id}: label {', '.join(strange) or '(none)'} is none of the study's",
                f"Its labels: {', '.join(labels)}.",
            )


def _radiographs(study: Study, image_ids: Sequence[str]) -> list[Radiograph]:
    known = {film.image_id: film for film in study.cohort.radiographs}
    strange = [image_id for image_id in image_ids if image_id not in known]
    if strange:
        raise SpondylError(f"{strange[0]}: no film of the study", "Ask about the study's films.")
    return [known[image_id] for image_id in image_ids]


def _trials(study: Study, asked: Sequence[MapAsked]) -> list[Trial]:
    """Of each map asked for, the trial that was tested on its film."""
    tested = {
        (configuration, image_id): trial
        for configuration in dict.fromkeys(one.configuration for one in asked)
        for trial in study.trials(configuration)
        for image_id in trial.parts.test
    }
    for one in asked:
        if (one.configuration, one.image_id) not in tested:
            raise SpondylError(
                f"{one.image_id}: no network of {one.configuration} was tested on it",
                "Ask about films that the study judged.",
            )
    return [tested[one.configuration, one.image_id] for one in asked]


def _restored(study: Study, trial: Trial, device: torch.device) -> Network:
    return trials.restore(trial, study.trials_folder, study.spec, study.files).to(device)


def _attempts(
    study: Study,
    one: MapAsked,
    trial: Trial,
    network: Network,
    image: Tensor,
    method: str,
    seed: int,
) -> Iterator[Heatmap]:
    """Maps that would do, made as they are asked for; each random network is drawn for its map
    alone, or all of them would look alike."""
    randomised = one.kind == "randomised network"
    for draw in range(DRAWS if randomised else 1):
        asked = network
        if randomised:
            drawn = sha256_of_json([seed, one.image_id, one.configuration.slug, draw])
            asked = untrained(network, int(drawn[:8], 16))
        for label in one.labels:
            explained = explain(asked, image, [study.cohort.labels.column(label)], method)
            yield explained.heatmap(0, one.image_id, label, trial.trial_id)


def _first_with_heat(attempts: Iterator[Heatmap]) -> Heatmap:
    """The first map with any heat; the first of all where none has."""
    first = next(attempts)
    if scale_of(first) > 0:
        return first
    return next((heatmap for heatmap in attempts if scale_of(heatmap) > 0), first)


def _drawn(film: Radiograph, placement: Placement, heatmap: Heatmap) -> bytes:
    small = _shrunk(film)
    heat = placement.on_image(heatmap.values, small.shape)
    return encoded.jpeg(style_of(heatmap).draw(small, heat, scale_of(heatmap)))


def _shrunk(film: Radiograph) -> Film:
    """The film in its file, proven to be the one that the study judged."""
    read = pixels.read(film.path)
    if read.facts.sha256 != film.file.sha256:
        raise SpondylError(
            f"{film.path}: is not the film that the study judged",
            f"Put the file with the SHA-256 {film.file.sha256[:12]}… back there.",
        )
    return overlay.shrunk(read.grey, LONGEST)


def _scores(
    study: Study, configuration: Configuration, method: str
) -> Mapping[tuple[str, str], Scores]:
    """(image id, label) → scores of the maps by `method`, where these very networks made them."""
    kept = record.load(study.folder, configuration)
    networks = [trial.trial_id for trial in study.trials(configuration)]
    if kept is None or kept.about.settings.get("trials") != networks:
        return {}
    maker = next((same[0] for same in kept.about.pictures if method in same), None)
    found: dict[tuple[str, str], Scores] = {}
    for row in kept.table.rows:
        if row.maker == maker and not row.score.endswith("-chance"):
            key = (row.image_id, row.label)
            found[key] = (*found.get(key, ()), (row.score, row.value))
    return found
