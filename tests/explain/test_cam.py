"""Grad-CAM against its definition, and what it leaves behind: nothing."""

import copy

import pytest
import torch

from spondyl.explain.cam import grad_cam
from spondyl.learn import networks


def by_definition(network, image, label):
    """Slow: one image, autograd through the whole network, channel by channel."""
    feature_map = network.body(image.unsqueeze(0))
    feature_map.retain_grad()
    network.head(feature_map)[0, label].backward()
    total = torch.zeros(feature_map.shape[2:])
    for k in range(feature_map.shape[1]):
        alpha = feature_map.grad[0, k].mean()
        total = total + alpha * feature_map[0, k].detach()
    network.zero_grad()
    return total.clamp_min(0)


def small_resnet():
    """A random network whose weights lean to the positive, so that maps do not all end in the
    ReLU."""
    network = networks.build("test_resnet", 3, seed=1)
    with torch.no_grad():
        network.head.linear.weight.add_(0.1)
    return network


def small_vgg():
    """VGG16's own head over a short body: pooling, averages, dense layers with dropout."""
    network = networks.build("vgg16", 3, seed=0)
    body = torch.nn.Sequential(torch.nn.Conv2d(3, 512, 3, padding=1, stride=4), torch.nn.ReLU())
    return networks.Network("small vgg", body, network.head, 512)


@pytest.fixture(scope="module", params=["pooled", "dense"])
def network(request):
    return small_resnet() if request.param == "pooled" else small_vgg()


@pytest.fixture
def images():
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_maps_are_those_of_the_definition_for_a_different_label_in_each_image(network, images):
    network.eval()
    labels = torch.tensor([2, 0, 1])
    explained = grad_cam(network, images, labels)
    for image, label, ours in zip(images, labels, explained.maps, strict=True):
        theirs = by_definition(network, image, int(label))
        assert theirs.max() > 0
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6 * theirs.abs().max().item())
    with torch.inference_mode():
        assert torch.allclose(explained.logits, network(images), atol=1e-5)


def test_a_neighbour_in_the_batch_changes_nothing(network, images):
    labels = torch.tensor([0, 1, 2])
    alone = grad_cam(network, images[:1], labels[:1]).maps[0]
    together = grad_cam(network, images, labels).maps[0]
    assert torch.allclose(alone, together, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("frozen", [True, False])
def test_it_works_under_any_gradient_mode_and_on_frozen_networks(network, images, around, frozen):
    labels = torch.tensor([0, 1, 2])
    expected = grad_cam(network, images, labels).maps
    still = copy.deepcopy(network).requires_grad_(not frozen)
    with around():
        maps = grad_cam(still, images.clone(), labels.clone()).maps
    assert torch.allclose(maps, expected, rtol=1e-4)
    assert not maps.requires_grad


def test_explaining_leaves_the_network_exactly_as_it_was(network, images):
    network.train()
    network.body[0].eval()  # a mixture of modes, as frozen batch norms give
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    modes = [module.training for module in network.modules()]
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(4)
    random_state = torch.get_rng_state()
    grad_cam(network, images, torch.tensor([0, 1, 2]))
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(tensors[n], t) for n, t in network.state_dict().items())
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in network.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not any(m._forward_hooks or m._backward_hooks for m in network.modules())
    network.zero_grad()


def test_half_precision_around_it_changes_nothing(network, images):
    labels = torch.tensor([0, 1, 2])
    expected = grad_cam(network, images, labels).maps
    with torch.autocast("cpu", dtype=torch.bfloat16):
        maps = grad_cam(network, images, labels).maps
    assert maps.dtype == torch.float32
    assert torch.allclose(maps, expected, rtol=1e-4)


def test_modes_come_back_even_after_an_error(network):
    network.train()
    with pytest.raises(RuntimeError):
        grad_cam(network, torch.zeros(1, 5, 64, 64), torch.tensor([0]))
    assert network.training
    network.eval()


def test_a_scale_of_the_logits_is_a_scale_of_the_map(images):
    network = small_resnet().eval()
    labels = torch.tensor([0, 1, 2])
    before = grad_cam(network, images, labels).maps
    with torch.no_grad():
        network.head.linear.weight.mul_(0.001)
    assert torch.allclose(grad_cam(network, images, labels).maps, 0.001 * before, rtol=1e-4)


def test_maps_agree_with_the_peer_s(images):
    pytorch_grad_cam = pytest.importorskip("pytorch_grad_cam", reason="grad-cam not installed")
    targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")
    network = small_resnet().eval()
    images = torch.nn.functional.interpolate(images, (224, 224))
    labels = torch.tensor([2, 0, 1])
    with pytorch_grad_cam.GradCAM(network, [network.body[-1]]) as peer:
        theirs = peer(images, [targets.ClassifierOutputTarget(int(label)) for label in labels])
    maps = grad_cam(network, images, labels).maps.unsqueeze(1)
    ours = torch.nn.functional.interpolate(maps, (224, 224), mode="bilinear").flatten(1)
    for one, other in zip(ours, torch.from_numpy(theirs).flatten(1), strict=True):
        assert one.max() > 0
        assert torch.corrcoef(torch.stack([one, other]))[0, 1] > 0.9999
