"""What an audit adds to what a run knows of itself, and the card and checklists that come of it.

A fact that the run knows already stays the run's, but for calibration, which only an audit has
before and after: so a card of a bundle, which keeps no results, tells those of the audit. What the
audit could not ask is said to be unknown, never left to look as if all were well.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spondyl.explain.explaining import named
from spondyl.files import write_text
from spondyl.report.audits.words import percented, points, whole
from spondyl.report.cards import checklists, model_card
from spondyl.report.cards.checklists import Filled
from spondyl.report.cards.known import Known
from spondyl.report.sections import Section
from spondyl.report.tables import Table, decimal, percent
from spondyl.trust import metrics
from spondyl.trust.answers.calibration import CalibrationScores
from spondyl.trust.answers.subgroups import Subgroups
from spondyl.trust.asking.reliance import Reliance
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.audit import ModelAudit

CARD = "model-card.md"
CHECKLISTS = {name: f"{name.replace('_', '-')}.md" for name in checklists.NAMES}
"""Checklist → name of its file."""


def enriched(known: Known, audit: ModelAudit) -> Known:
    """What is `known` with what the audit found, and its alarms among the limitations."""
    own = {
        "calibration": _calibration(audit),
        "robustness": _robustness(audit.reliance),
        "subgroups": _subgroups(audit.answered.subgroups),
        "clusters": _clusters(audit.answered.subgroups),
        "refusals": _refusals(audit),
        **({} if audit.tested_within else {"external": _external(audit)}),
    }
    where_unknown = {
        "performance": _performance(audit),
        "per_class": _per_class(audit),
        "uncertainty": "95 % intervals: bootstrap over groups of films, and Wilson for shares.",
        "explanations": _explanations(audit),
        "evaluation": f"{audit.n_films} films, each answered for by the networks that had not "
        "learned from it.",
    }
    absent = {name: text for name, text in where_unknown.items() if not getattr(known, name)}
    return replace(known, **own, **absent).audited(audit.checks)


def section(known: Known, audit: ModelAudit) -> Section:
    """The card's text and the checklists' counts, `known` already enriched."""
    card = model_card.compose(known, audit.checks)
    rows = tuple((part.title, line.name, line.text) for part in card.parts for line in part.lines)
    lists = _filled(known)
    counted = [f"{one.checklist.name}: {one.said}" for one in lists.values()]
    return Section(
        "card",
        "Model card and checklists",
        (
            " ".join(counted),
            "What no run can know, and only the authors can say, is marked there in these words.",
        ),
        tables=(
            Table("model-card", card.title, ("part", "", "what is said"), rows, card.warnings),
            *(checklists.as_table(one) for one in lists.values()),
        ),
    )


def write(known: Known, audit: ModelAudit, folder: Path) -> None:
    """Writes the card and both checklists into `folder`, `known` already enriched."""
    write_text(folder / CARD, model_card.render(known, audit.checks))
    for name, filled in _filled(known).items():
        write_text(folder / CHECKLISTS[name], checklists.render(filled))


def _filled(known: Known) -> dict[checklists.ChecklistName, Filled]:
    return {name: checklists.fill(checklists.load(name), known) for name in checklists.NAMES}


def _calibration(audit: ModelAudit) -> str:
    found = audit.answered.calibration
    said = f"As the networks gave them: {_scored(found.before)}."
    if found.after is None:
        return f"{said} No temperature could be chosen: {found.why_not_after}."
    return f"{said} After one temperature for each fold, from the others: {_scored(found.after)}."


def _scored(found: CalibrationScores) -> str:
    return (
        f"sure {percent(found.mean_confidence)} % on average, right {percent(found.accuracy)} %, "
        f"expected calibration error {decimal(found.ece.value)} (if calibrated, "
        f"{decimal(found.ece_if_calibrated)}), slope {decimal(found.slope.value, 2)}"
    )


def _robustness(found: Reliance) -> str:
    changed = [
        f"{one.change.replace('-', ' ')} {points(one.drop)} on {one.n_films}"
        for one in found.effects
    ]
    said = (
        f"Points of accuracy lost by changing every film: {'; '.join(changed)}."
        if changed
        else "Not known: no change had a meaning for any film."
    )
    if found.not_applicable:
        said += f" Not asked: {', '.join(found.not_applicable)}."
    return said


def _subgroups(found: Subgroups) -> str:
    unsaid = "".join(f" Not asked: {one.why}." for one in found.not_run)
    if not found.all:
        return f"Not known.{unsaid}"
    told = [
        f"{one.field} {one.name} {percented(one.accuracy)}, n = {one.n_films}"
        + ("" if one.enough else ", too few to judge")
        for one in found.all
    ]
    worst = found.worst()
    lasting = (
        "None is told worse than the rest beyond chance; a small one might be."
        if worst is None
        else f"Told worse than the rest: {worst.field} {worst.name}."
    )
    return f"Accuracy: {'; '.join(told)}. {lasting}{unsaid}"


def _clusters(found: Subgroups) -> str:
    """By site; "" where fewer than two are stated."""
    sites = [one for one in found.all if one.field == "site"]
    told = [f"{one.name} {percented(one.accuracy)} of {one.n_films}" for one in sites]
    return f"Accuracy by site: {'; '.join(told)}." if told else ""


def _refusals(audit: ModelAudit) -> str:
    found = audit.refusals
    nothing = "The networks themselves refuse nothing."
    if isinstance(found, NotRun):
        return f"{nothing} What a detector beside them would refuse is not known: {found.why}."
    if not found.can_refuse:
        return f"{nothing} Too few films were kept aside for a detector to refuse any."
    kinds = [f"{one.kind} {percent(one.refused.either.value)} %" for one in found.kinds]
    return (
        f"{nothing} A detector beside them (energy and distance), allowed "
        f"{whole(found.false_alarms)} false alarms, refuses {percented(found.films.either)} of "
        f"their own test films and, of strangers: {', '.join(kinds)}."
    )


def _external(audit: ModelAudit) -> str:
    return (
        f"{audit.n_films} films, not all of which the networks had met in their training "
        f"({audit.n_left_out} that all had learned from were left out): accuracy "
        f"{percented(audit.answered.discrimination.accuracy)}. Whether they come from elsewhere is "
        "for the authors to say."
    )


def _performance(audit: ModelAudit) -> str:
    found = audit.answered.discrimination
    return (
        f"Accuracy {percented(found.accuracy)} of {found.n} films; always the most frequent label: "
        f"{percent(found.majority)} %. Macro F1 {decimal(found.macro_f1.value)}."
    )


def _per_class(audit: ModelAudit) -> str:
    rates = metrics.sensitivity(metrics.confusion(audit.predictions))
    return (
        "; ".join(
            f"{one.label}: {percent(rate)} % of {one.n} called rightly, AUC "
            f"{decimal(one.pooled.value)}"
            for one, rate in zip(audit.answered.discrimination.labels, rates, strict=True)
        )
        + "."
    )


def _explanations(audit: ModelAudit) -> str:
    found = audit.looked
    if isinstance(found.places, NotRun):
        return f"Heatmaps were not scored: {found.places.why}."
    (own,) = found.places.energy.methods
    return (
        f"{named(found.method).title} of {len(found.image_ids)} films: "
        f"{percent(own.average.mean)} % of the heat on the spine; it "
        f"{found.places.energy.sentence(own.average.name)}."
    )
