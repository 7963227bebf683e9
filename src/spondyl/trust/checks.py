"""One question that an audit asks, and its answer: pass, warn, fail, or not run and why.

There is no overall score, here or anywhere: a model that is accurate and cheats would average out.
What is alarming is decided by a threshold that names its source. A check whose input is missing is
an answer too, and never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from spondyl.trust.intervals import Interval

Status = Literal["pass", "warn", "fail", "not run"]
STATUSES: tuple[Status, ...] = ("fail", "warn", "pass", "not run")
"""The most alarming first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A small table that a reader can follow the answer by."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.title}: rows of other lengths than {self.columns}")


@dataclass(frozen=True, slots=True)
class Check:
    """A question, its answer and what it rests on."""

    name: str
    """Short and hyphenated: "frame", "spine-hidden"."""
    question: str
    """In plain words, for somebody who knows films and not statistics; ends in "?"."""
    status: Status
    said: str
    """The answer in one or two sentences; of a check that was not run, why not."""
    value: float | None = None
    interval: Interval | None = None
    """Of `value`."""
    threshold: float | None = None
    """What `value` is held against."""
    source: str = ""
    """Where the threshold comes from: a paper, a null distribution, a convention of ours."""
    p_value: float | None = None
    """Corrected for the number of questions asked, where a test decides."""
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        if self.status == "not run" and self.value is not None:
            raise ValueError(f"{self.name}: not run, and has a value")

    def as_dict(self) -> dict[str, Any]:
        """The check as plain values for JSON; numbers that are not finite become None."""
        return {
            **asdict(self),
            "value": finite(self.value),
            "threshold": finite(self.threshold),
            "p_value": finite(self.p_value),
        }


def not_run(name: str, question: str, why: str) -> Check:
    """The check that could not be made, and `why`."""
    return Check(name, question, "not run", why)


def ordered(checks: Sequence[Check]) -> tuple[Check, ...]:
    """The checks with the most alarming first, otherwise in their order."""
    return tuple(sorted(checks, key=lambda check: STATUSES.index(check.status)))


def counts(checks: Sequence[Check]) -> dict[Status, int]:
    """How many checks have each answer, the most alarming first; no score is made of them."""
    return {status: sum(check.status == status for check in checks) for status in STATUSES}


def finite(value: float | None) -> float | None:
    """`value`, or None where JSON could not hold it."""
    return value if value is not None and math.isfinite(value) else None
