"""Films on the network grid, kept on disk by what they are, and shared by all who want them.

A pack holds the films of one cohort under one preprocessing as one array, which is mapped into
memory: however many processes train on it, it is in memory once, and a film that is not asked for
is not read. Beside it lies its index: what each row is of (`Preprocessing.source_sha256`) and its
check sum. Whoever prepares other films takes what he finds in any pack and decodes only the rest.

A pack is written beside its place and renamed, index last, so several processes may write the same
one. A row whose check sum is wrong is decoded again. Films are known by their bytes, never by name,
size or time (`onlooking`). What was used longest ago is removed when packs take more than
`LARGEST_BYTES`, and everything may be deleted at any time: it is made again.

The price: 100 kB for each grey film of 224 × 224 pixels, and as much again for a second cohort that
shares it.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spondyl.data.onlooking import decoders
from spondyl.errors import SpondylError
from spondyl.files import read_json, replaced, sha256_of_json, write_json

PREPARED_VERSION = 1
"""To be raised where `Preprocessing.apply` gives other values for the same pixels."""
LARGEST_BYTES = 16 * 2**30
"""Of all packs in one cache; the one that was just made is kept even if it is larger."""
STALE_SECONDS = 24 * 3600
"""A draft that is older than this was left by a killed process."""

Images = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class PreparedStore:
    """The packs of one preprocessing in a cache."""

    folder: Path

    @classmethod
    def of(cls, cache: Path, preprocessing_sha256: str) -> PreparedStore:
        """The packs in `cache` of the preprocessing with this hash."""
        key = sha256_of_json([PREPARED_VERSION, decoders(), preprocessing_sha256])
        return cls(cache / "prepared" / key[:16])

    def whole(self, sources: Sequence[str]) -> Images | None:
        """(n, channels, height, width) of these films, mapped into memory; None where there is no
        pack of just these in this order, or one of its rows is damaged. What is written to the
        array stays in this process."""
        pack = self._path(sources)
        opened = _Pack.opened(pack)
        if opened is None or opened.sources != tuple(sources) or not all(opened.intact()):
            return None
        with suppress(OSError):  # of somebody else, who lets us only read
            pack.touch()  # when it was used
        return opened.images

    def rows(self, sources: Sequence[str]) -> dict[str, Images]:
        """Source → (channels, height, width), for those of `sources` that are in any pack and
        intact."""
        wanted = set(sources)
        found: dict[str, Images] = {}
        for path in _packs(self.folder):
            opened = _Pack.opened(path) if wanted else None
            if opened is None or wanted.isdisjoint(opened.sources):
                continue
            for row, source in enumerate(opened.sources):
                if source in wanted and opened.is_intact(row):
                    found[source] = opened.images[row]
                    wanted.remove(source)
        return found

    def known(self, sources: Sequence[str]) -> set[str]:
        """Which of `sources` are in some pack, intact or not."""
        wanted = set(sources)
        indices = (_index(path) for path in _packs(self.folder))
        return {source for index in indices if index for source, _ in index if source in wanted}

    def write(self, sources: Sequence[str], images: Images) -> None:
        """Keeps the films (n, channels, height, width) of these sources, in this order."""
        pack = self._path(sources)
        with replaced(pack) as draft, draft.open("wb") as stream:
            np.save(stream, images, allow_pickle=False)
        index = [[source, _check_sum(row)] for source, row in zip(sources, images, strict=True)]
        write_json(pack.with_suffix(".json"), index)
        keep_newest(self.folder.parent, pack)

    def _path(self, sources: Sequence[str]) -> Path:
        return self.folder / f"{sha256_of_json(list(sources))[:32]}.npy"


@dataclass(frozen=True, slots=True, eq=False)
class _Pack:
    sources: tuple[str, ...]
    sums: tuple[int, ...]
    images: Images

    @classmethod
    def opened(cls, path: Path) -> _Pack | None:
        """The pack at `path`; None where it or its index is absent, or in another form."""
        index = _index(path)
        if index is None:
            return None
        try:
            images = np.load(path, mmap_mode="c", allow_pickle=False)
        except (OSError, EOFError, ValueError):
            return None
        if images.dtype != np.float16 or images.ndim != 4 or len(images) != len(index):
            return None
        return cls(tuple(source for source, _ in index), tuple(known for _, known in index), images)

    def is_intact(self, row: int) -> bool:
        """Whether the row is what was written."""
        return _check_sum(self.images[row]) == self.sums[row]

    def intact(self) -> Iterator[bool]:
        """`is_intact` of every row."""
        return (self.is_intact(row) for row in range(len(self.sums)))


def _check_sum(image: Images) -> int:
    return zlib.crc32(image.tobytes())


def _index(pack: Path) -> list[tuple[str, int]] | None:
    try:
        rows = read_json(pack.with_suffix(".json"))
        return [(str(source), int(known)) for source, known in rows]
    except (SpondylError, TypeError, ValueError):
        return None


def _packs(folder: Path) -> list[Path]:
    """The packs in `folder` in the order of their names, drafts left out."""
    return sorted(path for path in folder.glob("*.npy") if not path.name.startswith("."))


def keep_newest(folder: Path, kept: Path) -> None:
    """Removes what was used longest ago until all arrays below `folder` take `LARGEST_BYTES`, never
    `kept`; and the drafts of killed processes. A process that has mapped a pack keeps it."""
    with suppress(OSError):  # somebody else removes them too
        for draft in folder.glob("*/.*"):
            if time.time() - draft.stat().st_mtime > STALE_SECONDS:
                draft.unlink(missing_ok=True)
        packs = [path for path in folder.glob("*/*.npy") if not path.name.startswith(".")]
        packs.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for path in (kept, *(path for path in packs if path != kept)):
            total += path.stat().st_size
            if total > LARGEST_BYTES and path != kept:
                path.unlink(missing_ok=True)
                path.with_suffix(".json").unlink(missing_ok=True)
