"""What a user's words for files stand for, where a shell has left a pattern as it is.

A word that names a file is that file, whatever signs are in its name; only a word that names
nothing and holds a sign of a pattern (`*`, `?`, `[`) is looked up, `**` through all folders below.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from spondyl.errors import SpondylError


def matching(words: Sequence[str]) -> list[Path]:
    """The paths that `words` stand for, in their order, those of a pattern by name.

    A word that names nothing and is no pattern stands for itself, so that what is wrong with it is
    said later. Raises `SpondylError` for a pattern that nothing matches.
    """
    return [path for word in words for path in _of(word)]


def _of(word: str) -> Iterator[Path]:
    path = Path(word)
    if path.exists() or path.is_symlink() or not glob.has_magic(word):
        yield path
        return
    found = sorted(glob.glob(word, recursive=True))  # noqa: PTH207  patterns may be absolute
    if not found:
        raise SpondylError(f"{word}: nothing is called so", "Check the pattern and where you are.")
    yield from map(Path, found)
