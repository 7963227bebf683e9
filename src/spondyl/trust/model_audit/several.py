"""Which of several audited models to prefer, and why: accuracy first asked, and not last word.

Decision: models whose accuracy the films cannot tell apart are not ranked by it. Among those that
are not shown to be less accurate than the most accurate one (exact McNemar, one film per group,
Holm-corrected), the one with the fewest failed checks of what it rests on and where it looks is
preferred, then the fewest warnings, then accuracy. A model outside that circle with fewer failures
is named, with what it costs in accuracy: that choice is the reader's. The price: checks count
alike, as nobody knows by how much one failure is worse than another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spondyl.trust.answers.comparing import Comparison, compare_tables
from spondyl.trust.checks import Check, Evidence
from spondyl.trust.intervals import NotRun, holm
from spondyl.trust.model_audit.audit import ModelAudit
from spondyl.trust.plain import plain

ALPHA = 0.05
GROUNDS = (
    *("shortcut-share", "spine-hidden", "spine-alone", "spine-needed"),
    *("border", "marker", "tint", "text", "aspect"),
    *("heatmaps-on-spine", "heatmaps-of-learning", "heatmaps-steady"),
)
"""Checks of what a model rests on and where it looks."""


@dataclass(frozen=True, slots=True)
class Preference:
    """The model to prefer among several, and why."""

    title: str
    why: str
    """In sentences."""
    trusted: bool
    """Whether it fails none of the checks of what it rests on; the least bad one need not."""
    not_less_accurate: tuple[str, ...]
    """Models that are not shown to be less accurate than the most accurate one, itself first."""
    table: Evidence


@dataclass(frozen=True, slots=True, eq=False)
class Several:
    """Audits of several models on the same films, compared."""

    audits: tuple[ModelAudit, ...]
    comparisons: tuple[Comparison | NotRun, ...]
    """Of the most accurate with each other one, from the next most accurate on."""
    preference: Preference

    def as_dict(self) -> dict[str, Any]:
        """All of it as one JSON document."""
        return {
            "schema_version": 1,
            "preference": plain(self.preference),
            "comparisons": plain(self.comparisons),
            "audits": [one.as_dict() for one in self.audits],
        }

    def lines(self) -> list[str]:
        """All of it for a person."""
        each = [line for one in self.audits for line in (*one.lines(), "")]
        return [*each, f"to prefer: {self.preference.title}. {self.preference.why}"]


def compared(audits: Sequence[ModelAudit], seed: int = 0) -> Several:
    """Which of `audits` to prefer. Raises ValueError for fewer than two."""
    if len(audits) < 2:
        raise ValueError(f"{len(audits)} audits: nothing to compare")
    first, *others = sorted(audits, key=lambda one: -_accuracy(one))
    comparisons = tuple(
        compare_tables(first.title, first.predictions, one.title, one.predictions, seed)
        for one in others
    )
    p_values = holm(
        [1.0 if isinstance(one, NotRun) else one.mcnemar.p_value for one in comparisons]
    )
    circle = [first, *(one for one, p in zip(others, p_values, strict=True) if p > ALPHA)]
    return Several(tuple(audits), comparisons, _preference(first, circle, audits))


def failures(checks: Sequence[Check], status: str = "fail") -> tuple[str, ...]:
    """Names of the checks of what a model rests on that have this status."""
    return tuple(one.name for one in checks if one.name in GROUNDS and one.status == status)


def _accuracy(one: ModelAudit) -> float:
    return one.answered.discrimination.accuracy.value


def _rank(one: ModelAudit) -> tuple[int, int, float]:
    return len(failures(one.checks)), len(failures(one.checks, "warn")), -_accuracy(one)


def _preference(
    first: ModelAudit, circle: Sequence[ModelAudit], audits: Sequence[ModelAudit]
) -> Preference:
    best = min(circle, key=_rank)
    failed = failures(best.checks)
    why = _why(first, best, circle)
    outside = [one for one in audits if one not in circle and _rank(one)[0] < len(failed)]
    for one in outside:
        cost = 100 * (_accuracy(first) - _accuracy(one))
        why += (
            f" {one.title} fails fewer of these checks ({', '.join(failures(one.checks)) or 'none'}"
            f") and is {cost:.1f} points less accurate: whether that is worth it, the films do not "
            "say."
        )
    if failed:
        why += (
            f" It fails {', '.join(failed)} all the same: it is the least bad of these, and not "
            "shown to rest on the spine."
        )
    titles = tuple(one.title for one in circle)
    return Preference(best.title, why, not failed, titles, _table(audits))


def _why(first: ModelAudit, best: ModelAudit, circle: Sequence[ModelAudit]) -> str:
    n = len(failures(best.checks))
    if len(circle) == 1:
        return (
            f"It is the most accurate ({_accuracy(best):.1%}), beyond what chance explains, and "
            f"fails {n} of the checks of what it rests on and where it looks."
        )
    if best is first:
        return (
            f"It is the most accurate ({_accuracy(best):.1%}); of the {len(circle)} models that "
            "accuracy cannot tell apart on these films none fails fewer checks of what it rests on "
            f"and where it looks ({n})."
        )
    return (
        f"{first.title} is right on {_accuracy(first):.1%} and this on {_accuracy(best):.1%}, "
        "which these films cannot tell apart; of the checks of what a model rests on and where it "
        f"looks this fails {n}, that {len(failures(first.checks))}."
    )


def _table(audits: Sequence[ModelAudit]) -> Evidence:
    rows = tuple(
        (
            one.title,
            f"{_accuracy(one):.1%}",
            ", ".join(failures(one.checks)) or "none",
            ", ".join(failures(one.checks, "warn")) or "none",
            ", ".join(failures(one.checks, "not run")) or "none",
        )
        for one in sorted(audits, key=_rank)
    )
    columns = ("model", "accuracy", "fails", "warns", "not run")
    return Evidence("Models by what they rest on", columns, rows)
