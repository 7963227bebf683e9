"""The words for each label, and the files of a vision-language model: what is asked and refused
before any of it is loaded. Nothing here needs open_clip."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from spondyl.errors import SpondylError
from spondyl.learn import conduct, networks, weights
from spondyl.learn import study as studies
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.materials import initial_network
from spondyl.learn.outcome import Configuration
from spondyl.learn.preprocess import IMAGENET_MEAN, IMAGENET_STD
from spondyl.learn.vision_language import prompts, wording
from spondyl.learn.vision_language.published import Published
from spondyl.learn.vision_language.towers import TOWERS, Renormalising
from spondyl.learn.vision_language.zero_shot import prompts_of
from spondyl.report import words

LABELS = ("normal", "scoliosis", "spondylolisthesis")
ZERO_SHOT = {"networks": ["test_clip"], "strategies": ["zero-shot"], "size": [64, 64]}
VISION = {
    **{"image_size": 64, "layers": 6, "width": 64, "head_width": 32, "mlp_ratio": 3.0},
    "patch_size": 16,
}


def image_tower(folder, name="test_biomedclip", **changes):
    """A folder with an image tower alone, of random weights, and the configuration of a model."""
    folder.mkdir()
    body = networks.build(name, 3, seed=5).body.state_dict()
    tensors = {f"visual.trunk.{theirs(key)}": t.contiguous() for key, t in body.items()}
    tensors |= {"visual.head.proj.weight": torch.ones(24, 64), "logit_scale": torch.tensor(2.0)}
    safetensors.torch.save_file(tensors, folder / "open_clip_model.safetensors")
    vision = dict(TOWERS[name].vision) | {"image_size": TOWERS[name].size} | changes
    text = {"hf_model_name": "someone/some-bert", "hf_tokenizer_name": "someone/some-bert"}
    config(folder, {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text})
    return folder


def theirs(key):
    """What timm calls the tensor of a vision transformer that we call `key`."""
    block, _, rest = key.partition(".")
    if block.startswith("block"):
        return f"blocks.{int(block.removeprefix('block')) - 1}.{rest}"
    return key.removeprefix("embedding.")


def config(folder, model, **preprocess):
    stated = {"model_cfg": model, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(stated))


def test_prompts_are_every_template_with_every_name():
    said = prompts.asked(["a {}", "no {} here"], {"x": ("one", "two"), "y": ("three",)}, ("y", "x"))
    assert said.labels == ("y", "x")
    assert said.of_label("x") == ("a one", "a two", "no one here", "no two here")
    assert said.of_label("y") == ("a three", "no three here")
    assert "2 for y, 4 for x" in str(said)


def test_what_a_spec_leaves_unsaid_is_filled_in_and_stored(spec_of):
    spec = spec_of(**ZERO_SHOT, prompt_names={"normal": ["a healthy back"]})
    assert spec.prompt_names["normal"] == ("a healthy back",)
    assert "scoliosis" in spec.prompt_names["scoliosis"]
    assert "this is a photo of {}" in spec.prompt_templates
    assert set(spec.model_dump()["prompt_names"]) == set(LABELS)


def test_our_own_words_tell_the_three_labels_apart(spec_of):
    said = prompts_of(spec_of(**ZERO_SHOT))
    of_labels = [set(said.of_label(label)) for label in LABELS]
    assert all(len(one) > 4 for one in of_labels)
    assert len(set.union(*of_labels)) == sum(map(len, of_labels))


def test_other_words_make_other_trials_and_no_words_leave_the_old_ones(spec_of):
    ours, theirs = spec_of(**ZERO_SHOT), spec_of(**ZERO_SHOT, prompt_templates=["{}"])
    assert ours.learning() != theirs.learning()
    assert prompts_of(ours).sha256 != prompts_of(theirs).sha256
    without = spec_of()
    assert not any(key.startswith("prompt") for key in (*without.learning(), *without.substance()))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompt_templates": ["no place"]}, "needs one {}"),
        ({"labels": ["normal", "kyphosis"]}, "nothing is said of 'kyphosis'"),
        ({"prompt_names": {"scoliosis": []}}, "nothing is said of 'scoliosis'"),
        ({"prompt_names": {"lordosis": ["x"]}}, "lordosis is none of the labels"),
        ({"networks": ["test_resnet"]}, "none knows texts"),
        ({"strategies": ["probe"], "prompt_templates": ["{}"]}, "only zero-shot reads prompts"),
    ],
)
def test_prompts_that_cannot_be_meant_are_refused(spec_of, changes, said):
    with pytest.raises(SpondylError, match=said):
        spec_of(**ZERO_SHOT | changes)


def test_zero_shot_stands_for_networks_that_know_texts_and_no_others(spec_of):
    both = {"networks": ["test_clip", "test_resnet"], "strategies": ["probe", "zero-shot"]}
    spec = spec_of(**ZERO_SHOT | both, protocols=["nested", "paper"])
    assert [str(one) for one in spec.configurations if one.strategy == "zero-shot"] == [
        "test_clip · zero-shot · nested"
    ]


def test_a_tower_gets_films_normalised_as_it_learned_them():
    mean, std = (0.48, 0.45, 0.40), (0.26, 0.25, 0.27)
    renormalising = Renormalising()
    films = torch.rand(2, 3, 5, 4, dtype=torch.float64)
    ours, its = (
        (films - torch.tensor(m).view(1, 3, 1, 1)) / torch.tensor(s).view(1, 3, 1, 1)
        for m, s in ((IMAGENET_MEAN, IMAGENET_STD), (mean, std))
    )
    assert torch.equal(renormalising(ours), ours)
    renormalising.load_state_dict(Renormalising.tensors_of(mean, std))
    assert torch.allclose(renormalising(ours), its, atol=1e-6)


def test_an_image_tower_alone_is_enough_for_a_probe(spec_of, films, tmp_path):
    folder = image_tower(tmp_path / "model")
    spec = spec_of(networks=["test_biomedclip"], strategies=["probe"])
    study = conduct.begin(spec, films, tmp_path / "run", {"test_biomedclip": folder})
    conduct.run(study, tmp_path / "cache", fabric_on("cpu"))
    (outcome,) = studies.load(tmp_path / "run").outcomes()
    assert outcome.predictions is not None
    assert outcome.weights.file == "open_clip_model.safetensors"
    assert not outcome.weights.n_random
    network, _ = initial_network(outcome.configuration, spec, study.files, 0)
    expected = networks.build("test_biomedclip", 3, seed=5).body.state_dict()
    held = network.body.state_dict()
    same = [torch.equal(held[n], t) for n, t in expected.items() if "renormalising" not in n]
    assert all(same)
    assert len(same) == len(expected) - 2
    assert held["renormalising.scale"].flatten()[0] == pytest.approx(0.229 / 0.26862954)


def test_biomedclip_s_own_configuration_is_that_of_our_tower(tmp_path):
    vision = {
        **{"timm_model_name": "vit_base_patch16_224", "timm_model_pretrained": False},
        **{"timm_pool": "", "timm_proj": "linear", "image_size": 224},
    }
    (tmp_path / "open_clip_pytorch_model.bin").touch()
    config(tmp_path, {"embed_dim": 512, "vision_cfg": vision, "text_cfg": {}}, std=[0.2, 0.3, 0.4])
    published = Published.at(tmp_path, TOWERS["biomedclip"])
    assert published.mean == (0.48145466, 0.4578275, 0.40821073)  # open_clip's, where none is said
    assert published.std == (0.2, 0.3, 0.4)


def test_the_report_says_every_prompt_and_that_nothing_was_learned(spec_of):
    spec = spec_of(**ZERO_SHOT, prompt_templates=["look: {}"], prompt_names={"normal": ["well"]})
    told = " ".join(words.methods(spec.model_dump(mode="json")))
    assert "nothing is learned from any film" in told
    assert prompts_of(spec).sha256[:12] in told
    assert "“look: {}”" in told
    assert "normal: well" in told
    assert "prompt" not in " ".join(words.methods(spec_of().model_dump(mode="json"))).lower()


def test_a_folder_that_lacks_files_is_refused_with_where_they_are_published(spec_of, tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(SpondylError) as refused:
        weights.find("biomedclip", {"biomedclip": tmp_path / "model"})
    assert "open_clip_config.json" in refused.value.message
    assert "open_clip_pytorch_model.bin" in refused.value.message
    assert "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224" in refused.value.hint
    with pytest.raises(weights.MissingWeightsError) as missing:
        weights.find("biomedclip", {})
    assert "--weights biomedclip=FOLDER" in missing.value.hint


def test_a_text_tower_that_is_not_whole_is_refused_before_the_study_is_there(
    spec_of, films, tmp_path, monkeypatch
):
    monkeypatch.setattr(wording, "find_spec", lambda name: name)
    folder = image_tower(tmp_path / "model")
    spec = spec_of(networks=["test_biomedclip"], strategies=["zero-shot"], size=[160, 160])
    with pytest.raises(SpondylError) as refused:
        conduct.begin(spec, films, tmp_path / "run", {"test_biomedclip": folder})
    assert "config.json" in refused.value.message
    assert "tokenizer" in refused.value.message
    assert "someone/some-bert" in refused.value.hint
    assert not (tmp_path / "run").exists()


def test_code_beside_the_weights_is_refused(tmp_path):
    folder = image_tower(tmp_path / "model")
    (folder / "vocab.txt").write_text("[PAD]")
    asked = {"model_type": "bert", "auto_map": {"AutoModel": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(asked))
    with pytest.raises(SpondylError, match="auto_map"):
        Published.at(folder, TOWERS["test_biomedclip"]).refuse_unless_readable()


def test_without_the_extra_the_study_is_refused_with_what_to_install(
    spec_of, films, tmp_path, monkeypatch
):
    monkeypatch.setattr(wording, "find_spec", lambda name: None)
    folder = image_tower(tmp_path / "model")
    spec = spec_of(networks=["test_biomedclip"], strategies=["zero-shot"], size=[160, 160])
    with pytest.raises(SpondylError) as refused:
        conduct.begin(spec, films, tmp_path / "run", {"test_biomedclip": folder})
    assert "open_clip and transformers" in refused.value.message
    assert "spondyl[vision-language]" in refused.value.hint


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"timm_model_name": "vit_base_patch16_224"}, "timm_model_name"),
        ({"timm_pool": "avg"}, "timm_pool"),
        ({"timm_proj": "mlp"}, "timm_proj"),
        ({"timm_proj_bias": True}, "timm_proj_bias"),
        ({"image_size": 224}, "image_size"),
    ],
)
def test_the_files_of_another_tower_are_refused(tmp_path, changes, said):
    folder = image_tower(tmp_path / "model", **changes)
    with pytest.raises(SpondylError, match=said):
        weights.find("test_biomedclip", {"test_biomedclip": folder})


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"vision_cfg": VISION | {"layers": 12}}, "layers"),
        ({"vision_cfg": VISION | {"pool_type": "avg"}}, "pool_type"),
        ({"vision_cfg": VISION | {"qk_norm": True}}, "qk_norm"),
        ({"vision_cfg": VISION | {"timm_model_name": "test_vit"}}, "timm_model_name"),
        ({"vision_cfg": VISION, "quick_gelu": True}, "quick_gelu"),
        ({"vision_cfg": VISION, "embed_dim": 512}, "embed_dim"),
    ],
)
def test_whatever_a_plain_clip_has_and_our_tower_has_not_is_refused(tmp_path, model, said):
    (tmp_path / "open_clip_model.safetensors").touch()
    config(tmp_path, {"embed_dim": 24, "text_cfg": {}} | model)
    with pytest.raises(SpondylError, match=said):
        Published.at(tmp_path, TOWERS["test_clip"])


@pytest.mark.parametrize("wrong", [{"mean": [0.5]}, {"std": [0, 1, 1]}, {"size": 384}])
def test_a_preprocessing_that_does_not_fit_is_refused(tmp_path, wrong):
    (tmp_path / "open_clip_model.safetensors").touch()
    config(tmp_path, {"embed_dim": 24, "text_cfg": {}, "vision_cfg": VISION}, **wrong)
    with pytest.raises(SpondylError, match="preprocess_cfg"):
        Published.at(tmp_path, TOWERS["test_clip"])


def test_a_model_is_known_by_its_files_and_not_by_its_folder(tmp_path):
    tower = TOWERS["test_biomedclip"]
    folder = image_tower(tmp_path / "model")
    before = Published.at(folder, tower).sha256
    moved = folder.rename(tmp_path / "elsewhere")
    assert Published.at(moved, tower).sha256 == before
    assert Published.at(moved / "open_clip_model.safetensors", tower).sha256 == before
    (moved / "vocab.txt").write_text("[PAD]")
    assert Published.at(moved, tower).sha256 != before


def test_a_tower_is_a_transformer_like_any_other_for_whoever_explains():
    for name, tower in TOWERS.items():
        if not name.startswith("test_"):
            continue
        network = networks.build(name, 3, seed=0).eval()
        films = torch.rand(2, 3, tower.size, tower.size)
        lower, upper = network.explained_parts()
        with torch.inference_mode():
            assert torch.allclose(upper(lower(films)), network(films), atol=1e-5)
        assert network.layer == "block6.norm1"
        assert isinstance(network.body[-1], nn.LayerNorm)
        assert np.isfinite(network(films).detach().numpy()).all()
    assert Configuration("biomedclip", "zero-shot", "nested").slug == "biomedclip_zero-shot_nested"
