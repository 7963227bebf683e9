"""The partition explainer of shap: Owen values over a hierarchy of image regions.

The values are shap's own, by its `PartitionExplainer` and its image masker; here films only change
their form on the way in and out. shap is an optional extra. It works film by film on the CPU, with
one pass of the network for each region it hides, so it costs hundreds of forward passes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spondyl.errors import SpondylError
from spondyl.learn.networks import Network

EVALUATIONS = 500
"""Forward passes for one film at most."""
BLUR = 32
"""Side of the box blur, in pixels, that hides a region."""
_BATCH = 32


def partition(
    network: Network, images: Tensor, labels: Tensor, evaluations: int = EVALUATIONS
) -> Tensor:
    """(n, h, w) Owen values of the label's probability on the network grid, colours summed; their
    sum is the probability of the film less that of the blurred film (Lundberg, shap; Owen 1977).

    Raises `SpondylError` where shap is not installed.
    """
    try:
        import shap
    except ImportError as error:
        raise SpondylError(
            "the partition explainer needs shap, which is not installed",
            "Install the extra: pip install 'spondyl[partition]'.",
        ) from error
    explainer = shap.PartitionExplainer(
        _Probabilities(network, images.device),
        shap.maskers.Image(f"blur({BLUR},{BLUR})", (*images.shape[2:], 3)),
    )
    maps = []
    for image, label in zip(images, labels, strict=True):
        film = image.permute(1, 2, 0).cpu().numpy()[None]
        values = explainer(
            film, max_evals=evaluations, batch_size=_BATCH, outputs=[int(label)], silent=True
        ).values
        maps.append(torch.from_numpy(np.ascontiguousarray(values[0, ..., 0].sum(axis=2))).float())
    return torch.stack(maps).to(images.device)


class _Probabilities:
    """A network as shap calls it: films (n, h, w, 3) → probabilities (n, labels)."""

    def __init__(self, network: Network, device: torch.device) -> None:
        self.network = network
        self.device = device

    def __call__(self, films: NDArray[Any]) -> NDArray[np.float64]:
        batch = torch.from_numpy(np.ascontiguousarray(films, dtype=np.float32))
        with torch.inference_mode():
            logits = self.network(batch.permute(0, 3, 1, 2).to(self.device))
        return np.asarray(logits.double().softmax(dim=1).cpu().numpy())
