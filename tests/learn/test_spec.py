"""A study as its user writes it: what stands in no file, and what is said of what stands wrong."""

import math
from itertools import product
from pathlib import Path

import pytest

from spondyl.errors import SpondylError
from spondyl.learn import spec as specs
from spondyl.learn.outcome import Configuration
from spondyl.learn.spec import StudySpec, parse_spec
from spondyl.learn.strategies import STRATEGIES

SPECS = Path(__file__).parents[2] / "spec"
WRITTEN = sorted(set(SPECS.glob("*.toml")) - set(SPECS.glob("spine-*.toml")))
"""Of studies; those of spine finders are no specs of ours."""
LEAST = {"networks": ["resnet50", "vgg16"], "strategies": ["probe", "fine-tuning"]}


def spec(**changes) -> StudySpec:
    return parse_spec(LEAST | changes, "study.toml")


def refusal(**changes) -> SpondylError:
    with pytest.raises(SpondylError) as refused:
        spec(**changes)
    return refused.value


def test_what_is_not_written_is_what_the_paper_did():
    paper = spec()
    assert paper.labels == ("normal", "scoliosis", "spondylolisthesis")
    assert (paper.folds, paper.size, paper.fit) == (5, (224, 224), "stretch")
    assert (paper.learning_rate, paper.batch_size) == (1e-4, 32)
    assert (paper.plateau_patience, paper.plateau_factor) == (5, 0.5)
    assert paper.learning_rate_floor == 1e-5
    assert (paper.flip, paper.rotate_degrees, paper.shear_degrees) == (0.5, 15, 10)
    assert (paper.translate, paper.zoom) == (0.1, (0.8, 1.2))
    assert paper.preprocessing.mean == (0.485, 0.456, 0.406)
    assert paper.preprocessing.std == (0.229, 0.224, 0.225)


def test_what_the_paper_did_not_guard_against_is_guarded_against():
    assert spec().protocols == ("nested",)
    assert spec().find_duplicates
    assert spec().colour == "grey"


def test_the_resolved_spec_is_a_spec_again():
    resolved = spec(zoom=[0.9, 1.0]).model_dump(mode="json")
    assert set(resolved) == set(StudySpec.model_fields)
    assert parse_spec(resolved, "study.json") == spec(zoom=[0.9, 1.0])


def test_lists_become_tuples_so_that_a_spec_cannot_change():
    assert spec(size=[96, 48]).size == (96, 48)
    assert isinstance(spec().networks, tuple)
    with pytest.raises(ValueError, match="frozen"):
        spec().seed = 3


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        *(("epoch", "epochs"), ("batchsize", "batch_size"), ("learningrate", "learning_rate")),
        *(("corp", "crop"), ("hides", "hide"), ("without_masks", "without_mask")),
    ],
)
def test_a_mistyped_key_is_refused_with_the_nearest_one(wrong, right):
    refused = refusal(**{wrong: 3})
    assert wrong in refused.message
    assert refused.hint == f"Did you mean {right}?"


def test_a_key_like_no_other_is_refused_too():
    assert "not a key of a study" in refusal(xyzzy=1).message


@pytest.mark.parametrize("key", ["networks", "strategies"])
def test_a_missing_key_is_named(key):
    with pytest.raises(SpondylError, match=f"{key}: missing"):
        parse_spec({name: value for name, value in LEAST.items() if name != key}, "study.toml")


def test_a_misspelt_strategy_is_one_fault_with_the_nearest_one():
    refused = refusal(strategies=["scrach"])
    assert len(refused.problems) == 1
    assert "'scrach': not known. Did you mean scratch? Known: probe" in refused.message


def test_all_networks_that_are_not_known_are_named():
    said = refusal(networks=["resnet5O", "vgg16", "resnet50:layer9"]).message
    assert "'resnet5O': not known" in said
    assert "resnet50 has no cut 'layer9'" in said


def test_every_fault_is_told_at_once():
    refused = refusal(
        networks=["resnet5"], strategies=["fine-tuning"], epoch=3, flip=2.0, folds="5", seed=-1
    )
    told = [str(problem) for problem in refused.problems]
    assert len(told) == 5
    for word in ("networks", "epoch", "flip", "folds", "seed"):
        assert any(line.startswith(word) for line in told)
    assert refused.message.startswith("5 problems in study.toml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"networks": ["resnet5"]}, "resnet50"),
        ({"networks": ["vgg16:layer3"]}, "block5"),
        ({"networks": []}, "networks"),
        ({"networks": "resnet50"}, "networks"),
        ({"networks": ["vgg16", "vgg16"]}, "twice"),
        ({"strategies": ["prob"]}, "probe"),
        ({"strategies": ["probe"], "protocols": ["paper"]}, "nested"),
        ({"zoom": [1.2, 0.8]}, "zoom"),
        ({"zoom": [0.0, 1.0]}, "zoom"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate_floor": 1.0}, "learning_rate_floor"),
        ({"rotate_degrees": math.nan}, "rotate_degrees"),
        ({"size": [224]}, "size"),
        ({"size": [4, 224]}, "size"),
        ({"size": [31, 224]}, "size"),
        ({"size": [64, 96], "networks": ["vit_small"]}, "is not square, as vit_small needs"),
        ({"folds": 1}, "folds"),
        ({"folds": 5.0}, "folds"),
        ({"epochs": True}, "epochs"),
        ({"find_duplicates": "yes"}, "find_duplicates"),
        ({"title": ""}, "title"),
        ({"crop": "spin"}, "crop"),
        ({"crop_margin": 2.0}, "crop_margin"),
        ({"hide": True}, "hide"),
        ({"without_mask": "leave-out"}, "without_mask"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_under_its_key(changes, said):
    refused = refusal(**changes)
    assert refused.message.startswith("study.toml: ") or "problems in study.toml" in refused.message
    assert said in refused.message
    assert refused.hint


def test_configurations_are_the_product_in_the_order_written():
    both = spec(strategies=["scratch", "fine-tuning"], protocols=["paper", "nested"])
    assert both.configurations == tuple(
        Configuration(network, strategy, protocol)
        for protocol, strategy, network in product(
            ("paper", "nested"), ("scratch", "fine-tuning"), ("resnet50", "vgg16")
        )
    )


def test_strategies_that_are_solved_stand_under_nested_alone():
    usual = [name for name in STRATEGIES if name != "zero-shot"]  # for other networks
    every = spec(strategies=usual, protocols=["nested", "paper"])
    solved = [c for c in every.configurations if STRATEGIES[c.strategy].how == "solved"]
    assert {c.strategy for c in solved} == {"probe", "random-features", "pseudo-labels"}
    assert {c.protocol for c in solved} == {"nested"}
    iterated = [name for name in usual if STRATEGIES[name].how == "iterated"]
    assert len(every.configurations) == 2 * (len(usual) + len(iterated))


PRESENTED = {"title": "Another", "published": "ahmad2026", "heatmaps": "none", "gallery_films": 7}


@pytest.mark.parametrize("key", PRESENTED)
def test_how_a_study_is_shown_changes_no_trial(key):
    other = spec(**{key: PRESENTED[key]})
    assert other.learning() == spec().learning()
    assert other.substance() == spec().substance()


@pytest.mark.parametrize(
    "changes",
    [{"networks": ["vgg16"]}, {"strategies": ["probe"]}, {"protocols": ["nested", "paper"]}],
)
def test_adding_trials_leaves_the_others_what_they_were(changes):
    assert spec(**changes).learning() == spec().learning()
    assert spec(**changes).substance() != spec().substance()


@pytest.mark.parametrize(
    "changes", [{"epochs": 7}, {"size": [96, 96]}, {"seed": 1}, {"flip": 0.0}, {"batch_size": 8}]
)
def test_whatever_shapes_a_result_is_part_of_a_trial(changes):
    assert spec(**changes).learning() != spec().learning()


def test_keys_that_change_nothing_leave_trials_the_names_they_had_before_there_were_such_keys():
    assert not {"crop", "crop_margin", "hide", "without_mask"} & set(spec().learning())
    assert spec(crop_margin=0.3).learning() == spec().learning()
    for changes in ({"crop": "spine"}, {"hide": "inside"}, {"hide": "spine"}):
        assert spec(**changes).learning() != spec().learning()
    assert spec(crop="spine", crop_margin=0.3).learning() != spec(crop="spine").learning()


def test_what_needs_spine_masks_says_so():
    assert not spec(hide="inside", crop_margin=0.3).needs_regions
    for changes in ({"crop": "spine"}, {"hide": "spine"}, {"without_mask": "leave out"}):
        assert spec(**changes).needs_regions


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_the_specs_of_this_repository_are_specs(path):
    assert specs.read(path).configurations


def test_there_are_specs_in_this_repository():
    assert WRITTEN


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"networks = [resnet50]", "not valid TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"", "networks: missing"),
    ],
)
def test_a_file_that_is_no_spec_is_refused(tmp_path, content, said):
    (tmp_path / "study.toml").write_bytes(content)
    with pytest.raises(SpondylError, match=said):
        specs.read(tmp_path / "study.toml")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SpondylError, match="cannot be read"):
        specs.read(tmp_path / "study.toml")
    with pytest.raises(SpondylError, match="cannot be read"):
        specs.read(tmp_path)
