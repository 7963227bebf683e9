"""ResNet-50 and VGG16 under the three strategies of the paper, as real trials on drawn films.

The films are small and there is one epoch, so nothing is said of how well they learn: what is
looked at is which tensors a training began with, and which of them it moved. VGG16's dense layers,
nine tenths of it, are in no file; they start at random, and the study has to say so.
"""

import hashlib
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision

from spondyl.learn import conduct, training

pytestmark = pytest.mark.slow  # half a minute of full-sized networks

NETWORKS = ("resnet50", "vgg16")
LAST = {"resnet50": ("fc.",), "vgg16": ("classifier.",)}
"""What is in no file of weights that is written here."""
STATISTICS = ("running_mean", "running_var")


def drawn(name, draws):
    """Values for a tensor of the library, tame enough for fifty layers of them."""

    def of(tensor):
        noise = torch.randn(tensor.shape, generator=draws)
        if name.endswith("running_var") or (name.endswith("weight") and tensor.ndim == 1):
            return 1 + 0.1 * noise.tanh()
        fan_in = tensor[0].numel() if tensor.ndim > 1 else 100
        return noise * (2 / fan_in) ** 0.5

    return of


def checkpoint(network, path):
    """Writes the body of a network under the library's names, in half precision, and gives back
    what a loader should make of it: {name in our network: digest}."""
    with torch.device("meta"):
        names = torchvision.models.get_model(network, weights=None).state_dict()
    draws = torch.Generator().manual_seed(len(network))
    tensors = {
        name: drawn(name, draws)(tensor).half()
        for name, tensor in names.items()
        if not name.startswith(LAST[network]) and not name.endswith("num_batches_tracked")
    }
    safetensors.torch.save_file(tensors, path)
    return {f"body.{k.removeprefix('features.')}": digest(v.float()) for k, v in tensors.items()}


def digest(tensor):
    return hashlib.sha256(tensor.detach().contiguous().numpy().data).hexdigest()


def digests(network):
    return {
        name: digest(tensor)
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


@pytest.fixture(scope="module")
def trained(spec_of, films, fabric, tmp_path_factory):
    """{(network, strategy): its finished trial, the digests of its tensors before and after the
    training}, with the files of weights and their digests."""
    folder = tmp_path_factory.mktemp("paper")
    files = {network: folder / f"{network}-of-a-test.safetensors" for network in NETWORKS}
    given = {network: checkpoint(network, path) for network, path in files.items()}
    spec = spec_of(
        networks=list(NETWORKS),
        strategies=["scratch", "feature-extraction", "fine-tuning"],
        **{"only_folds": [0], "epochs": 1, "batch_size": 32},
    )
    seen = []

    def watched(network, *rest, **more):
        before = digests(network)
        left = train(network, *rest, **more)
        seen.append((before, digests(network)))
        return left

    train = training.train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train", watched)
        study = conduct.begin(spec, films, folder / "run", files)
        conduct.run(study, folder / "cache", fabric)
    found = {}
    for configuration, (before, after) in zip(spec.configurations, seen, strict=True):
        (done,) = study.finished(configuration)
        (trial,) = study.trials(configuration)
        found[configuration.network, configuration.strategy] = SimpleNamespace(
            done=done,
            trial=trial,
            before=before,
            after=after,
            given=given[configuration.network],
            file=files[configuration.network],
            sha256=hashlib.sha256(files[configuration.network].read_bytes()).hexdigest(),
        )
    yield found
    shutil.rmtree(folder)  # VGG16 takes half a gigabyte for each strategy


def body(tensors):
    return {name: said for name, said in tensors.items() if name.startswith("body.")}


def moved(one):
    """Names of the tensors that the training changed."""
    return {name for name, said in one.before.items() if one.after[name] != said}


@pytest.mark.parametrize("network", NETWORKS)
def test_a_file_of_weights_holds_every_tensor_of_the_body(trained, network):
    one = trained[network, "fine-tuning"]
    assert one.given.keys() == body(one.before).keys()


@pytest.mark.parametrize("network", NETWORKS)
def test_feature_extraction_leaves_the_body_of_the_file_bit_for_bit(trained, network):
    one = trained[network, "feature-extraction"]
    assert body(one.before) == body(one.after) == one.given
    assert moved(one) == one.before.keys() - one.given.keys()


@pytest.mark.parametrize("network", NETWORKS)
def test_fine_tuning_starts_from_the_file_and_moves_every_tensor(trained, network):
    one = trained[network, "fine-tuning"]
    assert body(one.before) == one.given
    assert moved(one) == one.before.keys()


def test_batch_norm_statistics_stay_with_a_frozen_body_and_go_with_a_trained_one(trained):
    frozen, tuned = (trained["resnet50", s] for s in ("feature-extraction", "fine-tuning"))
    statistics = {name for name in frozen.given if name.endswith(STATISTICS)}
    assert len(statistics) == 2 * 53  # of every batch norm of ResNet-50
    assert statistics.isdisjoint(moved(frozen))
    assert statistics <= moved(tuned)


@pytest.mark.parametrize("network", NETWORKS)
def test_scratch_starts_from_nothing_that_is_in_the_file(trained, network):
    one = trained[network, "scratch"]
    assert all(said != one.given[name] for name, said in body(one.before).items())
    assert moved(one) == one.before.keys()


@pytest.mark.parametrize("strategy", ["feature-extraction", "fine-tuning"])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_record_names_the_file_its_hash_and_what_it_did_not_hold(trained, network, strategy):
    one = trained[network, strategy]
    record = one.done.weights
    assert (record.source, record.file, record.sha256) == ("file", one.file.name, one.sha256)
    assert (record.n_loaded, record.n_random) == (len(one.given), 0)
    dense = {"resnet50": (), "vgg16": ("classifier.0", "classifier.3")}
    assert record.random_parts == dense[network]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_record_of_scratch_says_random_and_names_no_file(trained, network):
    record = trained[network, "scratch"].done.weights
    assert (record.source, record.file, record.sha256) == ("random", "", "")
    assert record.n_loaded == 0


@pytest.mark.parametrize("strategy", ["scratch", "feature-extraction", "fine-tuning"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_test_film_is_predicted_and_every_epoch_told(trained, network, strategy):
    one = trained[network, strategy]
    assert one.done.predictions.image_ids == one.trial.parts.test
    assert np.isfinite(one.done.predictions.logits).all()
    (epoch,) = one.done.outcome.history
    assert epoch.epoch == 0
    assert np.isfinite([epoch.train_loss, epoch.tune_loss]).all()


@pytest.mark.parametrize("network", NETWORKS)
def test_what_a_trial_keeps_is_what_its_training_left(trained, network):
    one = trained[network, "feature-extraction"]
    kept = safetensors.torch.load_file(one.done.folder / "learned.safetensors")
    head = {name: said for name, said in one.after.items() if name.startswith("head.")}
    assert {f"head.{name}": digest(tensor) for name, tensor in kept.items()} == head
