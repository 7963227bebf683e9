"""Which readings there are, whose they are and how far they are; rows here, files on the shelf.

One server holds a data folder at a time (a lock says so), and within it one lock orders whatever
changes both row and folder: so a film that is deleted while it is read leaves nothing, and a server
that was killed at any moment finds either a row with its folder or one of the two alone, which it
drops when it is opened again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from sqlalchemy import ColumnElement, Engine, Row, delete, func, insert, select, update

from spondyl.data.regions import Regions
from spondyl.errors import SpondylError
from spondyl.review.database import connect, reading, writing
from spondyl.review.store import utc_now
from spondyl.web.migrating import migrate
from spondyl.web.shelf import Shelf, new_id
from spondyl.web.tables import READINGS

State = Literal["queued", "reading", "done", "failed"]
DATABASE = "readings.sqlite3"
_LOCK = ".lock"
_MOST_BEGUN = 3
_STOPPED = (
    "the server stopped each time it read this film",
    "It may be too large for this machine's memory. Delete it, or try a smaller copy.",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading as its row says."""

    reading_id: str
    state: State
    position: int | None
    """1 of the one that is read next, 0 of the one being read; None of one that is over."""
    error: str | None
    hint: str | None
    created: str


def open_readings(folder: Path, database: str | None = None) -> ReadingStore:
    """The readings in the data folder `folder`, made where there is none; in the SQLite file there
    unless `database` is a URL.

    What was being read when a server stopped is queued again. Raises `SpondylError` where another
    server uses the folder, or it or the database cannot be used.
    """
    shelf = Shelf(folder)
    shelf_root = _made(folder)
    lock = FileLock(shelf_root / _LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise SpondylError(
            f"{folder}: another server keeps its readings there", "Name another folder with --data."
        ) from error
    try:
        shelf.prepare()
        engine = connect(database or shelf_root / DATABASE)
        store = ReadingStore(engine, shelf, lock)
        migrate(engine)
        store.recover()
    except BaseException:
        lock.release()
        raise
    return store


class ReadingStore:
    """Readings; may be used by any number of threads of one server.

    Every method may raise `StoreUnavailableError`. An `owner` is the user whose readings are meant;
    None is nobody in particular, where nobody signs on.
    """

    def __init__(
        self,
        engine: Engine,
        shelf: Shelf,
        lock: FileLock,
        clock: Callable[[], str] = utc_now,
    ) -> None:
        self.shelf = shelf
        self._engine = engine
        self._held = lock
        self._clock = clock
        self._changing = threading.RLock()

    def close(self) -> None:
        """Gives connections and folder back."""
        self._engine.dispose()
        self._held.release()

    def recover(self) -> None:
        """Queues again what was being read, and drops rows and folders that are alone."""
        with self._changing, writing(self._engine) as connection:
            rows = set(connection.scalars(select(READINGS.c.reading_id)))
            folders = self.shelf.ids()
            for alone in folders - rows:
                self.shelf.drop(alone)
            if rows - folders:
                gone = READINGS.c.reading_id.in_(rows - folders)
                connection.execute(delete(READINGS).where(gone))
            stopped = READINGS.c.state == "reading"
            connection.execute(
                update(READINGS)
                .where(stopped, READINGS.c.begun >= _MOST_BEGUN)
                .values(state="failed", error=_STOPPED[0], hint=_STOPPED[1])
            )
            connection.execute(update(READINGS).where(stopped).values(state="queued"))

    # films come and go

    def add(self, films: Sequence[Path], owner: str | None) -> tuple[str, ...]:
        """Takes the files `films` and queues them; their identifiers come back, in order."""
        ids = tuple(new_id() for _ in films)
        try:
            with self._changing, writing(self._engine) as connection:
                for reading_id, film in zip(ids, films, strict=True):
                    row = {
                        "reading_id": reading_id,
                        "owner": owner,
                        "state": "queued",
                        "begun": 0,
                        "n_bytes": self.shelf.take(reading_id, film),
                        "created": self._clock(),
                    }
                    connection.execute(insert(READINGS).values(row))
        except BaseException:
            for reading_id in ids:
                self.shelf.drop(reading_id)
            raise
        return ids

    def delete(self, reading_id: str, owner: str | None) -> bool:
        """Deletes a reading and all that belongs to it; False where it is not there, or not
        theirs."""
        with self._changing:
            with writing(self._engine) as connection:
                done = connection.execute(delete(READINGS).where(_is(reading_id, owner)))
            if done.rowcount:
                self.shelf.drop(reading_id)
        return bool(done.rowcount)

    # looking

    def one(self, reading_id: str, owner: str | None) -> Kept | None:
        """A reading; None where it is not there, or not theirs."""
        with reading(self._engine) as connection:
            row = connection.execute(select(READINGS).where(_is(reading_id, owner))).one_or_none()
            return None if row is None else _kept(row, _waiting_numbers(connection))

    def newest(self, owner: str | None, most: int) -> tuple[Kept, ...]:
        """The newest of their readings, newest first."""
        with reading(self._engine) as connection:
            waiting = _waiting_numbers(connection)
            rows = connection.execute(
                select(READINGS)
                .where(READINGS.c.owner.is_not_distinct_from(owner))
                .order_by(READINGS.c.number.desc())
                .limit(most)
            )
            return tuple(_kept(row, waiting) for row in rows)

    def n_bytes(self) -> int:
        """Of all films and what was made of them, everybody's."""
        with reading(self._engine) as connection:
            return int(connection.scalar(select(func.sum(READINGS.c.n_bytes))) or 0)

    def n_waiting(self) -> int:
        """How many films are in the queue, everybody's."""
        with reading(self._engine) as connection:
            return len(_waiting_numbers(connection))

    # the queue

    def next(self) -> str | None:
        """The film that is read next; None where none waits.

        One that was begun and neither finished nor failed, for want of the database, comes first.
        """
        with reading(self._engine) as connection:
            open_ones = READINGS.c.state.in_(("queued", "reading"))
            asked = select(READINGS.c.reading_id).where(open_ones)
            return connection.scalar(asked.order_by(READINGS.c.number).limit(1))

    def begin(self, reading_id: str) -> None:
        """Notes that a film is being read."""
        self._set(reading_id, state="reading", begun=READINGS.c.begun + 1)

    def finish(self, reading_id: str, made: Path, n_bytes: int) -> None:
        """Keeps what was made of a film, the folder `made`; does nothing where it was deleted in
        the meantime."""
        with self._changing:
            if not self._is_there(reading_id):
                return
            self.shelf.put(reading_id, made)
            self._set(reading_id, state="done", n_bytes=READINGS.c.n_bytes + n_bytes)

    def fail(self, reading_id: str, message: str, hint: str) -> None:
        """Notes why a film could not be read."""
        self._set(reading_id, state="failed", error=message, hint=hint)

    # corrections

    def correct(self, reading_id: str, owner: str | None, regions: Regions) -> int | None:
        """Keeps corrected regions; the version's number, or None where the reading is not there."""
        with self._changing:
            kept = self.one(reading_id, owner)
            return None if kept is None else self.shelf.correct(reading_id, regions)

    def _is_there(self, reading_id: str) -> bool:
        with reading(self._engine) as connection:
            asked = select(READINGS.c.number).where(READINGS.c.reading_id == reading_id)
            return connection.scalar(asked) is not None

    def _set(self, reading_id: str, **values: Any) -> None:
        with writing(self._engine) as connection:
            connection.execute(
                update(READINGS).where(READINGS.c.reading_id == reading_id).values(values)
            )


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SpondylError(
            f"{folder}: cannot be made ({error.strerror})", "Name another folder with --data."
        ) from error
    return folder


def _is(reading_id: str, owner: str | None) -> ColumnElement[bool]:
    return (READINGS.c.reading_id == reading_id) & READINGS.c.owner.is_not_distinct_from(owner)


def _waiting_numbers(connection: Any) -> list[int]:
    """Numbers of the films in the queue, in its order."""
    asked = select(READINGS.c.number).where(READINGS.c.state == "queued")
    return list(connection.scalars(asked.order_by(READINGS.c.number)))


def _kept(row: Row[Any], waiting: Sequence[int]) -> Kept:
    """A row as it is told. One that was queued when it was looked up, and is not among those
    `waiting` any more, was begun in between."""
    position, state = None, row.state
    if state == "queued" and row.number not in waiting:
        state = "reading"
    if state == "reading":
        position = 0
    elif state == "queued":
        position = waiting.index(row.number) + 1
    return Kept(row.reading_id, state, position, row.error, row.hint, row.created)
