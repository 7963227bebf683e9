"""Two cohorts of two centres side by side, without the films that both have.

A film that the study's networks know must not judge them, whatever it is called in the other
cohort, so copies are looked for by picture across both (`data.duplicates`): crops, rescaled and
mirrored ones are found, too. They are left out and counted. The price: the films of both cohorts
are decoded once more, a minute for 819 films on two cores, and what that search misses, this does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spondyl.data.cohort import Cohort
from spondyl.data.duplicates import finding
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.data.duplicates.remembering import RememberedGroups
from spondyl.data.radiograph import Radiograph
from spondyl.errors import SpondylError
from spondyl.progress import Track, silently

_HOME, _OUTSIDE = "home/", "outside/"
"""Before image ids of the two cohorts, which may have the same names."""


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """A study's cohort and another one."""

    home: Cohort
    outside: Cohort
    """The other cohort's films that are no film of the study; copies among them share a group."""
    copies: tuple[str, ...]
    """Image ids in the other cohort of the films that were left out."""

    @property
    def shared_labels(self) -> tuple[str, ...]:
        """Labels that films of both have, in the study's order."""
        here, there = self.home.counts, self.outside.counts
        return tuple(name for name in self.home.labels.names if here[name] and there[name])


def beside(
    home: Cohort, outside: Cohort, cache: Path | None = None, track: Track = silently
) -> Beside:
    """`home`, whose groups are made, beside the films of `outside` that are none of its own; what
    was found is kept in the folder `cache`.

    Both have the same label set; not every label needs a film. Raises `SpondylError` for files that
    cannot be read, and where no film is left: a cohort that is the study's own.
    """
    known = {film.file.sha256 for film in home.radiographs}
    if all(film.file.sha256 in known for film in outside.radiographs):
        raise _is_its_own(len(outside.radiographs))
    films = [
        *_called(_HOME, home.radiographs),
        *_called(_OUTSIDE, outside.radiographs),
    ]
    found = _found(films, cache, track)
    copies = tuple(sorted(one for group in found for one in _copies(group)))
    if len(copies) == len(outside.radiographs):
        raise _is_its_own(len(copies))
    kept = outside.only({film.image_id for film in outside.radiographs} - set(copies))
    among = [one for one in map(_of_outside, found) if one.image_ids]
    groups = finding.groups_of(outside.group_ids, among)
    there = kept.group_ids
    return Beside(home, kept.with_groups({name: groups[name] for name in there}), copies)


def _found(
    films: Sequence[Radiograph], cache: Path | None, track: Track
) -> tuple[DuplicateGroup, ...]:
    """Which films of both cohorts are one, found or remembered."""
    if cache is None:
        return finding.find_in(films, track)
    contents = {film.image_id: film.file.sha256 for film in films}
    memory = RememberedGroups.of(cache)
    return memory.read_or_found(contents, lambda: finding.find_in(films, track))


def _called(prefix: str, films: Sequence[Radiograph]) -> list[Radiograph]:
    return [replace(film, image_id=prefix + film.image_id) for film in films]


def _of_outside(group: DuplicateGroup) -> DuplicateGroup:
    names = (one for one in group.image_ids if one.startswith(_OUTSIDE))
    return DuplicateGroup(tuple(one.removeprefix(_OUTSIDE) for one in names), ())


def _copies(group: DuplicateGroup) -> tuple[str, ...]:
    """The other cohort's films that are one with a film of the study."""
    own = any(one.startswith(_HOME) for one in group.image_ids)
    return _of_outside(group).image_ids if own else ()


def _is_its_own(n_films: int) -> SpondylError:
    return SpondylError(
        f"all {n_films} films of the cohort are films of the study",
        "An external test needs films of another centre; a study's figures on its own films stand "
        "in its report.",
    )
