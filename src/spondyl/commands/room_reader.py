"""A bundle's reader as the reading room wants it: reading, film and all heatmaps of one film.

The web application knows no network; this is the only place where both are known. Every network
looks once, and all labels and methods are asked of what it saw. The mean map is the mean of signed
maps, as in a reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spondyl.data import pixels
from spondyl.data.pixels import Pixels
from spondyl.data.spines import Spine
from spondyl.explain import explaining
from spondyl.explain.explaining import Explained, Method, explain_seen
from spondyl.explain.feature_map import Seen, at_rest, see
from spondyl.explain.heatmap import Heatmap
from spondyl.reading.document import document
from spondyl.reading.explaining_films import asked_of, networks_for
from spondyl.reading.reading import FILM, Reader
from spondyl.reading.record import Reading
from spondyl.web.room_reading import MEAN, RoomMap, RoomReading
from spondyl.web.settings import BundleFacts

LONGEST = 1024
"""Pixels of a heat picture's longer side at most."""


@dataclass(frozen=True, slots=True, eq=False)
class RoomReader:
    """Reads films for the reading room."""

    reader: Reader
    methods: tuple[Method, ...]

    @classmethod
    def of(cls, reader: Reader, methods: Sequence[str]) -> RoomReader:
        """`reader` with maps by `methods`; `SpondylError` for one that is not known or not defined
        for its networks."""
        asked = asked_of(reader.bundle, methods, ("all",))
        networks_for(reader.bundle, asked, torch.device("cpu"))
        return cls(reader, tuple(explaining.named(name) for name in asked.methods))

    @property
    def facts(self) -> BundleFacts:
        """What the room says of the bundle."""
        bundle = self.reader.bundle
        folds = bundle.folds if len(bundle.folds) > 1 else ()
        return BundleFacts(
            bundle_id=bundle.bundle_id,
            title=str(bundle.configuration),
            labels=bundle.labels.names,
            networks=(MEAN, *(_name(fold) for fold in folds)),
            methods=tuple(method.title for method in self.methods),
            intended_use=bundle.intended_use,
            alpha=bundle.calibration.alpha,
            card=bundle.card,
        )

    def __call__(self, path: Path) -> RoomReading:
        """The film in a file, read; `SpondylError` where it is none."""
        film = pixels.read(path)
        reading = self.reader.read_pixels(film, path, FILM)
        return RoomReading(
            document(reading),
            np.rint(255 * film.grey).astype(np.uint8),
            film.spacing_mm,
            tuple(self._maps(film, reading)),
        )

    def _maps(self, film: Pixels, reading: Reading) -> Iterator[RoomMap]:
        image = self._image(film, reading)
        looks = self._looks([one.fold for one in reading.networks], image)
        labels = self.reader.bundle.labels.names
        for method in self.methods:
            for column, label in enumerate(labels):
                found = {
                    fold: explain_seen(
                        self.reader.networks[fold], image, seen, [column], method.name
                    )
                    for fold, seen in looks.items()
                }
                for name, one in _with_mean(found, self.reader.bundle.folds).items():
                    heatmap = one.heatmap(0, FILM, label, reading.bundle_id)
                    yield _room_map(name, heatmap, reading)

    def _image(self, film: Pixels, reading: Reading) -> Tensor:
        """(1, 3, h, w) as the networks met the film in its reading."""
        spine, marked = None, reading.regions
        preprocessing = self.reader.bundle.preprocessing
        if preprocessing.needs_spine and marked is not None and marked.spine_box is not None:
            spine = Spine(marked.spine_box, marked.image_size, marked.made_by)
        canvas, _ = preprocessing.apply(film, spine)
        return preprocessing.normalised(
            torch.from_numpy(canvas).half()[None].to(self.reader.device)
        )

    def _looks(self, folds: Sequence[int], image: Tensor) -> dict[int, Seen]:
        """What each network makes of the film; a body looks once, whoever shares it."""
        made: dict[nn.Module, Tensor] = {}
        looks = {}
        for fold in folds:
            with at_rest(self.reader.networks[fold]) as still:
                if still.ends_in_attention:
                    looks[fold] = see(still, image)
                    continue
                if still.body not in made:
                    with torch.inference_mode():
                        made[still.body] = still.body(image)
                looks[fold] = see(still, image, made[still.body])
        return looks


def _name(fold: int) -> str:
    return f"fold-{fold}"


def _with_mean(found: Mapping[int, Explained], folds: Sequence[int]) -> dict[str, Explained]:
    """The mean of all, and each by its name where the bundle has more than one."""
    first = next(iter(found.values()))
    signed = torch.stack([one.signed for one in found.values()]).mean(dim=0)
    named = {MEAN: Explained(signed, first.logits, first.method, first.layer)}
    if len(folds) > 1:
        named |= {_name(fold): one for fold, one in found.items()}
    return named


def _room_map(name: str, heatmap: Heatmap, reading: Reading) -> RoomMap:
    return RoomMap(
        network=name,
        label=heatmap.label,
        method=heatmap.method,
        unit=heatmap.unit,
        signed=heatmap.signed,
        peak=heatmap.peak,
        heat=_heat(heatmap, reading),
    )


def _heat(heatmap: Heatmap, reading: Reading) -> NDArray[np.uint8]:
    """(H, W) on the film's grid: 0 none or negative, 255 the map's peak."""
    factor = min(1.0, LONGEST / max(reading.film.size))
    height, width = (max(1, round(side * factor)) for side in reading.film.size)
    heat = reading.placement.on_image(heatmap.values, (height, width))
    if heatmap.peak <= 0:
        return np.zeros((height, width), np.uint8)
    return np.rint(255 * np.clip(heat / heatmap.peak, 0, 1)).astype(np.uint8)
