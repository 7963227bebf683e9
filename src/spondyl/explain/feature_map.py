"""What a network makes of a film before its head, and how the head's answer hangs on it.

Nothing before the feature map needs a gradient: the body runs in inference mode, and only the head
is differentiated, or not even that, for pooling and one linear layer have a gradient that is
known. Hooks are not used, so none can be left behind, and the network is handed back as it was
found. The price: a network has to come in its two parts (`learn.networks`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.learn.heads import PooledLinear, on_grid
from spondyl.learn.networks import Network

SMALLEST_SIDE = 32
"""Pixels of a film's shorter side on the network grid below which nothing is explained."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a network made of a batch, up to its logits."""

    features: Tensor
    """What is explained, float32: a feature map (n, k, h, w), or tokens (n, 1 + h·w, k)."""
    upper: nn.Module
    """From `features` to logits."""
    logits: Tensor
    """(n, labels) float32; with the head's graph where it has to be differentiated."""

    @property
    def map(self) -> Tensor:
        """A (n, k, h, w): the features that lie on the image, without a graph."""
        return on_grid(self.features.detach())

    def gradient(self, labels: Tensor) -> Tensor:
        """g = ∂y_c / ∂A (n, k, h, w), y_c the logit of each image's own label (n,).

        One backward pass serves the batch: in eval mode no image's logits depend on another's
        features, so the gradient of the sum is each image's own. For pooling and one linear layer
        it is w_ck / (h·w) in every cell.
        """
        if isinstance(self.upper, PooledLinear):
            n, _, height, width = self.map.shape
            weights = self.upper.linear.weight.detach()[labels] / (height * width)
            return weights[..., None, None].expand(n, -1, height, width)
        with torch.inference_mode(False), torch.enable_grad():
            asked = self.logits.gather(1, labels.clone()[:, None]).sum()
            (gradient,) = torch.autograd.grad(asked, self.features, retain_graph=True)
        return on_grid(gradient)


def see(network: Network, images: Tensor) -> Seen:
    """What `network`, in eval mode, makes of `images` (n, 3, h, w) float32, normalised.

    Images and network stay in the layout of memory they come in. What inference mode made cannot be
    differentiated, so the features, which are small, are copied out of it. Raises `SpondylError`
    for a network whose features do not lie on the image.
    """
    lower, upper = network.explained_parts()
    with torch.inference_mode():
        made = lower(images)
    _refuse_mapless(network, made)
    with torch.inference_mode(False), torch.set_grad_enabled(not isinstance(upper, PooledLinear)):
        features = made.clone().requires_grad_(torch.is_grad_enabled())
        return Seen(features, upper, upper(features))


@contextmanager
def at_rest(network: Network) -> Iterator[Network]:
    """The network in eval mode and single precision within the block, autocast switched off.

    Modes come back after it. A network in another precision, or built in inference mode, is copied
    rather than changed.
    """
    still = network
    if any(p.is_inference() or p.dtype != torch.float32 for p in network.parameters()):
        with torch.inference_mode(False):
            still = copy.deepcopy(network).float()
            for parameter in still.parameters():
                parameter.data = parameter.data.clone()
    device = next((p.device for p in still.parameters()), torch.device("cpu"))
    with evaluating(still), torch.autocast(device.type, enabled=False):
        yield still


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Every module in eval mode within the block, and in the mode it had before after it."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def films(images: Tensor) -> Tensor:
    """The images in single precision; `SpondylError` where they are no batch of films."""
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise SpondylError(
            f"images {tuple(images.shape)} of {images.dtype} cannot be explained",
            "Give normalised films (n, 3, height, width) of floating point numbers.",
        )
    if min(images.shape[2:]) < SMALLEST_SIDE:
        raise SpondylError(
            f"films of {images.shape[2]} × {images.shape[3]} pixels are too small to be explained",
            f"No side may be under {SMALLEST_SIDE} pixels.",
        )
    return images.float()


def _refuse_mapless(network: Network, features: Tensor) -> None:
    if features.ndim not in (3, 4):
        raise SpondylError(
            f"network {network.name}: has no map to explain, its body ends in "
            f"{tuple(features.shape)}",
            "The body must end in a feature map (n, channels, h, w) or in tokens.",
        )
    height, width = on_grid(features.detach()).shape[2:]
    if height * width < 4:
        raise SpondylError(
            f"network {network.name}: a map of {height} × {width} cells cannot say where",
            "Give larger films, or a cut that ends earlier, such as resnet50:layer3.",
        )
