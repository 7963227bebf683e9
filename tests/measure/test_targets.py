import itertools

import numpy as np
import pytest
from spines_drawn import column

from spondyl.data.levels import spine_mask
from spondyl.measure.network import STRIDE
from spondyl.measure.targets import targets

SIZE = (512, 256)
SHOWN = np.ones(SIZE, bool)


def made(corners, whole=None, shown=SHOWN):
    n = len(corners)
    return targets(corners, np.arange(n), np.ones(n, bool) if whole is None else whole, shown)


def cells():
    rows, columns = np.indices((SIZE[0] // STRIDE, SIZE[1] // STRIDE))
    return rows * STRIDE + 1.5, columns * STRIDE + 1.5


def test_every_cell_of_a_body_points_at_its_four_corners():
    corners = column(bend=20)
    wanted = made(corners)
    rows, columns = cells()
    for row, col in np.argwhere(wanted.level >= 0):
        own = corners[wanted.level[row, col]]
        offsets = wanted.corners[:, row, col].reshape(4, 2)
        here = (rows[row, col], columns[row, col])
        assert np.allclose(own, offsets + here, atol=1e-3)


def test_levels_are_those_of_the_bodies_that_hold_the_cells():
    corners = column()
    wanted = made(corners)
    rows, columns = cells()
    for level, body in enumerate(corners):
        (top, left), (bottom, right) = body.min(axis=0), body.max(axis=0)
        inner = (
            (rows > top + 2) & (rows < bottom - 2) & (columns > left + 2) & (columns < right - 2)
        )
        assert (wanted.level[inner] == level).all()


def test_exactly_one_cell_of_each_body_is_its_middle():
    wanted = made(column(bend=30))
    assert (wanted.middle == 1).sum() == 17
    for row, col in np.argwhere(wanted.middle == 1):
        assert wanted.level[row, col] >= 0


def test_a_vertebra_that_is_cut_off_is_spine_but_nothing_is_learned_of_it():
    whole = np.ones(17, bool)
    whole[0] = False
    wanted = made(column(), whole)
    assert (wanted.middle == 1).sum() == 16
    first = wanted.asked == 0
    assert first.any()
    assert wanted.mask[first].all()
    assert (wanted.level[first] == -1).all()


def test_nothing_is_on_the_spine_in_the_padding():
    shown = SHOWN.copy()
    shown[:, :120] = False
    wanted = made(column(), shown=shown)
    assert not wanted.mask[:, : 120 // STRIDE - 1].any()
    assert wanted.mask.any()


def test_a_film_without_vertebrae_has_empty_targets():
    wanted = targets(np.zeros((0, 4, 2)), np.zeros(0, int), np.zeros(0, bool), SHOWN)
    assert not wanted.mask.any()
    assert not wanted.middle.any()
    assert (wanted.level == -1).all()
    assert wanted.asked.all()


@pytest.mark.parametrize("bend", [0, 25])
def test_the_mask_is_bodies_and_discs_and_nothing_else(bend):
    corners = column(bend=bend)
    mask = spine_mask(corners, SIZE)
    rows, columns = np.indices(SIZE)
    slow = np.zeros(SIZE, bool)
    quads = [body[[0, 1, 3, 2]] for body in corners]
    quads += [np.stack((a[2], a[3], b[1], b[0])) for a, b in itertools.pairwise(corners)]
    for quad in quads:  # inside a convex outline: on one side of all its edges
        inside = np.ones(SIZE, bool)
        for here, there in zip(quad, np.roll(quad, -1, axis=0), strict=True):
            edge = there - here
            inside &= edge[0] * (columns - here[1]) - edge[1] * (rows - here[0]) <= 1e-9
        slow |= inside
    assert (mask & slow).sum() * 2 / (mask.sum() + slow.sum()) > 0.97
