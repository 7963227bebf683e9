"""In which order a reader meets the films, and in which the heatmaps of a film.

An order is a sort by SHA-256 of the survey's seed, the reader's pseudonym and what is ordered: no
generator has a state, and the same survey gives the same orders with every version of Python.
Letters belong to places, not to networks: the first heatmap of an item is A, and which one is first
is drawn anew for each item and reader. A reader could learn within a few films who a constant A is;
the price is that nobody can say afterwards "A was better" without the key that the export holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from string import ascii_uppercase

from spondyl.files import canonical_json
from spondyl.review.records import Item, Map, Survey

FURTHEST = 10
"""Items between a film and its repeat are at least one less than this in a survey that is long
enough."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A heatmap under the letter by which its reader knows it."""

    letter: str
    map: Map


def items(survey: Survey, reader: str) -> tuple[Item, ...]:
    """All items in the order of `reader`; a repeat comes `distance` or more places after its film.

    Orders are drawn until one keeps the distance, which `distance` is small enough to make one in
    some ten.
    """
    firsts = {item.repeats: item for item in survey.items if item.repeats is not None}
    apart = distance(survey.items)
    for attempt in count():
        drawn = sorted(
            survey.items, key=lambda item: draw(survey.seed, reader, attempt, item.item_id)
        )
        place = {item.item_id: at for at, item in enumerate(drawn)}
        for first, repeat in firsts.items():
            a, b = sorted((place[first], place[repeat.item_id]))
            place[first], place[repeat.item_id] = a, b
        if all(place[r.item_id] - place[first] >= apart for first, r in firsts.items()):
            return tuple(sorted(survey.items, key=lambda item: place[item.item_id]))
    raise AssertionError("count() does not end")


def distance(items: Sequence[Item]) -> int:
    """The least number of places from a film to its repeat: 2 … `FURTHEST`, so that another film
    is always between, or 1 where there is no other film.

    A random pair of n is closer than d with probability about 2d/n, so with r repeats and
    d = n / 2r about one order in three is good enough.
    """
    repeats = sum(item.repeats is not None for item in items)
    if not repeats or len(items) - repeats < 2:
        return 1
    return max(2, min(FURTHEST, len(items) // (2 * repeats)))


def maps(survey: Survey, reader: str, item: Item) -> tuple[Masked, ...]:
    """The heatmaps of `item` in the order of `reader`, called A, B, C …"""
    drawn = sorted(
        item.maps, key=lambda m: draw(survey.seed, reader, item.item_id, "map", m.map_id)
    )
    return tuple(Masked(ascii_uppercase[at], m) for at, m in enumerate(drawn))


def draw(*of: str | int) -> str:
    """A number drawn for what is named, 256 bits in hexadecimal: equal names, equal draws."""
    return hashlib.sha256(canonical_json(of).encode()).hexdigest()


def shuffled(names: Iterable[str], *purpose: str | int) -> list[str]:
    """`names` in an order drawn for `purpose`; the order in which they are given is no matter."""
    return sorted(names, key=lambda name: (draw(*purpose, name), name))
