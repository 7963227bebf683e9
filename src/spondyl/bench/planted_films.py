"""Does the data audit name what was planted, and raise no alarm where nothing was?

For each seed a cohort of people is drawn and filmed clean, and once for every shortcut. Each cohort
is audited as a user would audit it, from files, and the question is which checks fail. The rule was
fixed beforehand: a shortcut is found where the check that bears its name fails; a clean cohort
raises a false alarm where any check of what is not anatomy does. The price of honest numbers: some
seconds a cohort, so the better part of an hour of one core for a hundred seeds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from spondyl.bench.planted import exact
from spondyl.data import cohort as cohorts
from spondyl.data.phantom import drawing, output
from spondyl.engines.engine import Engine, in_order
from spondyl.trust.data_audit import audit
from spondyl.trust.data_audit.panel import Plan

NAMED_BY = {
    "marker": "markers",
    "border": "border",
    "tint": "tint",
    "text": "text",
    "aspect": "file-facts",
}
"""Planted shortcut → the check that has to fail."""
CLEAN = "clean"
N_FILMS = 90
SIZE, JITTER = (256, 128), 0.15
N_SHUFFLES = 199
"""Fewer than an audit's own, which p values are exact with, too, at a little less power."""
STRENGTH = 0.8
"""Chance that a film carries its own class's variant; else any."""


@dataclass(frozen=True, slots=True)
class Audited:
    """One cohort that was audited."""

    seed: int
    planted: str
    """Name of the shortcut, or "clean"."""
    failed: tuple[str, ...]
    """Checks of what is not anatomy that failed."""

    @property
    def right(self) -> bool:
        """Whether the shortcut was named, or, of a clean cohort, nothing was."""
        if self.planted == CLEAN:
            return not self.failed
        return NAMED_BY[self.planted] in self.failed

    def as_dict(self) -> dict[str, Any]:
        """The cohort as a JSON object."""
        return {**asdict(self), "right": self.right}


def run(
    engine: Engine, n_seeds: int = 100, planted: Sequence[str] = (CLEAN, *NAMED_BY)
) -> Iterator[Audited]:
    """Cohorts for the seeds 0 … n_seeds - 1, as they are done, in order."""
    asked = [(seed, name) for seed in range(n_seeds) for name in planted]
    return in_order(engine, audited, asked)


def audited(asked: tuple[int, str]) -> Audited:
    """The cohort of a seed with what is planted in it, drawn, saved and audited on one thread."""
    seed, planted = asked
    torch.set_num_threads(1)
    people = partial(drawing.cohort, N_FILMS, seed, size=SIZE, size_jitter=JITTER)
    films = people() if planted == CLEAN else people(shortcut=planted, strength=STRENGTH)
    with tempfile.TemporaryDirectory() as place:
        cohort = cohorts.read(output.save(Path(place) / "drawn", films) / "films")
        found = audit.audited(cohort, (), Plan(seed=seed, n_shuffles=N_SHUFFLES))
    suspects = {one.name for one in found.probes if one.kind == "not-anatomy"}
    failed = (c.name for c in found.checks if c.status == "fail" and c.name in suspects)
    return Audited(seed, planted, tuple(failed))


def lines(found: Iterator[Audited]) -> Iterator[str]:
    """A line for each cohort that was answered wrongly, and shares with exact 95 % intervals."""
    done: dict[str, list[Audited]] = {}
    for one in found:
        done.setdefault(one.planted, []).append(one)
        if not one.right:
            yield f"seed {one.seed}, {one.planted}: {', '.join(one.failed) or 'nothing'} failed"
    for planted, cohorts_of in done.items():
        n_right = sum(one.right for one in cohorts_of)
        if planted == CLEAN:
            n_alarms = len(cohorts_of) - n_right
            yield f"clean, with a false alarm or more: {exact(n_alarms, len(cohorts_of))}"
        else:
            named = NAMED_BY[planted]
            yield f"{planted}, named by {named}: {exact(n_right, len(cohorts_of))}"
