"""DICOM films of a made-up patient, written from plain arrays with all modules that are required.

What is stored is what is given: no level is changed but by a lossy transfer syntax.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

CR = ComputedRadiographyImageStorage
DX = DigitalXRayImageStorageForPresentation
DX_FOR_PROCESSING = DigitalXRayImageStorageForProcessing
SECONDARY_CAPTURE = SecondaryCaptureImageStorage

ROOT = "1.2.826.0.1.3680043.10.1487."
"""A prefix for made-up UIDs."""
_MODALITIES = {CR: "CR", DX: "DX", DX_FOR_PROCESSING: "DX", SECONDARY_CAPTURE: "OT"}
LUMBAR_SPINE = ("122496007", "SCT", "Lumbar spine")
POSTERO_ANTERIOR = ("272479007", "SCT", "postero-anterior")


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """One item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def film(
    pixels: np.ndarray,
    sop_class: str = CR,
    transfer_syntax: str = ExplicitVRLittleEndian,
    **changes: Any,
) -> Dataset:
    """A film of whole numbers of 8, 16 or 32 bits, signed or not, (H, W) or (H, W, 3).

    `changes` are elements by their keywords, set last; None takes an element away. Where
    BitsStored is changed, HighBit follows unless it is changed too. A compressed transfer syntax
    compresses; `PixelData` in `changes` is stored as given.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    _say_patient_and_study(dataset)
    _say_image(dataset, UID(sop_class))
    _say_pixels(dataset, pixels)
    if "BitsStored" in changes:
        changes = {"HighBit": changes["BitsStored"] - 1, **changes}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values that are wrong are wrong on purpose
        for keyword, value in changes.items():
            if value is None and keyword in dataset:
                del dataset[keyword]
            elif keyword != "PixelData":
                setattr(dataset, keyword, value)
    if sop_class == DX and "VOILUTSequence" not in dataset and "WindowCenter" not in dataset:
        _say_full_window(dataset)
    if "PixelData" not in changes:
        dataset.PixelData = pixel_data(pixels, UID(transfer_syntax), dataset.BitsStored)
    elif changes["PixelData"] is not None:
        dataset.PixelData = changes["PixelData"]
    if "PixelData" in dataset:
        native = dataset.BitsAllocated == 8 and not UID(transfer_syntax).is_encapsulated
        dataset["PixelData"].VR = "OB" if native or UID(transfer_syntax).is_encapsulated else "OW"
        dataset["PixelData"].is_undefined_length = UID(transfer_syntax).is_encapsulated
    return dataset


def written(
    path: Path,
    pixels: np.ndarray,
    sop_class: str = CR,
    transfer_syntax: str = ExplicitVRLittleEndian,
    **changes: Any,
) -> Path:
    """`film` in a file with preamble and meta header."""
    return saved(path, film(pixels, sop_class, transfer_syntax, **changes))


def saved(path: Path, dataset: Dataset) -> Path:
    """`dataset` in a file at `path`, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CR)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", ROOT + "9")
    dataset.save_as(path, enforce_file_format=True)
    return path


def bytes_of(dataset: Dataset) -> bytes:
    """The bytes of the file that `saved` writes."""
    stream = io.BytesIO()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CR)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", ROOT + "9")
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def pixel_data(pixels: np.ndarray, syntax: UID, bits_stored: int) -> bytes:
    """The value of PixelData: native in the order of bytes of `syntax`, or one fragment."""
    if not syntax.is_encapsulated:
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        plain = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder(order)).tobytes()
        return plain + b"\0" * (len(plain) % 2)
    return encapsulate([codestream(pixels, syntax, bits_stored)])


def codestream(pixels: np.ndarray, syntax: UID, bits_stored: int) -> bytes:
    """`pixels` compressed as `syntax` asks; lossy ones with little loss."""
    unsigned = np.ascontiguousarray(pixels)
    if pixels.dtype.kind == "i" and syntax not in (JPEG2000, JPEG2000Lossless):
        mask = np.array(2**bits_stored - 1).astype(f"u{pixels.dtype.itemsize}")
        unsigned = pixels.view(f"u{pixels.dtype.itemsize}") & mask
    bits = {"bitspersample": bits_stored}
    if syntax == RLELossless:
        return _run_length(unsigned)
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return imagecodecs.jpeg8_encode(unsigned, level=98, **bits)
    if syntax in (JPEGLossless, JPEGLosslessSV1):
        predictor = 1 if syntax == JPEGLosslessSV1 else 6
        plain = {"colorspace": "RGB", "outcolorspace": "RGB"} if pixels.ndim == 3 else {}
        return imagecodecs.jpeg8_encode(
            unsigned, lossless=True, predictor=predictor, **bits, **plain
        )
    if syntax in (JPEGLSLossless, JPEGLSNearLossless):
        return imagecodecs.jpegls_encode(unsigned, level=2 * (syntax == JPEGLSNearLossless))
    if syntax in (JPEG2000, JPEG2000Lossless):
        lossless = syntax == JPEG2000Lossless
        return imagecodecs.jpeg2k_encode(
            unsigned, codecformat="j2k", reversible=lossless, level=0 if lossless else 60, **bits
        )
    if syntax in (HTJ2K, HTJ2KLossless):
        return imagecodecs.htj2k_encode(unsigned, reversible=syntax == HTJ2KLossless)
    raise ValueError(f"no films are written in {syntax.name}")


def _run_length(pixels: np.ndarray) -> bytes:
    """PS3.5 annex G: a header of 16 numbers, then a segment for each byte of each sample."""
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    stored = planes.astype(planes.dtype.newbyteorder(">"))
    segments = []
    for sample in range(planes.shape[2]):
        of_bytes = np.frombuffer(stored[..., sample].tobytes(), np.uint8)
        for one in of_bytes.reshape(-1, planes.dtype.itemsize).T:
            rows = one.reshape(planes.shape[:2])
            packed = b"".join(imagecodecs.packbits_encode(row.tobytes()) for row in rows)
            segments.append(packed + b"\0" * (len(packed) % 2))
    starts = 64 + np.cumsum([0, *map(len, segments)])[:-1]
    header = np.zeros(16, dtype="<u4")
    header[: 1 + len(segments)] = [len(segments), *starts]
    return header.tobytes() + b"".join(segments)


def _say_patient_and_study(dataset: Dataset) -> None:
    """Patient, General Study, General and CR Series, General Equipment (PS3.3 A.2.3)."""
    dataset.PatientName = "Nobody^Ever"
    dataset.PatientID = "made-up-17"
    dataset.IssuerOfPatientID = "Nowhere Hospital"
    dataset.PatientBirthDate = "19700315"
    dataset.PatientSex = "F"
    dataset.PatientAge = "051Y"
    dataset.StudyInstanceUID = ROOT + "1"
    dataset.StudyDate, dataset.StudyTime = "20210401", "101500"
    dataset.ReferringPhysicianName = ""
    dataset.StudyID = "1"
    dataset.AccessionNumber = ""
    dataset.SeriesInstanceUID = ROOT + "1.1"
    dataset.SeriesNumber = 1
    dataset.Manufacturer = "Nobody"
    dataset.BodyPartExamined = "LSPINE"
    dataset.ViewPosition = "AP"


def _say_image(dataset: Dataset, sop_class: UID) -> None:
    """SOP Common, General Image, and what CR, DX (A.26) and Secondary Capture (A.8) ask for."""
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = ROOT + "1.1.1"
    dataset.Modality = _MODALITIES.get(sop_class, "OT")
    dataset.InstanceNumber = 1
    dataset.PatientOrientation = ["L", "F"]
    dataset.BurnedInAnnotation = "NO"
    if sop_class == SECONDARY_CAPTURE:
        dataset.ConversionType = "WSD"
        dataset.Laterality = ""
        for keyword in ("BodyPartExamined", "ViewPosition"):
            del dataset[keyword]
    if sop_class in (DX, DX_FOR_PROCESSING):
        _say_digital(dataset, sop_class == DX)


def _say_digital(dataset: Dataset, for_presentation: bool) -> None:
    """What DX asks for beside CR: PS3.3 C.8.11.1 to C.8.11.5."""
    dataset.PresentationIntentType = "FOR PRESENTATION" if for_presentation else "FOR PROCESSING"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""]
    dataset.ImageLaterality = "U"
    dataset.AnatomicRegionSequence = [code(*LUMBAR_SPINE)]
    dataset.ViewCodeSequence = [code(*POSTERO_ANTERIOR)]
    dataset.ViewPosition = "PA"
    dataset.PixelIntensityRelationship, dataset.PixelIntensityRelationshipSign = "LOG", 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.LossyImageCompression = "00"
    dataset.AcquisitionContextSequence = []
    dataset.DetectorType = "DIRECT"
    dataset.PositionerType = ""
    dataset.ImagerPixelSpacing = [0.143, 0.143]


def _say_full_window(dataset: Dataset) -> None:
    """A window over all that the stored bits can hold, since DX asks for one (C.8.11.3)."""
    lowest = -(2 ** (dataset.BitsStored - 1)) if dataset.PixelRepresentation == 1 else 0
    dataset.WindowWidth = 2**dataset.BitsStored
    dataset.WindowCenter = lowest + 2 ** (dataset.BitsStored - 1)


def _say_pixels(dataset: Dataset, pixels: np.ndarray) -> None:
    """Image Pixel (C.7.6.3)."""
    colour = pixels.ndim == 3
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    if colour:
        dataset.PlanarConfiguration = 0


def read_back(path: Path) -> Dataset:
    """The file at `path` as pydicom reads it."""
    return pydicom.dcmread(path)
