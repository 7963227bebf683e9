"""Pictures that are no film of the kind: drawn alike from a seed, and films as none should hang."""

import numpy as np
import pytest

from spondyl.data.placement import Placement
from spondyl.trust.asking.questioning import Picture
from spondyl.trust.asking.strangers import CHANGED, DRAWN, inverted, turned

SIZE = (48, 32)
KINDS = {one.kind: one for one in DRAWN}


def letterboxed(n_channels=1, content=(40, 20)):
    """A picture whose film is `content` large in the middle of a grid, black beside it."""
    rows, columns = content
    place = Placement.fit((2 * rows, 2 * columns), SIZE, "letterbox")
    image = np.zeros((n_channels, *SIZE), np.float32)
    (top, left), (height, width) = place.offset, place.content_size
    film = np.random.default_rng(0).random((n_channels, height, width))
    image[:, top : top + height, left : left + width] = 0.2 + 0.6 * film
    return Picture(image, place, None, "grey" if n_channels == 1 else "as stored")


def outside(picture):
    mask = np.ones(SIZE, bool)
    mask[picture.content.slices] = False
    return mask


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("colour", "n_channels"), [("grey", 1), ("as stored", 3)])
def test_a_drawn_stranger_is_an_image_as_a_network_is_shown_it(kind, colour, n_channels):
    for image in KINDS[kind].images(3, SIZE, colour, seed=5):
        assert image.shape == (n_channels, *SIZE)
        assert image.dtype == np.float32
        assert image.min() >= 0
        assert image.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_one_seed_draws_the_same_strangers_and_no_two_alike(kind):
    first, again, other = (KINDS[kind].images(4, SIZE, "grey", seed) for seed in (1, 1, 2))
    assert all((one == two).all() for one, two in zip(first, again, strict=True))
    every = [image.tobytes() for image in (*first, *other)]
    assert len(set(every)) == 8
    fewer = KINDS[kind].images(2, SIZE, "grey", 1)
    assert all((one == two).all() for one, two in zip(fewer, first[:2], strict=True))


def test_only_photographs_have_colours():
    for kind, drawn in KINDS.items():
        (image,) = drawn.images(1, SIZE, "as stored", seed=0)
        assert (np.ptp(image, axis=0).max() > 0.01) == (kind == "photograph")


def test_a_grey_photograph_is_the_luma_of_the_coloured_one():
    (coloured,) = KINDS["photograph"].images(1, SIZE, "as stored", seed=3)
    (grey,) = KINDS["photograph"].images(1, SIZE, "grey", seed=3)
    red, green, blue = coloured
    assert grey[0] == pytest.approx(0.299 * red + 0.587 * green + 0.114 * blue, abs=1e-6)


def test_each_kind_is_what_it_says():
    def of(kind):
        return [image[0] for image in KINDS[kind].images(8, (64, 64), "grey", seed=0)]

    assert all(np.ptp(image) == 0 for image in of("constant"))
    assert all(len(np.unique(image)) == 2 for image in of("checkerboard"))
    for image in of("noise"):
        assert abs(np.corrcoef(image[:, :-1].ravel(), image[:, 1:].ravel())[0, 1]) < 0.1
    for image in of("gradient"):
        assert np.abs(np.diff(image, n=2, axis=0)).max() < 1e-5  # a plane has no curvature
    for image in (*of("skull"), *of("hand")):
        rim = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        assert np.median(rim) < 0.15  # a dark ground
        assert image[16:48, 16:48].mean() > 0.25


def test_kinds_have_different_names_and_say_what_they_are():
    kinds = [*DRAWN, *CHANGED]
    assert len({one.kind for one in kinds}) == len({one.what for one in kinds}) == len(kinds)


@pytest.mark.parametrize("one", CHANGED, ids=lambda one: one.kind)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_a_changed_film_is_another_image_and_the_film_stays_as_it_was(one, n_channels):
    picture = letterboxed(n_channels)
    before = picture.image.copy()
    image = one.change(picture)
    assert image.shape == before.shape
    assert image.min() >= 0
    assert image.max() <= 1
    assert not np.array_equal(image, before)
    assert np.array_equal(picture.image, before)
    assert (image[:, outside(picture)] == 0).all()


def test_inverting_exchanges_bright_and_dark_of_the_film_and_twice_is_none():
    picture = letterboxed()
    image = inverted(picture)
    shown = picture.content.slices
    assert image[:, *shown] == pytest.approx(1 - picture.image[:, *shown])
    again = inverted(Picture(image, picture.placement, None, "grey"))
    assert again == pytest.approx(picture.image, abs=1e-6)


def test_a_film_turned_to_the_left_has_its_right_side_on_top():
    picture = letterboxed()
    film = picture.image[:, *picture.content.slices]
    film[:] = 0.1
    film[:, :, -film.shape[2] // 2 :] = 0.9  # the right half is bright
    image = turned(picture)[:, *picture.content.slices]
    rows = image.shape[1]
    assert image[:, : rows // 2 - 2].min() > 0.85
    assert image[:, rows // 2 + 2 :].max() < 0.15


def test_four_turns_of_a_square_film_are_none():
    picture = letterboxed(content=(48, 48))
    image = picture.image
    for _ in range(4):
        image = turned(Picture(image, picture.placement, None, "grey"))
    assert image == pytest.approx(picture.image, abs=1e-6)
