"""Regions from what other tools wrote: LabelMe, CVAT, COCO, DICOM SEG, and our own JSON.

A file is known by its content, never by its name, and is read whole or refused with all that is
wrong with it. Names in it are those of its tool; `match` gives each to a film of a cohort, or says
that it matched nothing. What a label means is the caller's word and not guessed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spondyl.data import regions as our_own
from spondyl.data.annotations import coco, cvat, dicom_seg, labelme
from spondyl.data.annotations.marks import Collector, Meaning
from spondyl.data.cohort import Cohort
from spondyl.data.radiograph import Radiograph
from spondyl.data.regions import Regions
from spondyl.errors import Problem, SpondylError

SPINE = ("spine", "spinal column", "vertebral column", "421060004")
"""Labels of the whole column; the number is its code in SNOMED CT, for DICOM SEG."""
VERTEBRAE = (
    *("vertebra", "vertebrae", "vertebral body", "51282000", "S1"),
    *(f"{letter}{i}" for letter, n in (("C", 7), ("T", 12), ("L", 5)) for i in range(1, n + 1)),
)
"""Labels of its parts: `spine=(*SPINE, *VERTEBRAE)` takes their union as the spine, without
discs."""
TARGETS = ("target", "apex", "slip", "slipped level")
LARGEST_BYTES = 1 << 29

_HINT = "Read are LabelMe JSON, CVAT for images 1.1, COCO JSON, DICOM SEG and our own JSON."


@dataclass(frozen=True, slots=True)
class Matching:
    """Regions given to the films of a cohort."""

    regions: dict[str, Regions]
    """By image_id."""
    unmatched: tuple[str, ...]
    """Names that are no film's."""


def read(
    path: str | Path,
    *,
    spine: Sequence[str] = SPINE,
    targets: Sequence[str] = TARGETS,
    ignored: Sequence[str] = (),
) -> dict[str, Regions]:
    """The regions of every film in an annotation file, by the name that the file gives the film.

    Labels, in whatever capitals, decide: areas named in `spine` are united to the mask, points
    named in `targets` are targets, rectangles become boxes of their label. What is named in
    `ignored` is left out, and any other area or point is refused. Of a DICOM SEG the name is the
    SOP instance UID of its film; our own JSON needs no labels.

    Raises `SpondylError` with all problems of a file that is damaged, contradicts itself, or is
    of another kind.
    """
    path = Path(path)
    content = _content(path)
    collector = Collector(path.name, Meaning.of(spine, targets, ignored))
    start = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if content[128:132] == b"DICM":
        dicom_seg.collect(content, collector)
    elif start == b"<":
        cvat.collect(content, collector)
    elif start == b"{":
        document = _json(path, content)
        if "schema_version" in document and "image_id" in document:
            image_id, found = our_own.read(path)
            return {image_id: found}
        _collect_json(document, collector)
    elif content[:2] == b"PK":
        collector.say("", "is a ZIP archive", "Unpack it, and name the annotations in it.")
    else:
        collector.say("", "is no annotation file", _HINT)
    return collector.regions()


def match(regions_by_name: Mapping[str, Regions], cohort: Cohort) -> Matching:
    """The regions of a cohort's films, by image_id; and the names that are no film's.

    A name is a film's where their file names are equal, capitals included; of several films of one
    file name, the one that shares the most folders above it. Raises `SpondylError` with every name
    that fits two films, every film with two names, and every size that is not the film's.
    """
    by_file_name: dict[str, list[Radiograph]] = defaultdict(list)
    for film in cohort.radiographs:
        by_file_name[_file_name(film.image_id)].append(film)
    matched: dict[str, Regions] = {}
    names: dict[str, str] = {}
    unmatched, problems = [], []
    for name, found in regions_by_name.items():
        films = _nearest(name, by_file_name.get(_file_name(name), []))
        if not films:
            unmatched.append(name)
            continue
        problem = _misfit(name, found, films, names)
        if problem is None:
            names[films[0].image_id] = name
            matched[films[0].image_id] = found
        else:
            problems.append(problem)
    if problems:
        raise SpondylError.of(problems, "the annotations")
    return Matching(matched, tuple(unmatched))


def _content(path: Path) -> bytes:
    try:
        if (n_bytes := path.stat().st_size) > LARGEST_BYTES:
            raise SpondylError(
                f"{path}: {n_bytes} bytes, over the limit of {LARGEST_BYTES}", "Split the file."
            )
        return path.read_bytes()
    except OSError as error:
        raise SpondylError(
            f"{path}: cannot be read ({error.strerror or error})", "Check the path and its rights."
        ) from error


def _json(path: Path, content: bytes) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SpondylError(
            f"{path}: not valid JSON ({error})", "The file is damaged or of another kind."
        ) from error
    return document


def _collect_json(document: dict[str, Any], collector: Collector) -> None:
    if "shapes" in document:
        labelme.collect(document, collector)
    elif "images" in document:
        coco.collect(document, collector)
    else:
        collector.say("", "is JSON, but neither LabelMe's nor COCO's nor ours", _HINT)


def _parts(name: str) -> list[str]:
    """Folders and file name, whichever way the strokes lean."""
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]


def _file_name(name: str) -> str:
    return "".join(_parts(name)[-1:])


def _nearest(name: str, films: Sequence[Radiograph]) -> list[Radiograph]:
    """Those of `films` whose ids end most like `name`; one alone where it is the id itself."""
    shared = {film.image_id: _shared_end(name, film.image_id) for film in films}
    most = max(shared.values(), default=0)
    nearest = [film for film in films if shared[film.image_id] == most]
    return [film for film in nearest if film.image_id == name] or nearest


def _shared_end(name: str, image_id: str) -> int:
    """How many last parts of the two paths are equal."""
    pairs = zip(reversed(_parts(name)), reversed(_parts(image_id)), strict=False)
    equal = [one == other for one, other in pairs]
    return equal.index(False) if False in equal else len(equal)


def _misfit(
    name: str, found: Regions, films: Sequence[Radiograph], names: Mapping[str, str]
) -> Problem | None:
    film = films[0]
    if len(films) > 1:
        listed = " and ".join(film.image_id for film in films)
        return Problem(name, f"may be {listed}", "Name the film with its folder.")
    if film.image_id in names:
        what = f"is {film.image_id}, and so is {names[film.image_id]}"
        return Problem(name, what, "Keep one of them.")
    if found.image_size != (film.file.height, film.file.width):
        height, width = found.image_size
        what = (
            f"marks on {height} × {width} pixels, and {film.image_id} has "
            f"{film.file.height} × {film.file.width}"
        )
        return Problem(name, what, "Mark the film itself, not a copy of another size.")
    return None
