"""Entropy and Gini against loops over cells, and what they must not depend on."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spondyl.explain.scores.spread import spread

MAPS = arrays(np.float32, (4, 5), elements=st.floats(0, 100, width=32)).filter(
    lambda m: m.max() > 0
)


def entropy_by_definition(heat):
    total = sum(max(0.0, float(value)) for value in heat.flat)
    shares = [max(0.0, float(value)) / total for value in heat.flat]
    return -sum(p * math.log2(p) for p in shares if p > 0)


def gini_by_definition(heat):
    """Mean absolute difference of all pairs of cells over twice the mean (Gini 1912)."""
    values = [float(value) for value in heat.flat]
    apart = sum(abs(a - b) for a in values for b in values) / len(values) ** 2
    return apart / (2 * sum(values) / len(values))


@given(MAPS)
def test_entropy_and_gini_are_those_of_their_definitions(heat):
    found = spread(heat)
    assert found.entropy_bits == pytest.approx(entropy_by_definition(heat), abs=1e-9)
    assert found.gini == pytest.approx(gini_by_definition(heat), abs=1e-9)


@given(MAPS, st.floats(0.01, 1000))
def test_neither_the_scale_of_a_map_nor_the_place_of_its_cells_matters(heat, scale):
    one = spread(heat.astype(np.float64))
    other = spread((heat.astype(np.float64) * scale)[::-1, ::-1])
    assert other.entropy_bits == pytest.approx(one.entropy_bits, abs=1e-9)
    assert other.gini == pytest.approx(one.gini, abs=1e-9)


def test_an_even_map_spreads_over_everything():
    found = spread(np.full((7, 9), 0.3))
    assert found.of_maximum == pytest.approx(1)
    assert found.effective_area == pytest.approx(1)
    assert found.gini == pytest.approx(0, abs=1e-12)


def test_a_map_of_one_cell_has_no_entropy_and_the_area_of_a_cell():
    heat = np.zeros((4, 5))
    heat[2, 2] = 8
    found = spread(heat)
    assert (found.entropy_bits, found.of_maximum) == (0, 0)
    assert found.effective_area == pytest.approx(1 / 20)
    assert found.gini == pytest.approx(1 - 1 / 20)


def test_two_even_halves_are_one_bit_less():
    heat = np.zeros((4, 8))
    heat[:, :4] = 1
    assert spread(heat).entropy_bits == pytest.approx(math.log2(32) - 1)
    assert spread(heat).effective_area == pytest.approx(0.5)


def test_negative_values_are_no_energy_and_a_map_without_any_has_no_spread():
    assert spread(np.array([[1.0, -5.0]])) == spread(np.array([[1.0, 0.0]]))
    assert spread(np.array([[-1.0, 0.0]])) is None


def test_a_grid_of_one_cell_is_no_division_by_zero():
    assert spread(np.array([[2.0]])).of_maximum == 0
