"""Maps that know nothing: what they are, and that they are the same for the same seed."""

import math

import pytest
import torch

from spondyl.explain.scores import baselines
from spondyl.learn import networks


def test_random_maps_differ_between_films_and_follow_from_the_seed():
    maps = baselines.random_maps(3, (7, 9), seed=4)
    assert maps.shape == (3, 7, 9)
    assert 0 <= maps.min() < 0.1 < 0.9 < maps.max() < 1
    assert not torch.equal(maps[0], maps[1])
    assert torch.equal(maps, baselines.random_maps(3, (7, 9), seed=4))
    assert not torch.equal(maps, baselines.random_maps(3, (7, 9), seed=5))


def test_random_maps_leave_the_caller_s_random_state_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    baselines.random_maps(2, (3, 3), seed=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("grid", [(7, 7), (14, 10), (3, 8)])
def test_the_blob_is_a_gaussian_around_the_middle_of_the_film(grid):
    blob = baselines.centre_blob(grid)
    assert blob.shape == grid
    for row in range(grid[0]):
        for column in range(grid[1]):
            down = (row + 0.5) / grid[0] - 0.5
            across = (column + 0.5) / grid[1] - 0.5
            expected = math.exp(-(down**2 + across**2) / (2 * baselines.BLOB_WIDTH**2))
            assert blob[row, column].item() == pytest.approx(expected, rel=1e-5)
    assert torch.allclose(blob, blob.flip(0, 1))


def test_edges_are_where_the_film_changes_and_nowhere_else():
    films = torch.zeros(2, 3, 32, 32)
    films[0, :, :, 20:] = 1
    films[1, :, 4:, :] = 2
    maps = baselines.edge_maps(films, (8, 8))
    assert maps.shape == (2, 8, 8)
    assert (maps[0].sum(dim=0) > 0).nonzero().flatten().tolist() == [4, 5]
    assert (maps[1].sum(dim=1) > 0).nonzero().flatten().tolist() == [0, 1]


def test_edges_are_the_mean_length_of_the_gradient_in_each_cell():
    film = torch.rand(1, 3, 12, 18, generator=torch.Generator().manual_seed(0))
    grey = film[0].mean(dim=0).double()
    expected = torch.zeros(3, 6, dtype=torch.float64)
    for row in range(12):
        for column in range(18):
            above, below = max(row - 1, 0), min(row + 1, 11)
            left, right = max(column - 1, 0), min(column + 1, 17)
            down = (grey[below, column] - grey[above, column]) / (below - above)
            across = (grey[row, right] - grey[row, left]) / (right - left)
            expected[row // 4, column // 3] += math.hypot(down, across) / 12
    assert torch.allclose(baselines.edge_maps(film, (3, 6))[0].double(), expected, rtol=1e-5)


def test_a_brighter_film_has_the_same_edges():
    film = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    brighter = baselines.edge_maps(film + 5, (4, 4))
    assert torch.allclose(brighter, baselines.edge_maps(film, (4, 4)), atol=1e-5)


@pytest.mark.parametrize("name", ["test_resnet", "test_resnet:layer2"])
def test_an_untrained_network_is_the_same_network_with_other_weights(name):
    trained = networks.build(name, 4, seed=1).train()
    fresh = baselines.untrained(trained, seed=2)
    assert fresh.name == trained.name
    shapes = [{n: t.shape for n, t in one.state_dict().items()} for one in (trained, fresh)]
    assert shapes[0] == shapes[1]
    assert not torch.equal(fresh.head.linear.weight, trained.head.linear.weight)
    assert not fresh.training
    assert trained.training
    again = baselines.untrained(trained, seed=2).state_dict()
    assert all(torch.equal(tensor, again[n]) for n, tensor in fresh.state_dict().items())
