"""A data folder that passes with its server, even one that was killed.

A server that is killed cannot clear up, so the next one does. A folder is another server's as long
as that holds the lock in it, which the system drops whenever a process ends. A folder gets its name
only once its lock is held, so one that was made just now is never taken for one left behind; what
belongs to another user, or is no folder, is not touched.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "spondyl-room-"
_UNNAMED = "spondyl-new-"
_LOCK = ".alive"


@contextmanager
def passing_folder() -> Iterator[Path]:
    """An empty folder for its owner alone, gone when the block ends; first clears those away whose
    servers are dead."""
    place = Path(tempfile.gettempdir())
    clear(place)
    unnamed = Path(tempfile.mkdtemp(prefix=_UNNAMED, dir=place))
    folder = place / f"{PREFIX}{secrets.token_hex(8)}"
    lock = FileLock(unnamed / _LOCK)
    lock.acquire(blocking=False)
    try:
        unnamed.rename(folder)
        yield folder
    finally:
        for left in (folder, unnamed):
            shutil.rmtree(left, ignore_errors=True)
        lock.release()


def clear(place: Path) -> None:
    """Deletes the folders in `place` that servers left which were killed."""
    for folder in place.glob(f"{PREFIX}*"):
        if _is_ours(folder) and (folder / _LOCK).is_file():
            lock = FileLock(folder / _LOCK)
            try:
                lock.acquire(blocking=False)
            except (Timeout, OSError):
                continue
            try:
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                lock.release()


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return mine and stat.S_ISDIR(found.st_mode)
