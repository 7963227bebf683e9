"""Several units at a time on this machine, each in a process of its own.

Decision: our own few lines beside `concurrent.futures`, whose pool ends as a whole when one of its
processes is killed and does not say over which unit. Here each process has a pipe, so a death is
known to belong to one unit, which another process gets. Processes are spawned, not forked, since a
fork of a process that has used CUDA or threads is broken; the price is that each imports anew,
some seconds, and that a program which calls us needs `if __name__ == "__main__"`.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection as pipes
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from spondyl.engines.engine import RETRIES, Failure, attempted, fault, given_up

U = TypeVar("U")
R = TypeVar("R")

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Read by the libraries when they are loaded, so they are set before."""


@dataclass(frozen=True, slots=True)
class Processes:
    """`at_once` units at a time, with this process's threads divided among them."""

    at_once: int

    @property
    def threads(self) -> int | None:
        """Those that there are, or that `OMP_NUM_THREADS` allows, divided."""
        return max(1, _threads_here() // self.at_once)

    @property
    def is_here(self) -> bool:
        """Yes."""
        return True

    def run(
        self, function: Callable[[U], R], units: Sequence[U]
    ) -> Iterator[tuple[int, R | Failure]]:
        """As they end. A process that dies is replaced, and its unit begun again, three times."""
        waiting = deque(range(len(units)))
        deaths: Counter[int] = Counter()
        idle: list[_Worker] = []
        busy: dict[Connection, tuple[_Worker, int]] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self.at_once:
                    worker = idle.pop() if idle else _Worker.started(self.threads or 1)
                    number = waiting.popleft()
                    worker.hand(pickle.dumps((function, units[number])))
                    busy[worker.connection] = worker, number
                for ready in pipes.wait(list(busy)):
                    worker, number = busy.pop(ready)  # type: ignore[call-overload]
                    try:
                        ended = worker.connection.recv()
                    except (EOFError, OSError):
                        deaths[number] += 1
                        how = worker.last_words()
                        if deaths[number] > RETRIES:
                            yield number, given_up(how, deaths[number])
                        else:
                            waiting.append(number)
                        continue
                    idle.append(worker)
                    yield number, ended
        finally:
            for worker in (*idle, *(one for one, _ in busy.values())):
                worker.stop()


@dataclass(frozen=True, slots=True, eq=False)
class _Worker:
    """A process that waits for units, and our end of the pipe to it."""

    process: SpawnProcess
    connection: Connection

    @classmethod
    def started(cls, threads: int) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        # A daemon ends with us; killed outright we leave it to end its unit, and then by itself.
        process = context.Process(target=_serve, args=(theirs, threads), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours)

    def hand(self, message: bytes) -> None:
        """Hands over a unit; a process that died while it was idle is heard of in `recv`."""
        try:
            self.connection.send_bytes(message)
        except OSError:
            return

    def last_words(self) -> str:
        """How the process ended."""
        self.process.join()
        code = self.process.exitcode or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join()


def _serve(connection: Connection, threads: int) -> None:
    """In the process: one unit after the other, until nobody is there to hand any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            return
        ended = _ended(message)
        try:
            connection.send_bytes(ended)
        except OSError:
            return


def _ended(message: bytes) -> bytes:
    """What came of a pickled function and unit, pickled."""
    try:
        function, unit = pickle.loads(message)
        ended: Any = attempted(function, unit)
        return pickle.dumps(ended)
    except Exception as error:  # noqa: BLE001 - neither to be read nor to be sent back
        return pickle.dumps(fault(error))


def _threads_here() -> int:
    stated = os.environ.get("OMP_NUM_THREADS", "")
    return int(stated) if stated.isdigit() and int(stated) > 0 else cores()


def cores() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
