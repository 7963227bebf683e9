"""Every film that a network got wrong, as a row: the paper's Figure 7 for any number of readers.

A row quotes; nothing in it is averaged. It holds remarks in the readers' own words, so whoever
publishes it reads it first.
"""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.review.analysis.counting import Counted, Row
from spondyl.review.records import Item, Map, MapKind, Phase


@dataclass(frozen=True, slots=True)
class Said:
    """What one reader answered to one question."""

    reader: str
    question: str
    value: str


@dataclass(frozen=True, slots=True)
class MapCase:
    """One heatmap of the film."""

    map_id: str
    network: str
    label: str
    kind: MapKind
    """Decoys are shown too, and said to be decoys."""
    file: str
    predicted: str | None
    wrong: bool
    """Whether the network missed the data set's label."""
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One film that a network got wrong."""

    item_id: str
    film: str
    truth: str
    """The data set's label."""
    predicted: tuple[tuple[str, str], ...]
    """(configuration, label)."""
    wrong: tuple[str, ...]
    """Configurations that missed the data set's label."""
    said: tuple[Said, ...]
    """Of the film alone, as it was first said."""
    maps: tuple[MapCase, ...]


def cases(counted: Counted) -> tuple[Case, ...]:
    """The wrongly predicted films, in the order of the survey."""
    return tuple(
        _case(counted, item, item.truth, wrong)
        for item in counted.items
        if item.truth is not None and (wrong := wrong_about(item))
    )


def wrong_about(item: Item) -> tuple[str, ...]:
    """Configurations that missed the data set's label; none of a film without one."""
    if item.truth is None:
        return ()
    return tuple(network for network, label in item.predicted if label != item.truth)


def _case(counted: Counted, item: Item, truth: str, wrong: tuple[str, ...]) -> Case:
    return Case(
        item.item_id,
        item.film,
        truth,
        item.predicted,
        wrong,
        _said(counted, Row(item, None), "unaided"),
        tuple(_map_case(counted, item, one, wrong) for one in item.maps),
    )


def _map_case(counted: Counted, item: Item, one: Map, wrong: tuple[str, ...]) -> MapCase:
    return MapCase(
        one.map_id,
        one.network,
        one.label,
        one.kind,
        one.file,
        dict(item.predicted).get(one.network),
        one.network in wrong,
        _said(counted, Row(item, one), "aided"),
    )


def _said(counted: Counted, row: Row, phase: Phase) -> tuple[Said, ...]:
    return tuple(
        Said(reader, question.key, value)
        for question in counted.questions(phase)
        for reader in counted.readers
        if (value := counted.value(reader, row, question)) is not None
    )
