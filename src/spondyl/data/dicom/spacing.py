"""How many millimetres a pixel is, and where: on the patient or on the detector.

A projection radiograph enlarges the patient, so a length on the detector is not one in the body.
PS3.3 10.7.1.3 tells them apart: Imager Pixel Spacing is on the detector; Pixel Spacing is on the
patient where it differs from that, or where a calibration is named; equal to it, it is a copy;
alone and without a named calibration, as old CR has it, nothing says that anybody calibrated it, so
it is taken for the detector's. The header's estimate of the magnification is noted and nothing is
divided by it: whether it holds for the spine is not known. Values that no film can have are not
stated.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from spondyl.data.dicom.facts import SpacingKind
from spondyl.data.dicom.values import numbers, text
from spondyl.data.radiograph import NOT_STATED

LEAST_MM, MOST_MM = 0.01, 5.0
"""Between these a pixel of a film of a person may be."""
MOST_ASPECT = 4.0
"""How much longer one side of a pixel may be than the other."""
_ALIKE = 1e-4
"""Relative difference up to which two spacings are the same one, written twice."""

Spacing = tuple[float, float]


@dataclass(frozen=True, slots=True)
class StatedSpacing:
    """Millimetres per pixel as far as a header says."""

    spacing_mm: Spacing | None
    """(row, column): between rows, then between columns, as the standard has it."""
    kind: SpacingKind
    notes: tuple[str, ...]


def of(dataset: Dataset) -> StatedSpacing:
    """The spacing of a film's pixels, its kind, and what is odd about it."""
    notes: list[str] = []
    patient = _pair(dataset, "PixelSpacing", notes)
    detector = _pair(dataset, "ImagerPixelSpacing", notes)
    scanned = _pair(dataset, "NominalScannedPixelSpacing", notes)
    spacing, kind = _chosen(dataset, patient, detector, scanned)
    if spacing is None:
        _note_aspect(dataset, notes)
    elif not _is_alike(spacing, (spacing[1], spacing[1])):
        notes.append(f"its pixels are not square ({spacing[0]:g} × {spacing[1]:g} mm)")
    factors = _numbers(dataset, "EstimatedRadiographicMagnificationFactor")
    if kind == "detector" and factors and factors[0] > 0 and factors[0] != 1:
        notes.append(
            f"its header estimates a magnification of {factors[0]:g}, by which the spacing on the "
            "detector was not divided"
        )
    return StatedSpacing(spacing, kind, tuple(notes))


def _chosen(
    dataset: Dataset, patient: Spacing | None, detector: Spacing | None, scanned: Spacing | None
) -> tuple[Spacing | None, SpacingKind]:
    is_named = bool(text(dataset, "PixelSpacingCalibrationType"))
    if patient is not None:
        if is_named or (detector is not None and not _is_alike(patient, detector)):
            return patient, "calibrated"
        return patient, "detector"
    if detector is not None:
        return detector, "detector"
    if scanned is not None:
        return scanned, "detector"  # of the film that was scanned, which lay on the detector
    return None, NOT_STATED


def _pair(dataset: Dataset, keyword: str, notes: list[str]) -> Spacing | None:
    found = _numbers(dataset, keyword)
    if not found:
        return None
    if len(found) == 2:
        row, column = found
        is_plausible = min(found) >= LEAST_MM and max(found) <= MOST_MM
        if is_plausible and max(found) <= MOST_ASPECT * min(found):
            return row, column
    shown = " × ".join(f"{one:g}" for one in found[:3])
    notes.append(f"its {_NAMES[keyword]} of {shown} mm cannot be that of a film, and was not used")
    return None


_NAMES = {
    "PixelSpacing": "pixel spacing",
    "ImagerPixelSpacing": "imager pixel spacing",
    "NominalScannedPixelSpacing": "nominal scanned pixel spacing",
}


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    """As `numbers`; what is no number is a spacing of 0, which is none."""
    try:
        return numbers(dataset, keyword)
    except ValueError:
        return [0.0]


def _note_aspect(dataset: Dataset, notes: list[str]) -> None:
    ratio = _numbers(dataset, "PixelAspectRatio")
    if len(ratio) == 2 and ratio[0] != ratio[1] and min(ratio) > 0:
        notes.append(f"its pixels are not square (aspect {ratio[0]:g} : {ratio[1]:g})")


def _is_alike(one: Spacing, other: Spacing) -> bool:
    return all(abs(a - b) <= _ALIKE * max(a, b) for a, b in zip(one, other, strict=True))
