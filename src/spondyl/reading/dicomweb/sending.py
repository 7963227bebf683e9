"""Which files are sent: of what a user named, all that are DICOM.

A file counts by its first bytes. In a folder, one that is called .dcm and is none is sent to its
failure, so that it is heard of; anything else is passed over, and so are tables of contents.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spondyl.data.dicom.beginning import HEAD, begins_as_dicom
from spondyl.data.loose_films import walked
from spondyl.errors import SpondylError

_SUFFIXES = (".dcm", ".dicom")


@dataclass(frozen=True, slots=True)
class Named:
    """A file to be sent."""

    path: Path
    said: str
    """What it is called in all that is printed."""


@dataclass(frozen=True, slots=True)
class Files:
    """What a user's words stand for."""

    sent: tuple[Named, ...]
    """Each once, in the order given; those of a folder by name."""
    passed_over: tuple[Path, ...]
    """Files in folders that are no DICOM."""


def files(paths: Sequence[Path], own_names: bool = False) -> Files:
    """The files that `paths`, files and folders, stand for; folders are walked to their end.

    Files that are named themselves are always sent. They are called by their paths; those of a
    folder, whose names may name patients, by number unless `own_names`. Raises `SpondylError` where
    there is nothing to send.
    """
    sent: dict[str, tuple[Path, bool]] = {}
    passed_over: list[Path] = []
    for path in paths:
        if not path.is_dir():
            sent.setdefault(os.path.realpath(path), (path, True))
            continue
        for file in walked(path):
            if _counts(file):
                sent.setdefault(os.path.realpath(file), (file, False))
            else:
                passed_over.append(file)
    if not sent:
        raise SpondylError(
            f"{', '.join(map(str, paths))}: no DICOM file in there",
            "Name files of DICOM, or folders that hold them.",
        )
    width = len(str(len(sent)))
    named = tuple(
        Named(path, str(path) if by_hand or own_names else f"file-{number:0{width}d}")
        for number, (path, by_hand) in enumerate(sent.values(), 1)
    )
    return Files(named, tuple(passed_over))


def _counts(file: Path) -> bool:
    if not file.is_file() or file.name.casefold() == "dicomdir":  # opening a pipe would wait
        return False
    try:
        with file.open("rb") as stream:
            return begins_as_dicom(stream.read(HEAD)) or file.suffix.casefold() in _SUFFIXES
    except OSError:
        return True  # so that it is listed with the reason
