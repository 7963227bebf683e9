"""Figures that others published, kept as data beside this file and shown as theirs, never as ours.

A published figure comes with its protocol and its number of films, because an accuracy whose
stopping was steered by the very fold it is measured on is not the same quantity as ours. Where a
paper contradicts itself, the data says both things and which one we follow.
"""

from __future__ import annotations

import difflib
import tomllib
from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict

from spondyl.errors import SpondylError


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PublishedAuc(_Record):
    """One-vs-rest AUC of a class: its bounds (equal where a number was given) and the wording."""

    label: str
    low: float
    high: float
    said: str


class PublishedConfiguration(_Record):
    """A network under a strategy, named as in our studies, and what was reported of it."""

    network: str
    strategy: str
    accuracy_percent: float
    """Mean over folds, 0 … 100."""
    sd_percent: float | None = None
    errors: int
    """Of the paper's n films; derived from the accuracy."""
    errors_said: str
    auc: tuple[PublishedAuc, ...] = ()


class PublishedCost(_Record):
    """What a network cost on the paper's hardware; parameters and multiply-adds are computed."""

    network: str
    seconds_per_epoch: float
    inference_ms: float
    gradcam_ms: float
    parameters: int
    multiply_adds: float
    """Of one 224 × 224 image."""


class Contradiction(_Record):
    """Two statements of one paper that cannot both hold, and the reading we follow."""

    about: str
    said: str
    followed: str


class Probe(_Record):
    """What a model scored on the same films that was shown only a part of them."""

    sees: str
    model: str
    n: int
    accuracy_percent: float
    macro_f1: float


class PastWork(_Record):
    """A row of the comparison with earlier work; what our text lacks says so."""

    work: str
    task: str
    model: str
    explanation: str
    accuracy_said: str


class Published(_Record):
    """Everything that we show of one publication."""

    name: str
    citation: str
    title: str
    doi: str
    data: str
    n: int
    """Films."""
    protocol: str
    notes: tuple[str, ...]
    configurations: tuple[PublishedConfiguration, ...]
    costs: tuple[PublishedCost, ...]
    contradictions: tuple[Contradiction, ...]
    probes: tuple[Probe, ...]
    """Measured by us, not by the paper."""
    past_work: tuple[PastWork, ...]

    def find(self, network: str, strategy: str) -> PublishedConfiguration | None:
        """What was reported of exactly this network (a cut one is another) and strategy."""
        for row in self.configurations:
            if (row.network, row.strategy) == (network, strategy):
                return row
        return None


def names() -> tuple[str, ...]:
    """The names under which a study can ask for published figures."""
    return tuple(_read())


def load(name: str) -> Published:
    """The publication called `name`; `SpondylError` with the nearest names for an unknown one."""
    known = _read()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        raise SpondylError(
            f'published = "{name}": no such publication',
            f"Nearest: {', '.join(near)}." if near else f"There are: {', '.join(known)}.",
        )
    return Published(name=name, **known[name])


def _read() -> dict[str, dict[str, Any]]:
    text = resources.files("spondyl.report").joinpath("published.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
