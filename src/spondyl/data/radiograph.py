"""One film as a record: what it is called, what was stated about it, what its file is like.

Nothing here is guessed. What a folder, a file name or a manifest does not say is "not stated"
(None where the value would be a number), and stays so through every table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

NOT_STATED: Literal["not stated"] = "not stated"

View = Literal["frontal", "lateral", "other", "not stated"]
Sex = Literal["female", "male", "not stated"]
Side = Literal["right", "left", "not stated"]
Region = Literal["thoracic", "thoracolumbar", "lumbar", "not stated"]


@dataclass(frozen=True, slots=True)
class Curve:
    """A scoliotic curve as somebody named it: the side of its convexity and its region."""

    side: Side = NOT_STATED
    region: Region = NOT_STATED


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What can be known of an image file without looking at the picture."""

    format: str
    """JPEG, PNG, TIFF as Pillow names them, or DICOM."""
    height: int
    width: int
    """Pixels, after the EXIF rotation."""
    mode: str
    """Pillow's mode of the stored pixels: L, RGB, P, RGBA, I;16 …; of DICOM the photometric
    interpretation and the bits stored: MONOCHROME2;12."""
    n_bytes: int
    dpi: float | None
    """Dots per inch along the rows, where the file states it."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Radiograph:
    """A film of a cohort; `group_id` is equal for films that must never be in two folds."""

    image_id: str
    """Path relative to the cohort's root, with forward slashes."""
    path: Path
    label: str | None
    group_id: str
    """The patient where stated, by a manifest or a DICOM header, else the film; films found to be
    the same share one."""
    file: FileFacts
    view: View = NOT_STATED
    sex: Sex = NOT_STATED
    age_years: float | None = None
    site: str = NOT_STATED
    curves: tuple[Curve, ...] = ()
    slip_level: str = NOT_STATED
    """The slipped level as stated, for example "L4-5"."""
