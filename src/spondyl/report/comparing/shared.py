"""The films on which rows are held against each other: those that all of them were tested on.

Decision: runs on one cohort have to stand on one set of splits, which their hashes prove; a run on
other films (cropped to the spine, say, without the films that have no mask) cannot, and is compared
on the films in common, of which the page says that they were divided otherwise. Films that any run
puts into one group are in one group here, so a run that looked for no copies makes nothing more
independent. The price: a film that one row lacks is lost to all rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spondyl.errors import Problem, SpondylError
from spondyl.learn.predictions import PredictionTable
from spondyl.report.comparing.sources import Row, Source

_SAME_SPLITS = "Run it again with the seed, folds and cohort of the others."


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Tables of the same films, labels and groups, rows in one order."""

    rows: tuple[Row, ...]
    """Those that were run."""
    tables: tuple[PredictionTable, ...]
    """Of each, the films in common."""
    n_groups: int
    cohorts: tuple[str, ...]
    """Their hashes, each once."""
    splits: tuple[str, ...]
    """Likewise."""
    regrouped: bool
    """Whether some run divides the films in common into other groups than another."""
    by_name_only: tuple[str, ...]
    """Ensembles on cohorts that no given study has: their films are known by their names alone."""

    @property
    def named(self) -> tuple[tuple[str, PredictionTable], ...]:
        """Name and table of each row."""
        return tuple((row.name, table) for row, table in zip(self.rows, self.tables, strict=True))

    @property
    def alike(self) -> tuple[tuple[Row, ...], ...]:
        """Rows that give every film the very same logits, two or more together."""
        found: dict[bytes, list[Row]] = {}
        for row, table in zip(self.rows, self.tables, strict=True):
            found.setdefault(table.logits.tobytes(), []).append(row)
        return tuple(tuple(rows) for rows in found.values() if len(rows) > 1)

    @property
    def n_films(self) -> int:
        """Films in common."""
        return len(self.tables[0])


def of(rows: Sequence[Row]) -> Shared:
    """The films that all finished `rows` were tested on. Raises `SpondylError` for other labels or
    truths, other films under one name, other splits of one cohort, and fewer than two groups."""
    finished = tuple(row for row in rows if row.table is not None)
    tables = [row.table for row in finished if row.table is not None]
    sources = list(dict.fromkeys(source for row in finished for source in row.sources))
    problems = [*_labels(sources), *_splits(sources), *_files(sources)]
    if problems:
        raise SpondylError.of(problems, "the runs")
    common = set.intersection(*(set(table.image_ids) for table in tables))
    order = [image_id for image_id in tables[0].image_ids if image_id in common]
    groupings = [{i: source.groups[i] for i in order} for source in sources]
    groups = joined(order, groupings)
    if len(set(groups.values())) < 2:
        raise SpondylError(
            f"{len(order)} films in common in {len(set(groups.values()))} groups: nothing to "
            "compare",
            "Compare runs of the same films; names and folders of films have to agree.",
        )
    taken = tuple(_taken(table, order, groups) for table in tables)
    _refuse_other_truths(finished, taken)
    known = {source.cohort_sha256 for source in sources if source.files}
    return Shared(
        finished,
        taken,
        len(set(groups.values())),
        tuple(dict.fromkeys(source.cohort_sha256 for source in sources)),
        tuple(dict.fromkeys(source.splits_sha256 for source in sources)),
        any(_parts(grouping) != _parts(groups) for grouping in groupings),
        tuple(one.name for one in sources if one.cohort_sha256 not in known),
    )


def joined(order: Sequence[str], groupings: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Image id → group: films that any grouping puts together are together, and so are those that a
    chain of such films joins. A group is called by the first of its ids, in code point order."""
    leader = {image_id: image_id for image_id in order}

    def found(image_id: str) -> str:
        while leader[image_id] != image_id:
            image_id = leader[image_id]
        return image_id

    for grouping in groupings:
        first: dict[str, str] = {}
        for image_id in order:
            ends = sorted((found(first.setdefault(grouping[image_id], image_id)), found(image_id)))
            leader[ends[1]] = ends[0]
    return {image_id: found(image_id) for image_id in order}


def _parts(grouping: Mapping[str, str]) -> set[frozenset[str]]:
    """The groups as sets of films, whatever they are called."""
    films: dict[str, set[str]] = {}
    for image_id, group in grouping.items():
        films.setdefault(group, set()).add(image_id)
    return {frozenset(one) for one in films.values()}


def _taken(
    table: PredictionTable, order: Sequence[str], groups: Mapping[str, str]
) -> PredictionTable:
    row_of = {image_id: row for row, image_id in enumerate(table.image_ids)}
    taken = table.taken([row_of[image_id] for image_id in order])
    return replace(taken, group_ids=tuple(groups[image_id] for image_id in order))


def _labels(sources: Sequence[Source]) -> list[Problem]:
    first = sources[0]
    return [
        Problem(
            other.name,
            f"has the labels {', '.join(other.labels.names)}, and {first.name} "
            f"{', '.join(first.labels.names)}",
            "Only runs of one task can be compared: the same labels in the same order.",
        )
        for other in sources[1:]
        if other.labels.names != first.labels.names
    ]


def _splits(sources: Sequence[Source]) -> list[Problem]:
    first: dict[str, Source] = {}
    return [
        Problem(other.name, f"has other splits of the same films than {known.name}", _SAME_SPLITS)
        for other in sources
        if (known := first.setdefault(other.cohort_sha256, other)).splits_sha256
        != other.splits_sha256
    ]


def _files(sources: Sequence[Source]) -> list[Problem]:
    known: dict[str, tuple[str, str]] = {}
    problems = []
    for source in sources:
        differing = [
            image_id
            for image_id, sha256 in source.files.items()
            if known.setdefault(image_id, (sha256, source.name))[0] != sha256
        ]
        if differing:
            problems.append(
                Problem(
                    source.name,
                    f"has other files under the names of {len(differing)} films of "
                    f"{known[differing[0]][1]}",
                    "Films are compared by name, so one name has to mean one file.",
                )
            )
    return problems


def _refuse_other_truths(rows: Sequence[Row], tables: Sequence[PredictionTable]) -> None:
    problems = [
        Problem(
            row.name,
            f"gives {n} films another label than {rows[0].name} does",
            "Only runs that agree about the truth can be compared.",
        )
        for row, table in zip(rows, tables, strict=True)
        if (n := int((table.truth != tables[0].truth).sum()))
    ]
    if problems:
        raise SpondylError.of(problems, "the runs")
