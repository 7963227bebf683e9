"""One film's marks as LabelMe writes them: JSON with shapes, each a label and points (x, y).

LabelMe's canvas puts (0, 0) on the corner of the first pixel, so half a pixel is subtracted. A
`mask` shape is a PNG of whole pixels whose two points are its first and its last pixel, both
included. LabelMe writes down no annotator.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL.PngImagePlugin import PngImageFile
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from spondyl.data.annotations.marks import CORNER, Collector, Film
from spondyl.data.annotations.outlines import Floats, Mask

ACCEPTED = "polygon, rectangle, point, mask"
_N_POINTS = {"rectangle": 2, "point": 1, "mask": 2}


class _Shape(BaseModel):
    label: str
    points: list[tuple[FiniteFloat, FiniteFloat]]
    shape_type: str = "polygon"  # of files older than other shapes
    mask: str | None = None


class _File(BaseModel):
    version: str | None = None
    image_path: str = Field(alias="imagePath")
    height: int = Field(alias="imageHeight")
    width: int = Field(alias="imageWidth")
    shapes: list[_Shape]


def collect(document: dict[str, Any], collector: Collector) -> None:
    """Puts the film of a LabelMe document and its marks into `collector`."""
    try:
        file = _File.model_validate(document)
    except ValidationError as error:
        collector.say_all("", error)
        return
    made_by = f"LabelMe {file.version}" if file.version else "LabelMe"
    film = collector.film("", file.image_path, (file.height, file.width), made_by)
    if film is not None:
        for number, shape in enumerate(file.shapes, 1):
            _add(film, f"shape {number}", shape)


def _add(film: Film, where: str, shape: _Shape) -> None:
    kind, collector = shape.shape_type, film.collector
    if kind not in ("polygon", *_N_POINTS):
        collector.refuse_shape(where, shape.label, kind, ACCEPTED)
        return
    if len(shape.points) != _N_POINTS.get(kind, len(shape.points)):
        collector.say(
            where,
            f"a {kind} with {len(shape.points)} points, not {_N_POINTS[kind]}",
            "The file is damaged: save it again in LabelMe.",
        )
        return
    points = np.array(shape.points, np.float64).reshape(-1, 2)[:, ::-1]
    if kind == "rectangle":
        film.add_box(where, shape.label, *(points - CORNER))
    elif kind == "point":
        if collector.wants(where, shape.label, "point"):
            film.add_target(where, *(points[0] - CORNER).tolist())
    elif collector.wants(where, shape.label, "area"):
        if kind == "polygon":
            film.add_outline(where, points - CORNER)
        else:
            _add_png(film, where, points, shape.mask)


def _add_png(film: Film, where: str, points: Floats, text: str | None) -> None:
    top, left, bottom, right = (int(side) for side in points.ravel())
    try:
        part = _decoded(text or "", (bottom - top + 1, right - left + 1))
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        hint = "Save the file again in LabelMe."
        film.collector.say(where, f"its mask cannot be read ({error})", hint)
    else:
        film.add_part(where, part, top, left)


def _decoded(text: str, size: tuple[int, int]) -> Mask:
    """The mask in a base64 PNG; its size is compared before any pixel is decoded."""
    image = PngImageFile(io.BytesIO(base64.b64decode(text, validate=True)))
    if (image.height, image.width) != size:
        raise ValueError(
            f"it has {image.height} × {image.width} pixels, its points say {size[0]} × {size[1]}"
        )
    if image.mode not in ("1", "L"):
        raise ValueError(f"it is not grey but {image.mode}")
    image.load()
    return np.asarray(image) > 0
