"""Every entry of the table of networks: what it must be to be trained, explained and believed."""

import hashlib
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import networks_of_the_table as table
import pytest
import torch
from torch import nn
from torchvision.models.googlenet import GoogLeNet
from torchvision.models.inception import Inception3

from spondyl.errors import SpondylError
from spondyl.explain.explaining import explain
from spondyl.learn import networks
from spondyl.learn.architectures import families, publication
from spondyl.learn.architectures.architecture import HALVES, IMAGENET, Architecture, OwnMoments
from spondyl.learn.architectures.odd_families import DENSENET
from spondyl.learn.heads import NormedLinear, PooledLinear, on_grid
from spondyl.learn.networks import ARCHITECTURES
from spondyl.learn.spec import parse_spec

NAMES = list(ARCHITECTURES)


@cache
def shapes(name, n_labels=3):
    """A network without values, which nobody here changes."""
    with torch.device("meta"):
        return networks.build(name, n_labels, seed=0).eval()


@pytest.fixture(scope="module", params=table.EVERY)
def entry(request):
    """(entry, the library's whole network, ours with all its tensors)."""
    architecture = ARCHITECTURES[request.param]
    if architecture.library == "spondyl":
        pytest.skip("there is no network of a library to hold it against")
    whole = table.whole_of(request.param)
    n_labels = table.last_linear(whole).out_features
    network = networks.build(request.param, n_labels, seed=4).eval()
    table.fill(network, whole, architecture)
    return architecture, whole, network


def test_body_and_head_together_are_the_library_s_whole_network(entry):
    architecture, whole, network = entry
    images = table.films(side=table.side_of(architecture))
    with torch.inference_mode():
        theirs = whole(table.as_expected(architecture, images))
        ours = network(images)
    spread = (theirs[0] - theirs[1]).abs().max()
    assert spread > 1e-3 * theirs.abs().max()  # two films differ, so agreeing means something
    assert (ours - theirs).abs().max() < 1e-3 * spread


def test_grad_cam_is_its_definition_on_every_network(entry):
    _, _, network = entry
    images = table.films(1)
    _, expected = table.grad_cam(network, images, 7)
    found = explain(network, images, [7], "grad-cam").signed
    assert found.shape == expected.shape
    assert min(found.shape[1:]) >= 2
    assert expected.abs().max() > 0
    assert (found - expected).abs().max() < 1e-3 * expected.abs().max()


def test_a_training_step_reaches_every_parameter(entry):
    _, _, network = entry
    network.train()
    images = table.films(3)
    loss = nn.functional.cross_entropy(network(images), torch.tensor([1, 2, 3]))
    parameters = dict(network.named_parameters())
    gradients = torch.autograd.grad(loss, parameters.values(), allow_unused=True)
    network.eval()
    for name, gradient in zip(parameters, gradients, strict=True):
        assert gradient is not None, name
        assert torch.isfinite(gradient).all(), name


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_has_a_layer_to_explain_at_its_usual_size(name):
    side, network = ARCHITECTURES[name].usual_side, shapes(name)
    lower, upper = network.explained_parts()
    with torch.no_grad():
        features = lower(torch.zeros(1, 3, side, side, device="meta"))
        assert upper(features).shape == (1, 3)
        least = max(32, ARCHITECTURES[name].least_side)
        smallest = lower(torch.zeros(1, 3, least, least, device="meta"))
    assert min(on_grid(features).shape[2:]) >= 2
    assert network.layer
    if ARCHITECTURES[name].least_side > 1:
        assert min(on_grid(smallest).shape[2:]) >= 2


@pytest.mark.parametrize("name", table.EVERY)
def test_every_cut_ends_earlier_or_where_the_whole_does(name):
    whole = set(shapes(name).body.state_dict())
    before: set[str] = set()
    for cut in ARCHITECTURES[name].cuts:
        network = shapes(f"{name}:{cut}")
        held = set(network.body.state_dict())
        assert before < held <= whole
        assert isinstance(network.head, PooledLinear)
        before = held


@pytest.mark.parametrize("name", NAMES)
def test_a_body_s_stages_are_its_cuts_and_hold_each_module_once(name):
    network = shapes(name)
    members = [member for stage in network.stages for member in stage]
    assert members == [one for one, _ in network.body.named_children()]
    assert len(network.stages) >= max(len(ARCHITECTURES[name].cuts), 2)


@pytest.mark.parametrize("name", NAMES)
def test_no_tensor_of_the_library_but_its_classifier_is_left_out(name):
    """So that a split cannot lose a module in silence."""
    architecture = ARCHITECTURES[name]
    with torch.device("meta"):
        theirs = architecture.build()
    network = shapes(name)
    held = dict(architecture.ours(*item) for item in theirs.state_dict().items())
    assert len(held) == len(theirs.state_dict())  # two never come under one name
    taken = set(network.body.state_dict())
    for key, tensor in network.body.state_dict().items():
        assert held[key].shape == tensor.shape, key
    for part, module in network.head.given.items():
        taken |= {f"{part}.{key}" for key in module.state_dict()}
    left = sum(tensor.numel() for key, tensor in held.items() if key not in taken)
    classifier = () if name == "spine-finder" else table.last_linear(theirs).parameters()
    assert left == sum(parameter.numel() for parameter in classifier)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_library_publishes_is_named_with_its_licence(name):
    architecture = ARCHITECTURES[name]
    assert publication.licence(architecture)
    if not architecture.for_tests and architecture.library in ("torchvision", "timm"):
        cached = publication.cached_file(architecture)
        assert cached is not None
        assert publication.file_of(architecture)


@pytest.mark.parametrize("name", NAMES)
def test_public_weights_are_shown_the_films_that_the_library_says_they_expect(name):
    """torchvision publishes moments that its networks' own `transform_input` turns into 0.5."""
    architecture = ARCHITECTURES[name]
    if architecture.for_tests:
        assert publication.cached_file(architecture) is None
    elif architecture.library == "timm":
        published = publication._timm(architecture)
        assert (published.mean, published.std) == tuple(architecture.expects)
        assert architecture.usual_side == published.input_size[-1]
    elif name in ("inception_v3", "googlenet"):
        assert architecture.expects == HALVES
    elif architecture.library == "torchvision":
        assert architecture.expects == IMAGENET
    if architecture.superseded_by:
        successor = ARCHITECTURES[architecture.superseded_by]
        assert successor.renormalises
        assert successor.expects == architecture.expects
        assert not architecture.renormalises


@pytest.mark.parametrize("library_s", [GoogLeNet, Inception3])
def test_moments_of_one_half_are_what_torchvision_s_transform_input_does(library_s):
    images = table.films()
    theirs = library_s._transform_input(SimpleNamespace(transform_input=True), images)
    assert torch.allclose(OwnMoments(HALVES)(images), theirs, atol=1e-6)
    assert torch.allclose(
        table.as_expected(ARCHITECTURES["inception_v3"], images), theirs, atol=1e-6
    )


DOCS = Path(__file__).parents[2] / "docs" / "networks.md"
WRITTEN = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", WRITTEN)
def test_an_entry_as_the_document_writes_it_is_all_that_a_network_needs(monkeypatch, text):
    known = {"Architecture": Architecture, "chain": families.chain, "DENSENET": DENSENET}
    (added,) = eval(f"[{text}]", known)
    monkeypatch.setitem(ARCHITECTURES, added.name, added)
    with torch.device("meta"):
        theirs = added.build()
        network = networks.build(added.name, 1000, seed=0)
    body = network.body.state_dict()
    held = dict(added.ours(*item) for item in theirs.state_dict().items())
    left = {key for key in held if key not in body}
    assert body.keys() <= held.keys()
    assert sum(held[key].numel() for key in left) == networks.n_parameters([network.head])
    assert len(network.stages) == len(added.cuts) + 1
    features = network.body(torch.zeros(1, 3, 224, 224, device="meta"))
    assert features.shape[2:] == (7, 7)


def test_a_chain_says_stages_cuts_names_and_head(monkeypatch):
    declared = families.chain(
        "convnext",
        {"stem": "stem", "early": "stages.0..1", "late": "stages.2..3"},
        norm="head.norm",
    )
    added = Architecture("mine", declared, "timm", "test_convnext", usual_side=160)
    monkeypatch.setitem(ARCHITECTURES, "mine", added)
    network = networks.build("mine", 3, seed=0).eval()
    assert [name for name, _ in network.body.named_children()] == [
        *("stem", "stages_0", "stages_1", "stages_2", "stages_3")
    ]
    assert network.stages == (("stem",), ("stages_0", "stages_1"), ("stages_2", "stages_3"))
    called, _ = added.ours("stages.2.blocks.0.norm.weight", torch.zeros(3))
    assert called == "stages_2.blocks.0.norm.weight"
    assert isinstance(network.head, NormedLinear)
    assert networks.build("mine:early", 3, seed=0).n_channels == 32
    assert explain(network, table.films(1), [1]).signed.shape == (1, 4, 4)
    with pytest.raises(SpondylError, match="has no cut"):
        networks.parse("mine:middle")


def test_the_library_s_dropout_is_kept_above_a_whole_body_and_never_above_a_cut():
    whole, cut = shapes("mobilenet_v2"), shapes("mobilenet_v2:stage7")
    assert whole.head.dropout.p == 0.2
    assert isinstance(cut.head.dropout, nn.Identity)


def test_classifiers_half_way_up_are_not_built():
    for name in ("inception_v3", "googlenet"):
        assert not any("aux" in key.lower() for key in shapes(name).state_dict())


@pytest.mark.parametrize(("name", "least"), [("inception_v3:mixed5", 107), ("alexnet", 63)])
def test_a_study_on_films_too_small_for_a_network_is_refused(name, least):
    content = {"networks": [name], "strategies": ["scratch"]}
    with pytest.raises(SpondylError, match=f"size: .* {least} a side or more"):
        parse_spec(content | {"size": [least - 1, 224]}, "a test")
    assert parse_spec(content | {"size": [least, 224]}, "a test").size == (least, 224)


OLD = {
    "resnet50": "f0f6b9fd3577",
    "vgg16": "d68cbea2886c",
    "densenet169": "2609f09d16fe",
    "vit_small_patch16_224": "3a6bf67f25ce",
    "swin_t": "2a855d921818",
    "spine-finder": "5ae1ff56f68d",
    "test_clip": "d95e5de3f1cf",
}
"""Digests of the names of all tensors, of networks that older bundles hold."""


@pytest.mark.parametrize("name", list(OLD))
def test_tensors_of_older_bundles_keep_their_names(name):
    names = " ".join(shapes(name).state_dict())
    assert hashlib.sha256(names.encode()).hexdigest()[:12] == OLD[name]
