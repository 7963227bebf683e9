"""What the API of the reading room answers, as its document (/openapi.json) states it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from spondyl.web.readings_store import Kept, State
from spondyl.web.refusals import Refusal
from spondyl.web.shelf import Shelf

READINGS = "/api/readings"

Pair = Annotated[list[float], Field(min_length=2, max_length=2)]
"""Not a tuple: a document with `prefixItems` is beyond many a reader of OpenAPI."""


class Queued(BaseModel):
    """A film that was taken."""

    id: str
    state: State
    position: int | None
    """1 of the one that is read next, 0 of the one being read; null of one that is over."""


class Uploaded(BaseModel):
    """The films of an upload, in its order."""

    readings: list[Queued]


class FilmAnswer(BaseModel):
    """The film as the page shows it."""

    width: int
    height: int
    spacing_mm: Pair | None
    """(row, column) millimetres per pixel where the file states it."""
    url: str


class MapAnswer(BaseModel):
    """A heatmap, and where it is."""

    network: str
    label: str
    method: str
    peak: float
    unit: str
    url: str
    """PNG, 8-bit grey on the film's grid: 0 none or negative, 255 the map's own peak."""
    raw_url: str
    """NPY, float32: signed values on the layer's grid."""


class ReadingAnswer(BaseModel):
    """A reading, or how far it is."""

    id: str
    state: State
    position: int | None
    error: str | None
    hint: str | None
    reading: dict[str, Any] | None
    """As `spondyl read --json` has it; null until it is done."""
    film: FilmAnswer | None
    maps: list[MapAnswer]
    created: str


class ReadingsAnswer(BaseModel):
    """Readings, newest first."""

    readings: list[ReadingAnswer]


class CorrectedAnswer(BaseModel):
    """Corrected corners as they are kept."""

    version: int
    made_by: str
    image_size: Annotated[list[int], Field(min_length=2, max_length=2)]
    """(height, width) pixels."""
    vertebrae: list[str]
    corners: list[Pair | None]
    """68 of [x, y] in the film's pixels, T1 to L5."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What routes state of their refusals."""
    return {status: {"model": Refusal} for status in statuses}


def file(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """What routes state of the files that they send."""
    content: dict[str, Any] = {one: {} for one in media_types}
    return {200: {"content": content, "description": "The file."}}


def queued(kept: Kept) -> Queued:
    """What is said of a film that was just taken."""
    return Queued(id=kept.reading_id, state=kept.state, position=kept.position)


def of_reading(kept: Kept, shelf: Shelf) -> ReadingAnswer:
    """All that is said of a reading."""
    done = kept.state == "done"
    facts = shelf.facts(kept.reading_id) if done else {"film": None, "maps": []}
    place = f"{READINGS}/{kept.reading_id}"
    film = None if not done else FilmAnswer(**facts["film"], url=f"{place}/film.png")
    several = len({row["method"] for row in facts["maps"]}) > 1
    return ReadingAnswer(
        id=kept.reading_id,
        state=kept.state,
        position=kept.position,
        error=kept.error,
        hint=kept.hint,
        reading=shelf.document(kept.reading_id) if done else None,
        film=film,
        maps=[_map(place, row, several) for row in facts["maps"]],
        created=kept.created,
    )


def _map(place: str, row: dict[str, Any], several: bool) -> MapAnswer:
    """A map by its address; the method stands in it only where it has to."""
    stem = f"{place}/heatmaps/{quote(row['network'], safe='')}/{quote(row['label'], safe='')}"
    asked = f"?method={quote(row['method'], safe='')}" if several else ""
    return MapAnswer(**row, url=f"{stem}.png{asked}", raw_url=f"{stem}.npy{asked}")
