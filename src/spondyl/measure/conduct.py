"""Making a finder: from a spec, and a landmark set where it asks for one, to one file.

The set's studies fall into three parts: one teaches, one chooses how wide the intervals are, one
judges. A finder that learns from drawn films alone may be given the set as well, for the second and
third purpose only. What is needed to go on after an interruption lies beside the file until it is
there, bound to spec and films, so a training is never gone on with on other data.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spondyl.data import pixels
from spondyl.data.levels import VERTEBRAE
from spondyl.errors import SpondylError
from spondyl.files import read_json, refuse_unless_free, sha256_of_json, write_json
from spondyl.learn.environment import environment
from spondyl.learn.fabrics import fabric_on
from spondyl.measure import cobb, examples, finder, judging, landmark_set, training
from spondyl.measure.finder import About, Finder
from spondyl.measure.judging import Judged
from spondyl.measure.landmark_set import LandmarkedFilm
from spondyl.measure.measuring import LEAST_SPREAD_DEGREES, spread_degrees
from spondyl.measure.network import SpineNetwork
from spondyl.measure.spec import FinderSpec
from spondyl.measure.spine import find
from spondyl.measure.training import Material
from spondyl.progress import Track, silently

INTERVAL_LEVEL = 0.9
JUDGING_PHANTOMS = 60
_JUDGING_SEED = 1_000_003
"""Added to the spec's seed, so that drawn films that judge are not among those that taught."""


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """The landmark set's films by what they are for; all empty where none is given."""

    taught: Sequence[LandmarkedFilm] = ()
    tuned: Sequence[LandmarkedFilm] = ()
    judged: Sequence[LandmarkedFilm] = ()


def train(
    spec: FinderSpec, data: Path | None, out: Path, device: str = "auto", track: Track = silently
) -> Finder:
    """Trains a finder as `spec` says, writes it to `out` and returns it as read back from there.

    A training that was cut off goes on from OUT.training/. Raises `SpondylError` before any work
    where `out` is taken, the spec needs a landmark set and `data` is none, or what lies beside
    `out` is of another training.
    """
    refuse_unless_free(out)
    parts = _parts(spec, data)
    desk = out.with_name(f"{out.name}.training")
    _bind(desk, spec, parts)
    fabric = fabric_on(device, spec.precision)
    network = _begun(spec)
    material = Material(
        landmark_set.examples(parts.taught, track),
        examples.drawn(spec.phantoms, spec.seed, spec.lateral, track),
    )
    history = training.train(network, material, spec, fabric, desk / "checkpoint.pt", track)
    about = _about(spec, parts, history)
    draft = finder.save(desk / "draft.safetensors", network, about)
    about = _measured(finder.load(draft, fabric.device), spec, parts, track)
    finder.save(out, network, about)
    shutil.rmtree(desk)
    return finder.load(out)


def judge(
    films: Sequence[LandmarkedFilm], by: Finder, track: Track = silently
) -> tuple[Judged, ...]:
    """`by`'s answer to each film of a landmark set beside the truth."""
    found = []
    for film in track(films, "judging the finder", len(films)):
        answer = find(pixels.read(film.path).grey, by)
        found.append(
            judging.judged(
                film.name, film.study, answer, film.corners, true_angles=film.true_angles
            )
        )
    return tuple(found)


def judge_on_phantoms(by: Finder, n: int, seed: int, track: Track = silently) -> tuple[Judged, ...]:
    """The same for `n` drawn frontal films, whole spines of all classes."""
    found = []
    drawn = examples.drawn(n, seed, 0.0, track)
    for place, example in enumerate(track(drawn, "judging the finder on drawn films", n)):
        grey = example.film.astype(np.float32) / np.float32(255)
        answer = find(grey, by)
        names = [VERTEBRAE[level] for level in example.levels]
        found.append(judging.judged(f"phantom {place}", str(place), answer, example.corners, names))
    return tuple(found)


def _parts(spec: FinderSpec, data: Path | None) -> _Parts:
    if data is None:
        if spec.films == "landmark set":
            raise SpondylError(
                "this training learns from a landmark set, and none is given",
                'Give its folder with --data, or a spec with films = "phantoms".',
            )
        return _Parts()
    taught, tuned, judged = landmark_set.parted(
        landmark_set.read(data), spec.tune, spec.test, spec.seed
    )
    if spec.films == "phantoms":
        return _Parts((), tuned, judged)
    if not taught:
        raise SpondylError(f"{data}: no film is left to learn from", "Lower tune and test.")
    return _Parts(taught, tuned, judged)


def _bind(desk: Path, spec: FinderSpec, parts: _Parts) -> None:
    """Makes the folder for what is unfinished, or proves that it is of this very training."""
    films = [*parts.taught, *parts.tuned, *parts.judged]
    bound = {
        "spec": spec.model_dump(mode="json"),
        "films_sha256": sha256_of_json([[f.name, f.corners.tolist()] for f in films]),
    }
    note = desk / "training.json"
    if note.is_file():
        if read_json(note) != bound:
            raise SpondylError(
                f"{desk}: an unfinished training with another spec or other films",
                "Remove that folder, or name another file with --out.",
            )
        return
    desk.mkdir(parents=True, exist_ok=True)
    write_json(note, bound)


def _begun(spec: FinderSpec) -> SpineNetwork:
    """A network with the initial weights that the spec asks for."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        network = SpineNetwork()
    if spec.start == "shipped":
        network.load_state_dict(finder.load(finder.shipped_path()).network.state_dict())
    return network


def _about(spec: FinderSpec, parts: _Parts, history: tuple[float, ...]) -> About:
    trained_on = f"{spec.phantoms} drawn films"
    if parts.taught:
        trained_on += (
            f" and {len(parts.taught)} films of a landmark set, whose licence binds this finder too"
        )
    else:
        trained_on += " alone"
    return About(
        title=spec.title,
        trained_on=trained_on,
        spec=spec.model_dump(mode="json"),
        size=spec.size,
        interval_scale=None,
        interval_level=INTERVAL_LEVEL,
        judged={"loss": [round(value, 4) for value in history]},
        environment=environment(),
        least_confidence=spec.least_confidence,
    )


def _measured(made: Finder, spec: FinderSpec, parts: _Parts, track: Track) -> About:
    """What is known of `made` once the films that calibrate and judge were shown to it."""
    judged: dict[str, Any] = dict(made.about.judged)
    phantoms = judge_on_phantoms(made, JUDGING_PHANTOMS, spec.seed + _JUDGING_SEED, track)
    judged["phantoms"] = judging.figures(phantoms)
    if parts.judged:
        judged["landmark set"] = judging.figures(judge(parts.judged, made, track))
    scale = interval_scale(parts.tuned, made, INTERVAL_LEVEL, track)
    judged["n_calibrating"] = len(parts.tuned)
    return replace(made.about, interval_scale=scale, judged=judged)


def interval_scale(
    films: Sequence[LandmarkedFilm], by: Finder, level: float, track: Track = silently
) -> float | None:
    """The factor by which the spread of the looks covers the error of the first angle in at least
    `level` of new films like these (split conformal prediction: Lei et al. 2018, JASA 113:1094).

    None where too few films were measured for that level to be reached.
    """
    scores = []
    for film in track(films, "calibrating intervals", len(films)):
        shown = pixels.read(film.path)
        found = find(shown.grey, by)
        spread = spread_degrees(found, shown)[0] if found.refusal is None else np.nan
        if np.isnan(spread):
            continue
        ours = cobb.three_angles(found.corners, found.image_size[0])[0]
        scores.append(abs(ours - film.true_angles[0]) / max(spread, LEAST_SPREAD_DEGREES))
    rank = math.ceil((len(scores) + 1) * level)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else None
