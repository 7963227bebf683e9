"""What a report is made of: plain records that whoever ran the study fills in.

Decision: the report never reaches for a cohort, a network or a clock. It composes what it is given,
so the same contents make the same report anywhere, and an old study can be reported again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spondyl.data.labels import LabelSet
from spondyl.data.radiograph import Radiograph
from spondyl.learn.outcome import Outcome
from spondyl.report.published import Published
from spondyl.report.tables import Table


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Films of a label, and distinct groups among them."""

    label: str
    n_films: int
    n_groups: int


@dataclass(frozen=True, slots=True)
class CohortFacts:
    """What is known of the films of a study."""

    name: str
    """A folder's or a data set's name, as it shall be shown."""
    sha256: str
    n_films: int
    n_groups: int
    classes: tuple[ClassCount, ...]
    sexes: tuple[tuple[str, int], ...] = ()
    """Films by sex, "not stated" among them; likewise the views."""
    views: tuple[tuple[str, int], ...] = ()
    ages_years: tuple[float, float, float] | None = None
    """Lowest, median and highest of the stated ages; None where none is stated."""
    n_ages: int = 0
    """Films whose age is stated."""
    problems: tuple[str, ...] = ()
    """What was found wrong with the files, and what a reader of the figures must know of them."""

    @classmethod
    def of(
        cls,
        name: str,
        sha256: str,
        labels: LabelSet,
        films: Sequence[Radiograph],
        problems: Sequence[str] = (),
    ) -> CohortFacts:
        """The facts of these films."""
        by_label = {label: [f for f in films if f.label == label] for label in labels.names}
        ages = sorted(film.age_years for film in films if film.age_years is not None)
        middle = (ages[(len(ages) - 1) // 2] + ages[len(ages) // 2]) / 2 if ages else 0.0
        return cls(
            name=name,
            sha256=sha256,
            n_films=len(films),
            n_groups=len({film.group_id for film in films}),
            classes=tuple(
                ClassCount(label, len(found), len({film.group_id for film in found}))
                for label, found in by_label.items()
            ),
            sexes=tuple(sorted(Counter(film.sex for film in films).items())),
            views=tuple(sorted(Counter(film.view for film in films).items())),
            ages_years=(ages[0], middle, ages[-1]) if ages else None,
            n_ages=len(ages),
            problems=tuple(problems),
        )


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Films that were taken for one picture or one patient, and why."""

    image_ids: tuple[str, ...]
    labels: tuple[str, ...]
    """Of each film, in the same order; different ones are a contradiction in the data."""
    evidence: str


@dataclass(frozen=True, slots=True)
class FoldCounts:
    """Films in the three parts of a fold, and groups in the tested one."""

    fold: int
    n_train: int
    n_tune: int
    n_test: int
    n_test_groups: int


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """How the films were divided."""

    scheme: str
    seed: int
    sha256: str
    folds: tuple[FoldCounts, ...]
    groups_disjoint: bool
    """Whether it was proven that no group is in two parts of a fold."""
    n_draws: int = 1
    """How often the films were divided; `folds` are those of all draws, one after the other."""

    @property
    def divided(self) -> str:
        """What the films were divided into, in a few words."""
        n_folds = len(self.folds) // self.n_draws
        said = f"{n_folds} folds" if n_folds > 1 else "hold-out"
        return f"{said}, {self.n_draws} times" if self.n_draws > 1 else said


@dataclass(frozen=True, slots=True)
class GalleryCell:
    """What one configuration said of a film, and its heatmap drawn over the film."""

    configuration: str
    predicted: str
    probability: float
    """Of `predicted`, 0 … 1, not calibrated unless the gallery's caption says so."""
    correct: bool
    jpeg: bytes = b""
    """The overlay; empty for "not drawn"."""
    caption: str = ""
    """Method, layer and the peak that full colour stands for."""


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """A film and what each configuration said of it."""

    image_id: str
    truth: str
    jpeg: bytes
    """The film without anything drawn on it."""
    cells: tuple[GalleryCell, ...]

    @property
    def anchor(self) -> str:
        """What links to the film in a page."""
        return f"film-{hashlib.sha256(self.image_id.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Gallery:
    """Films with their heatmaps, how they were chosen and how their colours are scaled."""

    title: str
    chosen: str
    """For example "3 correct films of each class, drawn with seed 0"."""
    caption: str
    """Legend of the colours: what is hot, and what full colour stands for."""
    rows: tuple[GalleryRow, ...]
    """Films in their order; those of a label stand together where there are `bands`."""
    bands: tuple[tuple[int, ...], ...] = ()
    """Cells of a row that stand side by side in a table, table after table: label by label, to be
    looked through by columns. Empty: film after film, with all that was said of each."""
    expert_column: bool = False
    """Room for "expert's reading" at every film, to be filled in by hand."""
    elsewhere: tuple[GalleryRow, ...] = ()
    """Films that belong here too, and are drawn in a gallery before this one."""


@dataclass(frozen=True, slots=True, eq=False)
class ReportContents:
    """Everything that a report shows; nothing else is read."""

    title: str
    when: str
    """When the study was begun, as text (ISO 8601, UTC)."""
    command: str
    """The command that made the study; "" where it was made from Python."""
    environment: Mapping[str, str]
    """Versions, device, hashes of what was read: name to text, in the order to be shown."""
    cohort: CohortFacts
    splits: SplitFacts
    spec: Mapping[str, Any]
    """The resolved `StudySpec`, defaults included, as plain values."""
    outcomes: tuple[Outcome, ...]
    published: Published | None = None
    duplicates: tuple[DuplicateGroup, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    heatmap_scores: tuple[Table, ...] = ()
    """What the heatmaps are worth: all configurations side by side, then one after the other."""
    extra_tables: tuple[Table, ...] = ()
    """Further tables of the caller's, such as costs."""
    remarks: tuple[str, ...] = field(default=())
    """Sentences for the top of the page, such as "these films are drawn phantoms"."""
