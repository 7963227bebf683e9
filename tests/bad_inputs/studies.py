"""Specs and weights that cannot be used, all given to `study run`."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from bad_inputs.place import Case, Place
from spondyl.data import regions
from spondyl.learn import networks

Tensors = dict[str, torch.Tensor]


def spec(name: str, says: str, hints: str = "", **changes: str | None) -> Case:
    """A study whose spec has these values."""
    return Case(name, lambda place: place.run(spec=place.spec(**changes)), says, hints)


def spec_file(name: str, make: Callable[[Place], Path], says: str) -> Case:
    """A study whose spec is this file."""
    return Case(name, lambda place: place.run(spec=make(place)), says)


SPECS = [
    spec_file("no spec there", lambda place: place.root / "none.toml", "No such file"),
    spec_file("a folder for a spec", lambda place: place.films, "Is a directory"),
    spec_file("a spec in JSON", lambda place: place.file("a.toml", '{"a": 1}'), "not valid TOML"),
    spec_file("a spec in Latin 1", lambda place: place.file("a.toml", b"title = '\xe9'"), "UTF-8"),
    spec_file("an empty spec", lambda place: place.file("a.toml", ""), "networks: missing"),
    spec_file("a key twice", lambda p: p.file("a.toml", "seed = 1\nseed = 2"), "not valid TOML"),
    spec("an unknown key", "epoch: not a key", "Did you mean epochs?", epoch="3"),
    spec("a key like none of ours", "zzz: not a key", "Keys: title, networks", zzz="3"),
    spec("a table for a study", "study: not a key", study='{networks = ["resnet18"]}'),
    spec("a seed in quotes", "seed: Input should be a valid integer, got '5'", seed='"5"'),
    spec("a truth value as a number", "folds: Input should be a valid integer", folds="true"),
    spec("a truth value as a rate", "learning_rate: Input should be", learning_rate="true"),
    spec("a number as a truth value", "got 1", find_duplicates="1"),
    spec("networks not given", "networks: missing", networks=None),
    spec("no networks", "networks: Tuple should have at least 1 item", networks="[]"),
    spec("networks as one text", "networks: Input should be a valid tuple", networks='"resnet18"'),
    spec("an unknown network", "Did you mean resnet50?", networks='["resnet51"]'),
    spec("an unknown cut", "no cut 'layer9'. Its cuts: layer1", networks='["test_resnet:layer9"]'),
    spec("an empty cut", "has no cut ''", networks='["test_resnet:"]'),
    spec("a network twice", "stands in it twice", networks='["resnet18", "resnet18"]'),
    spec("an unknown strategy", "'distill': not known. Known: probe", strategies='["distill"]'),
    spec("no strategies", "strategies: Tuple should have at least 1 item", strategies="[]"),
    spec("an unknown protocol", "'loocv': not known. Known: nested", protocols='["loocv"]'),
    spec("a probe under the paper's protocol", "need the protocol nested", protocols='["paper"]'),
    spec("a label twice", "two or more different names", labels='["a", "b", "a"]'),
    spec("one label only", "two or more different names are needed", labels='["normal"]'),
    spec("labels that read alike", "two or more different", labels='["normal", "Normal "]'),
    spec("an empty label", "two or more different names", labels='["normal", ""]'),
    spec("one fold", "folds: Input should be greater than or equal to 2, got 1", folds="1"),
    spec("a thousand folds", "folds: Input should be less than or equal to 20", folds="1000"),
    spec("a negative seed", "seed: Input should be greater than or equal to 0", seed="-1"),
    spec("a size of one number", "size: Input should be a valid tuple, got 32", size="32"),
    spec("a size of three numbers", "size: Tuple should have at most 2 items", size="[32, 32, 3]"),
    spec("a size too small", "size.0: Input should be greater than or equal to 32", size="[8, 32]"),
    spec(
        "too few cells for heatmaps",
        "leaves resnet18 a map of 1 × 1 cells, too few to say where",
        networks='["resnet18"]',
        heatmaps='"selected"',
    ),
    spec("a zoom reversed", "not a range of positive scales", zoom="[1.2, 0.8]"),
    spec("a rate that is no number", "learning_rate", learning_rate="nan"),
    spec("an infinite zoom", "zoom", zoom="[0.5, inf]"),
    spec("a zoom that is no number", "zoom", zoom="[nan, nan]"),
    spec("a floor above the rate", "above learning_rate", learning_rate_floor="0.1"),
    spec(
        "batches of one", "batch_size: Input should be greater than or equal to 2", batch_size="1"
    ),
    spec("a share above one", "flip: Input should be less than or equal to 1", flip="1.5"),
    spec("an unknown fit", "fit: 'crop': not known. Known: stretch, letterbox", fit='"crop"'),
    spec("an unknown crop", "crop: 'spin': not known. Did you mean spine?", crop='"spin"'),
    spec("a mistyped margin", "crop_margn: not a key", "Did you mean crop_margin?", crop_margn="0"),
    spec("a margin above one", "crop_margin: Input should be less than", crop_margin="1.5"),
    spec("an unknown thing to hide", "hide: 'spin': not known. Did you mean spine?", hide='"spin"'),
    spec("masks needed and not given", "none are given", "--regions", crop='"spine"'),
    spec("masks to leave out by", "none are given", "--regions", without_mask='"leave out"'),
    spec("an unknown publication", "no such publication", "ahmad2026", published='"ahmad2025"'),
    spec("three faults at once", "3 problems in", seed="-1", folds="1", flip="2.0"),
    spec("a misspelt key besides", "2 problems in", "Did you mean epochs?", seed="-1", epoch="3"),
    spec("more folds than films", "fewer than 20 folds", folds="20"),
]


def masks(name: str, make: Callable[[Place], Path], says: str, **changes: str) -> Case:
    """A study that is given the folder of spine masks that `make` makes."""

    def words(place: Place) -> list[object]:
        return place.run("--regions", make(place), spec=place.spec(**changes))

    return Case(name, words, says)


def small_mask(place: Place) -> Path:
    """Sound masks, but for one that is of another size."""
    folder = place.masks
    path = min(folder.rglob("*.json"))
    mask = np.ones((9, 9), np.bool_)
    image_id = path.relative_to(folder).with_suffix(".png").as_posix()
    regions.save(folder, image_id, regions.Regions((9, 9), "us", spine_mask=mask))
    return folder


def damaged_mask(place: Place) -> Path:
    """Sound masks, but for one that is no JSON."""
    min(place.masks.rglob("*.json")).write_text("{")
    return place.masks


MASKS = [
    masks("no such masks", lambda p: p.root / "none", "no such folder of regions", crop='"spine"'),
    masks("masks nobody asked for", lambda p: p.masks, "the study asks for none"),
    masks("a folder without masks", lambda p: p.films, "36 problems in", crop='"spine"'),
    masks(
        "no film with a mask",
        lambda p: p.films,
        "its films are of 0 groups",
        without_mask='"leave out"',
    ),
    masks("a mask of another size", small_mask, "regions on 9 × 9 pixels", hide='"spine"'),
    masks("a damaged mask", damaged_mask, "not valid JSON", without_mask='"leave out"'),
]


def weights(name: str, make: Callable[[Place], list[object]], says: str, **changes: str) -> Case:
    """A study on ImageNet features that is given the weights that `make` returns words for."""
    asked = {"strategies": '["probe"]', **changes}
    return Case(name, lambda place: place.run(*make(place), spec=place.spec(**asked)), says)


def given(*pairs: object) -> list[object]:
    """The words that give weights."""
    return [word for pair in pairs for word in ("--weights", pair)]


def weights_file(
    name: str, content: bytes, says: str, suffix: str = ".safetensors", **changes: str
) -> Case:
    """A study that is given a file of these bytes."""
    return weights(
        name,
        lambda place: given(f"test_resnet={place.file('weights' + suffix, content)}"),
        says,
        **changes,
    )


def tensors(
    name: str, change: Callable[[Tensors], Tensors], says: str, network: str = "test_resnet:layer2"
) -> Case:
    """A study that is given sound weights after a change."""

    def make(place: Place) -> list[object]:
        changed = change(safetensors.torch.load_file(place.weights))
        return given(f"test_resnet={place.file('w.safetensors', safetensors.torch.save(changed))}")

    return weights(name, make, says, networks=f'["{network}"]')


def tampered(place: Place) -> list[object]:
    """Sound weights cut off in the middle."""
    content = place.weights.read_bytes()
    return given(f"test_resnet={place.file('w.safetensors', content[: len(content) // 2])}")


def other_network(place: Place) -> list[object]:
    """Weights of the first layers of a ResNet-18."""
    body = networks.build("resnet18:layer1", 3, seed=0).body.state_dict()
    content = safetensors.torch.save(body)
    return given(f"test_resnet={place.file('other.safetensors', content)}")


class Harmful:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch was-here",)


def checkpoint(place: Place, content: object) -> list[object]:
    """A checkpoint of this content."""
    torch.save(content, place.root / "w.pth")
    return given(f"test_resnet={place.root / 'w.pth'}")


FIRST = "conv1.0.weight"
NOT_SAFE = "not a safetensors file"
NOT_A_CHECKPOINT = "not a checkpoint that loads without running code"
WEIGHTS = [
    weights("weights without a name", lambda place: given(place.weights), "not NAME=FILE"),
    weights("weights without a file", lambda _: given("test_resnet="), "not NAME=FILE"),
    weights(
        "weights given twice",
        lambda place: given(*[f"test_resnet={place.weights}"] * 2),
        "--weights test_resnet: given twice",
    ),
    weights(
        "weights of an unknown network",
        lambda place: given(f"resnet51={place.weights}"),
        "'resnet51': not known",
    ),
    weights(
        "weights of a network not in the study",
        lambda place: given(f"resnet50={place.weights}"),
        "weights of resnet50: no such network in the study",
    ),
    weights("no such weights", lambda _: given("test_resnet=none.pth"), "none.pth is not a file"),
    weights("a folder for weights", lambda p: given(f"test_resnet={p.films}"), "is not a file"),
    weights("weights neither given nor cached", lambda _: [], "neither given nor in the library's"),
    weights_file("empty weights", b"", NOT_SAFE),
    weights_file("an empty checkpoint", b"", NOT_A_CHECKPOINT, ".pth"),
    weights_file("text for weights", b"Dear doctor,\n" * 9, NOT_SAFE),
    weights_file("text for a checkpoint", b"Dear doctor,\n" * 9, NOT_A_CHECKPOINT, ".pth"),
    weights_file(
        "a pickle that runs code", pickle.dumps(Harmful(), protocol=2), NOT_A_CHECKPOINT, ".pth"
    ),
    weights("a checkpoint that runs code", lambda p: checkpoint(p, Harmful()), NOT_A_CHECKPOINT),
    weights("a whole module", lambda p: checkpoint(p, torch.nn.Linear(2, 2)), NOT_A_CHECKPOINT),
    weights("a checkpoint of numbers", lambda p: checkpoint(p, [1, 2]), "not of named tensors"),
    weights("weights cut short", tampered, NOT_SAFE),
    weights("weights of another network", other_network, "tensors of test_resnet"),
    tensors("no tensors", lambda held: {}, "lacks"),
    tensors(
        "weights not finite",
        lambda held: {**held, FIRST: held[FIRST] * float("nan")},
        f"{FIRST} holds values that are not finite",
    ),
    tensors(
        "weights of another shape",
        lambda held: {**held, FIRST: held[FIRST][:1].clone()},
        f"{FIRST} is (1,",
    ),
    tensors(
        "weights as whole numbers",
        lambda held: {**held, FIRST: held[FIRST].to(torch.int8)},
        f"{FIRST} holds torch.int8",
    ),
    tensors(
        "a frozen network longer than its weights",
        lambda held: {name: held[name] for name in held if not name.startswith("layer4")},
        "ends before layer4, so a frozen test_resnet would be partly random",
        "test_resnet",
    ),
    tensors(
        "a hole in the weights",
        lambda held: {name: held[name] for name in held if name != FIRST},
        "lacks 1 of",
    ),
]
