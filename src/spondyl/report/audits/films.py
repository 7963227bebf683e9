"""An audit of films as a page: what tells the label without a vertebra, all on one scale.

Decision: what others published of networks on films stands on the same axis as what a few numbers
of a file tell, since that is how far above a shortcut an accuracy reaches. A publication is drawn
only where whoever calls names it: the audit cannot know whether it is of the same films.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spondyl.report.audits import page as audit_page
from spondyl.report.audits.page import AuditContents
from spondyl.report.canvas import BLUE, INK, VERMILION, WIDTH, new_figure, styled
from spondyl.report.published import Published
from spondyl.report.sections import Drawing, Section
from spondyl.report.tables import Table, decimal, percent, percent_range
from spondyl.trust.checks import Evidence
from spondyl.trust.data_audit.audit import DataAudit
from spondyl.trust.data_audit.probing import Kind, Probed

TITLE = "Audit of films"
QUESTION = "May I trust what a model learns from these films?"
_NAMES = {
    "file-facts": "size and format of the file",
    "age-sex": "age and sex",
    "view": "view",
    "site": "hospital",
    "frame": "a narrow frame",
    "border": "even rims",
    "tint": "colour",
    "markers": "lead markers",
    "text": "burnt-in text",
    "drawn-lines": "drawn lines",
    "joins": "film joins",
    "frame-features": "a narrow frame, as a network sees it",
    "histogram": "greys, wherever they lie",
    "thumbnail-4": "4 × 4 pixels",
    "thumbnail-8": "8 × 8 pixels",
    "thumbnail-16": "16 × 16 pixels",
    "spine-hidden": "16 × 16 pixels, spine hidden",
    "mask-shape": "shape of the spine's mask",
    "whole-features": "the film, as a network sees it",
    "centre-hidden-features": "the same, middle hidden",
    "centre-only-features": "the same, middle alone",
}
_GROUPS: dict[Kind, str] = {"not-anatomy": "Not anatomy", "context": "Anatomy, coarse or whole"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the figure: a heading where there is nothing to draw."""

    name: str
    grouped: Probed | None = None
    plain: Probed | None = None
    published: float | None = None
    """Accuracy, 0 … 1."""


def data_audit_page(audit: DataAudit, published: Published | None = None) -> str:
    """The page of an audit of films, beside what was `published` of films like these."""
    return audit_page.render(contents(audit, published))


def write(audit: DataAudit, folder: Path, published: Published | None = None) -> Path:
    """Writes audit.html, audit.json and summary.md into `folder`; returns the page's path."""
    return audit_page.write(contents(audit, published), audit.as_dict(), folder)


def contents(audit: DataAudit, published: Published | None = None) -> AuditContents:
    """What the page shows."""
    cohort = audit.cohort
    n_groups = len(set(cohort.group_ids.values()))
    counted = ", ".join(f"{name} {n}" for name, n in cohort.counts.items())
    return AuditContents(
        title=TITLE,
        subject=f"{cohort.root.name}: {len(cohort.radiographs)} films in {n_groups} groups "
        f"({counted})",
        question=QUESTION,
        intro=_intro(audit),
        checks=audit.checks,
        sections=(_told(audit, published), *_more(audit)),
        limits=_limits(audit),
        reproduce={
            "cohort sha256": cohort.sha256,
            "folds": str(audit.n_folds),
            "seed": str(audit.seed),
            "shuffles of the labels": str(max(one.null.n_shuffles for one in audit.probes)),
            "seconds": f"{audit.seconds:g}",
        },
    )


def _intro(audit: DataAudit) -> tuple[str, ...]:
    n = len(audit.cohort.radiographs)
    sampled = f" Of {n} films {audit.n_probed} were asked." if audit.n_probed < n else ""
    return (
        "Each probe gives a simple learner a few numbers of every film and asks whether they tell "
        f"the label of films that it has not seen, in {audit.n_folds} folds.{sampled} What is not "
        "anatomy should tell nothing. The same learner is then given labels that were shuffled "
        "among the films: a check fails where the true labels are told better than that.",
        "Under plain folds copies of a film may be on both sides; under grouped folds they stay "
        "together, and only these raise alarms.",
    )


def _limits(audit: DataAudit) -> tuple[str, ...]:
    limits = [
        "A failed check says what a model could use. Whether a model uses it, an audit of that "
        "model has to ask.",
        f"A pass says that nothing was seen with {audit.n_probed} films, not that nothing is "
        "there. What was not run is not known.",
        "Nothing is said of films of other hospitals.",
    ]
    if any(check.name == "age-sex" and check.value is not None for check in audit.checks):
        limits.append(
            "Age and sex may go with a label because the disease does. A model that reads age "
            "off the film would still be right for a wrong reason."
        )
    return tuple(limits)


def _told(audit: DataAudit, published: Published | None) -> Section:
    drawings = (Drawing("probes", _caption(audit, published), scale(audit, published)),)
    return Section(
        "probes",
        "What tells the label, all on one scale",
        _beside(audit, published) if published else (),
        drawings,
        (_probes_table(audit),),
    )


def _beside(audit: DataAudit, published: Published) -> tuple[str, ...]:
    """How many published accuracies are no higher than the most telling probe of no anatomy."""
    suspects = [p for p in audit.probes if p.kind == "not-anatomy" and p.folds == "grouped"]
    if not suspects or not published.configurations:
        return ()
    best = max(suspects, key=lambda one: one.accuracy)
    below = [c for c in published.configurations if c.accuracy_percent <= 100 * best.accuracy]
    return (
        f"Of {len(published.configurations)} accuracies that {published.citation} report, "
        f"{len(below)} are no higher than what is told here by {_name(best)} alone "
        f"({percent(best.accuracy)} %). They were measured on {published.n} films under another "
        f"protocol ({published.protocol}), and not by us.",
    )


def _caption(audit: DataAudit, published: Published | None) -> str:
    said = (
        "Dots: share of films whose label is told, folds of whole groups; hollow squares: plain "
        "folds; lines: 95 % intervals over groups. Upright bars: 95 % of shuffled labellings stay "
        "at or below. Dashed: always saying the most frequent label "
        f"({percent(_majority(audit))} %)."
    )
    if published:
        said += f" Diamonds: {published.citation}, as published, n = {published.n}."
    return said


@styled
def scale(audit: DataAudit, published: Published | None = None) -> Figure:
    """Every probe under both ways of folding, its null, and published accuracies, on one axis."""
    rows = _rows(audit, published)
    figure = new_figure(WIDTH, 0.95 + 0.27 * len(rows))
    axes = figure.subplots()
    for y, row in enumerate(rows):
        _draw(axes, y, row)
    axes.axvline(100 * _majority(audit), color=INK, ls=(0, (4, 3)), lw=1)
    lows = [100 * one.interval.low for one in audit.probes]
    left = max(0.0, min([*lows, 100 * _majority(audit)]) - 5)
    axes.set(xlabel="films whose label is told, %", ylim=(len(rows) - 0.4, -0.7), xlim=(left, 101))
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if _is_heading(row) else "normal")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    _legend(figure, axes, published)
    return figure


def _rows(audit: DataAudit, published: Published | None) -> list[_Row]:
    """Headings, probes by kind, the most telling first, and publications, from top to bottom."""
    found = {(one.name, one.folds): one for one in audit.probes}
    rows: list[_Row] = []
    for kind, title in _GROUPS.items():
        asked = [p for p in audit.probes if p.kind == kind and p.folds == "grouped"]
        if asked:
            rows.append(_Row(title))
        for one in sorted(asked, key=lambda probed: -probed.accuracy):
            rows.append(_Row(_label(one, audit), one, found.get((one.name, "plain"))))
    if published and published.configurations:
        rows.append(_Row(f"{published.citation}, as published"))
        for c in sorted(published.configurations, key=lambda c: -c.accuracy_percent):
            name = f"{c.network}, {c.strategy.replace('-', ' ')}"
            rows.append(_Row(name, published=c.accuracy_percent / 100))
    return rows


def _draw(axes: Axes, y: float, row: _Row) -> None:
    if row.published is not None:
        axes.plot(
            100 * row.published, y, "D", mfc="none", mec=VERMILION, mew=1.3, ms=5.5, clip_on=False
        )
    if row.plain is not None:
        interval = row.plain.interval
        axes.plot([100 * interval.low, 100 * interval.high], [y + 0.2] * 2, color=INK, lw=0.7)
        axes.plot(100 * row.plain.accuracy, y + 0.2, "s", mfc="none", mec=INK, ms=4)
    if row.grouped is not None:
        one, interval = row.grouped, row.grouped.interval
        axes.plot([100 * interval.low, 100 * interval.high], [y - 0.12] * 2, color=BLUE, lw=1.6)
        axes.plot(100 * one.accuracy, y - 0.12, "o", color=BLUE, ms=5.5)
        axes.plot(100 * one.null.accuracy_high, y, "|", color=INK, ms=11, mew=1.6)


def _legend(figure: Figure, axes: Axes, published: Published | None) -> None:
    nan = float("nan")
    handles = [
        *axes.plot(nan, nan, "o-", color=BLUE, ms=5.5, lw=1.6, label="grouped folds"),
        *axes.plot(nan, nan, "s-", color=INK, mfc="none", ms=4, lw=0.7, label="plain folds"),
        *axes.plot(nan, nan, "|", color=INK, ms=11, mew=1.6, label="shuffled labels, 95 %"),
        *axes.plot(nan, nan, color=INK, ls=(0, (4, 3)), lw=1, label="most frequent label"),
    ]
    if published:
        handles += axes.plot(
            nan, nan, "D", mfc="none", mec=VERMILION, mew=1.3, ms=5.5, label="published"
        )
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))


def _probes_table(audit: DataAudit) -> Table:
    rows = tuple(
        (
            _name(one),
            one.folds,
            str(len(one.predictions)),
            percent(one.accuracy),
            percent_range(one.interval.low, one.interval.high),
            decimal(one.macro_f1),
            percent(one.null.accuracy_high),
            decimal(one.null.p_value),
        )
        for one in audit.probes
    )
    columns = ("probe", "folds", "films", "told %", "95 % interval", "macro F1")
    notes = (
        "p: share of labellings, the true one among them, that are told as well; not corrected "
        "here. Intervals: bootstrap over groups.",
    )
    null = ("95 % of shuffles below %", "p")
    return Table("probes", "Every probe under both ways of folding", (*columns, *null), rows, notes)


def _more(audit: DataAudit) -> list[Section]:
    """Copies, marks on the films and what remedies do, as far as there are any."""
    tables = [*_copies(audit), *_evidence_table("artefacts", audit.artefacts), *_remedies(audit)]
    return [Section("films", "The films themselves", tables=tuple(tables))] if tables else []


def _copies(audit: DataAudit) -> list[Table]:
    label = {film.image_id: str(film.label) for film in audit.cohort.radiographs}
    rows = tuple(
        (str(number), "; ".join(f"{i} ({label[i]})" for i in group.image_ids))
        for number, group in enumerate(audit.copies, start=1)
    )
    title = "Films that show one picture"
    return [Table("copies", title, ("group", "films"), rows)] if rows else []


def _evidence_table(slug: str, evidence: Evidence) -> list[Table]:
    if not evidence.rows:
        return []
    return [Table(slug, evidence.title, evidence.columns, evidence.rows)]


def _remedies(audit: DataAudit) -> list[Table]:
    rows = []
    for remedied in audit.remedied:
        after = {one.name: one for one in remedied.after}
        for was in remedied.before:
            now = after.get(was.name)
            left = percent(now.accuracy) if now else "nothing is left to ask"
            rows.append((remedied.what, _name(was), percent(was.accuracy), left))
    columns = ("what is done to every film", "probe", "told before %", "told after %")
    return [Table("remedies", "What changing films does", columns, tuple(rows))] if rows else []


def _is_heading(row: _Row) -> bool:
    return row.grouped is None and row.published is None


def _name(one: Probed) -> str:
    return _NAMES.get(one.name, one.name)


def _label(one: Probed, audit: DataAudit) -> str:
    """Its name, and how many films where they are not all of those asked."""
    n = len(one.predictions)
    return _name(one) if n == audit.n_probed else f"{_name(one)} (n = {n})"


def _majority(audit: DataAudit) -> float:
    """Of all films that were asked."""
    everybody: Sequence[Probed] = sorted(audit.probes, key=lambda one: -len(one.predictions))
    return everybody[0].majority
