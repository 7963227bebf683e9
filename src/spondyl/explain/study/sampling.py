"""Which films of a study are explained, and what of each a configuration is asked about.

Films are drawn by a seed before any map exists, from the classes in turn. Rare classes are thereby
over-represented: means over the sample are not those of the cohort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spondyl.data import regions
from spondyl.data.placement import Placement
from spondyl.data.radiograph import Radiograph
from spondyl.data.regions import Regions
from spondyl.explain.study.film_scores import Films
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.preprocess import Preprocessing, prepare
from spondyl.learn.study import Study
from spondyl.progress import Track, silently

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The films that are explained, in the order drawn."""

    radiographs: tuple[Radiograph, ...]
    images: Tensor
    """(n, 1 or 3, H, W) float16 in [0, 1]."""
    placements: tuple[Placement, ...]
    regions: tuple[Regions | None, ...]
    preprocessing: Preprocessing

    @property
    def image_ids(self) -> tuple[str, ...]:
        """Of each film."""
        return tuple(film.image_id for film in self.radiographs)

    def films(self, rows: Rows, asked: Asked, device: torch.device) -> Films:
        """The films of `rows` as a network on `device` is asked about them."""
        images = self.images[torch.from_numpy(rows)].to(device)
        return Films(
            tuple(self.radiographs[row] for row in rows),
            self.preprocessing.normalised(images).expand(-1, 3, -1, -1).contiguous(),
            torch.from_numpy(asked.labels[rows]).to(device),
            torch.from_numpy(asked.others[rows]).to(device),
            tuple(self.placements[row] for row in rows),
            tuple(self.regions[row] for row in rows),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a configuration is asked about in each film of a sample: arrays (n,) int64."""

    labels: Rows
    """Column of the predicted label."""
    others: Rows
    """Column of the label that came second."""
    folds: Rows
    """In which the film was tested."""

    @classmethod
    def of(cls, table: PredictionTable, image_ids: Sequence[str]) -> Asked:
        """The films' predicted and second labels, in the order of `image_ids`."""
        at = {image_id: row for row, image_id in enumerate(table.image_ids)}
        rows = [at[image_id] for image_id in image_ids]
        ordered = np.argsort(-table.logits[rows], axis=1, kind="stable")
        return cls(ordered[:, 0], ordered[:, 1], table.folds[rows])


def draw(
    study: Study,
    table: PredictionTable,
    n_films: int,
    seed: int,
    masks: Path | None = None,
    track: Track = silently,
) -> Sample:
    """`n_films` of the films judged in `table`, read and prepared, with their regions in `masks`.

    Raises `SpondylError` for films that cannot be read, and regions that do not fit or are none.
    """
    known = {film.image_id: film for film in study.cohort.radiographs}
    films = tuple(known[image_id] for image_id in drawn(table, n_films, seed))
    marked = (None,) * len(films) if masks is None else _marked(masks, films)
    prepared = prepare(films, study.spec.preprocessing, track, study.spines)
    return Sample(films, prepared.images, prepared.placements, marked, study.spec.preprocessing)


def drawn(table: PredictionTable, n_films: int, seed: int) -> tuple[str, ...]:
    """Image ids of `n_films` films (all where there are fewer), drawn from the classes in turn.

    Classes come in label order, so the first so many films are as even as can be, too.
    """
    draws = np.random.default_rng(seed)
    shuffled = [
        draws.permutation(np.flatnonzero(table.truth == column))
        for column in range(len(table.labels))
    ]
    longest = max(map(len, shuffled))
    in_turn = [rows[turn] for turn in range(longest) for rows in shuffled if turn < len(rows)]
    return tuple(table.image_ids[row] for row in in_turn[:n_films])


def batches(rows: Rows, at_most: int) -> list[Rows]:
    """The rows in batches of nearly one size, so that none is left with a single film."""
    return np.array_split(rows, -(-len(rows) // at_most)) if len(rows) else []


def _marked(masks: Path, films: Sequence[Radiograph]) -> tuple[Regions | None, ...]:
    """What is marked in each film; `SpondylError` that names every film whose marks do not fit."""
    found = regions.marked_films(masks, films)
    return tuple(found.get(film.image_id) for film in films)
