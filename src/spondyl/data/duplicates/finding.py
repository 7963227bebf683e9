"""Which films of a cohort are one film: crops, rescaled, brightened, mirrored or re-saved copies.

The same film in two folds is leakage, and names do not tell. All features of all films go into one
nearest-neighbour search, each votes for a placement of its film on another, and the few pairs whose
votes agree are compared picture on picture (`alignment`). A link is a pair that passed; a group is
what links join. Two exposures of one patient are two films here: say so with a patient id.

The price: twenty-odd seconds for 338 films on two cores, and no copy is found that shares less than
a quarter of the smaller film, is turned by more than 20° or is scaled by more than about four.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from threadpoolctl import threadpool_limits

from spondyl.data.duplicates.alignment import Evidence, align
from spondyl.data.duplicates.fingerprints import Fingerprint, Grey, fingerprint
from spondyl.data.duplicates.proposals import Proposal, propose
from spondyl.data.pixels import read
from spondyl.data.radiograph import Radiograph
from spondyl.progress import Track, silently

LEAST_CORRELATION, LEAST_OVERLAP = 0.88, 0.25
"""What makes two pictures one. Over 819 films of two centres, copies reach 0.95 (one, photographed
from a screen, 0.89), two exposures of one patient 0.76 (0.87 at 256 pixels of height), two people
less than 0.4; two phantoms of 224 pixels, all alike but for their soft tissue, 0.77."""

NO_PRINTS: Mapping[str, Fingerprint] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Link:
    """Two films that are one, and what proves it."""

    first: str
    second: str
    """Image ids, first < second."""
    method: Literal["same bytes", "same picture"]
    correlation: float
    """Lower quartile of the local correlation of detail, `LEAST_CORRELATION` … 1."""
    overlap: float
    """Share of the smaller film's area that lies on the other, `LEAST_OVERLAP` … 1."""
    scale: float
    """Pixels of the second film for one of the first."""
    rotation_degrees: float
    mirrored: bool
    inliers: int
    """Features found again at their place; 0 where the files are the same."""

    def __str__(self) -> str:
        pair = f"{self.first} = {self.second}"
        if self.method == "same bytes":
            return f"{pair}: same bytes"
        mirrored = ", mirrored" if self.mirrored else ""
        turned = round(self.rotation_degrees, 1) + 0.0  # no minus sign before a zero
        return (
            f"{pair}: detail correlates {self.correlation:.3f} over {100 * self.overlap:.0f} % of "
            f"the smaller, scale {self.scale:.2f}, turned {turned:.1f}°{mirrored}, "
            f"{self.inliers} features"
        )


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Two or more films that are one."""

    image_ids: tuple[str, ...]
    """Sorted."""
    links: tuple[Link, ...]
    """Sorted; they join all of `image_ids`, though not every two of them directly."""


def find(films: Iterable[tuple[str, Grey]], track: Track = silently) -> tuple[DuplicateGroup, ...]:
    """Groups of films that are one picture; `films` are (image_id, (H, W) float32 in [0, 1])."""
    listed = track(films, "fingerprints")
    return find_among([fingerprint(image_id, grey) for image_id, grey in listed], track)


def find_in(
    radiographs: Sequence[Radiograph],
    track: Track = silently,
    prints: Mapping[str, Fingerprint] = NO_PRINTS,
) -> tuple[DuplicateGroup, ...]:
    """Groups of radiographs that are one picture, read from their files by several threads, but
    for those whose fingerprint is among `prints` (by image_id).

    Raises `SpondylError` for a file that cannot be read.
    """
    same_bytes = alike_in_bytes((film.image_id, film.file.sha256) for film in radiographs)
    once = {image_ids[0] for image_ids in same_bytes}
    films = [film for film in radiographs if film.image_id in once]

    def printed(film: Radiograph) -> Fingerprint:
        known = prints.get(film.image_id)
        return known or fingerprint(film.image_id, read(film.path).grey)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(track(pool.map(printed, films), "fingerprints", len(films)))
    copies = [
        Link(image_ids[0], other, "same bytes", 1.0, 1.0, 1.0, 0.0, mirrored=False, inliers=0)
        for image_ids in same_bytes
        for other in image_ids[1:]
    ]
    return _grouped([*copies, *_links(found, track)])


def alike_in_bytes(contents: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The image ids of (image_id, sha256 of the file) that have the same bytes, each list sorted;
    only the first of each has to be looked at."""
    same_bytes: dict[str, list[str]] = defaultdict(list)
    for image_id, sha256 in sorted(contents):
        same_bytes[sha256].append(image_id)
    return list(same_bytes.values())


def find_among(
    prints: Iterable[Fingerprint], track: Track = silently
) -> tuple[DuplicateGroup, ...]:
    """Groups of films that are one picture, from their fingerprints in any order."""
    return _grouped(_links(prints, track))


def groups_of(stated: Mapping[str, str], duplicates: Iterable[DuplicateGroup]) -> dict[str, str]:
    """image_id → group_id: the `stated` groups (patients), merged where they share one picture.

    A merged group bears the first of its names in sorted order. KeyError for a duplicate that is
    not in `stated`.
    """
    merged = _joined(
        (stated[first], stated[other])
        for group in duplicates
        for first, *others in [group.image_ids]
        for other in others
    )
    name_of = {name: min(names) for names in merged for name in names}
    return {image_id: name_of.get(name, name) for image_id, name in stated.items()}


def among(
    groups: Iterable[DuplicateGroup], image_ids: Collection[str]
) -> tuple[DuplicateGroup, ...]:
    """The groups as far as they are of `image_ids`, where that is two films or more.

    Links stay whole, since two films may be one by way of a third that is not among them.
    """
    parts = (
        DuplicateGroup(tuple(one for one in group.image_ids if one in image_ids), group.links)
        for group in groups
    )
    return tuple(part for part in parts if len(part.image_ids) > 1)


def _grouped(links: Iterable[Link]) -> tuple[DuplicateGroup, ...]:
    listed = sorted(links, key=lambda link: (link.first, link.second))
    return tuple(
        DuplicateGroup(
            tuple(sorted(image_ids)), tuple(link for link in listed if link.first in image_ids)
        )
        for image_ids in sorted(_joined((link.first, link.second) for link in listed), key=min)
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> list[set[str]]:
    """The sets of names that `pairs` join."""
    sets: list[set[str]] = []
    for pair in pairs:
        touched = [names for names in sets if not names.isdisjoint(pair)]
        sets = [names for names in sets if names.isdisjoint(pair)]
        sets.append(set(pair).union(*touched))
    return sets


def _links(prints: Iterable[Fingerprint], track: Track) -> list[Link]:
    """The pairs that pass; each pair once, as it was found more alike."""
    films = sorted(prints, key=lambda film: film.image_id)
    with threadpool_limits(1, "blas"):  # films are shared among threads, not one film's numbers
        return _proven(films, propose(films), track)


def _proven(
    films: Sequence[Fingerprint], proposals: Sequence[Proposal], track: Track
) -> list[Link]:

    def tested(proposal: Proposal) -> Evidence | None:
        first, second = films[proposal.first], films[proposal.second]
        seen = first.mirrored() if proposal.mirrored else first
        return align(seen, second, proposal.turn, proposal.shift)

    links: dict[tuple[int, int], Link] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tests = track(pool.map(tested, proposals), "comparing films", len(proposals))
        for proposal, found in zip(proposals, tests, strict=True):
            pair = proposal.first, proposal.second
            if found is None or found.overlap < LEAST_OVERLAP:
                continue
            best_yet = links[pair].correlation if pair in links else LEAST_CORRELATION
            if found.correlation >= best_yet:
                links[pair] = _link(films, proposal, found)
    return list(links.values())


def _link(films: Sequence[Fingerprint], proposal: Proposal, found: Evidence) -> Link:
    return Link(
        films[proposal.first].image_id,
        films[proposal.second].image_id,
        "same picture",
        found.correlation,
        found.overlap,
        found.scale,
        found.rotation_degrees,
        proposal.mirrored,
        found.inliers,
    )
