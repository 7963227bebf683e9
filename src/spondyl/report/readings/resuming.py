"""A folder of readings that a killed run left behind, gone on with: what stands whole is kept.

Decision: a hidden file in the folder says how its readings are made (bundle, method, engine, names,
forms …), and whoever comes back with anything else is refused, so that no folder holds readings of
two kinds. A film is done where its JSON, which is written last, and all that it names lie there; it
has to be the film of that name still, by its SHA-256. A lock keeps two runs out of one folder, and
vanishes with the run.

The price: each film that is done is read from the disk once more for its hash. Nothing is forced
onto the disk, so after a power failure, unlike after a kill, files may be there and be empty: such
a film is read again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from spondyl.errors import SpondylError
from spondyl.files import read_json, refuse_unless_free, sha256_of_file, write_json
from spondyl.progress import Track, silently
from spondyl.reading.each_film import Named
from spondyl.reading.recipe import Recipe
from spondyl.report.readings.whole import Wanted

SCHEMA_VERSION = 1
ACCOUNT = ".reading.json"
_LOCK = ".reading.lock"
_DRAFT = re.compile(r"\.(?P<name>.+)\.(?P<form>[a-z]+)\.\w+\.(?P=form)")
"""What `files.replaced` leaves where it is killed."""
_HASHING = 4
"""Threads."""


@dataclass(frozen=True, slots=True)
class Account:
    """How the readings of a folder are made: what has to be the same to go on with it."""

    bundle: str
    """Its id."""
    method: str
    engine: str
    graph: str | None
    """SHA-256 of the graph's file where one was named."""
    finder: str | None
    """SHA-256 of the spine finder's file; None where none is asked."""
    regions: str | None
    """Hash of where the folder of spine masks is; the folder's own path may name somebody."""
    forms: tuple[str, ...]
    identify: bool
    names: str
    """What films are called by: their number, or their file."""
    spondyl: str
    """Version."""

    @classmethod
    def of(cls, recipe: Recipe, wanted: Wanted, own_names: bool) -> Account:
        """The account of readings by `recipe` in the forms of `wanted`."""
        return cls(
            recipe.bundle_id,
            recipe.method,
            recipe.engine,
            *recipe.file_hashes,
            tuple(wanted.forms),
            wanted.identify,
            "file" if own_names else "number",
            version("spondyl"),
        )


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """`folder`, made where missing, as long as the block lasts for this process alone.

    Raises `SpondylError` where another process fills it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise SpondylError(
            f"{folder}: another process is reading into it", "Wait for its end, or end it."
        ) from error
    try:
        yield
    finally:
        (folder / _LOCK).unlink(missing_ok=True)
        lock.release()


def left(
    films: Sequence[Named],
    folder: Path,
    account: Account,
    resume: bool,
    track: Track = silently,
) -> tuple[Named, ...]:
    """Those of `films` that are still to be read into `folder`, which is bound to `account`.

    Raises `SpondylError` without `resume` for a folder that holds anything, and with it for one
    that is not of an earlier run or whose readings are made in another way, are called otherwise,
    or are of other films.
    """
    if not _is_begun(folder):
        write_json(folder / ACCOUNT, {"schema_version": SCHEMA_VERSION, **asdict(account)})
        return tuple(films)
    if not resume:
        refuse_unless_free(folder)
    _prove_same(folder, account)
    names = {one.name for one in films}
    _refuse_strangers(folder, names)
    with ThreadPoolExecutor(_HASHING, "hashing") as pool:
        standing = pool.map(partial(_stands, folder=folder), films)
        done = list(track(standing, "looking at what is there", len(films)))
    for path in folder.glob(".*"):
        draft = _DRAFT.fullmatch(path.name)
        if draft is not None and draft["name"] in names:
            path.unlink(missing_ok=True)
    return tuple(one for one, is_done in zip(films, done, strict=True) if not is_done)


def _is_begun(folder: Path) -> bool:
    """Whether there is anything in the folder but the lock and drafts of the account."""
    of_no_account = (_LOCK, f".{ACCOUNT}.")
    return any(not path.name.startswith(of_no_account) for path in folder.iterdir())


def _prove_same(folder: Path, account: Account) -> None:
    """Raises `SpondylError` unless the folder's readings are made as `account` says."""
    source = folder / ACCOUNT
    if not source.is_file():
        raise SpondylError(
            f"{folder}: no readings to go on with ({ACCOUNT} is missing)",
            "Give the folder that an earlier `spondyl read … --out` began, or a new one.",
        )
    there = read_json(source)
    now = json.loads(json.dumps({"schema_version": SCHEMA_VERSION, **asdict(account)}))
    if not isinstance(there, dict) or there.keys() != now.keys():
        raise SpondylError(
            f"{source}: not of this version of spondyl", "Read into a new folder with --out."
        )
    if differing := [name for name in now if there[name] != now[name]]:
        said = "; ".join(
            f"{name} {_short(there[name])}, now {_short(now[name])}" for name in differing
        )
        raise SpondylError(
            f"{folder}: its readings are made in another way ({said})",
            "Give the same options as then, or read into a new folder with --out.",
        )


def _short(value: Any) -> str:
    said = ", ".join(value) if isinstance(value, list) else str(value)
    return said if len(said) < 40 else said[:12]


def _refuse_strangers(folder: Path, names: set[str]) -> None:
    """Raises `SpondylError` where a reading in the folder is called like none of the films."""
    for path in sorted(folder.glob("*.json")):
        if not path.name.startswith(".") and path.stem not in names:
            raise SpondylError(
                f"{path}: no film is called so now",
                "Films are numbered in their order; give the same ones, or read into a new folder.",
            )


def _stands(one: Named, folder: Path) -> bool:
    """Whether the film's files are all there; `SpondylError` where they are another film's."""
    try:
        document = json.loads((folder / f"{one.name}.json").read_bytes())
        sha256, beside = document["film"]["sha256"], list(document["files"].values())
        if not all((folder / file).stat().st_size for file in beside):
            return False
        is_same = sha256_of_file(one.path) == sha256
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # absent or empty, or the film cannot be read, which its reading will say
    if not is_same:
        raise SpondylError(
            f"{one.said}: another film than the one that was read under the name {one.name}",
            "Films are numbered in their order; give the same ones, or read into a new folder.",
        )
    return True
