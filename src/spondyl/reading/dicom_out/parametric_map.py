"""The heatmap as a Parametric Map (PS3.3 A.75): signed values, unscaled, one pixel on another.

The map lies on the film's own grid, from edge to edge, or on that grid made smaller where a side
exceeds `LONGEST_SIDE`, sampled bilinearly from the layer's grid as everywhere in this house. So a
viewer that knows no more than the two pictures can lay one over the other by stretching it, which
the layer's grid does not allow: a letterboxed film ends in the middle of its cells. The price is
that the cells themselves are not in the file - the values between them are - and a few megabytes
for a map of 49 numbers.

Values are signed, before the ReLU where the method's definition ends in one: whoever wants the
defined map sets what is negative to 0. Beyond the window that the network was shown they are 0.

A plain radiograph has no frame of reference, no position and no orientation. The standard asks for
an identifier of one, so each map gets a new one that nothing else shares. It asks for groups on
spacing, position and orientation too, but not for values in them where a frame is derived and no
regular volume (VolumetricProperties DISTORTED; PS3.3 C.7.6.16.2.1, .3 and .4): they are there and
empty, so nothing is invented that could be taken for the patient's geometry.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.coding import Code
from pydicom.tag import Tag
from pydicom.uid import ParametricMapStorage

from spondyl.data.placement import Size
from spondyl.reading.dicom_out import codes
from spondyl.reading.dicom_out.envelope import (
    Envelope,
    Kind,
    coded,
    new_uid,
    opened,
    reference,
    series_reference,
    state_loss,
)
from spondyl.reading.record import Reading
from spondyl.reading.words import shown

KIND: Final = Kind("map", ParametricMapStorage, "OT", 9001, "Heatmap, raw")
LONGEST_SIDE = 1024
"""Pixels of the map's longer side at most."""


def build(envelope: Envelope) -> FileDataset:
    """The heatmap of a reading as a Parametric Map of one frame of float32."""
    reading, made = envelope.reading, opened(KIND, envelope)
    values = on_film(reading)
    made.update(envelope.source.body_part)
    made.FrameOfReferenceUID = new_uid()
    made.PositionReferenceIndicator = ""
    _describe(made, reading)
    _lay_out(made, values)
    state_loss(made, envelope.source)
    made.ReferencedSeriesSequence = series_reference(envelope.source)
    made.AcquisitionContextSequence = []
    made.NumberOfFrames = 1
    made.SharedFunctionalGroupsSequence = [_shared(envelope, values)]
    made.PerFrameFunctionalGroupsSequence = [_frame(made)]
    made.FloatPixelData = values.astype("<f4").tobytes()
    return made


def on_film(reading: Reading) -> NDArray[np.float32]:
    """(height, width) the signed map, from edge to edge of the film, in the heatmap's unit."""
    return reading.placement.on_image(reading.heatmap.signed, map_size(reading.film.size))


def map_size(film: Size) -> Size:
    """(height, width) of the map of a film of this size: the same shape, no side above
    `LONGEST_SIDE`."""
    factor = min(1.0, LONGEST_SIDE / max(film))
    return max(1, round(film[0] * factor)), max(1, round(film[1] * factor))


def _describe(made: Dataset, reading: Reading) -> None:
    """The module Parametric Map Image (C.8.32.2), all but the pixels."""
    heatmap = reading.heatmap
    made.ImageType = ["DERIVED", "PRIMARY", "OTHER", "QUANTITY"]
    made.ContentQualification = "RESEARCH"
    made.ContentLabel = "HEATMAP"
    made.ContentDescription = codes.short(f"{heatmap.method} for {heatmap.label}")
    made.ContentCreatorName = ""
    made.VolumetricProperties = "DISTORTED"
    made.BurnedInAnnotation = "NO"
    made.RecognizableVisualFeatures = "NO"
    made.PresentationLUTShape = "IDENTITY"


def _lay_out(made: Dataset, values: NDArray[np.float32]) -> None:
    """The modules Floating Point Image Pixel (C.7.6.24) and Multi-frame Dimension (C.7.6.17)."""
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.Rows, made.Columns = values.shape
    made.BitsAllocated = 32
    organization, index = Dataset(), Dataset()
    organization.DimensionOrganizationUID = index.DimensionOrganizationUID = new_uid()
    index.DimensionIndexPointer = Tag("LUTLabel")
    index.FunctionalGroupPointer = Tag("RealWorldValueMappingSequence")
    index.DimensionDescriptionLabel = "Heatmap"
    made.DimensionOrganizationSequence = [organization]
    made.DimensionIndexSequence = [index]


def _shared(envelope: Envelope, values: NDArray[np.float32]) -> Dataset:
    """The functional groups that say what a value is and where it comes from."""
    made, derived, window, identity = Dataset(), Dataset(), Dataset(), Dataset()
    derived.DerivationCodeSequence = [coded(codes.VISUAL_EXPLANATION.code)]
    derived.DerivationDescription = _in_words(envelope.reading)
    source = reference(envelope.source, codes.SOURCE_IMAGE.code)
    derived.SourceImageSequence = [source]
    identity.RescaleIntercept, identity.RescaleSlope, identity.RescaleType = 0, 1, "US"
    low, high = float(values.min()), float(values.max())
    window.WindowCenter = f"{(low + high) / 2:.8g}"
    window.WindowWidth = f"{max(high - low, 1e-6):.8g}"
    made.PixelMeasuresSequence = [Dataset()]
    made.PlaneOrientationSequence = [Dataset()]
    made.DerivationImageSequence = [derived]
    made.PixelValueTransformationSequence = [identity]
    made.FrameVOILUTSequence = [window]
    made.RealWorldValueMappingSequence = [_mapping(envelope.reading, low, high)]
    return made


def _mapping(reading: Reading, low: float, high: float) -> Dataset:
    """What the values are (C.7.6.16.2.11): themselves, without a unit, and by which method."""
    heatmap, made = reading.heatmap, Dataset()
    made.LUTLabel = "HEATMAP"
    explained = f"{heatmap.method} for {heatmap.label}, share of a {heatmap.unit}"
    made.LUTExplanation = codes.short(explained)
    made.DoubleFloatRealWorldValueFirstValueMapped = low
    made.DoubleFloatRealWorldValueLastValueMapped = high
    made.RealWorldValueIntercept = 0.0
    made.RealWorldValueSlope = 1.0
    made.MeasurementUnitsCodeSequence = [coded(codes.NO_UNITS.code)]
    made.QuantityDefinitionSequence = [
        _coded_item(codes.QUANTITY.code, codes.of_method(heatmap.method)),
        _coded_item(codes.FINDING.code, codes.of_label(heatmap.label)),
        _text_item(codes.ALGORITHM_NAME.code, f"{heatmap.method}; {reading.title}"),
        _text_item(codes.ALGORITHM_VERSION.code, reading.bundle_id),
    ]
    return made


def _in_words(reading: Reading) -> str:
    """How the map was made, and how it lies on the film."""
    heatmap = reading.heatmap
    rows, columns = heatmap.signed.shape
    end = " before its ReLU" if heatmap.rectified else ""
    return shown(
        f"{heatmap.method}{end} at {heatmap.layer} for the label {heatmap.label}, mean of "
        f"{len(reading.networks)} networks, from {rows} x {columns} cells, bilinear. The map spans "
        "the film from edge to edge. The frame of reference is invented: a radiograph has none."
    )[:1024]


def _frame(made: Dataset) -> Dataset:
    frame, content, kind = Dataset(), Dataset(), Dataset()
    content.DimensionIndexValues = [1]
    kind.FrameType = made.ImageType
    frame.FrameContentSequence = [content]
    frame.PlanePositionSequence = [Dataset()]
    frame.ParametricMapFrameTypeSequence = [kind]
    return frame


def _coded_item(name: Code, value: Code) -> Dataset:
    item = Dataset()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = [coded(name)]
    item.ConceptCodeSequence = [coded(value)]
    return item


def _text_item(name: Code, text: str) -> Dataset:
    item = Dataset()
    item.ValueType = "TEXT"
    item.ConceptNameCodeSequence = [coded(name)]
    item.TextValue = shown(text)
    return item
