"""An audit as one page for somebody who knows films and not statistics, and as files beside it.

Decision: the first page of paper holds every check in plain words, the most alarming first, and
what the audit does not prove; all evidence is folded below it. There is no overall score. A status
is a word, a shape and a colour, so that print, dark and the colour-blind lose nothing. The price of
a page without scripts: browsers that do not know how to unfold for print leave evidence folded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from spondyl.files import write_json, write_text
from spondyl.report import templating
from spondyl.report.cards import markdown
from spondyl.report.sections import Section
from spondyl.report.tables import Table
from spondyl.trust.checks import Check, counts, ordered

PAGE, RECORD, SUMMARY = "audit.html", "audit.json", "summary.md"
_OWN = ("summary", "how", "evidence", "reproduce")  # anchors of the page's own sections


@dataclass(frozen=True, slots=True, eq=False)
class AuditContents:
    """Everything that an audit's page shows; nothing else is read."""

    title: str
    subject: str
    """What was audited, in a line."""
    question: str
    """What the checks answer together, as its reader would ask it; ends in "?"."""
    intro: tuple[str, ...]
    """How the audit asks, in a few sentences."""
    checks: tuple[Check, ...]
    sections: tuple[Section, ...] = ()
    """Figures and tables under the summary; an audit shows no galleries."""
    limits: tuple[str, ...] = ()
    """What the audit does not prove, a sentence each."""
    reproduce: Mapping[str, str] = field(default_factory=dict)
    """Names and values that are needed to make it again."""


def write(contents: AuditContents, record: Mapping[str, Any], folder: Path) -> Path:
    """Writes audit.json (`record`), summary.md and audit.html; returns the page's path.

    Each file is whole or absent and replaces one of its name, the page last; `folder` is made where
    missing. Raises ValueError for a record with numbers that JSON does not have.
    """
    page = render(contents)
    write_json(folder / RECORD, dict(record))
    write_text(folder / SUMMARY, summary(contents))
    write_text(folder / PAGE, page)
    return folder / PAGE


def render(contents: AuditContents) -> str:
    """The page, which asks nothing of a network; ValueError for checks or sections of one name."""
    names = [*_OWN, *(f"check-{check.name}" for check in contents.checks)]
    names += [section.anchor for section in contents.sections]
    if len(set(names)) < len(names) or any(s.gallery for s in contents.sections):
        raise ValueError(f"checks and sections need names of their own, and no galleries: {names}")
    environment = templating.environment()
    environment.filters.update(sentence=_sentence, figures=figures)
    return environment.get_template("audit.html.jinja").render(
        contents=contents,
        checks=ordered(contents.checks),
        counts=counts(contents.checks),
        answer=answer(contents.checks),
        evidence=_evidence(contents.checks),
        style=Markup(templating.text_of("report.css") + templating.text_of("audit.css")),
    )


def summary(contents: AuditContents) -> str:
    """The first page in Markdown: the checks, and what they do not prove."""
    rows = [
        (check.status, check.question, _sentence(check.said), " ".join(figures(check)))
        for check in ordered(contents.checks)
    ]
    return (
        "\n\n".join(
            [
                f"# {markdown.escaped(contents.title)}",
                "**Research, not diagnosis.**",
                markdown.escaped(contents.subject),
                f"## {markdown.escaped(contents.question)}",
                markdown.escaped(answer(contents.checks)),
                markdown.table(("answer", "check", "what was seen", "figures"), rows),
                "## What this does not prove",
                "\n".join(f"- {markdown.escaped(limit)}" for limit in contents.limits)
                or "Not stated.",
            ]
        )
        + "\n"
    )


def answer(checks: Sequence[Check]) -> str:
    """How many checks have which answer; no score is made of them."""
    number = counts(checks)
    if number["not run"] == len(checks):
        return f"Nothing can be said: of {len(checks)} checks none was run."
    return (
        f"Of {len(checks)} checks {number['fail']} failed, {number['warn']} warned, "
        f"{number['pass']} passed, and {number['not run']} could not be run. They are not added "
        "up: no pass makes up for a failure."
    )


def figures(check: Check) -> list[str]:
    """What was measured, what it is held against, and how surely; nothing of a check not run."""
    if check.value is None:
        return []
    said = f"Measured {_number(check.value)}"
    if check.interval is not None:
        low, high = _number(check.interval.low), _number(check.interval.high)
        said += f" ({100 * check.interval.level:.0f} % interval {low} to {high})"
    against = f"held against {_number(check.threshold)}" if check.threshold is not None else ""
    told = ", ".join(filter(None, (said, against))) + "."
    source = f"Threshold from: {check.source}." if check.source else ""
    return [told, *([source] if source else [])]


def _number(value: float) -> str:
    """Counts as they are, other numbers with three decimals."""
    if not math.isfinite(value):
        return "undefined"
    return f"{value:.0f}" if value == int(value) and abs(value) > 1 else f"{value:.3f}"


def _evidence(checks: Sequence[Check]) -> list[tuple[Check, tuple[Table, ...]]]:
    """The checks that have evidence, each with its tables."""
    return [
        (check, tuple(Table("evidence", e.title, e.columns, e.rows) for e in check.evidence))
        for check in ordered(checks)
        if check.evidence
    ]


def _sentence(text: str) -> str:
    """`text` with a capital first and a stop last, as checks that were not run often lack them."""
    said = text[:1].upper() + text[1:]
    return said if said.endswith((".", "!", "?")) else f"{said}."
