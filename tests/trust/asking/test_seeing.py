"""A shared body looks once, every other network for itself, and nobody can tell by the answers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_networks import dense, pooled

from spondyl.learn.preprocess import Preprocessing
from spondyl.trust.asking import questioning
from spondyl.trust.asking.seeing import Sight

HOW = Preprocessing(size=(64, 48))


@pytest.fixture
def images():
    draws = np.random.default_rng(0)
    return [draws.random((1, *HOW.size), np.float32) for _ in range(19)]


def passes(network):
    """Films that go through the body from now on, batch by batch."""
    counted = []
    network.body.register_forward_pre_hook(lambda _, inputs: counted.append(len(inputs[0])))
    return counted


def two_heads(make):
    """Networks of one body and different heads."""
    networks = [make().eval(), make().eval()]
    with torch.no_grad():
        for parameter in networks[1].head.parameters():
            parameter.mul_(-2)
    return networks


def looked(shares_body, make, names, images):
    networks = two_heads(make)
    counted = [passes(network) for network in networks]
    sight = Sight(SimpleNamespace(shares_body=shares_body), HOW)
    found = [sight.of(network, name, images) for network, name in zip(networks, names, strict=True)]
    for network, seen in zip(networks, found, strict=True):
        alone = questioning.seen(network, images, HOW)
        assert seen.logits == pytest.approx(alone.logits, abs=1e-5)
        assert seen.features == pytest.approx(alone.features, abs=1e-6)
    return [sum(one) - len(images) for one in counted]  # less those of asking alone


def test_a_shared_body_looks_once_at_images_of_one_name(images):
    assert looked(True, pooled, ("films", "films"), images) == [19, 0]


def test_images_of_another_name_are_looked_at_anew(images):
    assert looked(True, pooled, ("films", "noise"), images) == [19, 19]


@pytest.mark.parametrize(("shares_body", "make"), [(False, pooled), (True, dense)])
def test_other_bodies_and_heads_that_need_more_than_the_mean_look_for_themselves(
    shares_body, make, images
):
    assert looked(shares_body, make, ("films", "films"), images) == [19, 19]
