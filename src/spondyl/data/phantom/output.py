"""Drawn films for other programs and for people: a folder of files, a contact sheet.

The folder looks like a user's own: films in a folder per class and a manifest of what was stated;
beside them lies what only a phantom can have, its regions and its truth.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spondyl.data import regions
from spondyl.data.phantom.drawing import Phantom
from spondyl.errors import SpondylError
from spondyl.files import new_folder
from spondyl.progress import Track, silently

MANIFEST_COLUMNS = ("path", "label", "group", "sex", "age", "view")
TRUTH_COLUMNS = (
    "image_id", "label", "view", "field", "sex", "age_years", "curves", "cobb_degrees", "apices",
    "sides", "regions", "largest_angle_degrees", "slip_level", "slip_fraction", "vertebrae",
    "spacing_mm", "shortcut", "seed", "index",
)  # fmt: skip
"""Columns about curves hold one entry for each, from the top, separated by a space."""
_TILE_HEIGHT, _GAP = 300, 4


def save(folder: Path, phantoms: Iterable[Phantom], track: Track = silently) -> Path:
    """Writes films, regions, truth.csv and manifest.csv to a new `folder`, and returns it.

    FOLDER/films/LABEL/ID.png, FOLDER/regions/LABEL/ID.json with ID.mask.png. The manifest's paths
    are relative to FOLDER; image ids in regions and truth are relative to FOLDER/films. Nothing
    is written, and `SpondylError` raised, where `folder` is there already or two films have one id.
    """
    manifest, truth = [], []
    seen: set[str] = set()
    with new_folder(folder) as draft:
        for phantom in track(phantoms, "writing films"):
            if phantom.image_id in seen:
                raise SpondylError(
                    f"{phantom.image_id}: two films of this name",
                    "Draw the films as one cohort, or give each its own index.",
                )
            seen.add(phantom.image_id)
            path = draft / "films" / phantom.image_id
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(phantom.image).save(path)
            regions.save(draft / "regions", phantom.image_id, phantom.regions)
            manifest.append(_manifest_row(phantom))
            truth.append(_truth_row(phantom))
        _write_table(draft / "manifest.csv", MANIFEST_COLUMNS, manifest)
        _write_table(draft / "truth.csv", TRUTH_COLUMNS, truth)
    return folder


def sheet(phantoms: Sequence[Phantom], columns: int) -> NDArray[np.uint8]:
    """A contact sheet (height, width, 3) uint8: `phantoms` row by row, `columns` to a row.

    Raises `SpondylError` for no films or fewer than one column.
    """
    if not phantoms or columns < 1:
        raise SpondylError(
            f"a sheet of {len(phantoms)} films in {columns} columns: nothing to show",
            "Give at least one film and one column.",
        )
    tiles = [_tile(phantom) for phantom in phantoms]
    width = max(tile.shape[1] for tile in tiles) + _GAP
    height = _TILE_HEIGHT + _GAP
    rows = -(-len(tiles) // columns)
    page = np.zeros((rows * height, min(columns, len(tiles)) * width, 3), np.uint8)
    for place, tile in enumerate(tiles):
        row, col = divmod(place, columns)
        left = col * width + (width - tile.shape[1]) // 2
        page[row * height : row * height + _TILE_HEIGHT, left : left + tile.shape[1]] = tile
    return page


def _tile(phantom: Phantom) -> NDArray[np.uint8]:
    height, width = phantom.image.shape[:2]
    size = (max(1, round(width * _TILE_HEIGHT / height)), _TILE_HEIGHT)
    scaled = cv2.resize(phantom.image, size, interpolation=cv2.INTER_AREA)
    colour = scaled if scaled.ndim == 3 else np.repeat(scaled[..., None], 3, axis=2)
    return np.asarray(colour, np.uint8)


def _manifest_row(phantom: Phantom) -> tuple[object, ...]:
    truth = phantom.truth
    return (
        f"films/{phantom.image_id}",
        truth.label,
        f"patient-{truth.index:04d}",
        truth.sex,
        truth.age_years,
        truth.view,
    )


def _truth_row(phantom: Phantom) -> tuple[object, ...]:
    truth, curves = phantom.truth, phantom.truth.curves
    return (
        phantom.image_id,
        truth.label,
        truth.view,
        truth.field,
        truth.sex,
        truth.age_years,
        " ".join(f"{curve.upper}-{curve.lower}" for curve in curves),
        " ".join(f"{curve.cobb_degrees:.2f}" for curve in curves),
        " ".join(curve.apex for curve in curves),
        " ".join(curve.side for curve in curves),
        " ".join(curve.region for curve in curves),
        f"{truth.largest_angle_degrees:.2f}",
        truth.slip_level or "",
        "" if truth.slip_fraction is None else f"{truth.slip_fraction:.4f}",
        " ".join(truth.vertebrae),
        f"{truth.spacing_mm:.5f}",
        truth.shortcut or "",
        truth.seed,
        truth.index,
    )


def _write_table(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
