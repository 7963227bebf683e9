"""What tests of explanations share."""

import pytest
import torch
from small_networks import NETWORKS


@pytest.fixture(scope="module", params=list(NETWORKS))
def network(request):
    return NETWORKS[request.param]().eval()


@pytest.fixture
def images(request):
    """Three films of noise; smaller ones for the networks whose maps are fine."""
    network = "network" in request.fixturenames and request.getfixturevalue("network")
    side = 32 if network and network.name.startswith(("swin", "densenet")) else 64
    return torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0))
