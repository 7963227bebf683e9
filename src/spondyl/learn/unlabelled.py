"""Films without a label that may teach: which were given, and which of them must not.

A copy of a film of the cohort is left out, whatever part that film has in a fold: without its label
it would still show a network what it will be judged on. So is a film of a patient of the cohort,
where both are stated. Copies are found by proof (`data.duplicates`) where the study looks for them,
else by their bytes alone. What is left is known by content and ordered by it, so neither names nor
places matter, and a film that is there twice teaches once.

The price: two exposures of one patient whom nobody names pass for two people, and the first study
on new films searches both sets for copies; the answer is kept in the cache.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from spondyl.data import cohort as cohorts
from spondyl.data import loose_films, manifest, regions
from spondyl.data.cohort import Cohort
from spondyl.data.duplicates import finding
from spondyl.data.labels import LabelSet
from spondyl.data.listing import Entry, Stated, unprintable
from spondyl.data.pixels import Pixels
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.errors import Problem, SpondylError
from spondyl.files import sha256_of_json
from spondyl.learn.first_look import FirstLook
from spondyl.learn.outcome import Configuration
from spondyl.learn.preprocess import PreparedFilms, Preprocessing, prepare
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.progress import Track, silently

_PREFIX = "unlabelled//"
"""Before each film's path, so that none is called as a film of a cohort: these have no "//"."""


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """The films that may teach without a label, and what became of the others that were given."""

    root: Path
    films: tuple[Radiograph, ...]
    """Each content once, in the order of their hashes; no label, whatever somebody stated."""
    n_given: int
    """Films that were given, those included that do not teach."""
    copies: tuple[str, ...] = ()
    """Image ids of those that were left out as copies of a film of the cohort, sorted."""
    same_patient: tuple[str, ...] = ()
    """And of those left out as films of one of its patients."""

    @property
    def n_repeated(self) -> int:
        """Films given whose very bytes were given already."""
        return self.n_given - len(self.films) - len(self.copies) - len(self.same_patient)

    @property
    def sha256(self) -> str:
        """Hash of the films that teach, or "" where there are none."""
        return sha256_of_json([film.file.sha256 for film in self.films]) if self.films else ""

    def sha256_for(self, configuration: Configuration) -> str:
        """`sha256` where the configuration's strategy learns from them, else ""."""
        return self.sha256 if STRATEGIES[configuration.strategy].needs_unlabelled else ""

    def hashes_for(self, configuration: Configuration) -> tuple[str, ...]:
        """Of each file, where the configuration's strategy learns from them; else none."""
        teach = STRATEGIES[configuration.strategy].needs_unlabelled
        return tuple(film.file.sha256 for film in self.films) if teach else ()

    def moved_to(self, root: Path) -> Unlabelled:
        """The same films, lying under another root."""
        films = (replace(film, path=_path(root, film.image_id)) for film in self.films)
        return replace(self, root=root, films=tuple(films))

    def as_dict(self) -> dict[str, Any]:
        """All of it as a JSON document."""
        return {
            "root": str(self.root.absolute()),
            "n_given": self.n_given,
            "copies": list(self.copies),
            "same_patient": list(self.same_patient),
            "films": [[film.image_id, asdict(film.file)] for film in self.films],
            "sha256": self.sha256,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Unlabelled:
        """What `as_dict` wrote; KeyError or TypeError for anything else, `SpondylError` where it
        was changed since."""
        root = Path(document["root"])
        films = tuple(
            Radiograph(image_id, _path(root, image_id), None, image_id, FileFacts(**facts))
            for image_id, facts in document["films"]
        )
        copies, same = tuple(document["copies"]), tuple(document["same_patient"])
        read_back = cls(root, films, document["n_given"], copies, same)
        if read_back.sha256 != document["sha256"]:
            raise SpondylError(
                "unlabelled films: changed since they were written",
                "Start the study in a new folder.",
            )
        return read_back


NO_UNLABELLED = Unlabelled(Path(), (), 0)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Unlabelled films as networks see them."""

    films: tuple[Radiograph, ...]
    prepared: PreparedFilms


def prepared(
    unlabelled: Unlabelled,
    preprocessing: Preprocessing,
    track: Track = silently,
    cache: Path | None = None,
) -> Pool | None:
    """The films on the network grid; None where there are none."""
    if not unlabelled.films:
        return None
    return Pool(unlabelled.films, prepare(unlabelled.films, preprocessing, track, cache=cache))


def not_run_without(spec: StudySpec, path: Path | None, *, skip: bool) -> dict[Configuration, str]:
    """The configurations that cannot be run because no unlabelled films were given, and why.

    Raises `SpondylError` for these unless they are to be skipped; for films that no strategy of the
    study learns from; and where films are shown only with a spine mask, which these do not have.
    """
    wanting = [one for one in spec.configurations if STRATEGIES[one.strategy].needs_unlabelled]
    named = ", ".join(sorted({one.strategy for one in wanting}))
    if path is not None and not wanting:
        raise SpondylError(
            f"{path}: unlabelled films are given, and no strategy of the study learns from them",
            f"Add one of {', '.join(_that_need_them())} to its strategies, or give no such films.",
        )
    if wanting and spec.preprocessing.needs_spine:
        raise SpondylError(
            f"{named}: films without a label have no spine masks here, and the study shows none "
            "without",
            'Leave crop = "spine" and hide = "spine" out of the spec, or these strategies.',
        )
    if wanting and path is None:
        if not skip:
            raise SpondylError(
                f"{named}: learns from films without a label, and none are given",
                "Give their folder, or a manifest of them, with --unlabelled.",
            )
        return dict.fromkeys(wanting, "no unlabelled films were given")
    return {}


def read(
    path: Path,
    stated: Cohort,
    spec: StudySpec,
    cache: Path | None = None,
    track: Track = silently,
) -> Unlabelled:
    """The films at `path`, a folder of films or a manifest, that may teach beside `stated`.

    Every film is decoded, as those of a cohort are. Raises `SpondylError` that names every one that
    cannot be read, and where none is left that may teach.
    """
    root, entries = _listed(path, stated.labels)
    look = FirstLook(spec.preprocessing, cache, spec.find_duplicates)
    met = _once(_decoded(path, entries, _Beside(look, stated), track))
    look.keep(met, track)
    copies = _copies(met, stated, look if spec.find_duplicates else None, track)
    patients = set(stated.group_ids.values())
    rest = [film for film in met if film.image_id not in copies]
    same = {film.image_id for film in rest if film.group_id in patients}
    films = tuple(film for film in rest if film.image_id not in same)
    if not films:
        raise SpondylError(
            f"{path}: none of {len(met)} unlabelled films may teach: {len(copies)} are copies of "
            f"films of the cohort, {len(same)} of its patients",
            "Give films that are not in the cohort.",
        )
    return Unlabelled(root, films, len(entries), tuple(sorted(copies)), tuple(sorted(same)))


@dataclass(frozen=True, slots=True, eq=False)
class _Beside:
    """Has a study's look at further films, whose copies are looked for in its cohort too."""

    look: FirstLook
    stated: Cohort

    def wants(self, contents: Mapping[str, str]) -> Collection[str]:
        own = {film.image_id: film.file.sha256 for film in self.stated.radiographs}
        return set(self.look.wants({**own, **contents})) & contents.keys()

    def see(self, image_id: str, film: Pixels) -> None:
        self.look.see(image_id, film)


def _listed(path: Path, labels: LabelSet) -> tuple[Path, list[Entry]]:
    """Where the films lie, and each of them, without what is stated of it but its patient."""
    if path.is_file() and path.suffix.casefold() in manifest.SUFFIXES:
        listing = manifest.listed(path, labels, require_labels=False)
        if listing.problems:
            raise SpondylError.of(listing.problems, str(path))
        return listing.root, [_unlabelled(entry) for entry in listing.entries]
    if not path.is_dir():
        found = "is neither a folder nor a CSV file" if path.exists() else "no such file or folder"
        raise SpondylError(
            f"{path}: {found}",
            "Name a folder of films, or a CSV manifest with the column path.",
        )
    listed = loose_films.listed([path])
    if problems := [one for name in listed.image_ids if (one := _why_not(name))]:
        raise SpondylError.of(problems, str(path))
    return path, [
        Entry(name, f"{_PREFIX}{name}", film, None, f"{_PREFIX}{name}", Stated())
        for name, film in zip(listed.image_ids, listed.films, strict=True)
    ]


def _why_not(name: str) -> Problem | None:
    if unprintable(name):
        return Problem(ascii(name), "cannot be written as text", "Rename it in plain letters.")
    if name.endswith(regions.MASK_SUFFIX):
        return Problem(name, "a spine mask and not a film", "Name the folder of the films alone.")
    return None


def _unlabelled(entry: Entry) -> Entry:
    own_group = entry.group_id == entry.image_id
    image_id = f"{_PREFIX}{entry.image_id}"
    group_id = image_id if own_group else entry.group_id
    return replace(entry, image_id=image_id, label=None, group_id=group_id)


def _decoded(
    path: Path, entries: Sequence[Entry], onlooker: _Beside, track: Track
) -> list[Radiograph]:
    every = cohorts.looked_at(entries, decode=True, onlooker=onlooker)
    looked = list(track(every, "reading unlabelled films", len(entries)))
    problems = [one for one in looked if isinstance(one, Problem)]
    if problems:
        raise SpondylError.of(problems, str(path))
    return [one.film for one in looked if not isinstance(one, Problem)]


def _once(films: Sequence[Radiograph]) -> tuple[Radiograph, ...]:
    """Each content once, by its first name, in the order of their hashes."""
    kept: dict[str, Radiograph] = {}
    for film in sorted(films, key=lambda film: (film.file.sha256, film.image_id)):
        kept.setdefault(film.file.sha256, film)
    return tuple(kept.values())


def _copies(
    films: Sequence[Radiograph], stated: Cohort, look: FirstLook | None, track: Track
) -> set[str]:
    """Image ids of the films that show the picture of a film of the cohort; without `look` of those
    that are its very bytes."""
    both = (*stated.radiographs, *films)
    groups: Iterator[Sequence[str]] = (
        iter(finding.alike_in_bytes((film.image_id, film.file.sha256) for film in both))
        if look is None
        else (group.image_ids for group in look.groups(both, track))
    )
    own = {film.image_id for film in stated.radiographs}
    return {one for ids in groups if not own.isdisjoint(ids) for one in ids if one not in own}


def _that_need_them() -> list[str]:
    return [name for name, strategy in STRATEGIES.items() if strategy.needs_unlabelled]


def _path(root: Path, image_id: str) -> Path:
    return root / image_id.removeprefix(_PREFIX)
