"""What is left of a patient after --deidentify: nothing, in any byte of any object."""

import re

import dicom_films
import pydicom
import pytest
import readings
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import keyword_dict

from spondyl.errors import SpondylError
from spondyl.reading.dicom_out import deidentification, source, writing
from spondyl.reading.dicom_out.deidentification import ACTIONS, UNNAMED, Deidentification
from spondyl.reading.dicom_out.writing import write

SECRETS = {
    "PatientName": "Secretname^Firstname",
    "PatientID": "SECRET-4711",
    "IssuerOfPatientID": "SECRET-ISSUER",
    "OtherPatientIDs": "SECRET-OTHER",
    "PatientBirthDate": "19430209",
    "PatientBirthTime": "031415",
    "PatientAge": "078Y",
    "PatientAddress": "Secret street 1",
    "PatientComments": "secret comment",
    "AccessionNumber": "SECRETACC",
    "ReferringPhysicianName": "Secretdoctor^Refers",
    "PerformingPhysicianName": "Secretdoctor^Performs",
    "OperatorsName": "Secretoperator",
    "InstitutionName": "Secret hospital",
    "InstitutionAddress": "Secret city",
    "InstitutionalDepartmentName": "Secret ward",
    "StationName": "SECRETSTATION",
    "DeviceSerialNumber": "SECRETSERIAL",
    "StudyID": "SECRETSTUDY",
    "StudyDescription": "secret study description",
    "SeriesDescription": "secret series description",
    "ProtocolName": "secret protocol",
    "RequestedProcedureDescription": "secret procedure",
    "DerivationDescription": "secret derivation",
    "ImageComments": "secret image comment",
    "StudyDate": "20190523",
    "StudyTime": "142857",
    "SeriesDate": "20190524",
    "ContentDate": "20190525",
    "AcquisitionDate": "20190526",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.77.1",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.77.2",
    "SOPInstanceUID": "1.2.826.0.1.3680043.8.498.77.3",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.77.4",
}
AGED = "The patient is 78 years old, older than any film that was learned from."


@pytest.fixture
def film(tmp_path):
    return secret_film(tmp_path / "source" / "film.dcm")


def secret_film(path, sop_class=dicom_films.CR, **changes):
    return readings.dicom_film(path, sop_class, **{**SECRETS, **changes})


def read_back(film, folder, run, **changes):
    made = write(readings.reading(film=film, warnings=(AGED,), **changes), folder, run)
    return [pydicom.dcmread(path) for path in made.paths]


def elements(dataset):
    """Every element of a file, sequences within sequences and the meta header included."""
    yield from dataset.file_meta
    yield from dataset.iterall()


@pytest.mark.parametrize(
    "sop_class",
    [dicom_films.CR, dicom_films.DX, dicom_films.SECONDARY_CAPTURE],
    ids=["CR", "DX", "SC"],
)
def test_nothing_that_names_the_patient_is_in_any_byte(sop_class, tmp_path):
    film = secret_film(tmp_path / "secretname.dcm", sop_class)
    film_bytes = film.path.read_bytes()
    made = write(
        readings.reading(film=readings.replace(film, name="0001"), warnings=(AGED,)),
        tmp_path / "out",
        Deidentification(),
    )
    for path in made.paths:
        content = path.read_bytes()
        for name, secret in SECRETS.items():
            for part in secret.split("^"):
                assert part.encode() in film_bytes, name
                assert part.encode() not in content, (path.name, name)
        assert b"secret" not in content.lower()
        assert b"78 years" not in content


def test_without_it_the_secrets_are_there(film, tmp_path):
    for made in read_back(film, tmp_path / "out", None):
        assert made.PatientName == SECRETS["PatientName"]
        assert made.StudyInstanceUID == SECRETS["StudyInstanceUID"]
        assert "PatientIdentityRemoved" not in made


def test_every_element_has_its_action_or_is_one_that_the_profile_does_not_name(film, tmp_path):
    stated = {
        "DeidentificationMethod", "DeidentificationMethodCodeSequence", "PatientIdentityRemoved",
        "LongitudinalTemporalInformationModified",
    }  # fmt: skip
    for made in read_back(film, tmp_path / "out", Deidentification()):
        for element in elements(made):
            name = element.keyword
            assert name in ACTIONS or name in UNNAMED or name in stated, name
            done = ACTIONS[name].deed.name if name in ACTIONS else "NOT NAMED"
            assert done != "REMOVE", name
            if done == "EMPTY":
                assert not element.value, name
            if element.VR in ("DA", "DT", "TM"):
                assert element.value in ("", "19000101", "000000"), name


def test_every_keyword_of_the_tables_is_one_of_the_standard():
    assert set(ACTIONS) | UNNAMED <= set(keyword_dict)
    assert not set(ACTIONS) & UNNAMED


def test_an_attribute_that_nobody_looked_up_stops_the_writing(film):
    made, *_ = writing.objects(readings.reading(film=film), source.read(film))
    made.OperatorsName = "Somebody"
    with pytest.raises(SpondylError, match="Operators' Name"):
        deidentification.deidentify(made, Deidentification(), pixels_are_clean=True)


def test_map_overlay_and_report_still_refer_to_each_other(film, tmp_path):
    run = Deidentification()
    heatmap, overlay, report = read_back(film, tmp_path / "out", run)
    assert len({one.StudyInstanceUID for one in (heatmap, overlay, report)}) == 1
    original = run.uid(SECRETS["SOPInstanceUID"])
    assert overlay.SourceImageSequence[0].ReferencedSOPInstanceUID == original
    references = {
        element.value
        for element in report.iterall()
        if element.keyword == "ReferencedSOPInstanceUID"
    }
    assert references == {original, heatmap.SOPInstanceUID, overlay.SOPInstanceUID}
    for made in (heatmap, overlay, report):
        assert made.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID


def test_objects_that_are_sent_and_not_written_have_the_new_identifier_in_front_too(film):
    run = Deidentification()
    for made in writing.objects(readings.reading(film=film), source.read(film), run):
        assert made.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID


def test_two_films_of_one_study_stay_in_one_study_and_two_runs_are_strangers(tmp_path):
    first = secret_film(tmp_path / "first.dcm")
    second = secret_film(tmp_path / "second.dcm", SOPInstanceUID="1.2.826.0.1.3680043.8.498.77.9")
    run = Deidentification()
    made = [*read_back(first, tmp_path / "a", run), *read_back(second, tmp_path / "a", run)]
    assert len({one.StudyInstanceUID for one in made}) == 1
    assert len({one.PatientID for one in made}) == 1
    assert len({one.SOPInstanceUID for one in made}) == 6
    other = read_back(first, tmp_path / "b", Deidentification())
    assert other[0].StudyInstanceUID != made[0].StudyInstanceUID
    assert other[0].PatientID != made[0].PatientID


def test_the_pseudonym_tells_apart_who_was_apart_and_nobody_stays_nobody():
    run = Deidentification()
    numbers = [run.patient_id("1", "A"), run.patient_id("1", "B"), run.patient_id("A1", "")]
    assert len(set(numbers)) == 3
    assert run.patient_id("1", "A") == numbers[0]
    assert run.patient_id("", "A") == ""


def test_the_key_is_not_shown():
    run = Deidentification()
    assert run.key.hex() not in repr(run)
    assert repr(run.key) not in repr(run)


@given(st.text(), st.binary(min_size=32, max_size=32))
def test_a_replaced_identifier_is_one(original, key):
    uid = Deidentification(key).uid(original)
    assert re.fullmatch(r"2\.25\.(0|[1-9]\d*)", uid)
    assert len(uid) <= 64
    assert uid == Deidentification(key).uid(original)


def test_every_object_says_what_was_done_to_it(film, tmp_path):
    heatmap, overlay, report = read_back(film, tmp_path / "out", Deidentification())
    for made in (heatmap, overlay, report):
        assert made.PatientIdentityRemoved == "YES"
        assert made.LongitudinalTemporalInformationModified == "REMOVED"
        used = [item.CodeValue for item in made.DeidentificationMethodCodeSequence]
        assert used[:2] == ["113100", "113105"]
        assert ("113104" in used) == (made is report)
        purposes = [
            item.PurposeOfReferenceCodeSequence[0].CodeMeaning
            for item in made.ContributingEquipmentSequence
        ]
        assert purposes == ["Processing Equipment", "De-identifying Equipment"]


def test_the_values_of_the_reading_are_untouched(film, tmp_path):
    plain = read_back(film, tmp_path / "plain", None)
    clean = read_back(film, tmp_path / "clean", Deidentification())
    assert plain[0].FloatPixelData == clean[0].FloatPixelData
    assert plain[1].PixelData == clean[1].PixelData
    numbers = [
        [element.value for element in one.iterall() if element.keyword == "NumericValue"]
        for one in (plain[2], clean[2])
    ]
    assert numbers[0] == numbers[1]
    assert len(numbers[0]) > 10


def test_a_film_that_says_its_pixels_name_the_patient_is_refused(tmp_path):
    film = secret_film(tmp_path / "film.dcm", BurnedInAnnotation="YES")
    with pytest.raises(SpondylError, match="pixels name the patient"):
        write(readings.reading(film=film), tmp_path / "out", Deidentification())
    assert not (tmp_path / "out").exists()


def test_a_film_that_does_not_say_is_written_with_a_warning_and_without_the_claim(tmp_path):
    film = secret_film(tmp_path / "film.dcm", BurnedInAnnotation=None)
    made = write(readings.reading(film=film), tmp_path / "out", Deidentification())
    heatmap, overlay, report = (pydicom.dcmread(path) for path in made.paths)
    assert len(made.warnings) == 1
    assert "Look at the overlay" in made.warnings[0]
    assert overlay.PatientIdentityRemoved == "NO"
    assert "Pixels not examined" in overlay.DeidentificationMethod[1]
    assert "BurnedInAnnotation" not in overlay
    assert heatmap.PatientIdentityRemoved == report.PatientIdentityRemoved == "YES"


def test_a_film_that_says_its_pixels_are_clean_needs_no_warning(film, tmp_path):
    made = write(readings.reading(film=film), tmp_path / "out", Deidentification())
    assert made.warnings == ()


def test_an_object_that_was_not_deidentified_warns_of_nothing(tmp_path):
    film = secret_film(tmp_path / "film.dcm", BurnedInAnnotation=None)
    assert write(readings.reading(film=film), tmp_path / "out").warnings == ()
