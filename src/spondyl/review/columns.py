"""The columns of an export and what each means, said once for the table and for its codebook."""

from __future__ import annotations

from spondyl.review.records import Survey

COLUMNS: dict[str, str] = {
    "survey": "Name of the survey.",
    "answer": "Identifier of the answer, unique among all.",
    "reader": "Pseudonym of who answered.",
    "position": "Place of the film in this reader's order, from 1.",
    "item": "The film as it was shown; a repeat is an item of its own.",
    "repeats": "Item of which this one is the same film again; empty for a first time.",
    "why": "Why the film was chosen: wrong, right, sample, repeat.",
    "film": "Picture of the film in the survey's folder.",
    "film_sha256": "SHA-256 of the film's file in the cohort.",
    "truth": "The data set's label; empty where it has none.",
}
"""Columns before the predictions, in order."""

LATER: dict[str, str] = {
    "map": "The heatmap that was asked about; empty for the film alone.",
    "map_kind": "network: its own heatmap; other label, randomised network: decoys.",
    "network": "Configuration whose heatmap it is; a decoy's, of what it pretends to be.",
    "map_label": "The label that the network gave, which the heatmap passes for being of.",
    "map_drawn_label": "The label that the heatmap is really of: another one in the decoy other "
    "label. Empty where the survey was made before this was kept.",
    "map_method": "Method of the heatmap, such as grad-cam. Empty as the column before.",
    "mask": "Letter under which this reader saw it: its place among the item's heatmaps.",
    "phase": "unaided: the film alone; aided: with the heatmap.",
    "question": "Key of the question.",
    "value": "The answer as it was offered; several options have '; ' between them.",
    "seconds": "From when the question was shown until it was answered.",
    "at": "When the server took it, UTC, ISO 8601.",
    "blind": "yes: of the film alone, and no heatmap of that film had been handed to the reader "
    "before, in this item or in one that shows the same film again.",
    "last": "yes: the reader said nothing else to the same question afterwards.",
    "counts": "yes: the one answer to this question that the analysis uses; see which ones count.",
}
"""Columns behind the predictions, in order."""


def described(survey: Survey) -> dict[str, str]:
    """Every column of the export of `survey`, in order, and what it means."""
    return {
        **COLUMNS,
        **{predicted(name): f"Label that {name} gave." for name in configurations(survey)},
        **LATER,
        **{score(name): f"What the score {name} says of the heatmap." for name in scores(survey)},
    }


def predicted(configuration: str) -> str:
    """Column of what a configuration said."""
    return f"predicted {configuration}"


def score(name: str) -> str:
    """Column of a score of heatmaps."""
    return f"score {name}"


def configurations(survey: Survey) -> tuple[str, ...]:
    """All that said something of a film, in the order in which they are met."""
    return tuple(dict.fromkeys(name for item in survey.items for name, _ in item.predicted))


def scores(survey: Survey) -> tuple[str, ...]:
    """Names of all scores of heatmaps, in the order in which they are met."""
    found = (name for item in survey.items for m in item.maps for name, _ in m.scores)
    return tuple(dict.fromkeys(found))
