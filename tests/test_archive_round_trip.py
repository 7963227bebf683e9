"""A film to an archive and back, read, and what was read of it to the archive and back again."""

import json

import highdicom
import numpy as np
import pydicom
import pytest
import study_of_phantoms
from command_line import spondyl
from dicom_films import CR, written
from orthanc import archive  # noqa: F401  a fixture
from PIL import Image

from spondyl.data import pixels
from spondyl.data.phantom import drawing, output
from spondyl.reading.dicom_out import parametric_map
from spondyl.reading.reading import Reader

PATIENT = "Doe^Jane"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("made"), n_films=60)


@pytest.fixture(scope="module")
def trip(made, archive, tmp_path_factory):  # noqa: F811
    """The film as drawn, as sent and as it came back, its objects, and all as they came back."""
    home = tmp_path_factory.mktemp("trip")
    drawn = output.save(home / "drawn", drawing.cohort(1, 3, size=(96, 64))) / "films"
    (picture,) = drawn.rglob("*.png")
    with Image.open(picture) as film:
        values = np.asarray(film.convert("L"))
    sent = written(home / "sent" / "film.dcm", values, CR, PatientName=PATIENT)
    study = pydicom.dcmread(sent).StudyInstanceUID
    server = ["--from", archive.url, "--study", study]
    assert spondyl(["push", sent, "--to", archive.url]) == 0
    assert spondyl(["pull", *server, "--out", home / "film"]) == 0
    (came,) = (home / "film").iterdir()
    words = ["read", came, "--bundle", made.of_folds.folder, "--device", "cpu", "--jsonl"]
    assert spondyl([*words, "--dicom-out", home / "objects"]) == 0
    assert spondyl(["push", home / "objects", "--to", archive.url]) == 0
    assert spondyl(["pull", *server, "--out", home / "back"]) == 0
    return {"picture": picture, "sent": sent, "came": came, "home": home}


def by_kind(folder):
    """{modality: data set} of a folder's objects."""
    found = [pydicom.dcmread(path) for path in folder.iterdir()]
    return {dataset.file_meta.MediaStorageSOPClassUID.name: dataset for dataset in found}


MAP = "Parametric Map Storage"
CAPTURE = "Secondary Capture Image Storage"
REPORT = "Comprehensive SR Storage"
FILM = "Computed Radiography Image Storage"


def test_the_film_comes_back_with_the_pixels_that_were_drawn(trip):
    came, drawn = pixels.read(trip["came"]), pixels.read(trip["picture"])
    assert np.array_equal(came.grey, drawn.grey)
    first, again = pydicom.dcmread(trip["sent"]), pydicom.dcmread(trip["came"])
    assert first == again


def test_it_is_read_as_the_drawn_picture_is(trip, made):
    reader = Reader.of(made.of_folds, "cpu")
    came, drawn = reader.read(trip["came"]), reader.read(trip["picture"])
    assert np.array_equal(came.probabilities, drawn.probabilities)
    assert np.array_equal(came.heatmap.signed, drawn.heatmap.signed)


def test_map_capture_and_report_come_back_as_they_were_written(trip):
    wrote, back = by_kind(trip["home"] / "objects"), by_kind(trip["home"] / "back")
    assert set(wrote) == {MAP, CAPTURE, REPORT}
    assert set(back) == {*wrote, FILM}
    for kind, dataset in wrote.items():
        assert back[kind] == dataset


def test_the_map_holds_the_reading_s_raw_heatmap(trip, made):
    back = by_kind(trip["home"] / "back")[MAP]
    found = Reader.of(made.of_folds, "cpu").read(trip["came"])
    stored = np.frombuffer(back.FloatPixelData, np.float32).reshape(back.Rows, back.Columns)
    assert np.array_equal(stored, parametric_map.on_film(found))


def test_all_lie_in_the_film_s_study_and_refer_to_it(trip):
    back = by_kind(trip["home"] / "back")
    film = back.pop(FILM)
    for dataset in back.values():
        assert dataset.StudyInstanceUID == film.StudyInstanceUID
        assert dataset.SeriesInstanceUID != film.SeriesInstanceUID
        assert (dataset.PatientID, dataset.PatientName) == (film.PatientID, PATIENT)
        assert film.SOPInstanceUID in str(dataset)
    report = back[REPORT]
    for kind in (MAP, CAPTURE):
        assert back[kind].SOPInstanceUID in str(report)


def test_the_report_that_came_back_says_what_was_read(trip, made):
    report = by_kind(trip["home"] / "back")[REPORT]
    found = Reader.of(made.of_folds, "cpu").read(trip["came"])
    assert highdicom.sr.ComprehensiveSR.from_dataset(report).VerificationFlag == "UNVERIFIED"
    numbers = [
        float(item.MeasuredValueSequence[0].NumericValue)
        for item in _items(report)
        if item.ValueType == "NUM" and item.get("MeasuredValueSequence")
    ]
    for probability in found.probabilities:
        assert any(abs(number - probability) < 1e-6 for number in numbers)


def _items(dataset):
    for item in dataset.get("ContentSequence", ()):
        yield item
        yield from _items(item)


def test_pushing_the_same_objects_again_adds_nothing(trip, archive, capsys):  # noqa: F811
    before = archive.instances
    code = spondyl(["push", trip["home"] / "objects", "--to", archive.url, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert archive.instances == before
    assert code == (1 if document["failed"] else 0)
    assert PATIENT not in json.dumps(document)
