"""A DICOM segmentation that highdicom wrote is the spine of one film, or refused."""

from __future__ import annotations

import copy

import numpy as np
import pydicom
import pytest
from highdicom import UID, AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes

from spondyl.data.annotations.reading import read
from spondyl.errors import SpondylError

HEIGHT, WIDTH = 9, 7


def film() -> Dataset:
    """The header of a plain radiograph: no frame of reference, no orientation."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPClassUID = pydicom.uid.DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = UID()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = UID(), UID()
    dataset.PatientID, dataset.PatientName = "1", "Nobody^At All"
    dataset.PatientBirthDate = dataset.PatientSex = dataset.AccessionNumber = ""
    dataset.StudyID = dataset.StudyDate = dataset.StudyTime = ""
    dataset.ReferringPhysicianName = ""
    dataset.Modality = "DX"
    dataset.InstanceNumber = 1
    dataset.Rows, dataset.Columns = HEIGHT, WIDTH
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 15, 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    return dataset


def described(number: int, label: str, code) -> SegmentDescription:
    return SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.Organ,
        segmented_property_type=code,
        algorithm_type="SEMIAUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name="pencil", version="1", family=codes.DCM.ArtificialIntelligence
        ),
    )


def segmentation(source: Dataset, pixels, kind: str, *segments, **more) -> Segmentation:
    return Segmentation(
        source_images=[source],
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=list(segments),
        series_instance_uid=UID(),
        series_number=2,
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer="Maker",
        manufacturer_model_name="Model",
        software_versions="1",
        device_serial_number="1",
        **more,
    )


SPINE = described(1, "Segment 1", codes.SCT.Spine)
RIBS = described(2, "ribs", codes.SCT.Rib)


def written(folder, dataset):
    path = folder / "marks.json"  # a wrong suffix on purpose
    dataset.save_as(path, enforce_file_format=True)
    return path


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_a_binary_segment_comes_back_pixel_by_pixel(tmp_path_factory, seed):
    mask = np.random.default_rng(seed).random((HEIGHT, WIDTH)) < 0.5
    mask[0, 0] = True
    source = film()
    dataset = segmentation(
        source, mask[np.newaxis], "BINARY", SPINE, content_creator_name="Reader^Anna"
    )
    found = read(written(tmp_path_factory.mktemp("x"), dataset))
    assert list(found) == [source.SOPInstanceUID]
    regions = found[source.SOPInstanceUID]
    np.testing.assert_array_equal(regions.spine_mask, mask)
    assert regions.image_size == (HEIGHT, WIDTH)
    assert regions.made_by == "DICOM SEG, Reader^Anna"


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"])
def test_a_fractional_segment_is_there_from_half_of_its_maximum(tmp_path, syntax):
    shares = np.linspace(0, 1, HEIGHT * WIDTH).reshape(1, HEIGHT, WIDTH)
    dataset = segmentation(
        film(), shares, "FRACTIONAL", SPINE, max_fractional_value=200, transfer_syntax_uid=syntax
    )
    (regions,) = read(written(tmp_path, dataset)).values()
    np.testing.assert_array_equal(regions.spine_mask, np.round(shares[0] * 200) >= 100)
    assert regions.made_by == "DICOM SEG, Maker Model"


def two_segments() -> tuple[Segmentation, np.ndarray]:
    both = np.zeros((1, HEIGHT, WIDTH, 2), np.uint8)
    both[0, 2:8, 3:5, 0] = 1
    both[0, 1:3, :, 1] = 1
    return segmentation(film(), both, "BINARY", SPINE, RIBS), both[0].astype(bool)


def test_only_the_segment_that_means_the_spine_is_taken(tmp_path):
    dataset, both = two_segments()
    path = written(tmp_path, dataset)
    with pytest.raises(SpondylError, match="'ribs'"):
        read(path)
    (regions,) = read(path, ignored=["Ribs"]).values()
    np.testing.assert_array_equal(regions.spine_mask, both[..., 0])
    (regions,) = read(path, spine=["421060004", "ribs"]).values()
    np.testing.assert_array_equal(regions.spine_mask, both.any(axis=-1))


def shared_series(dataset):
    """Two images of the series, and no frame that says which of them it is of."""
    for group in dataset.PerFrameFunctionalGroupsSequence:
        del group.DerivationImageSequence
    instances = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    second = Dataset()
    second.ReferencedSOPClassUID = instances[0].ReferencedSOPClassUID
    second.ReferencedSOPInstanceUID = UID()
    instances.append(second)


def without_reference(dataset):
    shared_series(dataset)
    del dataset.ReferencedSeriesSequence


def another_image(dataset):
    group = copy.deepcopy(dataset.PerFrameFunctionalGroupsSequence[1])
    dataset.PerFrameFunctionalGroupsSequence[1] = group
    source = group.DerivationImageSequence[0].SourceImageSequence[0]
    source.ReferencedSOPInstanceUID = UID()


def unknown_segment(dataset):
    group = dataset.PerFrameFunctionalGroupsSequence[1]
    group.SegmentIdentificationSequence[0].ReferencedSegmentNumber = 7


def cut_short(dataset):
    dataset.PixelData = dataset.PixelData[:2]


def labelmap(dataset):
    dataset.SegmentationType = "LABELMAP"


def another_class(dataset):
    dataset.SOPClassUID = pydicom.uid.DigitalXRayImageStorageForPresentation


def giant(dataset):
    dataset.Rows = dataset.Columns = 65535


def a_frame_more(dataset):
    dataset.PerFrameFunctionalGroupsSequence.append(dataset.PerFrameFunctionalGroupsSequence[0])


def no_segments(dataset):
    del dataset.SegmentSequence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (shared_series, "refers to 2 images"),
        (without_reference, "refers to 0 images"),
        (another_image, "refers to 2 images"),
        (unknown_segment, "segment 7"),
        (cut_short, "cannot be read as a DICOM segmentation"),
        (labelmap, "LABELMAP"),
        (another_class, "is DICOM, but Digital X-Ray"),
        (giant, "pixels in all its frames"),
        (a_frame_more, "describes 3 frames and holds 2"),
        (no_segments, "cannot be read as a DICOM segmentation"),
    ],
)
def test_a_segmentation_that_is_not_of_one_film_is_refused(tmp_path, change, said):
    dataset, _ = two_segments()
    change(dataset)
    with pytest.raises(SpondylError, match=said) as refusal:
        read(written(tmp_path, dataset), ignored=["ribs"])
    assert refusal.value.hint


def test_the_series_names_the_film_where_the_frames_do_not(tmp_path):
    dataset, both = two_segments()
    uid = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
    for group in dataset.PerFrameFunctionalGroupsSequence:
        del group.DerivationImageSequence
    found = read(written(tmp_path, dataset), ignored=["ribs"])
    np.testing.assert_array_equal(found[uid].spine_mask, both[..., 0])
