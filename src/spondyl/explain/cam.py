"""Class activation maps as formulas on a feature map A (n, k, h, w) and its gradient g (same).

Each function returns the signed map (n, h, w), before the ReLU in which the definitions end. The
gradient of a head of pooling and one linear layer is one number per channel, handed over as a view
without memory of its own, so that the formulas stand here once, for any head.
"""

from __future__ import annotations

import torch
from torch import Tensor

from spondyl.errors import SpondylError


def grad_cam(feature_map: Tensor, gradient: Tensor) -> Tensor:
    """Σ_k α_k A_k, α_k the mean over the map of g_k (Selvaraju et al. 1610.02391, eq. 1 and 2)."""
    return weighted_sum(gradient.mean(dim=(2, 3)), feature_map)


def hires_cam(feature_map: Tensor, gradient: Tensor) -> Tensor:
    """Σ_k g_k ⊙ A_k (Draelos and Carin 2011.08891, eq. 3)."""
    return torch.einsum("nkhw,nkhw->nhw", gradient, feature_map)


def cam(feature_map: Tensor, gradient: Tensor) -> Tensor:
    """Σ_k w_ck A_k (Zhou et al. 1512.04150, eq. 2), for pooling and one linear layer only: there
    w_ck is h·w times the gradient in any cell."""
    height, width = feature_map.shape[2:]
    return height * width * weighted_sum(gradient[:, :, 0, 0], feature_map)


def grad_cam_plus_plus(feature_map: Tensor, gradient: Tensor) -> Tensor:
    """Σ_k w_k A_k with w_k = Σ_map a ⊙ (g)+ and a = g² / (2g² + g³ ΣA_k) = 1 / (2 + g ΣA_k), 0
    where g ≤ 0 (Chattopadhay et al. 1710.11063, eq. 19; exp(y) is dropped, as is usual).

    Raises `SpondylError` where a denominator is not positive, as can happen on maps with negative
    values (SiLU, GELU, tokens): the derivation then says nothing.
    """
    denominator = 2 + gradient * feature_map.sum(dim=(2, 3), keepdim=True)
    rising = gradient > 0
    if bool((rising & (denominator <= 0)).any()):
        raise SpondylError(
            "Grad-CAM++ is not defined on this feature map: its denominator vanishes",
            "The map holds negative values; use hirescam, layercam or grad-cam.",
        )
    contributions = torch.where(rising, gradient / denominator, 0)
    return weighted_sum(contributions.sum(dim=(2, 3)), feature_map)


def xgrad_cam(feature_map: Tensor, gradient: Tensor) -> Tensor:
    """Σ_k w_k A_k with w_k = Σ_map g_k ⊙ A_k / Σ_map A_k, 0 where the sum of A_k is 0 (Fu et al.
    2008.02312, eq. 8)."""
    mass = feature_map.sum(dim=(2, 3))
    pull = torch.einsum("nkhw,nkhw->nk", gradient, feature_map)
    weights = torch.where(mass == 0, 0, pull / torch.where(mass == 0, 1, mass))
    return weighted_sum(weights, feature_map)


def layer_cam(feature_map: Tensor, gradient: Tensor) -> Tensor:
    """Σ_k (g_k)+ ⊙ A_k (Jiang et al. 2021, 10.1109/TIP.2021.3089943, eq. 5 and 6)."""
    return hires_cam(feature_map, gradient.clamp_min(0))


def weighted_sum(weights: Tensor, feature_map: Tensor) -> Tensor:
    """Σ_k w_k A_k (n, h, w) for weights (n, k): Grad-CAM, where they are α."""
    return torch.einsum("nk,nkhw->nhw", weights, feature_map)
