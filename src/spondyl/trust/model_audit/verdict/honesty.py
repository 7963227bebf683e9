"""Checks of how honestly sure networks are: probabilities, sets of labels, saying nothing."""

from __future__ import annotations

from spondyl.trust.answers.calibration import Calibration, CalibrationScores
from spondyl.trust.answers.cross_conformal import ConformalSets
from spondyl.trust.answers.selective import Abstention
from spondyl.trust.checks import Check, Evidence, Status, not_run
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.verdict.words import OURS, shown

ALPHA = 0.05
FEWEST = 30
"""Groups below which no calibration is judged: nearly every network would pass."""


def of_calibration(found: Calibration) -> Check:
    """Whether confidences are true, as they are and after temperatures from the other folds."""
    question = "When it says that it is 90 % sure, is it right nine times in ten?"
    if few := _too_few(found.before):
        return not_run("calibration", question, few)
    scored = found.before if found.after is None else found.after
    when = "as they came" if found.after is None else "after temperatures from the other folds"
    honest = scored.ece_p_value > ALPHA
    excess = scored.excess
    too_sure: Status = "fail" if excess.interval.low > 0 else "warn"
    said = (
        f"{when[0].upper()}{when[1:]}, it is {scored.mean_confidence:.1%} sure on average and "
        f"right on {scored.accuracy:.1%}; calibration error {scored.ece.value:.3f}, of a "
        f"calibrated network with these confidences {scored.ece_if_calibrated:.3f} (p = "
        f"{scored.ece_p_value:.3f}). Slope of the logits {scored.slope.value:.2f} (1 is "
        "calibrated, below 1 too sure)."
    )
    if found.why_not_after:
        said += f" No temperature could be chosen: {found.why_not_after}."
    return Check(
        "calibration",
        question,
        "pass" if honest else too_sure,
        said,
        scored.ece.value,
        scored.ece.interval,
        scored.ece_if_calibrated,
        f"what calibrated networks would show (Bröcker and Smith 2007); passes where p is above "
        f"{ALPHA:g}, fails where confidence exceeds accuracy",
        scored.ece_p_value,
        (_scores(found), _bins(scored)),
    )


def of_raw_confidence(found: Calibration) -> Check:
    """Whether the networks' own probabilities, unscaled, are too sure."""
    question = "Are its own probabilities, before any correction, too sure?"
    if few := _too_few(found.before):
        return not_run("raw-confidence", question, few)
    scored = found.before
    slope = scored.slope
    too_sure = slope.interval.high < 1 and scored.ece_p_value <= ALPHA
    said = f"Slope {shown(slope)}: " + (
        "its logits are too large; use them only with the temperature."
        if too_sure
        else "that it is too sure is not shown."
    )
    return Check(
        "raw-confidence",
        question,
        "warn" if too_sure else "pass",
        said,
        slope.value,
        slope.interval,
        1.0,
        "calibration slope (Cox 1958); warns where its interval and the calibration error agree",
        scored.ece_p_value,
    )


def of_sets(found: ConformalSets | NotRun, kind: str) -> Check:
    """Whether prediction sets hold what they promise, in all, by fold and, where that was promised,
    for every label, and whether they say anything. One fold of five below its own range is as
    likely as one in eight, and no sign of anything."""
    name = "sets" if kind == "marginal" else "sets-by-label"
    question = (
        "Do its sets of labels hold the true one as often as promised?"
        if kind == "marginal"
        else "Do its sets of labels hold the true one as often as promised, for every label?"
    )
    if isinstance(found, NotRun):
        return not_run(name, question, found.why)
    folds = [f"fold {o.fold}" for o in found.folds if o.coverage.value < o.promised.low]
    labels = [o.label for o in found.labels if o.promised and o.coverage.value < o.promised.low]
    below = labels + (folds if len(folds) > 1 else [])
    wrong = found.coverage.value < found.promised.low
    status: Status = "fail" if wrong else "warn" if below or found.sizes.full > 0.5 else "pass"
    said = (
        f"At an error of {found.alpha:.0%}, {found.coverage.value:.1%} of {found.n} groups are "
        f"covered; {found.promised.low:.1%} to {found.promised.high:.1%} was promised for so many. "
        f"{found.sizes.mean:.2f} labels a set; {found.sizes.singletons:.0%} hold one, "
        f"{found.sizes.full:.0%} all. The smallest usable error is {found.smallest_alpha:.3f}."
    )
    if below:
        said += f" Below their promise: {', '.join(below)}."
    rows = tuple(
        (one.label, shown(one.coverage), f"{one.smallest_alpha:.3f}") for one in found.labels
    )
    columns = ("label", "coverage (95 % interval)", "smallest usable error")
    return Check(
        name,
        question,
        status,
        said,
        found.coverage.value,
        found.coverage.interval,
        found.promised.low,
        "the range that exchangeable films keep to, at so many",
        evidence=(
            Evidence("Coverage by label", columns, rows),
            Evidence("What is guaranteed", ("",), ((found.guarantee,),)),
        ),
    )


def of_abstention(found: Abstention | NotRun) -> Check:
    """Whether leaving the least sure films to a reader keeps the stated error."""
    question = "If it answers only when sure, is it wrong no more often than stated?"
    if isinstance(found, NotRun):
        return not_run("abstention", question, found.why)
    if not found.n_answered:
        said = f"No threshold keeps an error of {found.stated_error:.0%}; it would answer nothing."
        return Check("abstention", question, "fail", said, 0.0, found.coverage.interval)
    kept = found.error.interval.low <= found.stated_error
    halved = found.coverage.value < 0.5
    said = (
        f"It answers {found.n_answered} of {found.n} films ({shown(found.coverage)}) and is wrong "
        f"on {found.n_wrong} of them; {found.stated_error:.0%} was stated, and answering all would "
        f"be wrong on {found.error_of_all:.1%}."
    )
    rows = tuple(
        (one.label, str(one.n), str(one.n_answered), str(one.n_right)) for one in found.classes
    )
    return Check(
        "abstention",
        question,
        "fail" if not kept else "warn" if halved else "pass",
        said,
        found.error.value,
        found.error.interval,
        found.stated_error,
        f"thresholds from the other folds; warns below half of the films ({OURS})",
        evidence=(Evidence("By label", ("label", "films", "answered", "rightly"), rows),),
    )


def _too_few(scored: CalibrationScores) -> str:
    """Why a calibration cannot be judged; "" where it can."""
    if scored.n_groups < FEWEST:
        return (
            f"{scored.n_groups} groups of films are too few: a network that is too sure would pass"
        )
    return ""


def _scores(found: Calibration) -> Evidence:
    def row(what: str, one: CalibrationScores) -> tuple[str, ...]:
        return (
            what,
            *(shown(value) for value in (one.ece, one.brier, one.log_loss, one.excess, one.slope)),
        )

    rows = [row("as they came", found.before)]
    if found.after is not None:
        rows.append(row("after temperatures", found.after))
    columns = ("", "ECE", "Brier", "log loss", "sure − right", "slope")
    return Evidence("Calibration, 95 % intervals", columns, tuple(rows))


def _bins(scored: CalibrationScores) -> Evidence:
    rows = tuple(
        (
            f"{one.low:.1f}–{one.high:.1f}",
            str(one.n),
            f"{one.mean_probability:.3f}",
            f"{one.share:.3f} [{one.interval.low:.2f}, {one.interval.high:.2f}]",
        )
        for one in scored.bins
        if one.n
    )
    return Evidence("Reliability", ("sure", "films", "mean", "right (95 %)"), rows)
