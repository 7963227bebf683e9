"""Tables of findings that may stand together in one film, each by itself and all at once."""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.report.summary import Scored
from spondyl.report.tables import Table, decimal, percent, percent_range
from spondyl.trust.intervals import Estimate, Interval


def tables(scored: Sequence[Scored]) -> tuple[Table, ...]:
    """Findings one by one, and films as a whole; none where no label is a combination."""
    if not any(one.findings for one in scored):
        return ()
    return (_by_finding(scored), _of_films(scored))


def _by_finding(scored: Sequence[Scored]) -> Table:
    rows = tuple(
        (
            one.name,
            found.finding,
            str(found.n),
            str(found.n_called),
            percent(found.sensitivity.value),
            _percents(found.sensitivity.interval),
            percent(found.specificity.value),
            _percents(found.specificity.interval),
            decimal(found.auc.value),
            f"{decimal(found.auc.interval.low)}–{decimal(found.auc.interval.high)}",
        )
        for one in scored
        if one.findings
        for found in one.findings.scores
    )
    columns = (
        *("configuration", "finding", "films", "called", "sensitivity %", "95 % by groups"),
        *("specificity %", "95 % by groups", "AUC", "95 % by groups"),
    )
    notes = (
        "A finding is called where the most probable label holds it; its probability, which the "
        "AUC ranks, is the sum over all labels that do (label powerset, Tsoumakas & Katakis 2007).",
        "Combinations that are none of the labels cannot be predicted.",
        "Where every film is right the bootstrap has no width; Wilson's intervals stand in "
        "metrics.json.",
    )
    return Table("scores-by-finding", "Scores by finding, pooled over folds", columns, rows, notes)


def _of_films(scored: Sequence[Scored]) -> Table:
    rows = tuple(
        (
            one.name,
            *_with_interval(one.findings.hamming_loss),
            *_with_interval(one.findings.exact_match),
        )
        for one in scored
        if one.findings
    )
    columns = (
        *("configuration", "Hamming loss %", "95 % by groups", "exact match %"),
        "95 % by groups",
    )
    notes = (
        "Hamming loss: share of all pairs of a film and a finding that are wrong. Exact match: "
        "share of films of which every finding is right.",
    )
    return Table("scores-of-combinations", "Films with all their findings", columns, rows, notes)


def _with_interval(estimate: Estimate) -> tuple[str, str]:
    return percent(estimate.value), _percents(estimate.interval)


def _percents(interval: Interval) -> str:
    return percent_range(interval.low, interval.high)
