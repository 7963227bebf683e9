"""What work costs in memory: the peak of one call, and whether many calls leave anything behind.

On a CPU the resident set of the process is read a thousand times a second by a thread of its own
while the work runs; the allocator first gives back what it keeps of earlier work, or a second call
would seem to need nothing. On a GPU PyTorch counts. The price: a peak shorter than a millisecond
is missed, and where the system has no /proc there is no figure.
"""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

MEGABYTE = 2**20
_STATM = Path("/proc/self/statm")
_PERIOD_S = 0.001

Work = Callable[[], object]


def peak_mb(work: Work, device: torch.device) -> float | None:
    """The most memory that one call of `work` held at a time beyond what was held before, in MiB,
    on `device`; None on a CPU whose system does not tell."""
    _give_back()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return (torch.cuda.max_memory_allocated(device) - before) / MEGABYTE
    return _resident_peak_mb(work) if _STATM.is_file() else None


def resident_mb() -> float:
    """The resident set of this process now, in MiB (Linux)."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def _resident_peak_mb(work: Work) -> float:
    before, done = resident_mb(), threading.Event()
    seen = [before]

    def watch() -> None:
        while not done.wait(_PERIOD_S):
            seen.append(resident_mb())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return max(*seen, resident_mb()) - before


@dataclass(frozen=True, slots=True)
class Reading:
    """What was alive after so many calls."""

    calls: int
    resident_mb: float
    tensors: int


def readings(work: Work, calls: int, every: int) -> tuple[Reading, ...]:
    """What is alive after each `every` of `calls` calls of `work`, rubbish collected first."""
    found = []
    for number in range(1, calls + 1):
        work()
        if number % every == 0:
            _give_back()
            found.append(Reading(number, resident_mb(), live_tensors()))
    return tuple(found)


def growth_mb_per_thousand(found: tuple[Reading, ...]) -> float:
    """The slope of the resident set over the calls (Theil and Sen: the median of the slopes of all
    pairs of readings), in MiB for a thousand calls; one jump does not make a trend."""
    slopes = [
        (later.resident_mb - earlier.resident_mb) / (later.calls - earlier.calls)
        for i, earlier in enumerate(found)
        for later in found[i + 1 :]
    ]
    return 1000 * float(np.median(slopes))


def live_tensors() -> int:
    """How many tensors Python can reach."""
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def _give_back() -> None:
    """Rubbish is collected, and the allocator returns to the system what it does not use."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only glibc has it
    if trim is not None:
        trim(0)
