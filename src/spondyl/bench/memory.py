"""What work costs in memory: the peak of one call, and what the process holds now.

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
from pathlib import Path

import torch

MEGABYTE = 2**20
_STATM = Path("/proc/self/statm")
_PERIOD_S = 0.001

Work = Callable[[], object]


def peak_mb(work: Work, device: torch.device) -> float | None:
    """The most memory that one call of `work` held at a time beyond what was held before, in MiB,
    on `device`; None on a CPU whose system does not tell."""
    give_back()
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


def give_back() -> None:
    """Rubbish is collected, and the allocator returns to the system what it does not use."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only glibc has it
    if trim is not None:
        trim(0)
