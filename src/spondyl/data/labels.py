"""The classes of a cohort, in the one order that every column of every table keeps.

Folders and manifests spell the same class in many ways; a spelling is an alias in this table and
never a special case in a reader. Spelling is compared without case, spaces and punctuation.

A film may have several findings. Each combination is then a label of its own ("scoliosis +
spondylolisthesis"), the label powerset of Tsoumakas & Katakis 2007 (Int. J. Data Warehousing and
Mining 3(3):1), so that every column of every table still is one label and each film has one. The
price: a combination that no label names cannot be predicted, and rare ones have few films each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from spondyl.errors import SpondylError

NORMAL, SCOLIOSIS, SPONDYLOLISTHESIS = "normal", "scoliosis", "spondylolisthesis"

KNOWN_SPELLINGS: dict[str, tuple[str, ...]] = {
    NORMAL: ("NormalFinal", "N", "healthy", "no finding"),
    SCOLIOSIS: ("ScolFinal", "scol", "AIS", "Scoliosis Final"),
    SPONDYLOLISTHESIS: (
        "SpondFinal",
        "spond",
        "olisthesis",
        "listhesis",
        "Spondylolisthesis Final",
    ),
}

TOGETHER = " + "
"""Stands between the findings of a label that is a combination."""
_BETWEEN = re.compile("[;+]")
"""What a folder or manifest may write between the findings of one film."""


def plain(text: str) -> str:
    """`text` without case, spaces and punctuation, as spellings are compared."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _spellings(name: str) -> frozenset[str]:
    return frozenset(map(plain, (name, *KNOWN_SPELLINGS.get(name, ()))))


def spelled_alike(spelling: str, name: str) -> bool:
    """Whether `spelling` is one under which `name` is known."""
    return plain(spelling) in _spellings(name)


def is_finding(name: str) -> bool:
    """Whether `name` says that something was found: whether it is no spelling of normal."""
    return not spelled_alike(name, NORMAL)


def _parts(name: str) -> frozenset[str]:
    """The findings of a label, spelled plainly; one for a label that is no combination."""
    return frozenset(map(plain, name.split(TOGETHER)))


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Label names in order, and the spellings under which folders and manifests know them."""

    names: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...] = ()
    """(plain spelling, name) pairs."""

    @classmethod
    def of(cls, names: Iterable[str]) -> LabelSet:
        """Labels in the given order, with the spellings known for them.

        Raises `SpondylError` for fewer than two names, an empty one, two that read alike, and a
        combination that is none: of one finding, or with normal among them.
        """
        ordered = tuple(names)
        alone = {frozenset({plain(name)}) for name in ordered}
        parts = {_parts(name) for name in ordered}
        empty = any("" in found for found in alone | parts)
        if len(ordered) < 2 or empty or min(len(alone), len(parts)) < len(ordered):
            raise SpondylError(
                f"labels {', '.join(map(repr, ordered)) or '(none)'}: two or more different names "
                "are needed",
                "For example: normal,scoliosis,spondylolisthesis.",
            )
        _refuse_impossible(ordered)
        spellings = [
            (plain(spelling), name)
            for name in ordered
            for spelling in (name, *KNOWN_SPELLINGS.get(name, ()))
        ]
        return cls(ordered, tuple(dict.fromkeys(spellings)))

    def __len__(self) -> int:
        return len(self.names)

    def column(self, name: str) -> int:
        """The column of label `name` in every table: 0 … len - 1."""
        return self.names.index(name)

    def resolve(self, spelling: str) -> str | None:
        """The label that `spelling` stands for, or None where it is not one of ours.

        Findings with a semicolon or a plus between them stand for their combination, in any order.
        """
        known = dict(self.aliases).get(plain(spelling))
        if known is None and (found := self.together(spelling)):
            alike = (name for name in self.names if set(name.split(TOGETHER)) == set(found))
            known = next(alike, None)
        return known

    @property
    def findings(self) -> tuple[str, ...]:
        """What a film may have, each by itself: combinations are taken apart, normal is none."""
        parts = (part for name in self.names for part in name.split(TOGETHER))
        return tuple(dict.fromkeys(filter(is_finding, parts)))

    @property
    def combinations(self) -> tuple[str, ...]:
        """The labels that are of more than one finding."""
        return tuple(name for name in self.names if TOGETHER in name)

    def holding(self, finding: str) -> tuple[bool, ...]:
        """Of each label whether `finding` is, or is among, what it says."""
        return tuple(finding in name.split(TOGETHER) for name in self.names)

    def together(self, spelling: str) -> tuple[str, ...]:
        """The findings of ours that `spelling` names, in our order, where it names nothing else;
        whether or not their combination is one of our labels."""
        said = {plain(part) for part in _BETWEEN.split(spelling)}
        meant = {name: said & _spellings(name) for name in self.findings}
        if said - frozenset().union(*meant.values()):
            return ()
        return tuple(name for name, found in meant.items() if found)


def _refuse_impossible(names: Iterable[str]) -> None:
    """Raises `SpondylError` for combinations of one finding, or with normal among them."""
    for name in names:
        parts = name.split(TOGETHER)
        if len(parts) > len(_parts(name)) or (len(parts) > 1 and not all(map(is_finding, parts))):
            raise SpondylError(
                f"label {name!r}: not a combination of different findings",
                "For example: scoliosis + spondylolisthesis. A film without any is normal.",
            )


SPINE_LABELS = LabelSet.of((NORMAL, SCOLIOSIS, SPONDYLOLISTHESIS))
