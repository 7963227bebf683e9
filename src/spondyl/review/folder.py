"""A survey as a folder: `survey.json` and its pictures, whole or absent, proven when it is opened.

Everything a survey shows is drawn before anybody is asked, so asking needs no network. The document
holds the hash of every picture and one of itself: whatever a reader answered to is what was made.
Pictures carry pixels and nothing else; words that a camera or a program left in a file may name a
patient, so such a file is refused. The price is that pictures have to be saved plainly.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError
from pydantic import TypeAdapter, ValidationError

from spondyl.errors import Problem, SpondylError
from spondyl.files import (
    canonical_json,
    new_folder,
    read_json,
    sha256_of_file,
    sha256_of_json,
    write_json,
)
from spondyl.review.proving import refuse_unsound
from spondyl.review.questions import sha256_of_questions
from spondyl.review.records import SCHEMA_VERSION, Survey

DOCUMENT = "survey.json"

_KNOWN = (1, SCHEMA_VERSION)
"""Versions of the document that are read. The first kept neither a heatmap's method nor the label
that a decoy is really of; a survey of it stays as it was, and they stay unknown."""

_FORMATS = {".png": "PNG", ".jpg": "JPEG"}
_PLAIN = frozenset(
    {"gamma", "srgb", "dpi", "aspect", "transparency", "interlace", "chromaticity"}
    | {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
    | {"adobe", "adobe_transform", "icc_profile", "default_image"}
)
"""What Pillow may say of a picture that holds no words."""


@dataclass(frozen=True, slots=True)
class SurveyFolder:
    """A survey whose pictures are all there."""

    path: Path
    survey: Survey
    sha256: str
    """Of all that it asks and shows, pictures included."""
    document: str
    """Canonical JSON of `survey.json`."""

    def picture(self, file: str) -> Path:
        """Where the picture `file`, a `film` of an item or a `file` of a map, is; `SpondylError`
        for any other name."""
        if file not in picture_names(self.survey):
            raise SpondylError("there is no such picture", "Go back to the survey.")
        return self.path / file


def picture_names(survey: Survey) -> frozenset[str]:
    """Names of all pictures that `survey` shows."""
    films = {item.film for item in survey.items}
    return frozenset(films | {m.file for item in survey.items for m in item.maps})


def save(path: Path, survey: Survey, pictures: Mapping[str, bytes]) -> SurveyFolder:
    """Writes `survey` and its `pictures` (PNG or JPEG files by name) as a new folder.

    Raises `SpondylError` where the survey does not hold together, a picture is missing, too many,
    not what its name says or holds words beside its pixels, or `path` is there already.
    """
    refuse_unsound(survey, str(path))
    names = picture_names(survey)
    problems = [
        Problem(name, "no such picture was made", "Draw it.") for name in names - {*pictures}
    ]
    problems += [Problem(n, "is shown nowhere", "Leave it out.") for n in {*pictures} - names]
    problems += [p for name in sorted(names & {*pictures}) for p in _faults(name, pictures[name])]
    if problems:
        raise SpondylError.of(sorted(problems, key=str), str(path))
    with new_folder(path) as draft:
        for name in names:
            (draft / name).write_bytes(pictures[name])
        document = _document(survey, {name: sha256_of_file(draft / name) for name in sorted(names)})
        write_json(draft / DOCUMENT, document)
    return SurveyFolder(path, survey, document["sha256"], canonical_json(document))


def load(path: Path) -> SurveyFolder:
    """The survey in the folder `path`, every hash proven.

    Raises `SpondylError` where there is none, it was written by a newer version, or anything in it
    is missing or has changed.
    """
    if not (path / DOCUMENT).is_file():
        raise SpondylError(f"{path}: no survey is there", f"Name a folder with a {DOCUMENT}.")
    document = read_json(path / DOCUMENT)
    survey = survey_of(document, str(path))
    problems = [
        Problem(name, "is missing" if not (path / name).is_file() else "has changed", "")
        for name, sha256 in document["pictures"].items()
        if not (path / name).is_file() or sha256_of_file(path / name) != sha256
    ]
    if problems:
        first = Problem(problems[0].where, problems[0].what, "Take an undamaged copy of it.")
        raise SpondylError.of([first, *problems[1:]], str(path))
    return SurveyFolder(path, survey, document["sha256"], canonical_json(document))


def survey_of(document: Any, source: str) -> Survey:
    """The survey that a document holds, read from `source`; `SpondylError` where it is none, of a
    newer version, or not what was written."""
    if not isinstance(document, dict) or "schema_version" not in document:
        raise SpondylError(f"{source}: is no survey", f"Name a folder with a {DOCUMENT}.")
    version = document["schema_version"]
    if version not in _KNOWN:
        known = " and ".join(map(str, _KNOWN))
        raise SpondylError(
            f"{source}: schema version {version!r}; {known} can be read",
            "Open it with the version of spondyl that made it.",
        )
    try:
        survey = TypeAdapter(Survey).validate_json(canonical_json(document["survey"]), strict=True)
        written = _document(survey, document["pictures"], version)
        same = canonical_json(written) == canonical_json(document)
    except (KeyError, ValidationError, ValueError, TypeError) as error:
        raise SpondylError(f"{source}: is no survey that can be read", "It is damaged.") from error
    if not same or set(document["pictures"]) != picture_names(survey):
        raise SpondylError(
            f"{source}: {DOCUMENT} is not what was written", "Take an undamaged copy of it."
        )
    refuse_unsound(survey, source)
    return survey


def _document(
    survey: Survey, pictures: Mapping[str, str], version: int = SCHEMA_VERSION
) -> dict[str, Any]:
    """As a `version` of the schema writes it, so that an old one can be proven too."""
    made = asdict(survey)
    if version == 1:
        for m in (m for item in made["items"] for m in item["maps"]):
            del m["drawn_label"], m["method"]
    content = {
        "schema_version": version,
        "questions_sha256": sha256_of_questions(survey.questions),
        "survey": made,
        "pictures": dict(pictures),
    }
    return {**content, "sha256": sha256_of_json(content)}


def _faults(name: str, content: bytes) -> list[Problem]:
    """What is wrong with a picture."""
    expected = _FORMATS[Path(name).suffix]
    try:
        with Image.open(io.BytesIO(content), formats=list(_FORMATS.values())) as picture:
            found, exif = picture.format, len(picture.getexif())
            picture.load()
            words = sorted(str(key) for key in picture.info if key not in _PLAIN)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        return [Problem(name, f"cannot be decoded ({error})", "Save it as PNG or JPEG.")]
    if found != expected:
        return [Problem(name, f"is {found}, its name says {expected}", "Rename it.")]
    if words or exif:
        held = ", ".join(words) or "EXIF"
        return [Problem(name, f"holds more than pixels ({held})", "Save pixels only.")]
    return []
