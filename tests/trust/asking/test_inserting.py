"""What is put on a film is what is planted in drawn films, on the film and nowhere else."""

import numpy as np
import pytest

from spondyl.data.phantom.shortcuts import SHORTCUTS
from spondyl.data.pixels import Pixels
from spondyl.data.placement import Placement
from spondyl.data.radiograph import FileFacts
from spondyl.learn.preprocess import Preprocessing
from spondyl.trust.asking import inserting
from spondyl.trust.asking.questioning import Picture

PAINTED = [(name, variant) for name in ("marker", "border", "text") for variant in (0, 1, 2)]
SIZE = (192, 96)


def film(size=SIZE, seed=0):
    """(height, width) uint8, smooth, so that resizing it does little."""
    rows, columns = np.indices(size)
    phase = np.random.default_rng(seed).random(2) * 6
    waves = np.sin(rows / 19 + phase[0]) + np.cos(columns / 13 + phase[1])
    return np.rint(110 + 40 * waves).astype(np.uint8)


def shown(image, fit="stretch", size=SIZE, colour="grey"):
    grey = image if image.ndim == 2 else image.mean(axis=2)
    rgb = None if image.ndim == 2 else (image / 255).astype(np.float32)
    facts = FileFacts("PNG", *grey.shape, "L", 1, None, "0")
    how = Preprocessing(size=size, fit=fit, colour=colour)
    array, place = how.apply(Pixels((grey / 255).astype(np.float32), rgb, None, facts))
    return Picture(array, place, None, colour, fit)


def outside(picture):
    mask = np.ones(picture.image.shape[1:], bool)
    mask[picture.content.slices] = False
    return mask


@pytest.mark.parametrize(("name", "variant"), PAINTED)
def test_a_film_with_a_shortcut_put_on_is_the_film_that_it_was_planted_in(name, variant):
    planted, _ = SHORTCUTS[name].plant(film(), variant)
    found = inserting.painted(shown(film()), name, variant)
    # lines that touch are mixed in whole greys there, and not here
    assert found == pytest.approx(planted[None] / 255, abs=2.01 / 255)
    assert np.abs(found - film() / 255).max() > 0.1


@pytest.mark.parametrize(("name", "variant"), PAINTED)
@pytest.mark.parametrize(("size", "fit"), [((300, 200), "stretch"), ((300, 100), "letterbox")])
def test_so_it_is_where_the_film_is_of_another_size_than_the_grid(name, variant, size, fit):
    planted, _ = SHORTCUTS[name].plant(film(size), variant)
    wanted, found = shown(planted, fit), inserting.painted(shown(film(size), fit), name, variant)
    assert np.abs(found - wanted.image).mean() < 2e-3
    assert np.abs(found - wanted.image).max() < 0.08  # where a letter's edge and a wave meet
    assert (found[0][outside(wanted)] == 0).all()


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_a_film_is_tinted_as_one_is_that_the_tint_was_planted_in(variant):
    planted, _ = SHORTCUTS["tint"].plant(film(), variant)
    picture = shown(film(), colour="as stored")
    found = inserting.tinted(picture, variant)
    assert found.shape == (3, *SIZE)
    assert found == pytest.approx(planted.transpose(2, 0, 1) / 255, abs=1.01 / 255)


def test_a_network_that_sees_grey_is_asked_of_no_tint():
    picture = shown(film())
    assert inserting.tinted(picture, 1) is None
    assert inserting.colourless(picture) is None


def test_without_colours_a_tinted_film_is_its_luma_and_a_grey_one_as_it_is():
    tinted, _ = SHORTCUTS["tint"].plant(film(), 2)
    picture = shown(tinted, colour="as stored")
    red, green, blue = picture.image
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    assert inserting.colourless(picture) == pytest.approx(luma[None], abs=1e-6)
    grey = shown(film(), colour="as stored")
    assert (inserting.colourless(grey) == grey.image).all()


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_narrower_film_is_the_middle_of_it_fitted_as_films_are(fit):
    picture = shown(film((192, 100)), fit)
    cut = shown(film((192, 100))[:, 10:90], fit)
    found = inserting.reshaped(picture, 0.8)
    assert picture.placement != cut.placement
    middle = np.s_[0, 4:-4, 12:-12]  # at an edge, one is filtered with what was cut off
    assert found[middle] == pytest.approx(cut.image[middle], abs=0.02)
    assert (found[0][outside(cut)] == 0).all()


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_wider_film_is_squeezed_or_padded_as_one_of_its_shape_is(fit):
    picture = shown(film((192, 96)), fit)
    wide = np.pad(film((192, 96)), ((0, 0), (12, 12)), mode="reflect")
    wanted = shown(wide, fit)
    found = inserting.reshaped(picture, 1.25)
    assert np.abs(found - wanted.image).mean() < 5e-3
    assert (found[0][outside(wanted)] == 0).all()
    assert inserting.reshaped(picture, 1.0) == pytest.approx(picture.image, abs=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        *(
            lambda picture, n=name, v=variant: inserting.painted(picture, n, v)
            for name, variant in PAINTED
        ),
        lambda picture: inserting.tinted(picture, 1),
        inserting.colourless,
        lambda picture: inserting.reshaped(picture, 0.8),
        lambda picture: inserting.reshaped(picture, 1.25),
    ],
)
def test_no_change_writes_into_the_film_it_is_given(change):
    picture = shown(film((300, 100)), "letterbox", colour="as stored")
    before = picture.image.copy()
    found = change(picture)
    assert (picture.image == before).all()
    assert found.min() >= 0
    assert found.max() <= 1


def test_a_film_so_small_that_nothing_fits_on_it_is_still_a_film():
    picture = Picture(
        np.full((1, 32, 16), 0.5, np.float32),
        Placement.fit((9, 8), (32, 16), "stretch"),
        None,
        "as stored",
    )
    for name, variant in PAINTED:
        assert inserting.painted(picture, name, variant).shape == (1, 32, 16)
    assert inserting.reshaped(picture, 0.8).shape == (1, 32, 16)
