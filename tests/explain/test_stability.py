"""Likeness of maps by slow definitions, and what maps do when films are moved, shaded, mirrored."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spondyl.errors import SpondylError
from spondyl.explain import stability
from spondyl.explain.explaining import explain as any_method
from spondyl.explain.stability import MEASURES
from spondyl.explain.study import checks
from spondyl.learn import networks
from spondyl.learn.preprocess import Preprocessing

GREY = Preprocessing(size=(32, 32))
coarse = arrays(np.float64, (1, 5, 4), elements=st.integers(-3, 3).map(float))
"""Maps with many equal cells, as the ReLU leaves them."""


def rank_of(cell, cells):
    """Slow: 1 + the number of smaller cells + half the number of other equal ones."""
    return 1 + sum(c < cell for c in cells) + (sum(c == cell for c in cells) - 1) / 2


def slow_spearman(one, other):
    ranks = [[rank_of(c, m.ravel()) for c in m.ravel()] for m in (one, other)]
    means = [sum(r) / len(r) for r in ranks]
    a, b = ([x - mean for x in r] for r, mean in zip(ranks, means, strict=True))
    length = sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / length if length else float("nan")


def slow_ssim(one, other):
    """Window by window, cell by cell, in the unfactored form of equation 13."""
    if not one.any() or not other.any():
        return float("nan")
    one, other = (0.5 + 0.5 * m / np.abs(m).max() for m in (one, other))
    values = []
    for row in range(one.shape[0] - 2):
        for column in range(one.shape[1] - 2):
            x = [one[row + i, column + j] for i in range(3) for j in range(3)]
            y = [other[row + i, column + j] for i in range(3) for j in range(3)]
            mx, my = sum(x) / 9, sum(y) / 9
            vx, vy = sum((v - mx) ** 2 for v in x) / 9, sum((v - my) ** 2 for v in y) / 9
            cov = sum((v - mx) * (w - my) for v, w in zip(x, y, strict=True)) / 9
            above = (2 * mx * my + 1e-4) * (2 * cov + 9e-4)
            values.append(above / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4)))
    return sum(values) / len(values)


def slow_hottest(cells):
    """A cell is hot if fewer than a fifth of the cells are hotter, and some cell is colder."""
    cells = cells.ravel()
    return {
        i
        for i, c in enumerate(cells)
        if sum(cells > c) < round(len(cells) / 5) and (cells < c).any()
    }


def slow_overlap(one, other):
    a, b = slow_hottest(one), slow_hottest(other)
    return len(a & b) / len(a | b) if a and b else float("nan")


@settings(max_examples=40, deadline=None)
@given(coarse, coarse)
def test_every_measure_is_its_slow_definition(one, other):
    similarity = stability.compare(one, other)
    slow = {
        "rank": slow_spearman(one[0], other[0]),
        "magnitude_rank": slow_spearman(abs(one[0]), abs(other[0])),
        "ssim": slow_ssim(one[0], other[0]),
        "overlap": slow_overlap(one[0], other[0]),
    }
    for measure, expected in slow.items():
        assert getattr(similarity, measure)[0] == pytest.approx(expected, abs=1e-9, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (2, 6, 6), elements=st.floats(0, 1), unique=True))
def test_a_map_is_like_itself_at_any_scale_and_its_order_is_all_that_ranks_see(maps):
    for measure in MEASURES:
        assert getattr(stability.compare(maps, 1000 * maps), measure) == pytest.approx(1)
    bent = np.argsort(np.argsort(maps.reshape(2, -1))).reshape(2, 6, 6) ** 3.0
    assert stability.compare(maps, bent).rank == pytest.approx(1)
    assert stability.compare(maps, bent).overlap == pytest.approx(1)


def test_a_film_is_compared_with_its_own_partner_whoever_its_neighbours_are():
    one, other = np.random.default_rng(0).random((2, 3, 7, 7))
    together = stability.compare(one, other)
    for i in range(3):
        alone = stability.compare(one[i : i + 1], other[i : i + 1])
        for measure in MEASURES:
            assert getattr(alone, measure)[0] == pytest.approx(getattr(together, measure)[i])


def test_the_same_places_with_the_opposite_sign_are_alike_in_magnitude_only():
    maps = np.random.default_rng(0).normal(size=(4, 7, 7))
    similarity = stability.compare(maps, -maps)
    assert similarity.rank == pytest.approx(-1)
    assert similarity.magnitude_rank == pytest.approx(1)
    assert (similarity.ssim < 0).all()
    assert (similarity.overlap == 0).all()


def test_what_the_relu_has_cut_off_is_never_hot():
    one, other = np.zeros((2, 1, 7, 7))
    one[0, 2, 3] = other[0, 2, 3] = 1.0
    other[0, 5, 5] = 0.5
    assert stability.overlap(one, other) == pytest.approx([0.5])


def test_a_blank_map_is_like_nothing_and_a_mean_is_of_the_others():
    maps = np.random.default_rng(0).random((2, 5, 5))
    blank = maps * [[[0]], [[1]]]
    similarity = stability.compare(maps, blank)
    both = stability.mean([similarity, stability.compare(maps, maps)])
    none = stability.mean([similarity, similarity])
    for measure in MEASURES:
        assert np.isnan(getattr(similarity, measure)).tolist() == [True, False]
        assert getattr(both, measure) == pytest.approx(1)
        assert np.isnan(getattr(none, measure)).tolist() == [True, False]


def test_chance_of_overlap_is_the_mean_over_all_pairs_of_choices():
    chosen = [set(cells) for cells in combinations(range(11), 2)]
    shares = [len(a & b) / len(a | b) for a in chosen for b in chosen]
    assert stability.overlap_by_chance(11) == pytest.approx(np.mean(shares))


def test_fold_networks_agree_by_the_mean_over_their_pairs():
    draws = np.random.default_rng(0)
    sizes = {"grad-cam": (5, 4), "layercam": (6, 7)}
    of_networks = [
        {method: draws.normal(size=(3, *size)) for method, size in sizes.items()} for _ in range(4)
    ]
    found = checks.fold_agreement(of_networks)
    for method in sizes:
        maps = [one[method] for one in of_networks]
        for film in range(3):
            pairs = [(maps[i][film], maps[j][film]) for i in range(4) for j in range(i)]
            for score, slow in (("rank", slow_spearman), ("overlap", slow_overlap)):
                assert found[method, f"fold-agreement-{score}"][film] == pytest.approx(
                    np.mean([slow(one, other) for one, other in pairs])
                )


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_networks_have_nobody_to_agree_with(n):
    assert checks.fold_agreement([{"grad-cam": np.ones((3, 7, 7))}] * n) == {}


def test_random_maps_agree_as_chance_is_stated():
    maps = np.random.default_rng(0).random((4, 400, 7, 7))
    found = checks.fold_agreement([{"grad-cam": one} for one in maps])
    chance = found["grad-cam", "fold-agreement-chance"]
    assert chance.shape == (400,)
    assert found["grad-cam", "fold-agreement-overlap"].mean() == pytest.approx(chance[0], abs=0.01)
    assert found["grad-cam", "fold-agreement-rank"].mean() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("sizes", [((7, 7), (14, 14)), ((2, 7), (2, 7))])
def test_grids_that_cannot_be_compared_are_refused(sizes):
    with pytest.raises(SpondylError, match=f"{sizes[0][0]} × 7 and {sizes[1][0]} × "):
        stability.compare(*(np.ones((1, *size)) for size in sizes))


def test_a_map_that_holds_no_numbers_is_refused():
    network = networks.build("test_resnet:layer1", 3, seed=0)
    with pytest.raises(SpondylError, match="no finite numbers"):
        stability.mapped(lambda *_: torch.full((1, 4, 4), torch.nan), network, films(1), labels(1))


def films(n):
    """Smooth films, normalised: noise of 5 × 5 points, drawn out to 32 × 32."""
    noise = torch.rand(n, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    smooth = F.interpolate(noise, (32, 32), mode="bicubic").clamp(0, 1)
    return GREY.normalised(smooth)


def labels(n):
    return torch.arange(n) % 3


def pooled(network, images, labels):
    """A map that is the film itself on 8 × 8 cells."""
    return F.avg_pool2d(images.mean(1), 4)


def stuck(network, images, labels):
    """A map that does not look at the film."""
    noise = torch.rand(8, 8, generator=torch.Generator().manual_seed(1))
    return noise.expand(len(images), 8, 8)


class Seeing:
    """An explanation that remembers the images it was given."""

    def __init__(self, explain=pooled):
        self.explain = explain
        self.seen = []

    def __call__(self, network, images, labels):
        self.seen.append(images.clone())
        return self.explain(network, images, labels)


def test_a_moved_film_shows_its_edge_again_and_never_its_other_side():
    images, seeing = torch.arange(2 * 3 * 8 * 12.0).reshape(2, 3, 8, 12), Seeing()
    seeing.explain = lambda network, images, labels: images[:, 0]
    shifts = [(2, 0), (0, -3), (-1, 1)]
    stability.under_shifts(None, images, labels(2), seeing, shifts)
    for (rows, columns), moved in zip(shifts, seeing.seen[1:], strict=True):
        for row in range(8):
            for column in range(12):
                source = min(max(row - rows, 0), 7), min(max(column - columns, 0), 11)
                assert torch.equal(moved[:, :, row, column], images[:, :, source[0], source[1]])


@pytest.mark.parametrize("shift", [(4, 0), (0, -8), (-4, 12)])
def test_a_map_that_moves_with_the_film_by_whole_cells_is_the_same_map(shift):
    stable = stability.under_shifts(None, films(3), labels(3), pooled, [shift])
    assert stable.similarity.rank.shape == (1, 3)
    for measure in MEASURES:
        assert getattr(stable.similarity, measure) == pytest.approx(1)


def test_a_map_that_moves_with_the_film_by_part_of_a_cell_stays_nearly_the_same():
    stable = stability.under_shifts(None, films(6), labels(6), pooled, [(1, 0), (0, -1), (2, 2)])
    assert (stable.similarity.rank > 0.85).all()


def test_part_of_a_cell_is_read_between_the_two_nearest_centres():
    plane = 5.0 * np.arange(8)[:, None] + np.arange(8)
    still, moved = stability._common(plane[None], plane[None], (0.25, -0.5))
    assert (still[0] == plane[:7, 1:]).all()
    assert np.allclose(moved[0], plane[:7, 1:] + 0.25 * 5 - 0.5)


def test_a_map_that_stays_where_the_film_has_moved_is_not_stable():
    stable = stability.under_shifts(None, films(2), labels(2), stuck, [(4, 0), (0, 4)])
    assert (stable.similarity.rank < 0.5).all()
    assert stable.changes == ("moved by (+4, +0)", "moved by (+0, +4)")


def test_brightness_and_contrast_change_as_stated_in_units_of_the_film():
    images, seeing = films(2), Seeing()
    stable = stability.under_shading(None, images, labels(2), seeing, GREY, by=0.1)
    assert stable.changes == (
        "brightness -10%",
        "brightness +10%",
        "contrast -10%",
        "contrast +10%",
    )
    mean, std = torch.tensor(GREY.mean), torch.tensor(GREY.std)
    film, *shaded = [
        (seen.permute(0, 2, 3, 1) * std + mean).double().numpy() for seen in seeing.seen
    ]
    grey = film.mean(axis=(1, 2, 3), keepdims=True)
    expected = [0.9 * film, 1.1 * film, 0.9 * film + 0.1 * grey, 1.1 * film - 0.1 * grey]
    for ours, theirs in zip(shaded, expected, strict=True):
        assert np.allclose(ours, theirs.clip(0, 1), atol=1e-5)
    assert (expected[1] > 1).any()


def test_a_map_of_order_does_not_mind_the_light_where_nothing_is_cut_off():
    dark = GREY.normalised(0.2 + 0.5 * torch.rand(2, 1, 32, 32))
    stable = stability.under_shading(None, dark, labels(2), pooled, GREY)
    assert stable.similarity.rank == pytest.approx(1)


def test_the_map_of_a_mirrored_film_is_mirrored_back():
    stable = stability.under_flip(None, films(3), labels(3), pooled)
    assert stable.changes == ("mirrored",)
    assert stable.similarity.ssim == pytest.approx(1)
    left = torch.arange(8.0, 0.0, -1).expand(3, 8, 8)
    sided = stability.under_flip(None, films(3), labels(3), lambda *_: left)
    assert sided.similarity.rank == pytest.approx(-1)


def test_a_map_that_is_one_blob_for_every_film_is_given_away_by_other_films():
    assert stability.between_films(None, films(4), labels(4), stuck).rank == pytest.approx(1)
    maps = pooled(None, films(3), None).double().numpy()
    between = stability.between_films(None, films(3), labels(3), pooled)
    for i, partner in enumerate([1, 2, 0]):
        assert between.rank[i] == pytest.approx(slow_spearman(maps[i], maps[partner]))
    with pytest.raises(SpondylError, match="no other"):
        stability.between_films(None, films(1), labels(1), pooled)


def test_nothing_of_it_changes_the_network_or_the_images():
    network = networks.build("test_resnet:layer2", 3, seed=0).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    images = films(2)

    def explain(network, images, labels):
        return any_method(network, images, labels).maps

    stability.under_shifts(network, images, labels(2), explain)
    stability.under_flip(network, images, labels(2), explain)
    stability.under_shading(network, images, labels(2), explain, GREY)
    assert torch.equal(images, films(2))
    assert network.training
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
