"""Weights from files: what is loaded, what is refused, and the account of it."""

import pytest
import safetensors.torch
import torch

from spondyl.errors import SpondylError
from spondyl.learn import networks, weights

NAME = "test_resnet"


@pytest.fixture
def trained():
    """A network whose tensors all differ from any initial ones."""
    network = networks.build(NAME, 3, seed=1)
    draws = torch.Generator().manual_seed(0)
    for name, tensor in network.body.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=draws) + 0.5, non_blocking=False)
        assert name
    return network


def saved(path, tensors, suffix=".safetensors"):
    file = path / f"weights{suffix}"
    if suffix == ".safetensors":
        safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, file)
    else:
        torch.save(tensors, file)
    return file


def load(file, name=NAME, frozen=True):
    network = networks.build(name, 3, seed=9)
    found = weights.find(name, weights.given({name: file}))
    return network, weights.load(network, found, body_is_frozen=frozen)


def tensors_of(network):
    return {k: v for k, v in network.body.state_dict().items() if "num_batches" not in k}


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: {"state_dict": t}, lambda t: {"model": t}])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_in_any_usual_wrapping_loads_the_same(tmp_path, trained, wrap, prefix):
    content = wrap({prefix + name: tensor for name, tensor in tensors_of(trained).items()})
    network, record = load(saved(tmp_path, content, ".pth"))
    assert all(map(torch.equal, tensors_of(network).values(), tensors_of(trained).values()))
    assert record.n_random == 0
    assert record.random_parts == ()


def test_half_precision_becomes_single(tmp_path, trained):
    halves = {name: tensor.half() for name, tensor in tensors_of(trained).items()}
    network, _ = load(saved(tmp_path, halves))
    for name, tensor in tensors_of(network).items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, halves[name].float())


def test_the_record_says_file_hash_and_counts_but_no_folder(tmp_path, trained):
    file = saved(tmp_path, tensors_of(trained))
    _, record = load(file)
    assert record.source == "file"
    assert record.file == "weights.safetensors"
    assert str(tmp_path) not in str(record)
    assert record.n_loaded == len(tensors_of(trained))
    assert len(record.sha256) == 64


def test_weights_of_the_architecture_serve_its_cuts(tmp_path, trained):
    file = saved(tmp_path, tensors_of(trained))
    network = networks.build(f"{NAME}:layer2", 3, seed=9)
    found = weights.find(f"{NAME}:layer2", weights.given({NAME: file}))
    record = weights.load(network, found, body_is_frozen=True)
    assert record.n_random == 0
    assert torch.equal(network.body.conv1[0].weight, trained.body.conv1[0].weight)


def until(network, *parts):
    return {k: v for k, v in tensors_of(network).items() if not k.startswith(parts)}


def test_a_partial_file_under_a_longer_frozen_body_is_refused_with_the_cut_to_use(
    tmp_path, trained
):
    file = saved(tmp_path, until(trained, "layer3", "layer4"))
    with pytest.raises(SpondylError) as refused:
        load(file, frozen=True)
    assert "layer3, layer4" in refused.value.message
    assert f"{NAME}:layer2" in refused.value.hint


def test_a_partial_file_under_a_trained_body_is_named_in_the_record(tmp_path, trained):
    network, record = load(saved(tmp_path, until(trained, "layer4")), frozen=False)
    assert record.random_parts == ("layer4",)
    assert record.n_random > 0
    assert "random: layer4" in str(record)
    assert torch.equal(network.body.layer3[0].conv1.weight, trained.body.layer3[0].conv1.weight)


@pytest.mark.parametrize("parts", [("conv1",), ("layer2",), ("layer4.0.conv1",)])
def test_a_file_with_a_hole_is_refused_even_where_the_body_is_trained(tmp_path, trained, parts):
    with pytest.raises(SpondylError, match="lacks"):
        load(saved(tmp_path, until(trained, *parts)), frozen=False)


def test_a_file_of_another_network_is_refused(tmp_path):
    other = networks.build("densenet121", 3, seed=0)
    with pytest.raises(SpondylError):
        load(saved(tmp_path, tensors_of(other)), frozen=False)


def test_a_tensor_of_another_shape_is_refused(tmp_path, trained):
    tensors = tensors_of(trained) | {"layer1.0.conv1.weight": torch.zeros(2, 2)}
    with pytest.raises(SpondylError, match=r"layer1\.0\.conv1\.weight is \(2, 2\)"):
        load(saved(tmp_path, tensors))


def test_values_that_are_not_finite_are_refused(tmp_path, trained):
    tensors = tensors_of(trained)
    tensors["bn1.weight"] = torch.full_like(trained.body.bn1.weight, float("nan"))
    with pytest.raises(SpondylError, match="not finite"):
        load(saved(tmp_path, tensors))


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('ran')",))


def test_a_pickle_that_would_run_code_is_refused_without_running_it(tmp_path):
    with pytest.raises(SpondylError, match="without running code"):
        load(saved(tmp_path, {"conv1.weight": Evil()}, ".pth"))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("content", [b"", b"hello, no tensors here", b"\x80\x02}q\x00."])
def test_rubbish_is_refused(tmp_path, suffix, content):
    file = tmp_path / f"weights{suffix}"
    file.write_bytes(content)
    with pytest.raises(SpondylError):
        load(file)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SpondylError, match="not a file"):
        weights.given({NAME: tmp_path / "nowhere.pth"})


def test_weights_neither_given_nor_cached_name_the_file_wanted_and_its_place():
    with pytest.raises(weights.MissingWeightsError) as refused:
        weights.find("resnet50", {})
    assert "resnet50-0676ba61.pth" in refused.value.message
    assert "--weights resnet50=FILE" in refused.value.hint
    assert "pytorch.org" in refused.value.hint


def test_the_library_s_cache_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.hub.set_dir(str(tmp_path / "hub"))
    try:
        cached = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
        cached.parent.mkdir(parents=True)
        torch.save(tensors_of(networks.build("resnet18", 3, seed=4)), cached)
        found = weights.find("resnet18:layer2", {})
    finally:
        torch.hub._hub_dir = None
    assert found.from_cache
    network = networks.build("resnet18:layer2", 3, seed=5)
    assert weights.load(network, found, body_is_frozen=True).source == "library cache"


@pytest.mark.slow
def test_timm_s_vgg_fills_the_dense_layers_of_torchvision_s(tmp_path):
    ours = networks.build("vgg16", 3, seed=2)
    dense = ours.head.classifier
    tensors = {f"features.{k}": v for k, v in tensors_of(ours).items()} | {
        "pre_logits.fc1.weight": dense[0].weight.detach().view(4096, 512, 7, 7),
        "pre_logits.fc1.bias": dense[0].bias.detach(),
        "pre_logits.fc2.weight": dense[3].weight.detach().view(4096, 4096, 1, 1),
        "pre_logits.fc2.bias": dense[3].bias.detach(),
        "head.fc.weight": torch.zeros(1000, 4096),
        "head.fc.bias": torch.zeros(1000),
    }
    network, record = load(saved(tmp_path, tensors), "vgg16")
    assert record.random_parts == ()
    assert torch.equal(network.head.classifier[0].weight, dense[0].weight)
    assert torch.equal(network.head.classifier[3].bias, dense[3].bias)


def test_densenet_s_old_spelling_is_understood(tmp_path):
    ours = networks.build("densenet121", 3, seed=2)
    old = {
        "features." + key.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): tensor
        for key, tensor in tensors_of(ours).items()
    }
    network, record = load(saved(tmp_path, old), "densenet121")
    assert record.n_random == 0
    assert all(map(torch.equal, tensors_of(network).values(), tensors_of(ours).values()))


def test_the_real_files_fill_what_they_say(shared):
    folder = shared / "weights"
    network, record = load(folder / "densenet169.imagenet1k.features.safetensors", "densenet169")
    assert record.n_loaded == len(tensors_of(network))
    partial = folder / "resnet50.imagenet1k.stages123.safetensors"
    assert load(partial, "resnet50:layer3")[1].random_parts == ()
    assert load(partial, "resnet50", frozen=False)[1].random_parts == ("layer4",)
    with pytest.raises(SpondylError, match="layer4"):
        load(partial, "resnet50", frozen=True)


def test_the_norm_between_pooling_and_classifier_is_filled_or_named(tmp_path):
    ours = networks.build("test_convnext", 3, seed=2)
    with torch.no_grad():
        ours.head.norm.weight.uniform_(0.5, 2)
    body = {key.replace("stages_", "stages."): t for key, t in tensors_of(ours).items()}
    norm = {f"head.norm.{key}": t for key, t in ours.head.norm.state_dict().items()}
    classifier = {"head.fc.weight": torch.zeros(1000, 64), "head.fc.bias": torch.zeros(1000)}
    network, record = load(saved(tmp_path, body | norm | classifier), "test_convnext")
    assert record.random_parts == ()
    assert torch.equal(network.head.norm.weight, ours.head.norm.weight)
    _, partial = load(saved(tmp_path, body), "test_convnext")
    assert partial.random_parts == ("head.norm",)


def test_moments_of_the_table_are_in_no_file_and_need_be_in_none(tmp_path):
    ours = networks.build("test_convnext", 3, seed=2)
    assert ours.body.renormalising.scale.flatten().tolist() == pytest.approx(
        [0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5]
    )
    assert not any("renormalising" in key for key in ours.state_dict())
    network, record = load(saved(tmp_path, tensors_of(ours)), "test_convnext")
    assert record.n_random == 0
    assert torch.equal(network.body.renormalising.scale, ours.body.renormalising.scale)


def test_a_name_that_shows_public_weights_the_wrong_films_is_refused_for_new_studies(tmp_path):
    (tmp_path / "weights.safetensors").touch()
    file = weights.WeightsFile(tmp_path / "weights.safetensors", "", from_cache=False)
    with pytest.raises(SpondylError, match="expect films of mean") as refused:
        weights.refuse_misshown("vit_base_patch16_224", file)
    assert "Use vit_base" in refused.value.hint
    weights.refuse_misshown("vit_base", file)
    weights.refuse_misshown("resnet50:layer3", file)
