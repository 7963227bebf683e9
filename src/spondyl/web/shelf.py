"""The folders of readings: the film as it came, what was made of it, and corrections of it.

    incoming/                       uploads that are not yet taken
    readings/ID/film                the file, byte for byte
    readings/ID/made/…              film.png, document.json, maps.json, 000.png, 000.npy …
    readings/ID/regions/0001/…      corrected corners, every version

Names are numbers and random identifiers of ours. Nothing that a browser sends is ever part of a
path: a map is found by its place in `maps.json`. What was made appears at once or not at all.
"""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spondyl.data import regions as regions_files
from spondyl.data.regions import Regions
from spondyl.errors import SpondylError
from spondyl.files import read_json
from spondyl.web.reading_files import DOCUMENT, FACTS, FILM, map_name

_ID = re.compile(r"[0-9a-f]{32}")
_FILM_ID = "film"


class GoneError(SpondylError):
    """A reading was deleted while it was looked at."""


def new_id() -> str:
    """128 random bits in hexadecimal."""
    return secrets.token_hex(16)


class Shelf:
    """The folders below one root."""

    def __init__(self, root: Path) -> None:
        self._readings = root / "readings"
        self._incoming = root / "incoming"

    def prepare(self) -> None:
        """Makes the folders, for their owner alone, and drops what an earlier server was sent and
        did not take; `SpondylError` where that cannot be."""
        try:
            shutil.rmtree(self._incoming, ignore_errors=True)
            for folder in (self._incoming, self._readings):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SpondylError(
                f"{error.filename}: cannot be made ({error.strerror})",
                "Name a folder that you may write to with --data.",
            ) from error

    def ids(self) -> frozenset[str]:
        """Of all readings that have a folder."""
        names = (path.name for path in self._readings.iterdir())
        return frozenset(name for name in names if _ID.fullmatch(name))

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """An empty folder on the same disk, gone when the block ends."""
        folder = Path(tempfile.mkdtemp(dir=self._incoming))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def take(self, reading_id: str, film: Path) -> int:
        """Moves the file `film` into a new folder; its size in bytes comes back."""
        folder = self._folder(reading_id)
        folder.mkdir(mode=0o700)
        film.rename(folder / "film")
        return (folder / "film").stat().st_size

    def film(self, reading_id: str) -> Path:
        """Where the film is as it came."""
        return self._folder(reading_id) / "film"

    def put(self, reading_id: str, draft: Path) -> None:
        """Gives a reading what was made of it."""
        made = self._folder(reading_id) / "made"
        shutil.rmtree(made, ignore_errors=True)
        draft.rename(made)

    def document(self, reading_id: str) -> dict[str, Any]:
        """The reading as JSON."""
        return self._read(reading_id, DOCUMENT)

    def facts(self, reading_id: str) -> dict[str, Any]:
        """`film` (width, height, spacing_mm) and `maps`, each with its facts, in order."""
        return self._read(reading_id, FACTS)

    def film_png(self, reading_id: str) -> Path:
        """The film as PNG, 8-bit grey."""
        return self._folder(reading_id) / "made" / FILM

    def map_file(self, reading_id: str, place: int, ending: str) -> Path:
        """The map at `place` of `facts`: "png", its heat, or "npy", its values."""
        return self._folder(reading_id) / "made" / map_name(place, ending)

    def correct(self, reading_id: str, regions: Regions) -> int:
        """Keeps corrected regions as a new version, whose number, from 1, comes back."""
        version = self.versions(reading_id) + 1
        folder = self._folder(reading_id) / "regions"
        folder.mkdir(exist_ok=True)
        with self.draft() as draft:
            regions_files.save(draft / "made", _FILM_ID, regions)
            (draft / "made").rename(folder / f"{version:04d}")
        return version

    def versions(self, reading_id: str) -> int:
        """How many corrections are kept."""
        folder = self._folder(reading_id) / "regions"
        return sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0

    def corrected(self, reading_id: str, version: int) -> Regions | None:
        """A version of the corrections; None where there is none of this number."""
        folder = self._folder(reading_id) / "regions" / f"{version:04d}"
        return regions_files.load(folder, _FILM_ID) if folder.is_dir() else None

    def drop(self, reading_id: str) -> None:
        """Deletes the film and all that was derived from it."""
        folder = self._folder(reading_id)
        if folder.exists():
            shutil.rmtree(folder)

    def _read(self, reading_id: str, name: str) -> dict[str, Any]:
        path = self._folder(reading_id) / "made" / name
        try:
            found: dict[str, Any] = read_json(path)
        except SpondylError as error:
            if path.exists():
                raise
            raise GoneError("there is no such reading", "Load the page again.") from error
        return found

    def _folder(self, reading_id: str) -> Path:
        if not _ID.fullmatch(reading_id):
            raise ValueError(f"{reading_id!r} is no identifier of a reading")
        return self._readings / reading_id
