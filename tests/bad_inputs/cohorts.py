"""Cohorts that cannot be used: folders of films first, manifests after them."""

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bad_inputs.place import Place


@dataclass(frozen=True)
class Spoiled:
    """One kind of bad cohort: `make` makes it and returns its path."""

    name: str
    make: Callable[[Place], Path]
    says: str
    is_listed: bool = True
    """Whether `data check` lists it among its findings; it refuses what it cannot list."""


def film_of(content: bytes, name: str = "film.jpg") -> Callable[[Place], Path]:
    """A cohort with one file more."""

    def make(place: Place) -> Path:
        (place.films / "normal" / name).write_bytes(content)
        return place.films

    return make


def saved(name: str, *pictures: Image.Image) -> Callable[[Place], Path]:
    """A cohort with one file more, of these pictures."""

    def make(place: Place) -> Path:
        first, *others = pictures
        more = {"save_all": True, "append_images": others} if others else {}
        first.save(place.films / "normal" / name, **more)
        return place.films

    return make


def after(change: Callable[[Place], object]) -> Callable[[Place], Path]:
    """A cohort after something was done to it."""

    def make(place: Place) -> Path:
        change(place)
        return place.films

    return make


def loop(place: Place) -> Path:
    """A link to itself."""
    path = place.root / "loop"
    path.symlink_to("loop")
    return path


def empty(place: Place) -> Path:
    """A folder with nothing in it."""
    path = place.root / "empty"
    path.mkdir()
    return path


def bomb() -> bytes:
    """A PNG whose header claims 100,000 × 100,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    end = b"IEND"
    closing = struct.pack(">I", 0) + end + struct.pack(">I", zlib.crc32(end))
    data = b"IDAT"
    body = struct.pack(">I", 0) + data + struct.pack(">I", zlib.crc32(data))
    return b"\x89PNG\r\n\x1a\n" + chunk + body + closing


def cut_short(place: Place) -> None:
    picture = Image.open(place.film()).resize((480, 640))
    path = place.films / "normal" / "cut.jpg"
    picture.convert("L").save(path)
    path.write_bytes(path.read_bytes()[:3000])


def only(place: Place, n: int, label: str = "scoliosis") -> None:
    for film in sorted((place.films / label).iterdir())[n:]:
        film.unlink()


def shades(*values: int) -> list[Image.Image]:
    """Blank pictures, one of each shade."""
    return [Image.new("L", (48, 64), value) for value in values]


FOLDERS = [
    Spoiled("no such folder", lambda place: place.root / "none", "no such file or folder", False),
    Spoiled(
        "neither folder nor CSV",
        lambda place: place.file("films.docx", "films"),
        "neither a folder nor a CSV file",
        False,
    ),
    Spoiled("a film for a folder", lambda place: place.film(), "neither a folder nor a CSV", False),
    Spoiled(
        "a link to itself",
        loop,
        "no such file or folder",
        False,
    ),
    Spoiled(
        "an empty folder",
        empty,
        "there is no film",
    ),
    Spoiled(
        "an unknown class folder",
        after(lambda place: shutil.copytree(place.films / "normal", place.films / "kyphosis")),
        "kyphosis: no class is called so",
    ),
    Spoiled(
        "loose files only",
        after(
            lambda place: (
                [
                    (film.rename(place.films / f"{film.parent.name}-{film.name}"))
                    for film in sorted(place.films.glob("*/*"))
                ]
                and [folder.rmdir() for folder in place.films.iterdir() if folder.is_dir()]
            )
        ),
        "holds 36 files and no class folder",
    ),
    Spoiled(
        "a film beside the class folders",
        after(lambda place: shutil.copy(place.film(), place.films / "loose.png")),
        "loose.png: lies beside the class folders",
    ),
    Spoiled(
        "an empty class folder",
        after(lambda place: only(place, 0)),
        "scoliosis: the class folder holds no films",
    ),
    Spoiled(
        "a class missing",
        after(lambda place: shutil.rmtree(place.films / "scoliosis")),
        "scoliosis: no film has this label",
    ),
    Spoiled(
        "fewer films of a class than folds",
        after(lambda place: only(place, 1)),
        "scoliosis: its films are of 1 group, fewer than 2 folds",
    ),
    Spoiled("a JPEG cut short", after(cut_short), "normal/cut.jpg: cannot be decoded as JPEG"),
    Spoiled("an empty file", film_of(b""), "normal/film.jpg: the file is empty"),
    Spoiled("text called .jpg", film_of(b"Dear doctor,"), "normal/film.jpg: is not an image"),
    Spoiled("a GIF", saved("film.gif", *shades(1)), "the format GIF is not accepted"),
    Spoiled("a BMP", saved("film.bmp", *shades(1)), "the format BMP is not accepted"),
    Spoiled("a WebP", saved("film.webp", *shades(1)), "the format WebP is not accepted"),
    Spoiled("a PDF", film_of(b"%PDF-1.7\n", "film.pdf"), "the format PDF is not accepted"),
    Spoiled("a DICOM file", film_of(b"\0" * 128 + b"DICM"), "does not state its transfer syntax"),
    Spoiled("an animated PNG", saved("film.png", *shades(1, 2)), "holds 2 pictures"),
    Spoiled("a TIFF of three pages", saved("film.tif", *shades(1, 2, 3)), "holds 3 pictures"),
    Spoiled(
        "a TIFF of fractions",
        saved("film.tif", Image.new("F", (48, 64), 0.5)),
        "are not unsigned whole numbers",
    ),
    Spoiled("a decompression bomb", film_of(bomb(), "film.png"), "100000 × 100000 pixels is over"),
    Spoiled("a film of 4 × 4", saved("film.png", Image.new("L", (4, 4))), "4 × 4 pixels is too"),
    Spoiled("a blank film", saved("film.png", *shades(7)), "every pixel has the same value"),
    Spoiled(
        "a PNG with a hole",
        after(
            lambda place: place.film().write_bytes(
                place.film().read_bytes()[:200] + bytes(64) + place.film().read_bytes()[264:]
            )
        ),
        "cannot be decoded as PNG",
    ),
    Spoiled(
        "one file under two labels",
        after(lambda place: shutil.copy(place.film(), place.films / "scoliosis" / "again.png")),
        "the same file is labelled",
    ),
    Spoiled(
        "a folder that looks like a film",
        after(lambda place: (place.films / "film.jpg").mkdir()),
        "film.jpg: no class is called so",
    ),
    Spoiled(
        "a link in a circle",
        after(lambda place: (place.films / "normal" / "film.png").symlink_to("film.png")),
        "normal/film.png: cannot be read",
    ),
    Spoiled(
        "a link to nothing",
        after(lambda place: (place.films / "normal" / "film.png").symlink_to("gone.png")),
        "normal/film.png: no such file",
    ),
    Spoiled(
        "a link back to all films",
        after(lambda place: (place.films / "normal" / "all").symlink_to(place.films)),
        "the same file is labelled",
    ),
    Spoiled(
        "a pipe for a film",
        after(lambda place: os.mkfifo(place.films / "normal" / "film.png")),
        "normal/film.png: is not a regular file",
    ),
    Spoiled(
        "a name of two lines",
        after(lambda place: shutil.copy(place.film(), place.films / "normal" / "a\nb.png")),
        "its name cannot be written as text",
    ),
]


def manifest(change: Callable[[list[str]], list[str]]) -> Callable[[Place], Path]:
    """A manifest of the sound cohort after a change to its lines, the header first."""

    def make(place: Place) -> Path:
        films = sorted(place.films.glob("*/*"))
        rows = [f"films/{film.parent.name}/{film.name},{film.parent.name},,,," for film in films]
        lines = change(["path,label,patient,sex,age,view", *rows])
        return place.file("films.csv", "\n".join([*lines, ""]))

    return make


def row(*cells: str) -> Callable[[Place], Path]:
    """A manifest that ends with one row more."""
    return manifest(lambda lines: [*lines, ",".join(cells)])


def header(text: str) -> Callable[[Place], Path]:
    """A manifest with another first line."""
    return manifest(lambda lines: [text, *lines[1:]])


def first_row(old: str, new: str) -> Callable[[Place], Path]:
    """A manifest whose first film is stated otherwise."""
    return manifest(lambda lines: [lines[0], lines[1].replace(old, new), *lines[2:]])


def bytes_of(content: bytes) -> Callable[[Place], Path]:
    """A manifest of these bytes."""
    return lambda place: place.file("films.csv", content)


MANIFESTS = [
    Spoiled("no path column", header("file,label,patient,sex,age,view"), "there is no column 'pat"),
    Spoiled("no label column", header("path,stage,patient,sex,age,view"), "no column 'label'"),
    Spoiled("two columns of one name", header("path,label,patient,sex,age,age"), "says the age"),
    Spoiled(
        "a column name mistyped", header("path,label,pateint,sex,age,view"), "column 'pateint'"
    ),
    Spoiled("an unknown label", first_row(",normal", ",kyphosis"), "unknown label 'kyphosis'"),
    Spoiled("a film without label", first_row(",normal", ","), "line 2: the film has no label"),
    Spoiled("a film that is not there", row("films/no.png", "normal", *"    "), "no such file"),
    Spoiled("a folder as a film", row("films/normal", "normal", *"    "), "is a folder"),
    Spoiled("one film twice", manifest(lambda lines: [*lines, lines[1]]), "line 2 already"),
    Spoiled("an age of 200", first_row(",,,,", ",,,200,"), "age '200' is not a number of years"),
    Spoiled("an age in words", first_row(",,,,", ",,,old,"), "age 'old' is not a number of years"),
    Spoiled("an unknown sex", first_row(",,,,", ",,x,,"), "unknown sex 'x'"),
    Spoiled("an unknown view", first_row(",,,,", ",,,,oblique"), "unknown view 'oblique'"),
    Spoiled("a row cut short", row("films/normal/a.png", "normal"), "2 cells where the header"),
    Spoiled("a path out of the folder", row("../a.png", "normal", *"    "), "is outside the mani"),
    Spoiled("an absolute path", row("/etc/passwd", "normal", *"    "), "is outside the manifest's"),
    Spoiled("an empty path", row("", "normal", *"    "), "its path is empty or not text"),
    Spoiled("a header only", manifest(lambda lines: lines[:1]), "films.csv lists no film"),
    Spoiled("an empty manifest", bytes_of(b""), "films.csv is empty"),
    Spoiled("blank lines only", bytes_of(b"\n\n , \n"), "films.csv is empty"),
    Spoiled("a manifest in Latin 1", bytes_of("path,label\né".encode("latin-1")), "UTF-8", False),
    Spoiled("rubbish called .csv", bytes_of(bytes(range(128)) * 9), "is not CSV", False),
    Spoiled("a film called .csv", bytes_of(bomb()), "is not UTF-8 text (byte 0)", False),
    Spoiled("a quote never closed", row('"films', "normal"), "is not CSV (line 38", False),
]

COHORTS = FOLDERS + MANIFESTS
