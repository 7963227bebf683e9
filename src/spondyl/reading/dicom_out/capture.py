"""The reading as a picture, in a Secondary Capture (PS3.3 A.8): what every viewer can show.

It is the sheet of `reading.picture`, with what was answered or why nothing was, heat's scale, and
that this is research - as pixels, on strips beside the film, so that no viewer can leave them out
and they hide nothing of the film. The file's name is not among them: in an archive the film is
known by what the object refers to. The price of 8 bits, a smaller picture and colour is that it is
no longer a film to measure or to diagnose from, and it says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pydicom.dataset import FileDataset
from pydicom.uid import SecondaryCaptureImageStorage

from spondyl.data import pixels
from spondyl.errors import SpondylError
from spondyl.explain.overlay import Rgb
from spondyl.reading import picture
from spondyl.reading.dicom_out import codes
from spondyl.reading.dicom_out.envelope import (
    NOTICE,
    Envelope,
    Kind,
    coded,
    opened,
    reference,
    state_loss,
)
from spondyl.reading.record import Reading
from spondyl.reading.words import shown

KIND: Final = Kind("overlay", SecondaryCaptureImageStorage, "OT", 9002, "Heatmap over film")
NAMELESS = "Film"


def build(envelope: Envelope, sheet: Rgb) -> FileDataset:
    """What `drawn` made of the reading as a Secondary Capture of 8 bits RGB."""
    reading, made = envelope.reading, opened(KIND, envelope)
    made.update(envelope.source.body_part)
    made.ConversionType = "WSD"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.PatientOrientation = envelope.source.patient_orientation
    if envelope.source.burned_in is not None:
        made.BurnedInAnnotation = "YES" if envelope.source.burned_in else "NO"
    made.DerivationDescription = _in_words(reading)
    made.DerivationCodeSequence = [coded(codes.VISUAL_EXPLANATION.code)]
    source = reference(envelope.source, codes.SOURCE_IMAGE.code)
    source.SpatialLocationsPreserved = "NO"
    made.SourceImageSequence = [source]
    state_loss(made, envelope.source)
    _fill(made, sheet)
    return made


def drawn(reading: Reading) -> Rgb:
    """(H, W, 3): the sheet of a reading whose film is called "Film".

    Raises `SpondylError` as `pixels.read` does, and where the film's file is no longer the one
    that was read.
    """
    film = pixels.read(reading.film.path)
    if film.facts.sha256 != reading.film.sha256:
        raise SpondylError(f"{reading.film.path}: changed after it was read", "Read it again.")
    return picture.drawn(replace(reading, film=replace(reading.film, name=NAMELESS)), film)


def _fill(made: FileDataset, sheet: Rgb) -> None:
    """The module Image Pixel (PS3.3 C.7.6.3)."""
    made.SamplesPerPixel = 3
    made.PhotometricInterpretation = "RGB"
    made.PlanarConfiguration = 0
    made.Rows, made.Columns = sheet.shape[:2]
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit = 7
    made.PixelRepresentation = 0
    stored = sheet.tobytes()
    made.PixelData = stored + b"\0" * (len(stored) % 2)


def _in_words(reading: Reading) -> str:
    heatmap = reading.heatmap
    return shown(
        f"{NOTICE}. {heatmap.method} for the label {heatmap.label} drawn over the film, with a "
        "legend."
    )[:1024]
