"""Films out of a multipart body (RFC 7578), to the disk in pieces as they come.

The form parser of the framework takes a file whole before anybody is asked, and knows no limit for
one; so parts are written here, by the parser below it, and counted while they are. Each piece is
written in a thread, so that a slow disk delays nobody else. The names of files are not looked at.
An upload is taken as a whole or refused as a whole, with every film that is wrong.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BufferedWriter
from pathlib import Path
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from spondyl.data import pixels
from spondyl.errors import Problem, SpondylError
from spondyl.web.limits import Limits
from spondyl.web.refusals import RefusedError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "films"
_CLOSE = {"Connection": "close"}
_MALFORMED = "Send films as multipart/form-data, each as a file in the field `films`."


async def received(
    content_type: str, pieces: AsyncIterator[bytes], folder: Path, limits: Limits, room: int
) -> tuple[Path, ...]:
    """The files of an upload, in order, as they lie in `folder` afterwards.

    `room` bytes may be kept in all. Raises `RefusedError`: 415 for another kind of body, 400 for
    one that is malformed, 413 for a file too large or too many of them, 422 where there is none.
    """
    parts = _Parts(folder, limits, room)
    parser = MultipartParser(_boundary(content_type), parts.callbacks())
    try:
        async for piece in pieces:
            await run_in_threadpool(_written, parser, piece)
    finally:
        parts.close()
    if not parts.ended:
        raise RefusedError(400, "the upload ends in the middle", "Send it again.")
    if not parts.files:
        raise RefusedError(422, "no film was sent", _MALFORMED)
    return tuple(parts.files)


def refuse_unless_films(files: tuple[Path, ...], limits: Limits) -> None:
    """Raises `SpondylError` unless every file begins as a film, by its header; `RefusedError`
    (413) where one has too many pixels. Films are called by their place in the upload."""
    problems = []
    for place, file in enumerate(files, 1):
        name = "the film" if len(files) == 1 else f"film {place}"
        try:
            facts = pixels.facts(file)
        except SpondylError as error:
            problem = Problem.at(file, error)
            problems.append(Problem(name, problem.what.replace(str(file), name), problem.hint))
            continue
        if facts.height * facts.width > limits.film_pixels:
            raise RefusedError(
                413,
                f"{name}: {facts.height} × {facts.width} pixels; at most "
                f"{limits.film_pixels:,} are taken",
                "Scale it down.",
            )
    if problems:
        raise SpondylError.of(problems, "the upload")


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise RefusedError(415, "the body is no upload of files", _MALFORMED, _CLOSE)
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70:
        raise RefusedError(400, "the upload names no boundary of its parts", _MALFORMED, _CLOSE)
    return boundary


def _written(parser: MultipartParser, piece: bytes) -> None:
    try:
        parser.write(piece)
    except FormParserError as error:
        raise RefusedError(400, "the upload is malformed", _MALFORMED, _CLOSE) from error


class _Parts:
    """What the parser tells, part by part."""

    def __init__(self, folder: Path, limits: Limits, room: int) -> None:
        self.files: list[Path] = []
        self.ended = False
        self._folder = folder
        self._limits = limits
        self._room = room
        self._open: BufferedWriter | None = None
        self._n_bytes = 0
        self._name = self._value = b""
        self._headers: dict[bytes, bytes] = {}

    def callbacks(self) -> MultipartCallbacks:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_name,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_file,
            "on_part_data": self._write,
            "on_part_end": self.close,
            "on_end": self._end,
        }

    def close(self) -> None:
        """Ends the file at hand, if there is one."""
        if self._open is not None:
            file, self._open = self._open, None
            try:
                file.close()
            except OSError as error:
                raise full() from error

    def _begin(self) -> None:
        self._headers = {}
        self._name = self._value = b""

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _begin_file(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if options.get(b"name") != FIELD.encode() or b"filename" not in options:
            raise RefusedError(422, f"a part is no file in the field {FIELD}", _MALFORMED, _CLOSE)
        if len(self.files) == self._limits.films_per_upload:
            raise RefusedError(
                413,
                f"more than {self._limits.films_per_upload} films at a time",
                "Send them in several uploads.",
                _CLOSE,
            )
        file = self._folder / f"{len(self.files):04d}"
        self.files.append(file)
        self._open = file.open("xb")
        self._n_bytes = 0

    def _write(self, data: bytes, start: int, end: int) -> None:
        self._n_bytes += end - start
        self._room -= end - start
        if self._n_bytes > self._limits.film_bytes:
            raise RefusedError(
                413,
                f"film {len(self.files)} is larger than {self._limits.film_bytes:,} bytes",
                "Save it smaller, such as a PNG of 8 or 16 bits.",
                _CLOSE,
            )
        if self._room < 0:
            raise full()
        assert self._open is not None
        try:
            self._open.write(data[start:end])
        except OSError as error:  # the disk is full
            raise full() from error

    def _end(self) -> None:
        self.ended = True


def full() -> RefusedError:
    """Where nothing more can be kept."""
    return RefusedError(
        413,
        "there is no room for further films on this server",
        "Delete readings that are no longer needed.",
        _CLOSE,
    )
