"""A set of films that belong together, read whole or refused with everything that is wrong with it.

`survey` looks at every film and lists all problems; `read` gives a cohort that has none. A cohort's
hash is of what the films are and what was stated of them, never of where they lie. Decoding is
optional because it costs: 338 films take two seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from spondyl import files
from spondyl.data import folders, manifest, pixels
from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.data.listing import Entry, Listing, completed
from spondyl.data.onlooking import Onlooker
from spondyl.data.pixels import Header, Pixels
from spondyl.data.radiograph import NOT_STATED, Curve, FileFacts, Radiograph
from spondyl.errors import Problem, SpondylError
from spondyl.progress import Track, silently

SCHEMA_VERSION = 1
STATED_FIELDS = ("view", "sex", "age_years", "site", "curves", "slip_level")


@dataclass(frozen=True, slots=True)
class Cohort:
    """Films in the order of their image_id, and the labels they may have."""

    root: Path
    labels: LabelSet
    radiographs: tuple[Radiograph, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Films of each label, in label order; unlabelled ones are not counted."""
        stated = [radiograph.label for radiograph in self.radiographs]
        return {name: stated.count(name) for name in self.labels.names}

    @property
    def group_ids(self) -> dict[str, str]:
        """image_id → group_id of each film."""
        return {film.image_id: film.group_id for film in self.radiographs}

    @property
    def sha256(self) -> str:
        """Of the labels and of each film's id, file, label, group and stated facts."""
        films = [
            [film.image_id, film.file.sha256, film.label, film.group_id, *_stated(film)]
            for film in self.radiographs
        ]
        return files.sha256_of_json({"labels": self.labels.names, "films": films})

    def with_groups(self, groups: Mapping[str, str]) -> Cohort:
        """The same films with `groups[image_id]` as group_id; a film not in it keeps its own.

        Raises KeyError for an image_id that is not in the cohort.
        """
        known = {film.image_id for film in self.radiographs}
        if strangers := groups.keys() - known:
            raise KeyError(f"not in the cohort: {', '.join(sorted(strangers))}")
        regrouped = (
            replace(film, group_id=groups.get(film.image_id, film.group_id))
            for film in self.radiographs
        )
        return replace(self, radiographs=tuple(regrouped))

    def only(self, image_ids: Collection[str]) -> Cohort:
        """The films among `image_ids`, in the same order, with the same groups."""
        kept = tuple(film for film in self.radiographs if film.image_id in image_ids)
        return replace(self, radiographs=kept)

    def moved_to(self, root: Path) -> Cohort:
        """The same films, lying under another root."""
        films = (replace(film, path=root / film.image_id) for film in self.radiographs)
        return replace(self, root=root, radiographs=tuple(films))

    def as_dict(self) -> dict[str, Any]:
        """The cohort as a JSON document, with the place where its films lie."""
        films = []
        for film in self.radiographs:
            films.append({**asdict(film), "path": film.image_id})
        return {
            "schema_version": SCHEMA_VERSION,
            "root": str(self.root.absolute()),
            "labels": self.labels.names,
            "sha256": self.sha256,
            "films": films,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Cohort:
        """The cohort that `as_dict` wrote; `SpondylError` where it was changed since."""
        try:
            root = Path(document["root"])
            films = tuple(_film(root, row) for row in document["films"])
            cohort = cls(root, LabelSet.of(document["labels"]), films)
        except (KeyError, TypeError) as error:
            raise SpondylError(
                f"cohort: not in the form of schema {SCHEMA_VERSION} ({error})",
                "The file is damaged; start the study in a new folder.",
            ) from error
        if cohort.sha256 != document["sha256"]:
            raise SpondylError(
                "cohort: changed since it was written", "Start the study in a new folder."
            )
        return cohort


@dataclass(frozen=True, slots=True)
class Survey:
    """All that was found at a path: the films that can be used, and all that is wrong."""

    root: Path
    radiographs: tuple[Radiograph, ...]
    problems: tuple[Problem, ...]
    ignored: tuple[str, ...]
    """What was passed over as no film: hidden files, notes, columns that mean nothing here."""
    overruled: tuple[str, ...] = ()
    """Where a film's DICOM header contradicts what was stated of it, which was kept."""


def read(
    path: Path,
    labels: LabelSet = SPINE_LABELS,
    decode: bool = False,
    folds: int | None = None,
    require_labels: bool = True,
    track: Track = silently,
    onlooker: Onlooker | None = None,
    others: Collection[str] = (),
) -> Cohort:
    """The cohort at `path`, a folder of class folders or a CSV manifest.

    `decode` decodes each film instead of believing its header; with `folds`, each class but for
    `others` must have that many groups; without `require_labels`, films without a label and labels
    without a film are welcome. An `onlooker` is shown each film that is decoded, and says which
    need not be. Raises `SpondylError` with all problems where there is one.
    """
    found = survey(path, labels, decode, require_labels, track, onlooker)
    problems = list(found.problems)
    if folds is not None:
        problems += too_few_groups(found.radiographs, labels, folds, others)
    if problems:
        raise SpondylError.of(problems, str(path))
    return Cohort(found.root, labels, found.radiographs)


def survey(
    path: Path,
    labels: LabelSet = SPINE_LABELS,
    decode: bool = True,
    require_labels: bool = True,
    track: Track = silently,
    onlooker: Onlooker | None = None,
) -> Survey:
    """Every film at `path` and every problem there.

    Raises `SpondylError` where nothing can be listed: no such path, neither folder nor CSV,
    a folder or manifest that cannot be read.
    """
    listing = _listing(path, labels, require_labels)
    radiographs: list[Radiograph] = []
    problems = list(listing.problems)
    overruled: list[str] = []
    every = looked_at(listing.entries, decode, onlooker)
    for looked in track(every, "reading films", len(listing.entries)):
        if isinstance(looked, Problem):
            problems.append(looked)
        else:
            radiographs.append(looked.film)
            overruled += looked.overruled
    radiographs.sort(key=lambda film: film.image_id)
    problems += _contradictions(radiographs)
    problems += _missing_films(path, listing, labels, require_labels)
    return Survey(
        listing.root, tuple(radiographs), tuple(problems), listing.ignored, tuple(overruled)
    )


def too_few_groups(
    radiographs: Iterable[Radiograph], labels: LabelSet, folds: int, others: Collection[str] = ()
) -> list[Problem]:
    """A problem for each label, but for `others`, of fewer groups than there are folds."""
    pairs = {(film.label, film.group_id) for film in radiographs}
    groups = {name: sum(label == name for label, _ in pairs) for name in labels.names}
    return [
        Problem(
            name,
            f"its films are of {count} group{'s' * (count != 1)}, fewer than {folds} folds",
            "Add films, or ask for fewer folds.",
        )
        for name, count in groups.items()
        if count < folds and name not in others
    ]


def not_stated(radiographs: Sequence[Radiograph]) -> dict[str, int]:
    """For each field that somebody might have stated, the number of films for which nobody did."""
    return {
        name: sum(getattr(film, name) in (NOT_STATED, None, ()) for film in radiographs)
        for name in STATED_FIELDS
    }


def _film(root: Path, row: Mapping[str, Any]) -> Radiograph:
    known = {
        **row,
        "path": root / row["image_id"],
        "file": FileFacts(**row["file"]),
        "curves": tuple(Curve(**curve) for curve in row["curves"]),
    }
    return Radiograph(**known)


def _stated(film: Radiograph) -> list[object]:
    curves = [[curve.side, curve.region] for curve in film.curves]
    return [film.view, film.sex, film.age_years, film.site, curves, film.slip_level]


def _listing(path: Path, labels: LabelSet, require_labels: bool) -> Listing:
    if path.is_dir():
        return folders.listed(path, labels)
    if path.is_file() and path.suffix.casefold() in manifest.SUFFIXES:
        return manifest.listed(path, labels, require_labels)
    found = "is neither a folder nor a CSV file" if path.exists() else "no such file or folder"
    raise SpondylError(
        f"{path}: {found}",
        "Name a folder of class folders, or a CSV manifest with the columns path and label.",
    )


@dataclass(frozen=True, slots=True)
class Looked:
    """A film that could be opened, and where its header contradicts what was stated of it."""

    film: Radiograph
    overruled: tuple[str, ...]


def looked_at(
    entries: Sequence[Entry], decode: bool, onlooker: Onlooker | None
) -> Iterator[Looked | Problem]:
    """What each entry turns out to be, in order; films are opened in parallel."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        if not decode or onlooker is None:
            read = pixels.read if decode else pixels.header
            yield from pool.map(lambda entry: _look(entry, read), entries)
            return
        headers = list(pool.map(lambda entry: _look(entry, pixels.header), entries))
        seen = [one.film for one in headers if isinstance(one, Looked)]
        wanted = onlooker.wants({film.image_id: film.file.sha256 for film in seen})

        def decoded(entry: Entry, header: Looked | Problem) -> Looked | Problem:
            if isinstance(header, Problem) or entry.image_id not in wanted:
                return header
            return _look(entry, pixels.read, onlooker)

        yield from pool.map(decoded, entries, headers)


def _look(
    entry: Entry, read: Callable[[Path], Pixels | Header], onlooker: Onlooker | None = None
) -> Looked | Problem:
    try:
        said = read(entry.path)
    except SpondylError as error:
        what = error.message.removeprefix(f"{entry.path}: ")
        shown = what if entry.where == entry.image_id else f"{entry.image_id}: {what}"
        return Problem(entry.where, shown, error.hint)
    if onlooker is not None and isinstance(said, Pixels):
        onlooker.see(entry.image_id, said)
    entry, overruled = completed(entry, said.dicom)
    stated = entry.stated
    film = Radiograph(
        image_id=entry.image_id,
        path=entry.path,
        label=entry.label,
        group_id=entry.group_id,
        file=said.facts,
        view=stated.view,
        sex=stated.sex,
        age_years=stated.age_years,
        site=stated.site,
        curves=stated.curves,
        slip_level=stated.slip_level,
    )
    return Looked(film, overruled)


def _contradictions(radiographs: Sequence[Radiograph]) -> Iterator[Problem]:
    """A problem for each file that is there under two labels. Equal files of one label are not."""

    def content(film: Radiograph) -> str:
        return film.file.sha256

    for _, equal in groupby(sorted(radiographs, key=content), key=content):
        first, *others = equal
        for film in others:
            if film.label != first.label and film.label and first.label:
                yield Problem(
                    film.image_id,
                    f"is labelled {film.label}, and the same file is labelled {first.label} as "
                    f"{first.image_id}",
                    "Keep the one whose label is right.",
                )


def _missing_films(
    path: Path, listing: Listing, labels: LabelSet, require_labels: bool
) -> Iterator[Problem]:
    if not listing.entries:
        if not listing.problems:
            what = f"there is no film in {path}"
            yield Problem("", what, f"Its folders must be: {folders.accepted_spellings(labels)}.")
        return
    met = {entry.label for entry in listing.entries}
    for name in labels.names:
        if require_labels and name not in met:
            yield Problem(name, "no film has this label", "Add films of it, or name other labels.")
