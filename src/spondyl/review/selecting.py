"""The items of a survey, and the heatmaps that have to be made for it.

Choosing sees no picture. What has to be drawn comes back as a list of wishes for whoever has the
networks, and files are called by item, so that no name of a film or of a patient reaches the
survey's folder. A repeat is the same film with the networks' own heatmaps, so that a decoy is never
met twice; its files are those of the first item where they show the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spondyl.errors import SpondylError
from spondyl.review.choosing import Candidate, Choice, Chosen, choose
from spondyl.review.orders import shuffled
from spondyl.review.records import Item, Map, MapKind


@dataclass(frozen=True, slots=True)
class Wish:
    """A heatmap that has to be drawn for the survey."""

    file: str
    """Name of the picture, which repeats may share."""
    image_id: str
    network: str
    """Configuration whose network explains; a decoy's, of whom it pretends to be."""
    label: str
    """The label that readers are told it is for: what the network said."""
    drawn_label: str
    """The label it is to be for: another one in the decoy "other label"."""
    kind: MapKind
    """Of a "randomised network" weights are drawn anew before it explains."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is known of a heatmap once it is drawn."""

    label: str
    """The label that it is really of."""
    method: str
    scores: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The items of a survey, and what is missing until they can be shown."""

    items: tuple[Item, ...]
    """Without what is known of heatmaps only when they are drawn (`as_drawn`)."""
    films: tuple[tuple[str, str], ...]
    """(image_id, file) of the pictures to be drawn, one for each film."""
    wishes: tuple[Wish, ...]
    """The heatmaps to be drawn, one for each file."""


def select(candidates: Sequence[Candidate], labels: Sequence[str], choice: Choice) -> Selection:
    """The items, films and heatmaps of a survey (`choosing.choose` says which).

    Items are numbered in a drawn order, which tells nothing of why they are there; repeats come
    last here, and where `orders` puts them for a reader. Raises `SpondylError` where a
    configuration is unknown, or more is asked for than there is.
    """
    films = choose(candidates, labels, choice)
    if choice.repeats > len(films) or (choice.repeats and len(films) < 2):
        raise SpondylError(
            f"repeats: {choice.repeats} asked for, and there are {len(films)} films",
            "Each film can be repeated once, with another film between.",
        )
    firsts = {
        f"i{number:03}": _item(f"i{number:03}", film, choice)
        for number, film in enumerate(films, 1)
    }
    names = {film.candidate.image_id: item_id for item_id, film in zip(firsts, films, strict=True)}
    again = [
        _again(firsts[first], f"i{number:03}")
        for number, first in enumerate(
            shuffled(firsts, choice.seed, "repeat")[: choice.repeats], len(films) + 1
        )
    ]
    items = (*firsts.values(), *again)
    return Selection(
        items,
        tuple((image_id, firsts[item_id].film) for image_id, item_id in names.items()),
        _wishes(items, {item_id: image_id for image_id, item_id in names.items()}, labels, choice),
    )


def as_drawn(items: Sequence[Item], drawn: Mapping[str, Drawn]) -> tuple[Item, ...]:
    """`items` with what is known of their heatmaps since they were drawn, by file, which repeats
    share; KeyError where one was not drawn."""
    return tuple(
        replace(item, maps=tuple(_as_drawn(m, drawn[m.file]) for m in item.maps)) for item in items
    )


def _as_drawn(m: Map, drawn: Drawn) -> Map:
    return replace(m, drawn_label=drawn.label, method=drawn.method, scores=tuple(drawn.scores))


def _item(item_id: str, film: Chosen, choice: Choice) -> Item:
    said = film.candidate.predicted
    maps = []
    networks = shuffled(choice.configurations, choice.seed, item_id, "map")
    for number, network in enumerate(networks, 1):
        decoy = film.decoy is not None and film.decoy.network == network
        kind: MapKind = film.decoy.kind if decoy and film.decoy else "network"
        map_id = f"{item_id}m{number}"
        maps.append(Map(map_id, network, said[network], kind, f"{map_id}.png"))
    return Item(
        item_id,
        f"{item_id}.png",
        film.candidate.sha256,
        film.candidate.truth,
        tuple((network, said[network]) for network in choice.configurations),
        tuple(maps),
        why=film.why,
    )


def _again(first: Item, item_id: str) -> Item:
    """The same film once more."""
    maps = tuple(
        replace(
            m,
            map_id=(map_id := f"{item_id}m{number}"),
            kind="network",
            file=m.file if m.kind == "network" else f"{map_id}.png",
        )
        for number, m in enumerate(first.maps, 1)
    )
    return replace(first, item_id=item_id, maps=maps, repeats=first.item_id, why="repeat")


def _wishes(
    items: Sequence[Item], image_ids: Mapping[str, str], labels: Sequence[str], choice: Choice
) -> tuple[Wish, ...]:
    wishes: dict[str, Wish] = {}
    for item in items:
        image_id = image_ids[item.repeats or item.item_id]
        for m in item.maps:
            drawn = m.label
            if m.kind == "other label":
                others = [label for label in labels if label != m.label]
                drawn = shuffled(others, choice.seed, m.map_id, "label")[0]
            wish = Wish(m.file, image_id, m.network, m.label, drawn, m.kind)
            wishes.setdefault(m.file, wish)
    return tuple(wishes.values())
