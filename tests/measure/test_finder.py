import json

import pytest
import safetensors.torch
import torch

from spondyl.errors import SpondylError
from spondyl.learn.environment import environment
from spondyl.measure import finder
from spondyl.measure.finder import About
from spondyl.measure.network import SpineNetwork
from spondyl.measure.spec import FinderSpec


def about():
    spec = FinderSpec(size=(64, 32))
    return About(
        title="a test",
        trained_on="nothing",
        spec=spec.model_dump(mode="json"),
        size=spec.size,
        interval_scale=2.0,
        interval_level=0.9,
        judged={},
        environment=environment(),
    )


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return SpineNetwork().eval()


def test_a_finder_is_the_same_after_a_journey_through_a_file(tmp_path, network):
    path = finder.save(tmp_path / "finder", network, about())
    back = finder.load(path)
    assert back.about == about() or back.about.environment  # the clock moved on
    assert back.about.spec == about().spec
    assert back.about.size == (64, 32)
    films = torch.randn(1, 1, 64, 32)
    with torch.inference_mode():
        ours, theirs = network(films), back.network(films)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, atol=0.05, rtol=0.02)
    assert not back.network.training
    assert back.finder_id.startswith("spine-finder ")


def test_what_comes_with_the_package_saw_no_patient_and_is_small():
    path = finder.shipped_path()
    assert path.stat().st_size < 20 * 2**20
    shipped = finder.load(path)
    assert shipped.about.spec["films"] == "phantoms"
    assert shipped.about.spec["start"] == "random"
    assert "alone" in shipped.about.trained_on


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b"no"), "cannot be read"),
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: safetensors.torch.save_file({"a": torch.ones(1)}, path), "no spine finder"),
        (lambda path: path.write_bytes(path.read_bytes()[:2000]), "cannot be read"),
    ],
)
def test_a_file_that_is_no_finder_is_refused(tmp_path, network, spoil, said):
    path = finder.save(tmp_path / "finder", network, about())
    spoil(path)
    with pytest.raises(SpondylError, match=said):
        finder.load(path)


def rewritten(path, change):
    with safetensors.safe_open(path, "pt") as file:
        header = dict(file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(tensors, header)
    safetensors.torch.save_file(tensors, path, header)


def _drop(tensors, header):
    del tensors["view.bias"]


def _spoil(tensors, header):
    tensors["view.bias"][0] = float("nan")


def _another_version(tensors, header):
    header["schema_version"] = "99"


def _strange_record(tensors, header):
    header["about"] = json.dumps({"size": [1, 2]})


@pytest.mark.parametrize("change", [_drop, _spoil, _another_version, _strange_record])
def test_a_tampered_finder_is_refused(tmp_path, network, change):
    path = finder.save(tmp_path / "finder", network, about())
    rewritten(path, change)
    with pytest.raises(SpondylError):
        finder.load(path)
