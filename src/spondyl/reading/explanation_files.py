"""Explained films on disk: for each film pictures, raw maps, maps on the film's own grid, one JSON.

Films are explained first and drawn afterwards, since the scale of a whole run is known only then;
the price is that each film is decoded twice. The folder appears whole, when everything in it is
written. A film that cannot be explained stops no other: it stands among the failures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from spondyl.data import encoded, pixels, spines
from spondyl.data.loose_films import safe, unique_names
from spondyl.data.spines import SpineOf
from spondyl.errors import Problem, SpondylError
from spondyl.explain import drawing, overlay
from spondyl.explain.drawing import Style
from spondyl.explain.explaining import named
from spondyl.explain.heatmap import Heatmap
from spondyl.files import new_folder, refuse_unless_free, write_json
from spondyl.progress import Track, silently
from spondyl.reading.bundle import Bundle
from spondyl.reading.explaining_films import (
    Asked,
    FilmExplained,
    explain_film,
    networks_for,
    same_pictures,
)

SCHEMA_VERSION = 1
PICTURE_SIDE = 1024
"""Pixels of a drawn film's longer side at most; the TIFF has them all."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How heatmaps are drawn."""

    style: Style | None = None
    """None: in colour, with colours of its own for heat against the label where a method has it."""
    one_scale: bool = False
    """One scale for all maps of a method in a run, instead of each map's own peak."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a run."""

    films: tuple[dict[str, Any], ...]
    """The JSON of each film that was explained."""
    failures: tuple[Problem, ...]

    @property
    def lines(self) -> Iterator[str]:
        """One line for each film that was explained."""
        for film in self.films:
            answered = [network["fold"] for network in film["networks"]["answered"]]
            remembered = set(answered) & set(film["networks"]["learned_from_this_film"])
            yield (
                f"{film['name']}: {film['predicted']} "
                f"{film['probabilities'][film['predicted']]:.3f}, "
                + f"by fold {', '.join(map(str, answered))}"
                + (f"; {len(remembered)} of them learned from this film" if remembered else "")
            )

    def as_dict(self) -> dict[str, Any]:
        """The run as a JSON object."""
        return {"films": self.films, "failures": [asdict(failure) for failure in self.failures]}


def explain_films(
    films: Sequence[Path],
    bundle: Bundle,
    asked: Asked,
    out: Path,
    device: torch.device,
    drawn: Drawing = Drawing(),
    track: Track = silently,
    spine_of: SpineOf = spines.unknown,
) -> Written:
    """Explains `films` into the new folder `out`; where none of them can be, there is no folder.

    `spine_of` says where the spine of a film lies (`explaining_films.spines_for`).

    For each film FILM.json, and for each method and label FILM_METHOD_LABEL with three endings:
    .png the film, the overlay and the legend; .npy the signed map (h, w) float32 on the layer's
    grid; .tiff the map as its method defines it, (height, width) float32 on the film's grid.
    Raises `SpondylError` where `out` is taken or a method is not defined for the networks.
    """
    refuse_unless_free(out)
    networks = networks_for(bundle, asked, device)
    failures: list[Problem] = []
    explained: list[FilmExplained] = []
    for path in track(films, "explaining films"):
        try:
            explained.append(explain_film(path, bundle, networks, asked, spine_of(path)))
        except SpondylError as error:
            failures.append(Problem.at(path, error))
    if not explained:
        return Written((), tuple(failures))
    written = []
    about = {
        "bundle": {"id": bundle.bundle_id, **asdict(bundle.configuration), "folds": bundle.folds},
        "one_picture": same_pictures(networks, asked),
        "intended_use": bundle.intended_use,
    }
    scales = _scales(explained, drawn)
    with new_folder(out) as folder:
        names = unique_names([one.path.stem for one in explained])
        for one, name in track(list(zip(explained, names, strict=True)), "drawing"):
            try:
                document = _document(one, bundle, name, drawn, scales) | about
                _write(one, folder, document, drawn)
                written.append(document)
            except SpondylError as error:
                failures.append(Problem.at(one.path, error))
    return Written(tuple(written), tuple(failures))


def _style(heatmap: Heatmap, drawn: Drawing) -> Style:
    return drawn.style or (drawing.COLOUR if heatmap.rectified else drawing.SIGNED)


def _scale(heatmaps: Sequence[Heatmap], drawn: Drawing) -> float:
    """The value drawn strongest in these maps, all of one method."""
    if _style(heatmaps[0], drawn) is drawing.SIGNED:
        return drawing.signed_page_scale(heatmaps)
    return drawing.page_scale(heatmaps)


def _scales(explained: Sequence[FilmExplained], drawn: Drawing) -> dict[str, float]:
    """The one scale of each method over all films; none where each map has its own."""
    if not drawn.one_scale:
        return {}
    maps: dict[str, list[Heatmap]] = {}
    for one in explained:
        for method, heatmap in one.heatmaps:
            maps.setdefault(method, []).append(heatmap)
    return {method: _scale(heatmaps, drawn) for method, heatmaps in maps.items()}


def _document(
    one: FilmExplained,
    bundle: Bundle,
    name: str,
    drawn: Drawing,
    scales: Mapping[str, float],
) -> dict[str, Any]:
    """What FILM.json says of the film itself."""
    labels = bundle.labels.names

    def by_label(probabilities: Sequence[float]) -> dict[str, float]:
        return {label: float(value) for label, value in zip(labels, probabilities, strict=True)}

    return {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "film": {"file": one.path.name, "sha256": one.sha256},
        "probabilities": by_label(list(one.mean_probabilities)),
        "predicted": labels[int(one.mean_probabilities.argmax())],
        "networks": {
            "answered": [
                {"fold": fold, "probabilities": by_label(list(row))}
                for fold, row in zip(one.folds, one.probabilities, strict=True)
            ],
            "learned_from_this_film": one.learned_from_it,
        },
        "placement": asdict(one.placement),
        "heatmaps": [
            _about(method, heatmap, name, scales.get(method, _scale([heatmap], drawn)))
            for method, heatmap in one.heatmaps
        ],
    }


def _about(method: str, heatmap: Heatmap, name: str, scale: float) -> dict[str, Any]:
    stem = f"{name}_{method}_{safe(heatmap.label)}"
    return {
        "method": method,
        "source": named(method).source,
        "label": heatmap.label,
        "layer": heatmap.layer,
        "unit": heatmap.unit,
        "rectified": heatmap.rectified,
        "peak": heatmap.peak,
        "scale": scale,
        "files": {"overlay": f"{stem}.png", "map": f"{stem}.npy", "on_film": f"{stem}.tiff"},
    }


def _write(one: FilmExplained, folder: Path, document: Mapping[str, Any], drawn: Drawing) -> None:
    film = pixels.read(one.path)
    if film.facts.sha256 != one.sha256:
        raise SpondylError(f"{one.path}: changed while it was explained", "Explain it again.")
    small = overlay.shrunk(film.grey, PICTURE_SIDE)
    for (_, heatmap), about in zip(one.heatmaps, document["heatmaps"], strict=True):
        files = about["files"]
        np.save(folder / files["map"], heatmap.signed, allow_pickle=False)
        Image.fromarray(one.placement.on_image(heatmap.values)).save(folder / files["on_film"])
        heat = one.placement.on_image(heatmap.values, small.shape)
        style = _style(heatmap, drawn)
        panel = drawing.panel(small, heat, about["scale"], heatmap.peak, heatmap.unit, style)
        (folder / files["overlay"]).write_bytes(encoded.png(panel))
    write_json(folder / f"{document['name']}.json", document)
