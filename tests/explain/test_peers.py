"""Our maps beside those of grad-cam, captum and torchcam; and where theirs leave the definition.

Agreement is asserted before any scaling, on the layer's own grid. Where a library differs, the test
asserts that ours follows the slow definition and that theirs does not, and names the version that
was read; a newer version that puts it right fails the test, which is how we want to hear of it.
"""

import copy

import numpy as np
import pytest
import torch
from definitions import BY_NAME, Definition
from small_networks import NETWORKS

from spondyl.explain.explaining import explain
from spondyl.explain.feature_map import at_rest
from spondyl.explain.perturbation import occlusion
from spondyl.learn.heads import on_grid

grad_cam = pytest.importorskip("pytorch_grad_cam", reason="grad-cam is no dependency of ours")
captum = pytest.importorskip("captum.attr", reason="captum is no dependency of ours")
torchcam = pytest.importorskip("torchcam.methods", reason="torchcam is no dependency of ours")
target_of = pytest.importorskip("pytorch_grad_cam.utils.model_targets").ClassifierOutputTarget

LABELS = [2, 0, 1]
SAME = 1e-4
"""Largest difference, as a share of the map's largest value, between maps that are called equal."""

GRAD_CAM = {
    "grad-cam": grad_cam.GradCAM,
    "hirescam": grad_cam.HiResCAM,
    "grad-cam++": grad_cam.GradCAMPlusPlus,
    "xgrad-cam": grad_cam.XGradCAM,
    "layercam": grad_cam.LayerCAM,
    "score-cam": grad_cam.ScoreCAM,
}
TORCHCAM = {
    "grad-cam": torchcam.GradCAM,
    "grad-cam++": torchcam.GradCAMpp,
    "xgrad-cam": torchcam.XGradCAM,
    "layercam": torchcam.LayerCAM,
    "score-cam": torchcam.ScoreCAM,
}


def layer(network):
    return network.body[-2].norm1 if network.ends_in_attention else network.body[-1]


def arranged(network):
    """What turns a layer's output into a map, for those that ask for it."""
    return on_grid if network.ends_in_attention else None


def by_grad_cam(network, images, method, labels=LABELS):
    """Rectified maps (n, h, w) before it scales them."""
    targets = [target_of(label) for label in labels]
    with GRAD_CAM[method](network, [layer(network)], arranged(network)) as peer:
        peer(images, targets)
        kept = peer.activations_and_grads
        gradients = kept.gradients[0].numpy() if kept.gradients else None
        raw = peer.get_cam_image(
            images, layer(network), targets, kept.activations[0].numpy(), gradients, False
        )
    return torch.from_numpy(np.maximum(raw, 0))


def left_open(network, images):
    """grad-cam as one writes it first, without a `with` block; its hooks are taken away after."""
    peer = grad_cam.GradCAM(network, [network.body[-1]])
    try:
        return peer(images, [target_of(label) for label in LABELS])
    finally:
        peer.activations_and_grads.release()


def by_torchcam(network, images, method, labels=LABELS):
    """Rectified maps (n, h, w) before it scales them."""
    shape = tuple(images.shape[1:])
    with TORCHCAM[method](
        network, layer(network), input_shape=shape, reshape_transform=arranged(network)
    ) as peer:
        return peer(labels, network(images), normalized=False)[0].detach()


def by_captum(network, images, labels=LABELS):
    """Rectified Grad-CAM (n, h, w)."""
    explainer = captum.LayerGradCam(network, layer(network))
    return explainer.attribute(images, torch.tensor(labels), relu_attributions=True)[:, 0].detach()


def by_definition(network, images, method, labels=LABELS):
    pairs = zip(images, labels, strict=True)
    return torch.stack([BY_NAME[method](Definition(network, *pair)).clamp_min(0) for pair in pairs])


def difference(maps, others):
    """Largest difference as a share of the others' largest value."""
    assert maps.shape == others.shape
    assert others.max() > 0
    return ((maps.double() - others).abs().max() / others.max()).item()


def correlation(maps, others):
    return np.corrcoef(maps.flatten().numpy(), others.flatten().numpy())[0, 1]


@pytest.mark.parametrize("method", ["grad-cam", "hirescam", "xgrad-cam", "layercam"])
def test_our_maps_are_those_of_grad_cam(network, images, method):
    ours = explain(network, images, LABELS, method).maps
    theirs = by_grad_cam(network, images, method)
    assert difference(ours, theirs) < SAME
    assert correlation(ours, theirs) > 0.999999


@pytest.mark.parametrize("method", ["grad-cam", "xgrad-cam", "layercam", "score-cam"])
def test_our_maps_are_those_of_torchcam(network, images, method):
    ours = explain(network, images, LABELS, method).maps
    theirs = by_torchcam(network, images, method)
    assert difference(ours, theirs) < SAME
    assert correlation(ours, theirs) > 0.999999


def test_our_grad_cam_is_that_of_captum_on_every_network_that_has_a_map(network, images):
    if network.ends_in_attention:
        pytest.skip("captum takes tokens for channels; see below")
    ours = explain(network, images, LABELS).maps
    assert difference(ours, by_captum(network, images)) < SAME


def test_our_maps_scaled_and_enlarged_are_what_grad_cam_returns(images):
    cv2 = pytest.importorskip("cv2")
    network = NETWORKS["dense"]().eval()
    with grad_cam.GradCAM(network, [network.body[-1]]) as peer:
        theirs = peer(images, [target_of(label) for label in LABELS])
    for values, their in zip(explain(network, images, LABELS).maps.numpy(), theirs, strict=True):
        enlarged = cv2.resize((values - values.min()) / np.ptp(values), (64, 64))
        scaled = (enlarged - enlarged.min()) / np.ptp(enlarged)
        assert np.abs(scaled - their).max() < SAME


def test_a_drop_of_the_probability_under_one_window_is_captum_s(images):
    """captum 0.9.0 adds up windows that overlap, we take their mean: equal for tiles."""
    network = NETWORKS["dense"]().eval()
    film = images[:1] - images[:1].mean(dim=(2, 3), keepdim=True)  # its mean colour is captum's 0
    with torch.no_grad():
        ours = occlusion(network, film, network(film), torch.tensor([1]), window=16, stride=16)
        theirs = captum.Occlusion(lambda batch: network(batch).softmax(dim=1)).attribute(
            film, sliding_window_shapes=(3, 16, 16), strides=(3, 16, 16), target=1
        )
    assert ours.shape == (1, 4, 4)
    assert torch.allclose(ours[0], theirs[0, 0, ::16, ::16].float(), atol=1e-6)


@pytest.mark.parametrize("kind", ["pooled", "dense", "tokens"])
def test_the_grad_cam_plus_plus_of_torchcam_is_another_method(images, kind):
    """torchcam 0.5.0 divides a copy in place (`alpha[idx][mask].div_`), so nothing is divided, and
    its denominator sums g³ ⊙ A where the paper has g³ times the sum of A."""
    network = NETWORKS[kind]().eval()
    exact = by_definition(network, images, "grad-cam++")
    theirs = by_torchcam(network, images, "grad-cam++")
    assert difference(explain(network, images, LABELS, "grad-cam++").maps, exact) < SAME
    assert difference(theirs, exact) > 0.9
    undivided = []
    for image, label in zip(images, LABELS, strict=True):
        definition = Definition(network, image, label)
        cubes = (definition.g.clamp_min(0) ** 3).sum(dim=(1, 2))
        undivided.append(definition.weighted_sum(cubes).clamp_min(0))
    assert difference(theirs, torch.stack(undivided)) < SAME


def test_where_gradients_are_small_grad_cam_loses_most_of_its_grad_cam_plus_plus(images):
    """grad-cam 1.5.7 adds 1e-6 to a denominator of the order of 2g². A mean over 49 cells makes
    gradients of 1e-3 and less, whose squares are lost in it."""
    network = NETWORKS["pooled"]().eval()
    with torch.no_grad():
        network.head.linear.weight.mul_(0.003)
    exact = by_definition(network, images, "grad-cam++")
    assert difference(explain(network, images, LABELS, "grad-cam++").maps, exact) < SAME
    assert difference(by_grad_cam(network, images, "grad-cam++"), exact) > 0.5


@pytest.mark.parametrize("kind", ["dense", "mlp"])
def test_the_score_cam_of_grad_cam_scales_after_enlarging(images, kind):
    """grad-cam 1.5.7 aligns the corners of the enlarged channel and scales that; the paper scales
    the channel, and the enlargement without aligned corners never reaches its extremes."""
    network = NETWORKS[kind]().eval()
    exact = by_definition(network, images, "score-cam")
    theirs = by_grad_cam(network, images, "score-cam")
    assert difference(explain(network, images, LABELS, "score-cam").maps, exact) < SAME
    assert difference(theirs, exact) > 10 * SAME
    assert correlation(theirs, exact) > 0.999


def test_captum_takes_tokens_for_channels(images):
    """captum 0.9.0 averages over all axes but the second, which for tokens (n, 1 + h·w, k) is the
    position: it says how much each channel matters and nothing of where."""
    network = NETWORKS["tokens"]().eval()
    assert by_captum(network, images).shape == (3, 64)
    assert explain(network, images, LABELS).maps.shape == (3, 4, 4)


@pytest.mark.parametrize("library", ["grad-cam", "torchcam"])
def test_a_map_a_thousand_times_weaker_looks_the_same_elsewhere_and_not_here(images, library):
    """grad-cam 1.5.7 always scales to 0 to 1, torchcam 0.5.0 unless told otherwise."""
    strong = NETWORKS["dense"]().eval()
    weak = copy.deepcopy(strong)
    with torch.no_grad():
        weak.head.classifier[3].weight.mul_(1e-3)

    def scaled(network):
        if library == "grad-cam":
            with grad_cam.GradCAM(network, [network.body[-1]]) as peer:
                return torch.from_numpy(peer(images, [target_of(label) for label in LABELS]))
        with torchcam.GradCAM(network, network.body[-1], input_shape=(3, 64, 64)) as peer:
            return peer(LABELS, network(images))[0]

    assert torch.allclose(scaled(weak), scaled(strong), atol=0.05)
    ratio = explain(weak, images, LABELS).maps.max() / explain(strong, images, LABELS).maps.max()
    assert ratio.item() == pytest.approx(1e-3, rel=1e-3)


def test_a_frozen_network_has_a_map_here_and_none_in_grad_cam_and_torchcam(images):
    """grad-cam 1.5.7 and torchcam 0.5.0 need a gradient to reach the layer from the weights below
    it; captum 0.9.0 asks for it itself."""
    network = NETWORKS["dense"]().eval()
    expected = explain(network, images, LABELS).maps
    network.requires_grad_(False)
    assert torch.allclose(explain(network, images, LABELS).maps, expected)
    with pytest.raises((RuntimeError, IndexError, AttributeError, ValueError)):
        left_open(network, images)
    with pytest.raises(RuntimeError):
        by_torchcam(network, images, "grad-cam")


def test_under_no_grad_there_is_a_map_here_and_none_in_grad_cam_and_torchcam(images):
    """As above: grad-cam 1.5.7, torchcam 0.5.0."""
    network = NETWORKS["dense"]().eval()
    expected = explain(network, images, LABELS).maps
    with torch.no_grad():
        assert torch.allclose(explain(network, images, LABELS).maps, expected)
        with pytest.raises((RuntimeError, IndexError, AttributeError, ValueError)):
            left_open(network, images)
        with pytest.raises(RuntimeError):
            by_torchcam(network, images, "grad-cam")


def test_grad_cam_clears_the_gradients_and_the_mode_of_a_network_in_training(images):
    """grad-cam 1.5.7 calls `zero_grad` and `eval` on the user's network, leaves it so, and leaves
    gradients of its own in the weights."""
    network = NETWORKS["dense"]().train()
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    explain(network, images, LABELS)
    assert network.training
    assert all(bool((parameter.grad == 7).all()) for parameter in network.parameters())
    left_open(network, images)
    assert not network.training
    assert not any(bool((parameter.grad == 7).all()) for parameter in network.parameters())


def test_a_network_that_fails_leaves_hooks_behind_elsewhere_and_none_here(images):
    """torchcam 0.5.0 and grad-cam 1.5.7 take their hooks away only where they are used in a `with`
    block or deleted."""
    network = NETWORKS["dense"]().eval()
    explain(network, images, LABELS)
    assert not any(module._forward_hooks for module in network.modules())
    peers = [
        torchcam.GradCAM(network, network.body[-1], input_shape=(3, 64, 64)),
        grad_cam.GradCAM(network, [network.body[-1]]),
    ]
    network(images)
    assert len(network.body[-1]._forward_hooks) == 4
    del peers


def test_an_index_error_is_swallowed_by_grad_cam_on_leaving_its_context_and_by_us_never(capsys):
    """grad-cam 1.5.7 prints it and goes on, so that the code after the block runs on nothing."""
    network = NETWORKS["dense"]().eval()
    with grad_cam.GradCAM(network, [network.body[-1]]):
        raise IndexError("of the user's own")
    assert "of the user's own" in capsys.readouterr().out
    with pytest.raises(IndexError), at_rest(network):
        raise IndexError("of the user's own")
