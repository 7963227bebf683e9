"""Letters → markers and rows of text, by how many stand in a row.

One or two letters that are tall enough to be lead are a marker; three or more of like height, side
by side, are text, and only beside two sure ones a doubtful letter is one. Anything else, a single
small bright speck above all, is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spondyl.data.artefacts.lettering import Letter

_ROW_FROM, _SURE_FROM = 3, 2
"""Letters of a row of text, and how many of them must be sure."""
_LEAD = 0.018
"""Height of a marker as a share of the longer side, at least."""
_GAP = 1.4
"""Between letters of a row, as a share of their height; a space between words is one."""
_ALIKE = 1.7
"""How many times as high one letter of a row may be as another."""


@dataclass(frozen=True, slots=True)
class Word:
    """Letters in a row, in pixels of the copy."""

    letters: tuple[Letter, ...]
    """From left to right."""

    @property
    def top(self) -> int:
        """Its first row."""
        return min(letter.top for letter in self.letters)

    @property
    def left(self) -> int:
        """Its first column."""
        return min(letter.left for letter in self.letters)

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return max(letter.bottom for letter in self.letters)

    @property
    def right(self) -> int:
        """The first column to its right."""
        return max(letter.right for letter in self.letters)

    @property
    def count(self) -> int:
        """Its letters, those that touch counted by their width."""
        return sum(letter.count for letter in self.letters)


def markers_and_text(
    letters: Sequence[Letter], longer: int
) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """(markers, rows of text) of a copy whose longer side is `longer` pixels; from top to bottom,
    left to right."""
    words = sorted(_words(letters), key=lambda word: (word.top, word.left))
    text = tuple(word for word in words if word.count >= _ROW_FROM)
    few = (word for word in words if word.count < _ROW_FROM)
    return tuple(word for word in few if _lead(word, longer)), text


def _lead(word: Word, longer: int) -> bool:
    return word.bottom - word.top >= _LEAD * longer


def _words(letters: Sequence[Letter]) -> list[Word]:
    """Rows of letters without what is doubtful in them, unless enough of a row is sure."""
    words = []
    for row in _rows(letters):
        sure = [letter for letter in row.letters if letter.sure]
        if sum(letter.count for letter in sure) >= _SURE_FROM:
            words.append(row)
        else:
            words += [Word((letter,)) for letter in sure]
    return words


def _rows(letters: Sequence[Letter]) -> list[Word]:
    """The letters, those that stand side by side together."""
    rows: list[list[Letter]] = []
    for letter in sorted(letters, key=lambda one: (one.left, one.top)):
        joined = [row for row in rows if any(_beside(other, letter) for other in row)]
        rows = [row for row in rows if row not in joined]
        rows.append([*(other for row in joined for other in row), letter])
    return [Word(tuple(sorted(row, key=lambda one: (one.left, one.top)))) for row in rows]


def _beside(a: Letter, b: Letter) -> bool:
    """Whether two letters stand in one row."""
    low, high = sorted((a.height, b.height))
    shared = min(a.bottom, b.bottom) - max(a.top, b.top)
    gap = max(a.left, b.left) - min(a.right, b.right)
    return high <= _ALIKE * low and shared >= 0.5 * low and gap <= _GAP * low
