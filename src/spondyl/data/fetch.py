"""The public data set of the paper, brought into a folder whole or not at all.

Only the standard library is used. What arrives is not trusted: names in the archive must stay in
the folder, its size is limited, every film is decoded and the films of each class are counted. The
price is that a corrected edition of the data set is refused until its counts are known here.
"""

from __future__ import annotations

import math
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from urllib.request import Request, urlopen

from spondyl import files
from spondyl.data import cohort
from spondyl.data.labels import NORMAL, SCOLIOSIS, SPINE_LABELS, SPONDYLOLISTHESIS
from spondyl.errors import SpondylError
from spondyl.progress import Track, silently

DOI = "10.17632/xkt857dsxk"
URL = "https://data.mendeley.com/public-api/zip/xkt857dsxk/download/1"
LICENCE = "CC BY 4.0"
KAUH_COUNTS: Mapping[str, int] = {NORMAL: 71, SCOLIOSIS: 188, SPONDYLOLISTHESIS: 79}

LARGEST_BYTES = 4 << 30
"""Of the archive, and of all that it unpacks to; the data set has 72 MB."""
TIMEOUT_SECONDS = 60.0

_CHUNK_BYTES = 1 << 20
_ARCHIVE = ".download.zip"
_BY_HAND = (
    f"Download the zip in a browser from https://doi.org/{DOI} and give it with --from FILE.zip, "
    "or unpack it and pass the folder."
)


def fetch(name: str, out: Path, source: str = "", track: Track = silently) -> Path:
    """The data set called `name` in the new folder `out`, from its own address or from `source`."""
    if name != "kauh":
        raise SpondylError(f"data set {name!r}: not known", "There is one: kauh.")
    return fetch_kauh(out, source or URL, track)


def fetch_kauh(
    out: Path,
    source: str = URL,
    track: Track = silently,
    expected: Mapping[str, int] = KAUH_COUNTS,
) -> Path:
    """`out`, a new folder with the KAUH radiographs (Fraiwan et al. 2022) and a SOURCE.txt.

    `source` is an http(s) address or the path of a zip file at hand. Raises `SpondylError`, leaving
    nothing behind, where it cannot be had, is no sound archive, or does not hold films that all
    decode, `expected[label]` of each label.
    """
    files.refuse_unless_free(out)
    is_remote = source.startswith(("http://", "https://"))
    with files.new_folder(out) as draft, _disk_faults_of(out):
        archive = draft / _ARCHIVE if is_remote else Path(source)
        if is_remote:
            with archive.open("wb") as stream:
                stream.writelines(_downloaded(source, track))
        elif not archive.is_file():
            raise SpondylError(f"{source}: no such file", _BY_HAND)
        sha256 = files.sha256_of_file(archive)
        _unpack(archive, draft, source)
        (draft / _ARCHIVE).unlink(missing_ok=True)
        _refuse_unless_whole(draft, source, expected, track)
        files.write_text(draft / "SOURCE.txt", _source_text(source, is_remote, sha256, expected))
    return out


@contextmanager
def _disk_faults_of(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpondylError(
            f"{out}: could not be filled ({error.strerror or error})",
            "Is there space, and may you read the source and write here?",
        ) from error


def _downloaded(url: str, track: Track) -> Iterator[bytes]:
    """The chunks of what `url` answers with, all of them or `SpondylError`."""
    try:
        request = Request(url, headers={"User-Agent": "spondyl (data fetch)"})
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            announced = response.length
            total = None if announced is None else math.ceil(announced / _CHUNK_BYTES)
            received = 0
            for chunk in track(_chunks(response), "downloading", total):
                received += len(chunk)
                if received > LARGEST_BYTES:
                    raise ValueError(f"it is larger than {LARGEST_BYTES >> 30} GiB")
                yield chunk
            if announced is not None and received != announced:
                raise ValueError(f"it broke off after {received} of {announced} bytes")
    except (OSError, HTTPException, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SpondylError(f"{url}: cannot be downloaded ({reason})", _BY_HAND) from error


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read(_CHUNK_BYTES):
        yield chunk


def _unpack(archive: Path, into: Path, source: str) -> None:
    """Unpacks `archive`, and the archives in it each into a folder of its name; no deeper."""
    left = _unpack_one(archive, into, LARGEST_BYTES, source)
    for inner in sorted(into.rglob("*.[zZ][iI][pP]")):
        if inner.name != _ARCHIVE and inner.is_file():
            folder = inner.with_suffix("")
            left = _unpack_one(inner, folder, left, f"{source} ({inner.name})")
            inner.unlink()


def _unpack_one(archive: Path, into: Path, allowed_bytes: int, source: str) -> int:
    """Unpacks one archive whose every member was judged first; the bytes still allowed."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            allowed_bytes -= sum(member.file_size for member in members)
            if allowed_bytes < 0:
                raise ValueError(f"it unpacks to more than {LARGEST_BYTES >> 30} GiB")
            places = [_place(member) for member in members]
            for member, place in zip(members, places, strict=True):
                target = into / place
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as packed, target.open("xb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, _CHUNK_BYTES)
    except FileExistsError as error:
        raise SpondylError(f"{source}: holds {error.filename} twice", _BY_HAND) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise SpondylError(f"{source}: is not a sound zip archive ({reason})", _BY_HAND) from error
    return allowed_bytes


def _place(member: zipfile.ZipInfo) -> PurePosixPath:
    """Where a member goes below the folder; ValueError where that would leave the folder."""
    place = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if is_link or place.is_absolute() or ".." in place.parts or ":" in member.filename:
        raise ValueError(f"{member.filename!r} would be written outside the folder")
    return place


def _refuse_unless_whole(
    folder: Path, source: str, expected: Mapping[str, int], track: Track
) -> None:
    wanted = ", ".join(f"{count} {label}" for label, count in expected.items())
    try:
        found = cohort.read(folder, SPINE_LABELS, decode=True, track=track).counts
    except SpondylError as error:
        what = error.message.replace(f"{folder}", "the archive")
        raise SpondylError(
            f"{source}: does not hold the data set ({wanted} films): {what}", _BY_HAND
        ) from error
    if found != dict(expected):
        got = ", ".join(f"{count} {label}" for label, count in found.items())
        raise SpondylError(
            f"{source}: holds {got} films where {wanted} are expected",
            "It is another edition or incomplete. To use it as it is, unpack it and pass the "
            "folder.",
        )


def _source_text(source: str, is_remote: bool, sha256: str, expected: Mapping[str, int]) -> str:
    origin = source if is_remote else Path(source).name  # a path is nobody else's business
    return "\n".join(
        (
            "Vertebrae X-ray images of King Abdullah University Hospital (Fraiwan et al. 2022)",
            f"DOI: {DOI}",
            f"Licence: {LICENCE} (https://creativecommons.org/licenses/by/4.0/)",
            f"Fetched: {datetime.now(UTC):%Y-%m-%d} (UTC)",
            f"From: {origin}",
            f"SHA-256 of the zip: {sha256}",
            "Films: " + ", ".join(f"{count} {label}" for label, count in expected.items()),
            "",
        )
    )
