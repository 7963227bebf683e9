"""Several films' marks as COCO JSON: polygons of several parts, run lengths, boxes, keypoints.

COCO measures outlines and boxes from the corner of the first pixel, so half a pixel is subtracted;
its keypoints are whole pixels, so nothing is. Tools that export keypoints from a canvas keep to
neither, which is the price: half a pixel. The box that COCO puts round every outline says nothing
new and is left out; an annotation that has only a box is a box. Run lengths go down the columns,
background first (Lin et al. 2014; cocoapi, common/maskApi.c).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Discriminator, FiniteFloat, Tag, ValidationError

from spondyl.data.annotations.marks import CORNER, Collector, Film
from spondyl.data.annotations.outlines import from_runs

Id = int | str

_HINT = "Export the annotations anew."
_CHARACTERS_OF_A_COUNT = 7  # 35 bits; without a limit one lying count takes all memory


class _Runs(BaseModel):
    size: tuple[int, int]
    """(height, width)."""
    counts: list[int] | str


def _kind(segmentation: object) -> str:
    return "runs" if isinstance(segmentation, dict) else "polygons"


class _Annotation(BaseModel):
    id: Id = "without id"
    image_id: Id
    category_id: Id
    segmentation: (
        Annotated[
            Annotated[_Runs, Tag("runs")] | Annotated[list[list[FiniteFloat]], Tag("polygons")],
            Discriminator(_kind),
        ]
        | None
    ) = None
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None = None
    """(x, y, width, height)."""
    keypoints: list[FiniteFloat] = []
    """x, y, v of each; v is 0 where the point is not marked."""


class _Image(BaseModel):
    id: Id
    file_name: str
    height: int
    width: int


class _Category(BaseModel):
    id: Id
    name: str
    keypoints: list[str] = []


class _Info(BaseModel):
    contributor: str | None = None


class _File(BaseModel):
    info: _Info = _Info()
    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Annotation]


def collect(document: dict[str, Any], collector: Collector) -> None:
    """Puts the films of a COCO document and their marks into `collector`."""
    try:
        file = _File.model_validate(document)
    except ValidationError as error:
        collector.say_all("", error)
        return
    made_by = f"COCO, {file.info.contributor}" if file.info.contributor else "COCO"
    films: dict[Id, Film | None] = {}
    for image in file.images:
        where = f"image {image.id}"
        if image.id in films:
            collector.say(where, "two images have this id", _HINT)
        size = (image.height, image.width)
        films[image.id] = collector.film(where, image.file_name, size, made_by)
    categories = {category.id: category for category in file.categories}
    for annotation in file.annotations:
        where = f"annotation {annotation.id}"
        if annotation.image_id not in films or annotation.category_id not in categories:
            what = f"image {annotation.image_id} or category {annotation.category_id} is missing"
            collector.say(where, what, _HINT)
        elif (film := films[annotation.image_id]) is not None:
            _add(film, where, annotation, categories[annotation.category_id])


def _add(film: Film, where: str, annotation: _Annotation, category: _Category) -> None:
    if annotation.segmentation:
        if film.collector.wants(where, category.name, "area"):
            _add_area(film, where, annotation.segmentation)
    elif annotation.bbox and not annotation.keypoints:
        left, top, width, height = annotation.bbox
        corners = np.array([[top, left], [top + height, left + width]]) - CORNER
        film.add_box(where, category.name, *corners)
    if annotation.keypoints:
        _add_keypoints(film, where, annotation.keypoints, category)


def _add_area(film: Film, where: str, segmentation: _Runs | list[list[float]]) -> None:
    if isinstance(segmentation, _Runs):
        _add_runs(film, where, segmentation)
        return
    for numbers in segmentation:
        if len(numbers) % 2:
            film.collector.say(where, f"a polygon of {len(numbers)} numbers", _HINT)
        else:
            corners = np.array(numbers, np.float64).reshape(-1, 2)[:, ::-1] - CORNER
            film.add_outline(where, corners)


def _add_runs(film: Film, where: str, runs: _Runs) -> None:
    height, width = film.size
    try:
        if runs.size != film.size:
            raise ValueError(f"run lengths for {runs.size}, on a film of {film.size}")
        counts = _uncompressed(runs.counts) if isinstance(runs.counts, str) else runs.counts
        columns = from_runs(counts, height * width).reshape(width, height)
    except ValueError as error:
        film.collector.say(where, str(error), _HINT)
    else:
        film.add_part(where, columns.T, 0, 0)


def _uncompressed(text: str) -> list[int]:
    """Run lengths from COCO's string: six bits a character, from "0" on, the lowest bits first.

    Bit 5 says that more follows, bit 4 of the last character is the sign; from the fourth on, a
    length is written as its difference from the one before the last (cocoapi, `rleFrString`).
    """
    counts: list[int] = []
    value = n_characters = 0
    for character in text:
        bits = ord(character) - ord("0")
        if not 0 <= bits < 64 or n_characters == _CHARACTERS_OF_A_COUNT:
            raise ValueError("its compressed run lengths are damaged")
        value |= (bits & 31) << (5 * n_characters)
        n_characters += 1
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << (5 * n_characters)
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = n_characters = 0
    if n_characters:
        raise ValueError("its compressed run lengths are cut short")
    return counts


def _add_keypoints(film: Film, where: str, numbers: list[float], category: _Category) -> None:
    names = category.keypoints or [category.name] * (len(numbers) // 3)
    if len(numbers) != 3 * len(names):
        what = f"{len(numbers)} numbers for {len(names)} keypoints"
        film.collector.say(where, what, _HINT)
        return
    for name, (x, y, visible) in zip(names, np.reshape(numbers, (-1, 3)).tolist(), strict=True):
        label = next(filter(film.collector.meaning.role, (name, category.name)), name)
        if visible and film.collector.wants(where, label, "point"):
            film.add_target(where, y, x)
