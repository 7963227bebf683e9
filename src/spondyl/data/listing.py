"""What a folder, a file name or a manifest says of each film, before any film is opened.

The readers of class folders and of manifests both end here, so all that follows (hashing, decoding,
counting) is written once and cannot depend on how a cohort was stated.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from spondyl.data.radiograph import NOT_STATED, Curve, Sex, View
from spondyl.errors import Problem


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody stated of a film and its patient; all that nobody did is "not stated"."""

    view: View = NOT_STATED
    sex: Sex = NOT_STATED
    age_years: float | None = None
    site: str = NOT_STATED
    curves: tuple[Curve, ...] = ()
    slip_level: str = NOT_STATED


@dataclass(frozen=True, slots=True)
class Entry:
    """One film as listed: where its file should be and what was stated of it."""

    where: str
    """Where a user finds the entry: the film's path, or the line of the manifest."""
    image_id: str
    """Path relative to the cohort's root, with forward slashes."""
    path: Path
    label: str | None
    group_id: str
    stated: Stated


@dataclass(frozen=True, slots=True)
class Listing:
    """All films of a folder or manifest, all that is wrong with it, and what was passed over."""

    root: Path
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    ignored: tuple[str, ...]


def unprintable(name: str) -> bool:
    """Whether `name` holds control characters, or bytes that are not UTF-8."""
    return any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
