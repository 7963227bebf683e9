"""A real PostgreSQL for tests: Debian's, started for a while as somebody without rights.

It listens at a socket in a temporary folder and at no port, so nobody else can reach it and nothing
else is in its way. PostgreSQL refuses to run as root, so root starts it as `postgres` or `nobody`.
`conftest` imports `server`, so that all tests of a worker share one; where PostgreSQL is not
installed they skip.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

_PLACES = Path("/usr/lib/postgresql")
_STARTS_SECONDS = 60
_END_ALL_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@dataclass(frozen=True)
class Server:
    """A running server."""

    folder: Path
    """Of its data and its socket."""

    @property
    def url(self) -> str:
        """Of its one database."""
        return f"postgresql://spondyl@/postgres?host={quote(str(self.folder), safe='')}"

    def emptied(self) -> str:
        """The URL of the database, out of which everything was taken: a quarter of the time that a
        new one takes, and nothing to delete in the end."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_END_ALL_OTHERS)
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self.url

    def _start(self) -> None:
        # Nobody pulls the plug of this machine amid a test, so nothing is forced to the disk.
        light = "-c shared_buffers=16MB -c fsync=off"
        settings = f"-k {self.folder} -c listen_addresses='' {light}"
        log = str(self.folder / "log")
        data = str(self.folder / "data")
        wait = ("-w", "-t", str(_STARTS_SECONDS))
        self._run("pg_ctl", "-D", data, "-l", log, "-o", settings, *wait, "start")

    def _stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = _as_nobody_special([str(_program(program)), *arguments])
        with (self.folder / f"{program}.said").open("wb") as said:  # a server inherits no pipe
            done = subprocess.run(command, stdout=said, stderr=said, cwd=self.folder, check=False)
        if done.returncode:
            raise RuntimeError((self.folder / f"{program}.said").read_text()[-2000:])


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """An empty server; skips where PostgreSQL is not installed."""
    if _program("initdb") is None:
        pytest.skip("no PostgreSQL: Debian's package postgresql is not installed")
    if os.geteuid() == 0 and (_user() is None or shutil.which("setpriv") is None):
        pytest.skip("no PostgreSQL: root has nobody to start it as (setpriv, postgres or nobody)")
    with tempfile.TemporaryDirectory(prefix="spondyl-pg-", dir="/tmp") as name:  # short for sockets
        folder = Path(name)
        user = _user()
        if os.geteuid() == 0 and user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        server = Server(folder)
        how = ("-U", "spondyl", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        server._run("initdb", "-D", str(folder / "data"), *how)
        server._start()
        try:
            yield server
        finally:
            server._stop()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL for all tests that ask for one."""
    with running() as started:
        yield started


def _program(name: str) -> Path | None:
    """The newest installed `name`; Debian keeps them out of the path."""
    versions = sorted(_PLACES.glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3]), reverse=True)
    if versions:
        return versions[0]
    found = shutil.which(name)
    return None if found is None else Path(found)


def _user() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def _as_nobody_special(command: Sequence[str]) -> list[str]:
    """`command` as it is, or for root as a user without rights."""
    user = _user()
    if os.geteuid() or user is None:
        return list(command)
    who = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    return ["setpriv", *who, *command]
