"""Tables of how sure networks are, what their alarms are worth, whom they refuse and serve.

Where two intervals of one figure are given, columns say of what: groups drawn again, or films taken
as independent. A subgroup too small to judge is shown and not compared.
"""

from __future__ import annotations

from spondyl.report.audits.words import (
    INTERVALS,
    points,
    share_cells,
    span,
)
from spondyl.report.tables import NONE, Table, decimal, percent, percent_range
from spondyl.trust.answers.calibration import Calibration, CalibrationScores
from spondyl.trust.answers.cross_conformal import ConformalSets, LabelSets
from spondyl.trust.answers.screening import OperatingPoint
from spondyl.trust.answers.selective import Abstention
from spondyl.trust.answers.subgroups import MIN_GROUPS, Subgroup, Subgroups
from spondyl.trust.asking.refusals import Refusals
from spondyl.trust.intervals import NotRun


def calibration(found: Calibration) -> Table:
    """How true probabilities are, before and after temperatures."""
    rows = [_calibrated("as they came", found.before)]
    if found.after is not None:
        rows.append(_calibrated("after temperatures", found.after))
    columns = (
        *("", "sure %", "right %", "ECE (95 %)", "ECE if calibrated", "p"),
        *("slope (95 %)", "Brier", "log loss"),
    )
    values = ", ".join(decimal(one.value, 2) for one in found.temperatures)
    notes = (
        "ECE: expected calibration error; never 0 even for a calibrated network, so p says how "
        "often one looks as bad. Slope: 1 is calibrated, below 1 too sure."
        + (f" Temperatures of the folds: {values}." if values else ""),
    )
    return Table("calibration", "Calibration", columns, tuple(rows), notes)


def abstention(found: Abstention | NotRun) -> tuple[Table, ...]:
    """Who is answered when answers are given only when sure; none where that was not tried."""
    if isinstance(found, NotRun):
        return ()
    rows = tuple(
        (one.label, str(one.n), str(one.n_answered), str(one.n_right)) for one in found.classes
    )
    title = f"Answered where no more than {100 * found.stated_error:.0f} % were to be wrong"
    return (Table("abstention", title, ("label", "films", "answered", "rightly"), rows),)


def sets(name: str, found: ConformalSets) -> Table:
    """Coverage of sets by label and by fold."""
    rows = [
        (
            "all",
            *share_cells(found.coverage),
            percent_range(found.promised.low, found.promised.high),
        ),
        *(_set_of_label(one) for one in found.labels),
        *(
            (
                f"fold {one.fold}",
                *share_cells(one.coverage),
                percent_range(one.promised.low, one.promised.high),
            )
            for one in found.folds
        ),
    ]
    columns = ("groups", "hold the true label %", "95 % interval", "promised %")
    notes = (f"{found.guarantee} Intervals are Wilson's, over {found.n} groups.",)
    slug, title = f"sets-{name.replace(' ', '-')}", f"Sets promised {name}"
    return Table(slug, title, columns, tuple(rows), notes)


def predictive(found: OperatingPoint) -> Table:
    """What alarms and all-clears are worth at stated prevalences."""
    rows = tuple(
        (
            f"{percent(one.prevalence)} %" + (" (these films)" if one.of_cohort else ""),
            *share_cells(one.ppv),
            percent_range(*one.ppv_films),
            *share_cells(one.npv),
            percent_range(*one.npv_films),
        )
        for one in found.predictive
    )
    columns = (
        *("share abnormal", "alarms true %", "95 %, groups", "95 %, films"),
        *("all-clears true %", "95 %, groups", "95 %, films"),
    )
    plus, minus = found.positive_ratio.ratio, found.negative_ratio.ratio
    notes = (
        f"Likelihood ratios: of an alarm {decimal(plus.value, 1)} "
        f"({span(plus, 1)}), of an all-clear {decimal(minus.value, 2)} ({span(minus, 2)}). "
        f"AUC normal against abnormal, pooled: {decimal(found.auc.value)}. The share abnormal "
        "among these films is nobody's population. Two conventions of interval: groups drawn "
        "again, and films taken as independent (Wilson, MOVER-R).",
    )
    return Table("predictive", "What alarms and all-clears are worth", columns, rows, notes)


def strangers(found: Refusals) -> Table:
    """What is refused, by which of two detectors."""
    own = found.films
    films = (
        "its own test films",
        str(found.n_films),
        *share_cells(own.either),
        *(percent(one.value) for one in (own.by_energy, own.by_distance)),
        *(NONE, NONE),
    )
    rows = tuple(
        (
            one.what,
            str(one.n),
            *share_cells(one.refused.either),
            percent(one.refused.by_energy.value),
            percent(one.refused.by_distance.value),
            decimal(one.auroc_energy.value, 2),
            decimal(one.auroc_distance.value, 2),
        )
        for one in found.kinds
    )
    columns = (
        *("pictures", "n", "refused %", "95 % interval", "by energy %", "by distance %"),
        *("AUROC, energy", "AUROC, distance"),
    )
    aside = ", ".join(map(str, found.n_aside))
    notes = (
        f"Energies are of {found.energy_of}. Films kept aside in the folds, by which the rate of "
        f"false alarms was set: {aside}.",
    )
    return Table("strangers", "What is refused", columns, (films, *rows), notes)


def subgroups(found: Subgroups) -> Table:
    """Every subgroup beside the rest, and beside films of the same labels."""
    columns = (
        *("subgroup", "films", "groups", "right %", "95 % interval"),
        *("points beside the rest", "p", "beside the same labels", "p", "most frequent label"),
    )
    notes = (
        f"Fewer than {MIN_GROUPS} groups: too few to say. p values of answers dealt blindly, "
        f"corrected for {found.n_judged} subgroups (Holm). {INTERVALS}",
    )
    rows = tuple(map(_subgroup, found.all))
    return Table("subgroups", "Every subgroup beside the rest", columns, rows, notes)


def rates(found: Subgroups) -> Table:
    """Sensitivity of each label within each subgroup."""
    rows = tuple(
        (
            f"{one.field}: {one.name}",
            rate.label,
            str(rate.n),
            *share_cells(rate.sensitivity),
            percent_range(rate.wilson.low, rate.wilson.high),
        )
        for one in found.all
        for rate in one.labels
    )
    columns = ("subgroup", "label", "films", "called rightly %", "95 %, groups", "95 %, Wilson")
    return Table("subgroup-labels", "Each label within each subgroup", columns, rows)


def _calibrated(what: str, one: CalibrationScores) -> tuple[str, ...]:
    return (
        what,
        percent(one.mean_confidence),
        percent(one.accuracy),
        f"{decimal(one.ece.value)} ({span(one.ece, 3)})",
        decimal(one.ece_if_calibrated),
        decimal(one.ece_p_value),
        f"{decimal(one.slope.value, 2)} ({span(one.slope, 2)})",
        decimal(one.brier.value),
        decimal(one.log_loss.value),
    )


def _set_of_label(one: LabelSets) -> tuple[str, ...]:
    promised = NONE if one.promised is None else percent_range(one.promised.low, one.promised.high)
    return (one.label, *share_cells(one.coverage), promised)


def _subgroup(one: Subgroup) -> tuple[str, ...]:
    few = "too few to say"
    apart, alike = one.difference, one.beside_same_labels
    return (
        f"{one.field}: {one.name}",
        str(one.n_films),
        str(one.n_groups),
        *share_cells(one.accuracy),
        points(apart.estimate) if one.enough else few,
        decimal(apart.p_corrected) if one.enough else NONE,
        points(alike.estimate) if one.enough else few,
        decimal(alike.p_corrected) if one.enough else NONE,
        f"{one.majority} {100 * one.majority_share:.0f} %",
    )
