"""What is hidden of a film: all of the spine, as much beside it, and filled from what is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.data.placement import Placement
from spondyl.trust.asking import hiding
from spondyl.trust.asking.questioning import Picture

SIZE = (40, 48)
SPINE = np.zeros(SIZE, bool)
SPINE[3:37, 20:26] = True


def picture(spine=SPINE, film=(80, 96), fit="stretch", seed=0):
    place = Placement.fit(film, SIZE, fit)
    image = np.zeros((1, *SIZE), np.float32)
    (top, left), (height, width) = place.offset, place.content_size
    grey = np.random.default_rng(seed).random((height, width), np.float32)
    image[0, top : top + height, left : left + width] = 0.2 + 0.6 * grey
    inside = None
    if spine is not None:
        inside = np.zeros(SIZE, bool)
        inside[top : top + height, left : left + width] = True
        inside &= spine
    return Picture(image, place, inside, "grey", fit)


def curved(width):
    mask = np.zeros(SIZE, bool)
    for row in range(2, 38):
        middle = 24 + round(6 * np.sin(row / 6))
        mask[row, middle - width : middle + width] = True
    return mask


def slow_ellipse(spine, columns, rows):
    """(H, W) pixels within an ellipse round any pixel of the spine."""
    wide = np.zeros_like(spine)
    for row, column in np.argwhere(spine):
        for i in range(SIZE[0]):
            for j in range(SIZE[1]):
                if ((i - row) / rows) ** 2 + ((j - column) / columns) ** 2 <= 1:
                    wide[i, j] = True
    return wide


def inside(one):
    mask = np.zeros(SIZE, bool)
    mask[one.content.slices] = True
    return mask


@pytest.mark.parametrize(
    ("film", "fit"), [((80, 96), "stretch"), ((240, 96), "stretch"), ((80, 60), "letterbox")]
)
def test_the_mask_is_widened_by_a_quarter_of_the_spines_width_evenly_on_the_film(film, fit):
    one = picture(curved(4), film, fit)
    widths = [int(row.sum()) for row in one.spine if row.any()]
    columns = np.median(widths) / 4
    per_row, per_column = one.placement.scale
    expected = slow_ellipse(one.spine, columns, max(1.0, columns * per_row / per_column))
    assert (hiding.hidden_mask(one) == expected & inside(one)).all()


@pytest.mark.parametrize("width", [1, 3, 6])
def test_the_widened_mask_covers_the_spine_and_stays_on_the_film(width):
    one = picture(curved(width), (80, 70), "letterbox")
    mask = hiding.hidden_mask(one)
    assert mask[one.spine].all()
    assert mask.sum() > one.spine.sum()
    assert not mask[~inside(one)].any()


def test_nothing_is_hidden_where_no_spine_is_known():
    one = picture(None)
    for change in (
        *(hiding.spine_hidden, hiding.control_hidden, hiding.columns_hidden, hiding.spine_only),
    ):
        assert change(one) is None
    assert hiding.hidden_mask(one) is None
    assert hiding.control_mask(one) is None


@given(width=st.integers(1, 6), film=st.sampled_from([(80, 96), (160, 96), (80, 60)]))
def test_the_control_has_the_area_of_what_hides_the_spine_and_never_touches_it(width, film):
    one = picture(curved(width), film, "letterbox")
    mask, control = hiding.hidden_mask(one), hiding.control_mask(one)
    if control is None:
        return
    assert not (control & mask).any()
    assert not control[~inside(one)].any()
    assert hiding.FITS * mask.sum() <= control.sum() <= mask.sum()


def test_the_control_is_the_same_shape_as_near_to_the_spine_as_it_may_lie():
    mask = hiding.hidden_mask(picture())
    control = hiding.control_mask(picture())
    steps = []
    for by in range(-SIZE[1] + 1, SIZE[1]):
        moved = np.zeros(SIZE, bool)
        for row, column in np.argwhere(mask):
            if 0 <= column + by < SIZE[1]:
                moved[row, column + by] = True
        if moved.sum() == mask.sum() and not (moved & mask).any():
            steps.append((abs(by), moved))
    nearest = min(by for by, _ in steps)
    assert any((control == moved).all() for by, moved in steps if by == nearest)


def test_a_spine_without_room_beside_it_has_its_halves_on_either_side_or_no_control():
    middle = np.zeros(SIZE, bool)
    middle[3:37, 18:30] = True  # widened 18 of 48 columns: 15 are left on either side
    control = hiding.control_mask(picture(middle))
    assert control[:, :24].sum() == pytest.approx(control[:, 24:].sum(), rel=0.1)
    wide = np.zeros(SIZE, bool)
    wide[3:37, 12:36] = True
    assert hiding.control_mask(picture(wide)) is None
    assert hiding.control_hidden(picture(wide)) is None


@given(seed=st.integers(0, 99), share=st.floats(0.02, 0.98), neither=st.floats(0, 0.5))
def test_what_is_filled_lies_in_the_range_of_what_is_known_and_all_else_stays(seed, share, neither):
    draws = np.random.default_rng(seed)
    image = draws.random((3, 17, 22), np.float32)
    kinds = draws.random((17, 22))
    unknown = kinds < share * (1 - neither)
    known = kinds >= 1 - (1 - share) * (1 - neither)
    before = image.copy()
    found = hiding.filled(image, unknown, known)
    assert (image == before).all()
    assert (found[:, ~unknown] == image[:, ~unknown]).all()
    if known.any() and unknown.any():
        for plane, source in zip(found, image, strict=True):
            assert plane[unknown].min() >= source[known].min()
            assert plane[unknown].max() <= source[known].max()


def test_what_is_neither_known_nor_filled_says_nothing():
    image = np.full((1, 16, 16), 0.5, np.float32)
    unknown, known = np.zeros((16, 16), bool), np.zeros((16, 16), bool)
    unknown[6:10, 6:10], known[:3] = True, True
    image[0][~(unknown | known)] = 1.0
    assert hiding.filled(image, unknown, known)[0][unknown] == pytest.approx(0.5, abs=1e-6)


def test_a_constant_film_is_continued_by_itself_and_a_ramp_from_side_to_side():
    mask = hiding.hidden_mask(picture())
    flat = np.full((1, *SIZE), 0.3, np.float32)
    assert hiding.filled(flat, mask, ~mask) == pytest.approx(flat, abs=1e-6)
    ramp = np.broadcast_to(np.linspace(0, 1, SIZE[1], dtype=np.float32), (1, *SIZE)).copy()
    error = hiding.filled(ramp, mask, ~mask) - ramp
    assert np.abs(error).max() < 0.1  # nearest values would be 0.1 off at the edges of the hole
    for row in range(8, 32):
        middle = hiding.filled(ramp, mask, ~mask)[0, row, 19:27]
        assert (np.diff(middle) > -1e-6).all()


def test_hiding_the_spine_changes_the_mask_alone_and_hiding_its_columns_all_rows_of_them():
    one = picture(curved(3), (80, 70), "letterbox")
    mask = hiding.hidden_mask(one)
    hidden, columns = hiding.spine_hidden(one), hiding.columns_hidden(one)
    assert (hidden[0][~mask] == one.image[0][~mask]).all()
    assert np.abs(hidden[0][mask] - one.image[0][mask]).mean() > 0.05
    there = mask.any(axis=0)[None] & inside(one)
    assert (columns[0][~there] == one.image[0][~there]).all()
    assert np.abs(columns[0][there] - one.image[0][there]).mean() > 0.05


def test_curves_in_the_same_columns_cannot_be_told_when_these_are_hidden():
    first, second = picture(curved(3)), picture(curved(3)[::-1])
    for one in (first, second):
        one.image[0][one.spine] = 1.0
    assert (hiding.spine_hidden(first) != hiding.spine_hidden(second)).any()
    assert (hiding.columns_hidden(first) == hiding.columns_hidden(second)).all()


def test_a_spine_that_fills_the_film_is_not_answered_for_as_if_it_was_hidden():
    whole = np.ones(SIZE, bool)
    assert hiding.spine_hidden(picture(whole)) is None
    across = np.zeros(SIZE, bool)
    across[10:14] = True
    assert hiding.columns_hidden(picture(across)) is None
    assert hiding.spine_hidden(picture(across)) is not None


def test_only_the_spine_is_left_and_padding_is_not_told_from_what_was_round_it():
    one = picture(curved(3), (80, 60), "letterbox")
    mask = hiding.hidden_mask(one)
    alone = hiding.spine_only(one)
    assert (alone[0][mask] == one.image[0][mask]).all()
    around = alone[0][~mask]
    assert np.ptp(around) == 0
    assert around[0] == pytest.approx(one.image[0][inside(one)].mean(), abs=1e-5)
    assert alone.dtype == np.float32
