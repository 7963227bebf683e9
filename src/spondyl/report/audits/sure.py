"""Parts of an audit of networks: how sure they are, what alarms are worth, strangers, subgroups.

As in `model_audit_sections`: a sentence for a surgeon, then a figure, then a table. Every promise
stands beside what was kept of it; the price is that a small set of films keeps few for certain.
"""

from __future__ import annotations

from spondyl.report.audits import curves
from spondyl.report.audits import figures as drawn
from spondyl.report.audits import sure_tables as tables
from spondyl.report.audits.words import (
    percented,
    whole,
)
from spondyl.report.sections import Drawing, Section
from spondyl.report.tables import decimal, percent
from spondyl.trust.answers.calibration import Calibration
from spondyl.trust.answers.cross_conformal import ConformalSets
from spondyl.trust.answers.screening import OperatingPoint
from spondyl.trust.answers.selective import Abstention
from spondyl.trust.answers.subgroups import MIN_GROUPS, Subgroups
from spondyl.trust.asking.refusals import Refusals
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.audit import ModelAudit
from spondyl.trust.model_audit.verdict.limits import REFUSES


def sure(audit: ModelAudit) -> Section:
    """Whether the networks' probabilities are true, and what abstaining brings."""
    answered = audit.answered
    stated = None if isinstance(answered.abstention, NotRun) else answered.abstention.stated_error
    caption = (
        "Left and middle: of calls made with a probability, the share that was right, with 95 % "
        "Wilson intervals; on the dotted line they agree. Grey bars count films (highest bar = "
        "most). Right: how often it would be wrong if it answered only the films of which it is "
        "surest; dotted, if it answered in any order"
        + (f"; dashed, the stated {whole(stated)}." if stated is not None else ".")
    )
    figure = curves.sure(answered.calibration, answered.risk_coverage, stated)
    return Section(
        "sure",
        "How sure they are, and whether rightly",
        (_surer_than_right(answered.calibration), _abstains(answered.abstention)),
        (Drawing("sure", caption, figure),),
        (tables.calibration(answered.calibration), *tables.abstention(answered.abstention)),
    )


def sets(audit: ModelAudit) -> Section:
    """Sets of labels that are promised to hold the true one."""
    answered, title = audit.answered, "When one answer is not enough: sets of labels"
    both = {"for all films": answered.sets, "for every label": answered.sets_by_label}
    made = [(name, one) for name, one in both.items() if isinstance(one, ConformalSets)]
    text = tuple(
        f"A set of labels promised {name} was not made: {one.why}."
        if isinstance(one, NotRun)
        else _holds(name, one)
        for name, one in both.items()
    )
    if not made:
        return Section("sets", title, text)
    caption = (
        "Left: how often the sets of the films of each label hold it, with 95 % Wilson intervals "
        "over groups. Right: how many labels the sets hold; a set with all of them says nothing."
    )
    rows = tuple(tables.sets(name, one) for name, one in made)
    return Section("sets", title, text, (Drawing("sets", caption, curves.sets(made)),), rows)


def screening(audit: ModelAudit) -> Section:
    """What alarms and all-clears would be worth."""
    found, title = audit.answered.screening, "If they were to pick abnormal films for a reader"
    if isinstance(found, NotRun):
        return Section("screening", title, (f"Not asked: {found.why}.",))
    curve = audit.answered.net_benefit
    caption = (
        "Left: of its alarms and all-clears the share that would be true, where this share of the "
        "films is abnormal; thick lines are 95 % intervals over groups, thin ones take films as "
        "independent. Right: net benefit of acting on its probability, beside acting on everybody "
        "and on nobody, at the share of abnormal films here; it is worth something only above both."
    )
    figure = curves.screened(found, None if isinstance(curve, NotRun) else curve)
    text = (_finds(found), _worth(found))
    rows = (tables.predictive(found),)
    return Section("screening", title, text, (Drawing("screening", caption, figure),), rows)


def strangers(audit: ModelAudit) -> Section:
    """What would be refused."""
    found, title = audit.refusals, "Pictures that are no such film"
    if isinstance(found, NotRun):
        return Section("strangers", title, (f"Not asked: {found.why}.",))
    caption = (
        "Share refused of each kind, with 95 % intervals. Dotted: the "
        f"{whole(found.false_alarms)} of its own films that it was allowed to refuse. A dot far to "
        "the left is a picture that it would answer as if it were a film of a spine."
    )
    drawing = Drawing("strangers", caption, drawn.refused(found, REFUSES))
    return Section("strangers", title, _refuses(found), (drawing,), (tables.strangers(found),))


def subgroups(audit: ModelAudit) -> Section:
    """How the networks fare by what is stated of patient and film."""
    found, title = audit.answered.subgroups, "Women and men, young and old"
    unsaid = f"Not asked: {'; '.join(one.why for one in found.not_run)}."
    if not found.all:
        return Section("subgroups", title, (unsaid,))
    caption = (
        "Films that are called rightly in each subgroup. Thick lines: 95 % intervals over groups, "
        "which have no width where all are right; thin: Wilson, films as independent. Hollow: "
        f"fewer than {MIN_GROUPS} groups in it or beside it."
    )
    value = audit.answered.discrimination.accuracy.value
    drawing = Drawing("subgroups", caption, drawn.subgroups(found, value))
    text = (_few(found), *([unsaid] if found.not_run else []))
    return Section(
        "subgroups", title, text, (drawing,), (tables.subgroups(found), tables.rates(found))
    )


def _surer_than_right(found: Calibration) -> str:
    before, after = found.before, found.after
    said = (
        f"As they come they are {percent(before.mean_confidence)} % sure on average, and right on "
        f"{percent(before.accuracy)} %."
    )
    if after is None:
        return f"{said} No temperature could be chosen: {found.why_not_after}."
    return (
        f"{said} After dividing by temperatures that the other folds chose they are "
        f"{percent(after.mean_confidence)} % sure; the calibration error goes from "
        f"{decimal(before.ece.value)} to {decimal(after.ece.value)}, and a network whose every "
        f"probability is true would have {decimal(after.ece_if_calibrated)}."
    )


def _abstains(found: Abstention | NotRun) -> str:
    if isinstance(found, NotRun):
        return f"Leaving films to a reader was not tried: {found.why}."
    if not found.n_answered:
        return f"To be wrong on no more than {whole(found.stated_error)} they could answer nothing."
    return (
        f"Told to be wrong on no more than {whole(found.stated_error)}, they answer "
        f"{percented(found.coverage)} of the films and are wrong on {percented(found.error)} of "
        f"those; answering all, on {percent(found.error_of_all)} %."
    )


def _holds(name: str, found: ConformalSets) -> str:
    sizes = found.sizes
    return (
        f"Promised {name} to hold the true label {whole(1 - found.alpha)} of the time, the sets "
        f"hold it {percented(found.coverage)}; {percent(sizes.singletons)} % of them are one "
        f"label, {percent(sizes.full)} % are all labels and say nothing."
    )


def _finds(found: OperatingPoint) -> str:
    missed = found.n_abnormal - found.n_hit
    return (
        f"Where {whole(found.stated_specificity)} of normal films were to pass, "
        f"{percented(found.specificity)} do, and {percented(found.sensitivity)} of the abnormal "
        f"ones are found: {missed} of {found.n_abnormal} are missed."
    )


def _worth(found: OperatingPoint) -> str:
    stated = [one for one in found.predictive if not one.of_cohort]
    told = [f"{whole(one.prevalence)} are abnormal, {whole(one.ppv.value)}" for one in stated]
    return (
        f"Of its alarms these would be true: where {'; where '.join(told)}. Normal and abnormal "
        "films would have to look there as they do here, and those of healthy people seldom do."
    )


def _refuses(found: Refusals) -> tuple[str, ...]:
    if not found.can_refuse:
        return (
            f"Nothing could be refused: {min(found.n_aside)} films kept aside in a fold are too "
            f"few to allow {whole(found.false_alarms)} false alarms.",
        )
    let_in = [one for one in found.kinds if one.refused.either.value < REFUSES]
    said = "; ".join(f"{one.what} ({whole(one.refused.either.value)} refused)" for one in let_in)
    return (
        "The networks themselves have an answer to any picture. A detector beside them, allowed to "
        f"refuse {whole(found.false_alarms)} of their own films, refuses "
        f"{percented(found.films.either)} of these.",
        f"It lets in: {said}."
        if let_in
        else f"Of every kind of stranger it refuses {whole(REFUSES)} or more.",
    )


def _few(found: Subgroups) -> str:
    small = [one for one in found.all if not one.enough]
    least = min(found.all, key=lambda one: one.n_films)
    span = least.accuracy_wilson
    said = (
        f"{found.n_judged} of {len(found.all)} subgroups have {MIN_GROUPS} groups or more, in them "
        "and beside them; of the others nothing can be said. "
        if small
        else f"All {len(found.all)} subgroups have {MIN_GROUPS} groups or more. "
    )
    return (
        f"{said}The smallest ({least.field}: {least.name}) has {least.n_films} films: "
        f"{percent(least.accuracy.value)} % right there may be anything from {whole(span.low)} to "
        f"{whole(span.high)}."
    )
