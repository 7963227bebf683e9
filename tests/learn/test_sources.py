"""Heads trained on stored views, and classes that weigh differently."""

from pathlib import Path

import numpy as np
import pytest
import torch

from spondyl.errors import SpondylError
from spondyl.learn import networks, probe, sources, training
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.sources import Films
from spondyl.learn.spec import parse_spec
from spondyl.learn.training import Part

NOWHERE = Path("no such folder") / "checkpoint"
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
    content = {"networks": ["test_resnet:layer2"], "strategies": ["feature-extraction"]}
    small = {"size": [32, 32], "batch_size": 4, "epochs": 3, "learning_rate": 0.01}
    return parse_spec({**content, **small, **changes}, "test")


@pytest.fixture
def network():
    return networks.build("test_resnet:layer2", 3, seed=0)


@pytest.fixture
def part():
    images = torch.rand(10, 1, 32, 32, generator=torch.Generator().manual_seed(1)).half()
    return Part(images, torch.arange(10) % 3)


def draws():
    return torch.Generator().manual_seed(3)


def test_the_first_stored_view_is_the_plain_film_and_the_others_are_not(network, part):
    films = Films(part.images, part.labels, spec(), torch.device("cpu"))
    views = sources.stored(network, films, 2, draws())
    with torch.inference_mode():
        plain = torch.cat([network.body(batch()).mean(dim=(2, 3)) for batch in films.plain(4)])
    assert views.features.shape == (3, 10, network.n_channels)
    assert torch.allclose(views.features[0], plain, atol=1e-5)
    assert not torch.allclose(views.features[1], plain, atol=1e-3)
    assert not torch.allclose(views.features[1], views.features[2], atol=1e-3)


def test_a_step_draws_augmented_views_only_and_each_film_its_own(network, part):
    films = Films(part.images, part.labels, spec(), torch.device("cpu"))
    views = sources.stored(network, films, 3, draws())
    rows = torch.arange(10)
    batch = views.inputs(views.draw(rows, [10], draws()))
    chosen = [
        [torch.equal(batch[i], views.features[view, i]) for view in range(4)] for i in range(10)
    ]
    assert not any(of_film[0] for of_film in chosen)
    assert all(sum(of_film) == 1 for of_film in chosen)
    assert len({of_film.index(True) for of_film in chosen}) > 1


def test_without_augmentation_stored_views_train_the_same_head(part):
    heads = []
    for views in (0, 1):
        network = networks.build("test_resnet:layer2", 3, seed=0)
        settings = spec(views=views, **STILL)
        training.train(network, network.head, part, part, settings, 5, fabric_on("cpu"), NOWHERE)
        heads.append(network.head.state_dict())
    # The order of the films is drawn first, so both see the same batches.
    for key, tensor in heads[0].items():
        assert torch.allclose(tensor, heads[1][key], atol=2e-3)


def test_training_on_stored_views_leaves_the_body_as_it_was(part):
    network = networks.build("test_resnet:layer2", 3, seed=0)
    before = {name: tensor.clone() for name, tensor in network.body.state_dict().items()}
    head = network.head.linear.weight.clone()
    training.train(network, network.head, part, part, spec(views=2), 5, fabric_on("cpu"), NOWHERE)
    assert all(torch.equal(before[n], t) for n, t in network.body.state_dict().items())
    assert not torch.equal(head, network.head.linear.weight)


def test_balanced_weights_are_n_over_classes_times_films():
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2])
    weights = training.class_weights(labels, 3, spec(class_weights="balanced"))
    assert weights.tolist() == pytest.approx([7 / 12, 7 / 6, 7 / 3])
    assert training.class_weights(labels, 3, spec()).tolist() == [1, 1, 1]


def test_a_balanced_probe_is_the_probe_of_films_repeated_to_balance():
    draw = np.random.default_rng(0)
    features = draw.normal(size=(40, 6)).astype(np.float32)
    labels = np.array([0] * 30 + [1] * 10)
    (balanced,) = probe.solve(features, labels, 2, (1.0,), balanced=True)
    x = (features - features.mean(0)) / features.std(0)
    weight = np.where(labels == 0, 40 / 60, 40 / 20)
    p = np.exp(balanced.logits(features))
    p /= p.sum(axis=1, keepdims=True)
    # At the optimum Σ weight (onehot − p) x is the penalty's gradient; two rows share a binary w.
    w = (balanced.weight[1] - balanced.weight[0]) * features.std(0)
    residual = weight * (labels - p[:, 1])
    assert np.allclose(w, 1.0 * x.T @ residual, atol=1e-3)


def test_a_training_whose_loss_is_no_number_is_refused(network, part):
    wild = spec(learning_rate=10.0, learning_rate_floor=0.0)
    broken = Part(torch.full_like(part.images, float("nan")), part.labels)
    with pytest.raises(SpondylError, match="the loss is nan") as refused:
        training.train(network, network.head, broken, broken, wild, 0, fabric_on("cpu"), NOWHERE)
    assert "learning_rate" in refused.value.hint
