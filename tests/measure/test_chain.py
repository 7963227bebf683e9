"""Chains are read off answers that are exact, or spoiled on purpose."""

from itertools import combinations, product

import numpy as np
import pytest
from spines_drawn import column

from spondyl.measure import chain as chains
from spondyl.measure.chain import candidates, strongest
from spondyl.measure.targets import targets

SIZE = (512, 256)
SHOWN = np.ones(SIZE, bool)


def answer(corners, first=0, sharp=8.0):
    """(middle, levels, corners) as a perfect network would say them of bodies from level
    `first`."""
    n = len(corners)
    wanted = targets(corners, first + np.arange(n), np.ones(n, bool), SHOWN)
    middle = np.where(wanted.middle > 0, np.log(wanted.middle + 1e-6) * 2 + 4, -8)
    levels = np.zeros((17, *wanted.level.shape), np.float32)
    for level in range(17):
        levels[level][wanted.level == level] = sharp
    offsets = wanted.corners.reshape(4, 2, *wanted.level.shape)
    return middle.astype(np.float32), levels, offsets


@pytest.mark.parametrize("bend", [0, 15, 35])
def test_a_perfect_answer_gives_back_the_spine(bend):
    corners = column(bend=bend)
    chain = strongest(candidates(*answer(corners)))
    assert chain.first == 0
    assert np.abs(chain.corners - corners).max() < 1e-2


@pytest.mark.parametrize(("first", "n"), [(0, 9), (5, 12), (11, 6)])
def test_a_part_of_a_spine_is_numbered_by_what_its_levels_say(first, n):
    chain = strongest(candidates(*answer(column(n=n, top=80), first)))
    assert (chain.first, len(chain)) == (first, n)


def test_a_missed_vertebra_is_bridged_between_its_neighbours():
    corners = column(bend=20)
    middle, levels, offsets = answer(corners)
    rows = slice(int(corners[8, 0, 0]) // 4 - 1, int(corners[8, 2, 0]) // 4 + 2)
    middle[rows] = -9
    chain = strongest(candidates(middle, levels, offsets))
    assert len(chain) == 17
    assert np.isneginf(chain.odds[8])
    assert np.abs(chain.corners[8] - corners[8]).max() < 6


def test_a_peak_beside_the_spine_is_passed_over():
    corners = column()
    middle, levels, offsets = answer(corners)
    middle[60, 8] = 6.0
    levels[9, 59:62, 7:10] = 8
    offsets[:, :, 60, 8] = np.array([(-10, -15), (-10, 15), (10, -15), (10, 15)])
    chain = strongest(candidates(middle, levels, offsets))
    assert np.abs(chain.corners - corners).max() < 1e-2


def test_one_level_that_is_sure_of_the_wrong_name_does_not_break_the_numbering():
    corners = column()
    middle, levels, offsets = answer(corners)
    wrong = slice(int(corners[6, 0, 0]) // 4, int(corners[6, 2, 0]) // 4 + 1)
    levels[6, wrong], levels[7, wrong] = levels[7, wrong].copy(), levels[6, wrong].copy()
    chain = strongest(candidates(middle, levels, offsets))
    assert (chain.first, len(chain)) == (0, 17)


def test_an_empty_answer_has_no_chain():
    middle = np.full((128, 64), -9, np.float32)
    none = candidates(middle, np.zeros((17, 128, 64), np.float32), np.zeros((4, 2, 128, 64)))
    assert strongest(none) is None


def test_levels_never_skip_double_or_swap():
    rng = np.random.default_rng(3)
    for _ in range(20):
        middle = rng.normal(-3, 2.5, (128, 64)).astype(np.float32)
        levels = rng.normal(0, 2, (17, 128, 64)).astype(np.float32)
        offsets = rng.normal(0, 10, (4, 2, 128, 64)).astype(np.float32)
        chain = strongest(candidates(middle, levels, offsets))
        if chain is not None:
            assert chain.first + len(chain) <= 17


def test_the_chain_is_the_best_of_all_chains_on_a_small_field():
    """Against every ordered choice of candidates and first level, by the same worth."""
    corners = column(n=4, top=100)
    found = candidates(*answer(corners, first=3, sharp=1.5))
    order = np.argsort(found.corners[..., 0].mean(axis=1), kind="stable")
    worth = chains._worth(found.odds[order], found.levels[order])
    steps = {gap: chains._step(found.corners[order], gap) for gap in (1, 2, 3)}
    best = -np.inf
    k = len(order)
    for n in range(1, k + 1):
        for chosen in combinations(range(k), n):
            for gaps in product((1, 2, 3), repeat=n - 1):
                levels = np.concatenate(([0], np.cumsum(gaps))).astype(int)
                for first in range(17 - levels[-1]):
                    value = sum(worth[c, first + lv] for c, lv in zip(chosen, levels, strict=True))
                    value += sum(
                        steps[g][a, b] - chains._BRIDGE * (g - 1)
                        for g, a, b in zip(gaps, chosen[:-1], chosen[1:], strict=True)
                    )
                    best = max(best, value)
    assert strongest(found).score == pytest.approx(best, abs=1e-9)
