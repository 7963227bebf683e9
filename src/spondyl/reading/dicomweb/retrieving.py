"""DICOM objects fetched from a server (WADO-RS, PS3.18 10.4) into a new folder, whole or absent.

Each object passes to the disk in pieces and is kept as it was stored, compressed or not, wherever
the server allows. Nothing is believed: sizes and counts have limits, and an object of another study
than the one asked for ends it all. Files are called by a hash of their object's identifier, so that
no name tells of a patient and the same object is called the same in every folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from requests import Response

from spondyl import files
from spondyl.data.dicom import elements, faults
from spondyl.errors import SpondylError
from spondyl.progress import Track, silently
from spondyl.reading.dicomweb import address, answers, multipart
from spondyl.reading.dicomweb.connection import Connection
from spondyl.reading.dicomweb.multipart import BrokenAnswerError

LARGEST_INSTANCE_BYTES = 1 << 30
"""Of one object; a radiograph has some 20 MB."""
LARGEST_PULL_BYTES, MOST_INSTANCES = 16 << 30, 10_000
"""Of all that one command fetches."""

_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
"""Without the last part a server has to decompress (PS3.18 8.7.3.5.2), or fails to."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A study, one of its series, or one instance of that; identifiers are checked (PS3.5 9.1)."""

    study: str
    series: str = ""
    instance: str = ""

    def __post_init__(self) -> None:
        if self.instance and not self.series:
            raise SpondylError("--instance without --series", "Name the instance's series too.")
        for option, text in (("--series", self.series), ("--instance", self.instance)):
            if text:
                address.uid(text, option)
        address.uid(self.study, "--study")

    @property
    def path(self) -> str:
        """Below the root of the server."""
        series = f"/series/{self.series}" if self.series else ""
        instance = f"/instances/{self.instance}" if self.instance else ""
        return f"/studies/{self.study}{series}{instance}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object that lies on the disk."""

    name: str
    """Of its file: hexadecimal digits of the SHA-256 of its SOP instance UID, and .dcm."""
    n_bytes: int
    sop_class: str
    transfer_syntax: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "name": self.name,
            "bytes": self.n_bytes,
            "sop_class": self.sop_class,
            "transfer_syntax": self.transfer_syntax,
        }


def file_name(sop_instance_uid: str) -> str:
    """What the file of an object is called in every folder that `fetch` fills."""
    return f"{hashlib.sha256(sop_instance_uid.encode()).hexdigest()[:16]}.dcm"


def fetch(
    wanted: Sequence[Wanted], connection: Connection, out: Path, track: Track = silently
) -> tuple[Fetched, ...]:
    """All objects of all that is `wanted`, in the new folder `out`, in the order of arrival.

    Raises `SpondylError`, leaving nothing behind, where `out` is there already, or anything is
    missing, unsound, too large, or not what was asked for.
    """
    try:
        with files.new_folder(out) as draft:
            arriving = _Arriving(draft)
            steps = (one for what in wanted for one in arriving.of(what, connection))
            return tuple(track(steps, "fetching"))
    except OSError as error:
        raise SpondylError(
            f"{out}: could not be filled ({error.strerror or type(error).__name__})",
            "Is there space on the disk, and may you write there?",
        ) from error


class _Arriving:
    """What has arrived in a folder, of all requests together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._n_bytes = 0
        self._n_instances = 0

    def of(self, wanted: Wanted, connection: Connection) -> Iterator[Fetched]:
        """Each object of one answer, as soon as it is written."""
        before = self._n_instances
        with connection.found(wanted.path, _AS_STORED) as response:
            try:
                for media_type, pieces in _parts(response, connection):
                    if media_type != "application/dicom":
                        raise BrokenAnswerError("a part is no DICOM")
                    yield self._written(pieces, wanted, connection)
            except BrokenAnswerError as error:
                raise answers.broken_off(connection.server, str(error)) from None
        if self._n_instances == before:
            raise answers.of_status(404, connection.server)

    def _written(self, pieces: Iterator[bytes], wanted: Wanted, connection: Connection) -> Fetched:
        self._n_instances += 1
        if self._n_instances > MOST_INSTANCES:
            raise _too_much(f"more than {MOST_INSTANCES} objects", connection)
        draft, n_bytes = self._folder / "arriving", 0
        with draft.open("wb") as stream:
            for piece in pieces:
                n_bytes += len(piece)
                if n_bytes > LARGEST_INSTANCE_BYTES:
                    raise _too_much(f"more than {_size(LARGEST_INSTANCE_BYTES)} each", connection)
                if self._n_bytes + n_bytes > LARGEST_PULL_BYTES:
                    raise _too_much(f"more than {_size(LARGEST_PULL_BYTES)}", connection)
                stream.write(piece)
        self._n_bytes += n_bytes
        found = _checked(draft, n_bytes, wanted, connection)
        if (self._folder / found.name).exists():
            raise answers.odd(connection.server, "hands out an object twice")
        draft.rename(self._folder / found.name)
        return found


def _parts(response: Response, connection: Connection) -> Iterator[tuple[str, Iterator[bytes]]]:
    if response.status_code == 204:
        return iter(())
    boundary = multipart.boundary_of(response.headers.get("Content-Type", ""))
    if boundary is None:
        raise answers.other_kind(response, connection.server, "multipart/related")
    return multipart.parts(connection.body(response), boundary)


def _checked(file: Path, n_bytes: int, wanted: Wanted, connection: Connection) -> Fetched:
    """What an object says of itself; `SpondylError` where that is not what was asked for."""
    try:
        with file.open("rb") as stream, faults.quietly(), faults.faults_of("it"):
            read = elements.read(stream, "it")
            said = [
                str(read.dataset.get(keyword) or "")
                for keyword in (
                    *("StudyInstanceUID", "SeriesInstanceUID"),
                    *("SOPInstanceUID", "SOPClassUID"),
                )
            ]
    except SpondylError:  # its words may quote the object
        raise answers.broken_off(connection.server, "a part is no DICOM that can be read") from None
    for asked, got in zip((wanted.study, wanted.series, wanted.instance), said, strict=False):
        if asked and asked != got:
            raise answers.odd(connection.server, "hands out an object that was not asked for")
    if not address.is_uid(said[2]):
        raise answers.odd(connection.server, "hands out an object without an identifier")
    sop_class, syntax = (uid if address.is_uid(uid) else "" for uid in (said[3], read.syntax))
    return Fetched(file_name(said[2]), n_bytes, sop_class, syntax)


def _too_much(what: str, connection: Connection) -> SpondylError:
    return SpondylError(
        f"{connection.server.url}: hands out {what}, and it was left",
        "Ask for single series or instances. A server that never ends is broken or hostile.",
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes >> 30} GiB" if n_bytes >= 1 << 30 else f"{n_bytes} bytes"
