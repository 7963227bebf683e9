"""Answers in several parts, read as they arrive (RFC 2046, 5.1; PS3.18, 8.6.1.2).

dicomweb-client reads them too, and is not used for it: it holds each part in memory and searches
all that has arrived anew with each chunk, n² steps for n bytes; a film of 150 MB took 572 MiB. Here
a part passes through in pieces, and never more than a chunk and a boundary is held. The price is
that the boundary must not stand in a part, as the standard asks: what looks like one is a broken
answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

_MOST_HEADER_BYTES = 16 << 10
"""Of one part, and of what may stand before the first."""
_LONGEST_BOUNDARY = 200
"""Signs; RFC 2046 allows 70."""


class BrokenAnswerError(Exception):
    """What arrives is not what was announced; the text says in which way."""


def boundary_of(content_type: str) -> str | None:
    """The boundary of multipart/related; None where `content_type` says anything else."""
    said = Message()
    said["Content-Type"] = content_type
    found = said.get_param("boundary")
    if said.get_content_type() != "multipart/related" or not isinstance(found, str):
        return None
    is_sound = 0 < len(found) <= _LONGEST_BOUNDARY and found.isascii() and found.isprintable()
    return found if is_sound else None


def parts(chunks: Iterator[bytes], boundary: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Of each part its media type, in small letters, and its bytes in pieces.

    A part is to be read to its end before the next is asked for. Raises `BrokenAnswerError` where
    the answer ends before its last boundary, or holds no part.
    """
    stream, delimiter = _Stream(chunks), f"\r\n--{boundary}".encode()
    for _ in stream.until(delimiter, _MOST_HEADER_BYTES):
        pass  # a preamble is for people
    number = 0
    while not _is_last(stream):
        number += 1
        yield _media_type(stream), stream.until(delimiter)
    if number == 0:
        raise BrokenAnswerError("it has no part")


class _Stream:
    """Bytes that arrive in chunks, taken up to a mark."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray(b"\r\n")  # so that a boundary at the very beginning is one

    def until(self, mark: bytes, at_most: int | None = None) -> Iterator[bytes]:
        """All that stands before `mark`, which is taken too, in pieces."""
        left = at_most
        while True:
            found = self._held.find(mark)
            ready = max(len(self._held) - len(mark) + 1, 0) if found < 0 else found
            if left is not None:
                left -= ready
                if left < 0:
                    raise BrokenAnswerError("what stands before or heads a part does not end")
            if found >= 0:
                break
            if ready:
                yield bytes(self._held[:ready])
                del self._held[:ready]
            self._more()
        if found:
            yield bytes(self._held[:found])
        del self._held[: found + len(mark)]

    def begins_with(self, mark: bytes) -> bool:
        while len(self._held) < len(mark):
            self._more()
        return self._held.startswith(mark)

    def line(self) -> bytes:
        return b"".join(self.until(b"\r\n", _MOST_HEADER_BYTES))

    def _more(self) -> None:
        chunk = next(self._chunks, b"")
        if not chunk:
            raise BrokenAnswerError("it ends before its last boundary")
        self._held += chunk


def _is_last(stream: _Stream) -> bool:
    """Whether the boundary that was just read closes the answer; reads to the end of its line."""
    if stream.begins_with(b"--"):
        return True
    if stream.line().strip():
        raise BrokenAnswerError("a boundary is followed by something else")
    return False


def _media_type(stream: _Stream) -> str:
    said, n_bytes = Message(), 0
    while line := stream.line():
        n_bytes += len(line)
        if n_bytes > _MOST_HEADER_BYTES:
            raise BrokenAnswerError("the header of a part does not end")
        name, _, value = line.decode("latin-1").partition(":")
        if name.strip().lower() == "content-type":
            said["Content-Type"] = value.strip()
    return said.get_content_type() if "Content-Type" in said else ""
