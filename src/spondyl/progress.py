"""How long work tells of itself: the library counts, whoever calls it draws.

Every function that may take more than a moment accepts a `Track`, which wraps the things it walks
through. The command line passes one that draws a bar with the time left; `silently` is the default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Walks through `items`, telling someone of the progress under the name `doing`."""

    def __call__(self, items: Iterable[T], doing: str, total: int | None = None) -> Iterator[T]:
        """Yields each of `items` in order; `total` where `len(items)` is not known."""
        ...


def silently(items: Iterable[T], doing: str, total: int | None = None) -> Iterator[T]:
    """Walks through `items` and tells nobody."""
    del doing, total
    return iter(items)
