"""Thirty drawn films and tiny networks, for everything that learns."""

import pytest
import safetensors.torch
from huggingface_hub import constants

from spondyl.data import cohort as cohorts
from spondyl.data.phantom import drawing, output
from spondyl.learn import networks
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.preprocess import prepare
from spondyl.learn.spec import parse_spec

NETWORK = "test_resnet:layer2"
SMALL = {
    "networks": [NETWORK],
    "strategies": ["random-features", "scratch"],
    "folds": 2,
    "epochs": 2,
    "size": [32, 32],
    "batch_size": 8,
    "heatmaps": "none",
}


@pytest.fixture(scope="session")
def spec_of():
    """A function that gives the spec of a small study, with the changes that it is asked for."""
    return lambda **changes: parse_spec(SMALL | changes, "a test's spec")


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """A folder of class folders with ten films of each label."""
    folder = tmp_path_factory.mktemp("drawn") / "cohort"
    return output.save(folder, drawing.cohort(30, 0, size=(64, 48))) / "films"


@pytest.fixture(scope="session")
def cohort(films):
    return cohorts.read(films)


@pytest.fixture(scope="session")
def prepared(cohort, spec_of):
    return prepare(cohort.radiographs, spec_of().preprocessing)


@pytest.fixture(scope="session")
def fabric():
    return fabric_on("cpu")


@pytest.fixture(scope="session")
def weights_of(tmp_path_factory):
    """A function that gives a file of weights for the small network, drawn from a seed."""

    def drawn(seed):
        path = tmp_path_factory.mktemp("weights") / f"seed{seed}.safetensors"
        body = networks.build("test_resnet", 3, seed).body.state_dict()
        safetensors.torch.save_file({k: v.contiguous() for k, v in body.items()}, path)
        return path

    return drawn


@pytest.fixture
def empty_library_cache(monkeypatch, tmp_path):
    """No weights are found in the user's own cache, whose place the hub reads at import."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
