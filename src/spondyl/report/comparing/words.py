"""What a comparison found, in sentences made from its records."""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.report.comparing import pair_tables
from spondyl.report.comparing.compared import Compared, Front
from spondyl.report.comparing.sources import Row
from spondyl.report.result_tables import ALPHA

CONDITIONAL = (
    "All of it is conditional on these trained networks: intervals and p values say what other "
    "films of the same kind would have done to a figure, not what other seeds, folds or hospitals "
    "would have done."
)


def remarks(compared: Compared) -> tuple[str, ...]:
    """What must be known before any figure is read."""
    shared, said = compared.shared, []
    if len(shared.cohorts) > 1:
        said.append(
            f"The runs stand on {len(shared.cohorts)} sets of films, so on other folds too. They "
            f"are compared on the {shared.n_films} films in common; part of a difference between "
            "runs of different sets is the draw of the folds and the films that a network learned "
            "from, and which films one of them lacks was not decided by chance."
        )
    if shared.regrouped:
        said.append(
            "The runs group films differently; films that any of them puts together are one group "
            "here."
        )
    if shared.by_name_only:
        said.append(
            f"{', '.join(shared.by_name_only)}: on a cohort that no study given here has, so films "
            "were matched by their names alone."
        )
    if shared.alike:
        alike = "; ".join(_in_words([str(row.number) for row in rows]) for rows in shared.alike)
        said.append(
            f"Rows {alike}: the very same logits for every film, so one model under several names."
        )
    steered = compared.others_steered
    if steered:
        said.append(
            f"{_names(steered)}: steered by the very films that judge "
            f"{'it' if len(steered) == 1 else 'them'} (protocol paper), so the figures are too "
            "good. "
            + (
                "All rows are so."
                if len(steered) == len(shared.rows)
                else "Shown and tested, and neither called best nor put on a front."
            )
        )
    return tuple(said)


def headline(compared: Compared) -> tuple[str, ...]:
    """The findings, the most important first."""
    shared = compared.shared
    absent = len(compared.rows) - len(shared.rows)
    missing = f"; {absent} more {_were(absent)} not run or not finished" if absent else ""
    return (
        f"{len(shared.rows)} configurations on the same {shared.n_films} films, "
        f"{shared.n_groups} of them distinct{missing}.",
        *_best(compared),
        _tests(compared),
        *(_front(front) for front in compared.fronts),
        "These figures speak of this collection of films only, and not of other hospitals.",
    )


def about_tests() -> tuple[str, ...]:
    """What the tests ask."""
    return (
        "Two rows are compared on the very same films. Films that exactly one of the two gets "
        "right decide (McNemar); probabilities are compared by the AUC (DeLong); differences have "
        "intervals over groups of films.",
        CONDITIONAL,
    )


def front_caption(front: Front) -> str:
    """What a figure of a front shows."""
    named = "; ".join(row.name for row in front.members) or "none"
    lines = "Vertical lines are 95 % Wilson intervals"
    if any(spot.x_interval for spot in front.spots):
        lines += ", horizontal ones 95 % intervals over groups of films"
    lacking = ""
    if front.without:
        numbers = ", ".join(str(row.number) for row in front.without)
        lacking = f" Not drawn for want of the figure: {numbers}."
    better = "left" if front.x_is_better == "lower" else "right"
    return (
        f"Accuracy on distinct films against {front.x_label} (better to the {better}). On the "
        f"front, diamonds: {named}. Nothing drawn here is as good in one and better in the other. "
        f"{lines}; where they overlap, other films might have drawn another front.{lacking}"
    )


def _best(compared: Compared) -> list[str]:
    found = compared.best
    if found is None:
        return []
    top = next(one for one in found.contenders if one.name == found.best)
    others = [name for name in found.members if name != found.best]
    out = [one.name.partition(".")[0] for one in found.contenders if not one.in_set]
    equals = [
        one.name.partition(".")[0]
        for one in found.contenders
        if one.n_right == top.n_right and one is not top
    ]
    tied = f" (rows equal to it: {_in_words(equals)})" if equals else ""
    told = (
        f"Cannot be told from the best ({len(found.members)} of {len(found.contenders)}): "
        f"{_listed(found.members)}."
        if others
        else "Every other row is shown to be less often right than some row here."
    )
    shown = f" Shown to be less often right than another: rows {_in_words(out)}." if out else ""
    return [
        f"Most often right: {found.best}, on {top.n_right} of {found.n_films} distinct films"
        f"{tied}; it was picked for being highest, which flatters it.",
        told + (shown if others else ""),
    ]


def _tests(compared: Compared) -> str:
    found = compared.pairs
    told = [pair for pair in found.pairs if pair.mcnemar_holm < ALPHA]
    areas = sum(p < ALPHA for pair in found.pairs for p in pair.auc_holm)
    return (
        f"{pair_tables.family(compared)} {len(told)} pairs differ in accuracy, {areas} AUCs differ."
    )


def _front(front: Front) -> str:
    if not front.spots:
        return f"Accuracy against {front.x_label}: not run for any row."
    if len(front.spots) == 1:
        return f"Accuracy against {front.x_label}: known of {front.spots[0].row.name} only."
    return (
        f"On the front of accuracy against {front.x_label}, of {len(front.spots)} rows: "
        f"{_names(front.members)}."
    )


def _names(rows: Sequence[Row]) -> str:
    return _listed([row.name for row in rows])


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names)


def _in_words(numbers: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(numbers[:-1]), numbers[-1])))


def _were(n: int) -> str:
    return "was" if n == 1 else "were"
