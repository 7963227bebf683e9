"""What the command line draws on the terminal: bars with the time left, and two-line refusals.

Everything here goes to stderr, so that stdout holds data only. Where stderr is no terminal, one
line is written when a stretch of work begins and nothing is drawn over.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from spondyl.progress import Track

T = TypeVar("T")


@contextmanager
def tracking() -> Iterator[Track]:
    """A `Track` that draws on this terminal as long as the block lasts."""
    if not sys.stderr.isatty():
        yield _announcing
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:

        def drawn(items: Iterable[T], doing: str, total: int | None = None) -> Iterator[T]:
            task = bars.add_task(doing, total=_length(items, total))
            try:
                for item in items:
                    yield item
                    bars.advance(task)
            finally:
                bars.remove_task(task)

        yield drawn


def say(line: str) -> None:
    """One line for a person."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def refuse(message: str, hint: str) -> None:
    """The two lines that every refusal has."""
    say(f"error: {' '.join(message.split())}")
    say(f"hint: {' '.join(hint.split())}")


def _announcing(items: Iterable[T], doing: str, total: int | None = None) -> Iterator[T]:
    length = _length(items, total)
    say(doing if length is None else f"{doing} ({length})")
    return iter(items)


def _length(items: Iterable[T], total: int | None) -> int | None:
    if total is not None:
        return total
    return len(items) if isinstance(items, Sized) else None
