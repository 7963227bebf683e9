"""An audit of trained networks as a page, with card and checklists beside it.

Decision: the page tells in the order in which a doubt would arise: how often right, and what is
right without a network; whether it needs the spine; where it looks; whether it knows when it does
not know; for whom. What all of it does not prove stands on the first page, before any figure. The
price is a long page, of which the first sheet has to be enough.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from spondyl.report.audits import card as model_audit_card
from spondyl.report.audits import page as audit_page
from spondyl.report.audits import sections as model_audit_sections
from spondyl.report.audits import sure as model_audit_sure
from spondyl.report.audits.page import AuditContents
from spondyl.report.cards.facts import exclusive
from spondyl.report.cards.known import Known
from spondyl.report.published import Published
from spondyl.report.sections import Section
from spondyl.trust.data_audit.audit import DataAudit
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.audit import ModelAudit

TITLE = "Audit of trained networks"
QUESTION = "May I trust what these networks say of a film?"


def write(
    audit: ModelAudit,
    folder: Path,
    published: Published | None = None,
    known: Known | None = None,
) -> Path:
    """Writes audit.html, audit.json and summary.md into `folder` and, where a run is `known`,
    model-card.md, claim-2024.md and tripod-ai.md, the page last; returns its path."""
    page = contents(audit, published, known)
    if known is not None:
        model_audit_card.write(model_audit_card.enriched(known, audit), audit, folder)
    return audit_page.write(page, audit.as_dict(), folder)


def contents(
    audit: ModelAudit, published: Published | None = None, known: Known | None = None
) -> AuditContents:
    """What the page shows; `known` is what the run knows without the audit."""
    sections = _every(audit, published)
    plain = AuditContents(
        title=TITLE,
        subject=_subject(audit),
        question=QUESTION,
        intro=_intro(audit),
        checks=audit.checks,
        sections=sections,
        limits=limits(audit),
        reproduce=_reproduce(audit),
    )
    if known is None:
        return plain
    card = model_audit_card.section(model_audit_card.enriched(known, audit), audit)
    return replace(plain, sections=(*sections, card))


def limits(audit: ModelAudit) -> tuple[str, ...]:
    """What the audit does not prove, a sentence or two each."""
    return (
        "Research use only, not for diagnosis: nothing here was tried on patients' care.",
        exclusive(audit.predictions.labels.names),
        _elsewhere(audit),
        _copies(audit),
        *_upper_bounds(audit),
        "Intervals say what other films of the same kind would have done to a figure, not what "
        "other folds, seeds or hospitals would have.",
        "A pass says that nothing was seen with so many films. What was not run is not known.",
    )


def _every(audit: ModelAudit, published: Published | None = None) -> tuple[Section, ...]:
    """All parts in their order."""
    return (
        model_audit_sections.accuracy(audit, published),
        model_audit_sections.reliance(audit),
        model_audit_sections.looks(audit),
        model_audit_sure.sure(audit),
        model_audit_sure.sets(audit),
        model_audit_sure.screening(audit),
        model_audit_sure.strangers(audit),
        model_audit_sure.subgroups(audit),
    )


def _subject(audit: ModelAudit) -> str:
    table = audit.predictions
    counted = Counter(table.labels.names[column] for column in table.truth.tolist())
    labels = ", ".join(f"{name} {counted[name]}" for name in table.labels.names)
    n_groups = len(set(table.group_ids))
    return (
        f"{audit.title} ({audit.source}), before {audit.n_films} films in {n_groups} groups "
        f"({labels})"
    )


def _intro(audit: ModelAudit) -> tuple[str, ...]:
    left_out = (
        f" {audit.n_left_out} films that all of them learned from were left out."
        if audit.n_left_out
        else ""
    )
    looked = len(audit.looked.image_ids)
    return (
        f"Each film is answered for only by networks that did not learn from it.{left_out} The "
        "same networks were then asked again about every film changed: its spine hidden, its spine "
        "alone, a border, a letter or a tint added, the film in another shape. And what a few "
        "numbers of a film tell without any network was asked of the same films.",
        f"Heatmaps were scored on {looked} films. Thresholds, temperatures and sets of a fold were "
        "chosen on the other folds and judged on films that had no part in the choice.",
    )


def _elsewhere(audit: ModelAudit) -> str:
    if audit.tested_within:
        return (
            "All films are of the collection that the networks learned from. How right they are "
            "at another hospital cannot be told from it, and is usually less."
        )
    return (
        "Films count as strangers where no network had met the file; whether they are of another "
        "hospital, or of patients that the networks met in other films, is for the authors to say."
    )


def _copies(audit: ModelAudit) -> str:
    if isinstance(audit.films, NotRun):
        return "Whether a film occurs twice was not asked here; copies flatter every figure."
    n = sum(len(group.image_ids) for group in audit.films.copies)
    found = f"{n} films that share their picture were kept together" if n else "No copy was found"
    return (
        f"{found}; copies that overlap little, are turned or inverted are not found, nor are "
        "other films of one patient where nobody states the patient, and these flatter every "
        "figure."
    )


def _upper_bounds(audit: ModelAudit) -> tuple[str, ...]:
    found = audit.looked.agreement
    if isinstance(found, NotRun) or not found.is_upper_bound:
        return ()
    return (
        "How far the networks, and their heatmaps, agree is an upper bound: most of them had met "
        "the films in their training.",
    )


def _reproduce(audit: ModelAudit) -> dict[str, str]:
    films = audit.films
    cohort = {"cohort sha256": films.cohort.sha256} if isinstance(films, DataAudit) else {}
    return {
        "networks": audit.title,
        "from": audit.source,
        **cohort,
        "heatmaps": audit.looked.method,
        "seconds": f"{audit.seconds:g}",
    }
