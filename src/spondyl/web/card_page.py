"""The model card as a page: the Markdown that `report.cards` writes, and no more of it than that.

A card has headings, warnings, lines and a table, with bold names in them; a whole renderer would
let a card do what ours never does, such as bring HTML along. Whatever is of another form is shown
as the text that it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

Kind = Literal["title", "heading", "warning", "list", "table", "text"]

_BEGINNINGS: tuple[tuple[str, Kind], ...] = (
    ("## ", "heading"),
    ("# ", "title"),
    ("> ", "warning"),
    ("- ", "list"),
    ("|", "table"),
)
_SIGNS = re.compile(r"\\(?P<kept>.)|(?P<bold>\*\*)", re.DOTALL)
_NONE = Markup("")
_CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a card between two empty lines."""

    kind: Kind
    text: Markup = _NONE
    """Of all but lists and tables."""
    items: tuple[Markup, ...] = ()
    """Of a list."""
    rows: tuple[tuple[Markup, ...], ...] = ()
    """Of a table, its head first."""


def blocks(card: str) -> tuple[Block, ...]:
    """The card, part by part, safe to put into a page."""
    parts = (part.strip("\n") for part in re.split(r"\n\s*\n", card))
    return tuple(_block(part) for part in parts if part.strip())


def _block(part: str) -> Block:
    lines = part.split("\n")
    for beginning, kind in _BEGINNINGS:
        if all(line.startswith(beginning) for line in lines):
            bare = [line.removeprefix(beginning) for line in lines]
            if kind == "list":
                return Block(kind, items=tuple(_inline(line) for line in bare))
            if kind == "table":
                rows = (_cells(line) for line in bare)
                return Block(kind, rows=tuple(row for row in rows if not _is_rule(row)))
            return Block(kind, _inline(" ".join(bare)))
    return Block("text", _inline(part))


def _cells(line: str) -> tuple[Markup, ...]:
    return tuple(_inline(cell.strip()) for cell in _CELLS.split(line.strip().removesuffix("|")))


def _is_rule(row: tuple[Markup, ...]) -> bool:
    return all(cell and not cell.strip("-:") for cell in row)


def _inline(text: str) -> Markup:
    """Text with its bold parts; a sign after a backslash is itself."""
    made, is_bold, at = [], False, 0
    for sign in _SIGNS.finditer(text):
        made.append(escape(text[at : sign.start()]))
        at = sign.end()
        if sign["bold"]:
            made.append(Markup("</strong>" if is_bold else "<strong>"))
            is_bold = not is_bold
        else:
            made.append(escape(sign["kept"]))
    made.append(escape(text[at:]))
    return Markup().join([*made, Markup("</strong>")] if is_bold else made)
