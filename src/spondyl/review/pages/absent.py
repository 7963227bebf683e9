"""Everything of an analysis that was not run, found by walking through all of it.

Decision: nothing is listed by hand, so nothing that is added to an analysis can be forgotten here.
The price is that figures bear the names of their records' fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from spondyl.report.tables import NONE, Table
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.pages.section import Section
from spondyl.trust.intervals import NotRun

_NAMES = (
    *("network", "question", "option", "films", "score", "kind", "label", "drawn_label"),
    *("first", "second", "reader"),
)
"""Fields that say which of several records it is."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A figure that is not there."""

    part: str
    """Field of the analysis."""
    figure: str
    """Fields below it; empty where the whole part was not run."""
    of: str
    """Which of several; may be empty."""
    why: str


def absent(found: Analysis) -> tuple[Absent, ...]:
    """All that was not run, in the order of the analysis."""
    return tuple(
        Absent(path[0], " › ".join(path[1:]), ", ".join(names), why)
        for path, names, why in _walk(found, (), ())
    )


def not_run(found: Analysis) -> Section:
    """Reasons, and where on the page each stands; every single figure in a file."""
    title, every = "What was not run", absent(found)
    if not every:
        return Section("not-run", title, ("Everything was run.",))
    grouped: dict[str, list[Absent]] = {}
    for one in every:
        grouped.setdefault(one.why, []).append(one)
    reasons = Table(
        "not-run",
        "What was not run, and why",
        ("why", "figures", "where"),
        tuple((why, str(len(those)), _where(those)) for why, those in grouped.items()),
    )
    each = Table(
        "not-run-each",
        "Every figure that was not run",
        ("part", "figure", "of", "why"),
        tuple((one.part, one.figure or NONE, one.of or NONE, one.why) for one in every),
    )
    text = (
        "A figure that could not be computed is not replaced by another. Some reasons are no loss: "
        "options without an order have no weighted kappa, and where each film gives one answer "
        "Wilson's interval is the one to read.",
    )
    return Section("not-run", title, text, None, (reasons,), (each,))


def _walk(
    value: Any, path: tuple[str, ...], names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """(fields, names, why) of every `NotRun` below."""
    if isinstance(value, NotRun):
        yield path, names, value.why
    elif isinstance(value, tuple):
        for one in value:
            yield from _walk(one, path, names)
    elif is_dataclass(value):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        own = (held[name] for name in _NAMES if isinstance(held.get(name), str))
        names = tuple(dict.fromkeys((*names, *own)))
        for field, one in held.items():
            yield from _walk(one, (*path, field), names)


def _where(those: Sequence[Absent]) -> str:
    """Parts of the analysis, each with its figures."""
    parts: dict[str, dict[str, None]] = {}
    for one in those:
        parts.setdefault(one.part, {})[one.figure or "all of it"] = None
    told = [f"{part}: {', '.join(figures)}" for part, figures in parts.items()]
    return "\n".join(told).replace("_", " ")
