"""What a film's name says is asked of its heatmap, with its chance, and never guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spondyl.data import kauh
from spondyl.data.annotations.outlines import add_polygon
from spondyl.data.levels import VERTEBRAE, region_of
from spondyl.data.phantom.anatomy import BODIES, Anatomy, Curvature, frontal
from spondyl.data.radiograph import NOT_STATED, Curve, FileFacts, Radiograph
from spondyl.data.regions import Regions
from spondyl.errors import SpondylError
from spondyl.explain.scores.weak_truth import Count, Hit, counted, hits, midline

HEIGHT, WIDTH = 12, 9
OTHER = {"right": "left", "left": "right", NOT_STATED: NOT_STATED}


def film(*curves: Curve, slip=NOT_STATED, view=NOT_STATED, size=(HEIGHT, WIDTH)) -> Radiograph:
    facts = FileFacts("PNG", *size, "L", 1, None, "0" * 64)
    return Radiograph(
        "1.png", Path("1.png"), None, "1", facts, view=view, curves=curves, slip_level=slip
    )


def spot(row, column, size=(HEIGHT, WIDTH)):
    heat = np.zeros(size)
    heat[row, column] = 3.0
    return heat


def asked(question, heat, radiograph, *more, measure="peak", **options) -> Hit:
    (hit,) = (
        hit
        for hit in hits(heat, radiograph, *more, **options)
        if (hit.question, hit.measure) == (question, measure)
    )
    return hit


def landmarks(top=10.0, body=4.0, gap=1.0, half_width=3.0, middle=20.0):
    """(68, 2) corners of an upright column, T1 first."""
    corners = []
    for i in range(len(VERTEBRAE)):
        above, below = top + i * (body + gap), top + i * (body + gap) + body
        for row in (above, below):
            corners += [(row, middle - half_width), (row, middle + half_width)]
    return np.array(corners, np.float32)


# --- side ----------------------------------------------------------------------------------------


def test_a_right_curve_is_at_the_left_of_the_picture():
    right = film(Curve("right", "thoracic"))
    assert asked("side", spot(2, 1), right).hit is True
    assert asked("side", spot(2, 7), right).hit is False
    assert asked("side", spot(2, 4), right).hit is False  # on the midline: on no side
    assert asked("side", spot(2, 7), right, patient_right="right").hit is True


@pytest.mark.parametrize(
    "radiograph",
    [
        film(),
        film(Curve()),
        film(Curve("right", "thoracic"), Curve("left", "lumbar")),
        film(Curve("right", "thoracic"), Curve(NOT_STATED, "lumbar")),
        film(Curve("right", "lumbar"), view="lateral"),
    ],
)
def test_a_side_that_is_not_stated_or_not_one_is_not_asked(radiograph):
    for measure in ("peak", "energy"):
        answer = asked("side", spot(2, 1), radiograph, measure=measure)
        assert (answer.stated, answer.hit, answer.chance) == (False, None, None)


def test_two_curves_to_one_side_state_it():
    both = film(Curve("left", "thoracic"), Curve("left", "lumbar"))
    assert asked("side", spot(2, 7), both).hit is True


def heats():
    values = st.lists(st.integers(-2, 5), min_size=HEIGHT * WIDTH, max_size=HEIGHT * WIDTH)
    return values.map(lambda drawn: np.array(drawn, float).reshape(HEIGHT, WIDTH))


masks = st.one_of(
    st.none(),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 8)), min_size=1, max_size=9).map(
        lambda pixels: np.isin(np.arange(108), [9 * r + c for r, c in pixels]).reshape(12, 9)
    ),
)


@settings(max_examples=60, deadline=None)
@given(heats(), masks, st.sampled_from(["right", "left", NOT_STATED]))
def test_a_film_mirrored_with_its_side_gets_the_same_answers(heat, mask, side):
    def region_with(spine):
        return None if spine is None else Regions((HEIGHT, WIDTH), "x", spine.copy())

    before = hits(heat, film(Curve(side, "lumbar"), slip="L4-5"), region_with(mask))
    mirrored = None if mask is None else mask[:, ::-1]
    turned = film(Curve(OTHER[side], "lumbar"), slip="L4-5")
    after = hits(heat[:, ::-1], turned, region_with(mirrored))
    flipped = hits(
        heat[:, ::-1],
        film(Curve(side, "lumbar"), slip="L4-5"),
        region_with(mirrored),
        patient_right="right",
    )
    for one, two, three in zip(before, after, flipped, strict=True):
        assert (one.hit, one.basis, one.stated) == (two.hit, two.basis, two.stated)
        assert one.chance == pytest.approx(two.chance, abs=1e-12)
        assert three == two


def test_the_midline_is_the_film_s_unless_the_spine_is_known():
    line, basis = midline((HEIGHT, WIDTH))
    assert basis == "film"
    assert (line == 4.0).all()
    size = (110, 60)
    line, basis = midline(size, Regions(size, "x", landmarks=landmarks(middle=33.0)))
    assert basis == "landmarks"
    np.testing.assert_allclose(line, 33.0)


def test_the_midline_of_a_leaning_spine_leans_with_it():
    size = (60, 80)
    mask = np.zeros(size, bool)
    for row in range(10, 50):
        mask[row, row + 5 : row + 10] = True
    line, basis = midline(size, Regions(size, "x", mask))
    assert basis == "mask"
    np.testing.assert_allclose(line, np.arange(60) + 7.0)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("ends", [("T5", "T12"), ("T12", "L4"), ("T9", "L3")])
def test_heat_on_the_apex_of_a_drawn_curve_is_on_its_side(side, ends):
    truth = drawn_curve(side, ends)
    apex = tuple(np.rint(truth["apex"]).astype(int))
    for regions in (truth["mask"], truth["landmarks"]):
        curve = Curve(side, truth["region"])
        answer = asked("side", spot(*apex, truth["size"]), film(curve, size=truth["size"]), regions)
        assert answer.hit is True
        wrong = film(replace(curve, side=OTHER[side]), size=truth["size"])
        assert asked("side", spot(*apex, truth["size"]), wrong, regions).hit is False


def drawn_curve(side, ends):
    """A phantom's column with one curve of 45 degrees, seen from the front, a pixel each 2 mm."""
    column = frontal(Anatomy(Curvature(ends, (45.0,), side)))
    corners = column.corners[BODIES] / 2
    corners = corners - corners.reshape(-1, 2).min(axis=0) + 20
    size = tuple(int(side) + 20 for side in corners.reshape(-1, 2).max(axis=0))
    centres = corners.mean(axis=1)
    inside = [VERTEBRAE.index(end) for end in ends]
    between = slice(inside[0], inside[1] + 1)
    pick = np.argmin if side == "right" else np.argmax
    chord = np.linspace(centres[between][0], centres[between][-1], inside[1] - inside[0] + 1)
    index = inside[0] + int(pick((centres[between] - chord)[:, 1]))
    mask = np.zeros(size, bool)
    for outline in corners[:, (0, 1, 3, 2)]:
        add_polygon(mask, outline)
    return {
        "size": size,
        "apex": centres[index],
        "region": region_of(VERTEBRAE[index]),
        "mask": Regions(size, "x", mask),
        "landmarks": Regions(size, "x", landmarks=corners.reshape(-1, 2).astype(np.float32)),
    }


# --- region and level ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "rows"),
    [("thoracic", range(6)), ("thoracolumbar", range(4, 8)), ("lumbar", range(6, 12))],
)
def test_without_landmarks_a_region_is_a_half_or_a_third_of_the_film(region, rows):
    radiograph = film(Curve("right", region))
    found = [asked("region", spot(row, 3), radiograph) for row in range(HEIGHT)]
    assert [row for row, answer in enumerate(found) if answer.hit] == list(rows)
    assert found[0].basis == "film"
    assert found[0].chance == pytest.approx(len(rows) / HEIGHT)


@pytest.mark.parametrize(
    ("curves", "stated"),
    [
        ((), False),
        ((Curve("right"),), False),
        ((Curve("right", "thoracic"), Curve("left", "lumbar")), False),
        ((Curve("right", "thoracic"), Curve("left", NOT_STATED)), False),
        ((Curve("right", "lumbar"), Curve("left", "lumbar")), True),
    ],
)
def test_a_region_is_asked_only_where_all_curves_agree(curves, stated):
    assert asked("region", spot(1, 1), film(*curves)).stated is stated


def test_with_landmarks_every_apex_lies_in_the_band_of_its_region_alone():
    size = (110, 40)
    regions = Regions(size, "x", landmarks=landmarks())
    centres = landmarks().reshape(17, 4, 2)[:, :, 0].mean(axis=1)
    for name, row in zip(VERTEBRAE, centres, strict=True):
        for region in ("thoracic", "thoracolumbar", "lumbar"):
            answer = asked(
                "region", spot(int(row), 5, size), film(Curve("left", region), size=size), regions
            )
            assert answer.basis == "landmarks"
            assert answer.hit is (region_of(name) == region and name not in ("T1", "L5"))


@pytest.mark.parametrize(
    ("stated", "first", "last"),
    [
        ("L4-5", "L4", "L5"),
        ("L4-L5", "L4", "L5"),
        ("T12-L1", "T12", "L1"),
        ("l1-2", "L1", "L2"),
        ("T11-12", "T11", "T12"),
    ],
)
def test_with_landmarks_a_slipped_level_is_its_two_vertebrae(stated, first, last):
    size = (110, 40)
    corners = landmarks().reshape(17, 4, 2)[..., 0]
    top = corners[VERTEBRAE.index(first)].min()
    bottom = corners[VERTEBRAE.index(last)].max()
    radiograph, regions = film(slip=stated, size=size), Regions(size, "x", landmarks=landmarks())
    for row in range(size[0]):
        answer = asked("slipped level", spot(row, 30, size), radiograph, regions)
        assert answer.hit is bool(top < row < bottom)


def test_the_sacrum_has_the_height_of_the_last_lumbar_vertebra():
    size = (110, 40)
    radiograph = film(slip="L5-S1", size=size)
    regions = Regions(size, "x", landmarks=landmarks())
    rows = [
        row
        for row in range(size[0])
        if asked("slipped level", spot(row, 0, size), radiograph, regions).hit
    ]
    assert rows == list(range(91, 98))  # L5 from 90 to 94, S1 to 98


@pytest.mark.parametrize(
    ("stated", "hit"),
    [
        ("L4-5", True),
        ("L5-S1", True),
        ("L4-5, L5-S1", True),
        (NOT_STATED, None),
        ("L2-3", None),
        ("L2-3, L4-5", None),
        ("L3-5", None),
        ("L5-6", None),
        ("S1-2", None),
        ("grade I", None),
    ],
)
def test_without_landmarks_a_low_level_is_the_lower_half_and_a_high_one_unknown(stated, hit):
    low, high = (
        asked("slipped level", spot(row, 3), film(slip=stated, view="lateral")) for row in (6, 5)
    )
    assert low.hit is hit
    assert high.hit is (None if hit is None else False)
    assert low.chance == (None if hit is None else pytest.approx(0.5))


def test_every_level_that_a_kauh_name_can_state_is_understood():
    size = (110, 40)
    regions = Regions(size, "x", landmarks=landmarks())
    for upper, lower in (("L1", "2"), ("L2", "3"), ("L3", "4"), ("L4", "5"), ("L5", "S1")):
        stated = kauh.parse(f"N1, Olisthesis {upper}-{lower}, F, 50 yrs")
        radiograph = film(slip=stated.slip_level, size=size)
        assert asked("slipped level", spot(1, 1, size), radiograph, regions).stated


def test_landmarks_of_fewer_vertebrae_say_nothing_of_levels():
    size = (110, 40)
    regions = Regions(size, "x", landmarks=landmarks()[:40])
    answer = asked("region", spot(1, 1, size), film(Curve("left", "lumbar"), size=size), regions)
    assert answer.basis == "film"


# --- measures and chance -------------------------------------------------------------------------


def slow_hit(heat, part, measure) -> bool:
    total = inside = 0.0
    for row in range(heat.shape[0]):
        for column in range(heat.shape[1]):
            value = max(heat[row, column], 0.0)
            if measure == "peak":
                value = float(value == heat.max())
            total += value
            inside += value * part[row, column]
    return bool(inside == total if measure == "peak" else inside > total / 2)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(-1, 3), min_size=30, max_size=30).filter(lambda drawn: max(drawn) > 0),
    st.sampled_from(["right", "left"]),
    st.sampled_from(["thoracic", "thoracolumbar", "lumbar"]),
    st.sampled_from(["peak", "energy"]),
)
def test_chance_is_the_share_of_all_shifts_of_the_map_that_hit(drawn, side, region, measure):
    size = (6, 5)
    heat = np.array(drawn, float).reshape(size)
    rows = {"thoracic": range(3), "thoracolumbar": range(2, 4), "lumbar": range(3, 6)}[region]
    columns = range(2) if side == "right" else range(3, 5)
    parts = {
        "side": [[float(c in columns) for c in range(5)]] * 6,
        "region": [[float(r in rows)] * 5 for r in range(6)],
    }
    for question, part in parts.items():
        answer = asked(question, heat, film(Curve(side, region), size=size), measure=measure)
        slow = [
            slow_hit(np.roll(heat, (down, along), (0, 1)), np.array(part), measure)
            for down in range(6)
            for along in range(5)
        ]
        assert answer.hit is slow[0]
        assert answer.chance == pytest.approx(sum(slow) / 30)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(-1, 3), min_size=30, max_size=30).filter(lambda drawn: max(drawn) > 0),
    st.sampled_from(["peak", "energy"]),
)
def test_chance_beside_a_leaning_midline_is_the_share_of_all_shifts_too(drawn, measure):
    size = (6, 5)
    mask = np.zeros(size, bool)
    mask[0, 0] = mask[5, 4] = True
    heat = np.array(drawn, float).reshape(size)
    part = [[float(column < row * 4 / 5) for column in range(5)] for row in range(6)]
    answer = asked(
        *("side", heat, film(Curve("right"), size=size), Regions(size, "x", mask)), measure=measure
    )
    slow = [
        slow_hit(np.roll(heat, (down, along), (0, 1)), np.array(part), measure)
        for down in range(6)
        for along in range(5)
    ]
    assert answer.hit is slow[0]
    assert answer.chance == pytest.approx(sum(slow) / 30)


def test_the_chance_of_one_peak_is_the_part_s_share_of_the_film():
    answer = asked("side", spot(2, 1), film(Curve("right")))
    assert answer.chance == pytest.approx(4 / 9)


def test_most_of_the_energy_may_be_elsewhere_than_the_peak():
    heat = spot(2, 1)
    heat[3:9, 6] = 1.0
    right = film(Curve("right"))
    assert asked("side", heat, right, measure="peak").hit is True
    assert asked("side", heat, right, measure="energy").hit is False


def test_what_speaks_against_the_label_has_no_energy():
    heat = spot(2, 1)
    heat[:, 5:] = -100.0
    assert asked("side", heat, film(Curve("right")), measure="energy").hit is True


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_the_scale_of_a_map_changes_no_answer(scale):
    heat = np.random.default_rng(0).random((HEIGHT, WIDTH))
    radiograph = film(Curve("right", "lumbar"), slip="L4-5")
    assert [hit.hit for hit in hits(heat * scale, radiograph)] == [
        hit.hit for hit in hits(heat, radiograph)
    ]


def test_a_map_without_a_positive_value_was_asked_and_said_nothing():
    answer = asked("side", np.full((HEIGHT, WIDTH), -1.0), film(Curve("right")))
    assert (answer.stated, answer.hit, answer.chance) == (True, None, None)


def test_maps_and_regions_of_another_film_are_a_mistake():
    radiograph = film(Curve("right"))
    with pytest.raises(ValueError, match="on a film of"):
        hits(np.ones((WIDTH, HEIGHT)), radiograph)
    with pytest.raises(ValueError, match="on a film of"):
        hits(np.ones((HEIGHT, WIDTH)), radiograph, Regions((WIDTH, HEIGHT), "x"))
    with pytest.raises(ValueError, match="not finite"):
        hits(np.full((HEIGHT, WIDTH), np.nan), radiograph)
    empty = Regions((HEIGHT, WIDTH), "x", np.zeros((HEIGHT, WIDTH), bool))
    with pytest.raises(SpondylError, match="without a single pixel"):
        hits(np.ones((HEIGHT, WIDTH)), radiograph, empty)


# --- counting ------------------------------------------------------------------------------------


def test_answers_are_counted_by_question_measure_and_basis():
    answers = [
        Hit("side", "peak", "film", True, True, 0.5),
        Hit("side", "peak", "film", True, False, 0.25),
        Hit("side", "peak", "film", True, None, None),
        Hit("side", "peak", "film", False, None, None),
        Hit("side", "peak", "mask", True, True, 0.4),
        Hit("side", "energy", "film", True, True, 0.5),
    ]
    assert counted(answers) == (
        Count("side", "peak", "film", 4, 3, 2, 1, 0.75),
        Count("side", "peak", "mask", 1, 1, 1, 1, 0.4),
        Count("side", "energy", "film", 1, 1, 1, 1, 0.5),
    )
    assert counted([]) == ()


def test_blind_maps_hit_about_as_often_as_their_chance_says():
    rng = np.random.default_rng(5)
    radiograph = film(Curve("right", "thoracolumbar"), slip="L4-5")
    found = [hit for _ in range(300) for hit in hits(rng.random((HEIGHT, WIDTH)), radiograph)]
    for count in counted(found):
        if count.measure == "peak":
            assert abs(count.n_hits - count.n_by_chance) < 4 * np.sqrt(300 / 4)
            assert count.n_answered == 300
