"""Angles and curves from corners: what they mean, against slow definitions and drawn spines."""

import csv
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import loadmat

from spondyl.data.levels import VERTEBRAE
from spondyl.data.phantom import anatomy as spines
from spondyl.data.phantom.anatomy import BODIES, Anatomy, Curvature, frontal
from spondyl.data.phantom.truth import measured_curves
from spondyl.measure import cobb
from spondyl.measure.cobb import Curve


def spine(tilts):
    """(n, 4, 2) corners of bodies stacked along their axes; each tilted as asked, in degrees."""
    at, corners = np.zeros(2), []
    for tilt in np.radians(tilts):
        down, across = (
            np.array((np.cos(tilt), -np.sin(tilt))),
            np.array((np.sin(tilt), np.cos(tilt))),
        )
        top, bottom = at, at + 20 * down
        corners.append([top - 15 * across, top + 15 * across, bottom - 15 * across])
        corners[-1].append(bottom + 15 * across)
        at = bottom + 5 * down
    return np.array(corners)


def turned(corners, degrees):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return corners @ np.array(((cos, -sin), (sin, cos)))


def mirrored(corners):
    return corners[:, [1, 0, 3, 2]] * (1, -1)


@st.composite
def spines_of_people(draw):
    """Tilts without ties and without a swing that is 10 degrees to the last digit."""
    n = draw(st.integers(3, 17))
    whole = draw(st.lists(st.integers(-45, 45), min_size=n, max_size=n))
    tilts = 0.7 * np.array(whole) + 0.0013 * np.arange(n) ** 2
    swings = np.abs(tilts[:, None] - tilts)
    assume(np.abs(swings - 10).min() > 1e-6)
    return spine(tilts)


def described(corners):
    found = cobb.curves(corners, VERTEBRAE[: len(corners)])
    return [(curve.upper, curve.lower, curve.side) for curve in found], [
        curve.cobb_degrees for curve in found
    ]


def slow_three_angles(corners, height):
    """The data set's definition, pair by pair, by the angle between vectors (x, y)."""
    n = len(corners)
    points = corners[..., ::-1]
    lines = [(c[1] + c[3]) / 2 - (c[0] + c[2]) / 2 for c in points]

    def angle(i, j):
        cosine = lines[i] @ lines[j] / np.linalg.norm(lines[i]) / np.linalg.norm(lines[j])
        return np.degrees(np.arccos(np.clip(cosine, -1, 1)))

    i, j = max(combinations(range(n), 2), key=lambda pair: angle(*pair))
    plates = [mid for c in points for mid in ((c[0] + c[1]) / 2, (c[2] + c[3]) / 2)]
    (x0, y0), (x1, y1) = plates[0], plates[-1]
    sides = [(x - x1) / (x0 - x1) - (y - y1) / (y0 - y1) for x, y in plates[1:-2]]
    if not (min(sides) < 0 < max(sides)):
        return angle(i, j), angle(0, i), angle(j, n - 1)
    above = max(range(i + 1), key=lambda m: angle(m, i))
    if plates[2 * i + 1][1] + plates[2 * j + 1][1] < height:
        return angle(i, j), angle(above, i), max(angle(j, m) for m in range(j, n))
    return angle(i, j), angle(above, i), max(angle(m, above) for m in range(above + 1))


@settings(max_examples=60, deadline=None)
@given(spines_of_people(), st.floats(100, 900))
def test_the_three_angles_are_those_of_the_definition(corners, height):
    across = corners[0, :2, 1].mean() - corners[-1, 2:, 1].mean()
    assume(abs(across) > 1e-3)  # the set's own formula divides by it
    assert cobb.three_angles(corners, height) == pytest.approx(
        slow_three_angles(corners, height), abs=1e-5
    )


def test_the_three_angles_of_the_data_set_are_reproduced(shared):
    folder = shared / "data" / "aasce"
    if not folder.is_dir():
        pytest.skip(f"no films with landmarks: {folder} is not there")
    labels = folder / "labels"
    names = [row[0] for row in csv.reader((labels / "filenames.csv").open(encoding="utf-8"))]
    stated = np.loadtxt(labels / "angles.csv", delimiter=",")
    found = [_angles_of(folder, name) for name in names]
    agree = np.abs(np.array(found) - stated).max(axis=1) < 0.05
    assert len(agree) == 481
    assert agree.all()


def _angles_of(folder: Path, name: str):
    points = loadmat(folder / "labels" / f"{name}.mat")["p2"].astype(np.float64)
    with Image.open(folder / "images" / name) as image:
        height = image.height
    return cobb.three_angles(points.reshape(17, 4, 2)[..., ::-1], height)


@settings(max_examples=60, deadline=None)
@given(spines_of_people())
def test_a_mirror_swaps_the_sides_and_keeps_the_angles(corners):
    ends, degrees = described(corners)
    swapped = {"left": "right", "right": "left"}
    mirror_ends, mirror_degrees = described(mirrored(corners))
    assert [(u, lo, swapped[side]) for u, lo, side in mirror_ends] == ends
    assert mirror_degrees == pytest.approx(degrees)
    height = 300
    assert cobb.three_angles(mirrored(corners), height) == pytest.approx(
        cobb.three_angles(corners, height)
    )


@settings(max_examples=60, deadline=None)
@given(spines_of_people(), st.floats(-40, 40), st.floats(0.01, 30))
def test_neither_lean_nor_size_changes_a_curve(corners, lean, scale):
    ends, degrees = described(corners)
    other_ends, other_degrees = described(scale * turned(corners, lean) + (300, -70))
    assert other_ends == ends
    assert other_degrees == pytest.approx(degrees)


@settings(max_examples=60, deadline=None)
@given(spines_of_people())
def test_curves_are_swings_of_ten_degrees_that_alternate(corners):
    found = cobb.curves(corners, VERTEBRAE[: len(corners)])
    largest = cobb.three_angles(corners, 500)[0]
    tilt = np.degrees(np.arctan2(*(corners[:, 1] - corners[:, 0]).T))
    for curve in found:
        upper, apex, lower = map(VERTEBRAE.index, (curve.upper, curve.apex, curve.lower))
        assert upper < apex < lower
        assert 10 <= curve.cobb_degrees <= largest + 1e-9
        within = tilt[upper : lower + 1]
        assert curve.cobb_degrees == pytest.approx(np.ptp(within))
    for above, below in pairwise(found):
        if above.lower == below.upper:
            assert above.side != below.side


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-40, 40), min_size=2, max_size=17), st.floats(1, 25))
def test_the_end_vertebrae_are_the_longest_alternation_of_large_swings(tilts, least):
    """The persistent extremes are as many as any choice with all swings large and alternating."""
    tilts = np.round(tilts, 2) + 1e-4 * np.arange(len(tilts)) ** 1.5
    found = cobb.end_vertebrae(tilts, least)
    assert max(len(found), 1) == max(
        longest_alternation(tilts, least, 1), longest_alternation(tilts, least, -1)
    )


def longest_alternation(tilts, least, first):
    """Greatest number of places with successive swings ≥ least, alternating, the first upwards
    (1) or downwards (-1)."""
    best = {(place, first): 1 for place in range(len(tilts))}
    for place in range(len(tilts)):
        for before in range(place):
            for way in (1, -1):
                if (before, way) in best and way * (tilts[place] - tilts[before]) >= least:
                    longer = best[before, way] + 1
                    best[place, -way] = max(best.get((place, -way), 0), longer)
    return max(best.values())


def test_a_wiggle_smaller_than_a_curve_does_not_divide_one():
    (curve,) = cobb.curves(spine([-14, -17, -20, -14, -16, 0, 15, 9, 18, 20]), VERTEBRAE[:10])
    assert (curve.upper, curve.lower, curve.side) == ("T3", "T10", "left")
    assert curve.cobb_degrees == pytest.approx(40)
    assert curve.at_edge


def test_a_large_swing_between_neighbours_divides_and_is_no_curve():
    found = cobb.curves(spine([0, 10, 20, 5, 15, 25]), VERTEBRAE[:6])
    assert [(curve.upper, curve.lower) for curve in found] == [("T1", "T3"), ("T4", "T6")]


def test_a_bulge_to_the_picture_s_left_is_convex_to_the_patient_s_right():
    corners = spine([20, 10, 0, -10, -20])
    assert corners[2, :, 1].mean() < corners[0, :, 1].mean()
    (curve,) = cobb.curves(corners, VERTEBRAE[4:9])
    assert (curve.side, curve.apex, curve.region) == ("right", "T7", "thoracic")


@pytest.mark.parametrize("seed", range(60))
def test_the_curves_of_drawn_spines_are_found(seed):
    """Ends may differ by what a small tilt of single vertebrae decides; angles, sides and apices
    hardly do."""
    person = spines.drawn(np.random.default_rng(seed), "scoliosis")
    column = frontal(person)
    found = cobb.curves(column.corners[BODIES], VERTEBRAE)
    for curve in measured_curves(column, person.curvature):
        near = min(found, key=lambda one: abs(_place(one.apex) - _place(curve.apex)))
        assert near.cobb_degrees == pytest.approx(curve.cobb_degrees, abs=1.5)
        assert near.side == curve.side
        assert abs(_place(near.apex) - _place(curve.apex)) <= 1
        if near.apex == curve.apex:
            assert near.region == curve.region


def _place(name):
    return VERTEBRAE.index(name)


def test_a_normal_spine_has_no_curve():
    for seed in range(20):
        person = spines.drawn(np.random.default_rng(seed), "normal")
        assert cobb.curves(frontal(person).corners[BODIES], VERTEBRAE) == ()


def test_the_ends_that_were_drawn_are_the_ends_that_are_found():
    person = Anatomy(Curvature(("T5", "T11", "L4"), (48.0, 36.0), "right"))
    found = cobb.curves(frontal(person).corners[BODIES], VERTEBRAE)
    drawn = [curve for curve in found if not curve.at_edge]
    assert [(c.upper, c.lower, c.side) for c in drawn] == [
        ("T5", "T11", "right"),
        ("T11", "L4", "left"),
    ]
    assert [curve.cobb_degrees for curve in drawn] == pytest.approx([48, 36], abs=0.01)
    assert cobb.main_curve(found) == drawn[0]


def test_a_partial_film_has_its_curves_and_three_angles():
    person = Anatomy(Curvature(("T9", "L3"), (40.0,), "left"))
    corners = frontal(person).corners[BODIES][6:]
    found = cobb.main_curve(cobb.curves(corners, VERTEBRAE[6:]))
    assert found is not None
    assert (found.upper, found.lower, found.region) == ("T9", "L3", "thoracolumbar")
    assert cobb.three_angles(corners, 500)[0] == pytest.approx(40, abs=0.01)
    assert cobb.three_angles(corners[:1], 500) == (0, 0, 0)


def test_a_spine_without_vertebrae_has_no_curves_and_no_angles():
    assert cobb.curves(np.zeros((0, 4, 2)), ()) == ()
    assert cobb.main_curve(()) is None
    with pytest.raises(ValueError, match="n of 1 or more"):
        cobb.three_angles(np.zeros((0, 4, 2)), 100)
    with pytest.raises(ValueError, match="2 names for 3"):
        cobb.curves(spine([1, 2, 3]), ("T1", "T2"))


@pytest.mark.parametrize(
    ("apex", "region", "part"),
    [
        ("T2", "thoracic", None),
        ("T5", "thoracic", "proximal thoracic"),
        ("T6", "thoracic", "main thoracic"),
        ("T11", "thoracic", "main thoracic"),
        ("T12", "thoracolumbar", "thoracolumbar/lumbar"),
        ("L1", "thoracolumbar", "thoracolumbar/lumbar"),
        ("L2", "lumbar", "thoracolumbar/lumbar"),
        ("L5", "lumbar", None),
    ],
)
def test_a_curve_is_named_by_its_apex(apex, region, part):
    curve = Curve("T1", apex, "L5", "left", 20)
    assert (curve.region, curve.part) == (region, part)


@pytest.mark.parametrize(
    ("degrees", "severity"),
    [(10, "mild"), (24.9, "mild"), (25, "moderate"), (44.9, "moderate"), (45, "severe")],
)
def test_a_border_of_severity_belongs_to_the_graver_side(degrees, severity):
    assert Curve("T5", "T8", "T12", "right", degrees).severity == severity
