"""DICOM files sent to a server (STOW-RS, PS3.18 10.5), one request for each.

A file is sent as it is, in pieces, so its size costs no memory and its pixels stay as they are
compressed. One request for each file costs a round trip more than one for all, and tells which
file failed: Orthanc 1.10 answers 400 to a request with one bad file, names no file, and keeps the
others. The server decides about what it has already; its answer is said.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

from requests import Response

from spondyl.data.dicom import beginning
from spondyl.errors import Problem, SpondylError
from spondyl.progress import Track, silently
from spondyl.reading.dicomweb import answers, reasons
from spondyl.reading.dicomweb.answers import ServerError
from spondyl.reading.dicomweb.connection import Connection
from spondyl.reading.dicomweb.sending import Named

_CHUNK_BYTES = 1 << 20
_GIVE_UP_AFTER = 3
"""Faults of the server in a row, as when it was shut down: nothing more is sent to it."""
_FAILED, _STORED = "00081198", "00081199"
"""FailedSOPSequence and ReferencedSOPSequence (PS3.18 I.2)."""
_FAILURE_REASON, _WARNING_REASON = "00081197", "00081196"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that the server says it keeps."""

    name: str
    n_bytes: int
    warnings: tuple[str, ...]
    """What the server changed or found odd, in words."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"name": self.name, "bytes": self.n_bytes, "warnings": list(self.warnings)}


def store(
    files: Sequence[Named], connection: Connection, track: Track = silently
) -> Iterator[Stored | Problem]:
    """What became of each file, in their order; one that fails stops no other.

    Raises `ServerError` where the server refuses or misses the very first; where it goes away
    later, three in a row are tried and the rest are problems.
    """
    in_a_row, has_answered = 0, False
    for one in track(files, "sending files", len(files)):
        if in_a_row >= _GIVE_UP_AFTER:
            yield Problem(one.said, "was not sent, since the server is gone", "Send it again.")
            continue
        try:
            yield _sent(one, connection)
            in_a_row, has_answered = 0, True
        except ServerError as error:
            if not has_answered:
                raise
            in_a_row += 1
            yield Problem(one.said, error.message, error.hint)
        except SpondylError as error:
            in_a_row, has_answered = 0, True
            yield Problem(one.said, error.message, error.hint)


def _sent(one: Named, connection: Connection) -> Stored:
    try:
        if one.path.exists() and not one.path.is_file():  # opening a pipe would wait
            raise SpondylError("is no file", "Name files of DICOM, or folders that hold them.")
        with one.path.open("rb") as stream:
            _refuse_unless_whole_file(stream)
            body = _Body(stream, uuid.uuid4().hex)
            response, document = connection.sent("/studies", body.content_type, body)
    except OSError as error:
        raise SpondylError(
            f"cannot be read ({error.strerror or type(error).__name__})", "Check its rights."
        ) from error
    warnings = _warnings(response, document, connection)
    return Stored(one.said, body.n_file_bytes, warnings)


def _refuse_unless_whole_file(stream: BufferedReader) -> None:
    """STOW-RS takes files of PS3.10: a preamble and a meta header before the data set."""
    head = stream.read(beginning.HEAD)
    stream.seek(0)
    if head[beginning.PREAMBLE :] == b"DICM":
        return
    if beginning.begins_as_dicom(head):
        raise SpondylError(
            "is a DICOM data set without the meta header of PS3.10, which a server needs",
            "Write it anew as a file, for example with dcmconv of dcmtk.",
        )
    raise SpondylError("is no DICOM file", "Name files of DICOM, or folders that hold them.")


class _Body:
    """A file in the one part of a multipart request, of known length."""

    def __init__(self, stream: BufferedReader, boundary: str) -> None:
        self._stream = stream
        self._before = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._after = f"\r\n--{boundary}--\r\n".encode()
        self.content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        self.n_file_bytes = os.fstat(stream.fileno()).st_size

    def __len__(self) -> int:
        return len(self._before) + self.n_file_bytes + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        left = self.n_file_bytes
        while left > 0:
            chunk = self._read(min(left, _CHUNK_BYTES))
            left -= len(chunk)
            yield chunk
        yield self._after

    def _read(self, n_bytes: int) -> bytes:
        """The next bytes; where there are none the request breaks off, so that nobody keeps it."""
        try:
            if chunk := self._stream.read(n_bytes):
                return chunk
        except OSError:
            pass
        raise SpondylError(
            "shrank, or could not be read to its end, while it was sent", "Try again."
        )


def _warnings(response: Response, document: Any, connection: Connection) -> tuple[str, ...]:
    """What the server says of a file that it keeps; `SpondylError` where it does not keep it."""
    said = document if isinstance(document, dict) else {}
    if failed := _items(said, _FAILED):
        codes = [code for item in failed for code in _codes(item, _FAILURE_REASON)]
        raise SpondylError(
            f"was not stored: {reasons.failure(codes)}", "The server's log says more of it."
        )
    if response.status_code == 400:
        raise SpondylError(
            "was not stored: the server cannot read it as DICOM (status 400)",
            "It may be damaged or cut short; copy it again.",
        )
    if response.status_code not in (200, 202):
        raise answers.of_status(response.status_code, connection.server)
    if document is None:
        raise answers.other_kind(response, connection.server, "DICOM JSON")
    kept = _items(said, _STORED)
    if not kept:
        raise SpondylError(
            "was not stored, or the server does not say so", "The server's log may say more of it."
        )
    codes = [code for item in kept for code in _codes(item, _WARNING_REASON)]
    return tuple(reasons.warning(code) for code in codes)


def _items(document: Mapping[str, Any], tag: str) -> list[Mapping[str, Any]]:
    """The items of a sequence in DICOM JSON (PS3.18 F.2)."""
    element = document.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []


def _codes(item: Mapping[str, Any], tag: str) -> list[int]:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [code for code in values if type(code) is int] if isinstance(values, list) else []
