"""What an external test's page says in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.reading.external import External, Tested
from spondyl.report.audits.words import percented, points
from spondyl.report.result_tables import ALPHA
from spondyl.report.tables import decimal, percent, percent_range
from spondyl.trust.external.bands import Called
from spondyl.trust.external.telling_apart import ALL, Told
from spondyl.trust.intervals import NotRun


def remarks(found: External) -> tuple[str, ...]:
    """What must be known before any figure is read."""
    study, outside = found.study, found.pair.outside
    said = [
        f"{len(outside.radiographs)} films of another cohort in "
        f"{len(set(outside.group_ids.values()))} groups, answered by networks that have met none "
        "of them; temperature, sets and detectors are the study's, and nothing was fitted to these "
        "films."
    ]
    if found.pair.copies:
        n = len(found.pair.copies)
        said.append(f"{n} film{'s' * (n > 1)} left out: the study has {'them' if n > 1 else 'it'}.")
    missing = [name for name, n in outside.counts.items() if not n]
    if missing:
        said.append(
            f"No film of it is labelled {' or '.join(missing)}: that answer is always wrong here, "
            "and how such films would be answered is not measured."
        )
    n_folds = len(found.tested[0].said.folds)
    if study.spec.only_folds:
        said.append(f"Only {n_folds} of the study's {study.spec.folds} folds were run.")
    steered = [one.figures.title for one in found.tested if one.configuration.is_steered]
    if steered:
        said.append(
            f"{' and '.join(steered)}: steered by the very films that judge it at home, so what is "
            "lost is overstated."
        )
    said += [f"{one.configuration}: not tested, {one.not_run}." for one in found.unfinished]
    return tuple(said)


def headline(found: External) -> tuple[str, ...]:
    """The findings, the most important first."""
    said = [sentence for one in found.tested for sentence in _of(one)]
    of_all = [one for one in found.shift.told if one.among == ALL]
    if of_all:
        said.append(_told_apart(of_all))
    return tuple(said)


def _told_apart(asked: Sequence[Told]) -> str:
    """Which of `asked`, all about all films, tells the cohorts apart best, if any is shown to."""
    most = max(asked, key=lambda one: one.auc.value)
    p = min(1.0, most.p_value * len(asked))
    if p <= ALPHA:
        begins = "The two cohorts are told apart best by"
    else:
        begins = "Nothing that was asked is shown to tell the two cohorts apart; nearest comes"
    return (
        f"{begins} {most.name}: AUC {decimal(most.auc.value)} "
        f"({decimal(most.auc.interval.low)}–{decimal(most.auc.interval.high)}), "
        f"{most.n_home} against {most.n_outside} films; p {decimal(p)}, corrected for the "
        f"{len(asked)} kinds of numbers that were asked of all films."
    )


def _of(one: Tested) -> list[str]:
    figures = one.figures
    change = figures.changes[0]
    said = [
        f"{figures.title}: right on {percented(change.outside)} of {figures.n} films in "
        f"{figures.n_groups} groups, at home on {percented(change.home)} of {change.n_home}: "
        f"{points(change.difference)} points."
    ]
    for among in figures.by_label[1:]:
        told = (
            f"{percent(each.share.value)} % {each.label} ({_range(each)})" for each in among.called
        )
        said.append(
            f"{figures.title}: of {among.n} films that are {among.name}, in {among.n_groups} "
            f"groups, are called {', '.join(told)}."
        )
    if not isinstance(figures.refused, NotRun):
        sets = figures.sets
        said.append(
            f"{figures.title}: the study's sets hold the true label of {percented(sets.coverage)} "
            f"of these films ({100 * (1 - sets.alpha):g} % were promised, for films like the "
            f"study's); {percented(figures.refused.share)} are taken for unlike the study's films."
        )
    return said


def _range(one: Called) -> str:
    """Over groups; Wilson's where that has no width."""
    own, wilson = one.share.interval, one.wilson
    shown = own if own.low < own.high else wilson
    return percent_range(shown.low, shown.high)


def how() -> tuple[str, ...]:
    """How films are answered."""
    return (
        "Every film is answered by the networks of all folds: the mean of their probabilities, at "
        "the one temperature that the study's out-of-fold answers chose. An answer that is none "
        "of the films' labels counts as wrong.",
        "Intervals are conditional on these networks and on this other cohort: they say what other "
        "films of the same two centres would have done to a figure, not what a third centre would. "
        "In short, they are over groups; where all films of a kind are called alike, Wilson's.",
    )


def about_change() -> tuple[str, ...]:
    """What lies between home and outside."""
    return (
        "At home in the other films' mix of labels: the accuracy that the study's own films would "
        "give if their labels came in the shares of the other cohort. What is lost from there to "
        "outside is not owed to the mix of labels. Labels of the two cohorts need not have been "
        "given in the same way; what differs there counts as an error here.",
    )


def about_shift() -> tuple[str, ...]:
    """How the shift is measured."""
    return (
        "If anything tells the cohorts apart, films of the one are not films of the other; the "
        "data audit's probes are asked, of all films and again of the films of one label, since "
        "other shares of labels alone make cohorts differ. None of these figures predicts what the "
        "shift does to accuracy: that is measured above.",
    )
