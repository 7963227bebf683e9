"""What was made of a film, as the files of its folder: pictures, values, facts, the reading itself.

They are written by whoever reads (`reading_process`) and only sent by the server, so no picture is
ever held in the server's memory.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spondyl.data import encoded
from spondyl.files import write_json
from spondyl.web.room_reading import MakeReading, ReadFilm, RoomReading

FILM = "film.png"
FACTS = "maps.json"
DOCUMENT = "document.json"


def map_name(place: int, ending: str) -> str:
    """Of the file of the map at `place` of `FACTS`: "png", its heat, or "npy", its values."""
    return f"{place:03d}.{ending}"


def making(read: ReadFilm) -> MakeReading:
    """`read`, whose readings are written."""

    def make(film: Path, folder: Path) -> int:
        return write(folder, read(film))

    return make


def write(folder: Path, made: RoomReading) -> int:
    """Writes all that was made of a film into the empty `folder`; its bytes come back."""
    height, width = made.film.shape
    (folder / FILM).write_bytes(encoded.png(made.film))
    rows = []
    for place, one in enumerate(made.maps):
        (folder / map_name(place, "png")).write_bytes(encoded.png(one.heat))
        np.save(folder / map_name(place, "npy"), np.asarray(one.signed, np.float32))
        rows.append(
            {"network": one.network, "label": one.label, "method": one.method}
            | {"peak": one.peak, "unit": one.unit}
        )
    film = {"width": width, "height": height, "spacing_mm": made.spacing_mm}
    write_json(folder / FACTS, {"film": film, "maps": rows})
    write_json(folder / DOCUMENT, made.document)
    return sum(path.stat().st_size for path in folder.iterdir())
