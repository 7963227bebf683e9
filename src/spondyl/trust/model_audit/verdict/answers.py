"""Checks of what networks answer: how often rightly, for whom, and what use that is.

An interval decides where there is one: a figure that may be good by luck does not pass.
"""

from __future__ import annotations

from spondyl.trust.answers.discrimination import Discrimination
from spondyl.trust.answers.screening import OperatingPoint
from spondyl.trust.answers.subgroups import MIN_GROUPS, Subgroups
from spondyl.trust.checks import Check, Evidence, Status, not_run
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.verdict.words import OURS, points, share, shown

SENSITIVITY = 0.8
"""That a screening would have to reach at least."""


def of_discrimination(found: Discrimination) -> Check:
    """Whether labels are told at all."""
    question = "Does it tell the labels apart better than always saying the most frequent one?"
    better = found.accuracy.interval.low > found.majority
    balanced = found.macro_sensitivity.interval.low > found.macro_by_chance
    said = (
        f"It is right on {share(found.accuracy)} of {found.n} films in {found.n_groups} groups; "
        f"always saying {found.majority_label} would be on {found.majority:.1%}. Macro F1 "
        f"{shown(found.macro_f1)}; AUC {found.macro_auc_mean_of_folds:.3f} on the mean of folds, "
        f"{shown(found.macro_auc_pooled)} pooled. None of this says what it looks at."
    )
    status: Status = "pass" if better and balanced else "warn" if better or balanced else "fail"
    return Check(
        "discrimination",
        question,
        status,
        said,
        found.accuracy.value,
        found.accuracy.interval,
        found.majority,
        "share of the most frequent label; warns where the labels are told no better than by one",
        evidence=(_labels(found),),
    )


def of_screening(found: OperatingPoint | NotRun) -> Check:
    """What calling abnormal films would be worth at a stated specificity."""
    question = "If it were to pick the abnormal films for a reader, how many would it miss?"
    if isinstance(found, NotRun):
        return not_run("screening", question, found.why)
    missed = found.n_abnormal - found.n_hit
    kept = found.specificity.interval.high >= found.stated_specificity
    enough = found.sensitivity.interval.low >= SENSITIVITY
    said = (
        f"At a specificity of {found.stated_specificity:.0%}, chosen on other folds and measured "
        f"as {share(found.specificity)}, it finds {share(found.sensitivity)} of the abnormal "
        f"films: {missed} of {found.n_abnormal} missed. "
    )
    for one in found.predictive:
        if not one.of_cohort:
            said += (
                f"Where {one.prevalence:.0%} are abnormal, {one.ppv.value:.0%} of its alarms would "
                f"be true. "
            )
    return Check(
        "screening",
        question,
        "pass" if kept and enough else "warn",
        said.strip(),
        found.sensitivity.value,
        found.sensitivity.interval,
        SENSITIVITY,
        f"lower end of the interval of the sensitivity ({OURS})",
        evidence=(_predictive(found),),
    )


def of_subgroups(found: Subgroups) -> Check:
    """Whether some patients are served worse than the rest."""
    question = "Is it right as often for women and men, young and old, every view and hospital?"
    unsaid = "; ".join(one.why for one in found.not_run)
    if not found.n_judged:
        why = f"no subgroup has enough cases, nor the rest ({unsaid or 'all are too few'})"
        return not_run("subgroups", question, why)
    worst, alike = found.worst(), found.worst(same_labels=True)
    said = f"{found.n_judged} subgroups have {MIN_GROUPS} groups or more, as have the others. "
    if worst is None:
        said += "None is told worse than the rest beyond chance; a small one might be, unseen."
    else:
        said += (
            f"Told worse than the rest: {worst.name} ({worst.accuracy.value:.1%} right, "
            f"{100 * worst.difference.estimate.value:+.1f} points)"
            + (", also beside films of the same labels." if alike else ", as its labels are.")
        )
    if unsaid:
        said += f" Not asked: {unsaid}."
    status: Status = "pass" if worst is None else "fail" if alike else "warn"
    shortfall = None if worst is None else worst.difference.estimate
    return Check(
        "subgroups",
        question,
        status,
        said,
        None if shortfall is None else shortfall.value,
        None if shortfall is None else shortfall.interval,
        0.0,
        "difference to the rest, Holm-corrected for all subgroups; fails where films of the same "
        "labels do better elsewhere",
        None if worst is None else worst.difference.p_corrected,
        (_subgroups(found),),
    )


def _subgroups(found: Subgroups) -> Evidence:
    rows = tuple(
        (
            f"{one.field}: {one.name}",
            str(one.n_films),
            str(one.n_groups),
            share(one.accuracy),
            points(one.difference.estimate) if one.enough else "too few to say",
            f"{one.majority} {one.majority_share:.0%}",
        )
        for one in found.all
    )
    columns = ("", "films", "groups", "accuracy", "minus the rest", "most frequent label")
    return Evidence("Subgroups, 95 % intervals", columns, rows)


def _labels(found: Discrimination) -> Evidence:
    rows = tuple(
        (
            one.label,
            str(one.n),
            f"{one.mean_of_folds:.3f} ± {one.sd_of_folds:.3f}",
            shown(one.pooled),
        )
        for one in found.labels
    )
    columns = ("label", "films", "AUC, mean ± SD of folds", "AUC, pooled (95 %)")
    return Evidence("Each label against the rest", columns, rows)


def _predictive(found: OperatingPoint) -> Evidence:
    rows = tuple(
        (
            f"{one.prevalence:.0%}" + (" (this cohort)" if one.of_cohort else ""),
            share(one.ppv),
            share(one.npv),
        )
        for one in found.predictive
    )
    columns = ("share abnormal", "of alarms true", "of all-clears true")
    return Evidence("Predictive values at a stated prevalence, 95 % intervals", columns, rows)
