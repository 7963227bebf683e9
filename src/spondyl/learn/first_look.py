"""What a study takes of each film when it begins, so that every film is decoded once.

Broken films, copies of one film and images for the network all need the same pixels. They are taken
while the cohort is read, by as many threads as there are cores, and kept in the study's cache: a
second study on the same films, whatever its networks, decodes nothing. Where a study crops to spine
masks these are known only after the films, so there they are decoded twice the first time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spondyl.data.duplicates import finding
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.data.duplicates.fingerprints import Fingerprint, fingerprint
from spondyl.data.duplicates.remembering import RememberedGroups
from spondyl.data.pixels import Pixels
from spondyl.data.radiograph import Radiograph
from spondyl.learn.prepared import Images, PreparedStore
from spondyl.learn.preprocess import Preprocessing, as_kept, prepare
from spondyl.progress import Track, silently


@dataclass(slots=True, eq=False)
class FirstLook:
    """The onlooker (`data.onlooking`) of a study that begins; nothing is kept without a `cache`."""

    preprocessing: Preprocessing
    cache: Path | None
    find_duplicates: bool
    """Whether it will be asked for `groups`."""
    _prints: dict[str, Fingerprint] = field(default_factory=dict)
    _images: dict[str, Images] = field(default_factory=dict)
    """By the film's sha256, which is its source where no spine is needed."""
    _to_print: frozenset[str] = frozenset()
    _to_prepare: frozenset[str] = frozenset()

    def wants(self, contents: Mapping[str, str]) -> Collection[str]:
        """The films of which anything is not yet known."""
        remembered = self._remembered(contents)
        if self.find_duplicates and remembered is None:
            same_bytes = finding.alike_in_bytes(contents.items())
            self._to_print = frozenset(image_ids[0] for image_ids in same_bytes)
        store = self._store
        if store is not None:
            known = store.known(list(contents.values()))
            self._to_prepare = frozenset(name for name in contents if contents[name] not in known)
        elif remembered is None:
            return contents.keys()
        return self._to_print | self._to_prepare

    def see(self, image_id: str, film: Pixels) -> None:
        """Takes a film's fingerprint and its image on the network grid."""
        if image_id in self._to_print:
            self._prints[image_id] = fingerprint(image_id, film.grey)
        if image_id in self._to_prepare:
            image, _ = self.preprocessing.apply(film)
            self._images[film.facts.sha256] = as_kept(image)

    def keep(self, films: Sequence[Radiograph], track: Track = silently) -> None:
        """Keeps the images of `films` in the cache, where they need no spine."""
        if self._store is not None and self._images:
            prepare(films, self.preprocessing, track, cache=self.cache, seen=self._images)
        self._images = {}

    def groups(
        self, films: Sequence[Radiograph], track: Track = silently
    ) -> tuple[DuplicateGroup, ...]:
        """Which of all films that were read are one picture."""

        def find() -> tuple[DuplicateGroup, ...]:
            found = finding.find_in(films, track, self._prints)
            self._prints = {}
            return found

        if self.cache is None:
            return find()
        contents = {film.image_id: film.file.sha256 for film in films}
        return RememberedGroups.of(self.cache).read_or_found(contents, find)

    @property
    def _store(self) -> PreparedStore | None:
        """Where images are kept; None where nothing is, or their spines are not known yet."""
        if self.cache is None or self.preprocessing.needs_spine:
            return None
        return PreparedStore.of(self.cache, self.preprocessing.sha256)

    def _remembered(self, contents: Mapping[str, str]) -> tuple[DuplicateGroup, ...] | None:
        return None if self.cache is None else RememberedGroups.of(self.cache).read(contents)
