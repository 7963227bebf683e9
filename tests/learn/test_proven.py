"""Weights that were proven to load: when no network is built again, and when one is."""

import shutil

import pytest
import safetensors.torch

from spondyl.errors import SpondylError
from spondyl.learn import conduct, materials, networks, predictions, proven, weights
from spondyl.learn import study as studies

NETWORK = "test_resnet"


class BuiltError(Exception):
    """A network was built."""


@pytest.fixture
def file(weights_of):
    return weights_of(seed=3)


@pytest.fixture
def probe(spec_of):
    return spec_of(strategies=["probe"])


@pytest.fixture
def prove(probe, tmp_path):
    """A function that proves that a file fills the network of `probe`."""

    def asked(path, spec=probe, cache=tmp_path / "cache"):
        (configuration,) = spec.configurations
        found = weights.find(configuration.network, weights.given({NETWORK: path}))
        return proven.prove(configuration, spec, {configuration.network: found}, cache)

    return asked


@pytest.fixture
def nothing_is_built(monkeypatch):
    """A function after which whoever builds a network fails."""

    def refuse(*_):
        raise BuiltError

    return lambda: monkeypatch.setattr(networks, "build", refuse)


def test_a_second_study_of_films_and_weights_that_are_known_builds_no_network(
    probe, films, file, fabric, tmp_path, nothing_is_built
):
    def predicted(name):
        cache = tmp_path / "cache"
        study = conduct.begin(probe, films, tmp_path / name, {NETWORK: file}, cache=cache)
        conduct.run(study, cache, fabric)
        (outcome,) = studies.load(tmp_path / name).outcomes()
        return predictions.as_csv(outcome.predictions), outcome.weights

    first = predicted("first")
    nothing_is_built()
    assert predicted("second") == first


def test_what_is_remembered_of_a_file_is_what_its_tensors_said(prove, file, nothing_is_built):
    first = prove(file)
    nothing_is_built()
    again = prove(file)
    assert (again.name, again.n_channels, again.record) == (
        first.name,
        first.n_channels,
        first.record,
    )
    assert first.record.n_loaded > 0
    assert first.record.sha256 == weights.sha256_of_file(file)


def test_the_body_of_a_network_that_was_remembered_has_the_file_s_tensors(prove, file, probe):
    prove(file)
    body = prove(file).body.state_dict()
    (configuration,) = probe.configurations
    found = weights.find(configuration.network, {NETWORK: file})
    built, _ = materials.initial_network(
        configuration, probe, {configuration.network: found}, seed=9
    )
    assert all(bool((body[name] == there).all()) for name, there in built.body.state_dict().items())


def test_without_a_cache_every_proof_is_made_anew(prove, file, nothing_is_built):
    prove(file, cache=None)
    nothing_is_built()
    with pytest.raises(BuiltError):
        prove(file, cache=None)


@pytest.mark.parametrize(
    "change",
    ["other tensors", "another name", "another strategy", "more labels", "another library"],
)
def test_whatever_decides_how_tensors_fill_a_network_is_proven_by_itself(
    change, prove, file, spec_of, weights_of, tmp_path, monkeypatch, nothing_is_built
):
    prove(file)
    spec = spec_of(strategies=["probe"])
    if change == "other tensors":
        file = weights_of(seed=4)
    elif change == "another name":
        file = shutil.copy(file, tmp_path / "called-otherwise.safetensors")
    elif change == "another strategy":
        spec = spec_of(strategies=["feature-extraction"])
    elif change == "more labels":
        spec = spec_of(strategies=["probe"], labels=["normal", "scoliosis"])
    else:
        monkeypatch.setattr(proven, "version", lambda package: f"{package} of next year")
    nothing_is_built()
    with pytest.raises(BuiltError):
        prove(file, spec)


def test_a_file_that_does_not_fit_is_refused_as_often_as_it_is_given(prove, file, tmp_path):
    tensors = safetensors.torch.load_file(file)
    del tensors[min(tensors)]
    lacking = tmp_path / "lacking.safetensors"
    safetensors.torch.save_file(tensors, lacking)
    for _ in range(2):
        with pytest.raises(SpondylError, match="lacks 1 of"):
            prove(lacking)


@pytest.mark.parametrize("text", ["", "[]", '{"n_channels": "many"}', '{"n_channels": 8}'])
def test_a_proof_that_was_damaged_is_made_again(text, prove, file, tmp_path):
    first = prove(file)
    (kept,) = (tmp_path / "cache" / "proven").iterdir()
    kept.write_text(text)
    assert prove(file).record == first.record
    assert prove(file).n_channels == first.n_channels


def test_nothing_is_kept_of_networks_that_were_drawn_at_random(spec_of, tmp_path):
    spec = spec_of(strategies=["random-features"])
    (configuration,) = spec.configurations
    drawn = proven.prove(configuration, spec, {}, tmp_path / "cache")
    assert drawn.record.source == "random"
    assert not (tmp_path / "cache").exists()
