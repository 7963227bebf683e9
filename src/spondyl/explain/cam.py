"""Class activation maps at the price of a forward pass.

Nothing before the feature map needs a gradient: the body runs without autograd, and only the head
is differentiated, or not even that: for pooling and one linear layer the gradient is known, w_ck /
(hw). Hooks are not used, so none can be left behind, and the network is handed back as it was
found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spondyl.learn.heads import PooledLinear
from spondyl.learn.networks import Network


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """Maps (n, h, w) float32 for the labels asked about, and the logits (n, labels) beside them."""

    maps: Tensor
    logits: Tensor


def grad_cam(network: Network, images: Tensor, labels: Tensor) -> Explained:
    """Grad-CAM (1610.02391): (Σ_k α_k A_k)+ with α_k the mean over the map of ∂y_c / ∂A_k.

    `images` (n, 3, h, w) normalised, on the network's device; `labels` (n,) int64, the column of
    the label asked about in each image. Computed in float32 and in eval mode, whatever mode and
    precision the caller is in; gradients, modes, weights and random state stay as they were.
    """
    with evaluating(network), torch.autocast(images.device.type, enabled=False):
        with torch.no_grad():
            feature_map = network.body(images.float())
            logits = network.head(feature_map)
        alpha = channel_weights(network.head, feature_map, labels)
        with torch.no_grad():
            maps = torch.einsum("nk,nkhw->nhw", alpha, feature_map).clamp_min(0)
    return Explained(maps, logits)


def channel_weights(head: nn.Module, feature_map: Tensor, labels: Tensor) -> Tensor:
    """α (n, channels): the mean over the map of the gradient of each image's own label's logit."""
    if isinstance(head, PooledLinear):
        cells = feature_map.shape[2] * feature_map.shape[3]
        with torch.no_grad():
            return head.linear.weight[labels] / cells
    return head_gradient(head, feature_map, labels).mean(dim=(2, 3))


def head_gradient(head: nn.Module, feature_map: Tensor, labels: Tensor) -> Tensor:
    """∂y_c / ∂A (n, channels, h, w), with y_c the logit of each image's own label.

    One backward pass serves the batch: in eval mode no image's logits depend on another's map, so
    the gradient of the sum is each image's own.
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf = feature_map.clone().requires_grad_(True)
        logits = head(leaf)
        asked = logits.gather(1, labels.clone().unsqueeze(1)).sum()
        (gradient,) = torch.autograd.grad(asked, leaf)
    return gradient


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
