import math

import kornia.enhance
import kornia.geometry.transform
import pytest
import torch

from spondyl.learn import augment
from spondyl.learn.augment import augmented
from spondyl.learn.spec import parse_spec

STILL = {
    "flip": 0.0,
    "rotate_degrees": 0.0,
    "translate": 0.0,
    "zoom": [1.0, 1.0],
    "shear_degrees": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
}


def spec(**changes):
    return parse_spec(
        {"networks": ["test_resnet"], "strategies": ["scratch"], **STILL, **changes}, "test"
    )


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def films():
    return torch.rand(4, 1, 20, 30, generator=draws(5))


def test_nothing_asked_for_changes_nothing(films):
    assert torch.allclose(augmented(films, spec(), draws()), films, atol=1e-4)


def test_a_sure_flip_is_the_mirror_image(films):
    assert torch.allclose(augmented(films, spec(flip=1.0), draws()), films.flip(-1), atol=1e-4)


def test_every_image_has_its_own_draw(films):
    same = films[:1].expand(4, -1, -1, -1)
    moved = augmented(same, spec(rotate_degrees=15.0), draws())
    assert not torch.allclose(moved[0], moved[1], atol=1e-3)


def test_one_seed_draws_the_same_twins_and_another_others(films):
    everything = spec(flip=0.5, rotate_degrees=15.0, translate=0.1, brightness=0.1, contrast=0.1)
    one, two = (augmented(films, everything, draws(1)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, augmented(films, everything, draws(2)))


def test_values_stay_in_the_range_of_a_film(films):
    wild = spec(brightness=1.0, contrast=1.0, rotate_degrees=180.0, zoom=[0.2, 3.0])
    twins = augmented(films, wild, draws())
    assert twins.min() >= 0
    assert twins.max() <= 1
    assert torch.isfinite(twins).all()


def test_what_moves_in_from_outside_is_black():
    white = torch.ones(8, 1, 40, 40)
    small = augmented(white, spec(zoom=[0.5, 0.5]), draws())
    assert small[:, :, :5].max() == 0
    assert small[:, :, 20, 20].min() == pytest.approx(1, abs=1e-5)


def to_twins(twins, size):
    """(n, 3, 3) from a film's pixels (x, y) to those of its twin; the record says the way back, and
    in shares of half the film from its middle."""
    half = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2], dtype=torch.float64)
    pixels = torch.eye(3, dtype=torch.float64)
    pixels[:2] = torch.cat([torch.diag(half), half[:, None]], dim=1)
    last = torch.tensor([0.0, 0.0, 1.0]).expand(len(twins.maps), 1, 3)
    back = torch.cat([twins.maps, last], dim=1).double()
    return torch.linalg.inv(pixels @ back @ torch.linalg.inv(pixels))


def decomposed(matrix, size):
    """Slow: flip, angle, shear and zoom read back from where the axes go."""
    a, b = matrix[0, 0].item(), matrix[0, 1].item()
    c, d = matrix[1, 0].item(), matrix[1, 1].item()
    flip = a * d - b * c < 0
    a, c = (-a, -c) if flip else (a, c)
    # zoom · lean · turn: rows (zoom cosθ + tan s sinθ …); zoom² is the determinant.
    zoom = math.sqrt(a * d - b * c)
    angle = math.atan2(c / zoom, d / zoom)
    lean = math.degrees(math.atan((a / zoom - math.cos(angle)) / math.sin(angle)))
    centre = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2, 1.0], dtype=matrix.dtype)
    shift = (matrix @ centre - centre)[:2]
    return flip, math.degrees(angle), lean, zoom, shift[0] / size[1], shift[1] / size[0]


def test_every_draw_keeps_within_its_stated_range():
    paper = spec(flip=0.5, rotate_degrees=15.0, translate=0.1, zoom=[0.8, 1.2], shear_degrees=10.0)
    size = (224, 224)
    twins = augment.draw([500], size, paper, draws())
    found = [decomposed(m, size) for m in to_twins(twins, size)]
    flips, angles, leans, zooms, across, down = map(list, zip(*found, strict=True))
    assert 200 < sum(flips) < 300
    for values, limit in ((angles, 15), (leans, 10.01), (across, 0.1), (down, 0.1)):
        assert max(map(abs, values)) <= limit + 1e-3
        assert max(map(abs, values)) > 0.9 * limit
    assert min(zooms) + 1e-4 >= 0.8
    assert max(zooms) <= 1.2 + 1e-4


EVERYTHING = {
    **{"flip": 0.5, "rotate_degrees": 15.0, "translate": 0.1, "zoom": [0.8, 1.2]},
    **{"shear_degrees": 10.0, "brightness": 0.3, "contrast": 0.3},
}


def one_after_another(images, settings, generator):
    """Slow: moved, brightened and contrasted in three steps by a library, each batch's numbers
    drawn in the order that stored studies were drawn in."""
    size = tuple(images.shape[-2:])
    numbers = torch.stack([torch.rand(len(images), generator=generator) for _ in range(6)])
    matrices = augment._matrices(numbers, size, settings)
    moved = kornia.geometry.transform.warp_affine(images, matrices[:, :2], size)
    for strength, shade in (
        (settings.brightness, kornia.enhance.adjust_brightness_accumulative),
        (settings.contrast, kornia.enhance.adjust_contrast_with_mean_subtraction),
    ):
        low, high = 1 - strength, 1 + strength
        drawn = low + (high - low) * torch.rand(len(images), generator=generator)
        moved = shade(moved, drawn)
    return moved


@pytest.mark.parametrize("channels", [1, 3])
def test_one_warp_is_what_a_library_does_step_by_step(channels):
    images = torch.rand(6, channels, 24, 36, generator=draws(7))
    settings = spec(**EVERYTHING)
    expected = one_after_another(images, settings, draws(8))
    assert torch.allclose(augmented(images, settings, draws(8)), expected, atol=2e-4)


def test_an_epoch_drawn_at_once_is_its_batches_drawn_one_by_one():
    settings, sizes = spec(**EVERYTHING), [5, 5, 3]
    whole = augment.draw(sizes, (24, 36), settings, draws(9))
    one_by_one = draws(9)
    parts = [augment.draw([n], (24, 36), settings, one_by_one) for n in sizes]
    for at_once, piecewise in zip(whole, zip(*parts, strict=True), strict=True):
        assert torch.equal(at_once, torch.cat(piecewise))


def test_films_are_not_changed_by_their_twins(films):
    before = films.clone()
    augmented(films, spec(**EVERYTHING), draws())
    assert torch.equal(films, before)
