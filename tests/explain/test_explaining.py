"""Every method against its definition, on every kind of head; and what explaining leaves behind."""

import copy
import sys

import pytest
import torch
from definitions import BY_NAME, Definition
from small_networks import NETWORKS

from spondyl.errors import SpondylError
from spondyl.explain.explaining import METHODS, explain, explain_labels, same_picture
from spondyl.learn import networks
from spondyl.learn.heads import PooledLinear

LABELS = [2, 0, 1]


def applies(method, network):
    """Whether the definition covers the network: CAM wants one linear layer, Grad-CAM++ a map
    whose denominators stay positive."""
    if method == "cam":
        return isinstance(network.explained_parts()[1], PooledLinear)
    return method != "grad-cam++" or network.name not in (
        *("mlp", "normed", "test_vit", "swin_t:stage1"),
    )


@pytest.mark.parametrize("method", list(BY_NAME))
def test_maps_are_those_of_the_definition_for_another_label_in_each_image(network, images, method):
    if not applies(method, network):
        pytest.skip(f"{method} is not defined on {network.name}")
    explained = explain(network, images, LABELS, method)
    tolerance = 1e-5
    # Occlusion subtracts scores, and how these round in single precision is the processor's.
    last_digit = torch.finfo(torch.float32).eps * explained.logits.abs().max().double()
    rounding = last_digit if method == "occlusion" else 0.0
    # Where a token's channels sum to nearly nothing, XGrad-CAM divides by rounding errors.
    if (method, network.name) == ("xgrad-cam", "test_vit"):
        tolerance = 1e-3
    for image, label, ours in zip(images, LABELS, explained.signed, strict=True):
        theirs = BY_NAME[method](Definition(network, image, label))
        assert theirs.abs().max() > 0
        assert (ours.double() - theirs).abs().max() <= tolerance * theirs.abs().max() + rounding
    assert explained.signed.dtype == torch.float32
    with torch.inference_mode():
        assert torch.allclose(explained.logits, network(images), atol=1e-5)


@pytest.mark.parametrize("method", [name for name in BY_NAME if METHODS[name].formula])
def test_formulas_are_those_of_the_definition_to_the_last_digits(network, images, method):
    if not applies(method, network):
        pytest.skip(f"{method} is not defined on {network.name}")
    exact = Definition(network, images[0], 1)
    ours = METHODS[method].formula(exact.a[None], exact.g[None])[0]
    theirs = BY_NAME[method](exact)
    assert (ours - theirs).abs().max() <= 1e-10 * theirs.abs().max()


@pytest.mark.parametrize("method", list(BY_NAME))
def test_maps_of_all_labels_are_those_of_each_label(network, images, method):
    if not applies(method, network):
        pytest.skip(f"{method} is not defined on {network.name}")
    if METHODS[method].alteration and network.name.startswith(("swin", "densenet")):
        pytest.skip("many channels, and nothing that the other networks do not show")
    every = explain_labels(network, images[:2], method).signed
    assert every.shape[:2] == (2, 3)
    for label in range(3):
        one = explain(network, images[:2], [label, label], method).signed
        assert torch.allclose(every[:, label], one, rtol=1e-4, atol=1e-6 * one.abs().max())


@pytest.mark.parametrize("method", [name for name in BY_NAME if name != "cam"])
def test_a_neighbour_in_the_batch_changes_nothing(images, method):
    network = NETWORKS["dense"]().eval()
    alone = explain(network, images[:1], LABELS[:1], method).signed[0]
    together = explain(network, images, LABELS, method).signed[0]
    assert torch.allclose(alone, together, rtol=1e-4, atol=1e-6 * alone.abs().max())


@pytest.mark.parametrize("method", ["grad-cam", "layercam", "recipro-cam"])
@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("kind", ["pooled", "dense", "tokens"])
def test_it_works_under_any_gradient_mode_and_on_frozen_networks(
    images, method, around, frozen, kind
):
    network = NETWORKS[kind]().eval()
    expected = explain(network, images, LABELS, method).signed
    still = copy.deepcopy(network).requires_grad_(not frozen)
    with around():
        signed = explain(still, images.clone(), torch.tensor(LABELS), method).signed
    assert torch.allclose(signed, expected, rtol=1e-4)
    assert not signed.requires_grad


@pytest.mark.parametrize("kind", ["pooled", "dense", "tokens"])
def test_a_network_that_was_built_in_inference_mode_is_explained_all_the_same(images, kind):
    with torch.inference_mode():
        network = NETWORKS[kind]().eval()
    expected = explain(NETWORKS[kind]().eval(), images, LABELS).signed
    assert torch.allclose(explain(network, images, LABELS).signed, expected, rtol=1e-4)


@pytest.mark.parametrize("method", list(BY_NAME))
def test_explaining_leaves_the_network_exactly_as_it_was(images, method):
    network = NETWORKS["pooled"]()
    network.train()
    network.body[0].eval()  # a mixture of modes, as frozen batch norms give
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    modes = [module.training for module in network.modules()]
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(4)
    random_state = torch.get_rng_state()
    given = images.clone()
    explain(network, images, LABELS, method)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(tensors[n], t) for n, t in network.state_dict().items())
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in network.parameters())
    assert all(p.requires_grad for p in network.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.equal(images, given)
    assert not any(m._forward_hooks or m._backward_hooks for m in network.modules())


def test_modes_come_back_even_after_an_error(images):
    network = NETWORKS["pooled"]().train()
    with torch.no_grad():
        network.head.linear.weight[0, 0] = float("nan")
    with pytest.raises(SpondylError):
        explain(network, images, LABELS)
    assert network.training


@pytest.mark.parametrize("kind", ["pooled", "dense"])
def test_half_precision_around_it_or_in_the_weights_changes_no_type_and_little_else(images, kind):
    network = NETWORKS[kind]().eval()
    expected = explain(network, images, LABELS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        around = explain(network, images, LABELS)
    assert torch.allclose(around.signed, expected.signed, rtol=1e-4)
    halved = copy.deepcopy(network).to(torch.bfloat16)
    inside = explain(halved, images, LABELS)
    assert inside.signed.dtype == inside.logits.dtype == torch.float32
    assert (inside.signed - expected.signed).abs().max() < 0.1 * expected.signed.abs().max()
    assert all(p.dtype == torch.bfloat16 for p in halved.parameters())


@pytest.mark.parametrize("factor", [0.001, 1000.0])
def test_a_scale_of_the_logits_is_a_scale_of_the_map(images, factor):
    network = NETWORKS["pooled"]().eval()
    before = explain(network, images, LABELS).maps
    with torch.no_grad():
        network.head.linear.weight.mul_(factor)
    assert torch.allclose(explain(network, images, LABELS).maps, factor * before, rtol=1e-4)


def test_gradients_too_small_to_be_squared_still_give_a_grad_cam_plus_plus(images):
    network = NETWORKS["pooled"]().eval()
    with torch.no_grad():
        network.head.linear.weight.mul_(1e-25)
    for image, label, ours in zip(
        images, LABELS, explain(network, images, LABELS, "grad-cam++").signed, strict=True
    ):
        theirs = BY_NAME["grad-cam++"](Definition(network, image, label))
        assert theirs.max() > 0
        assert (ours.double() - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def test_flipping_the_film_flips_the_map(images):
    """With filters that do not tell left from right, and a stride that divides the film."""
    network = NETWORKS["dense"]().eval()
    convolution = network.body[0]
    with torch.no_grad():
        convolution.weight.copy_((convolution.weight + convolution.weight.flip(3)) / 2)
    network.body[0] = torch.nn.Sequential(
        torch.nn.AvgPool2d(8), torch.nn.Conv2d(3, 12, 3, padding=1)
    )
    network.body[0][1].load_state_dict(convolution.state_dict())
    network.head.average = torch.nn.AdaptiveAvgPool2d(1)
    network.head.classifier[0] = torch.nn.Linear(12, 16)
    for method in ("grad-cam", "hirescam", "layercam", "score-cam", "recipro-cam"):
        plain = explain(network, images, LABELS, method).signed
        flipped = explain(network, images.flip(3), LABELS, method).signed
        assert torch.allclose(flipped.flip(2), plain, rtol=1e-3, atol=1e-5 * plain.abs().max())


def test_the_maps_of_methods_that_are_one_picture_on_a_pooled_head_are_one_picture(images):
    network = NETWORKS["pooled"]().eval()
    names = ("cam", "grad-cam", "hirescam", "xgrad-cam", "grad-cam++", "layercam")
    groups = same_picture(network, names)
    assert groups == (("cam", "grad-cam", "hirescam", "xgrad-cam"), ("grad-cam++",), ("layercam",))
    cells = explain(network, images, LABELS, "cam").signed[0].numel()
    scaled = [explain(network, images, LABELS, name).signed for name in groups[0]]
    for other in scaled[1:]:
        assert torch.allclose(scaled[0], cells * other, rtol=1e-3, atol=1e-5)
    assert not torch.allclose(scaled[1], explain(network, images, LABELS, "layercam").signed)


def test_below_a_norm_of_what_is_pooled_they_are_one_picture_too(images):
    network = NETWORKS["normed"]().eval()
    names = ("grad-cam", "hirescam", "xgrad-cam", "layercam")
    assert same_picture(network, names) == (names[:3], ("layercam",))
    maps = [explain(network, images, LABELS, name).signed for name in names[:3]]
    for other in maps[1:]:
        assert torch.allclose(maps[0], other, rtol=1e-3, atol=1e-6)


def test_on_a_dense_head_the_methods_are_pictures_of_their_own(images):
    network = NETWORKS["dense"]().eval()
    names = ("grad-cam", "hirescam", "xgrad-cam")
    assert same_picture(network, names) == (("grad-cam",), ("hirescam",), ("xgrad-cam",))
    maps = [explain(network, images, LABELS, name).signed for name in names]
    assert not torch.allclose(maps[0], maps[1], rtol=0.1)


def test_a_rectified_method_keeps_what_its_relu_hides(images):
    network = NETWORKS["dense"]().eval()
    explained = explain(network, images, LABELS)
    assert explained.signed.min() < 0
    assert torch.equal(explained.maps, explained.signed.clamp_min(0))


def test_channels_that_say_nothing_share_one_pass_of_score_cam(images):
    network = NETWORKS["dense"]().eval()
    with torch.no_grad():
        network.body[0].weight[:4] = 0
        network.body[0].bias[:4] = torch.tensor([-1.0, -1.0, 0.5, 2.0])
    explained = explain(network, images[:1], LABELS[:1], "score-cam").signed[0]
    theirs = BY_NAME["score-cam"](Definition(network, images[0], LABELS[0]))
    assert (explained.double() - theirs).abs().max() <= 1e-5 * theirs.abs().max()


class TestPartition:
    """shap's values, by way of shap."""

    @pytest.mark.slow
    def test_they_add_up_to_the_difference_from_the_blurred_film(self, images):
        cv2 = pytest.importorskip("cv2")
        pytest.importorskip("shap", reason="shap is an optional extra")
        network = NETWORKS["dense"]().eval()
        explained = explain(network, images[:2], LABELS[:2], "partition")
        assert explained.signed.shape == (2, 64, 64)
        for image, label, values in zip(images, LABELS, explained.signed, strict=False):
            film = image.permute(1, 2, 0).numpy()
            blurred = torch.from_numpy(cv2.blur(film, (32, 32))).permute(2, 0, 1)
            with torch.no_grad():
                both = network(torch.stack([image, blurred])).softmax(dim=1)[:, label]
            assert values.sum() == pytest.approx(float(both[0] - both[1]), abs=1e-5)

    def test_without_shap_it_names_the_extra(self, images, monkeypatch):
        monkeypatch.setitem(sys.modules, "shap", None)
        with pytest.raises(SpondylError) as refused:
            explain(NETWORKS["dense"]().eval(), images, LABELS, "partition")
        assert "spondyl[partition]" in refused.value.hint


class TestRefusals:
    """One clear line each."""

    @pytest.mark.parametrize(
        ("method", "said"),
        [
            ("icr-cam", "no definition could be found"),
            ("gradcam", "not known"),
            ("", "not known"),
        ],
    )
    def test_a_method_that_is_none(self, images, method, said):
        with pytest.raises(SpondylError, match=said):
            explain(NETWORKS["dense"]().eval(), images, LABELS, method)

    @pytest.mark.parametrize(
        "labels", [[0, 1], [0, 1, 3], [0, 1, -1], [0.0, 1.0, 2.0], [[0], [1], [2]], [True] * 3]
    )
    def test_labels_that_are_none(self, images, labels):
        with pytest.raises(SpondylError, match="label"):
            explain(NETWORKS["dense"]().eval(), images, labels)

    @pytest.mark.parametrize(
        "shape", [(1, 3, 1, 1), (1, 3, 224, 1), (3, 64, 64), (1, 1, 64, 64), (1, 4, 64, 64)]
    )
    def test_films_that_are_none(self, shape):
        with pytest.raises(SpondylError, match=r"film|image"):
            explain(NETWORKS["pooled"]().eval(), torch.zeros(shape), [0])

    def test_whole_numbers_for_pixels(self):
        with pytest.raises(SpondylError, match="uint8"):
            explain(NETWORKS["pooled"]().eval(), torch.zeros(1, 3, 64, 64, dtype=torch.uint8), [0])

    def test_a_network_without_a_map(self, images):
        body = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 4))
        network = networks.Network("flat", body, PooledLinear(4, 3), 4)
        with pytest.raises(SpondylError, match="no map"):
            explain(network, images, LABELS)

    def test_a_map_of_one_cell(self):
        network = networks.build("test_resnet", 3, seed=0)
        with pytest.raises(SpondylError, match="1 × 1"):
            explain(network, torch.zeros(1, 3, 32, 32), [0])

    @pytest.mark.parametrize("where", ["body", "head"])
    def test_weights_that_are_not_numbers(self, images, where):
        network = NETWORKS["pooled"]()
        with torch.no_grad():
            next(getattr(network, where).parameters()).view(-1)[0] = float("nan")
        with pytest.raises(SpondylError, match="not finite"):
            explain(network, images, LABELS)

    def test_cam_where_there_is_no_single_linear_layer(self, images):
        with pytest.raises(SpondylError, match="CAM is not defined"):
            explain(NETWORKS["dense"]().eval(), images, LABELS, "cam")

    def test_grad_cam_plus_plus_where_its_denominator_vanishes(self, images):
        network = NETWORKS["mlp"]().eval()
        with torch.no_grad():
            network.body[0].bias.fill_(-1.0)  # SiLU then gives a map of negative sums
            network.head.mlp[3].weight.mul_(1e3)
        with pytest.raises(SpondylError, match="not defined on this feature map"):
            explain(network, images, LABELS, "grad-cam++")


def test_every_method_of_the_table_is_tested_here():
    assert set(METHODS) == {*BY_NAME, "partition"}
