"""Paths that are no sound file at all, and files that change while they are read."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from damaged.bombs import noise_png
from damaged.sound import films


@dataclass(frozen=True, slots=True)
class Place:
    """What is to be read, and what becomes of it meanwhile."""

    make: Callable[[Path], Path]
    """The path to read, made in an empty folder."""
    meanwhile: Callable[[Path], None] = lambda path: None
    """Done as soon as the reader has been asked."""
    as_nobody: bool = False
    """Whether the reader gives up root's rights first, which no permission binds."""
    sound: bool = False
    """Whether it is a film after all."""


def holding(content: bytes, name: str | bytes = "film.dcm") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / os.fsdecode(name)
        path.write_bytes(content)
        return path

    return make


def linked(goal: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "film.png"
        path.symlink_to(goal)
        return path

    return make


def _folder(folder: Path) -> Path:
    (folder / "film.jpg").mkdir()
    return folder / "film.jpg"


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "film.tif")
    return folder / "film.tif"


def _socket(folder: Path) -> Path:
    here = os.open(".", os.O_RDONLY)
    os.chdir(folder)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("film.png")
    os.fchdir(here)
    os.close(here)
    return folder / "film.png"


def _locked(folder: Path) -> Path:
    path = holding(SOUND)(folder)
    path.chmod(0)
    return path


def _locked_folder(folder: Path) -> Path:
    (folder / "closed").mkdir()
    path = holding(SOUND)(folder / "closed")
    path.parent.chmod(0)
    return path


def _padded(folder: Path) -> Path:
    """A sound film and 3 GB of nothing, which takes no room on the disc."""
    path = holding(SOUND)(folder)
    os.truncate(path, 3 * 2**30)
    return path


def _shortened(seconds: float) -> Place:
    def shorten(path: Path) -> None:
        sleep(seconds)
        os.truncate(path, path.stat().st_size // 3)

    return Place(lambda folder: holding(noise_png(1500))(folder), shorten)


def _gone(path: Path) -> None:
    path.unlink(missing_ok=True)


SOUND = films()["PNG", "8 bit, text, ICC, EXIF"]
PLACES: dict[str, Place] = {
    "empty": Place(holding(b"")),
    "one byte": Place(holding(b"\xff")),
    "only magic, JPEG": Place(holding(b"\xff\xd8\xff")),
    "only magic, PNG": Place(holding(b"\x89PNG\r\n\x1a\n")),
    "only magic, TIFF": Place(holding(b"II*\0")),
    "only magic, BigTIFF": Place(holding(b"MM\0+\0\x08\0\0")),
    "only magic, DICOM": Place(holding(b"\0" * 128 + b"DICM")),
    "text": Place(holding("Röntgenbild\n".encode() * 50)),
    "no such file": Place(lambda folder: folder / "film.png"),
    "no such folder": Place(lambda folder: folder / "films" / "film.png"),
    "a file for a folder": Place(lambda folder: holding(SOUND)(folder) / "film.png"),
    "a name too long": Place(lambda folder: folder / ("x" * 5000)),
    "a name with NUL": Place(lambda folder: Path(f"{folder}/a\0b.png")),
    "a name of other bytes": Place(holding(SOUND, b"film\xff\xfe.png"), sound=True),
    "a bad film of other bytes": Place(holding(SOUND[:90], b"film\xff\xfe.png")),
    "another suffix": Place(holding(SOUND, "film.jpg"), sound=True),
    "no suffix": Place(holding(SOUND, "film"), sound=True),
    "a folder": Place(_folder),
    "a fifo": Place(_fifo),
    "a socket": Place(_socket),
    "endless zeros": Place(lambda folder: Path("/dev/zero")),
    "endless noise": Place(lambda folder: Path("/dev/urandom")),
    "a link to nothing": Place(linked("nothing.png")),
    "a link to itself": Place(linked("film.png")),
    "a link to endless zeros": Place(linked("/dev/zero")),
    "a file of /proc": Place(lambda folder: Path("/proc/self/status")),
    "no permission": Place(_locked, as_nobody=True),
    "no permission for its folder": Place(_locked_folder, as_nobody=True),
    "3 GB of zeros behind": Place(_padded),
    **{f"shortened after {ms} ms": _shortened(ms / 1000) for ms in (0, 4, 8, 15, 30, 60)},
    "taken away": Place(holding(noise_png(600)), _gone),
}
