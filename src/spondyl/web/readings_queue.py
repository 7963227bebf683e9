"""One thread that has one film after another read, and never within a request.

A network fills all cores by itself, so a second film at a time would make both later. It reads in a
process of its own (`reading_process`); the thread only waits for it. Whatever a film does to its
reader, the next is read.
"""

from __future__ import annotations

import logging
import secrets
import threading

from spondyl.errors import SpondylError
from spondyl.review.database import StoreUnavailableError
from spondyl.web.readings_store import ReadingStore
from spondyl.web.room_reading import MakeReading, ReaderDiedError

_RETRY_SECONDS = 2.0
_NO_ROOM = (
    "the reading could not be kept on the disk",
    "Delete readings that are no longer needed, then send the film again.",
)
_DIED = (
    "the reader stopped in the middle of this film",
    "It may be too large for this machine's memory. Delete it, or try a smaller copy.",
)
_LOG = logging.getLogger("spondyl.web")


class ReadingsQueue:
    """Reads what waits in `store` as long as it runs."""

    def __init__(self, store: ReadingStore, make: MakeReading) -> None:
        self._store = store
        self._make = make
        self._called = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to read; once."""
        self._thread = threading.Thread(target=self._run, name="readings", daemon=True)
        self._called.set()
        self._thread.start()

    def call(self) -> None:
        """Says that a film has come."""
        self._called.set()

    def stop(self, seconds: float = 5.0) -> None:
        """Reads no further film, and waits so long for the one at hand, which is read again when a
        server comes back."""
        self._stopping.set()
        self._called.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._called.clear()
            try:
                reading_id = self._store.next()
                if reading_id is not None:
                    self._read(reading_id)
                    continue
                seconds = None
            except StoreUnavailableError as error:
                _LOG.warning("the queue waits: %s", error.message)
                seconds = _RETRY_SECONDS
            self._called.wait(seconds)

    def _read(self, reading_id: str) -> None:
        self._store.begin(reading_id)
        with self._store.shelf.draft() as room:
            made = room / "made"
            made.mkdir()
            try:
                n_bytes = self._make(self._store.shelf.film(reading_id), made)
                self._store.finish(reading_id, made, n_bytes)
            except StoreUnavailableError:
                raise
            except ReaderDiedError:
                if not self._stopping.is_set():  # or it is read again when a server comes back
                    self._store.fail(reading_id, *_DIED)
            except Exception as error:  # noqa: BLE001
                self._store.fail(reading_id, *self._told(error, reading_id))

    def _told(self, error: Exception, reading_id: str) -> tuple[str, str]:
        """Error and hint for whoever sent the film; what is not for them is logged."""
        if isinstance(error, SpondylError):
            film = self._store.shelf.film(reading_id)
            said = error.message.removeprefix(f"{film}: ").replace(str(film), "film")
            return said, error.hint
        if isinstance(error, OSError):
            _LOG.warning("a reading could not be kept: %s", error.strerror or error)
            return _NO_ROOM
        number = secrets.token_hex(4)
        _LOG.error("unexpected, number %s", number, exc_info=error)
        said = f"this film could not be read (number {number})"
        return said, "Tell whoever runs this server the number."
