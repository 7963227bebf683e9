"""What each network cost, ours and published ones in their own columns."""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.explain.cost import Cost, seconds_per_epoch
from spondyl.learn.outcome import Outcome
from spondyl.report.published import Published
from spondyl.report.tables import NONE, Table


def costs(
    measured: Sequence[Cost],
    outcomes: Sequence[Outcome],
    hardware: str,
    published: Published | None,
) -> Table:
    """Parameters, multiply-adds and times of each network; the paper's columns where it has any."""
    columns: tuple[str, ...] = (
        "network",
        "size",
        "parameters",
        "G multiply-adds",
        "s per epoch",
        "inference, ms",
        "Grad-CAM, ms",
    )
    rows = tuple(_row(cost, outcomes) for cost in measured)
    notes = [
        f"Ours on {hardware}: medians in batches of 8, for ratios only. Grad-CAM includes the "
        "answer. Seconds per epoch: the slowest strategy that was run epoch by epoch.",
    ]
    if any(cost.heatmap_ms is None for cost in measured):
        notes.append(f"{NONE} for Grad-CAM: a map of so few cells cannot say where.")
    if published:
        columns = (*columns, *(f"{name}, {published.citation}" for name in _THEIRS))
        rows = tuple((*row, *_theirs(row[0], published)) for row in rows)
        notes.append(
            f"{published.citation} measured on a GPU, with about 270 images an epoch; "
            "its times and ours say nothing about each other."
        )
    return Table("costs", "Costs", columns, rows, tuple(notes))


_THEIRS = ("s per epoch", "inference, ms", "Grad-CAM, ms")


def _row(cost: Cost, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    epochs = [
        seconds
        for outcome in outcomes
        if outcome.configuration.network == cost.network
        and (seconds := seconds_per_epoch(outcome)) is not None
    ]
    return (
        cost.network,
        f"{cost.size[0]} × {cost.size[1]}",
        f"{cost.parameters:,}",
        f"{cost.multiply_adds / 1e9:.2f}",
        f"{max(epochs):.2f}" if epochs else NONE,
        f"{cost.inference_ms:.2f}",
        NONE if cost.heatmap_ms is None else f"{cost.heatmap_ms:.2f}",
    )


def _theirs(network: str, published: Published) -> tuple[str, ...]:
    for cost in published.costs:
        if cost.network == network:
            return (
                f"{cost.seconds_per_epoch:.2f}",
                f"{cost.inference_ms:.2f}",
                f"{cost.gradcam_ms:.2f}",
            )
    return (NONE,) * len(_THEIRS)
