"""What is left of a map when the network forgets: nothing, or the map was never the network's."""

import numpy as np
import pytest
import torch

from spondyl.errors import SpondylError
from spondyl.explain import sanity, stability
from spondyl.explain.explaining import explain as any_method
from spondyl.explain.stability import MEASURES
from spondyl.learn import networks
from spondyl.learn.heads import PooledLinear

NAME = "test_resnet:layer2"
SEEDS = (11, 12, 13)
STEPS = ("head", "layer2", "layer1", "conv1")


def learned(seed=0):
    """A network whose every tensor, statistics included, is unlike that of any beginning."""
    network = networks.build(NAME, 3, seed)
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.05 * torch.rand(tensor.shape, generator=draws) + 0.01)
    return network.eval()


def films(n=3):
    return torch.randn(n, 3, 40, 32, generator=torch.Generator().manual_seed(0))


def labels(n=3):
    return torch.arange(n) % 3


def cam(network, images, labels):
    return any_method(network, images, labels).maps


def edges(network, images, labels):
    """An explanation that does not ask the network at all."""
    grey = torch.nn.functional.avg_pool2d(images.mean(1), 4)
    return (grey[:, 1:, 1:] - grey[:, :-1, :-1]).abs()


def features(network, images, labels):
    """A map that never vanishes: the sum of the feature map."""
    with torch.inference_mode():
        return network.body(images).sum(1)


def of_first_layer(network, images, labels):
    with torch.inference_mode():
        return next(network.body.children())(images).sum(1)


def tensors(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


class Watching:
    """An explanation that remembers the tensors of every network it was asked to explain."""

    def __init__(self):
        self.states = []

    def __call__(self, network, images, labels):
        self.states.append(tensors(network))
        return features(network, images, labels)


def belongs(name, step):
    """Whether a tensor is randomised at a step; the stem's normalisation goes with its layer."""
    prefixes = {"head": "head.", "conv1": ("body.conv1.", "body.bn1.")}
    return name.startswith(prefixes.get(step, f"body.{step}."))


def test_an_edge_detector_is_said_to_fail():
    fate = sanity.cascading(learned(), films(), labels(), edges, SEEDS)
    for measure in MEASURES:
        assert getattr(fate.similarity, measure) == pytest.approx(1)
        assert getattr(fate.unrelated, measure) == pytest.approx(1)
    assert sanity.unchanged(fate.similarity).all()


def test_the_cascade_goes_from_the_logits_down_and_ends_at_a_network_that_never_learned():
    network, watching = learned(), Watching()
    fate = sanity.cascading(network, films(), labels(), watching, SEEDS)
    assert fate.steps == STEPS
    asked = iter(watching.states[1:])
    for seed in SEEDS:
        fresh, own = tensors(networks.build(NAME, 3, seed)), tensors(network)
        for n in range(1, len(STEPS) + 1):
            for name, tensor in next(asked).items():
                random = any(belongs(name, step) for step in STEPS[:n])
                assert torch.equal(tensor, fresh[name] if random else own[name]), (name, n)
        assert all(torch.equal(tensor, fresh[name]) for name, tensor in next(asked).items())
    assert next(asked, None) is None


def test_one_group_at_a_time_is_random_when_they_are_tested_on_their_own():
    network, watching = learned(), Watching()
    fate = sanity.independent(network, films(), labels(), watching, SEEDS[:2])
    assert fate.steps == STEPS
    fresh, own = tensors(networks.build(NAME, 3, SEEDS[0])), tensors(network)
    for step, state in zip(STEPS, watching.states[1:], strict=False):
        for name, tensor in state.items():
            assert torch.equal(tensor, fresh[name] if belongs(name, step) else own[name])


def test_a_map_of_the_first_layer_changes_only_when_the_first_layer_does():
    network = learned()
    for test in (sanity.cascading, sanity.independent):
        fate = test(network, films(), labels(), of_first_layer, SEEDS)
        assert fate.similarity.rank[:-1] == pytest.approx(1)
        assert (fate.similarity.rank[-1] < 0.99).all()


def test_similarities_are_means_over_seeds_and_chance_is_the_mean_over_their_pairs():
    network, images = learned(), films()
    fate = sanity.cascading(network, images, labels(), features, SEEDS)
    maps = [stability.mapped(features, network, images, labels())]
    for seed in SEEDS:
        fresh = networks.build(NAME, 3, seed).eval()
        maps.append(stability.mapped(features, fresh, images, labels()))
    own, *random = maps
    for measure in MEASURES:
        left = [getattr(stability.compare(own, one), measure) for one in random]
        pairs = [(0, 1), (0, 2), (1, 2)]
        chance = [getattr(stability.compare(random[i], random[j]), measure) for i, j in pairs]
        assert getattr(fate.similarity, measure)[-1] == pytest.approx(np.mean(left, axis=0))
        assert getattr(fate.unrelated, measure) == pytest.approx(np.mean(chance, axis=0))


def test_chance_knows_nothing_of_what_was_learned():
    one = sanity.cascading(learned(0), films(), labels(), features, SEEDS)
    other = sanity.independent(learned(5), films(), labels(), features, SEEDS)
    assert (one.unrelated.rank == other.unrelated.rank).all()
    assert (one.similarity.rank[-1] != other.similarity.rank[-1]).any()


@pytest.mark.parametrize("test", [sanity.cascading, sanity.independent])
def test_the_network_and_the_random_state_stay_as_they_were_to_the_byte(test):
    network = learned().train()
    network.body[0].eval()
    before, modes = tensors(network), [module.training for module in network.modules()]
    random_state = torch.get_rng_state()
    test(network, films(), labels(), cam, SEEDS)
    assert [module.training for module in network.modules()] == modes
    for name, tensor in network.state_dict().items():
        assert tensor.numpy().tobytes() == before[name].numpy().tobytes()
    assert torch.equal(torch.get_rng_state(), random_state)


@pytest.mark.parametrize("name", ["densenet121", "resnet10t"])
def test_every_tensor_of_a_network_is_in_one_group(name):
    network = networks.build(name, 3, seed=0)
    paths = [path for group in sanity._groups(network) for path in group.paths]
    owners = [
        sum(tensor.startswith(f"{path}.") for path in paths) for tensor in network.state_dict()
    ]
    assert set(owners) == {1}
    assert paths[0] == "head"


def test_a_vgg_whose_dense_layers_gave_way_to_a_solved_head_has_an_unlearned_twin():
    network = networks.build("vgg16", 3, 0)
    network.head = PooledLinear(network.n_channels, 3)
    twin = sanity._fresh(network, 7)
    assert {name: t.shape for name, t in twin.state_dict().items()} == {
        name: t.shape for name, t in network.state_dict().items()
    }
    assert not torch.equal(twin.head.linear.weight, network.head.linear.weight)


@pytest.mark.parametrize("seeds", [(), (1,), (2, 2), (1, 2, 1)])
def test_chance_needs_two_different_seeds(seeds):
    with pytest.raises(SpondylError, match="chance cannot be told"):
        sanity.cascading(learned(), films(), labels(), cam, seeds)


def test_a_map_is_unchanged_by_its_order_or_by_the_order_of_its_magnitudes():
    nothing = np.full(5, 0.5)
    rank = np.array([0.9, -0.9, 0.1, np.nan, sanity.UNCHANGED])
    magnitude_rank = np.array([0.2, 0.9, 0.69, np.nan, np.nan])
    similarity = stability.Similarity(rank, magnitude_rank, nothing, nothing)
    assert sanity.unchanged(similarity).tolist() == [True, True, False, False, True]


def test_a_network_of_permuted_labels_is_compared_film_by_film():
    one, other = learned(0), learned(1)
    same = sanity.label_randomisation(one, one, films(), labels(), features)
    assert same.rank == pytest.approx(1)
    ours = sanity.label_randomisation(one, other, films(), labels(), features)
    maps = [stability.mapped(features, network, films(), labels()) for network in (one, other)]
    assert (ours.ssim == stability.compare(*maps).ssim).all()
    assert (ours.rank < 1).all()


def test_a_map_that_is_the_same_for_every_label_explains_none():
    others = (labels() + 1) % 3
    blind = sanity.class_discrimination(learned(), films(), labels(), others, features)
    assert blind.rank == pytest.approx(1)

    def signed(network, images, labels):
        """Evidence for one label alone: the feature map under its row of weights."""
        with torch.inference_mode():
            weights = network.head.linear.weight[labels]
            weights = weights - network.head.linear.weight.mean(0)
            return torch.einsum("nk,nkhw->nhw", weights, network.body(images))

    telling = sanity.class_discrimination(learned(), films(), labels(), others, signed)
    maps = [stability.mapped(signed, learned(), films(), asked) for asked in (labels(), others)]
    assert (telling.rank == stability.compare(*maps).rank).all()
    assert telling.rank.min() < 0


def test_a_film_cannot_be_asked_twice_about_one_label():
    with pytest.raises(SpondylError, match="the same"):
        sanity.class_discrimination(learned(), films(), labels(), torch.tensor([1, 1, 0]), cam)
