"""The list of changes: every kind of shortcut is asked about in all of its variants."""

import numpy as np
import pytest

from spondyl.data.phantom.shortcuts import SHORTCUTS
from spondyl.data.placement import Placement
from spondyl.trust.asking.changes import (
    AS_THEY_ARE,
    CHANGES,
    INSERTED,
    mirrored,
    unchanged,
    upside_down,
)
from spondyl.trust.asking.questioning import Picture

SIZE = (96, 64)


@pytest.fixture
def picture():
    image = 0.2 + 0.6 * np.random.default_rng(0).random((1, *SIZE), np.float32)
    spine = np.zeros(SIZE, bool)
    spine[4:90, 30:36] = True
    return Picture(image, Placement.fit((192, 128), SIZE, "stretch"), spine, "as stored")


def of_family(family):
    return [change for change in CHANGES.values() if change.family == family]


def test_every_shortcut_that_can_be_planted_is_a_family_with_all_of_its_variants():
    assert set(INSERTED) == set(SHORTCUTS)
    for family in INSERTED:
        as_is = family in AS_THEY_ARE
        assert len(of_family(family)) + as_is == 3


def test_variants_of_a_family_make_different_films_and_none_the_film_as_it_is(picture):
    for family in INSERTED:
        made = [change.apply(picture) for change in of_family(family)]
        grey = [np.broadcast_to(one, (3, *SIZE)).tobytes() for one in made]
        assert len(set(grey)) == len(made)
        if family != "tint":  # a grey film without colours is as it is
            assert all(
                one.shape != picture.image.shape or (one != picture.image).any() for one in made
            )


def where_brightest(image, before):
    rows, columns = np.nonzero(np.abs(image - before)[0] > 0.1)
    return rows.mean() / SIZE[0], columns.mean() / SIZE[1]


@pytest.mark.parametrize(
    ("name", "upper", "left"),
    [
        ("marker-upper-right", True, False),
        ("marker-upper-left", True, True),
        ("marker-lower-right", False, False),
    ],
)
def test_a_letter_lies_where_its_name_says(picture, name, upper, left):
    row, column = where_brightest(CHANGES[name].apply(picture), picture.image)
    assert (row < 0.3) if upper else (row > 0.7)
    assert (column < 0.3) if left else (column > 0.7)


@pytest.mark.parametrize(
    ("name", "upper"), [("text-above", True), ("text-two-lines", True), ("text-below", False)]
)
def test_words_lie_where_their_name_says(picture, name, upper):
    row, _ = where_brightest(CHANGES[name].apply(picture), picture.image)
    assert (row < 0.3) if upper else (row > 0.7)


def test_rims_are_dark_or_bright_and_lie_where_their_name_says(picture):
    ends, sides, bright = (
        CHANGES[name].apply(picture)[0] for name in ("border-ends", "border-sides", "border-bright")
    )
    for dark in (ends[0], ends[-1], sides[:, 0], sides[:, -1]):
        assert dark.max() < 0.05
    for rim in (bright[0], bright[-1], bright[:, 0], bright[:, -1]):
        assert rim.min() > 0.9
    for inside, row, column in ((ends, 48, 0), (sides, 0, 32), (bright, 48, 32)):
        assert inside[row, column] == pytest.approx(picture.image[0, row, column], abs=1e-6)


def test_a_warm_tint_takes_blue_and_a_cool_one_red(picture):
    warm, cool = (
        CHANGES[name].apply(picture).mean(axis=(1, 2)) for name in ("tint-warm", "tint-cool")
    )
    assert warm[0] > warm[1] > warm[2]
    assert cool[0] < cool[1] < cool[2]


def test_turning_or_mirroring_twice_gives_the_film_back(picture):
    for change in (mirrored, upside_down):
        once = change(picture)
        assert (once != picture.image).any()
        again = change(Picture(once, picture.placement, None, "grey"))
        assert (again == picture.image).all()
    assert (unchanged(picture) == picture.image).all()
    assert (upside_down(picture) == mirrored(picture)[:, ::-1]).all()


def test_every_change_is_called_by_its_name_asks_a_question_and_leaves_the_film_alone(picture):
    before = picture.image.copy()
    for name, change in CHANGES.items():
        assert change.name == name
        assert change.question.endswith("?")
        found = change.apply(picture)
        assert found.shape[1:] == SIZE
        assert (picture.image == before).all()
