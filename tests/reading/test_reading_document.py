"""The record of a reading as JSON: every number of it, and nothing of the patient by default."""

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from readings import STRANGE, doubted, film, network, reading

from spondyl.data.dicom.facts import DicomFacts
from spondyl.data.phantom.drawing import draw as phantom_of
from spondyl.files import canonical_json
from spondyl.measure.measurement import Measurement
from spondyl.reading.document import IDENTIFYING, document
from spondyl.reading.record import SCHEMA_VERSION, Reading

SECRETS = {
    "path": "/ward 7/Doe^Jane.dcm",
    "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1.1",
    "sop_instance_uid": "1.2.826.0.1.11",
    "study_uid": "1.2.826.0.1.22",
    "series_uid": "1.2.826.0.1.33",
    "transfer_syntax_uid": "1.2.840.10008.1.2.1",
    "patient_key": "deadbeefdeadbeef",
    "age_years": 41.5,
    "sex": "female",
}


def identifiable(**changes) -> Reading:
    """A reading of a DICOM film that states whose it is, measured under the file's own name."""
    facts = DicomFacts(
        **{name: value for name, value in SECRETS.items() if name != "path"},
        **{"photometric": "MONOCHROME1", "bits_stored": 12, "modality": "DX", "view": "frontal"},
        **{"body_part": "SPINE", "spacing_kind": "detector", "burned_in": False},
    )
    named = film(
        Path(SECRETS["path"]), name="film 1", dicom=facts, format="DICOM", spacing_mm=(0.2, 0.2)
    )
    shown = reading(film=named, **changes)
    return replace(
        shown,
        measurement=replace(shown.measurement, image_id="Doe^Jane.dcm"),
        heatmap=replace(shown.heatmap, image_id="Doe^Jane.dcm"),
    )


def test_nothing_of_the_patient_is_written_unless_it_is_asked_for():
    text = canonical_json(document(identifiable()))
    for name, secret in SECRETS.items():
        assert str(secret) not in text, name
    assert "Doe" not in text
    assert "film 1" in text
    assert "MONOCHROME1" in text


def test_all_of_it_is_written_where_it_is_asked_for():
    made = document(identifiable(), identify=True)["film"]
    written = {"path": made["path"], **made["dicom"]}
    assert {name: written[name] for name in SECRETS} == SECRETS


def test_every_fact_of_a_film_is_either_written_or_known_to_identify():
    written = document(identifiable())["film"]["dicom"]
    technical = {"sop_class_uid", "transfer_syntax_uid"}
    assert {field.name for field in fields(DicomFacts)} == {*written, *IDENTIFYING, *technical}


def test_every_part_of_a_reading_is_in_its_document():
    apart = {"bundle_id": "bundle", "title": "bundle", "learned_from_it": "learned_from_this_film"}
    written = document(reading())
    for field in fields(Reading):
        if field.name not in ("labels", "regions"):
            assert apart.get(field.name, field.name) in written, field.name
    assert list(written["probabilities"]) == list(reading().labels)
    assert written["schema_version"] == SCHEMA_VERSION


def test_numbers_come_back_as_they_were():
    shown = reading()
    back = json.loads(canonical_json(document(shown)))
    assert list(back["probabilities"].values()) == shown.probabilities.tolist()
    for row, one in zip(back["networks"], shown.networks, strict=True):
        assert list(row["logits"].values()) == one.logits.tolist()
        assert list(row["calibrated"].values()) == one.calibrated.tolist()
        assert row["strangeness_p"] == pytest.approx(0.62)
    assert back["label_set"]["p_values"] == dict(
        zip(shown.labels, shown.label_set.p_values, strict=True)
    )
    assert back["votes"] == shown.votes
    assert back["measurement"]["cobb_deg"] == list(shown.measurement.cobb_degrees)


def test_an_answer_is_null_where_there_are_doubts_and_their_sentences_stand_there():
    made = document(doubted())
    assert made["answer"] is None
    assert made["doubts"] == [{"kind": STRANGE.kind, "why": STRANGE.why}]
    assert document(reading())["answer"] == "scoliosis"


def test_what_is_no_number_is_null_and_never_nan():
    odd = replace(network(0, 0.0, 1.0, 0.0), energy_p=None, logits=np.array([np.nan, np.inf, 0.0]))
    made = document(
        reading(networks=(odd,), probabilities=np.array([0.2, 0.7, np.nan]), label_set=None)
    )
    canonical_json(made)
    assert list(made["networks"][0]["logits"].values()) == [None, None, 0.0]
    assert made["networks"][0]["strangeness_p"] is None
    assert made["probabilities"]["spondylolisthesis"] is None
    assert made["label_set"] is None


def test_a_heatmap_is_told_by_its_facts_and_files_and_not_by_its_values():
    shown = reading()
    made = document(shown, files={"overlay": "film.png", "map": "film.npy"})
    assert made["heatmap"] == {
        "label": "scoliosis",
        "method": "Grad-CAM",
        "layer": "layer4",
        "unit": "logit",
        "rectified": True,
        "peak": shown.heatmap.peak,
        "grid": [7, 5],
    }
    assert made["files"] == {"overlay": "film.png", "map": "film.npy"}
    assert document(shown)["files"] == {}


def test_corners_stand_in_the_measurement_as_x_and_y():
    phantom = phantom_of(6, "scoliosis", size=(500, 250), field="whole")
    names = phantom.truth.vertebrae
    made = Measurement(
        *("other", (500, 250), "finder", "frontal", 1.0, 1.0, names, (30.0, 20.0, 10.0))
    )
    row = document(reading(measurement=made, regions=phantom.regions))["measurement"]
    assert names[0] == "T1"
    assert row["corners"][0] == pytest.approx(phantom.regions.landmarks[0, ::-1].tolist())
    assert row["image_id"] == "film"


def test_a_film_that_was_not_measured_has_none():
    assert document(reading(measurement=None))["measurement"] is None
