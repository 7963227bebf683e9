"""Scores of place against loops over pixels; maps that know nothing get chance, exactly."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spondyl.data.placement import Placement
from spondyl.errors import SpondylError
from spondyl.explain.scores import localisation as place

SIZE = (30, 44)


def drawn(seed, size=SIZE):
    """A coarse map with negative values, brought to the image grid as heatmaps are."""
    cells = np.random.default_rng(seed).normal(size=(7, 6)).astype(np.float32)
    return Placement.fit(size, (64, 64), "stretch").on_image(cells)


def spine(size=SIZE):
    mask = np.zeros(size, bool)
    mask[4:27, 18:25] = True
    return mask


def nearest(row, column, targets, spacing=(1, 1)):
    return min(
        math.sqrt(((row - r) * spacing[0]) ** 2 + ((column - c) * spacing[1]) ** 2)
        for r, c in targets
    )


@pytest.mark.parametrize("value", [0.1, 1 / 3, 7.0])
def test_a_map_that_is_the_same_everywhere_gets_chance_in_every_score(value):
    even = Placement.fit(SIZE, (64, 64), "letterbox").on_image(np.full((7, 7), value, np.float32))
    energy, pointing = place.energy(even, spine()), place.pointing_game(even, spine())
    overlap = place.concordance(even, spine())
    distance = place.peak_distance(even, [(3.0, 4.5)])
    assert energy.on_mask == pytest.approx(energy.by_chance, rel=1e-6)
    assert pointing.on_target == pointing.by_chance == spine().mean()
    assert overlap.dice == pytest.approx(overlap.dice_by_chance)
    assert overlap.iou == pytest.approx(overlap.iou_by_chance)
    assert distance.px == pytest.approx(distance.px_by_chance)


@pytest.mark.parametrize("heat", [np.zeros(SIZE), np.full(SIZE, -2.0)])
def test_a_map_without_positive_values_has_no_score(heat):
    assert place.energy(heat, spine()) is None
    assert place.pointing_game(heat, spine()) is None
    assert place.concordance(heat, spine()) is None
    assert place.peak_distance(heat, [(0.0, 0.0)]) is None


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=20)
def test_scores_are_those_of_loops_over_pixels(seed):
    heat, mask, targets = drawn(seed), spine(), [(5.0, 20.0), (22.5, 9.25)]
    positive = {at: max(0.0, float(heat[at])) for at in np.ndindex(*SIZE)}
    on = sum(value for at, value in positive.items() if mask[at])
    assert place.energy(heat, mask).on_mask == pytest.approx(on / sum(positive.values()))
    # Beyond the outermost cell centres the map is flat, so a peak may have several pixels.
    peak = [at for at, value in positive.items() if value > max(positive.values()) * 0.999999]
    pointing, distance = place.pointing_game(heat, mask), place.peak_distance(heat, targets)
    assert pointing.on_target == pytest.approx(sum(mask[at] for at in peak) / len(peak))
    assert distance.px == pytest.approx(sum(nearest(*at, targets) for at in peak) / len(peak))
    everywhere = [nearest(row, column, targets) for row, column in np.ndindex(*SIZE)]
    assert distance.px_by_chance == pytest.approx(sum(everywhere) / len(everywhere))


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=20)
def test_concordance_counts_as_many_hot_pixels_as_the_mask_has(seed):
    heat, mask = drawn(seed) + 3, spine()
    hottest = sorted(np.ndindex(*SIZE), key=lambda at: -heat[at])[: mask.sum()]
    inside = sum(bool(mask[at]) for at in hottest)
    found = place.concordance(heat, mask)
    assert found.dice == pytest.approx(inside / mask.sum(), abs=2 / mask.sum())
    assert found.iou == pytest.approx(inside / (2 * mask.sum() - inside), abs=2 / mask.sum())
    assert found.dice_by_chance == pytest.approx(mask.mean())


def test_a_map_with_little_heat_is_not_filled_up_with_cold_pixels():
    heat = np.zeros(SIZE)
    heat[6:8, 19:21] = 1
    found = place.concordance(heat, spine())
    assert found.dice == pytest.approx(2 * 4 / (4 + spine().sum()))


def test_the_mask_itself_as_a_map_is_in_full_concordance():
    found = place.concordance(spine().astype(float), spine())
    assert (found.dice, found.iou) == (1, 1)


def test_chance_of_concordance_is_what_maps_drawn_blindly_give():
    rng = np.random.default_rng(0)
    maps = [np.where(rng.random(SIZE) < 0.05, rng.random(SIZE), 0) for _ in range(400)]
    found = [place.concordance(heat, spine()) for heat in maps]
    expected = np.mean([one.dice_by_chance for one in found])
    assert np.mean([one.dice for one in found]) == pytest.approx(expected, abs=0.003)


def test_a_peak_shared_by_two_places_is_shared_by_the_score():
    heat = np.zeros(SIZE)
    heat[10, 20] = heat[10, 40] = heat[11, 40] = heat[12, 40] = 2
    assert place.pointing_game(heat, spine()).on_target == 0.25
    assert place.peak_distance(heat, [(10.0, 20.0), (11.0, 40.0)]).px == pytest.approx(0.5)


def test_millimetres_follow_rows_and_columns_and_need_a_spacing():
    heat = np.zeros(SIZE)
    heat[10, 10] = 1
    targets = [(14.0, 10.0), (10.0, 15.0)]
    found = place.peak_distance(heat, targets, spacing_mm=(1.0, 0.2))
    assert found.px == 4
    assert found.mm == pytest.approx(1.0)  # another target is nearest in mm
    everywhere = [nearest(r, c, targets, (1.0, 0.2)) for r, c in np.ndindex(*SIZE)]
    assert found.mm_by_chance == pytest.approx(sum(everywhere) / len(everywhere))
    assert found.of_diagonal == pytest.approx(4 / math.hypot(*SIZE))
    assert 0 < found.of_diagonal_by_chance < 1
    unknown = place.peak_distance(heat, targets)
    assert (unknown.mm, unknown.mm_by_chance) == (None, None)


@pytest.mark.parametrize("seed", range(5))
def test_flipping_film_and_truth_together_changes_nothing(seed):
    heat, mask = drawn(seed), spine()
    mask[3, 2] = True
    flipped = heat[:, ::-1], mask[:, ::-1]
    assert place.pointing_game(*flipped) == place.pointing_game(heat, mask)
    assert place.concordance(*flipped) == place.concordance(heat, mask)
    assert place.energy(*flipped).on_mask == pytest.approx(place.energy(heat, mask).on_mask)


def test_what_no_score_can_be_made_of_is_refused():
    heat = drawn(0)
    with pytest.raises(SpondylError, match="marks no pixel"):
        place.energy(heat, np.zeros(SIZE, bool))
    with pytest.raises(SpondylError, match="30 × 44 pixels, the mask 5 × 5"):
        place.pointing_game(heat, np.ones((5, 5), bool))
    with pytest.raises(SpondylError, match="no target point"):
        place.peak_distance(heat, [])
    heat[0, 0] = np.nan
    with pytest.raises(SpondylError, match="not finite"):
        place.concordance(heat, spine())
