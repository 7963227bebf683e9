"""Faithfulness against one film and one step at a time; a network whose eye is known is caught."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from spondyl.errors import SpondylError
from spondyl.explain.scores import faithfulness
from spondyl.explain.scores.imputation import imputed
from spondyl.learn import networks

SIDE = 32


class Window(nn.Module):
    """Sees the film in rows 8-15 and columns 16-23 and nowhere else."""

    def forward(self, images):
        seen = torch.zeros_like(images)
        seen[:, :, 8:16, 16:24] = images[:, :, 8:16, 16:24]
        return seen


def windowed():
    """Label 1 is as probable as its window is bright."""
    network = networks.build("test_resnet", 2, seed=0)
    network = networks.Network("window", nn.Sequential(Window()), type(network.head)(3, 2), 3)
    with torch.no_grad():
        network.head.linear.weight.copy_(torch.tensor([[0.0, 0, 0], [20, 20, 20]]))
        network.head.linear.bias.zero_()
    return network


@pytest.fixture(scope="module")
def network():
    return networks.build("test_resnet", 3, seed=1).eval()


@pytest.fixture
def images():
    draws = torch.Generator().manual_seed(0)
    return F.interpolate(torch.randn(4, 3, 8, 8, generator=draws), (SIDE, SIDE), mode="bilinear")


@pytest.fixture
def labels():
    return torch.tensor([2, 0, 1, 1])


def drawn_maps(n=4):
    draws = torch.Generator().manual_seed(5)
    return {
        "one": torch.rand(n, 4, 4, generator=draws),
        "other": torch.rand(n, 7, 5, generator=draws) - 0.3,
        "flat": torch.full((n, 4, 4), 1 / 3),
    }


def order_by_definition(heat, seed):
    """Pixels (row, column) from the hottest on; equal ones as the shuffled film has them."""
    exact = heat[None, None].double()
    fine = F.interpolate(exact, (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0].float()
    shuffled = torch.randperm(SIDE * SIDE, generator=torch.Generator().manual_seed(seed)).tolist()
    place = {pixel: i for i, pixel in enumerate(shuffled)}
    pixels = sorted(range(SIDE * SIDE), key=lambda p: (-fine.flatten()[p].item(), place[p]))
    return [divmod(pixel, SIDE) for pixel in pixels]


def probability(network, film, label):
    with torch.no_grad():
        return network(film[None]).softmax(1)[0, label].item()


def test_deletion_removes_the_hottest_pixels_first_and_asks_again(network, images, labels):
    maps = drawn_maps()
    found = faithfulness.deletion(network, images, labels, maps, steps=4, batch=5, seed=3)
    for name, heats in maps.items():
        for i, heat in enumerate(heats):
            order = order_by_definition(heat, 3)
            for step in range(5):
                film = images[i].clone()
                for row, column in order[: step * SIDE * SIDE // 4]:
                    film[:, row, column] = 0
                expected = probability(network, film, labels[i])
                assert found[name].probabilities[i, step] == pytest.approx(expected, abs=1e-5)
    assert found["one"].shares.tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_insertion_goes_from_a_blurred_film_to_the_film_hottest_first(network, images, labels):
    maps = {"one": drawn_maps()["one"]}
    found = faithfulness.insertion(network, images, labels, maps, steps=2)["one"]
    sigma = 5 / 224 * SIDE
    reach = round(3 * sigma)
    weights = torch.tensor([math.exp(-(d**2) / (2 * sigma**2)) for d in range(-reach, reach + 1)])
    weights = weights / weights.sum()
    padded = F.pad(images, (reach,) * 4, mode="reflect")
    kernel = (weights[:, None] * weights).expand(3, 1, -1, -1)
    blurred = F.conv2d(padded, kernel, groups=3)
    for i, heat in enumerate(maps["one"]):
        half = blurred[i].clone()
        for row, column in order_by_definition(heat, 0)[: SIDE * SIDE // 2]:
            half[:, row, column] = images[i, :, row, column]
        for step, film in enumerate((blurred[i], half, images[i])):
            expected = probability(network, film, labels[i])
            assert found.probabilities[i, step] == pytest.approx(expected, abs=1e-5)


def test_road_fills_the_hottest_or_the_coldest_pixels_and_asks_again(network, images, labels):
    maps, shares = drawn_maps(), (0.25, 0.5)
    found = faithfulness.road(network, images, labels, maps, shares, batch=7, seed=2)
    for name, heats in maps.items():
        for i, heat in enumerate(heats):
            order = order_by_definition(heat, 2)
            for step, share in enumerate(shares):
                n = round(share * SIDE * SIDE)
                for curve, gone in (
                    (found[name].most_relevant_first, order[:n]),
                    (found[name].least_relevant_first, order[-n:]),
                ):
                    removed = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
                    for row, column in gone:
                        removed[0, row, column] = True
                    film = imputed(images[i : i + 1], removed, seed=2)[0]
                    expected = probability(network, film, labels[i])
                    assert curve.probabilities[i, step] == pytest.approx(expected, abs=1e-4)


def test_confidence_is_of_the_film_times_its_min_max_map(network, images, labels):
    maps = drawn_maps()
    found = faithfulness.confidence(network, images, labels, maps, batch=3)
    for name in ("one", "other"):
        size = (SIDE, SIDE)
        fine = F.interpolate(maps[name][:, None], size, mode="bilinear", align_corners=False)
        for i, heat in enumerate(fine):
            share = (heat - heat.min()) / (heat.max() - heat.min())
            whole = probability(network, images[i], labels[i])
            masked = probability(network, images[i] * share, labels[i])
            one = found[name]
            assert one.whole[i] == pytest.approx(whole, abs=1e-5)
            assert one.masked[i] == pytest.approx(masked, abs=1e-5)
            assert one.drop[i] == pytest.approx(max(0, whole - masked) / whole, abs=1e-4)
            assert one.increased[i] == (masked > whole)
    flat = found["flat"]
    assert np.isnan(np.stack([flat.masked, flat.drop, flat.increased])).all()


def test_the_area_is_the_mean_height_of_the_curve():
    curve = faithfulness.Curve(np.array([0.1, 0.2, 0.5]), np.array([[1.0, 0.0, 0.5], [0.4] * 3]))
    assert curve.area == pytest.approx([(0.1 * 0.5 + 0.3 * 0.25) / 0.4, 0.4])


def window_maps(n):
    right = torch.zeros(n, 16, 16)
    right[:, 4:8, 8:12] = 1
    blind = torch.rand(n, 8, 8, generator=torch.Generator().manual_seed(1))
    return {"right": right, "wrong": 1 - right, "random": blind}


def test_a_map_of_the_network_s_window_beats_a_random_one_and_that_beats_its_opposite():
    images = 0.5 + torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    labels, maps = torch.ones(3, dtype=torch.int64), window_maps(3)
    deletion = faithfulness.deletion(windowed(), images, labels, maps)
    seen = faithfulness.confidence(windowed(), images, labels, maps)
    for score in (
        {name: curve.area for name, curve in deletion.items()},
        {name: one.drop for name, one in seen.items()},
    ):
        assert (score["right"] < score["random"]).all()
        assert (score["random"] < score["wrong"]).all()


def test_insertion_and_road_find_a_bright_window_on_a_dark_film():
    images = torch.zeros(2, 3, SIDE, SIDE)
    images[:, :, 8:16, 16:24] = 1
    labels, maps = torch.ones(2, dtype=torch.int64), window_maps(2)
    insertion = faithfulness.insertion(windowed(), images, labels, maps)
    road = faithfulness.road(windowed(), images, labels, maps)
    assert (insertion["right"].area > insertion["random"].area).all()
    assert (insertion["random"].area > insertion["wrong"].area).all()
    assert (road["right"].gap > 0.2).all()
    assert (np.abs(road["random"].gap) < 0.2).all()
    assert road["wrong"].gap == pytest.approx(-road["right"].gap, abs=0.1)


def test_equal_heat_is_removed_all_over_the_film_and_not_from_a_corner():
    flat = torch.full((1, SIDE, SIDE), 0.2)
    first = (faithfulness.ranks(flat, seed=0)[0] < SIDE * SIDE // 2).double()
    quarters = first.reshape(2, SIDE // 2, 2, SIDE // 2).mean(dim=(1, 3))
    assert torch.allclose(quarters, torch.full((2, 2), 0.5, dtype=torch.float64), atol=0.1)


def test_ranks_are_a_permutation_in_the_order_of_the_heat():
    heat = torch.randint(0, 5, (3, 9, 11), generator=torch.Generator().manual_seed(0)).float()
    for values, places in zip(heat, faithfulness.ranks(heat, seed=1), strict=True):
        assert sorted(places.flatten().tolist()) == list(range(99))
        ordered = values.flatten()[places.flatten().argsort()]
        assert (ordered.diff() <= 0).all()


def test_neither_the_batch_nor_the_other_methods_nor_the_other_films_matter(
    network, images, labels
):
    maps = drawn_maps()
    for score in (faithfulness.deletion, faithfulness.insertion, faithfulness.road):
        alone = score(network, images[1:2], labels[1:2], {"one": maps["one"][1:2]}, batch=64)
        together = score(network, images, labels, maps, batch=3)
        for a, b in zip(curves(alone["one"]), curves(together["one"]), strict=True):
            assert np.allclose(a.probabilities[0], b.probabilities[1], atol=1e-5)


def curves(found):
    if isinstance(found, faithfulness.Curve):
        return [found]
    return [found.most_relevant_first, found.least_relevant_first]


def test_films_of_all_methods_share_full_batches(images, labels):
    sizes = []

    class Counting(nn.Module):
        def forward(self, films):
            sizes.append(len(films))
            return films

    network = windowed()
    network.body.append(Counting())
    faithfulness.road(network, images, labels % 2, drawn_maps(), (0.2, 0.4, 0.6), batch=16)
    assert sizes == [16, 16, 16, 16, 8]  # 3 methods × 4 films × 2 orders × 3 shares


def test_scoring_leaves_the_network_exactly_as_it_was(images, labels):
    network = networks.build("test_resnet", 3, seed=1).train()
    network.body[0].eval()
    modes = [module.training for module in network.modules()]
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(4)
    random_state = torch.get_rng_state()
    maps = {"one": drawn_maps()["one"]}
    for score in (
        faithfulness.deletion,
        faithfulness.insertion,
        faithfulness.road,
        faithfulness.confidence,
    ):
        score(network, images, labels, maps)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(tensors[n], t) for n, t in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)


def test_maps_that_cannot_be_ordered_are_refused_by_name(network, images, labels):
    broken = drawn_maps()["one"]
    broken[2, 1, 1] = float("nan")
    with pytest.raises(SpondylError, match="one: the maps hold values that are not finite"):
        faithfulness.deletion(network, images, labels, {"one": broken})
    with pytest.raises(ValueError, match="for 4 films"):
        faithfulness.confidence(network, images, labels, {"one": broken[:3]})


@pytest.mark.parametrize("shares", [(0.5,), (0.5, 0.4), (0, 0.5), (0.5, 1.0)])
def test_road_s_shares_rise_between_nothing_and_everything(network, images, labels, shares):
    with pytest.raises(ValueError, match="rising"):
        faithfulness.road(network, images, labels, drawn_maps(), shares)
