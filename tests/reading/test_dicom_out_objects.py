"""Map, overlay and report of a reading: what they say, of whom, and that others can read them."""

import shutil
import subprocess
import warnings
from dataclasses import replace

import highdicom
import numpy as np
import pydicom
import pytest
import readings
from dicom_films import CR, DX, SECONDARY_CAPTURE
from pydicom.sr.codedict import codes as standard
from pydicom.uid import JPEGBaseline8Bit

from spondyl.data import pixels
from spondyl.data.placement import Placement
from spondyl.errors import SpondylError
from spondyl.measure.measurement import Measurement
from spondyl.reading import picture
from spondyl.reading.dicom_out import parametric_map, source
from spondyl.reading.dicom_out.deidentification import Deidentification
from spondyl.reading.dicom_out.writing import write
from spondyl.reading.record import LabelSet

GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness")


def written(reading, folder, deidentify=None):
    """The three objects, read back: map, overlay, report."""
    return [pydicom.dcmread(path) for path in write(reading, folder, deidentify).paths]


@pytest.fixture
def film(tmp_path):
    return readings.dicom_film(tmp_path / "source" / "film.dcm")


@pytest.fixture
def objects(film, tmp_path):
    return written(readings.reading(film=film), tmp_path / "out")


def errors_of(path):
    """Lines of dciodvfy that begin with "Error"."""
    done = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("run", [None, Deidentification()], ids=["as it is", "de-identified"])
@pytest.mark.parametrize("sop_class", [CR, DX, SECONDARY_CAPTURE], ids=["CR", "DX", "SC"])
def test_an_independent_validator_finds_no_error(sop_class, run, tmp_path):
    film = readings.dicom_film(tmp_path / "film.dcm", sop_class)
    for path in write(readings.reading(film=film), tmp_path / "out", run).paths:
        assert errors_of(path) == [], path.name


LONG = "label \\ of many words: " + 20 * "spondylolisthesis and "
REFUSED = Measurement("film", readings.SIZE, "finder-1", "lateral", 0.9, 0.0, refusal="Lateral.")


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize(
    "changes",
    [
        {"doubts": (readings.STRANGE, readings.SEVERAL), "not_run": ("No spacing.",)},
        {"label_set": None, "measurement": None, "networks": (readings.network(0, 1.0, 2.0, 0.0),)},
        {"measurement": REFUSED, "label_set": LabelSet((), (0.04, 0.02, 0.01), 0.1)},
        {"labels": ("normal", LONG, "y"), "title": LONG, "heatmap": readings.heatmap(LONG)},
    ],
    ids=["doubted", "bare", "refused", "somebody's own"],
)
def test_nor_in_whatever_a_reading_may_hold(changes, film, tmp_path):
    for path in write(readings.reading(film=film, **changes), tmp_path / "out").paths:
        assert errors_of(path) == [], path.name


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dciodvfy (dicom3tools) is not installed")
def test_the_validator_would_see_what_is_missing(film, tmp_path):
    heatmap, _, _ = write(readings.reading(film=film), tmp_path / "out").paths
    broken = pydicom.dcmread(heatmap)
    del broken.ContentQualification
    broken.save_as(heatmap)
    assert any("ContentQualification" in line for line in errors_of(heatmap))


def test_all_three_belong_to_the_films_patient_and_study_and_have_series_of_their_own(
    film, objects
):
    original = pydicom.dcmread(film.path)
    for made in objects:
        for name in ("PatientName", "PatientID", "IssuerOfPatientID", "StudyInstanceUID"):
            assert made[name].value == original[name].value
    for name in ("SeriesInstanceUID", "SOPInstanceUID"):
        assert len({one[name].value for one in (original, *objects)}) == 4


def test_files_are_called_after_the_readings_film_and_never_after_the_patient(film, tmp_path):
    made = write(readings.reading(film=replace(film, name="0007")), tmp_path / "out")
    names = ["0007_map.dcm", "0007_overlay.dcm", "0007_report.dcm"]
    assert [path.name for path in made.paths] == names
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names


@pytest.mark.parametrize(
    ("charset", "name"), [("ISO_IR 100", "Jörg^Müller"), ("ISO_IR 144", "Люкceмбypг")]
)
def test_a_name_in_any_alphabet_arrives_as_it_was(charset, name, tmp_path):
    film = readings.dicom_film(
        tmp_path / "film.dcm", SpecificCharacterSet=charset, PatientName=name
    )
    for made in written(readings.reading(film=film), tmp_path / "out"):
        assert str(made.PatientName) == name


@pytest.mark.filterwarnings("error")
def test_a_sloppy_header_stops_nothing_and_is_passed_on_as_it_is(tmp_path):
    sloppy = {
        "PatientName": "One component",
        "PatientID": "4711 " * 20,
        "PatientBirthDate": "unknown",
        "PatientSex": "?",
        "StudyDate": "2020.1.7",
        "StudyTime": "noon",
        "SOPInstanceUID": "1.2.03.x",
        "PatientOrientation": None,
        "Modality": "??",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        film = readings.dicom_film(tmp_path / "film.dcm", **sloppy)
        source = pydicom.dcmread(film.path)
    for run in (None, Deidentification()):
        paths = write(readings.reading(film=film), tmp_path / f"out {run is None}", run).paths
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for path in paths:
                made = pydicom.dcmread(path)
                for name in ("PatientName", "PatientBirthDate", "StudyDate", "StudyTime"):
                    assert made[name].value == ("" if run else source[name].value)


def test_the_map_holds_the_readings_values_unscaled(film, objects, tmp_path):
    reading = readings.reading(film=film)
    heatmap = objects[0]
    values = np.frombuffer(heatmap.FloatPixelData, "<f4").reshape(heatmap.Rows, heatmap.Columns)
    assert np.array_equal(values, reading.placement.on_image(reading.heatmap.signed))
    assert values.min() < 0 < values.max()
    read_back = highdicom.pm.ParametricMap.from_dataset(heatmap)
    assert np.array_equal(read_back.get_frames(apply_real_world_transform=True)[0], values)


def test_the_map_of_a_film_lies_on_it_from_edge_to_edge():
    size = (3000, 2000)
    placement = Placement.fit(size, (224, 224), "letterbox")
    made = readings.reading(film=readings.film(size=size), placement=placement)
    values = parametric_map.on_film(made)
    assert values.shape == (1024, 683)
    whole = placement.on_image(made.heatmap.signed)
    rows = np.rint((np.arange(1024) + 0.5) * 3000 / 1024 - 0.5).astype(int)
    columns = np.rint((np.arange(683) + 0.5) * 2000 / 683 - 0.5).astype(int)
    assert np.abs(values - whole[np.ix_(rows, columns)]).max() < 0.02 * np.ptp(whole)


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("CAM", standard.cid217.ClassActivation),
        ("Grad-CAM", standard.cid217.GradientWeightedClassActivation),
        ("LayerCAM", standard.cid217.GradientWeightedClassActivation),
        ("occlusion", standard.cid217.Saliency),
        ("a method of tomorrow", standard.cid217.Saliency),
    ],
)
def test_the_map_names_its_method_by_the_standards_code_and_the_label_asked_about(
    method, code, film, tmp_path
):
    made = replace(readings.heatmap("spondylolisthesis"), method=method)
    heatmap = written(readings.reading(film=film, heatmap=made), tmp_path / "out")[0]
    mapping = heatmap.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    quantity, finding, *_ = mapping.QuantityDefinitionSequence
    assert quantity.ConceptCodeSequence[0].CodeValue == code.value
    assert finding.ConceptCodeSequence[0].CodeMeaning == "Spondylolisthesis"
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "1"
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)


def test_no_geometry_is_invented_for_a_radiograph(tmp_path):
    film = readings.dicom_film(tmp_path / "film.dcm", FrameOfReferenceUID="2.25.1")
    heatmap, *_ = written(readings.reading(film=film), tmp_path / "out")
    found = {element.keyword: element.value for element in heatmap.iterall()}
    assert not set(GEOMETRY) & set(found)
    assert found["FrameOfReferenceUID"] != "2.25.1"
    shared = heatmap.SharedFunctionalGroupsSequence[0]
    assert "invented" in shared.DerivationImageSequence[0].DerivationDescription


def test_map_and_overlay_refer_to_the_film_as_their_source(film, objects):
    source = pydicom.dcmread(film.path)
    heatmap, overlay, _ = objects
    derived = heatmap.SharedFunctionalGroupsSequence[0].DerivationImageSequence[0]
    for reference in (derived.SourceImageSequence[0], overlay.SourceImageSequence[0]):
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert reference.ReferencedSOPClassUID == source.SOPClassUID
        purpose = reference.PurposeOfReferenceCodeSequence[0].CodeValue
        assert purpose == standard.cid7202.SourceImageForImageProcessingOperation.value
    assert heatmap.ReferencedSeriesSequence[0].SeriesInstanceUID == source.SeriesInstanceUID


@pytest.mark.parametrize("made", [readings.reading, readings.doubted])
def test_the_overlay_is_the_readings_picture_without_the_films_name(made, film, tmp_path):
    reading = made(film=film)
    overlay = written(reading, tmp_path / "out")[1]
    nameless = replace(reading, film=replace(film, name="Film"))
    assert np.array_equal(overlay.pixel_array, picture.drawn(nameless, pixels.read(film.path)))
    assert not np.array_equal(overlay.pixel_array, picture.drawn(reading, pixels.read(film.path)))


@pytest.mark.parametrize("stated", ["YES", "NO", None])
def test_the_overlay_says_of_names_in_pixels_what_its_film_says(stated, tmp_path):
    film = readings.dicom_film(tmp_path / "film.dcm", BurnedInAnnotation=stated)
    overlay = written(readings.reading(film=film), tmp_path / "out")[1]
    assert overlay.get("BurnedInAnnotation") == stated


def test_what_was_lossy_once_stays_lossy(tmp_path):
    plain = readings.dicom_film(tmp_path / "plain.dcm")
    lossy = readings.dicom_film(
        tmp_path / "lossy.dcm", depth=np.uint8, transfer_syntax=JPEGBaseline8Bit
    )
    for film, stated in ((plain, "00"), (lossy, "01")):
        heatmap, overlay, _ = written(readings.reading(film=film), tmp_path / film.name)
        for one in (heatmap, overlay):
            assert one.LossyImageCompression == stated
            assert one.get("LossyImageCompressionMethod") == (
                "ISO_10918_1" if stated == "01" else None
            )
            assert stated == "00" or 0 < one.LossyImageCompressionRatio < 20


def test_every_object_says_who_made_it_and_that_it_is_research(film, objects):
    for made in objects:
        assert made.Manufacturer == "spondyl"
        assert readings.BUNDLE_ID in made.SoftwareVersions
        assert "not for diagnosis" in made.SeriesDescription
        purposes = made.ContributingEquipmentSequence[0].PurposeOfReferenceCodeSequence
        assert purposes[0].CodeValue == standard.cid7005.ProcessingEquipment.value
        assert made.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99SPONDYL"


def test_a_film_that_is_no_dicom_gets_no_invented_patient(tmp_path):
    with pytest.raises(SpondylError, match="no patient and no study"):
        write(readings.reading(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_film_that_changed_since_it_was_read_is_refused(film, tmp_path):
    film.path.write_bytes(film.path.read_bytes() + b"\0\0")
    with pytest.raises(SpondylError, match="changed after it was read"):
        write(readings.reading(film=film), tmp_path / "out")
    with pytest.raises(SpondylError, match="changed after it was read"):
        source.read(film)
    film.path.unlink()
    with pytest.raises(SpondylError, match="cannot be read"):
        write(readings.reading(film=film), tmp_path / "out")


def test_a_film_without_a_study_is_refused(tmp_path):
    film = readings.dicom_film(tmp_path / "film.dcm", StudyInstanceUID=None)
    with pytest.raises(SpondylError, match="has no StudyInstanceUID"):
        write(readings.reading(film=film), tmp_path / "out")


def test_nothing_is_ever_overwritten(film, tmp_path):
    made = write(readings.reading(film=film), tmp_path / "out")
    before = [path.read_bytes() for path in made.paths]
    with pytest.raises(SpondylError, match="is there already"):
        write(readings.reading(film=film), tmp_path / "out")
    assert [path.read_bytes() for path in made.paths] == before
