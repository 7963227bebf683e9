"""A reading into a folder: page, PDF, picture and record, each whole or absent, the record last.

Files are called by a stem that the caller chooses, else by the film's name in the reading, so that
nothing but that name can tell whose film it is. The record names what lies beside it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spondyl.data.loose_films import unique_names
from spondyl.data.pixels import Pixels
from spondyl.files import readable_json, replaced
from spondyl.reading import picture
from spondyl.reading.document import document
from spondyl.reading.record import Reading
from spondyl.report.readings import page, sheet

Form = Literal["png", "npy", "html", "pdf", "json"]
FORMS: tuple[Form, ...] = ("png", "npy", "html", "pdf", "json")
"""In the order in which they are written."""


def write(
    reading: Reading,
    film: Pixels,
    folder: Path,
    forms: Collection[Form] = FORMS,
    *,
    stem: str | None = None,
    identify: bool = False,
    when: datetime | None = None,
) -> tuple[Path, ...]:
    """Writes STEM.png, STEM.npy (the signed heatmap on the layer's grid), STEM.html, STEM.pdf and
    STEM.json, those among `forms`; returns their paths.

    `folder` is made where missing, and a file of one name replaced. `film` and `when` are as for
    `page.html`, `identify` as for `document`, which is asked of the JSON alone.
    """
    moment = when or datetime.now(UTC)
    name = stem or unique_names([Path(reading.film.name).stem])[0]
    files = {form: f"{name}.{form}" for form in FORMS if form in forms}
    beside: dict[str, str] = {form: file for form, file in files.items() if form != "json"}
    made: Mapping[Form, Callable[[], bytes]] = {
        "png": lambda: picture.png(reading, film),
        "npy": lambda: _array(reading.heatmap.signed),
        "html": lambda: page.html(reading, film, moment).encode(),
        "pdf": lambda: sheet.pdf(reading, film, moment),
        "json": lambda: readable_json(document(reading, identify, beside)).encode(),
    }
    for form, file in files.items():
        with replaced(folder / file) as draft:
            draft.write_bytes(made[form]())
    return tuple(folder / file for file in files.values())


def _array(values: NDArray[np.float32]) -> bytes:
    """The bytes of a NumPy file."""
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=False)
    return stream.getvalue()
