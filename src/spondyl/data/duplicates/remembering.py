"""Which films of a set are one, kept on disk, so that the same set is not searched twice.

Kept is the answer, not what it was found with: a few kilobytes for a set of films instead of half a
megabyte for each. It belongs to exactly these names and bytes, and to what decodes them
(`onlooking`); a film more or less, and all are searched again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from spondyl.data.duplicates.finding import DuplicateGroup, Link
from spondyl.data.onlooking import decoders
from spondyl.errors import SpondylError
from spondyl.files import read_json, sha256_of_json, write_json

FINDING_VERSION = 1
"""To be raised where other groups would be found in the same pixels."""


@dataclass(frozen=True, slots=True)
class RememberedGroups:
    """A folder of answers."""

    folder: Path

    @classmethod
    def of(cls, cache: Path) -> RememberedGroups:
        """Those that are kept in the folder `cache`."""
        return cls(cache / "duplicates")

    def read(self, contents: Mapping[str, str]) -> tuple[DuplicateGroup, ...] | None:
        """The groups among films of these `contents` (image_id → sha256 of the file); None where
        they are not known."""
        path = self._path(contents)
        if not path.is_file():
            return None
        try:
            kept = read_json(path)
            if kept["proof"] != sha256_of_json(kept["groups"]):
                return None  # damaged: found again
            return tuple(
                DuplicateGroup(
                    tuple(group["image_ids"]), tuple(Link(**link) for link in group["links"])
                )
                for group in kept["groups"]
            )
        except (SpondylError, KeyError, TypeError):
            return None

    def write(self, contents: Mapping[str, str], groups: tuple[DuplicateGroup, ...]) -> None:
        """Keeps the groups among films of these contents."""
        told = [
            {"image_ids": list(one.image_ids), "links": [asdict(link) for link in one.links]}
            for one in groups
        ]
        write_json(self._path(contents), {"groups": told, "proof": sha256_of_json(told)})

    def read_or_found(
        self, contents: Mapping[str, str], find: Callable[[], tuple[DuplicateGroup, ...]]
    ) -> tuple[DuplicateGroup, ...]:
        """The groups among films of these contents, by `find` where they are not known; kept."""
        known = self.read(contents)
        if known is None:
            known = find()
            self.write(contents, known)
        return known

    def _path(self, contents: Mapping[str, str]) -> Path:
        defined = [FINDING_VERSION, decoders(), sorted(contents.items())]
        return self.folder / f"{sha256_of_json(defined)}.json"
