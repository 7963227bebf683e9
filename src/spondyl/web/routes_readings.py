"""The API of the reading room: films in, readings, pictures and maps out, corrections kept.

Every file that is sent is found by its reading's identifier and a place in a list of ours; what a
browser names is compared with that list and never made part of a path.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from spondyl.web import answers, corrections, uploads
from spondyl.web.answers import CorrectedAnswer, ReadingAnswer, ReadingsAnswer, Uploaded, refusals
from spondyl.web.corrections import Corners
from spondyl.web.readings_store import Kept
from spondyl.web.refusals import RefusedError, not_found
from spondyl.web.room import Client, Room, RoomHere, User
from spondyl.web.shelf import GoneError

router = APIRouter(prefix="/api", responses=refusals(400, 401, 404, 422))

_MOST_LISTED = 100
_MOST_CORRECTIONS = 500
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [uploads.FIELD],
                    "properties": {
                        uploads.FIELD: {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                }
            }
        },
    }
}
_GONE = "there is no such reading"

ReadingId = Annotated[str, InPath(pattern="^[0-9a-f]{32}$")]


@router.post(
    "/readings",
    status_code=202,
    openapi_extra=_FORM,
    responses=refusals(403, 408, 413, 415, 429),
)
async def upload(request: Request, room: RoomHere, user: User, client: Client) -> Uploaded:
    """Takes films and queues them; all of an upload, or none."""
    room.uploads.take(client)
    left = await run_in_threadpool(_room_left, room)
    with room.store.shelf.draft() as folder:
        kind = request.headers.get("content-type", "")
        limits = room.settings.limits
        files = await uploads.received(kind, request.stream(), folder, limits, left)
        await run_in_threadpool(uploads.refuse_unless_films, files, limits)
        ids = await run_in_threadpool(room.store.add, files, user)
    room.queue.call()
    kept = await run_in_threadpool(lambda: [room.store.one(one, user) for one in ids])
    return Uploaded(readings=[answers.queued(one) for one in kept if one is not None])


@router.get("/readings")
def readings(
    room: RoomHere, user: User, most: Annotated[int, Query(ge=1, le=_MOST_LISTED)] = _MOST_LISTED
) -> ReadingsAnswer:
    """The newest readings, newest first."""
    found = []
    for one in room.store.newest(user, most):
        with contextlib.suppress(GoneError):
            found.append(answers.of_reading(one, room.store.shelf))
    return ReadingsAnswer(readings=found)


@router.get("/readings/{reading_id}")
def reading(reading_id: ReadingId, room: RoomHere, user: User) -> ReadingAnswer:
    """A reading, or how far it is."""
    return answers.of_reading(_kept(room, reading_id, user), room.store.shelf)


@router.delete("/readings/{reading_id}", status_code=204, responses=refusals(403))
def delete(reading_id: ReadingId, room: RoomHere, user: User) -> Response:
    """Deletes a film and all that was derived from it."""
    if not room.store.delete(reading_id, user):
        raise not_found(_GONE)
    return Response(status_code=204)


@router.get(
    "/readings/{reading_id}/film.png",
    response_class=FileResponse,
    responses=answers.file("image/png"),
)
def film(reading_id: ReadingId, room: RoomHere, user: User) -> FileResponse:
    """The film as 8-bit grey PNG at full resolution."""
    _done(room, reading_id, user)
    return _file(room.store.shelf.film_png(reading_id), "image/png")


@router.get(
    "/readings/{reading_id}/heatmaps/{network}/{label:path}.png",
    response_class=FileResponse,
    responses=answers.file("image/png"),
)
def heat(
    reading_id: ReadingId,
    network: str,
    label: str,
    room: RoomHere,
    user: User,
    method: str | None = None,
) -> FileResponse:
    """The heat alone, as 8-bit grey PNG on the film's grid at up to 1024 pixels."""
    place = _place(room, reading_id, user, (network, label, method))
    return _file(room.store.shelf.map_file(reading_id, place, "png"), "image/png")


@router.get(
    "/readings/{reading_id}/heatmaps/{network}/{label:path}.npy",
    response_class=FileResponse,
    responses=answers.file("application/octet-stream"),
)
def raw(
    reading_id: ReadingId,
    network: str,
    label: str,
    room: RoomHere,
    user: User,
    method: str | None = None,
) -> FileResponse:
    """The signed values on the layer's grid, as a file of NumPy."""
    place = _place(room, reading_id, user, (network, label, method))
    file = room.store.shelf.map_file(reading_id, place, "npy")
    return _file(file, "application/octet-stream")


@router.post(
    "/readings/{reading_id}/regions", status_code=201, responses=refusals(403, 408, 409, 413)
)
def correct(reading_id: ReadingId, sent: Corners, room: RoomHere, user: User) -> CorrectedAnswer:
    """Keeps corrected corners as a new version; none is ever replaced."""
    size = _done(room, reading_id, user)["film"]
    made_by = "reading room" if user is None else user
    regions = corrections.regions_of(sent, (size["height"], size["width"]), made_by)
    if room.store.shelf.versions(reading_id) >= _MOST_CORRECTIONS:
        raise RefusedError(
            409, f"{_MOST_CORRECTIONS} corrections are kept already", "Read the film anew."
        )
    version = room.store.correct(reading_id, user, regions)
    if version is None:
        raise not_found(_GONE)
    return CorrectedAnswer(**corrections.as_json(regions, version))


@router.get("/readings/{reading_id}/regions")
def corrected(
    reading_id: ReadingId,
    room: RoomHere,
    user: User,
    version: Annotated[int | None, Query(ge=1, le=_MOST_CORRECTIONS)] = None,
) -> CorrectedAnswer | None:
    """The latest correction, null where nobody corrected anything; or the one with the number
    `version`."""
    _kept(room, reading_id, user)
    asked = version or room.store.shelf.versions(reading_id)
    if not asked:
        return None
    regions = room.store.shelf.corrected(reading_id, asked)
    if regions is None:
        raise not_found("there is no correction of this number")
    return CorrectedAnswer(**corrections.as_json(regions, asked))


def _room_left(room: Room) -> int:
    """Bytes that may still be kept; `RefusedError` where there are none, or too many films wait."""
    left = room.settings.limits.stored_bytes - room.store.n_bytes()
    if left <= 0:
        raise uploads.full()
    if room.store.n_waiting() >= room.settings.limits.films_waiting:
        raise RefusedError(
            429, "too many films are waiting", "Try again when some of them are read."
        )
    return left


def _kept(room: Room, reading_id: str, user: str | None) -> Kept:
    kept = room.store.one(reading_id, user)
    if kept is None:
        raise not_found(_GONE)
    return kept


def _done(room: Room, reading_id: str, user: str | None) -> dict[str, Any]:
    """What is known of a film that was read; `RefusedError` (404) of any other."""
    if _kept(room, reading_id, user).state != "done":
        raise RefusedError(404, "this film is not read yet", "Ask for its reading first.")
    return room.store.shelf.facts(reading_id)


def _place(
    room: Room, reading_id: str, user: str | None, asked: tuple[str, str, str | None]
) -> int:
    """Where the map of (network, label, method) stands; the first method where none is named."""
    network, label, method = asked
    for place, row in enumerate(_done(room, reading_id, user)["maps"]):
        if (row["network"], row["label"]) == (network, label) and method in (None, row["method"]):
            return place
    raise not_found("there is no such heatmap")


def _file(path: Path, media_type: str) -> FileResponse:
    """A file under no name of its own; `RefusedError` (404) where it was deleted just now."""
    if not path.is_file():
        raise not_found(_GONE)
    return FileResponse(path, media_type=media_type)
