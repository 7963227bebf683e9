"""How often one client may do what costs something.

Every client has a bucket that fills by so many tokens a minute, up to a minute's worth; what is
asked for takes one out. Clients that were not heard of for long are forgotten first, so memory does
not grow with their number. The price: who comes back after that finds a full bucket.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from spondyl.web.refusals import RefusedError

_MOST_CLIENTS = 10_000


class Rate:
    """So many times a minute for each client; may be asked by any number of threads."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> None:
        """Takes one token out; `RefusedError` (429) where there is none."""
        with self._lock:
            left = self._left(client)
            self._keep(client, left - 1 if left >= 1 else left)
        if left < 1:
            raise self._refusal(left)

    def refuse_if_empty(self, client: str) -> None:
        """Raises `RefusedError` (429) where no token is left, and takes none."""
        with self._lock:
            left = self._left(client)
        if left < 1:
            raise self._refusal(left)

    def _left(self, client: str) -> float:
        left, at = self._buckets.get(client, (self._most, self._clock()))
        return min(self._most, left + (self._clock() - at) * self._most / 60)

    def _keep(self, client: str, left: float) -> None:
        self._buckets[client] = (left, self._clock())
        self._buckets.move_to_end(client)
        while len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)

    def _refusal(self, left: float) -> RefusedError:
        seconds = max(1, round((1 - left) * 60 / self._most))
        return RefusedError(
            429,
            "too many requests in a short time",
            f"Try again in {seconds} s.",
            {"Retry-After": str(seconds)},
        )
