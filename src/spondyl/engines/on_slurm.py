"""Units as jobs of a Slurm cluster, by submitit: a thin adapter over the same unit of work.

Decision: one job array, one job for each unit. Slurm queues again what it preempts or whose time
is over (submitit signals the job before), and the unit goes on from whatever it kept; a job that
ended without a result is submitted again `RETRIES` times. The price: each unit waits in the queue
and imports anew, so units should be minutes long.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from spondyl.engines.engine import RETRIES, Failure, attempted, fault, given_up
from spondyl.errors import SpondylError

U = TypeVar("U")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Slurm:
    """Units as Slurm jobs, each with so many CPUs and GPUs."""

    folder: Path
    """For job scripts, pickles and logs; on a file system that all nodes share."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Of submitit's Slurm executor: partition, timeout_min, mem_gb, array_parallelism …"""
    cpus: int = 1
    gpus: int = 0
    cluster: str = "slurm"
    """submitit's "local" runs the jobs as processes of this machine, "debug" in this process."""
    poll_seconds: float = 5.0

    @property
    def threads(self) -> int | None:
        """One for each CPU of a job."""
        return self.cpus

    @property
    def is_here(self) -> bool:
        """No."""
        return False

    def run(
        self, function: Callable[[U], R], units: Sequence[U]
    ) -> Iterator[tuple[int, R | Failure]]:
        """As they end. Raises `SpondylError` where submitit is not installed, no Slurm is here, or
        an option is not known."""
        if not units:
            return
        executor = self._executor(_imported())
        work = _Resumable(function)
        jobs = dict(enumerate(executor.map_array(work, units)))
        deaths: Counter[int] = Counter()
        try:
            while jobs:
                ended = [number for number, job in jobs.items() if job.done()]
                for number in ended:
                    result = _result(jobs.pop(number))
                    if isinstance(result, _Lost):
                        deaths[number] += 1
                        if deaths[number] <= RETRIES:
                            jobs[number] = executor.submit(work, units[number])
                            continue
                        result = given_up(result.how, deaths[number])
                    yield number, result
                if not ended:
                    time.sleep(self.poll_seconds)
        finally:
            for job in jobs.values():
                job.cancel(check=False)

    def _executor(self, submitit: Any) -> Any:
        given = {f"slurm_{name}": _as_number(text) for name, text in self.options.items()}
        try:
            executor = submitit.AutoExecutor(self.folder, cluster=self.cluster)
            executor.update_parameters(
                name="spondyl",
                cpus_per_task=self.cpus,
                gpus_per_node=self.gpus or None,
                **given,
            )
        except (NameError, AssertionError) as error:
            raise SpondylError(
                f"--slurm: {' '.join(str(error).split())}",
                "Give options of submitit's Slurm executor, such as --slurm partition=gpu.",
            ) from error
        except RuntimeError as error:
            raise SpondylError(
                f"no Slurm is to be had here: {error}",
                "Run the command on a machine that has sbatch and srun, or use --engine local.",
            ) from error
        return executor


@dataclass(frozen=True, slots=True)
class _Resumable(Generic[U, R]):
    """The function, for submitit: `checkpoint` is what it calls before a job is taken away."""

    function: Callable[[U], R]

    def __call__(self, unit: U) -> R | Failure:
        return attempted(self.function, unit)

    def checkpoint(self, unit: U) -> Any:
        """The same again; the unit itself keeps how far it has come."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, unit)


@dataclass(frozen=True, slots=True)
class _Lost:
    """A job that ended without a result."""

    how: str


def _result(job: Any) -> Any:
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        return job.result()
    except FailedJobError as error:  # not even to be begun there, as where a module is missing
        return replace(fault(error), message="its job failed before it could be begun")
    except UncompletedJobError as error:
        return _Lost(str(error).strip().splitlines()[0])


def _as_number(text: str) -> str | int:
    return int(text) if text.isascii() and text.isdigit() else text


def _imported() -> Any:
    try:
        import submitit
    except ImportError as error:
        raise SpondylError(
            f"the engine slurm cannot be used: {error}",
            "Install it with pip install 'spondyl[slurm]', or use --engine local.",
        ) from error
    return submitit
