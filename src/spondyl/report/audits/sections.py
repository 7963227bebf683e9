"""Parts of an audit of networks: how often right, what that rests on, and where they look.

Decision: every part is one function of the audit, so that a page can leave some out or set several
audits side by side. The words hold the figures that decide, and what they must be held against;
how anything was computed is left to captions and notes. What was not asked is said and not drawn.
"""

from __future__ import annotations

from spondyl.explain.explaining import named
from spondyl.report.audits import figures as drawn
from spondyl.report.audits import tables
from spondyl.report.audits.figures import BESIDE, FAMILIES
from spondyl.report.audits.words import (
    percented,
    points_lost,
)
from spondyl.report.published import Published
from spondyl.report.sections import Drawing, Section
from spondyl.report.tables import percent
from spondyl.trust.asking.map_findings import Places
from spondyl.trust.asking.reliance import Reliance
from spondyl.trust.data_audit.audit import DataAudit
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.audit import ModelAudit


def accuracy(audit: ModelAudit, published: Published | None = None) -> Section:
    """The networks' accuracy on one scale with what needs no network."""
    found = audit.answered.discrimination
    text = [
        f"The networks are right on {percented(found.accuracy)} of {found.n} films. Always saying "
        f"“{found.majority_label}” would be right on {percent(found.majority)} %.",
        _shortcut(audit),
    ]
    drawings = []
    if isinstance(audit.films, DataAudit):
        figure = drawn.accuracy(audit.films, audit.title, found.accuracy, published)
        drawings.append(Drawing("accuracy", _scale_caption(published), figure))
    rows = (tables.labels(audit), tables.confusion(audit), *tables.probes(audit))
    title = "How often they are right, and what is right without them"
    return Section("accuracy", title, tuple(text), tuple(drawings), rows)


def reliance(audit: ModelAudit) -> Section:
    """What is left when films are changed."""
    found = audit.reliance
    caption = (
        "Dots: films that are called rightly when every film is changed, with 95 % intervals over "
        "groups; squares: the very same films as they are. A hidden spine is filled with a smooth "
        "continuation of what surrounds it, and so is an equally large patch beside it."
    )
    drawings = (Drawing("changed", caption, drawn.changed(found)),) if found.effects else ()
    rows = (tables.effects(found), *tables.without_spine(found), *tables.families(found))
    title = "What is left when the spine is hidden, or something is added"
    return Section("reliance", title, _rests_on(found), drawings, rows)


def looks(audit: ModelAudit) -> Section:
    """Where the networks' heatmaps lie, and whether they tell of what was learned."""
    found, title = audit.looked, "Where they look"
    method = named(found.method).title
    rows = (*tables.maps(found), *tables.agreement(found.agreement))
    if isinstance(found.places, NotRun):
        return Section("looks", title, (f"Not asked: {found.places.why}.",), tables=rows)
    caption = (
        f"{method} of {len(found.image_ids)} films, drawn from the labels in turn. Filled: the "
        "networks' maps; hollow: maps that know nothing of the answer, and chance, which is the "
        "spine's share of the film. Lines are 95 % intervals over groups."
    )
    drawing = Drawing("looks", caption, drawn.looked(found.places, method))
    return Section("looks", title, _looks_at(found.places), (drawing,), rows)


def _shortcut(audit: ModelAudit) -> str:
    found, best = audit.share, audit.best_probe
    if isinstance(found, NotRun) or best is None:
        why = found.why if isinstance(found, NotRun) else "no probe was asked"
        return f"How much of that could be had without anatomy was not computed: {why}."
    return (
        f"Of what is not anatomy most is told by the answer to “{best.question}”: it alone is "
        f"right on {percent(found.probe)} %, which is {percented(found.share)} of what the "
        "networks know beyond the most frequent label. They need not be using it, but their "
        "accuracy cannot show that they do not."
    )


def _scale_caption(published: Published | None) -> str:
    said = (
        "Dots: share of films whose label is told, in folds of whole groups, with 95 % intervals "
        "over groups. The band is the networks' interval: a probe inside it tells as much as they "
        "do. Squares: plain folds, where copies may be on both sides. Upright bars: 95 % of "
        "shuffled labellings stay at or below. Dashed: always saying the most frequent label."
    )
    if published:
        said += f" Diamonds: {published.citation}, as published, n = {published.n}."
    return said


def _rests_on(found: Reliance) -> tuple[str, ...]:
    said = [
        f"With {'the spine' if one.change == 'spine-hidden' else 'all columns of the spine'} "
        f"hidden they are right on {percented(one.accuracy)} of {one.n_films} films; always "
        f"saying “{one.majority_label}” would be right on {percent(one.majority.value)} %."
        for one in found.without_spine
    ]
    if found.only_spine is not None:
        said.append(f"Shown the spine and nothing else: {percented(found.only_spine)}.")
    if one := found.attributed:
        said.append(
            f"On {one.n_films} films with room for both, hiding the spine costs "
            f"{points_lost(one.spine_drop)}, hiding as much beside it "
            f"{points_lost(one.control_drop)}."
        )
    if not said:
        said = ["The spine was neither hidden nor shown alone: no masks say where it is."]
    caution = (
        "A picture unlike all that it has seen may confuse a network whatever it looks at, so a "
        "loss is to be held against that of the patch beside the spine."
    )
    return (" ".join(said), caution, *_steers(found))


def _steers(found: Reliance) -> tuple[str, ...]:
    """Of what lies beside the spine, that which draws most films to a second label."""
    there = [(one.family, one.steered) for one in found.families]
    steered = [(family, drawn) for family, drawn in there if drawn is not None]
    if not steered:
        return ()
    family, most = max(steered, key=lambda one: one[1].share.value)
    return (
        "Of what lies beside the spine the answers follow most "
        f"{FAMILIES.get(family, family)}: beyond what any disturbance would do, which of its kinds "
        f"is put on draws {percented(most.share)} of the other films to “{most.label}”.",
    )


def _looks_at(found: Places) -> tuple[str, ...]:
    (own,) = found.energy.methods
    chance = next((one.mean for one in found.energy.baselines if one.name == "chance"), None)
    beside = "" if chance is None else f", where {percent(chance)} % would be there by chance"
    lost = [BESIDE.get(name, name) for name in own.does_not_beat]
    return (
        f"{percent(own.average.mean)} % of the heat lies on the spine{beside}. "
        + (
            f"That is not shown to be more than of {' and of '.join(lost)}."
            if lost
            else "That is more than of every map that knows nothing of the answer."
        ),
        "Heat on the spine does not prove that the spine decides, and heat beside it does not "
        "prove the opposite: hiding the spine does.",
    )
