"""The classes of a cohort, in the one order that every column of every table keeps.

Folders and manifests spell the same class in many ways; a spelling is an alias in this table and
never a special case in a reader. Spelling is compared without case, spaces and punctuation.
"""

from __future__ import annotations

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


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Label names in order, and the spellings under which folders and manifests know them."""

    names: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...] = ()
    """(plain spelling, name) pairs."""

    @classmethod
    def of(cls, names: Iterable[str]) -> LabelSet:
        """Labels in the given order, with the spellings known for them.

        Raises `SpondylError` for fewer than two names, an empty one, or two that read alike.
        """
        ordered = tuple(names)
        plain = [_plain(name) for name in ordered]
        if len(ordered) < 2 or not all(plain) or len(set(plain)) < len(plain):
            raise SpondylError(
                f"labels {', '.join(map(repr, ordered)) or '(none)'}: two or more different names "
                "are needed",
                "For example: normal,scoliosis,spondylolisthesis.",
            )
        spellings = [
            (_plain(spelling), name)
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
        """The label that `spelling` stands for, or None where it is not one of ours."""
        return dict(self.aliases).get(_plain(spelling))


SPINE_LABELS = LabelSet.of((NORMAL, SCOLIOSIS, SPONDYLOLISTHESIS))
