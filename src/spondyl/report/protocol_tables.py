"""What a choice of protocol or of stopping is worth, on the films of one study.

Where both protocols ran, the difference between them is what the paper's shortcut gains: its judged
fold also chose the epoch. Where a head was trained epoch by epoch and also solved, the difference
is what stopping early costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.report.summary import Scored
from spondyl.report.tables import Table, percent
from spondyl.trust.intervals import compare


def shortcut(scored: Sequence[Scored]) -> Table | None:
    """`paper` against `nested` for each network and strategy that ran under both; None for none."""
    by_name = {
        (one.outcome.configuration.network, one.outcome.configuration.strategy, protocol): one
        for one in scored
        for protocol in [one.outcome.configuration.protocol]
    }
    rows = []
    for (network, strategy, protocol), nested in by_name.items():
        paper = by_name.get((network, strategy, "paper"))
        if protocol != "nested" or paper is None:
            continue
        gain = 100 * (paper.pooled.accuracy - nested.pooled.accuracy)
        pair = compare(paper.name, paper.table, nested.name, nested.table)
        rows.append(
            (
                f"{network} · {strategy}",
                percent(nested.pooled.accuracy),
                percent(paper.pooled.accuracy),
                f"{gain:+.1f}",
                str(pair.decided_by),
                f"{pair.p_value:.3f}",
            )
        )
    if not rows:
        return None
    columns = ("network and strategy", "nested %", "paper %", "difference", "decided by", "p")
    notes = (
        "Under “paper” the fold that is judged also steered the schedule and chose the epoch, and "
        "the films that steer under “nested” were learned from. Points of accuracy; exact McNemar "
        "on one film per group, not corrected.",
    )
    return Table("protocols", "What the protocol's shortcut is worth", columns, tuple(rows), notes)
