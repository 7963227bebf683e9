"""A reading as three DICOM objects beside each other: map, overlay and report, in its film's study.

All three are built before the first is written, so a film that cannot be written leaves nothing.
They name each other by identifiers, not by file names; files are called after the film's name in
the reading, which whoever made the reading chose. A film that is no DICOM has no patient and no
study, and none is invented for it: an archive would file it under somebody who does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import FileDataset

from spondyl.data.dicom.faults import quietly
from spondyl.data.loose_films import safe
from spondyl.errors import SpondylError
from spondyl.files import replaced
from spondyl.reading.dicom_out import capture, deidentification, parametric_map, report, source
from spondyl.reading.dicom_out.deidentification import Deidentification
from spondyl.reading.dicom_out.envelope import Envelope
from spondyl.reading.dicom_out.source import Source
from spondyl.reading.record import Film, Reading


@dataclass(frozen=True, slots=True)
class Written:
    """Where the objects of one reading are."""

    heatmap: Path
    overlay: Path
    report: Path
    warnings: tuple[str, ...]
    """What whoever passes the files on must know, in sentences."""

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """All three, the report last, since it refers to the others."""
        return self.heatmap, self.overlay, self.report


def write(reading: Reading, folder: Path, deidentify: Deidentification | None = None) -> Written:
    """Writes a reading into `folder` as FILM_map.dcm, FILM_overlay.dcm and FILM_report.dcm.

    With `deidentify`, one for all films of a run, the patient is taken out of them by the Basic
    Profile of PS3.15.

    Raises `SpondylError` for a film that is not DICOM, that changed after it was read, or that
    lacks the identifiers of its study; where one of the files is there already; and with
    `deidentify` for a film that says that its pixels name the patient.
    """
    name = safe(reading.film.name) or "film"
    kinds = (parametric_map.KIND, capture.KIND, report.KIND)
    paths = [folder / f"{name}_{kind.name}.dcm" for kind in kinds]
    if there := [path for path in paths if path.exists()]:
        raise SpondylError(
            f"{there[0]}: is there already", "Name a new folder; nothing is ever overwritten."
        )
    film = source.read(reading.film)
    if deidentify is not None:
        _refuse_names_in_pixels(reading.film, film)
    for path, made in zip(paths, objects(reading, film, deidentify), strict=True):
        with replaced(path) as draft, quietly():
            made.save_as(draft, enforce_file_format=True)
    return Written(paths[0], paths[1], paths[2], _warnings(reading.film, film, deidentify))


def objects(
    reading: Reading, film: Source, deidentify: Deidentification | None = None
) -> tuple[FileDataset, FileDataset, FileDataset]:
    """Map, overlay and report of a reading of `film`, not written."""
    envelope, sheet = Envelope(reading, film), capture.drawn(reading)
    with quietly():
        heatmap, overlay = parametric_map.build(envelope), capture.build(envelope, sheet)
        document = report.build(envelope, heatmap, overlay, with_warnings=deidentify is None)
        made = heatmap, overlay, document
        if deidentify is not None:
            for one in made:
                clean = one is not overlay or film.burned_in is False
                deidentification.deidentify(one, deidentify, pixels_are_clean=clean)
    return made


def _refuse_names_in_pixels(read: Film, film: Source) -> None:
    if film.burned_in:
        raise SpondylError(
            f"{read.path}: says that its pixels name the patient, and pixels are not cleaned",
            "Blacken the annotations in a copy of the film and read that, or write without "
            "de-identification.",
        )


def _warnings(read: Film, film: Source, deidentify: Deidentification | None) -> tuple[str, ...]:
    if deidentify is None or film.burned_in is not None:
        return ()
    return (
        f"{read.name}: the film does not state whether its pixels hold names or dates. Look at the "
        "overlay before it is passed on; it does not claim that the identity is removed.",
    )
