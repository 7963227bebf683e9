"""Scores of a configuration's heatmaps, film by film, as one long table.

One row says one number: this score, of the maps of this maker, on this film. A maker is a method,
or a baseline that knows nothing of the network's answer. What could not be computed has no row, so
an average never mixes films with gaps. CSV on disk, since a statistician will want to open it.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from spondyl.errors import SpondylError
from spondyl.files import replaced

BASELINES = ("random", "centre", "edges", "untrained")
"""Makers that are no method, in the order of tables."""


@dataclass(frozen=True, slots=True)
class Row:
    """One score of one film."""

    image_id: str
    group_id: str
    label: str
    """The label asked about."""
    maker: str
    """Name of a method (`explaining.METHODS`) or of a baseline."""
    score: str
    """Such as "deletion" or "energy"; a score's chance level is a score of its own, named
    "energy-chance"."""
    value: float


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """All scores of one configuration."""

    rows: tuple[Row, ...]

    def by_film(self, score: str, maker: str) -> Mapping[str, float]:
        """image id → value, for films that have one."""
        return {
            row.image_id: row.value
            for row in self.rows
            if row.score == score and row.maker == maker
        }

    @property
    def makers(self) -> tuple[str, ...]:
        """Methods in the order in which they came, then baselines."""
        found = dict.fromkeys(row.maker for row in self.rows)
        return (
            *(maker for maker in found if maker not in BASELINES),
            *(maker for maker in BASELINES if maker in found),
        )

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the scores in the order in which they came."""
        return tuple(dict.fromkeys(row.score for row in self.rows))

    @property
    def groups(self) -> Mapping[str, str]:
        """image id → group id."""
        return {row.image_id: row.group_id for row in self.rows}


def save(path: Path, rows: Iterable[Row]) -> None:
    """Writes the rows as CSV, whole or not at all; `ValueError` for a value that is no number."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        if not math.isfinite(row.value):
            raise ValueError(f"{row}: leave out what could not be computed")
        writer.writerow(astuple(row))
    with replaced(path) as draft:
        draft.write_text(stream.getvalue(), encoding="utf-8")


def load(path: Path) -> ScoreTable:
    """The table that `save` wrote; `SpondylError` for any other file."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            header, *lines = csv.reader(stream)
        if tuple(header) != _COLUMNS:
            raise ValueError("other columns")
        return ScoreTable(
            tuple(
                Row(image_id, group_id, label, maker, score, float(value))
                for image_id, group_id, label, maker, score, value in lines
            )
        )
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SpondylError(
            f"{path}: not a table of heatmap scores",
            "Run `spondyl study explain` again to make it anew.",
        ) from error


_COLUMNS = tuple(field.name for field in fields(Row))
