"""Tables of an external test: what films are called, what is lost, and how the cohorts differ.

A configuration is named in the first column where several were tested. Every share stands with the
number of films that it is of; where two intervals are given, columns say of what.
"""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.reading.external import External, Tested
from spondyl.report.audits.words import (
    INTERVALS,
    decimal_cells,
    percented,
    points,
    share_cells,
    span,
)
from spondyl.report.tables import NONE, Table, decimal, percent, percent_range
from spondyl.trust.external.bands import Among, Called
from spondyl.trust.external.figures import Change
from spondyl.trust.intervals import NotRun

_HOLLOW = (
    "An interval by bootstrap has no width where all of its films are answered alike, and then "
    "says nothing of how sure the share is."
)
_BOTH = (
    "Two intervals, both 95 %: by bootstrap over groups, which has no width where all films are "
    "called alike, and Wilson's, which takes films as independent."
)


def called(found: External) -> Table:
    """What films of each label are called."""
    rows = _called_rows([(one, one.figures.by_label) for one in found.tested])
    columns = _called_columns("films")
    return Table("called", "What the films are called", columns, rows, (_BOTH,))


def banded(found: External) -> tuple[Table, ...]:
    """What films of each band are called; none where no column was asked for."""
    if found.banded is None:
        return ()
    rows = _called_rows([(one, one.figures.by_number) for one in found.tested])
    title = f"What the films are called, by {found.banded.column}"
    notes = (f"{_BOTH} A band holds its lower edge, not its upper one.",)
    return (Table("bands", title, _called_columns(found.banded.column), rows, notes),)


def changes(found: External) -> Table:
    """Accuracy at home and outside, and what lies between."""
    rows = tuple(
        (one.figures.title, *_change(change))
        for one in found.tested
        for change in one.figures.changes
    )
    columns = (
        *("configuration", "share that is right", "n, home", "at home %", "95 % interval"),
        *("n, outside", "outside %", "95 % interval", "points (95 %)"),
    )
    notes = (
        f"{INTERVALS} {_HOLLOW} Differences resample the groups of both cohorts, each by "
        "itself. At home each film is judged by the one network that did not learn from it, "
        "outside by all of them together.",
    )
    return Table("changes", "At home and outside", columns, rows, notes)


def ensembles(found: External) -> Table:
    """The ensemble beside its single networks."""
    rows = tuple(
        (
            one.figures.title,
            str(one.figures.n),
            str(one.figures.n_groups),
            percented(one.figures.changes[0].outside),
            percent_range(wilson.low, wilson.high),
            *_singles(one.figures.single_accuracy),
            f"{one.figures.disagreeing} of {one.figures.n}",
            decimal(one.figures.temperature, 2),
        )
        for one in found.tested
        for wilson in [one.figures.accuracy_wilson]
    )
    columns = (
        *("configuration", "films", "groups", "right %, all together (95 %, groups)", "Wilson"),
        *("single networks %", "lowest–highest", "films they call differently", "temperature"),
    )
    notes = (
        "The temperature is the study's, of its out-of-fold answers; nothing was fitted to these "
        "films.",
    )
    return Table("ensembles", "All networks together, and one by one", columns, rows, notes)


def confusion(one: Tested, number: int) -> Table:
    """What is taken for what by one configuration; rows are the labels that the films have."""
    names = one.figures.table.labels.names
    rows = tuple(
        (name, *map(str, row.tolist()), str(int(row.sum())))
        for name, row in zip(names, one.figures.confusion, strict=True)
        if row.sum()
    )
    columns = ("truth", *(f"called {name}" for name in names), "films")
    return Table(
        f"confusion-{number}", f"What is taken for what: {one.figures.title}", columns, rows
    )


def areas(found: External) -> tuple[Table, ...]:
    """How well probabilities tell the labels apart that the films have."""
    rows = tuple(
        (one.figures.title, area.label, str(area.n), str(area.n_others), *decimal_cells(area.auc))
        for one in found.tested
        for area in one.figures.areas
    )
    columns = ("configuration", "label", "its films", "others", "AUC", "95 % interval")
    if not rows:
        return ()
    return (Table("areas", "A label's films told from the others", columns, rows, (INTERVALS,)),)


def calibration(found: External) -> Table:
    """How true probabilities are outside."""
    rows = []
    for one in found.tested:
        both = (
            ("as they came", one.figures.as_they_came),
            ("study's temperature", one.figures.calibrated),
        )
        for what, scores in both:
            rows.append(
                (
                    *(one.figures.title, what, str(scores.n)),
                    *(percent(scores.mean_confidence), percent(scores.accuracy)),
                    f"{decimal(scores.ece.value)} ({span(scores.ece, 3)})",
                    *(decimal(scores.ece_if_calibrated), decimal(scores.ece_p_value)),
                    decimal(scores.brier.value),
                    decimal(scores.log_loss.value),
                )
            )
    columns = (
        *("configuration", "probabilities", "films", "sure %", "right %", "ECE (95 %)"),
        *("ECE if calibrated", "p", "Brier", "log loss"),
    )
    return Table(
        "calibration", "How true the probabilities are", columns, tuple(rows), (INTERVALS,)
    )


def refusals(found: External) -> Table:
    """How many films would get no single label, and how many would be taken for strangers."""
    rows = []
    for one in found.tested:
        sets, title = one.figures.sets, one.figures.title
        n_single = round(sets.n * sets.singletons.value)
        for what, share in (
            ("set without a label", sets.empty),
            ("set of one label", sets.singletons),
            ("that one label is right", sets.answered_right),
            ("set of several labels", sets.several),
            ("set holds the true label", sets.coverage),
        ):
            n = n_single if share is sets.answered_right else sets.n
            rows.append((title, what, str(n), *share_cells(share), _at_home(one, what)))
        rows.append((title, "unlike the study's films", *_refused(one)))
    columns = ("configuration", "films", "n", "outside %", "95 % interval", "at home %")
    alpha = found.tested[0].figures.sets.alpha
    why = [
        f"{one.figures.title}: {one.figures.refused.why}."
        for one in found.tested
        if isinstance(one.figures.refused, NotRun)
    ]
    notes = (
        f"Sets promise {100 * (1 - alpha):g} % for films like the study's, by label, and nothing "
        "for others. Unlike the study's films: half of the networks' detectors or more say so; at "
        f"home, the detector of the fold that was tested. {INTERVALS} {_HOLLOW}",
        *why,
    )
    return Table("refusals", "Who would get no answer", columns, tuple(rows), notes)


def _called_columns(what: str) -> tuple[str, ...]:
    return (
        *("configuration", what, "n", "groups", "called", "films called so"),
        *("share %", "95 %, groups", "95 %, Wilson", "mean probability %"),
    )


def _called_rows(
    parts: Sequence[tuple[Tested, Sequence[Among]]],
) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (one.figures.title, among.name, str(among.n), str(among.n_groups), *_called(label))
        for one, every in parts
        for among in every
        for label in (among.called or (None,))
    )


def _called(one: Called | None) -> tuple[str, ...]:
    if one is None:
        return (NONE,) * 6
    wilson = percent_range(one.wilson.low, one.wilson.high)
    return (one.label, str(one.n), *share_cells(one.share), wilson, percent(one.mean_probability))


def _change(one: Change) -> tuple[str, ...]:
    home, outside = share_cells(one.home), share_cells(one.outside)
    return (one.what, str(one.n_home), *home, str(one.n_outside), *outside, points(one.difference))


def _singles(each: Sequence[float]) -> tuple[str, str]:
    return percent(sum(each) / len(each)), percent_range(min(each), max(each))


def _refused(one: Tested) -> tuple[str, str, str, str]:
    found = one.figures.refused
    if isinstance(found, NotRun):
        return (NONE, "not run", NONE, NONE)
    return (str(found.n), *share_cells(found.share), percent(found.home))


def _at_home(one: Tested, what: str) -> str:
    home = one.figures.sets.home
    if isinstance(home, NotRun):
        return NONE
    sizes = home.sizes
    return percent(
        {
            "set without a label": sizes.empty,
            "set of one label": sizes.singletons,
            "that one label is right": sizes.singletons_right.value,
            "set of several labels": max(0.0, 1 - sizes.empty - sizes.singletons),
            "set holds the true label": home.coverage.value,
        }[what]
    )
