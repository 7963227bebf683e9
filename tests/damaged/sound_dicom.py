"""Small sound DICOM films, one for each transfer syntax and way of stating levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from dicom_films import CR, DX, SECONDARY_CAPTURE, bytes_of, film
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

NAME, NUMBER = "Quellwasser^Undine", "PID-90210"
PARTICULARS = (*NAME.split("^"), NUMBER)
"""Of the patient: what must never be told."""


def films(grey8: NDArray[Any], grey16: NDArray[Any], colour8: NDArray[Any]) -> dict[str, bytes]:
    """Name → bytes, made of (H, W) and (H, W, 3) arrays of 8 and 16 bits."""
    grey12 = grey16 >> 4
    signed = (grey16 >> 1).astype(np.int16) - 4000
    twelve = {"BitsStored": 12}
    window = {"WindowCenter": 1800, "WindowWidth": 3000}
    one = "MONOCHROME1"
    made = {
        "implicit, CR": film(grey12, CR, ImplicitVRLittleEndian, **twelve, **window),
        "explicit, CR": film(grey12, CR, **twelve, PhotometricInterpretation=one),
        "explicit, DX": film(grey16, DX, VOILUTSequence=[_table()]),
        "explicit, SC": film(colour8, SECONDARY_CAPTURE),
        "8 bit, SC": film(grey8, SECONDARY_CAPTURE, ModalityLUTSequence=[_table(256, True)]),
        "palette, SC": film(grey8, SECONDARY_CAPTURE, **_palette()),
        "signed, CR": film(signed, CR, **_rescaled()),
        "big-endian, CR": film(grey16, CR, ExplicitVRBigEndian),
        "deflated, CR": film(grey12, CR, DeflatedExplicitVRLittleEndian, **twelve),
        "RLE, CR": film(grey12, CR, RLELossless, **twelve),
        "RLE, SC": film(colour8, SECONDARY_CAPTURE, RLELossless),
        "JPEG baseline, CR": film(grey8, CR, JPEGBaseline8Bit),
        "JPEG 12 bit, CR": film(grey12, CR, JPEGExtended12Bit, **twelve),
        "JPEG lossless, CR": film(grey16, CR, JPEGLosslessSV1),
        "JPEG-LS, CR": film(grey12, CR, JPEGLSLossless, **twelve),
        "JPEG-LS near, SC": film(grey8, SECONDARY_CAPTURE, JPEGLSNearLossless),
        "JPEG 2000, CR": film(grey12, CR, JPEG2000Lossless, **twelve, **window),
        "JPEG 2000 lossy, SC": film(colour8, SECONDARY_CAPTURE, JPEG2000),
    }
    return {name: stored(dataset) for name, dataset in made.items()}


def stored(dataset: Dataset) -> bytes:
    """The file of a film, with the particulars that must not be told."""
    dataset.PatientName, dataset.PatientID = NAME, NUMBER
    return bytes_of(dataset)


def _table(n: int = 4096, of_modality: bool = False) -> Dataset:
    """A lookup table of `n` entries that bend the levels a little."""
    item = Dataset()
    item.LUTDescriptor = [n, 0, 16]
    levels = np.linspace(0, 1, n) ** 1.2 * 65_535
    item.LUTData = levels.astype("<u2").tobytes()
    if of_modality:
        item.ModalityLUTType = "US"
    for keyword in ("LUTDescriptor", "LUTData"):
        item[keyword].VR = "OW" if keyword == "LUTData" else "US"
    return item


def _rescaled() -> dict[str, object]:
    return {"RescaleSlope": 2, "RescaleIntercept": -100, "RescaleType": "US", "BitsStored": 16}


def _palette() -> dict[str, object]:
    ramp = (np.arange(256) * 257).astype("<u2")
    colours = {"Red": ramp, "Green": ramp // 2, "Blue": ramp[::-1]}
    tables: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, levels in colours.items():
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tables[f"{colour}PaletteColorLookupTableData"] = levels.astype("<u2").tobytes()
    return tables
