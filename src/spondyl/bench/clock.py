"""Fair timing on a noisy machine: contenders take turns, and what is compared are medians.

Whatever else the machine does then slows all contenders alike. The order is reversed in every other
round, so that nobody always runs on what the same neighbour left in the caches. The price: as many
caches are cold as there are contenders, so times are a little longer than in a loop of one's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

import torch

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """Wall-clock seconds of one call, what it started on a GPU included."""
    _finish()
    began = time.perf_counter()
    work()
    _finish()
    return time.perf_counter() - began


def in_turns(turns: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each contender's turn returned in each of `rounds` rounds.

    A turn returns its own seconds, so that what has to be prepared in it is not counted.
    """
    taken: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds):
        for name in list(turns)[:: -1 if number % 2 else 1]:
            taken[name].append(turns[name]())
    return taken


def medians(contenders: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Median seconds of each contender over `rounds` rounds, after one that is not counted."""
    for work in contenders.values():
        work()
    turns = {name: partial(seconds, work) for name, work in contenders.items()}
    return {name: median(taken) for name, taken in in_turns(turns, rounds).items()}


def _finish() -> None:
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
