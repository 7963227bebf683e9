"""What a configuration said of films it had not been fitted on, one row per film.

Logits are kept beside probabilities because calibration needs them; columns follow the label set
that travels with the table, so no reader has to guess an order.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.data.labels import LabelSet


@dataclass(frozen=True, slots=True, eq=False)
class PredictionTable:
    """Out-of-fold predictions: each film once, rows in the order of the cohort."""

    labels: LabelSet
    image_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    """Equal for films of one patient, and for copies of one film."""
    folds: NDArray[np.int64]
    """(n,) the fold in which the film was tested, from 0."""
    truth: NDArray[np.int64]
    """(n,) column of the true label."""
    logits: NDArray[np.float64]
    """(n, labels), on the scale of the fold's own network."""

    def __post_init__(self) -> None:
        n = len(self.image_ids)
        if len(set(self.image_ids)) < n:
            raise ValueError("a film stands in the table more than once")
        if not (len(self.group_ids) == len(self.folds) == len(self.truth) == n):
            raise ValueError("columns of different length")
        if self.logits.shape != (n, len(self.labels)):
            raise ValueError(f"logits {self.logits.shape} for {n} films, {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, labels) softmax of the logits, each row summing to 1."""
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(n,) column of the largest logit, the first of equals."""
        return self.logits.argmax(axis=1)

    def rows_of_fold(self, fold: int) -> PredictionTable:
        """The part of the table that was tested in `fold`."""
        return self.taken(np.flatnonzero(self.folds == fold).tolist())

    def taken(self, rows: Sequence[int]) -> PredictionTable:
        """The given rows, in the given order."""
        at = np.array(rows, dtype=np.int64)
        return PredictionTable(
            self.labels,
            tuple(self.image_ids[row] for row in rows),
            tuple(self.group_ids[row] for row in rows),
            self.folds[at],
            self.truth[at],
            self.logits[at],
        )

    def one_per_group(self) -> list[int]:
        """The row of each group's film whose id comes first in code point order, whatever was
        predicted; in the order of those ids."""
        chosen: dict[str, int] = {}
        for row in sorted(range(len(self)), key=self.image_ids.__getitem__):
            chosen.setdefault(self.group_ids[row], row)
        return list(chosen.values())

    @classmethod
    def joined(cls, parts: Sequence[PredictionTable], order: Sequence[str]) -> PredictionTable:
        """All rows of `parts` (folds of one configuration) in the given order of image ids."""
        row = {image_id: (part, i) for part in parts for i, image_id in enumerate(part.image_ids)}
        if len(row) < sum(map(len, parts)):
            raise ValueError("a film stands in the parts more than once")
        where = [row[image_id] for image_id in order if image_id in row]
        return cls(
            parts[0].labels,
            tuple(part.image_ids[i] for part, i in where),
            tuple(part.group_ids[i] for part, i in where),
            np.array([part.folds[i] for part, i in where], dtype=np.int64),
            np.array([part.truth[i] for part, i in where], dtype=np.int64),
            np.array([part.logits[i] for part, i in where], dtype=np.float64).reshape(
                len(where), len(parts[0].labels)
            ),
        )


def header(labels: LabelSet) -> list[str]:
    """Column names of a table written as CSV."""
    return [
        *("image_id", "group_id", "fold", "truth", "predicted"),
        *(f"logit_{name}" for name in labels.names),
        *(f"probability_{name}" for name in labels.names),
    ]


def rows(table: PredictionTable) -> list[list[str]]:
    """Rows of a table as text; logits with all their digits, so that reading gives them back."""
    names = table.labels.names
    return [
        [
            *(table.image_ids[i], table.group_ids[i], str(int(table.folds[i]))),
            *(names[table.truth[i]], names[predicted]),
            *(repr(float(value)) for value in table.logits[i]),
            *(f"{value:.6f}" for value in probabilities),
        ]
        for i, (predicted, probabilities) in enumerate(
            zip(table.predicted, table.probabilities, strict=True)
        )
    ]


def as_csv(table: PredictionTable) -> str:
    """The table as CSV text."""
    return csv_text([header(table.labels), *rows(table)])


def csv_text(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells as CSV."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue()


def from_csv(text: str, labels: LabelSet) -> PredictionTable:
    """The table that `as_csv` wrote, logits bit for bit."""
    read = list(csv.DictReader(io.StringIO(text)))
    return PredictionTable(
        labels,
        tuple(row["image_id"] for row in read),
        tuple(row["group_id"] for row in read),
        np.array([int(row["fold"]) for row in read], dtype=np.int64),
        np.array([labels.column(row["truth"]) for row in read], dtype=np.int64),
        np.array(
            [[float(row[f"logit_{name}"]) for name in labels.names] for row in read],
            dtype=np.float64,
        ).reshape(len(read), len(labels)),
    )
