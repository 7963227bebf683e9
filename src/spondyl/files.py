"""Files that are whole or absent: written beside their place first, then renamed into it.

A rename within one folder is atomic on every file system we meet, so a process killed at any moment
leaves either the old file or the new one, at the price of writing large files twice as names.
JSON has one spelling only (sorted keys, no NaN), so equal content has an equal hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spondyl.errors import SpondylError

_CHUNK_BYTES = 1 << 20


def canonical_json(value: Any) -> str:
    """JSON text of `value` on one line: keys sorted, no spaces; ValueError for NaN and infinity."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def readable_json(value: Any) -> str:
    """JSON text of `value` for people: indented, order kept; ValueError for NaN and infinity."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def sha256_of_json(value: Any) -> str:
    """Hexadecimal SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8, whole or not at all."""
    with replaced(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as readable JSON, whole or not at all."""
    write_text(path, readable_json(value))


def read_json(path: Path) -> Any:
    """The content of a JSON file; `SpondylError` where it is missing, unreadable or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpondylError(
            f"{path}: cannot be read ({error.strerror or error})", "Check the path and its rights."
        ) from error
    except ValueError as error:
        raise SpondylError(
            f"{path}: not valid JSON ({error})", "The file is damaged or of another kind."
        ) from error


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; `SpondylError` where it is missing, unreadable or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpondylError(
            f"{path}: cannot be read ({error.strerror or error})", "Give the path of a TOML file."
        ) from error
    except UnicodeDecodeError as error:
        raise SpondylError(f"{path}: not UTF-8 text", "Give the path of a TOML file.") from error
    except tomllib.TOMLDecodeError as error:
        raise SpondylError(
            f"{path}: not valid TOML ({error})", "Strings are quoted, lists in [brackets]."
        ) from error


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it appears at `path` when the block ends without an error, or not at all.

    Raises `SpondylError` where `path` is there already and is not an empty folder.
    """
    refuse_unless_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield draft
        draft.chmod(0o777 & ~_umask())
        try:
            if path.is_dir():
                path.rmdir()
            draft.rename(path)
        except OSError as error:
            raise SpondylError(
                f"{path}: somebody else made it in the meantime", "Run the same command again."
            ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def refuse_unless_free(path: Path) -> None:
    """Raises `SpondylError` where a new folder cannot be made at `path`, before any work is
    done."""
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists() or path.is_symlink():
        raise SpondylError(
            f"{path}: is there already", "Name a new folder; nothing is ever overwritten."
        )
    refuse_unless_fillable(path)


def refuse_unless_fillable(path: Path) -> None:
    """Raises `SpondylError` where no files can be put into the folder `path`, there or not yet."""
    whole = path.absolute()
    there = next(part for part in (whole, *whole.parents) if part.exists() or part.is_symlink())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise SpondylError(
            f"{path}: cannot be filled, {there} is not a folder that can be written to",
            "Name a folder that you may write to.",
        )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
