"""Fair timing on a noisy machine: contenders take turns, and the median of each is compared."""

import time
from collections.abc import Callable, Mapping
from statistics import median

Contenders = Mapping[str, Callable[[], object]]


def medians(contenders: Contenders, rounds: int) -> dict[str, float]:
    """Median seconds of each contender over `rounds` turns, after one turn that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            began = time.perf_counter()
            contender()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    return {name: median(taken) for name, taken in seconds.items()}
