import numpy as np
import pytest
from spines_drawn import column

from spondyl.measure.warping import MIRRORED, warped

SIZE = (256, 128)


def dotted(seed=0):
    """A dark film with a bright dot on each corner, and the corners."""
    corners = column(n=17, top=40, height=18, disc=14, width=60, bend=30, centre=140)
    film = np.full((640, 280), 40, np.uint8)
    for row, col in np.rint(corners.reshape(-1, 2)).astype(int):
        film[row - 2 : row + 3, col - 2 : col + 3] = 255
    return film, corners


@pytest.mark.parametrize("seed", range(12))
def test_corners_go_where_the_film_goes(seed, monkeypatch):
    from spondyl.measure import warping

    monkeypatch.setattr(warping, "_cluttered", lambda part, rng: part)
    monkeypatch.setattr(warping, "_toned", lambda film, rng: film)
    film, corners = dotted()
    shown = warped(film, corners, SIZE, np.random.default_rng(seed))
    dots = shown.picture > 0.5 * shown.picture.max()
    checked = 0
    for row, col in shown.corners[shown.whole].reshape(-1, 2):
        r, c = round(row), round(col)
        if not (3 <= r < SIZE[0] - 3 and 3 <= c < SIZE[1] - 3):
            continue
        checked += 1
        assert dots[r - 3 : r + 4, c - 3 : c + 4].any()
    assert checked >= 12


def test_left_stays_left_of_right_and_top_above_bottom():
    film, corners = dotted()
    for seed in range(20):
        moved = warped(film, corners, SIZE, np.random.default_rng(seed)).corners
        assert (moved[:, 0, 1] < moved[:, 1, 1]).all()
        assert (moved[:, 0, 0] < moved[:, 2, 0]).all()


def test_the_same_draws_give_the_same_picture():
    film, corners = dotted()
    one, two = (warped(film, corners, SIZE, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.picture, two.picture)
    assert np.array_equal(one.corners, two.corners)


def test_padding_is_zero_and_known():
    film, corners = dotted()
    for seed in range(8):
        shown = warped(film, corners, SIZE, np.random.default_rng(seed))
        assert not shown.picture[~shown.shown].any()
        assert np.isfinite(shown.picture).all()


def test_a_film_without_vertebrae_is_warped_too():
    film, _ = dotted()
    shown = warped(film, np.zeros((0, 4, 2)), SIZE, np.random.default_rng(0))
    assert shown.corners.shape == (0, 4, 2)
    assert shown.whole.shape == (0,)


def test_some_draws_cut_vertebrae_off_and_say_which():
    film, corners = dotted()
    shown = [warped(film, corners, SIZE, np.random.default_rng(seed)) for seed in range(30)]
    assert any(not one.whole.all() for one in shown)
    assert any(one.whole.all() for one in shown)
    assert all(one.whole.sum() >= 5 for one in shown)


def test_mirroring_corners_twice_is_nothing():
    assert [MIRRORED[i] for i in MIRRORED] == [0, 1, 2, 3]
