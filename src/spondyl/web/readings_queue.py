"""One thread that reads one film after another, beside the server and never within a request.

A network fills all cores by itself, so a second film at a time would make both later; and a survey
that is answered meanwhile waits for none. Whatever a film does to its reader, the next is read.
"""

from __future__ import annotations

import logging
import secrets
import threading

from spondyl.errors import SpondylError
from spondyl.review.database import StoreUnavailableError
from spondyl.web.readings_store import ReadingStore
from spondyl.web.room_reading import ReadFilm

_RETRY_SECONDS = 2.0
_NO_ROOM = (
    "the reading could not be kept on the disk",
    "Delete readings that are no longer needed, then send the film again.",
)
_LOG = logging.getLogger("spondyl.web")


class ReadingsQueue:
    """Reads what waits in `store` as long as it runs."""

    def __init__(self, store: ReadingStore, reader: ReadFilm) -> None:
        self._store = store
        self._reader = reader
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
        film = self._store.shelf.film(reading_id)
        try:
            made = self._reader(film)
        except StoreUnavailableError:
            raise
        except SpondylError as error:
            said = error.message.removeprefix(f"{film}: ").replace(str(film), "film")
            self._store.fail(reading_id, said, error.hint)
            return
        except Exception:  # noqa: BLE001
            number = secrets.token_hex(4)
            _LOG.exception("unexpected, number %s", number)
            self._store.fail(
                reading_id,
                f"this film could not be read (number {number})",
                "Tell whoever runs this server the number.",
            )
            return
        try:
            self._store.finish(reading_id, made)
        except OSError as error:
            _LOG.warning("a reading could not be kept: %s", error.strerror or error)
            self._store.fail(reading_id, *_NO_ROOM)
