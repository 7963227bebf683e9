"""The spine as numbers: its angles and slips are what their definitions say."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.levels import largest_angle_degrees
from spondyl.data.phantom.anatomy import (
    BODIES,
    LEVELS,
    SLIP_LEVELS,
    Anatomy,
    Curvature,
    Slip,
    drawn,
    frontal,
    lateral,
)
from spondyl.data.phantom.truth import measured_curves
from spondyl.errors import SpondylError

STRAIGHT = Curvature(("T5", "T12"), (0.0,), "right")
sides = st.sampled_from(["left", "right"])
cobbs = st.floats(12, 60)


def angle_by_definition(corners):
    """Largest angle between the mid-lines of any two vertebrae, each pair by its scalar product."""
    lines = [(tr + br) / 2 - (tl + bl) / 2 for tl, tr, bl, br in corners]
    return max(
        math.degrees(math.acos(min(1.0, a @ b / math.sqrt((a @ a) * (b @ b)))))
        for a, b in combinations(lines, 2)
    )


@given(cobb=cobbs, side=sides, balance=st.floats(-4, 4))
def test_the_requested_cobb_angle_is_the_one_measured_from_the_corners(cobb, side, balance):
    anatomy = Anatomy(Curvature(("T5", "T12"), (cobb,), side), balance_degrees=balance)
    corners = frontal(anatomy).corners[BODIES]
    assert angle_by_definition(corners) == pytest.approx(cobb, abs=0.01)
    assert largest_angle_degrees(corners) == pytest.approx(cobb, abs=0.01)


@given(upper=cobbs, lower=cobbs, side=sides)
def test_two_curves_have_their_own_angles_and_opposite_sides(upper, lower, side):
    curvature = Curvature(("T5", "T11", "L4"), (upper, lower), side)
    first, second = measured_curves(frontal(Anatomy(curvature)), curvature)
    assert (first.cobb_degrees, second.cobb_degrees) == pytest.approx((upper, lower), abs=0.01)
    assert first.side == side
    assert {first.side, second.side} == {"left", "right"}
    assert (first.region, second.region) == ("thoracic", "lumbar")


@given(cobb=cobbs)
def test_a_curve_to_the_patients_left_bulges_to_the_right_of_the_film(cobb):
    centres = frontal(Anatomy(Curvature(("T5", "T12"), (cobb,), "left"))).centres
    assert centres[LEVELS.index("T8"), 1] > 0
    (curve,) = measured_curves(
        frontal(Anatomy(bend := Curvature(("T5", "T12"), (cobb,), "left"))), bend
    )
    assert curve.side == "left"
    assert curve.apex in ("T8", "T9")


@given(cobb=cobbs)
def test_the_other_side_is_the_mirror_image(cobb):
    left, right = (
        frontal(Anatomy(Curvature(("T9", "L3"), (cobb,), side))).centres
        for side in ("left", "right")
    )
    np.testing.assert_allclose(left, right * (1, -1), atol=1e-9)


@given(
    level=st.sampled_from(sorted(SLIP_LEVELS)),
    fraction=st.floats(0.05, 0.9),
    facing=sides,
    scale=st.floats(0.8, 1.1),
)
def test_slip_fraction_is_the_shift_over_the_width_of_the_end_plate_below(
    level, fraction, facing, scale
):
    anatomy = Anatomy(STRAIGHT, Slip(level, fraction), facing=facing, scale=scale)
    corners = lateral(anatomy).corners
    slipped = LEVELS.index(SLIP_LEVELS[level])
    back, front = (1, 0) if facing == "left" else (0, 1)
    end_plate = corners[slipped + 1, front] - corners[slipped + 1, back]
    width = math.hypot(*end_plate)
    shift = (corners[slipped, 2 + back] - corners[slipped + 1, back]) @ end_plate / width
    assert shift / width == pytest.approx(fraction, abs=1e-6)


def test_what_does_not_slip_stands_on_the_one_below():
    corners = lateral(Anatomy(STRAIGHT)).corners
    for below in range(LEVELS.index("L1"), len(LEVELS)):
        plate = corners[below, 0] - corners[below, 1]
        offset = (corners[below - 1, 3] - corners[below, 1]) @ plate / (plate @ plate)
        assert abs(offset) < 0.12, LEVELS[below]


@given(small=st.floats(0.1, 0.4), more=st.floats(0.05, 0.4))
def test_from_the_front_a_larger_slip_sinks_deeper(small, more):
    def height(fraction):
        return -frontal(Anatomy(STRAIGHT, Slip("L5-S1", fraction))).corners[0, 0, 0]

    assert height(small + more) < height(small) < -frontal(Anatomy(STRAIGHT)).corners[0, 0, 0]


def test_kyphosis_and_lordosis_are_the_angles_asked_for():
    corners = lateral(Anatomy(STRAIGHT, kyphosis_degrees=40, lordosis_degrees=50)).corners
    t1, t12, s1 = (LEVELS.index(level) for level in ("T1", "T12", "S1"))
    assert angle_by_definition(corners[[t1, t12]]) == pytest.approx(40, abs=0.01)
    assert angle_by_definition(corners[[t12, s1]]) == pytest.approx(50, abs=0.01)


@given(seed=st.integers(0, 10_000), label=st.sampled_from(SPINE_LABELS.names))
def test_a_spine_drawn_for_a_class_is_of_that_class(seed, label):
    anatomy = drawn(np.random.default_rng(seed), label)
    assert anatomy.label == label
    curves = measured_curves(frontal(anatomy), anatomy.curvature)
    assert bool(curves) == (label == "scoliosis")
    assert (anatomy.slip is not None) == (label == "spondylolisthesis")


def test_a_class_without_a_spine_is_refused():
    with pytest.raises(SpondylError, match="kyphosis"):
        drawn(np.random.default_rng(0), "kyphosis")
