"""A folder of class folders, read as a listing: the name of the folder is the label of its films.

Everything in a class folder counts as a film, whatever its suffix, unless it is known to be
something else: a mistyped name must not drop a film in silence. The price is a short list
of what lies beside films in practice (notes, annotations, what systems leave behind).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spondyl.data import kauh
from spondyl.data.labels import LabelSet
from spondyl.data.listing import Entry, Listing, Stated, unprintable
from spondyl.errors import Problem, SpondylError

_LEFT_BEHIND = {"thumbs.db", "desktop.ini", "__macosx"}
_BESIDE_FILMS = {".csv", ".html", ".ini", ".json", ".log", ".md", ".toml", ".tsv", ".txt", ".xlsx"}
_BESIDE_FILMS |= {".xml", ".yaml", ".yml"}


def accepted_spellings(labels: LabelSet) -> str:
    """A line for users: each label with the other spellings it is known by."""
    spellings = {name: [n for n, of in labels.aliases if of == name] for name in labels.names}
    return "; ".join(
        f"{name} ({', '.join(s for s in known if s != name)})" if len(known) > 1 else name
        for name, known in spellings.items()
    )


def listed(path: Path, labels: LabelSet) -> Listing:
    """The films under `path`, whose folders (or those of the one folder in it) are classes.

    Where a file name follows a scheme of KAUH, what it states is taken. Folders below a class
    folder are walked, each once, so links that lead in circles end. Raises `SpondylError` where
    `path` cannot be listed.
    """
    walk = _Walk(_unwrapped(path, labels))
    entries = list(walk.class_folders(labels))
    return Listing(walk.root, tuple(entries), tuple(walk.problems), tuple(sorted(walk.ignored)))


def _unwrapped(path: Path, labels: LabelSet) -> Path:
    """The folder that holds the class folders: an archive often unpacks into one more."""
    seen: set[str] = set()
    while os.path.realpath(path) not in seen:
        seen.add(os.path.realpath(path))
        things = [thing for thing in _things(path) if not _is_beside(thing)]
        if len(things) != 1 or not things[0].is_dir() or labels.resolve(things[0].name):
            break
        if not any(inner.is_dir() for inner in _things(things[0])):
            break
        path = things[0]
    return path


def _things(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise SpondylError(
            f"{folder}: cannot be listed ({error.strerror or error})", "Check the folder's rights."
        ) from error


def _is_beside(thing: Path) -> bool:
    name = thing.name.casefold()
    known = name.startswith(("__macosx", ".")) or name in _LEFT_BEHIND
    return known or (Path(name).suffix in _BESIDE_FILMS and not thing.is_dir())


@dataclass(slots=True)
class _Walk:
    root: Path
    problems: list[Problem] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def class_folders(self, labels: LabelSet) -> Iterator[Entry]:
        things = list(self._films_and_folders(self.root))
        if things and not any(thing.is_dir() for thing in things):
            self._say(
                "",
                f"{self.root} holds {len(things)} files and no class folder",
                f"Sort the films into folders: {accepted_spellings(labels)}.",
            )
            return
        for thing in things:
            name = thing.name
            label = labels.resolve(name)
            if not thing.is_dir():
                self._say(name, "lies beside the class folders", "Move it into its class folder.")
            elif label is None:
                self._say(
                    name,
                    "no class is called so",
                    "Rename or remove the folder, or have the study leave it out by other_labels; "
                    f"accepted: {accepted_spellings(labels)}.",
                )
            else:
                yield from self._class_folder(thing, label)

    def _class_folder(self, folder: Path, label: str) -> Iterator[Entry]:
        films = list(self._films(folder, {os.path.realpath(folder)}))
        if not films:
            self._say(folder.name, "the class folder holds no films", "Fill it or remove it.")
        for film in films:
            image_id = film.relative_to(self.root).as_posix()
            if unprintable(image_id):
                shown = image_id.encode("unicode_escape", "backslashreplace").decode("ascii")
                self._say(
                    shown, "its name cannot be written as text", "Rename it in plain letters."
                )
                continue
            stated = kauh.parse(film.stem) or Stated()
            yield Entry(image_id, image_id, film, label, image_id, stated)

    def _films(self, folder: Path, seen: set[str]) -> Iterator[Path]:
        for thing in self._films_and_folders(folder):
            if not thing.is_dir():
                yield thing
            elif (real := os.path.realpath(thing)) not in seen:
                seen.add(real)
                yield from self._films(thing, seen)
            else:
                self.ignored.append(thing.relative_to(self.root).as_posix())

    def _films_and_folders(self, folder: Path) -> Iterator[Path]:
        for thing in _things(folder):
            if _is_beside(thing):
                self.ignored.append(thing.relative_to(self.root).as_posix())
            else:
                yield thing

    def _say(self, where: str, what: str, hint: str) -> None:
        self.problems.append(Problem(where, what, hint))
