"""What a network makes of a film before its head, and how the head's answer hangs on it.

Nothing before the feature map needs a gradient: the body runs in inference mode, and only the head
is differentiated, or not even that, for pooling and one linear layer have a gradient that is
known. Hooks are not used, so none can be left behind, and the network is handed back as it was
found. The price: a network has to come in its two parts (`learn.networks`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.learn.heads import DenseHead, Head, PooledLinear, on_grid
from spondyl.learn.networks import Network

SMALLEST_SIDE = 32
"""Pixels of a film's shorter side on the network grid below which nothing is explained."""
LEAST_CELLS = 4
"""Cells of a map below which it cannot say where."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a network made of a batch, up to its logits."""

    features: Tensor
    """What is explained, float32: a feature map (n, k, h, w), or tokens (n, 1 + h·w, k)."""
    upper: nn.Module
    """From `features` to logits."""
    logits: Tensor
    """(n, labels) float32; with a graph back to `leaf` where there is one."""
    leaf: Tensor | None
    """Where differentiation stops: at the features, at their mean where the head begins with it,
    behind the first layer of VGG's dense head, which is linear, or nowhere, where the gradient is
    known."""

    @property
    def map(self) -> Tensor:
        """A (n, k, h, w): the features that lie on the image, without a graph."""
        return on_grid(self.features.detach())

    def gradient(self, labels: Tensor) -> Tensor:
        """g = ∂y_c / ∂A (n, k, h, w), y_c the logit of each image's own label (n,).

        Below a pooling it is the same in every cell, a view without memory; where one linear layer
        follows, w_ck / (h·w).
        """
        if _pools(self.upper):
            return self.mean_gradient(labels)[..., None, None].expand(self.map.shape)
        pulled = self._pulled(labels)
        if not isinstance(self.upper, DenseHead):
            return on_grid(pulled)
        with torch.inference_mode(False), torch.enable_grad():
            entering = self.features.detach().requires_grad_(True)
            reduced = self.upper.reduced(entering)
            through = pulled @ self.upper.first.weight.detach()
            (gradient,) = torch.autograd.grad(reduced, entering, through)
        return gradient

    def mean_gradient(self, labels: Tensor) -> Tensor:
        """(n, k): the mean of g over the map, which is all that Grad-CAM needs.

        VGG's pooling hands each of its outputs' gradient on whole, to one winner or in equal
        shares, so the sum over the map is the sum over what enters the first dense layer, and that
        layer's weights can be summed before they are multiplied: a third of the work or less.
        """
        height, width = self.map.shape[2:]
        if isinstance(self.upper, PooledLinear):
            return self.upper.linear.weight.detach()[labels] / (height * width)
        if _pools(self.upper):
            return self._pulled(labels) / (height * width)
        if not isinstance(self.upper, DenseHead):
            return self.gradient(labels).mean(dim=(2, 3))
        weight = self.upper.first.weight.detach()
        with torch.no_grad():
            summed = weight.view(len(weight), self.features.shape[1], -1).sum(dim=2)
            return self._pulled(labels) @ summed / (height * width)

    def _pulled(self, labels: Tensor) -> Tensor:
        """The gradient of each image's own logit at `leaf`.

        One backward pass serves the batch: in eval mode no image's logits depend on another's
        features, so the gradient of the sum is each image's own.
        """
        assert self.leaf is not None
        with torch.inference_mode(False), torch.enable_grad():
            asked = self.logits.gather(1, labels.clone()[:, None]).sum()
            (gradient,) = torch.autograd.grad(asked, self.leaf, retain_graph=True)
        return gradient


def see(network: Network, images: Tensor, made: Tensor | None = None) -> Seen:
    """What `network`, in eval mode, makes of `images` (n, 3, h, w) float32, normalised.

    `made` is what the lower of `network.explained_parts()` makes of them, where somebody knows it
    already: networks that share a body need it once. Images and network stay in the layout of
    memory they come in. What inference mode made cannot be differentiated, so the features, which
    are small, are copied out of it. Raises `SpondylError` for a network whose features do not lie
    on the image.
    """
    lower, upper = network.explained_parts()
    with torch.inference_mode():
        made = lower(images) if made is None else made
    _refuse_mapless(network, made)
    with torch.inference_mode(False), torch.no_grad():
        features = made.clone()
        if isinstance(upper, PooledLinear):
            return Seen(features, upper, upper(features), None)
        first, rest = _at_leaf(upper, features)
    with torch.inference_mode(False), torch.enable_grad():
        leaf = first.detach().requires_grad_(True)
        # VGG's layers work in place, which a leaf does not admit.
        logits = rest(leaf.clone())
    return Seen(features, upper, logits, leaf)


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


def _at_leaf(upper: nn.Module, features: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """What is made of the features as far as the way back is known, and what follows it."""
    if isinstance(upper, DenseHead):
        return upper.first(upper.reduced(features)), upper.rest
    if isinstance(upper, Head) and upper.pools:
        return upper.reduced(features), upper.classify
    return features, upper


def _pools(upper: nn.Module) -> bool:
    return isinstance(upper, Head) and upper.pools


def says_where(network: Network, images: Tensor) -> bool:
    """Whether the map that the network, in evaluation mode, makes of `images` (n, 3, height, width)
    has cells enough to say where."""
    with torch.inference_mode():
        height, width = _cells(network.body(images[:1]))
    return height * width >= LEAST_CELLS


def _cells(features: Tensor) -> tuple[int, int]:
    height, width = on_grid(features.detach()).shape[2:]
    return height, width


def _refuse_mapless(network: Network, features: Tensor) -> None:
    if features.ndim not in (3, 4):
        raise SpondylError(
            f"network {network.name}: has no map to explain, its body ends in "
            f"{tuple(features.shape)}",
            "The body must end in a feature map (n, channels, h, w) or in tokens.",
        )
    height, width = _cells(features)
    if height * width < LEAST_CELLS:
        raise SpondylError(
            f"network {network.name}: a map of {height} × {width} cells cannot say where",
            "Give larger films, or a cut that ends earlier, such as resnet50:layer3.",
        )
