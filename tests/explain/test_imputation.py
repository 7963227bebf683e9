"""ROAD's imputation against a sparse solve of its equations, in float64, one film at a time."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from spondyl.errors import SpondylError
from spondyl.explain.scores.imputation import NOISE, SYSTEMS, imputed, interpolated


def by_definition(film, removed):
    """Pixel by pixel: Σ w (x − neighbour) = 0 for the neighbours that the film has."""
    height, width = removed.shape
    places = [tuple(place) for place in np.argwhere(removed)]
    number = {place: i for i, place in enumerate(places)}
    matrix, right = lil_matrix((len(places), len(places))), np.zeros((len(places), len(film)))
    for (row, column), i in number.items():
        for r in (row - 1, row, row + 1):
            for c in (column - 1, column, column + 1):
                if (r, c) == (row, column) or not (0 <= r < height and 0 <= c < width):
                    continue
                weight = 1 / 6 if r == row or c == column else 1 / 12
                matrix[i, i] += weight
                if removed[r, c]:
                    matrix[i, number[r, c]] -= weight
                else:
                    right[i] += weight * film[:, r, c]
    filled = film.astype(np.float64)
    for channel, values in enumerate(spsolve(matrix.tocsc(), right).reshape(len(places), -1).T):
        filled[channel][removed] = values
    return filled


def films(n, size, seed=0, sigma=1.0):
    drawn = np.random.default_rng(seed).normal(size=(n, 3, *size))
    return gaussian_filter(drawn, (0, 0, sigma, sigma)).astype(np.float32) * 3


def holes(n, size, share, seed=1, sigma=0.0):
    order = np.random.default_rng(seed).normal(size=(n, *size))
    order = gaussian_filter(order, (0, sigma, sigma)) if sigma else order
    return order >= np.quantile(order, 1 - share, axis=(1, 2), keepdims=True)


def error(images, removed):
    ours = interpolated(torch.from_numpy(images), torch.from_numpy(removed)).numpy()
    exact = np.stack([by_definition(*pair) for pair in zip(images, removed, strict=True)])
    return np.abs(ours - exact).max() / (images.max() - images.min())


@pytest.mark.parametrize("sigma", [0.0, 2.0, 8.0], ids=["scattered", "small holes", "big holes"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_filled_films_solve_the_equations_of_the_paper(share, sigma):
    size = (45, 52)
    assert error(films(2, size), holes(2, size, share, sigma=sigma)) < 1e-3


def test_a_film_of_a_network_s_size_is_filled_as_exactly():
    image, removed = films(1, (224, 224), sigma=3), holes(1, (224, 224), 0.3, sigma=20)
    assert error(image, removed) < 1e-3


@given(st.integers(2, 19), st.integers(2, 19), st.floats(0.05, 0.95), st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_films_of_any_size_and_holes_of_any_shape_are_filled(height, width, share, seed):
    removed = np.random.default_rng(seed).random((1, height, width)) < share
    removed[0, seed % height, seed % width] = False
    removed[0, 0, 0] |= not removed.any() and (seed % height, seed % width) != (0, 0)
    if removed.any():
        assert error(films(1, (height, width), seed), removed) < 1e-3


def test_one_kept_pixel_gives_the_whole_film_its_colour():
    removed = torch.ones(1, 30, 30, dtype=torch.bool)
    removed[0, 4, 7] = False
    image = torch.from_numpy(films(1, (30, 30)))
    filled = interpolated(image, removed)
    expected = image[0, :, 4, 7, None, None].expand(3, 30, 30)
    assert torch.allclose(filled[0], expected, atol=1e-3)


def test_an_even_slope_is_continued_through_a_hole():
    image = torch.arange(40.0).expand(1, 3, 40, 40)
    removed = torch.zeros(1, 40, 40, dtype=torch.bool)
    removed[0, 8:31, 11:29] = True
    assert torch.allclose(interpolated(image, removed), image, atol=0.04)


def test_grey_films_solved_once_are_those_solved_channel_by_channel():
    grey = torch.from_numpy(films(2, (40, 40)))[:, :1]
    removed = torch.from_numpy(holes(2, (40, 40), 0.5, sigma=4))
    images = torch.cat([grey / 0.2 - 2, grey / 0.3 - 1, -grey], dim=1)
    apart = torch.cat([interpolated(images[:, [c]], removed) for c in range(3)], dim=1)
    assert torch.allclose(interpolated(images, removed), apart, atol=1e-2)


@pytest.mark.parametrize("colour", [0.0, 0.7, -300.0])
def test_a_film_without_contrast_is_filled_with_its_colour_beside_any_other(colour):
    images = torch.from_numpy(films(2, (24, 24)))
    images[0] = colour
    removed = torch.from_numpy(holes(2, (24, 24), 0.5, sigma=3))
    assert torch.allclose(interpolated(images, removed)[0], images[0], rtol=1e-5, atol=0)
    assert error(images[1:].numpy(), removed[1:].numpy()) < 1e-3


def test_pixels_that_stay_are_bit_for_bit_the_film_s():
    images = torch.from_numpy(films(2, (32, 40)))
    removed = torch.from_numpy(holes(2, (32, 40), 0.4))
    kept = ~removed[:, None].expand_as(images)
    assert torch.equal(imputed(images, removed)[kept], images[kept])


def test_removing_nothing_gives_back_the_film():
    images = torch.from_numpy(films(1, (32, 40)))
    assert torch.equal(imputed(images, torch.zeros(1, 32, 40, dtype=torch.bool)), images)


def test_films_of_more_channels_than_are_solved_at_a_time_are_filled_as_exactly():
    n = SYSTEMS // 3 + 2
    assert error(films(n, (20, 27)), holes(n, (20, 27), 0.6, sigma=3)) < 1e-3


def test_what_becomes_of_a_film_does_not_depend_on_its_company():
    images = torch.from_numpy(films(3, (48, 48)))
    removed = torch.from_numpy(
        np.stack([holes(1, (48, 48), share, sigma=6)[0] for share in (0.1, 0.5, 0.9)])
    )
    alone = imputed(images[:1], removed[:1])
    assert torch.allclose(imputed(images, removed)[:1], alone, atol=1e-5)


def test_the_noise_is_a_hundredth_and_follows_from_the_seed():
    images = torch.from_numpy(films(1, (64, 64)))
    removed = torch.from_numpy(holes(1, (64, 64), 0.9, sigma=6))
    once, again, other = (imputed(images, removed, seed) for seed in (0, 0, 1))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    gone = removed[:, None].expand_as(images)
    noise = (once - interpolated(images, removed))[gone]
    assert noise.std().item() == pytest.approx(NOISE, rel=0.05)
    assert abs(noise.mean().item()) < NOISE / 10


def test_the_caller_s_random_state_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    imputed(torch.from_numpy(films(1, (16, 16))), torch.from_numpy(holes(1, (16, 16), 0.5)))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_film_of_which_nothing_is_left_is_refused():
    removed = torch.zeros(2, 16, 16, dtype=torch.bool)
    removed[1] = True
    with pytest.raises(SpondylError, match="every pixel is removed"):
        imputed(torch.zeros(2, 3, 16, 16), removed)


def test_a_film_that_cannot_be_solved_is_refused_and_not_returned():
    images = torch.from_numpy(films(1, (16, 16)))
    images[0, 1, 3, 3] = float("nan")
    removed = torch.zeros(1, 16, 16, dtype=torch.bool)
    removed[0, 4:9, 4:9] = True
    with pytest.raises(SpondylError, match="could not be filled"):
        imputed(images, removed)
