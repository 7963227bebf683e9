"""Several films' marks as CVAT writes them: "CVAT for images 1.1", XML, points as x,y;x,y.

CVAT's canvas puts (0, 0) on the corner of the first pixel, so half a pixel is subtracted. A mask is
run lengths along the rows of its own rectangle, background first. A file with a document type is
refused whole: CVAT writes none, and without one no entity can be defined, so none can explode.
`tag` elements say something of a film, not of a place, and are passed over.
"""

from __future__ import annotations

from typing import Annotated
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np
from pydantic import BaseModel, BeforeValidator, FiniteFloat, PositiveInt, ValidationError

from spondyl.data.annotations.marks import CORNER, Collector, Film
from spondyl.data.annotations.outlines import Floats, from_runs

ACCEPTED = "polygon, box, points, mask"
VERSION = "1.1"


def _points(text: str) -> list[list[str]]:
    return [pair.split(",") for pair in text.split(";")]


def _counts(text: str) -> list[str]:
    return text.split(",")


class _Image(BaseModel):
    name: str
    width: int
    height: int


class _Drawn(BaseModel):
    points: Annotated[list[tuple[FiniteFloat, FiniteFloat]], BeforeValidator(_points)]

    def on_grid(self) -> Floats:
        """(n, 2) as (row, column) on the image grid."""
        return np.array(self.points, np.float64)[:, ::-1] - CORNER


class _Box(BaseModel):
    xtl: FiniteFloat
    ytl: FiniteFloat
    xbr: FiniteFloat
    ybr: FiniteFloat
    rotation: FiniteFloat = 0.0
    """Degrees about its middle."""


class _Mask(BaseModel):
    rle: Annotated[list[int], BeforeValidator(_counts)]
    left: int
    top: int
    width: PositiveInt
    height: PositiveInt


class _HasDoctypeError(Exception):
    """The document declares a type."""


def collect(content: bytes, collector: Collector) -> None:
    """Puts the films of a CVAT document and their marks into `collector`."""
    hint = 'Export the task from CVAT as "CVAT for images 1.1".'
    try:
        root = _parsed(content)
    except _HasDoctypeError:
        what = "declares a document type, which could define exploding entities"
        collector.say("", what, "Remove the <!DOCTYPE …> part; CVAT writes none.")
        return
    except (expat.ExpatError, ValueError, LookupError) as error:
        collector.say("", f"is not valid XML ({error})", hint)
        return
    version = (root.findtext("version") or "").strip()
    if root.tag != "annotations" or version != VERSION:
        what = f"is XML with the root {root.tag!r} and version {version!r}"
        collector.say("", f"{what}, not CVAT's annotations of version {VERSION}", hint)
    elif root.find("track") is not None:
        collector.say("", "holds the tracks of a video", hint)
    else:
        made_by = _made_by(root)
        for number, element in enumerate(root.iterfind("image"), 1):
            _add_image(collector, f"image {number}", element, made_by)


def _parsed(content: bytes) -> Element:
    """The root of an XML document that declares no type."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.Parse(content, True)
    return builder.close()


def _refuse_doctype(*_: object) -> None:
    raise _HasDoctypeError


def _made_by(root: Element) -> str:
    """CVAT, and to whom the work was given; it does not say who drew which shape."""
    names = {(name.text or "").strip() for name in root.iterfind("meta//assignee/username")}
    return ", ".join(("CVAT", *sorted(names - {""})))


def _add_image(collector: Collector, where: str, element: Element, made_by: str) -> None:
    try:
        image = _Image.model_validate(element.attrib)
    except ValidationError as error:
        collector.say_all(where, error)
        return
    film = collector.film(where, image.name, (image.height, image.width), made_by)
    if film is None:
        return
    for number, shape in enumerate(element, 1):
        if shape.tag != "tag":
            _add_shape(film, f"{image.name}, shape {number}", shape)


def _add_shape(film: Film, where: str, shape: Element) -> None:
    label = shape.get("label")
    if label is None:
        film.collector.say(where, "has no label", "Export the annotations anew.")
        return
    try:
        if shape.tag == "box":
            _add_box(film, where, label, _Box.model_validate(shape.attrib))
        elif shape.tag == "points":
            if film.collector.wants(where, label, "point"):
                for row, column in _Drawn.model_validate(shape.attrib).on_grid().tolist():
                    film.add_target(where, row, column)
        elif shape.tag == "polygon":
            if film.collector.wants(where, label, "area"):
                film.add_outline(where, _Drawn.model_validate(shape.attrib).on_grid())
        elif shape.tag == "mask":
            if film.collector.wants(where, label, "area"):
                _add_mask(film, where, _Mask.model_validate(shape.attrib))
        else:
            film.collector.refuse_shape(where, label, shape.tag, ACCEPTED)
    except ValidationError as error:
        film.collector.say_all(where, error)


def _add_box(film: Film, where: str, label: str, box: _Box) -> None:
    if box.rotation:
        film.collector.refuse_shape(where, label, "box with a rotation", ACCEPTED)
        return
    corners = np.array([[box.ytl, box.xtl], [box.ybr, box.xbr]]) - CORNER
    film.add_box(where, label, *corners)


def _add_mask(film: Film, where: str, mask: _Mask) -> None:
    height, width = film.size
    if mask.height > height or mask.width > width:
        what = f"a mask of {mask.height} × {mask.width} pixels on a film of {height} × {width}"
        film.collector.say(where, what, "Export the annotations anew.")
        return
    try:
        flat = from_runs(mask.rle, mask.height * mask.width)
    except ValueError as error:
        film.collector.say(where, str(error), "Export the annotations anew.")
    else:
        film.add_part(where, flat.reshape(mask.height, mask.width), mask.top, mask.left)
