"""Which DICOM objects are films: projection radiographs of one frame, and captures of them.

An object is known by its SOP class (PS3.4 B.5), and by its modality where the class leaves that
open. What is refused is named, since a folder from an archive holds much beside films. Slices,
reports and segmentations are no films; films of breasts and teeth are, but show no spine; the
enhanced classes state their levels frame by frame, in a way that is not read.
"""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from spondyl.data.dicom.values import text
from spondyl.errors import SpondylError

_STORAGE = "1.2.840.10008.5.1.4.1.1."
CR = _STORAGE + "1"
DX = _STORAGE + "1.1"
DX_FOR_PROCESSING = _STORAGE + "1.1.1"
XA = _STORAGE + "12.1"
RF = _STORAGE + "12.2"
SECONDARY_CAPTURES = frozenset(_STORAGE + number for number in ("7", "7.2", "7.3", "7.4"))
PROJECTIONS = frozenset({CR, DX, DX_FOR_PROCESSING, XA, RF})
FILMS = PROJECTIONS | SECONDARY_CAPTURES
"""SOP classes that are read."""
DIRECTORY = "1.2.840.10008.1.3.10"

_NO_FILMS = frozenset(
    {
        *("CT", "MR", "PT", "NM", "US", "IVUS", "BMD", "MG", "IO", "PX", "ES", "XC", "GM", "SM"),
        *("OP", "OPT", "OPM", "OCT", "EC", "ECG", "HD", "SR", "DOC", "KO", "PR", "SEG", "AU"),
        *("RTDOSE", "RTSTRUCT", "RTPLAN", "RTRECORD"),
    }
)
"""Modalities (PS3.3 C.7.3.1.1.1) of which a capture shows no radiograph of a spine."""

_HINT = "Radiographs are read (CR, DX, RF, XA, and secondary captures of them): leave it out."


def refuse_unless_film(dataset: Dataset, path: str | Path) -> None:
    """Raises `SpondylError`, with the name of what it is, for every object that is no film."""
    sop_class = text(dataset, "SOPClassUID")
    if sop_class == DIRECTORY or "DirectoryRecordSequence" in dataset:
        raise SpondylError(
            f"{path}: is a DICOMDIR, the table of contents of a disc",
            "Name the films that it lists, or the folder in which they lie.",
        )
    if not sop_class:
        raise SpondylError(f"{path}: is DICOM, but does not say what kind of object it is", _HINT)
    if sop_class not in FILMS:
        raise SpondylError(f"{path}: is DICOM, but no radiograph ({_name(sop_class)})", _HINT)
    modality = text(dataset, "Modality").upper()
    if modality in _NO_FILMS:
        raise SpondylError(
            f"{path}: is DICOM, but its modality is {modality}, which is no radiograph", _HINT
        )


def _name(sop_class: str) -> str:
    """The name of a class in PS3.6, without the word that all have; its UID where it has none."""
    name = UID(sop_class).name
    return name.removesuffix(" Storage") if name != sop_class else f"SOP class {sop_class}"
