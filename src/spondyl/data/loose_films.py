"""Films that belong to no cohort: what files and folders a user named stand for, and their names.

In a folder a file counts as a film by its suffix, or where it has none by beginning as DICOM does,
since archives name films by numbers; one that is named itself always does, so that what is wrong
with it is said. Everything a user points at is walked to its end, each file once.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spondyl.data.dicom.beginning import HEAD, begins_as_dicom
from spondyl.errors import SpondylError

FILM_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom")
"""What counts as a film in a folder; a file that is named itself always does."""
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Listed:
    """The films that a user's words stand for."""

    films: tuple[Path, ...]
    """Each once, in the order given; those of a folder by name."""
    image_ids: tuple[str, ...]
    """Of each film its path relative to the folder that was named, or its own name; its whole path
    where two would be alike. Films of a cohort's folder are called as the cohort calls them."""
    passed_over: tuple[Path, ...]
    """Files in folders that do not look like films by their names."""


def listed(paths: Sequence[Path]) -> Listed:
    """The films that `paths`, files and folders, stand for; folders are walked to their end.

    Hidden files in folders are no films. Raises `SpondylError` where there is no film at all.
    """
    films: list[tuple[Path, str]] = []
    passed_over: list[Path] = []
    for path in paths:
        for file in walked(path) if path.is_dir() else [path]:
            if file == path:
                films.append((file, file.name))
            elif _looks_like_film(file):
                films.append((file, file.relative_to(path).as_posix()))
            else:
                passed_over.append(file)
    once: dict[str, tuple[Path, str]] = {}
    for film, image_id in films:
        once.setdefault(os.path.realpath(film), (film, image_id))
    if not once:
        raise SpondylError(
            f"{', '.join(map(str, paths))}: no film in there",
            f"Name films, or folders with files that end in {', '.join(FILM_SUFFIXES)}, or that "
            "begin as DICOM does.",
        )
    alike = Counter(image_id for _, image_id in once.values())
    return Listed(
        tuple(film for film, _ in once.values()),
        tuple(
            image_id if alike[image_id] == 1 else film.as_posix().lstrip("/")
            for film, image_id in once.values()
        ),
        tuple(passed_over),
    )


def unique_names(stems: Sequence[str]) -> list[str]:
    """A name for each film's files: letters, digits, "_" and "-" of its own name, no two alike on
    any file system."""
    taken: set[str] = set()
    names = []
    for stem in stems:
        plain = name = safe(stem)[:_LONGEST_NAME] or "film"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def safe(text: str) -> str:
    """`text` with one "-" for each stretch of what is not a letter, a digit, "_" or "+"."""
    kept = "".join(
        letter if letter.isalnum() or letter in "_+" else " "
        for letter in unicodedata.normalize("NFC", text)
    )
    return "-".join(kept.split())


def _looks_like_film(file: Path) -> bool:
    """By its suffix; the parts of a number are none, and a disc's table of contents is no film."""
    suffix = file.suffix.casefold()
    if suffix in FILM_SUFFIXES:
        return True
    if suffix.removeprefix(".").isdecimal() or not suffix:
        return file.name.casefold() != "dicomdir" and _begins_as_dicom(file)
    return False


def _begins_as_dicom(file: Path) -> bool:
    try:
        if not file.is_file():  # opening a pipe would wait for ever
            return False
        with file.open("rb") as stream:
            return begins_as_dicom(stream.read(HEAD))
    except OSError:
        return False


def walked(folder: Path) -> list[Path]:
    """All files below `folder` that are not hidden, by name; links to folders are not followed."""
    found: list[Path] = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(here) / name for name in sorted(files) if not name.startswith(".")]
    return found
