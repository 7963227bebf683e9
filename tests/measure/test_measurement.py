"""The record of one film: angles or a refusal, and a row that other programs can read."""

import json

import numpy as np
import pytest

from spondyl.data.levels import VERTEBRAE
from spondyl.data.phantom.drawing import draw
from spondyl.data.regions import Regions
from spondyl.measure import cobb, measurement
from spondyl.measure.cobb import Curve
from spondyl.measure.measurement import Measurement, as_json

CURVE = Curve("T5", "T9", "T12", "right", 32.5, interval_degrees=(28.0, 37.0))


def measured(**changes):
    stated = {
        "image_id": "scoliosis/0001.png",
        "image_size": (400, 200),
        "made_by": "finder-1a2b",
        "view": "frontal",
        "view_probability": 0.98,
        "confidence": 0.9,
        "vertebrae": VERTEBRAE[2:5],
        "cobb_degrees": (32.5, 12.0, 8.0),
        "interval_degrees": ((28.0, 37.0), (8.0, 16.0), (4.0, 12.0)),
        "interval_level": 0.9,
        "curves": (CURVE,),
    }
    return Measurement(**stated | changes)


def refused(**changes):
    none = {"cobb_degrees": None, "interval_degrees": None, "interval_level": None, "curves": ()}
    return measured(**none | {"vertebrae": (), "refusal": "no spine was found"} | changes)


@pytest.fixture
def regions():
    points = np.arange(24, dtype=np.float32).reshape(12, 2)
    return Regions((400, 200), "finder-1a2b", landmarks=points)


def test_a_measurement_says_all_that_it_knows():
    row = json.loads(json.dumps(measured(spacing_mm=(0.2, 0.2)).as_dict(), allow_nan=False))
    assert row["schema_version"] == measurement.SCHEMA_VERSION
    assert row["image_id"] == "scoliosis/0001.png"
    assert row["cobb_deg"] == [32.5, 12.0, 8.0]
    assert row["cobb_interval_deg"] == [[28.0, 37.0], [8.0, 16.0], [4.0, 12.0]]
    assert row["interval_level"] == 0.9
    assert row["refusal"] is None
    assert row["vertebrae"] == ["T3", "T4", "T5"]
    assert row["spacing_mm"] == [0.2, 0.2]
    assert "not for diagnosis" in row["notice"]
    assert row["curves"] == [
        {
            "upper": "T5",
            "apex": "T9",
            "lower": "T12",
            "side": "right",
            "region": "thoracic",
            "part": "main thoracic",
            "cobb_deg": 32.5,
            "interval_deg": [28.0, 37.0],
            "severity": "moderate",
            "at_edge": False,
        }
    ]


def test_a_refusal_has_its_reason_and_no_angle():
    row = refused().as_dict()
    assert row["refusal"] == "no spine was found"
    assert (row["cobb_deg"], row["cobb_interval_deg"], row["curves"]) == (None, None, [])


@pytest.mark.parametrize(
    "make",
    [
        lambda: measured(refusal="blurred"),
        lambda: measured(cobb_degrees=None, interval_degrees=None, curves=()),
        lambda: refused(curves=(CURVE,)),
        lambda: refused(interval_degrees=((0.0, 1.0),) * 3, interval_level=0.9),
        lambda: measured(interval_level=None),
        lambda: measured(confidence=1.2),
        lambda: measured(view_probability=float("nan")),
    ],
)
def test_a_measurement_that_contradicts_itself_cannot_be_made(make):
    with pytest.raises(ValueError, match=r"measurement|interval|share"):
        make()


def test_the_corners_of_a_row_stand_where_their_vertebra_stands(regions):
    row = as_json(measured(), regions, VERTEBRAE[2:5], "0001.mask.png")
    assert row["mask_png"] == "0001.mask.png"
    assert len(row["corners"]) == 68
    assert row["corners"][:8] == [None] * 8
    assert row["corners"][8:20] == [[column, row_] for row_, column in regions.landmarks.tolist()]
    assert row["corners"][20:] == [None] * 48
    json.dumps(row, allow_nan=False)


def test_a_row_without_corners_has_nulls():
    row = as_json(refused(), None, ())
    assert row["corners"] == [None] * 68
    assert row["mask_png"] is None
    assert row["refusal"] == "no spine was found"


@pytest.mark.parametrize("names", [VERTEBRAE[:2], ("T1", "T2", "S1"), ("T1", "T1", "T2")])
def test_names_that_do_not_fit_the_corners_are_not_written(regions, names):
    with pytest.raises(ValueError, match="landmarks"):
        as_json(measured(), regions, names)


def test_the_angles_follow_from_the_corners_of_the_row():
    phantom = draw(5, "scoliosis", size=(500, 260), field="whole")
    names, height = phantom.truth.vertebrae, phantom.image.shape[0]
    corners = phantom.regions.landmarks.reshape(-1, 4, 2).astype(np.float64)
    angles = cobb.three_angles(corners, height)
    record = measured(
        image_size=phantom.image.shape[:2],
        vertebrae=names,
        cobb_degrees=angles,
        curves=cobb.curves(corners, names),
    )
    row = json.loads(json.dumps(as_json(record, phantom.regions, names)))
    read = np.array(row["corners"]).reshape(17, 4, 2)[..., ::-1]
    assert cobb.three_angles(read, height) == pytest.approx(row["cobb_deg"], abs=1e-9)
