"""What an audit sees of a film: a small picture, what lies on it, and what surrounds its spine.

Each film is decoded once, and only what is asked of it is kept: 24 kB, and 100 more for a network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spondyl.data import pixels
from spondyl.data.artefacts.finding import Artefacts, found
from spondyl.data.radiograph import Radiograph
from spondyl.data.spines import NO_SPINES, Spine, Spines
from spondyl.errors import Problem, SpondylError
from spondyl.learn.preprocess import Preprocessing
from spondyl.progress import Track, silently
from spondyl.trust.data_audit.probes import SIDE, Pictures
from spondyl.trust.data_audit.remedies import AS_THEY_ARE, Remedy

Picture = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A cohort's films as an audit sees them, rows alike."""

    pictures: Pictures
    artefacts: tuple[Artefacts, ...]
    images: Tensor | None
    """(n, 1, height, width) float16 in [0, 1] for a network; None where none is asked."""
    surroundings: tuple[Picture | None, ...]
    """(SIDE, SIDE) with the spine's columns black; None of a film whose spine is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class _Film:
    picture: Picture
    artefacts: Artefacts
    image: Picture | None
    surroundings: Picture | None


def seen(
    films: Sequence[Radiograph],
    remedy: Remedy = AS_THEY_ARE,
    spines: Spines = NO_SPINES,
    grid: Preprocessing | None = None,
    track: Track = silently,
) -> Sight:
    """The `films` under a remedy, on a network's `grid`, too, where one is given.

    Raises `SpondylError` that names every film that cannot be read, or whose spine is needed for
    the remedy and is not in `spines`.
    """
    aspect = float(np.median([film.file.width / film.file.height for film in films]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looked = pool.map(
            lambda film: _seen(film, remedy, aspect, spines.get(film.image_id), grid), films
        )
        every = list(track(looked, f"looking at films: {remedy.name}", len(films)))
    if problems := [one for one in every if isinstance(one, Problem)]:
        raise SpondylError.of(problems, "the cohort's films")
    there = [one for one in every if isinstance(one, _Film)]
    images = [torch.from_numpy(one.image).half() for one in there if one.image is not None]
    return Sight(
        np.stack([one.picture for one in there]),
        tuple(one.artefacts for one in there),
        torch.stack(images) if images else None,
        tuple(one.surroundings for one in there),
    )


def _seen(
    film: Radiograph, remedy: Remedy, aspect: float, spine: Spine | None, grid: Preprocessing | None
) -> _Film | Problem:
    small = Preprocessing(size=(SIDE, SIDE), fit=remedy.fit, crop=remedy.crop)
    try:
        changed = remedy.change(pixels.read(film.path), aspect)
        picture = small.apply(changed, spine)[0][0]
        image = None
        if grid is not None:
            shown = replace(grid, fit=remedy.fit, crop=remedy.crop)
            image = shown.apply(changed, spine)[0][:1]
        beside = None
        if spine is not None:
            beside = replace(small, hide="spine").apply(changed, spine)[0][0]
    except SpondylError as error:
        return Problem(film.image_id, error.message, error.hint)
    return _Film(picture, found(changed), image, beside)
