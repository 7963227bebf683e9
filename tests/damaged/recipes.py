"""Which damaged files there are: each is named by its recipe, and the recipe makes it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from random import Random

from damaged.bombs import BOMBS
from damaged.dicom_bombs import BOMBS as DICOM_BOMBS
from damaged.dicom_lies import LIES as DICOM_LIES
from damaged.harm import HARMS, Harm
from damaged.lies import LIES
from damaged.places import PLACES, Place, holding
from damaged.sound import FAMILIES, films

BOMB, PLACE = "bomb", "place"
ALL_BOMBS = BOMBS | DICOM_BOMBS


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one damaged file is made."""

    kind: str
    """A harm, a lie, `BOMB` or `PLACE`."""
    family: str
    """JPEG, PNG, TIFF, DICOM; "any" for a place."""
    name: str
    """The sound film that it is made of, or which bomb or place."""
    chance: str = ""
    """What the harm's choices follow from: seed and number."""

    def __str__(self) -> str:
        return " | ".join((self.kind, self.family, self.name, self.chance)).removesuffix(" | ")

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """The recipe that was printed as `text`."""
        return cls(*text.split(" | "))

    def place(self) -> Place:
        """What to read; files are made when the place is."""
        if self.kind == PLACE:
            return PLACES[self.name]
        return Place(lambda folder: holding(self.content())(folder))

    def content(self) -> bytes:
        """The damaged file's bytes."""
        if self.kind == BOMB:
            return ALL_BOMBS[self.family, self.name]()
        harm = harms(self.family)[self.kind]
        return harm(films()[self.family, self.name], Random(f"{self}"))

    def save(self, path: Path) -> None:
        """The damaged file, to look at."""
        path.write_bytes(self.content())


def harms(family: str) -> dict[str, Harm]:
    """Everything that chance can do to films of a family."""
    return HARMS | (DICOM_LIES if family == "DICOM" else LIES[family])


def places() -> list[Recipe]:
    return [Recipe(PLACE, "any", name) for name in PLACES]


def bombs() -> list[Recipe]:
    return [Recipe(BOMB, family, name) for family, name in ALL_BOMBS]


def chances(seed: int) -> Iterator[Recipe]:
    """Without end: every family and kind of harm in turn, and of each the family's films in
    turn."""
    rng = Random(seed)
    names: dict[tuple[str, str], Iterator[str]] = {}
    for family in FAMILIES:
        known = [name for other, name in films() if other == family]
        for kind in harms(family):
            names[kind, family] = cycle(rng.sample(known, len(known)))
    for number in count():
        for (kind, family), name in names.items():
            yield Recipe(kind, family, next(name), f"{seed}-{number}")
