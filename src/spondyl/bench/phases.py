"""Where the time of a long piece of work goes: what it tells of its progress, with a watch.

Everything long tells by name when it begins to walk through something (`progress.Track`), so a
`Track` with a watch needs no marks in the code that is measured. Time in a walk within a walk
belongs to the inner one. The price: what happens between two walks is put down to the one before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Phases:
    """A `Track`, to be handed to one piece of work; what it took is in `seconds` afterwards."""

    now: str
    """The phase that is under way; at first the one before any walk."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by phase, in the order in which they began."""
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    """Of all cores, of this process."""
    _clock: float = field(default_factory=lambda: time.perf_counter())
    _cpu: float = field(default_factory=lambda: time.process_time())
    _walks: list[str] = field(default_factory=list)
    """Those under way, the innermost last."""

    def __call__(self, items: Iterable[T], doing: str, total: int | None = None) -> Iterator[T]:
        """Yields each of `items`; time is put down to `doing` from now until another walk begins,
        or, where this one is within another, until it ends."""
        del total
        self._walks.append(doing)
        self.enter(doing)
        yield from items
        self._walks.pop()
        if self._walks:
            self.enter(self._walks[-1])

    def enter(self, phase: str) -> None:
        """Ends the phase that is under way, and begins `phase`."""
        clock, cpu = time.perf_counter(), time.process_time()
        self.seconds[self.now] = self.seconds.get(self.now, 0.0) + clock - self._clock
        self.cpu_seconds[self.now] = self.cpu_seconds.get(self.now, 0.0) + cpu - self._cpu
        self.now, self._clock, self._cpu = phase, clock, cpu
