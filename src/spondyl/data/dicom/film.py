"""One DICOM film: opened and judged by its header, then decoded to what `pixels` hands out.

Everything is judged before a pixel is decoded: what kind of object it is, how its pixels are
stored, how large they are. The order of steps is the standard's: stored values, then either the
grey pipeline or the film's colours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from spondyl.data.dicom import (
    colour,
    decoding,
    elements,
    grey,
    kinds,
    layout,
    spacing,
    stating,
)
from spondyl.data.dicom.elements import PixelElement
from spondyl.data.dicom.facts import DicomFacts
from spondyl.data.dicom.faults import DAMAGED, faults_of, quietly
from spondyl.data.dicom.layout import GREYS, PALETTE, Layout
from spondyl.data.dicom.values import text
from spondyl.data.radiograph import NOT_STATED
from spondyl.errors import SpondylError


@dataclass(frozen=True, slots=True, eq=False)
class DicomFilm:
    """A film whose header is read; its file must stay open to decode it."""

    layout: Layout
    facts: DicomFacts
    spacing_mm: tuple[float, float] | None
    dataset: Dataset
    pixels: PixelElement

    @property
    def mode(self) -> str:
        """How the pixels are stored, as "MONOCHROME2;12"."""
        return f"{self.layout.photometric};{self.layout.bits_stored}"


def opened(file: BufferedReader, path: str | Path) -> DicomFilm:
    """The film in a DICOM file, judged by all that its header says.

    Raises `SpondylError` for objects that are no films, for several frames, for transfer syntaxes,
    depths and sizes that are not read, and for headers that are damaged.
    """
    with quietly(), faults_of(path):
        found = elements.read(file, path)
        kinds.refuse_unless_film(found.dataset, path)
        decoding.refuse_syntax(found.syntax, path)
        if found.pixels is None or found.pixels.is_float:
            kind = "no pixels" if found.pixels is None else "fractions for pixels"
            raise SpondylError(f"{path}: is DICOM with {kind}", DAMAGED)
        stored = layout.of(found.dataset, path)
        stated = spacing.of(found.dataset)
        facts = _facts(found.dataset, found.syntax, stored)
        facts = replace(facts, spacing_kind=stated.kind, notes=(*facts.notes, *stated.notes))
        return DicomFilm(stored, facts, stated.spacing_mm, found.dataset, found.pixels)


def decoded(film: DicomFilm, path: str | Path) -> tuple[NDArray[np.float32], DicomFacts]:
    """(H, W), bright = dense, or (H, W, 3), in [0, 1]; and the facts with notes of what was done.

    Raises `SpondylError` where the pixels are damaged, missing, or not what the header says.
    """
    with faults_of(path):
        table, notes = _table(film)
        found = decoding.stored(film.pixels, film.layout, film.facts.transfer_syntax_uid, path)
        if table is None:
            values = colour.rgb(found.values, found.photometric, film.layout)
        elif table.ndim == 2:
            values = colour.painted(found.values, table, film.layout)
        else:
            values = grey.dense(found.values, table, film.layout)
    return values, replace(film.facts, notes=(*found.notes, *notes, *film.facts.notes))


def _table(film: DicomFilm) -> tuple[NDArray[np.float32] | None, tuple[str, ...]]:
    """What each stored value becomes, grey or by a palette, and notes; None for other colours."""
    with quietly():
        is_little = bool(film.dataset.original_encoding[1])
        if film.layout.photometric in GREYS:
            return grey.table_of(film.layout, film.dataset, is_little)
        if film.layout.photometric == PALETTE:
            return colour.palette_of(film.layout, film.dataset, is_little), ()
        return None, ()


def _facts(dataset: Dataset, syntax: str, stored: Layout) -> DicomFacts:
    view, view_notes = stating.view(dataset)
    age_years, age_notes = stating.age_years(dataset)
    return DicomFacts(
        sop_class_uid=text(dataset, "SOPClassUID"),
        sop_instance_uid=text(dataset, "SOPInstanceUID"),
        study_uid=text(dataset, "StudyInstanceUID"),
        series_uid=text(dataset, "SeriesInstanceUID"),
        transfer_syntax_uid=syntax,
        photometric=stored.photometric,
        bits_stored=stored.bits_stored,
        modality=text(dataset, "Modality") or NOT_STATED,
        view=view,
        laterality=stating.laterality(dataset),
        body_part=stating.body_part(dataset),
        age_years=age_years,
        sex=stating.sex(dataset),
        patient_key=stating.patient_key(dataset),
        burned_in=stating.burned_in(dataset),
        notes=(*view_notes, *age_notes, *stating.oddities(dataset)),
    )
