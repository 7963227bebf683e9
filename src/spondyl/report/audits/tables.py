"""Tables of what networks answer, what they rest on and where they look.

Rows are named in words; a share stands in per cent with its interval in a column of its own, so
that tables can be read down. What has no value is "undefined", and never 0.
"""

from __future__ import annotations

from spondyl.explain.explaining import named
from spondyl.report.audits.figures import BESIDE, FAMILIES, changed_into
from spondyl.report.audits.words import (
    INTERVALS,
    decimal_cells,
    points,
    share_cells,
)
from spondyl.report.tables import NONE, Table, decimal, percent, percent_range, spread
from spondyl.trust import metrics
from spondyl.trust.asking.agreeing import Agreement
from spondyl.trust.asking.looking import Looked
from spondyl.trust.asking.map_findings import MapAgreement, Places, Sanity, Steadiness
from spondyl.trust.asking.reliance import AgainstPrior, Effect, Reliance
from spondyl.trust.data_audit.audit import DataAudit
from spondyl.trust.heatmap_scores import Average, Judgement
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.audit import ModelAudit


def labels(audit: ModelAudit) -> Table:
    """Each label against the rest."""
    rows = tuple(
        (
            one.label,
            str(one.n),
            spread(one.mean_of_folds, one.sd_of_folds),
            *decimal_cells(one.pooled),
        )
        for one in audit.answered.discrimination.labels
    )
    columns = ("label", "films", "AUC, mean ± SD of folds", "AUC, pooled", "95 % interval")
    return Table("labels", "Each label against the rest", columns, rows, (INTERVALS,))


def confusion(audit: ModelAudit) -> Table:
    """What is taken for what, in films."""
    names = audit.predictions.labels.names
    counts = metrics.confusion(audit.predictions)
    rows = tuple(
        (name, *(str(n) for n in row), percent(right))
        for name, row, right in zip(names, counts, metrics.sensitivity(counts), strict=True)
    )
    columns = ("truth", *(f"called {name}" for name in names), "called rightly %")
    return Table("confusion", "What is taken for what, in films", columns, rows)


def probes(audit: ModelAudit) -> tuple[Table, ...]:
    """The networks and every probe under grouped folds; none where no probe was asked."""
    if not isinstance(audit.films, DataAudit):
        return ()
    own = audit.answered.discrimination
    rows = [(audit.title, "the networks", str(own.n), *share_cells(own.accuracy), NONE)]
    for one in sorted(audit.films.probes, key=lambda one: -one.accuracy):
        if one.folds == "grouped":
            kind = "no anatomy" if one.kind == "not-anatomy" else "context"
            told = percent(one.accuracy), percent_range(one.interval.low, one.interval.high)
            n = str(len(one.predictions))
            rows.append((one.question, kind, n, *told, decimal(one.null.p_value)))
    columns = ("what is asked", "of", "films", "told %", "95 % interval", "p")
    notes = (f"Folds of whole groups. {INTERVALS} p: shuffled labels told as well.",)
    return (Table("probes", "Networks and probes on one scale", columns, tuple(rows), notes),)


def effects(found: Reliance) -> Table:
    """What every change does to the answers."""
    rows = tuple(map(_effect, found.effects))
    none = tuple((changed_into(name), "0", *[NONE] * 6) for name in found.not_applicable)
    columns = (
        *("films are shown", "films", "right %", "95 % interval", "as they are %"),
        *("points lost (95 %)", "called otherwise %", "true label's probability"),
    )
    notes = (
        f"{INTERVALS} Points lost: of the same films, as they are and changed. A change that has "
        "no meaning for a film (no mask, no colours, no room) leaves it out.",
    )
    return Table("changed", "What every change does", columns, rows + none, notes)


def without_spine(found: Reliance) -> tuple[Table, ...]:
    """What is left without the spine beside what is known without any film; none where no spine
    was hidden."""
    if not found.without_spine:
        return ()
    columns = (
        *("films are shown", "films", "right %", "95 % interval", "most frequent label"),
        *("always saying it %", "points above it (95 %)", "mean sensitivity"),
        *("of these films as they are", "by chance"),
    )
    notes = (
        f"{INTERVALS} Mean sensitivity over labels is what chance gives it for every answer that "
        "does not depend on the film.",
    )
    rows = tuple(map(_against_prior, found.without_spine))
    return (Table("without-spine", "What is left without the spine", columns, rows, notes),)


def families(found: Reliance) -> tuple[Table, ...]:
    """To which labels each family of what lies beside the spine draws films; none where nothing of
    the kind was put on."""
    rows = tuple(
        (
            FAMILIES.get(one.family, one.family),
            str(one.n_films),
            percent(one.flipped_by_any.value),
            drawn.label,
            *share_cells(drawn.share),
            f"{changed_into(drawn.by)} / {changed_into(drawn.away)}",
        )
        for one in found.families
        for drawn in one.drawn
    )
    columns = (
        *("put on the films", "films", "answers that any of it changes %", "drawn to"),
        *("of the films that are not so %", "95 % interval", "by / rather than"),
    )
    notes = (
        "A disturbance draws films to one label; what means something to the networks draws them "
        f"to two, so the second row of a family tells. {INTERVALS}",
    )
    title = "Where the choice of what lies beside the spine draws the answers"
    return (Table("families", title, columns, rows, notes),) if rows else ()


def maps(found: Looked) -> tuple[Table, ...]:
    """Everything that was measured of the maps; none where nothing was."""
    rows: list[tuple[str, ...]] = []
    if isinstance(found.places, Places):
        rows += _placed(found.places)
    if isinstance(found.sanity, Sanity):
        rows += _sane(found.sanity)
    if isinstance(found.steadiness, Steadiness):
        rows += _steady(found.steadiness)
    if isinstance(found.map_agreement, MapAgreement):
        rows.append(_averaged("maps of two networks, rank correlation", found.map_agreement.rank))
        rows.append(_judged("their hottest cells, overlap", found.map_agreement.hottest))
    parts = {
        "place": found.places,
        "what was learned": found.sanity,
        "steadiness": found.steadiness,
        "networks that agree": found.map_agreement,
    }
    absent = [f"{n}: {one.why}" for n, one in parts.items() if isinstance(one, NotRun)]
    notes = (INTERVALS, *([f"Not asked. {'; '.join(absent)}."] if absent else []))
    columns = ("of the maps", "films", "mean", "95 % interval", "beside it", "verdict")
    title = f"{named(found.method).title}: all that was measured"
    return (Table("maps", title, columns, tuple(rows), notes),) if rows else ()


def agreement(found: Agreement | NotRun) -> tuple[Table, ...]:
    """Whether the networks say the same; none where there is nothing to agree with."""
    if isinstance(found, NotRun):
        return ()
    rows = (
        ("all networks say one label, % of films", *share_cells(found.all_agree)),
        ("two networks say one label, %", *share_cells(found.pairwise)),
        ("Fleiss' kappa", *decimal_cells(found.kappa)),
    )
    met = (
        f"An upper bound: {percent(found.met)} % of these answers are of films that the network "
        "had met in its training."
        if found.is_upper_bound
        else "No network had met any of these films."
    )
    title = f"Whether {found.n_networks} networks say the same of {found.n_films} films"
    return (Table("agreement", title, ("", "value", "95 % interval"), rows, (met, INTERVALS)),)


def _effect(one: Effect) -> tuple[str, ...]:
    return (
        changed_into(one.change),
        str(one.n_films),
        *share_cells(one.accuracy),
        percent(one.unchanged.value),
        points(one.drop),
        percent(one.flipped.value),
        f"{one.true_probability.value:+.3f}".replace("-", "−"),
    )


def _against_prior(one: AgainstPrior) -> tuple[str, ...]:
    return (
        changed_into(one.change),
        str(one.n_films),
        *share_cells(one.accuracy),
        one.majority_label,
        percent(one.majority.value),
        points(one.above),
        decimal(one.macro_sensitivity.value),
        decimal(one.macro_unchanged),
        decimal(one.macro_by_chance),
    )


def _placed(found: Places) -> list[tuple[str, ...]]:
    rows = [
        _judged("heat on the spine, share", found.energy),
        _judged("hottest point on the spine, share", found.pointing),
    ]
    if isinstance(found.to_target, Judgement):
        rows.append(_judged("hottest point to target, share of diagonal", found.to_target))
    return rows


def _sane(found: Sanity) -> list[tuple[str, ...]]:
    return [
        _judged("likeness to maps of random weights", found.randomised),
        _averaged("likeness to maps of a random head", found.randomised_head),
        _averaged("maps that survive random weights, share", found.unchanged),
        _averaged("likeness to maps of the untrained network", found.untrained),
        _averaged("likeness to maps for the second label", found.other_label),
    ]


def _steady(found: Steadiness) -> list[tuple[str, ...]]:
    return [
        _judged("likeness when the film is moved", found.shifted),
        _judged("likeness when it is brighter or darker", found.shaded),
        _judged("likeness when it is mirrored", found.mirrored),
    ]


def _judged(what: str, found: Judgement) -> tuple[str, ...]:
    (own,) = found.methods
    beside = ", ".join(
        f"{BESIDE.get(b.name, b.name)} {decimal(b.mean, 2)}" for b in found.baselines
    )
    lost = ", ".join(BESIDE.get(name, name) for name in own.does_not_beat)
    verdict = f"does not beat: {lost}" if lost else found.sentence(own.average.name)
    return (*_averaged(what, own.average)[:4], beside or NONE, verdict)


def _averaged(what: str, one: Average) -> tuple[str, ...]:
    ends = NONE if one.mean != one.mean else f"{one.interval.low:.2f}–{one.interval.high:.2f}"
    return (what, str(one.n_defined), decimal(one.mean, 2), ends, NONE, NONE)
