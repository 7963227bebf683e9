"""Who runs a list of independent units of work: this process, several, a Ray cluster, or Slurm.

Decision: an engine is handed a function and what to call it with, and hands back what came of each
call as it ends. It knows nothing of films or networks, so trials, seeds and shards of a folder go
through the same seam. A unit whose worker or node dies is given to another; one that raises is not,
since it would raise again: it comes back as a `Failure` and the others go on. The price: function,
units and results have to be picklable, and the function has to be one that a module holds by name.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from spondyl.errors import SpondylError

U = TypeVar("U")
R = TypeVar("R")

RETRIES = 3
"""How often a unit is given to another worker when its own has died. It may be the unit that kills
them, by the memory that it takes, so this has an end."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A unit that came to nothing, by its own fault or because no worker lived to its end."""

    message: str
    hint: str
    trace: str = ""
    """Where it was raised, for whoever mends it; "" for a refusal, which speaks for itself."""

    @property
    def error(self) -> Exception:
        """The failure as an exception: a `SpondylError` again where it was one."""
        if self.trace:
            return UnitFailedError(f"{self.message}\n{self.trace}")
        return SpondylError(self.message, self.hint)


class UnitFailedError(Exception):
    """A unit raised what is no refusal; the message holds its traceback."""


class Engine(Protocol):
    """Runs units of work; see the functions of `spondyl.engines.choosing` for those that do."""

    @property
    def threads(self) -> int | None:
        """Threads that one unit may use; None where that is left as it is."""
        ...

    @property
    def is_here(self) -> bool:
        """Whether all units run on this machine, and so see the same files."""
        ...

    def run(
        self, function: Callable[[U], R], units: Sequence[U]
    ) -> Iterator[tuple[int, R | Failure]]:
        """The number of each unit, from 0, and what `function` made of it, as they end, in any
        order; `SpondylError` where the engine itself is not to be had."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """The engine that is always there: one unit after the other, in this process."""

    @property
    def threads(self) -> int | None:
        """As they are."""
        return None

    @property
    def is_here(self) -> bool:
        """Yes."""
        return True

    def run(
        self, function: Callable[[U], R], units: Sequence[U]
    ) -> Iterator[tuple[int, R | Failure]]:
        """In the order of the units."""
        for number, unit in enumerate(units):
            yield number, attempted(function, unit)


HERE = Here()


def attempted(function: Callable[[U], R], unit: U) -> R | Failure:
    """What `function` makes of `unit`, or the failure that it raises; an interruption goes on."""
    try:
        return function(unit)
    except SpondylError as error:
        return Failure(error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - told once, with its traceback, and never retried
        return fault(error)


def fault(error: BaseException) -> Failure:
    """The failure of an exception that nobody meant."""
    return Failure(
        f"{type(error).__name__}: {error}".removesuffix(": "),
        "This is no fault of your input; report it with its traceback.",
        "".join(traceback.format_exception(error)),
    )


def given_up(how: str, n_losses: int) -> Failure:
    """The failure of a unit that lost one worker too many; `how` the last of them ended."""
    return Failure(
        f"{n_losses} workers died over it, the last one so: {how}",
        "Is there enough memory for as many at once? The same command goes on from what is done.",
    )


def in_order(engine: Engine, function: Callable[[U], R], units: Sequence[U]) -> Iterator[R]:
    """What `function` makes of each unit, in the order of the units, as soon as it is known.

    Raises the first failure in that order, as `Failure.error`.
    """
    early: dict[int, R | Failure] = {}
    wanted = 0
    for number, ended in engine.run(function, units):
        early[number] = ended
        while wanted in early:
            first = early.pop(wanted)
            if isinstance(first, Failure):
                raise first.error
            yield first
            wanted += 1
