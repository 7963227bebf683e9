"""Tables of how two cohorts differ: what tells them apart, sizes and greys, features, labels."""

from __future__ import annotations

from spondyl.reading.external import External
from spondyl.report.audits.words import INTERVALS, decimal_cells, percented
from spondyl.report.tables import NONE, Table, decimal, percent
from spondyl.trust.external.telling_apart import NotTold, Told
from spondyl.trust.intervals import NotRun


def told(found: External) -> Table:
    """What tells the two cohorts apart, the most telling first."""
    rows = [
        ("no network", *_told(one))
        for one in sorted(found.shift.told, key=lambda one: -one.auc.value)
    ]
    rows += [
        (one.figures.title, *_told(each))
        for one in found.tested
        if not isinstance(one.body, NotRun)
        for each in one.body.told
    ]
    columns = (
        *("seen by", "what is asked", "among", "n, home", "n, outside", "groups"),
        *("AUC", "95 % interval", "p", "p, corrected"),
    )
    notes = (
        "Kernel ridge regression in folds of whole groups; AUC pooled over folds, 0.5 where "
        f"nothing is told. {INTERVALS} p: cohorts dealt anew among groups; corrected by Holm for "
        "all that was asked without a network, and for each network.",
        *_not_told(found),
    )
    return Table("told-apart", "What tells the two cohorts apart", columns, tuple(rows), notes)


def facts(found: External) -> Table:
    """Sizes, shapes and greys side by side."""
    rows = tuple(
        (
            one.name,
            *(
                f"{_short(middle)} ({_short(low)}–{_short(high)})"
                for low, middle, high in (one.home, one.outside)
            ),
            *decimal_cells(one.larger_outside),
        )
        for one in found.shift.facts
    )
    columns = (
        *("of a film", "study: median (5–95 % of films)", "other: median (5–95 %)"),
        *("chance that it is larger outside", "95 % interval"),
    )
    notes = (
        f"{found.shift.n_home} films of the study, {found.shift.n_outside} others. Greys from 0, "
        "black, to 1, white, of a picture of 64 × 64 pixels. A chance of 0.5 is no difference. "
        + INTERVALS,
    )
    return Table("facts", "Sizes, shapes and greys", columns, rows, notes)


def distances(found: External) -> tuple[Table, ...]:
    """How far apart the films lie in features; none where no body was frozen."""
    rows = tuple(
        (
            *(one.figures.title, each.among, str(each.n_home), str(each.n_outside)),
            *(str(each.n_groups), decimal(each.squared, 4), decimal(each.null_high, 4)),
            decimal(each.p_value),
        )
        for one in found.tested
        if not isinstance(one.body, NotRun)
        for each in one.body.distances
    )
    if not rows:
        return ()
    columns = (
        *("features of", "among", "n, home", "n, outside", "groups", "MMD²"),
        *("95 % of dealt cohorts at most", "p"),
    )
    notes = (
        "Squared maximum mean discrepancy of pooled features, unbiased, Gaussian kernel of median "
        "width (Gretton et al. 2012); groups dealt anew. Figures of different networks, or of "
        "different films, are not to be compared with each other.",
    )
    return (Table("distances", "How far apart features lie", columns, rows, notes),)


def shares(found: External) -> Table:
    """Every label's share in both cohorts, and what was said."""
    rows = tuple(
        (
            *(one.figures.title, share.label),
            *(
                f"{percent(share.home)} ({share.n_home})",
                f"{percent(share.outside)} ({share.n_outside})",
            ),
            percent(share.called),
            NONE if share.estimated is None else percented(share.estimated),
        )
        for one in found.tested
        for share in one.labels.labels
    )
    columns = (
        *("configuration", "label", "study % (films)", "other, true % (films)"),
        *("other, called %", "other, estimated from what was called (95 %)"),
    )
    why = [
        f"{one.figures.title}: shares were not estimated: {one.labels.not_estimated}."
        for one in found.tested
        if one.labels.not_estimated
    ]
    notes = (
        "Estimated: the shares that would lead to what was called if films of one label were "
        "called as at home (black box shift estimation, Lipton et al. 2018), without using a label "
        "of the other cohort. Far from the true ones, or below 0 %: not the labels alone shifted.",
        *why,
    )
    return Table("label-shares", "Labels in both cohorts", columns, rows, notes)


def _told(one: Told) -> tuple[str, ...]:
    return (
        *(one.question, one.among, str(one.n_home), str(one.n_outside), str(one.n_groups)),
        *(*decimal_cells(one.auc), decimal(one.p_value), decimal(one.p_corrected)),
    )


def _not_told(found: External) -> tuple[str, ...]:
    bodies = [one.body for one in found.tested if not isinstance(one.body, NotRun)]
    lacking: list[NotTold] = [*found.shift.not_told, *(one for b in bodies for one in b.not_told)]
    among: dict[str, list[str]] = {}
    for one in lacking:
        among.setdefault(f"{one.name} ({{}}): {one.why}", []).append(one.among)
    said = [text.format(", ".join(dict.fromkeys(names))) for text, names in among.items()]
    not_run = [
        f"Features, {one.figures.title}: {one.body.why}."
        for one in found.tested
        if isinstance(one.body, NotRun)
    ]
    return (*([f"Not asked: {'; '.join(said)}."] if said else []), *not_run)


def _short(value: float) -> str:
    """Whole numbers from 100, three digits below."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
