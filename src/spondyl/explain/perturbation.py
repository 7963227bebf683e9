"""Maps from what changes when something is hidden: Score-CAM, Recipro-CAM, occlusion.

No gradients. Score-CAM and occlusion send many altered films through the whole network, in
inference mode and channels last, in which convolutions are fastest; Recipro-CAM only alters the
feature map, so the head alone is run again. The price: a batch holds alterations of one film only,
so a film's last batch is seldom full.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from spondyl.explain.feature_map import Seen
from spondyl.learn.heads import PooledLinear, weighted
from spondyl.learn.networks import Network

BATCH = 16
"""Altered films in one pass; with more, a film costs more again, for they leave the caches."""
HEAD_BATCH = 256
"""Altered feature maps in one pass of the head."""
WINDOW, STRIDE = 32, 16
"""Of occlusion, in pixels of the network grid."""
_GAUSSIAN = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16


def score_cam(network: Network, images: Tensor, seen: Seen, labels: Tensor) -> Tensor:
    """Σ_k s_k A_k (n, h, w), s the softmax over k of the logit y_c(x ⊙ H_k), H_k the channel
    scaled to [0, 1] and bilinearly enlarged (Wang et al. 1910.01279, section 3.2).

    x is the normalised film, so that hiding means the mean colour. The baseline's logit shifts all
    channels alike and falls out of the softmax. Channels that are constant over the map have H_k =
    0; they share one pass.
    """
    maps = []
    for image, channels, label in zip(images, seen.map, labels, strict=True):
        scores = _channel_scores(network, image, channels, label)
        maps.append(torch.einsum("k,khw->hw", scores.softmax(dim=0), channels))
    return torch.stack(maps)


def _channel_scores(network: Network, image: Tensor, channels: Tensor, label: Tensor) -> Tensor:
    """(k,) logits of `label` for the film behind each channel."""
    low, high = channels.amin(dim=(1, 2)), channels.amax(dim=(1, 2))
    varied = torch.nonzero(high > low).flatten()
    span = (high - low)[varied, None, None]
    masks = (channels[varied] - low[varied, None, None]) / span
    scores = torch.empty(len(channels), device=image.device)
    if len(varied) < len(channels):
        scores[:] = _answers(network, torch.zeros_like(image)[None])[0, label]
    for rows in torch.split(torch.arange(len(varied), device=image.device), BATCH):
        enlarged = F.interpolate(masks[rows, None], image.shape[1:], mode="bilinear")
        scores[varied[rows]] = _answers(network, image * enlarged)[:, label]
    return scores


def _answers(network: Network, altered: Tensor) -> Tensor:
    """Logits (n, labels) of altered films (n, 3, h, w)."""
    with torch.inference_mode():
        logits: Tensor = network(altered.contiguous(memory_format=torch.channels_last))
        return logits


def recipro_cam(seen: Seen, labels: Tensor, *, gaussian: bool) -> Tensor:
    """(n, h, w): the probability of the label when only one cell of the map is left, or one cell
    and its neighbours under the 3 × 3 binomial kernel with sum 1 (Byun and Lee 2209.14074, eq. 2
    to 4); class tokens are left in place.

    For pooling and one linear layer the head of all hidden maps is one product of matrices.
    """
    kernel = _GAUSSIAN.to(seen.map.device) if gaussian else None
    if isinstance(seen.upper, PooledLinear):
        return _recipro_linear(seen, seen.upper, labels, kernel)
    n, _, height, width = seen.map.shape
    masks = _cell_masks(height, width, kernel).to(seen.map.device)
    features = seen.features.detach()
    maps = [
        torch.cat([_left(seen, one[None], some, label) for some in torch.split(masks, HEAD_BATCH)])
        for one, label in zip(features, labels, strict=True)
    ]
    return torch.stack(maps).reshape(n, height, width)


def _left(seen: Seen, features: Tensor, masks: Tensor, label: Tensor) -> Tensor:
    """(masks,) probabilities of `label` for one film's features under each mask."""
    repeated = features.expand(len(masks), *features.shape[1:])
    probabilities: Tensor = seen.upper(weighted(repeated, masks)).softmax(dim=1)[:, label]
    return probabilities


def _recipro_linear(
    seen: Seen, head: PooledLinear, labels: Tensor, kernel: Tensor | None
) -> Tensor:
    height, width = seen.map.shape[2:]
    pull = torch.einsum("lk,nkhw->nlhw", head.linear.weight, seen.map) / (height * width)
    if kernel is not None:
        single = pull.flatten(0, 1)[:, None]
        pull = F.conv2d(single, kernel[None, None], padding=1).reshape(pull.shape)
    probabilities = (pull + head.linear.bias[:, None, None]).softmax(dim=1)
    return probabilities[torch.arange(len(labels), device=labels.device), labels]


def _cell_masks(height: int, width: int, kernel: Tensor | None) -> Tensor:
    """(h·w, 1, h, w): one cell left in each, row by row, or its neighbourhood under the kernel."""
    masks = torch.eye(height * width).reshape(-1, 1, height, width)
    return masks if kernel is None else F.conv2d(masks, kernel.cpu()[None, None], padding=1)


def occlusion(
    network: Network,
    images: Tensor,
    logits: Tensor,
    labels: Tensor,
    window: int = WINDOW,
    stride: int = STRIDE,
) -> Tensor:
    """(n, ⌈h / stride⌉, ⌈w / stride⌉): how far the label's probability falls when a window of the
    film is filled with the film's mean colour (Zeiler and Fergus 1311.2901, section 4.2).

    `window` and `stride` are in pixels, `window` a multiple of `stride`. The film is ruled into
    cells of about `stride` pixels, a window hides a square of cells, and windows reach over the
    edge, so that every cell is hidden equally often: its value is the mean over the windows that
    hide it. Positive where hiding hurts.
    """
    reach = window // stride
    rows, columns = (_edges(side, stride) for side in images.shape[2:])
    n_windows = (len(rows) - 2 + reach, len(columns) - 2 + reach)
    maps = []
    for image, own, label in zip(images, logits.detach(), labels, strict=True):
        whole = own.softmax(dim=0)[label]
        hidden = [
            _answers(network, batch).softmax(dim=1)[:, label]
            for batch in _occluded(image, rows, columns, reach)
        ]
        drops = (whole - torch.cat(hidden)).reshape(1, 1, *n_windows)
        maps.append(F.avg_pool2d(drops, reach, stride=1)[0, 0])
    return torch.stack(maps)


def _edges(side: int, stride: int) -> list[int]:
    """First pixels of the cells along one side, and its end."""
    n_cells = -(-side // stride)
    return [round(cell * side / n_cells) for cell in range(n_cells + 1)]


def _occluded(image: Tensor, rows: list[int], columns: list[int], reach: int) -> Iterator[Tensor]:
    """Batches of the film (3, h, w), each with one window filled, windows row by row."""
    filling = image.mean(dim=(1, 2))[:, None, None]
    windows = [(top, left) for top in _windows(rows, reach) for left in _windows(columns, reach)]
    for first in range(0, len(windows), BATCH):
        some = windows[first : first + BATCH]
        batch = image.repeat(len(some), 1, 1, 1)
        for hidden, (along, across) in zip(batch, some, strict=True):
            hidden[:, along, across] = filling
        yield batch


def _windows(edges: list[int], reach: int) -> list[slice]:
    """What each window hides along one side."""
    last = len(edges) - 1
    return [
        slice(edges[max(cell, 0)], edges[min(cell + reach, last)])
        for cell in range(1 - reach, last)
    ]
