"""The reader in a process of its own, so that no film takes time, memory or life from the server.

A network holds Python's lock and all cores for seconds; in the server's process every page and
every answer of a survey would wait for it. Here it reads at a lower priority, one film at a time,
writes what it made as files, and says so in a word. A film that kills it (memory, a fault in a
decoder) kills nothing else: the process is started anew for the next one. The price is that the
networks are loaded there and once more after such a film.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from spondyl.errors import SpondylError
from spondyl.web.reading_files import write
from spondyl.web.room_reading import ReaderDiedError, RoomReading
from spondyl.web.settings import BundleFacts

_NICE = 5
"""Added to the process's niceness: the server has a core whenever it wants one."""
_END_SECONDS = 5.0


class OpenedReader(Protocol):
    """A bundle that reads."""

    @property
    def facts(self) -> BundleFacts:
        """What the room says of it."""

    def __call__(self, path: Path) -> RoomReading:
        """The film in a file, read; `SpondylError` where it is none."""


OpenReader = Callable[[], OpenedReader]
"""Opens a bundle; can be pickled, because it is called in the other process."""


class ReadingProcess:
    """What `opens` gives, in another process; asked by one thread at a time.

    Raises what `opens` raises, as `SpondylError` or, of anything else, `RuntimeError`.
    """

    def __init__(self, opens: OpenReader) -> None:
        self._opens = opens
        self._is_closed = False
        self._ending = threading.Lock()
        self.facts: BundleFacts = self._start()

    def __call__(self, film: Path, folder: Path) -> int:
        """Reads a film as `room_reading.MakeReading` says."""
        if self._is_closed:
            raise ReaderDiedError
        if not self._process.is_alive():
            self._start()
        try:
            self._pipe.send((film, folder))
            n_bytes = _heard(self._pipe)
        except (EOFError, OSError) as error:
            if isinstance(error, _NotWrittenError):
                raise
            self._end()
            raise ReaderDiedError from error
        assert isinstance(n_bytes, int)
        return n_bytes

    def close(self) -> None:
        """Ends the process, in the middle of a film where there is one; may be called again."""
        self._is_closed = True
        self._end()

    def _start(self) -> BundleFacts:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_read_on, args=(self._opens, theirs), name="reader", daemon=True
        )
        with _interruptions_ignored():
            self._process.start()
        theirs.close()
        try:
            facts = _heard(self._pipe)
        except EOFError as error:
            self._end()
            raise SpondylError(
                "the reader stopped while it was opened", "Is there memory enough for the bundle?"
            ) from error
        except BaseException:
            self._end()
            raise
        assert isinstance(facts, BundleFacts)
        return facts

    def _end(self) -> None:
        with self._ending:
            self._process.terminate()
            self._process.join(_END_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()


class _NotWrittenError(OSError):
    """What was read could not be written."""


def _heard(pipe: Connection) -> object:
    """What the reader answers; raises what it raised."""
    kind, said = pipe.recv()
    if kind == "refused":
        raise SpondylError(*said)
    if kind == "not written":
        raise _NotWrittenError(*said)
    if kind == "unexpected":
        raise RuntimeError(f"in the reader\n{said}")
    answer: object = said
    return answer


def _read_on(opens: OpenReader, pipe: Connection) -> None:
    """Reads what it is told to until nobody tells it anything; the other process's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    with contextlib.suppress(EOFError, BrokenPipeError):  # the server is gone
        opened, answer = _opened(opens)
        pipe.send(answer)
        if hasattr(os, "nice"):
            os.nice(_NICE)
        while opened is not None:
            pipe.send(_read(opened, *pipe.recv()))


def _opened(opens: OpenReader) -> tuple[OpenedReader | None, tuple[str, Any]]:
    try:
        reader = opens()
        return reader, ("facts", reader.facts)
    except SpondylError as error:
        return None, ("refused", (error.message, error.hint))
    except Exception:  # noqa: BLE001
        return None, ("unexpected", traceback.format_exc())


def _read(reader: OpenedReader, film: Path, folder: Path) -> tuple[str, Any]:
    try:
        made = reader(film)
        try:
            return "made", write(folder, made)
        except OSError as error:
            return "not written", (error.errno, error.strerror)
    except SpondylError as error:
        return "refused", (error.message, error.hint)
    except Exception:  # noqa: BLE001
        return "unexpected", traceback.format_exc()


@contextlib.contextmanager
def _interruptions_ignored() -> Iterator[None]:
    """Lets a process that is started here never hear of Ctrl-C, not even before it can say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
