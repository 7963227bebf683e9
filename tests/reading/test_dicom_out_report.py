"""The Structured Report of a reading, read back by others: class, probability, set, angles."""

from dataclasses import replace
from typing import get_args

import highdicom
import numpy as np
import pytest
import readings
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sr.codedict import codes as standard

from spondyl.data.levels import VERTEBRAE
from spondyl.measure.measurement import Measurement
from spondyl.reading.dicom_out import codes, report, report_groups
from spondyl.reading.dicom_out.writing import write
from spondyl.reading.record import DoubtKind, LabelSet


@pytest.fixture
def film(tmp_path):
    return readings.dicom_film(tmp_path / "source" / "film.dcm")


@pytest.fixture
def read_back(film, tmp_path):
    """Writes a reading and reads its report with highdicom."""

    def back(made=readings.reading, **changes):
        paths = write(made(film=film, **changes), tmp_path / "out")
        return highdicom.sr.srread(paths.report)

    return back


def group(document, name):
    """The measurement group that is tracked under this name."""
    groups = document.content.get_image_measurement_groups()
    return next(one for one in groups if one.tracking_identifier == name)


def values(of_group):
    """Measurements by their meaning; each meaning once."""
    found = [(one.name.meaning, one.value) for one in of_group.get_measurements()]
    assert len(dict(found)) == len(found)
    return dict(found)


def evaluations(of_group, name):
    return [one.value.meaning for one in of_group.get_qualitative_evaluations(name)]


def said(document, name):
    """Values of the items so called in the container Qualitative Evaluations of TID 1500."""
    container = next(
        item
        for item in document.content[0].ContentSequence
        if item.name == codes.QUALITATIVE_EVALUATIONS.code
    )
    found = [item for item in container.ContentSequence if item.name == name]
    return [getattr(item.value, "meaning", item.value) for item in found]


def test_the_template_is_a_measurement_report_of_a_plain_radiograph(read_back):
    document = read_back()
    root = document.content[0]
    assert isinstance(document, highdicom.sr.ComprehensiveSR)
    assert root.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert root.name == standard.cid7021.ImagingMeasurementReport
    names = [item.name.value for item in root.ContentSequence]
    rows = [standard.DCM.ProcedureReported, standard.DCM.ImageLibrary]
    rows += [standard.DCM.ImagingMeasurements, codes.QUALITATIVE_EVALUATIONS.code]
    assert [name for name in names if name in {row.value for row in rows}] == [
        row.value for row in rows
    ]


def test_no_person_read_it_and_nobody_verified_it(read_back):
    document = read_back()
    assert document.VerificationFlag == "UNVERIFIED"
    assert document.PreliminaryFlag == "PRELIMINARY"
    assert "VerifyingObserverSequence" not in document
    observers = [
        item.value
        for item in document.content[0].ContentSequence
        if item.name == standard.DCM.ObserverType
    ]
    assert observers == [standard.DCM.Device]
    assert "PersonName" not in {element.keyword for element in document.iterall()}


@pytest.mark.parametrize(("not_run", "flag"), [((), "COMPLETE"), (("No spacing.",), "PARTIAL")])
def test_it_is_complete_where_everything_was_done(not_run, flag, read_back):
    document = read_back(not_run=not_run)
    assert document.CompletionFlag == flag
    assert said(document, report.NOT_RUN) == list(not_run)


def test_class_and_probability_are_those_of_the_reading(read_back):
    made, found = readings.reading(), group(read_back(), "classification")
    assert found.finding_type.meaning == "Scoliosis deformity of spine"
    numbers = values(found)
    assert numbers["Probability"] == made.probability
    for label, probability in zip(made.labels, made.probabilities, strict=True):
        assert numbers[f"Probability of {label}"] == probability
    assert numbers["Networks that answered"] == numbers["Networks that call scoliosis"] == 2
    assert "Networks that call normal" not in numbers


def test_a_doubted_class_is_no_finding_and_the_doubts_stand_there(read_back):
    doubts = (readings.STRANGE, readings.SEVERAL)
    document = read_back(readings.reading, doubts=doubts)
    found = group(document, "classification")
    assert found.finding_type is None
    numbers = values(found)
    assert "Probability" not in numbers
    assert numbers["Probability of scoliosis"] == readings.reading().probability
    assert said(document, report.ANSWER) == ["No answer"]
    assert said(document, report.WHY_NONE) == [
        text for doubt in doubts for text in (f"No answer: {doubt.kind}", doubt.why)
    ]


def test_an_answer_is_said_once_more_with_its_intended_use(read_back):
    document = read_back(warnings=("The patient is 93 years old.",))
    assert said(document, report.ANSWER) == ["Scoliosis deformity of spine"]
    assert said(document, report.WHY_NONE) == []
    assert said(document, report.USE) == [
        "Research use only, not for diagnosis",
        readings.reading().intended_use,
    ]
    assert said(document, report.WARNING) == ["The patient is 93 years old."]


@pytest.mark.parametrize(
    ("labels", "meanings"),
    [
        (("scoliosis",), ["Scoliosis deformity of spine"]),
        (("normal", "spondylolisthesis"), ["Normal", "Spondylolisthesis"]),
        ((), ["None of the labels"]),
    ],
)
def test_the_conformal_set_is_there_with_its_rate(labels, meanings, read_back):
    p_values = (0.04, 0.71, 0.02)
    found = group(read_back(label_set=LabelSet(labels, p_values, 0.1)), "classification")
    assert evaluations(found, report_groups.IN_SET) == meanings
    numbers = values(found)
    assert numbers["Share of films whose label the set may miss"] == 0.1
    assert numbers["Conformal p value of scoliosis"] == 0.71


def test_without_thresholds_there_is_no_set(read_back):
    found = group(read_back(label_set=None), "classification")
    assert evaluations(found, report_groups.IN_SET) == []
    assert not any("Conformal" in name for name in values(found))


def test_a_curve_has_angle_interval_end_vertebrae_apex_and_side(read_back):
    document = read_back()
    found, curve = group(document, "curve 1"), readings.CURVE
    assert found.get_measurements(standard.SCT.CobbAngle)[0].value == curve.cobb_degrees
    angle = found.get_measurements(standard.SCT.CobbAngle)[0][0]
    assert angle.unit.value == "deg"
    ranges = {item.name.value: item for item in angle.ContentSequence}
    low = curve.cobb_degrees - ranges[codes.LOWER_UNCERTAINTY.code.value].value
    high = curve.cobb_degrees + ranges[codes.UPPER_UNCERTAINTY.code.value].value
    assert (low, high) == pytest.approx(curve.interval_degrees)
    assert {item.unit.value for item in ranges.values()} == {"deg"}
    ends = (report_groups.UPPER_END, report_groups.APEX, report_groups.LOWER_END)
    assert [evaluations(found, name) for name in ends] == [
        ["T5 vertebra"], ["T9 vertebra"], ["L1 vertebra"]
    ]  # fmt: skip
    assert evaluations(found, report_groups.CONVEX) == ["Right"]
    assert evaluations(found, report_groups.AT_EDGE) == []
    assert values(found)["Share of films whose angle the interval holds"] == 0.9


def test_a_curve_that_may_go_on_says_so(read_back):
    curve = replace(readings.CURVE, at_edge=True, interval_degrees=None)
    document = read_back(measurement=readings.measurement(curves=(curve, readings.CURVE)))
    assert len(evaluations(group(document, "curve 1"), report_groups.AT_EDGE)) == 1
    assert values(group(document, "curve 1")) == {"Cobb angle": 31.4}
    assert evaluations(group(document, "curve 2"), report_groups.AT_EDGE) == []


def test_a_refused_measurement_has_no_angle_and_says_why(read_back):
    refused = Measurement(
        "film", readings.SIZE, "finder-1", "lateral", 0.9, 0.0, refusal="Lateral."
    )
    document = read_back(measurement=refused)
    found = group(document, "angles")
    assert values(found) == {}
    texts = [item.value for item in found[0].ContentSequence if item.ValueType == "TEXT"]
    assert "Lateral." in texts


def test_without_a_finder_there_are_no_angles(read_back):
    groups = read_back(measurement=None).content.get_image_measurement_groups()
    assert [one.tracking_identifier for one in groups] == ["classification"]


def test_the_algorithm_is_named_with_its_bundle(read_back):
    found = group(read_back(), "classification")[0]
    stated = {item.name.meaning: item.value for item in found.ContentSequence}
    assert stated["Algorithm Name"] == readings.reading().title
    assert stated["Algorithm Version"] == readings.BUNDLE_ID
    assert stated["Algorithm Family"].meaning == "Artificial Intelligence"


def test_the_report_refers_to_film_map_and_overlay(film, tmp_path):
    made = write(readings.reading(film=film), tmp_path / "out")
    document = highdicom.sr.srread(made.report)
    images = [highdicom.imread(path) for path in (film.path, made.heatmap, made.overlay)]
    evidence = {uid for _, _, uid, _ in document.get_evidence(current_procedure_only=True)}
    assert evidence == {image.SOPInstanceUID for image in images}
    explained = [
        item.referenced_sop_instance_uid
        for item in group(document, "classification")[0].ContentSequence
        if item.name == codes.VISUAL_EXPLANATION.code
    ]
    assert explained == [image.SOPInstanceUID for image in images[1:]]


def test_a_label_of_somebodys_own_gets_a_private_code_and_never_a_standard_one(read_back):
    labels = ("normal", "Schmorl's nodes, many of them", "kyphosis")
    networks = (readings.network(0, 0.0, 3.0, 0.0),)
    document = read_back(labels=labels, networks=networks)
    found = group(document, "classification").finding_type
    assert (found.scheme_designator, found.meaning) == ("99SPONDYL", labels[1])
    assert codes.of_label("kyphosis") != codes.of_label("kyphosis of the neck")
    assert codes.of_label("Scoliosis") == codes.of_label("scoliosis")


def test_codes_of_the_dicom_standard_are_those_of_pydicoms_copy():
    for name in VERTEBRAE:
        copy = getattr(standard.cid7603, f"{name}Vertebra")
        assert codes.VERTEBRAE[name].code == copy
        assert codes.VERTEBRAE[name].code.meaning == copy.meaning
    found = {name: value for name, value in vars(codes).items() if isinstance(value, codes.Found)}
    of_standard = [one.code for one in found.values() if one.code.scheme_designator != "UMLS"]
    of_standard += [codes.LABELS["normal"].code, *(one.code for one in codes.SIDES.values())]
    schemes = {scheme: getattr(standard, scheme) for scheme in ("SCT", "DCM", "UCUM")}
    known = {
        (code.value, scheme)
        for scheme, collection in schemes.items()
        for code in collection.concepts.values()
    } | {("246205007", "SCT")}
    assert {(code.value, code.scheme_designator) for code in of_standard} <= known
    assert len(of_standard) > 25


def test_every_code_says_where_it_was_found_and_fits_its_element():
    tables = (codes.LABELS, codes.VERTEBRAE, codes.SIDES, codes.METHODS)
    single = [value for value in vars(codes).values() if isinstance(value, codes.Found)]
    for found in (*single, *(one for table in tables for one in table.values())):
        assert found.found_in
        assert all(found.found_in)
        assert len(found.code.value) <= 16
        assert len(found.code.meaning) <= 64
    assert set(codes.DOUBTS) == set(get_args(DoubtKind))
    assert all(len(code.meaning) <= 64 for code in codes.DOUBTS.values())


@given(st.text())
def test_a_text_from_elsewhere_is_cut_to_one_value_of_one_line(text):
    short = codes.short(text)
    assert len(short) <= 64
    assert not {"\\", "\x1b", "\n", "\0"} & set(short)
    assert codes.short("Normal, 17") == "Normal, 17"


def test_probabilities_are_written_to_the_last_digit(read_back):
    networks = (readings.network(0, 1e-3, np.pi, -7.0), readings.network(3, 0.1, 0.2, 0.3))
    made = readings.reading(networks=networks)
    numbers = values(group(read_back(networks=networks), "classification"))
    for label, probability in zip(made.labels, made.probabilities, strict=True):
        assert numbers[f"Probability of {label}"] == float(probability)
