"""Units on a Ray cluster, or on a Ray of this machine's own where no address is given.

Decision: Ray places and runs; what is tried again is decided here. Ray itself retries without end
what runs out of memory, and raises what a unit raised as it likes; with its own retries off, a unit
is given to another worker `RETRIES` times when worker or node died, and never when it raised. The
price: a task, not an actor, for each unit, so on a GPU, where Ray ends a task's process with it,
each unit pays for a new process.

Nobody is told of the use of Ray (`RAY_USAGE_STATS_ENABLED=0`, unless the user sets it).
"""

from __future__ import annotations

import os
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from spondyl.engines.engine import RETRIES, Failure, attempted, fault, given_up
from spondyl.errors import SpondylError

U = TypeVar("U")
R = TypeVar("R")

_IN_FLIGHT = 512
"""Units that Ray knows of at a time; it looks through all of them whenever one ends."""
_KNOCK_SECONDS = 10.0
_LOOK_SECONDS = 30.0
"""After so long without an end it is asked whether the cluster still has room for any unit."""


@dataclass(frozen=True, slots=True)
class RayCluster:
    """Units as Ray tasks, each with so many CPUs and so much of a GPU."""

    address: str = ""
    """HOST:PORT of a cluster, "auto" for the one of this machine, "" for what `RAY_ADDRESS` says,
    or else a new Ray that ends with the run."""
    cpus: float = 1.0
    gpus: float | None = 0.0
    """Of one GPU where below 1; None for one GPU each where the cluster has any, else none."""

    @property
    def threads(self) -> int | None:
        """One for each CPU of a unit."""
        return max(1, int(self.cpus))

    @property
    def is_here(self) -> bool:
        """No: nobody knows which machines a cluster has."""
        return False

    def run(
        self, function: Callable[[U], R], units: Sequence[U]
    ) -> Iterator[tuple[int, R | Failure]]:
        """As they end. Raises `SpondylError` where Ray is not installed, no cluster answers, or
        none of its machines has room for a unit."""
        ray = _imported()
        with _connected(ray, self.address):
            wanted = self._wanted(ray)
            _refuse_unless_it_fits(ray, wanted)
            options = {"num_cpus": wanted["CPU"], "num_gpus": wanted["GPU"], "max_retries": 0}
            task = ray.remote(**options)(attempted)
            yield from _run(ray, task, function, units, wanted)

    def _wanted(self, ray: Any) -> dict[str, float]:
        gpus = self.gpus
        if gpus is None:
            gpus = 1.0 if ray.cluster_resources().get("GPU") else 0.0
        return {"CPU": self.cpus, "GPU": gpus}


def _run(
    ray: Any,
    task: Any,
    function: Callable[[U], R],
    units: Sequence[U],
    wanted: dict[str, float],
) -> Iterator[tuple[int, R | Failure]]:
    waiting = deque(range(len(units)))
    deaths: Counter[int] = Counter()
    running: dict[Any, int] = {}
    try:
        while waiting or running:
            while waiting and len(running) < _IN_FLIGHT:
                number = waiting.popleft()
                running[task.remote(function, units[number])] = number
            ready, _ = ray.wait(list(running), num_returns=1, timeout=_LOOK_SECONDS)
            if not ready:
                _refuse_unless_it_fits(ray, wanted)
                continue
            number = running.pop(ready[0])
            try:
                ended = ray.get(ready[0])
            except ray.exceptions.RayTaskError as error:
                ended = fault(error)  # not even to be begun there, as where a module is missing
            except ray.exceptions.RayError as error:
                deaths[number] += 1
                if deaths[number] <= RETRIES:
                    waiting.append(number)
                    continue
                ended = given_up(_first_line(error), deaths[number])
            yield number, ended
    finally:
        for left in running:
            ray.cancel(left, force=True)


@contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """Ray as this process has it already, or for as long as the block lasts."""
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    more = {"include_dashboard": False} if where == "local" else {}
    try:
        _knock(where)
        ray.init(address=where, log_to_driver=False, logging_level="ERROR", **more)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise SpondylError(
            f"no Ray cluster answers at {where!r}: {_first_line(error)}",
            "Start one with `ray start --head`, and give its HOST:PORT with --address.",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises `OSError` where nobody listens at a HOST:PORT: Ray would try for many minutes."""
    host, _, port = address.rpartition(":")
    if host and "/" not in host and port.isdigit():
        socket.create_connection((host, int(port)), _KNOCK_SECONDS).close()


def _refuse_unless_it_fits(ray: Any, wanted: dict[str, float]) -> None:
    """Raises `SpondylError` where no living node is large enough for one unit: Ray would wait
    without end."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(all(node.get(name, 0) >= n for name, n in wanted.items()) for node in nodes):
        return
    said = " and ".join(f"{n:g} {name}" for name, n in wanted.items() if n)
    has = "; ".join(f"{node.get('CPU', 0):g} CPU, {node.get('GPU', 0):g} GPU" for node in nodes)
    raise SpondylError(
        f"no node of the Ray cluster has {said} for a unit (its nodes: {has or 'none'})",
        "Ask for less (--cpus-per-trial, --gpus-per-trial), or add a node; what is done is kept.",
    )


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        raise SpondylError(
            f"the engine ray cannot be used: {error}",
            "Install it with pip install 'spondyl[ray]', or use --engine local.",
        ) from error
    return ray


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
