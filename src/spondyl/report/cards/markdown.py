"""Markdown in which no text of ours or of a user's can pass for a command."""

from __future__ import annotations

import re
from collections.abc import Sequence

_COMMANDS = re.compile(r"([\\`*_{}\[\]<>#|])")


def escaped(text: str) -> str:
    """`text` on one line, with everything that Markdown would take for a command written out."""
    return _COMMANDS.sub(r"\\\1", " ".join(text.split()))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with one line for the columns and one for each row, its cells escaped."""
    lines = [columns, ["---"] * len(columns), *([escaped(c) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
