"""What is compared: the folders of studies and of ensembles, and a row for each configuration.

Decision: a configuration that stands in two runs with the very same trials is one experiment and
has one row, whatever the folders are called. One that was not run, or is not finished, has a row
too, with its reason. Where the films of a study were divided several times the first draw counts,
whose networks also explain and travel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spondyl.data.labels import LabelSet
from spondyl.errors import SpondylError
from spondyl.learn import members
from spondyl.learn import study as studies
from spondyl.learn.outcome import Outcome
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.study import STUDY, Study
from spondyl.report.ensembles import record as ensembles
from spondyl.report.ensembles.record import ENSEMBLE, Ensemble


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A folder of results."""

    name: str
    """The folder's name, numbered where several are called so."""
    folder: Path
    of: Study | Ensemble

    @property
    def cohort_sha256(self) -> str:
        """Hash of films, labels and groups."""
        return self.of.cohort.sha256 if isinstance(self.of, Study) else self.of.cohort_sha256

    @property
    def splits_sha256(self) -> str:
        """Hash of who was learned from and who was judged."""
        return self.of.splits.sha256 if isinstance(self.of, Study) else self.of.splits_sha256

    @property
    def labels(self) -> LabelSet:
        """In the order of columns."""
        return self.of.cohort.labels if isinstance(self.of, Study) else self.of.predictions.labels

    @property
    def files(self) -> Mapping[str, str]:
        """Image id → SHA-256 of the film's file; an ensemble keeps none."""
        if not isinstance(self.of, Study):
            return {}
        return {film.image_id: film.file.sha256 for film in self.of.cohort.radiographs}

    @property
    def groups(self) -> Mapping[str, str]:
        """Image id → group id."""
        if isinstance(self.of, Study):
            return {film.image_id: film.group_id for film in self.of.cohort.radiographs}
        table = self.of.predictions
        return dict(zip(table.image_ids, table.group_ids, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One configuration of a study, or an ensemble."""

    number: int
    """From 1, in the order of the page."""
    called: str
    sources: tuple[Source, ...]
    """The first one names it; the others hold the same trials."""
    of: Outcome | Ensemble

    @property
    def name(self) -> str:
        """As every table and figure names it."""
        return f"{self.number}. {self.called}"

    @property
    def table(self) -> PredictionTable | None:
        """Every film once, judged by networks that had not learned from it; None where not run."""
        return self.of.predictions

    @property
    def is_vote(self) -> bool:
        """Whether it is an ensemble, which is explained by its own command and never audited."""
        return not isinstance(self.of, Outcome)

    @property
    def not_run(self) -> str:
        """Why there are no predictions; "" where there are."""
        if isinstance(self.of, Outcome) and self.of.predictions is None:
            return self.of.not_run or "no predictions"
        return ""

    @property
    def trials(self) -> tuple[str, ...]:
        """Ids of the trials that it is made of."""
        if isinstance(self.of, Outcome):
            return tuple(fold.trial_id for fold in self.of.folds)
        return tuple(one for member in self.of.document["members"] for one in member["trials"])

    @property
    def is_steered(self) -> bool:
        """Whether the judged films also steered (protocol paper), which flatters every figure."""
        if isinstance(self.of, Outcome):
            return self.of.configuration.is_steered
        return any(member["protocol"] == "paper" for member in self.of.document["members"])


def read(folders: Sequence[Path]) -> tuple[Row, ...]:
    """The rows of all folders, in their order. Raises `SpondylError` for a folder that is neither a
    study's nor an ensemble's, or is named twice, and for fewer than two finished rows."""
    resolved = [folder.resolve() for folder in folders]
    for at, folder in enumerate(resolved):
        if folder in resolved[:at]:
            raise SpondylError(f"{folders[at]}: named twice", "Name every run once.")
    names = members.folder_names(resolved)
    sources = [_source(*pair) for pair in zip(names, folders, strict=True)]
    rows = _numbered(_merged([row for source in sources for row in _rows(source)]))
    finished = sum(row.table is not None for row in rows)
    if finished < 2:
        raise SpondylError(
            f"{finished} finished configurations in {len(folders)} runs: nothing to compare",
            "Finish the studies, or name more of them.",
        )
    return rows


def one_named(rows: Sequence[Row], wanted: str) -> Row:
    """The finished row that `wanted` means: its number, its name, or NETWORK/STRATEGY/PROTOCOL from
    the left as much as is needed; `SpondylError` where none or several fit."""
    finished = [row for row in rows if row.table is not None]
    fitting = [row for row in finished if wanted in (str(row.number), row.name, row.called)]
    fitting = fitting or [row for row in finished if _begins(row, wanted)]
    if len(fitting) != 1:
        there = "; ".join(row.name for row in fitting or finished)
        raise SpondylError(
            f"--reference {wanted!r}: {len(fitting) or 'no'} row{'s fit' if fitting else ' fits'}; "
            f"there are: {there}",
            "Write the row's number, or NETWORK/STRATEGY/PROTOCOL.",
        )
    return fitting[0]


def _begins(row: Row, wanted: str) -> bool:
    if not isinstance(row.of, Outcome):
        return False
    one = row.of.configuration
    said = tuple(wanted.split("/"))
    return (one.network, one.strategy, one.protocol)[: len(said)] == said


def _source(name: str, folder: Path) -> Source:
    if (folder / STUDY).is_file():
        return Source(name, folder, studies.load(folder))
    if (folder / ENSEMBLE).is_file():
        return Source(name, folder, ensembles.load(folder))
    raise SpondylError(
        f"{folder}: neither the folder of a study nor of an ensemble",
        "Give folders that `spondyl study run … --out` or `spondyl study ensemble … --out` made.",
    )


def _rows(source: Source) -> list[Row]:
    if isinstance(source.of, Study):
        return [
            Row(0, str(outcome.configuration), (source,), outcome)
            for outcome in source.of.outcomes()
        ]
    return [Row(0, source.of.name, (source,), source.of)]


def _merged(rows: Sequence[Row]) -> list[Row]:
    """Rows of the very same trials made one."""
    kept: dict[object, Row] = {}
    for row in rows:
        # An ensemble of given trials may weigh them in other ways, so it is never another's row.
        same = row.trials if isinstance(row.of, Outcome) and row.table is not None else None
        key: object = same or id(row)
        known = kept.get(key)
        kept[key] = replace(known, sources=(*known.sources, *row.sources)) if known else row
    return list(kept.values())


def _numbered(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Numbers from 1, and the folder's name before what would otherwise be called alike."""
    called = [row.called for row in rows]
    return tuple(
        replace(
            row,
            number=number,
            called=row.called
            if called.count(row.called) == 1
            else f"{row.sources[0].name}: {row.called}",
        )
        for number, row in enumerate(rows, start=1)
    )
