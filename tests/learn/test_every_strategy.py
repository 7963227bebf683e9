"""Every strategy on a network of every kind of head: it trains, goes on after it was killed,
explains, travels in a bundle, and leaves it as a graph (that every network of the table can is
tested in `tests/reading/test_export_every_network.py`).

A new strategy is a row of `ROWS`; a test fails for one that has none.
"""

import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.explain import explaining
from spondyl.learn import conduct, networks, training
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.architectures.odd_families import VGG
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.networks import Architecture
from spondyl.learn.outcome import Configuration
from spondyl.learn.strategies import STRATEGIES
from spondyl.progress import silently
from spondyl.reading import assembling
from spondyl.reading.exporting import exporting
from spondyl.reading.storing import Terms

NETWORKS = ("test_resnet:layer2", "test_vit", "small_vgg")
"""A pooled head, a class token, dense layers."""
ROWS = {
    "probe": {},
    "random-features": {},
    "feature-extraction": {"views": 2},
    "fine-tuning": {},
    "scratch": {},
    "two-stage": {"views": 2, "second_epochs": 3},
    "pseudo-labels": {},
    "fixmatch": {"fixmatch_ratio": 1},
}
"""What the spec of each strategy has beside what all have."""
ELSEWHERE = {"zero-shot": "tests/learn/test_zero_shot.py"}
"""Strategies that need a network of their own kind, and where they are tested as here."""
COMMON = {"epochs": 3, "find_duplicates": False, "learning_rate": 0.003}


class Killed(BaseException):
    """What ends a study here, as a signal would."""


class SmallVgg(nn.Module):
    """VGG in small: blocks that end in a pooling, averages, dense layers with dropout."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 8, 3, padding=1, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(2)
        self.classifier = nn.Sequential(
            *(nn.Linear(48, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, 1000))
        )


class Small(Architecture):
    """`SmallVgg` as an architecture."""

    def build(self):
        return SmallVgg()


@pytest.fixture(scope="module", autouse=True)
def small_vgg():
    """The table has a network with dense layers that is quick."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(networks.ARCHITECTURES, "small_vgg", Small("small_vgg", VGG, "timm"))
        yield


@pytest.fixture(autouse=True)
def checkpoint_after_every_epoch(monkeypatch):
    train = training.train
    always = {"checkpoint_seconds": 0}
    monkeypatch.setattr(training, "train", lambda *some, **more: train(*some, **always, **more))


@pytest.fixture(scope="module")
def bodies(tmp_path_factory):
    """A file of weights for each network, as its library names them."""
    folder = tmp_path_factory.mktemp("bodies")
    for name in NETWORKS:
        architecture = networks.parse(name).architecture
        with torch.random.fork_rng():
            torch.manual_seed(1)
            held = architecture.build().state_dict()
        safetensors.torch.save_file(held, folder / f"{architecture.name}.safetensors")
    return folder


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Films that are in no cohort."""
    folder = tmp_path_factory.mktemp("pool") / "drawn"
    return output.save(folder, drawing.cohort(9, 99, size=(64, 48))) / "films"


@pytest.fixture(scope="module")
def uneven(films, tmp_path_factory):
    """The films without most of the normal ones."""
    folder = tmp_path_factory.mktemp("uneven") / "films"
    shutil.copytree(films, folder)
    for film in sorted((folder / "normal").glob("*.png"))[4:]:
        film.unlink()
    return folder


@pytest.fixture(scope="module")
def run_in(spec_of, films, bodies, pool):
    """A function that runs a strategy on a network in a folder, to its end unless a track kills
    it, and gives the study."""

    def go(folder, network, strategy, track=silently):
        spec = spec_of(networks=[network], strategies=[strategy], **COMMON, **ROWS[strategy])
        base = network.partition(":")[0]
        given = STRATEGIES[strategy].initial == "given"
        weights = {base: bodies / f"{base}.safetensors"} if given else {}
        more = pool if STRATEGIES[strategy].needs_unlabelled else None
        study = conduct.begin(spec, films, folder / "run", weights, unlabelled=more)
        conduct.run(study, folder / "cache", fabric_on("cpu"), track)
        return studies.load(folder / "run")

    return go


def left_in(study):
    """The bytes of all that is determined by films, spec and weights."""
    return {
        f"{home.name}/{name}": (home / name).read_bytes()
        for home in study.trials_folder.glob("[!.]*")
        for name in (trials.PREDICTIONS, trials.TENSORS)
    }


def killed_amid(work):
    """A track that ends the study before the second item of such work."""

    def track(items, doing, total=None):
        for number, item in enumerate(items):
            if doing.startswith(work) and number == 1:
                raise Killed
            yield item

    return track


def test_every_strategy_has_a_row_here():
    assert {*ROWS, *ELSEWHERE} == set(STRATEGIES)
    assert not ROWS.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("strategy", ROWS)
def test_it_learns_goes_on_after_a_kill_explains_and_is_exported(
    run_in, network, strategy, tmp_path
):
    undisturbed = run_in(tmp_path / "undisturbed", network, strategy)
    work = "features of" if STRATEGIES[strategy].how == "solved" else "training"
    with pytest.raises(Killed):
        run_in(tmp_path / "killed", network, strategy, killed_amid(work))
    assert left_in(run_in(tmp_path / "killed", network, strategy)) == left_in(undisturbed)

    (configuration,) = undisturbed.spec.configurations
    first = undisturbed.trials(configuration)[0]
    folder, spec, files = undisturbed.trials_folder, undisturbed.spec, undisturbed.files
    restored = trials.restore(first, folder, spec, files)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        said = restored(images)
    maps = explaining.explain_labels(restored, images).signed
    assert maps.shape[:2] == (2, 3)
    assert maps.isfinite().all()
    assert maps.any()

    bundle = assembling.assemble(
        *(undisturbed.folder, configuration, tmp_path / "bundle", lambda bundle: "# A card\n"),
        Terms(alpha=0.3),
    )
    with torch.inference_mode():
        assert torch.equal(bundle.network(0, torch.device("cpu"))(images), said)

    if restored.ends_in_attention:
        with pytest.raises(SpondylError, match="last attention"):
            exporting.export(bundle, tmp_path / "reader.onnx")
        return
    # A graph is left only where it answers and explains drawn films as the bundle does.
    exporting.export(bundle, tmp_path / "reader.onnx")
    assert (tmp_path / "reader.onnx").is_file()


@pytest.mark.parametrize("network", NETWORKS)
def test_a_restored_network_says_what_the_trial_wrote(run_in, network, prepared, tmp_path):
    study = run_in(tmp_path, network, "two-stage")
    configuration = Configuration(network, "two-stage", "nested")
    finished = study.finished(configuration)[0]
    trial = study.trials(configuration)[0]
    restored = trials.restore(trial, study.trials_folder, study.spec, study.files)
    rows = prepared.rows(trial.parts.test)
    cpu = torch.device("cpu")
    said = training.predict(restored, prepared.images, study.spec, cpu, rows).double().numpy()
    assert np.allclose(said, finished.predictions.logits, atol=1e-5)


@pytest.mark.parametrize("strategy", ROWS)
def test_balanced_class_weights_count_in_it(spec_of, bodies, pool, uneven, strategy, tmp_path):
    given = {"test_resnet": bodies / "test_resnet.safetensors"}
    more = pool if STRATEGIES[strategy].needs_unlabelled else None
    left = []
    for weights in ("none", "balanced"):
        asked = {**COMMON, **ROWS[strategy], "only_folds": [0], "class_weights": weights}
        spec = spec_of(networks=[NETWORKS[0]], strategies=[strategy], **asked)
        needed = given if STRATEGIES[strategy].initial == "given" else {}
        study = conduct.begin(spec, uneven, tmp_path / weights, needed, unlabelled=more)
        conduct.run(study, tmp_path / "cache", fabric_on("cpu"))
        (done,) = study.finished(spec.configurations[0])
        left.append(done.predictions.probabilities)
    plain, balanced = left
    assert not np.allclose(plain, balanced)
