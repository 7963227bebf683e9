"""What a header states of a film and its patient, and what is no statement."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from dicom_films import CR, DX, SECONDARY_CAPTURE, code, film, written
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from spondyl.data import pixels
from spondyl.data.dicom import spacing, stating
from spondyl.data.radiograph import NOT_STATED

NOISE = np.random.default_rng(5).integers(0, 256, (16, 12), dtype=np.uint8)


def stated(sop_class: str = CR, **changes: object) -> Dataset:
    return film(NOISE, sop_class, **changes)


# --- view ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        *((name, "frontal") for name in ("AP", "PA", "ap ")),
        *((name, "lateral") for name in ("LL", "RL", "LATERAL")),
        *((name, "other") for name in ("RLD", "LLD", "RLO", "LLO", "RAO", "LPO")),
        *((name, NOT_STATED) for name in ("", "AP ERECT", "XX", "FRONTAL?")),
    ],
)
def test_the_view_position_is_read_in_the_standards_terms_only(position, expected):
    assert stating.view(stated(ViewPosition=position)) == (expected, ())


def test_every_view_of_context_group_4010_is_known_by_its_code():
    frontal = {"AnteroPosterior", "PosteroAnterior", "Frontal"}
    lateral = {"LateralProjection", "LeftLateral", "RightLateral", "Sagittal"}
    names = set(codes.cid4010.dir())
    assert frontal | lateral < names
    for name in names:
        known = getattr(codes.cid4010, name)
        item = code(known.value, known.scheme_designator, known.meaning)
        found, notes = stating.view(stated(ViewPosition="", ViewCodeSequence=[item]))
        expected = "frontal" if name in frontal else "lateral" if name in lateral else "other"
        assert (found, notes) == (expected, ()), name


@pytest.mark.parametrize(("value", "expected"), [("R-10206", "frontal"), ("R-10236", "lateral")])
def test_codes_of_old_are_known_too(value, expected):
    item = code(value, "SRT", "as it was called")
    assert stating.view(stated(ViewPosition="", ViewCodeSequence=[item]))[0] == expected


def test_a_position_and_a_code_that_contradict_each_other_make_no_view():
    item = code("399067008", "SCT", "lateral")
    found, notes = stating.view(stated(ViewPosition="AP", ViewCodeSequence=[item]))
    assert found == NOT_STATED
    assert "frontal by the view position AP and lateral" in notes[0]


# --- patient -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "years"),
    [("051Y", 51), ("018M", 1.5), ("026W", 26 * 7 / 365.25), ("010D", 10 / 365.25), ("0Y", 0)],
)
def test_an_age_is_in_the_unit_that_it_states(age, years):
    found, notes = stating.age_years(stated(PatientAge=age))
    assert found == pytest.approx(years, abs=1e-9)
    assert notes == ()


@pytest.mark.parametrize(
    ("born", "filmed", "years"),
    [
        ("19700315", "20210314", 50),
        ("19700315", "20210315", 51),
        ("1970.03.15", "20210401", 51),
        ("20200229", "20210228", 365 / 365.25),
        ("20210401", "20210401", 0),
    ],
)
def test_without_an_age_it_is_that_between_the_dates_of_birth_and_study(born, filmed, years):
    changes = {"PatientBirthDate": born, "StudyDate": filmed, "PatientAge": ""}
    assert stating.age_years(stated(**changes)) == (pytest.approx(years), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientAge": "999Y"},
        {"PatientAge": "", "PatientBirthDate": "18000101"},
        {"PatientAge": "", "PatientBirthDate": "20300101"},
    ],
)
def test_an_age_that_nobody_has_is_not_stated_and_noted(changes):
    found, notes = stating.age_years(stated(**changes))
    assert found is None
    assert len(notes) == 1


@pytest.mark.parametrize("age", ["", "Y", "51", "051J", "-01Y", "²Y"])
def test_what_is_no_age_is_not_stated(age):
    assert stating.age_years(stated(PatientAge=age, PatientBirthDate="")) == (None, ())


@pytest.mark.parametrize(
    ("value", "expected"), [("F", "female"), ("M", "male"), ("O", NOT_STATED), ("", NOT_STATED)]
)
def test_sex_is_female_male_or_not_stated(value, expected):
    assert stating.sex(stated(PatientSex=value)) == expected


def test_a_patients_key_is_a_hash_of_number_and_issuer():
    expected = hashlib.sha256(b"Nowhere Hospital\0made-up-17").hexdigest()[:16]
    assert stating.patient_key(stated()) == expected
    keys = {
        stating.patient_key(stated(PatientID=number, IssuerOfPatientID=issuer))
        for number, issuer in (("1", "23"), ("12", "3"), ("1", ""), ("2", ""))
    }
    assert len(keys) == 4
    assert stating.patient_key(stated(PatientID="")) == ""


def test_nothing_that_names_the_patient_is_kept(tmp_path):
    path = written(tmp_path / "film.dcm", NOISE, PatientName="Geheim^Anna", PatientID="4711-X")
    read = pixels.read(path)
    kept = repr((read.dicom, read.facts))
    for secret in ("Geheim", "Anna", "4711", "19700315", "Nowhere"):
        assert secret not in kept


# --- the rest ------------------------------------------------------------------------------------


def test_the_side_is_that_of_the_image_before_that_of_the_series():
    assert stating.laterality(stated(ImageLaterality="L", Laterality="R")) == "left"
    assert stating.laterality(stated(Laterality="R")) == "right"
    assert stating.laterality(stated(ImageLaterality="U")) == NOT_STATED


def test_the_body_part_is_as_stored_or_the_meaning_of_the_regions_code():
    assert stating.body_part(stated()) == "LSPINE"
    assert stating.body_part(stated(DX, BodyPartExamined="")) == "Lumbar spine"
    assert stating.body_part(stated(BodyPartExamined="")) == NOT_STATED


@pytest.mark.parametrize(
    ("character_set", "raw"),
    [("ISO_IR 192", "Wirbelsäule".encode()), ("ISO_IR 100", "Wirbelsäule".encode("latin1"))],
)
def test_text_is_decoded_as_its_character_set_says(tmp_path, character_set, raw):
    region = code("421060004", "SCT", "X" * len(raw))
    changes = {"BodyPartExamined": None, "AnatomicRegionSequence": [region]}
    path = written(tmp_path / "a.dcm", NOISE, SpecificCharacterSet=character_set, **changes)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"X" * len(raw), raw))
    assert pixels.read(path).dicom.body_part == "Wirbelsäule"


@pytest.mark.parametrize(("value", "expected"), [("YES", True), ("NO", False), ("", None)])
def test_burned_in_annotation_is_yes_no_or_not_said(value, expected):
    assert stating.burned_in(stated(BurnedInAnnotation=value)) is expected


def test_a_header_with_nothing_but_an_image_states_nothing():
    bare = Dataset()
    assert stating.view(bare) == (NOT_STATED, ())
    assert stating.age_years(bare) == (None, ())
    assert stating.sex(bare) == stating.laterality(bare) == stating.body_part(bare) == NOT_STATED
    assert stating.patient_key(bare) == ""
    assert stating.burned_in(bare) is None
    assert spacing.of(bare) == spacing.StatedSpacing(None, NOT_STATED, ())


# --- spacing (PS3.3 10.7.1.3) --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected", "kind"),
    [
        ({}, None, NOT_STATED),
        ({"ImagerPixelSpacing": [0.15, 0.15]}, (0.15, 0.15), "detector"),
        ({"PixelSpacing": [0.15, 0.15]}, (0.15, 0.15), "detector"),
        ({"NominalScannedPixelSpacing": [0.17, 0.17]}, (0.17, 0.17), "detector"),
        (
            {"PixelSpacing": [0.15, 0.15], "ImagerPixelSpacing": [0.15, 0.15]},
            (0.15, 0.15),
            "detector",
        ),
        (
            {"PixelSpacing": [0.12, 0.12], "ImagerPixelSpacing": [0.15, 0.15]},
            (0.12, 0.12),
            "calibrated",
        ),
        (
            {
                "PixelSpacing": [0.15, 0.15],
                "ImagerPixelSpacing": [0.15, 0.15],
                "PixelSpacingCalibrationType": "FIDUCIAL",
            },
            (0.15, 0.15),
            "calibrated",
        ),
        (
            {"PixelSpacing": [0.12, 0.12], "PixelSpacingCalibrationType": "GEOMETRY"},
            (0.12, 0.12),
            "calibrated",
        ),
    ],
)
def test_spacing_is_on_the_patient_only_where_somebody_calibrated_it(changes, expected, kind):
    found = spacing.of(stated(**changes))
    assert (found.spacing_mm, found.kind, found.notes) == (expected, kind, ())


def test_the_row_spacing_comes_first():
    found = spacing.of(stated(PixelSpacing=[0.3, 0.15]))
    assert found.spacing_mm == (0.3, 0.15)
    assert "not square" in found.notes[0]


@pytest.mark.parametrize(
    "value", [[0, 0], [-0.15, 0.15], [1000, 1000], [0.15], [0.001, 0.001], [0.1, 1.0]]
)
def test_a_spacing_that_no_film_can_have_is_not_stated_and_noted(value):
    found = spacing.of(stated(PixelSpacing=value))
    assert (found.spacing_mm, found.kind) == (None, NOT_STATED)
    assert "cannot be that of a film" in found.notes[0]


def test_an_estimated_magnification_is_noted_and_nothing_is_divided_by_it():
    changes = {"ImagerPixelSpacing": [0.2, 0.2], "EstimatedRadiographicMagnificationFactor": 1.25}
    found = spacing.of(stated(**changes))
    assert (found.spacing_mm, found.kind) == ((0.2, 0.2), "detector")
    assert "magnification of 1.25" in found.notes[0]


def test_an_aspect_without_a_spacing_is_noted():
    found = spacing.of(stated(SECONDARY_CAPTURE, PixelAspectRatio=[2, 1]))
    assert found.spacing_mm is None
    assert "aspect 2 : 1" in found.notes[0]


def test_pixels_carry_the_spacing_and_its_kind(tmp_path):
    read = pixels.read(written(tmp_path / "film.dcm", NOISE, DX))
    assert read.spacing_mm == (0.143, 0.143)
    assert read.dicom.spacing_kind == "detector"
