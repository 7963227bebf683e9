"""Slips from four points, against drawn lateral spines; and files of such points."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.data.phantom.anatomy import (
    LEVELS,
    SLIP_LEVELS,
    Anatomy,
    Curvature,
    lateral,
    slip_fraction,
)
from spondyl.data.phantom.anatomy import Slip as DrawnSlip
from spondyl.data.regions import Regions
from spondyl.errors import SpondylError
from spondyl.measure import slip
from spondyl.measure.slip import Marked, Slip

STRAIGHT = Curvature(("T5", "T12"), (0.0,), "right")
HEADER = ",".join(
    ("image_id", "level", *(f"{point}_{axis}" for point in slip.POINTS for axis in "rc"))
)


def marked(level="L4-5", **points):
    """A lower plate of 40 pixels, the vertebra above it in place."""
    in_place = {
        "lower_posterior": (100, 60),
        "lower_anterior": (100, 20),
        "upper_posterior": (90, 60),
        "upper_anterior": (90, 20),
    }
    return Marked(image_id="a.png", level=level, **in_place | points)


def shifted(percent):
    columns = 0.4 * percent
    return marked(upper_posterior=(90, 60 - columns), upper_anterior=(90, 20 - columns))


@pytest.mark.parametrize("facing", ["left", "right"])
@pytest.mark.parametrize("level", sorted(SLIP_LEVELS))
@pytest.mark.parametrize("fraction", [0.0, 0.12, 0.43, 0.9])
def test_the_slip_of_a_drawn_spine_is_measured(facing, level, fraction):
    corners = lateral(Anatomy(STRAIGHT, slip=DrawnSlip(level, fraction), facing=facing)).corners
    slipped = LEVELS.index(SLIP_LEVELS[level])
    back, front = (1, 0) if facing == "left" else (0, 1)
    found = slip.measured(
        Marked(
            image_id="a.png",
            level=level,
            lower_posterior=tuple(corners[slipped + 1, back]),
            lower_anterior=tuple(corners[slipped + 1, front]),
            upper_posterior=tuple(corners[slipped, 2 + back]),
            upper_anterior=tuple(corners[slipped, 2 + front]),
        )
    )
    assert found.percent == pytest.approx(100 * fraction, abs=1e-6)
    assert found.percent == pytest.approx(100 * slip_fraction(corners, slipped, facing))


@given(st.floats(-90, 140), st.floats(-180, 180), st.floats(0.1, 50), st.booleans())
def test_turning_mirroring_and_scaling_a_film_leave_the_slip(percent, degrees, scale, mirror):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = scale * np.array(((cos, -sin), (sin, cos))) @ np.diag((1, -1 if mirror else 1))
    points = shifted(percent)
    moved = {name: tuple(matrix @ getattr(points, name) + (7, 9)) for name in slip.POINTS}
    assert slip.slip_percent(marked(**moved)) == pytest.approx(percent, abs=1e-6)


@pytest.mark.parametrize(
    ("percent", "grade"),
    [
        (0.5, "I"), (25, "I"), (25.1, "II"), (50, "II"), (50.1, "III"), (75, "III"),
        (75.1, "IV"), (100, "IV"), (100.1, "V"), (160, "V"), (0, None), (-12, None),
    ],
)  # fmt: skip
def test_a_border_of_meyerding_belongs_to_the_lower_grade(percent, grade):
    assert Slip("a.png", "L5-S1", percent).grade == grade


def test_a_backward_slip_is_named_and_not_graded():
    found = slip.measured(shifted(-15))
    assert found.percent == pytest.approx(-15)
    assert (found.direction, found.grade) == ("retrolisthesis", None)
    assert slip.measured(shifted(15)).direction == "forward"
    assert slip.measured(shifted(0)).direction == "none"


def test_swapped_or_missing_plates_are_refused():
    with pytest.raises(SpondylError, match="opposite sides"):
        slip.slip_percent(marked(upper_posterior=(90, 20), upper_anterior=(90, 60)))
    with pytest.raises(SpondylError, match="one point"):
        slip.slip_percent(marked(lower_anterior=(100, 60)))


def test_no_slip_is_guessed_from_a_frontal_film():
    with pytest.raises(SpondylError, match="lateral"):
        slip.automatic(Regions((100, 50), "finder-1"))


def test_csv_and_json_of_the_same_points_give_the_same_slips(tmp_path):
    as_csv, as_json = tmp_path / "slips.csv", tmp_path / "slips.json"
    levels = [shifted(30), marked("L5-S1", upper_posterior=(91, 63))]
    lines = [
        ",".join(map(str, (m.image_id, m.level, *(v for p in slip.POINTS for v in getattr(m, p)))))
        for m in levels
    ]
    as_csv.write_text("\n".join((HEADER, *lines)), encoding="utf-8-sig")
    as_json.write_text(json.dumps({"schema_version": 1, "slips": [m.model_dump() for m in levels]}))
    assert slip.read(as_csv) == slip.read(as_json)
    first, second = slip.read(as_csv)
    assert (first.image_id, first.level, first.grade) == ("a.png", "L4-5", "II")
    assert (second.level, second.percent) == ("L5-S1", pytest.approx(-7.5))


def test_every_problem_of_a_file_is_told_at_once(tmp_path):
    path = tmp_path / "slips.csv"
    path.write_text(
        f"{HEADER}\n"
        "a.png,L4-5,100,sixty,100,20,90,60,90,20\n"
        "a.png,L4-6,100,60,100,20,90,60,90,20\n"
        "a.png,L4-5,100,60,100,20,90,20,90,60\n"
        "a.png,L4-5,100,60,100,20,90,60\n"
        "a.png,L4-5,100,60,100,20,90,60,90,20\n"
    )
    with pytest.raises(SpondylError, match="5 problems") as refusal:
        slip.read(path)
    said = [str(problem) for problem in refusal.value.problems]
    assert ["line 2" in said[0], "line 3" in said[1], "line 4" in said[2]] == [True] * 3
    assert "upper_anterior" in said[3]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "image_id,level\n", "8 problems.*no column 'lower_posterior_r'"),
        ("a.csv", f"{HEADER},doctor\n", "unknown column 'doctor'"),
        ("a.csv", f"{HEADER}\n", "lists no slip"),
        ("a.csv", f"{HEADER}\na,L4-5,1,2,3,4,5,6,7,8,9\n", "surplus cells"),
        ("a.json", "{", "not valid JSON"),
        ("a.json", '{"schema_version": 2, "slips": []}', "2 problems"),
        ("a.json", '{"schema_version": 1, "slips": [3]}', "slip 1"),
        ("a.json", '{"schema_version": 1, "slips": [{"level": "L4-5"}]}', "5 problems"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SpondylError, match=said):
        slip.read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for name in ("none.csv", "none.json"):
        with pytest.raises(SpondylError, match="cannot be read"):
            slip.read(tmp_path / name)
