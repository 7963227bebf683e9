"""A vision-language model says which label's words a film is like, by its own rule, and is studied,
explained and read like any network. Models in small, in the published layout."""

import json
import pickle
import shutil
import socket
import sys

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F

from spondyl.errors import SpondylError
from spondyl.explain import sanity
from spondyl.explain.explaining import explain
from spondyl.learn import conduct
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Configuration
from spondyl.learn.preprocess import IMAGENET_MEAN, IMAGENET_STD
from spondyl.learn.vision_language import prompts, wording, zero_shot
from spondyl.learn.vision_language.published import Published
from spondyl.learn.vision_language.towers import TOWERS
from spondyl.reading import assembling, opening

open_clip = pytest.importorskip("open_clip", reason="the extra vision-language is not installed")
pytest.importorskip("transformers", reason="the extra vision-language is not installed")
import vision_language_files  # noqa: E402

LABELS = ("normal", "scoliosis", "spondylolisthesis")
KINDS = {
    "test_clip": vision_language_files.clip,
    "test_biomedclip": vision_language_files.biomedclip,
}
NAMES = {"normal": ["a normal spine"], "scoliosis": ["scoliosis"], "spondylolisthesis": ["slip"]}
TEMPLATES = ["this is a photo of {}", "x ray : {}"]


@pytest.fixture(scope="session", params=list(KINDS))
def model(request, tmp_path_factory):
    """(name of a tower, folder of a model with it)."""
    folder = tmp_path_factory.mktemp("models") / request.param
    return request.param, KINDS[request.param](folder)


@pytest.fixture
def clip(tmp_path):
    """The folder of a plain CLIP, to do harm to."""
    return vision_language_files.clip(tmp_path / "clip")


def spec_for(spec_of, name, **changes):
    size = TOWERS[name].size
    asked = {"networks": [name], "strategies": ["zero-shot"], "size": [size, size]}
    return spec_of(**asked | changes)


@pytest.fixture(scope="session")
def run(model, spec_of, films, tmp_path_factory):
    """(tower, model, folder of a finished study)."""
    name, folder = model
    home = tmp_path_factory.mktemp("study")
    study = conduct.begin(spec_for(spec_of, name), films, home / "run", {name: folder})
    conduct.run(study, home / "cache", fabric_on("cpu"))
    return name, folder, home / "run"


def whole(name, folder):
    """The model and its tokenizer as a user of open_clip would have them in that folder."""
    published = Published.at(folder, TOWERS[name])
    return wording._model(published).eval(), open_clip.get_tokenizer(f"local-dir:{folder}")


def network_of(run):
    """The finished network of the study's first fold."""
    study = studies.load(run[2])
    (configuration,) = study.spec.configurations
    trial = study.trials(configuration)[0]
    return trials.restore(trial, study.trials_folder, study.spec, study.files)


def films_of(name, n=3):
    """Greys (n, 3, side, side) in [0, 1], and the same normalised as our networks get them."""
    side = TOWERS[name].size
    greys = torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(3))
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return greys, (greys - mean) / std


def test_logits_are_open_clip_s_own_for_its_own_classifier(model, spec_of):
    name, folder = model
    spec = spec_for(spec_of, name, prompt_names=NAMES, prompt_templates=TEMPLATES)
    configuration = spec.configurations[0]
    file = conduct.weight_files.find(name, {name: folder})
    network, _ = zero_shot.initial_network(configuration, spec, {name: file}, 0)
    network.head = zero_shot.worded_head(configuration, spec, file)

    theirs, tokenizer = whole(name, folder)
    classifier = open_clip.build_zero_shot_classifier(
        theirs, tokenizer, [NAMES[label][0] for label in LABELS], TEMPLATES
    )
    greys, ours = films_of(name)
    mean, std = vision_language_files.MOMENTS["mean"], vision_language_files.MOMENTS["std"]
    seen = torch.stack([open_clip.transform.Normalize(mean, std)(film) for film in greys])
    with torch.inference_mode():
        features = F.normalize(theirs.encode_image(seen), dim=-1)
        expected = theirs.logit_scale.exp() * features @ classifier
        said = network.eval()(ours)
    assert torch.allclose(said, expected, atol=2e-3, rtol=1e-5)
    assert said.std() > 100 * (said - expected).abs().max()


def test_the_words_of_a_label_are_the_mean_of_every_template_with_every_name(model):
    name, folder = model
    names = {"a": ("normal spine", "straight"), "b": ("slip", "scoliosis", "curvature")}
    asked = prompts.asked(TEMPLATES, names, ("a", "b"))
    words = wording.worded(Published.at(folder, TOWERS[name]), asked).words
    theirs, tokenizer = whole(name, folder)
    for row, label in zip(words, "ab", strict=True):
        total = torch.zeros(len(row))
        for template in TEMPLATES:
            for said in names[label]:
                with torch.inference_mode():
                    (one,) = theirs.encode_text(tokenizer([template.replace("{}", said)]))
                total += one / one.norm()
        expected = total / total.norm() * theirs.logit_scale.exp().item()
        assert torch.allclose(row, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("clip_vit_b_32", "ViT-B-32"),
        ("clip_vit_b_16", "ViT-B-16"),
        ("clip_vit_b_32_quickgelu", "ViT-B-32-quickgelu"),
    ],
)
def test_open_clip_s_own_configurations_are_those_of_our_towers(name, theirs, tmp_path):
    (tmp_path / "open_clip_model.safetensors").touch()
    stated = {"model_cfg": open_clip.get_model_config(theirs), "preprocess_cfg": {}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(stated))
    assert Published.at(tmp_path, TOWERS[name]).tower.width == 512
    for other in TOWERS.keys() - {name}:
        with pytest.raises(SpondylError):
            Published.at(tmp_path, TOWERS[other])


def test_nothing_is_asked_of_the_network(model, monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    name, folder = model
    asked = prompts.asked(["{}"], {label: (label,) for label in LABELS}, LABELS)
    before = wording.constants.HF_HUB_OFFLINE
    assert wording.worded(Published.at(folder, TOWERS[name]), asked).words.shape == (3, 24)
    assert before == wording.constants.HF_HUB_OFFLINE


def test_nothing_is_learned_and_every_fold_has_the_same_network(run):
    study = studies.load(run[2])
    (configuration,) = study.spec.configurations
    held = [
        safetensors.torch.load_file(study.trials_folder / trial.trial_id / trials.TENSORS)
        for trial in study.trials(configuration)
    ]
    assert len(held) == 2
    assert all(torch.equal(held[0][name], held[1][name]) for name in held[0])
    (outcome,) = study.outcomes()
    assert not any(fold.history or fold.chosen for fold in outcome.folds)
    assert all("prompts: 12 for normal" in fold.how for fold in outcome.folds)
    assert not outcome.weights.n_random


def test_restored_it_says_what_it_said_in_its_fold(run, films):
    study = studies.load(run[2])
    (outcome,) = study.outcomes()
    network = network_of(run)
    prepared = conduct.prepare(study.cohort.radiographs, study.spec.preprocessing)
    with torch.inference_mode():
        said = network(study.spec.preprocessing.normalised(prepared.images))
    assert np.allclose(outcome.predictions.logits, said.numpy(), atol=5e-3)


def test_a_study_that_lost_a_trial_goes_on_to_the_same_end(run, films, tmp_path):
    name, folder, finished = run
    home = shutil.copytree(finished, tmp_path / "run")
    study = studies.load(home)
    (before,) = study.outcomes()
    trial = study.trials(before.configuration)[1]
    shutil.rmtree(study.trials_folder / trial.trial_id)
    again = conduct.begin(study.spec, films, home, {name: folder})
    assert conduct.unfinished(again) == [trial]
    conduct.run(again, tmp_path / "cache", fabric_on("cpu"))
    (after,) = studies.load(home).outcomes()
    assert np.array_equal(after.predictions.logits, before.predictions.logits)


def test_grad_cam_is_the_gradient_through_the_words_written_out_by_hand(run):
    name = run[0]
    network = network_of(run)
    _, images = films_of(name, 2)
    labels = [2, 0]
    block, norm, head = network.body[-2], network.body[-1], network.head
    tokens = network.body[:-2](images).detach()
    entering = block.norm1(tokens).detach().requires_grad_(True)
    n, n_tokens, channels = entering.shape
    heads = block.attn.num_heads
    queries, keys, values = (
        part.reshape(n, n_tokens, heads, -1).transpose(1, 2)
        for part in block.attn.qkv(entering).split(channels, dim=-1)
    )
    shares = (queries @ keys.transpose(-1, -2) / (channels // heads) ** 0.5).softmax(dim=-1)
    mixed = (shares @ values).transpose(1, 2).reshape(n, n_tokens, channels)
    out = tokens + block.attn.proj(mixed)
    out = out + block.mlp(block.norm2(out))
    placed = norm(out)[:, 0] @ head.projection.weight.T
    placed = placed / placed.norm(dim=1, keepdim=True)
    logits = placed @ head.words.weight.T
    sum(logits[row, label] for row, label in enumerate(labels)).backward()
    side = TOWERS[name].size // 16
    gradient, seen = entering.grad[:, 1:], entering.detach()[:, 1:]
    expected = (gradient.mean(dim=1, keepdim=True) * seen).sum(dim=-1).reshape(n, side, side)

    explained = explain(network, images, labels, "grad-cam").signed
    assert expected.abs().max() > 0
    assert torch.allclose(explained, expected, rtol=1e-3, atol=1e-4 * expected.abs().max())


def test_its_heatmaps_can_be_put_to_the_test_of_random_weights(run):
    network = network_of(run)
    fresh = sanity._fresh(network, 7)
    assert fresh.head.words.weight.shape == network.head.words.weight.shape
    assert not torch.equal(fresh.head.words.weight, network.head.words.weight)
    assert set(fresh.state_dict()) == set(network.state_dict())


def test_its_bundle_is_read_where_there_is_neither_open_clip_nor_a_text_tower(
    run, tmp_path, monkeypatch
):
    folder = tmp_path / "bundle"
    configuration = Configuration(run[0], "zero-shot", "nested")
    assembling.assemble(run[2], configuration, folder, lambda bundle: f"# {bundle.configuration}\n")
    for name in ("open_clip", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    opened = opening.load(folder)
    _, images = films_of(run[0])
    with torch.inference_mode():
        expected = network_of(run)(images)
        for network in opened.networks(torch.device("cpu")).values():
            assert torch.equal(network.eval()(images), expected)


def test_a_body_that_sees_otherwise_than_the_published_one_is_found_out(model, spec_of):
    name, folder = model
    spec = spec_for(spec_of, name)
    file = conduct.weight_files.find(name, {name: folder})
    network, _ = zero_shot.initial_network(spec.configurations[0], spec, {name: file}, 0)
    made = wording.worded(Published.at(folder, TOWERS[name]), zero_shot.prompts_of(spec))
    made.fill(network.head)
    made.prove(network.body.eval(), network.head, name)
    with torch.no_grad():
        network.body[-2].norm1.weight.mul_(1.05)
    with pytest.raises(SpondylError, match="see one picture"):
        made.prove(network.body, network.head, name)


def test_prompts_that_the_tower_cuts_off_or_cannot_tell_apart_are_refused(model):
    name, folder = model
    published = Published.at(folder, TOWERS[name])
    long = {"a": ("spine " * 60,), "b": ("slip",)}
    with pytest.raises(SpondylError, match="tokens"):
        wording.worded(published, prompts.asked(["{}"], long, ("a", "b")))
    same = {"a": ("slip",), "b": ("slip",)}
    with pytest.raises(SpondylError, match="read the same"):
        wording.worded(published, prompts.asked(["a {}"], same, ("a", "b")))


def test_films_of_another_size_than_the_tower_s_are_refused(clip, spec_of, films, tmp_path):
    spec = spec_for(spec_of, "test_clip", size=[96, 96])
    with pytest.raises(SpondylError, match="matches films of 64"):
        conduct.begin(spec, films, tmp_path / "run", {"test_clip": clip})


def test_a_checkpoint_that_runs_code_is_refused(clip, spec_of, films, tmp_path):
    (clip / "open_clip_model.safetensors").unlink()
    file = clip / "open_clip_pytorch_model.bin"
    file.write_bytes(pickle.dumps(_Evil(tmp_path / "ran")))
    with pytest.raises(SpondylError, match="without running code"):
        conduct.begin(spec_for(spec_of, "test_clip"), films, tmp_path / "run", {"test_clip": clip})
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_without_its_text_tower_is_refused_in_words(clip):
    file = clip / "open_clip_model.safetensors"
    held = safetensors.torch.load_file(file)
    safetensors.torch.save_file({k: v for k, v in held.items() if k.startswith("visual.")}, file)
    asked = prompts.asked(["{}"], {label: (label,) for label in LABELS}, LABELS)
    with pytest.raises(SpondylError, match="open_clip cannot make the model"):
        wording.worded(Published.at(clip, TOWERS["test_clip"]), asked)


class _Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return self.path.touch, ()
