"""The database of a store: SQLite in a file, or PostgreSQL by URL, set so that a commit is kept.

SQLite keeps a write-ahead log (readers never wait for a writer) and flushes it at every commit;
who writes takes the lock at once and others wait for it: those of one process in a row, since
SQLite itself lets them sleep and ask again, for up to a tenth of a second each time. Both ends are
told to flush even where the server's settings say otherwise. The price is a disk flush for each
answer, some milliseconds that a person does not notice. A file has to lie on a local disk: SQLite's
log needs shared memory.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from spondyl.errors import SpondylError

WAITS_SECONDS = 30
"""For another writer, or for a free connection."""

_ASKS_AGAIN_SECONDS = 0.01

_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
}
_WRITES = "spondyl_writes"
_HEADER = b"SQLite format 3\x00"
_TURNS: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()
_MAKING = threading.Lock()


class StoreUnavailableError(SpondylError):
    """The database did not do what it was asked, through no fault of who asked: nothing was
    confirmed, and the same may be asked again."""


def connect(where: str | Path) -> Engine:
    """The database at `where`: a path, a new file where there is none, or a URL of SQLite or
    PostgreSQL.

    Raises `SpondylError` for a URL of another kind, or a path at which no database can be.
    """
    url = _url(where)
    if url.drivername == "sqlite":
        _refuse_unless_sqlite(url)
        engine = create_engine(
            url, connect_args={"timeout": WAITS_SECONDS}, pool_timeout=WAITS_SECONDS
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(url, pool_pre_ping=True, pool_timeout=WAITS_SECONDS)
        event.listen(engine, "connect", _set_up_postgresql)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is committed, and so on the disk, when the block has ended.

    Raises `StoreUnavailableError` where that cannot be said; IntegrityError is left to who wrote.
    """
    with _turn(engine), _speaking(engine), engine.connect() as connection:
        connection = connection.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the store; raises `StoreUnavailableError`."""
    with _speaking(engine), engine.connect() as connection, connection.begin():
        yield connection


def named(engine: Engine) -> str:
    """What to call the database in a message: no password is in it."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    return engine.url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """One writer of this process at a time, where the database takes one at a time anyway."""
    if engine.dialect.name != "sqlite":
        yield
        return
    with _MAKING:
        turn = _TURNS.setdefault(engine, threading.Lock())
    if not turn.acquire(timeout=WAITS_SECONDS):
        raise StoreUnavailableError(
            f"{named(engine)}: another writer did not end", "Try again in a moment."
        )
    try:
        yield
    finally:
        turn.release()


@contextmanager
def _speaking(engine: Engine) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or type(error).__name__).strip().split("\n")[0]
        raise StoreUnavailableError(
            f"{named(engine)}: the database did not answer ({said})",
            "See that it is there, may be written to and has room; then try again.",
        ) from error


def _url(where: str | Path) -> URL:
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    hint = "For example postgresql://user@host/name, or the path of a file for SQLite."
    try:
        url = make_url(where)
    except (ArgumentError, ValueError) as error:  # it may hold a password, so it is not shown
        raise SpondylError("the address of the database cannot be read", hint) from error
    if url.drivername not in _DRIVERS:
        raise SpondylError(f"{url.drivername}: a database of a kind that is not known", hint)
    return url.set(drivername=_DRIVERS[url.drivername])


def _refuse_unless_sqlite(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise SpondylError(
            "a database in memory loses all answers with its process", "Give the path of a file."
        )
    path = Path(url.database)
    try:
        if path.exists() and path.stat().st_size:
            with path.open("rb") as stream:
                if stream.read(len(_HEADER)) != _HEADER:
                    raise SpondylError(f"{path}: is not a SQLite database", "Name another file.")
        elif not path.exists():  # answers are nobody else's business on this machine
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise SpondylError(
            f"{path}: cannot be opened ({error.strerror or error})",
            "Name a file in a folder that is there and may be written to.",
        ) from error


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("foreign_keys = ON", "synchronous = FULL", "recursive_triggers = ON"):
        connection.execute(f"PRAGMA {pragma}")
    _keep_log_ahead(connection)


def _keep_log_ahead(connection: Any) -> None:
    """Asks for the write-ahead log until it is kept, and not again after `WAITS_SECONDS`.

    SQLite does not wait here: of two that change a new file at once each holds what the other needs
    next, so it answers "locked" at once and leaves it to who asked to let go and ask again
    (https://www.sqlite.org/c3ref/busy_handler.html).
    """
    until = time.monotonic() + WAITS_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(_ASKS_AGAIN_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock before it looks, so that what it saw is still so when it writes."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgresql(connection: Any, _: object) -> None:
    connection.execute("SET synchronous_commit TO on")
    connection.execute(f"SET lock_timeout TO '{WAITS_SECONDS}s'")
    connection.commit()
