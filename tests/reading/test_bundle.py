"""A bundle is the networks of a study, whole and checked, and nothing else will pass for one."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch

from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.learn import conduct, networks
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Configuration
from spondyl.learn.preprocess import prepare
from spondyl.learn.spec import parse_spec
from spondyl.reading import assembling, opening
from spondyl.trust.answers.calibration import temperature

CPU = torch.device("cpu")
NETWORK = "test_resnet:layer2"
STRATEGIES = ("probe", "random-features", "scratch")
CONTENT = {
    **{"networks": [NETWORK], "strategies": list(STRATEGIES), "folds": 2, "epochs": 1},
    **{"size": [32, 32], "batch_size": 8, "find_duplicates": False, "heatmaps": "none"},
}


def card(bundle):
    """A model card; what stands in a real one is the report's."""
    return f"# {bundle.configuration}\n"


def configuration(strategy):
    return Configuration(NETWORK, strategy, "nested")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a finished study; its initial weights lie beside it."""
    folder = tmp_path_factory.mktemp("study")
    films = output.save(folder / "drawn", drawing.cohort(30, 0, size=(64, 48))) / "films"
    body = networks.build("test_resnet", 3, seed=1).body.state_dict()
    file = folder / "weights.safetensors"
    safetensors.torch.save_file({k: v.contiguous() for k, v in body.items()}, file)
    spec = parse_spec(CONTENT, "a test's spec")
    study = conduct.begin(spec, films, folder / "run", {"test_resnet": file})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    return folder / "run"


@pytest.fixture(scope="module")
def study(run):
    return studies.load(run)


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    """{strategy: the folder of its bundle}."""
    root = tmp_path_factory.mktemp("bundles")
    for strategy in STRATEGIES:
        assembling.assemble(run, configuration(strategy), root / strategy, card)
    return {strategy: root / strategy for strategy in STRATEGIES}


@pytest.fixture
def copied(made, tmp_path):
    """A copy of one bundle, to do harm to."""
    return shutil.copytree(made["scratch"], tmp_path / "copied")


def rewritten(folder, change):
    """Changes `bundle.json` and gives it the id that its content then calls for."""
    document = json.loads((folder / "bundle.json").read_text())
    change(document)
    content = {k: v for k, v in document.items() if k not in ("bundle_id", "created")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    document["bundle_id"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(document))


def with_tensors(folder, change):
    """Changes the tensors of the first network, and all hashes with them."""
    file = folder / "weights-0.safetensors"
    tensors = safetensors.torch.load_file(file)
    safetensors.torch.save_file(change(tensors), file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    rewritten(folder, lambda document: document["members"][0].update(sha256=digest))


def test_a_bundle_is_one_json_and_what_it_names(made):
    every = {"bundle.json", "calibration.safetensors", "model-card.md"}
    weights = {"weights-0.safetensors", "weights-1.safetensors"}
    for strategy, folder in made.items():
        shared = set() if strategy == "scratch" else {"body.safetensors"}
        assert {path.name for path in folder.iterdir()} == every | weights | shared


def test_a_frozen_body_is_stored_once_and_is_one_module_in_memory(made):
    opened = opening.load(made["probe"])
    first, second = opened.networks(CPU).values()
    assert first.body is second.body
    assert first.head is not second.head
    held = safetensors.torch.load_file(made["probe"] / "weights-0.safetensors")
    assert all(name.startswith("head.") for name in held)
    assert not opening.load(made["scratch"]).shares_body


def test_temperature_and_thresholds_are_those_of_the_out_of_fold_predictions(made, study):
    for strategy, folder in made.items():
        opened = opening.load(folder)
        (outcome,) = (o for o in study.outcomes() if o.configuration.strategy == strategy)
        table = outcome.predictions
        assert np.array_equal(opened.calibration_set.logits, table.logits)
        assert np.array_equal(opened.calibration_set.truth, table.truth)
        value, bound = temperature(table.logits, table.truth)
        value = 1.0 if bound == "lowest" else value
        assert opened.calibration.temperature == pytest.approx(value)


def test_what_it_was_trained_on_is_counted(made, study):
    counted = opening.load(made["probe"]).trained_on
    assert counted.n_films == 30
    assert dict(counted.labels) == study.cohort.counts
    assert sum(sum(of.values()) for of in counted.views.values()) == 30


def test_too_few_films_aside_give_no_detector_and_the_reason(made):
    opened = opening.load(made["probe"])
    for member in opened.members:
        assert opened.detector(member.fold) is None
        assert "too few for any film to be refused" in member.why_no_detector
    assert any("strange films are not refused" in line for line in opened.lines)


def test_its_model_card_travels_with_it(made):
    for strategy, folder in made.items():
        assert opening.load(folder).card == card(opening.load(folder))
        assert strategy in (folder / "model-card.md").read_text()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_its_networks_say_what_the_study_s_networks_said_of_their_test_films(made, study, strategy):
    films = prepare(study.cohort.radiographs, study.spec.preprocessing)
    opened = opening.load(made[strategy])
    (outcome,) = (o for o in study.outcomes() if o.configuration.strategy == strategy)
    for fold, network in zip(opened.folds, opened.networks(CPU).values(), strict=True):
        table = outcome.predictions.rows_of_fold(fold)
        images = films.images[films.rows(table.image_ids)]
        with torch.inference_mode():
            logits = network(opened.preprocessing.normalised(images)).numpy()
        assert np.abs(logits - table.logits).max() < 1e-4
        assert not network.training


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_tensor_is_there_bit_for_bit(made, study, strategy):
    opened = opening.load(made[strategy])
    for trial, network in zip(
        study.trials(configuration(strategy)), opened.networks(CPU).values(), strict=True
    ):
        theirs = trials.restore(trial, study.trials_folder, study.spec, study.files).state_dict()
        ours = network.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_labels_preparation_and_origin_travel_with_the_weights(made, study):
    opened = opening.load(made["probe"])
    assert opened.configuration == configuration("probe")
    assert opened.labels == study.cohort.labels
    assert opened.preprocessing == study.spec.preprocessing
    assert opened.spec == study.spec
    assert opened.cohort_sha256 == study.cohort.sha256
    assert opened.versions == study.facts["versions"]
    assert "not for diagnosis" in opened.intended_use
    for member, done in zip(opened.members, study.finished(configuration("probe")), strict=True):
        assert member.weights == done.weights
        assert member.weights.source == "file"
        assert member.trial_id == done.outcome.trial_id


def test_a_film_is_known_to_those_who_learned_from_it_and_to_those_it_judged(made, study):
    opened = opening.load(made["scratch"])
    for film in study.cohort.radiographs:
        learned, tested = [], []
        for number, fold in enumerate(study.splits.folds):
            if film.image_id in fold.test:
                tested.append(number)
            else:
                learned.append(number)
        assert opened.learned_from(film.file.sha256) == tuple(learned)
        assert opened.tested_on(film.file.sha256) == tuple(tested)
        assert len(tested) == 1
    assert opened.learned_from("0" * 64) == opened.tested_on("0" * 64) == ()


def test_a_bundle_names_no_film_and_no_place(made, study):
    text = (made["probe"] / "bundle.json").read_text()
    for film in study.cohort.radiographs:
        assert film.path.name not in text
        assert film.file.sha256 in text
    assert str(study.folder.parent) not in text


def test_one_study_gives_one_id_whenever_it_is_bundled(run, made, tmp_path):
    again = assembling.assemble(run, configuration("probe"), tmp_path / "again", card)
    first = opening.load(made["probe"])
    assert again.bundle_id == first.bundle_id
    for name in ("weights-0.safetensors", "weights-1.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (made["probe"] / name).read_bytes()


def test_a_date_is_no_part_of_the_id(copied):
    before = opening.load(copied).bundle_id
    rewritten(copied, lambda document: document.update(created="1896-01-01T00:00:00+00:00"))
    after = opening.load(copied)
    assert after.bundle_id == before
    assert after.created.startswith("1896")


def test_every_configuration_has_an_id_of_its_own(made):
    assert len({opening.load(folder).bundle_id for folder in made.values()}) == len(made)


def test_a_bundle_stands_without_the_study_and_the_weights_it_came_from(
    run, made, tmp_path, monkeypatch
):
    moved = shutil.copytree(made["probe"], tmp_path / "elsewhere")
    away = run.parent.with_name(f"{run.parent.name}-away")
    run.parent.rename(away)
    try:
        assert len(opening.load(moved).networks(CPU)) == 2
    finally:
        away.rename(run.parent)


def test_a_fold_that_is_not_there_is_refused_by_its_number(made):
    with pytest.raises(SpondylError, match="fold 2: not in the bundle") as refused:
        opening.load(made["scratch"]).network(2, CPU)
    assert "0, 1" in refused.value.hint


def changed_byte(name):
    """A change to the last byte of a file."""

    def change(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    return change


def edited(**changes):
    """A change to the JSON by someone who does not mend the id."""

    def change(folder):
        document = json.loads((folder / "bundle.json").read_text())
        (folder / "bundle.json").write_text(json.dumps(document | changes))

    return change


def mended(**changes):
    """The same by someone who does."""
    return lambda folder: rewritten(folder, lambda document: document.update(changes))


def tensors(change):
    return lambda folder: with_tensors(folder, change)


def poisoned(held):
    held["head.linear.weight"][0, 0] = float("nan")
    return held


HARM = {
    "no JSON": (lambda folder: (folder / "bundle.json").unlink(), "not a bundle"),
    "another schema": (edited(schema_version=1), "schema 1, this is 2"),
    "labels in another order": (
        edited(labels=["scoliosis", "normal", "spondylolisthesis"]),
        "changed since",
    ),
    "another use": (edited(intended_use="diagnosis"), "changed since"),
    "a key too many": (edited(note="mine"), "note"),
    "a list": (lambda folder: (folder / "bundle.json").write_text("[]"), "schema None"),
    "one bit of the weights": (
        changed_byte("weights-1.safetensors"),
        "weights-1.safetensors: changed since",
    ),
    "a fold's weights gone": (
        lambda folder: (folder / "weights-1.safetensors").unlink(),
        "weights-1.safetensors: missing",
    ),
    "one bit of the calibration set": (changed_byte("calibration.safetensors"), "changed since"),
    "a letter of the model card": (changed_byte("model-card.md"), "model-card.md: changed since"),
    "another temperature": (
        lambda folder: rewritten(
            folder, lambda document: document["calibration"].update(temperature=1.5)
        ),
        "make other answers than the bundle states",
    ),
    "a quorum that nothing reaches": (mended(quorum=2.0), "quorum"),
    "labels not of the study": (mended(labels=["a", "b", "c"]), "labels are not those"),
    "a network not of the study": (mended(network="test_resnet:layer1"), "configuration is not"),
    "a hash that is none": (mended(cohort_sha256="../../x"), "cohort_sha256"),
    "no networks": (mended(members=[]), "members"),
    "weights that are none": (
        lambda folder: [
            (folder / "weights-0.safetensors").write_bytes(b"weights"),
            rewritten(
                folder,
                lambda document: document["members"][0].update(
                    sha256=hashlib.sha256(b"weights").hexdigest()
                ),
            ),
        ],
        "not a safetensors file",
    ),
    "a tensor missing": (
        tensors(lambda held: {k: v for k, v in held.items() if k != "head.linear.bias"}),
        "lacks the tensor head.linear.bias",
    ),
    "a tensor too many": (
        tensors(lambda held: held | {"tail": torch.zeros(1)}),
        "holds the tensor tail",
    ),
    "a tensor of another shape": (
        tensors(lambda held: held | {"head.linear.bias": torch.zeros(4)}),
        r"head.linear.bias is \(4,\)",
    ),
    "a tensor of another type": (
        tensors(lambda held: held | {"head.linear.bias": torch.zeros(3).half()}),
        "float16",
    ),
    "a value that is no number": (tensors(poisoned), "head.linear.weight holds values that are"),
}


@pytest.mark.parametrize(("harm", "said"), HARM.values(), ids=HARM)
def test_what_was_tampered_with_is_refused(copied, harm, said):
    harm(copied)
    with pytest.raises(SpondylError, match=said) as refused:
        opening.load(copied)
    assert refused.value.hint


class TestMaking:
    """From a study's folder."""

    def test_of_several_configurations_one_must_be_named(self, run):
        with pytest.raises(SpondylError, match="3 configurations") as refused:
            assembling.choose(run)
        assert all(str(configuration(s)) in refused.value.message for s in STRATEGIES)
        assert assembling.choose(run, strategy="probe") == configuration("probe")

    def test_one_that_the_study_does_not_have_is_refused_with_those_it_has(self, run):
        with pytest.raises(SpondylError, match="no configuration") as refused:
            assembling.choose(run, network="vgg16")
        assert str(configuration("probe")) in refused.value.message

    def test_unfinished_folds_are_refused_and_leave_nothing(self, run, tmp_path):
        copy = shutil.copytree(run, tmp_path / "run")
        first, _ = studies.load(copy).trials(configuration("scratch"))
        shutil.rmtree(copy / "trials" / first.trial_id)
        with pytest.raises(SpondylError, match="1 of 2 folds finished"):
            assembling.assemble(copy, configuration("scratch"), tmp_path / "out", card)
        assert [path.name for path in tmp_path.iterdir()] == ["run"]

    @pytest.mark.parametrize(("content", "said"), [(None, "gone"), (b"other", "changed")])
    def test_initial_weights_that_are_not_the_study_s_are_refused(
        self, run, tmp_path, content, said
    ):
        copy = shutil.copytree(run, tmp_path / "run")
        document = json.loads((copy / "study.json").read_text())
        path = tmp_path / "initial.safetensors"
        document["weights"][NETWORK]["path"] = str(path)
        (copy / "study.json").write_text(json.dumps(document))
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(SpondylError, match=f"are {said}"):
            assembling.assemble(copy, configuration("probe"), tmp_path / "out", card)
        assert not (tmp_path / "out").exists()

    def test_what_breaks_half_way_leaves_nothing(self, run, tmp_path, monkeypatch):
        restore, calls = trials.restore, []

        def full_the_second_time(*given):
            calls.append(given)
            if len(calls) == 2:
                raise OSError("no space left")
            return restore(*given)

        monkeypatch.setattr(trials, "restore", full_the_second_time)
        with pytest.raises(OSError, match="no space"):
            assembling.assemble(run, configuration("scratch"), tmp_path / "out", card)
        assert len(calls) == 2
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_is_taken_is_refused_before_any_work(self, run, tmp_path):
        (tmp_path / "mine").write_text("mine")
        with pytest.raises(SpondylError, match="is there already"):
            assembling.assemble(run, configuration("scratch"), tmp_path, card)
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]
