"""Everything that is wrong with a set of films, and what it is made of, before any study begins.

A finding is not a failure: whoever asks gets the whole list, and decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from spondyl.data import cohort
from spondyl.data.duplicates import finding as duplicates
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.data.labels import LabelSet
from spondyl.data.radiograph import Radiograph
from spondyl.errors import Problem
from spondyl.progress import Track, silently


@dataclass(frozen=True, slots=True)
class Findings:
    """What `check` found at a path."""

    path: Path
    labels: LabelSet
    films: tuple[Radiograph, ...]
    """Those that can be used."""
    problems: tuple[Problem, ...]
    ignored: tuple[str, ...]
    """Files and columns passed over as none of ours."""
    duplicate_groups: tuple[DuplicateGroup, ...]
    overruled: tuple[str, ...] = ()
    """Where a film's DICOM header contradicts what was stated of it, which was kept."""

    @property
    def counts(self) -> dict[str, int]:
        """Usable films by label, in label order."""
        return cohort.Cohort(self.path, self.labels, self.films).counts

    @property
    def facts(self) -> dict[str, Any]:
        """What the films are like and what was stated of them."""
        return {
            "formats": _counted(film.file.format for film in self.films),
            "modes": _counted(film.file.mode for film in self.films),
            "width_px": _spread([film.file.width for film in self.films]),
            "height_px": _spread([film.file.height for film in self.films]),
            "bytes": sum(film.file.n_bytes for film in self.films),
            "groups": len({film.group_id for film in self.films}),
            "views": _counted(film.view for film in self.films),
            "sexes": _counted(film.sex for film in self.films),
            "age_years": _spread(
                [film.age_years for film in self.films if film.age_years is not None]
            ),
            "not_stated": cohort.not_stated(self.films),
            "ignored": list(self.ignored),
        }

    def as_dict(self) -> dict[str, Any]:
        """The findings as a JSON document."""
        return {
            "schema_version": 1,
            "n": len(self.films),
            "counts": self.counts,
            "facts": self.facts,
            "problems": [asdict(problem) for problem in self.problems],
            "overruled": list(self.overruled),
            "duplicate_groups": [list(group.image_ids) for group in self.duplicate_groups],
            "duplicate_evidence": [
                asdict(link) for group in self.duplicate_groups for link in group.links
            ],
        }

    def lines(self) -> Iterator[str]:
        """The findings for a person."""
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        yield f"{self.path}: {len(self.films)} films that can be used ({counts})"
        yield from (f"  {name}: {_said(value)}" for name, value in self.facts.items())
        yield f"problems: {len(self.problems)}"
        for problem in self.problems:
            yield f"  {problem}"
            yield f"    hint: {problem.hint}"
        if self.overruled:
            yield f"DICOM headers that contradict what was stated: {len(self.overruled)}"
            yield from (f"  {said}" for said in self.overruled)
        yield f"films that occur more than once: {len(self.duplicate_groups)} groups"
        for group in self.duplicate_groups:
            yield f"  {' = '.join(group.image_ids)}"
            yield from (f"    {link}" for link in group.links)


def check(path: Path, labels: LabelSet, folds: int, track: Track = silently) -> Findings:
    """Looks at every film at `path`, decoding it, and at all of them for films that occur twice.

    `folds` is how many folds a study would have; a class with fewer groups than that is a problem.
    Raises `SpondylError` only where nothing can be listed.
    """
    survey = cohort.survey(path, labels, track=track)
    groups = duplicates.find_in(survey.radiographs, track)
    found = cohort.Cohort(survey.root, labels, survey.radiographs)
    films = found.with_groups(duplicates.groups_of(found.group_ids, groups)).radiographs
    problems = (*survey.problems, *cohort.too_few_groups(films, labels, folds))
    return Findings(path, labels, films, problems, survey.ignored, groups, survey.overruled)


def _counted(values: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    """Lowest, median and highest; None for no values."""
    if not values:
        return None
    return {"lowest": min(values), "median": median(values), "highest": max(values)}


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {said}" for name, said in value.items())
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "not stated" if value is None else str(value)
