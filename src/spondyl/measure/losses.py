"""What a finder is punished for, cell by cell.

Middles by the focal loss of CenterNet (Zhou et al. 2019, 1904.07850, equation 1, α = 2, β = 4),
masks by cross-entropy and Dice together (Milletari et al. 2016), levels by cross-entropy inside
bodies, corners by their distance, and once more the drop of each mid-line, because a Cobb angle is
made of nothing else. The weights between them were set once by their size at the start of training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from spondyl.measure.network import CORNER_UNIT_PX, Answer

_WEIGHTS = {"mask": 1.0, "middle": 1.0, "level": 0.3, "corners": 1.0, "drop": 1.0, "view": 0.3}


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """The targets of a batch of n films on the network's grid (`targets.Targets`, stacked)."""

    mask: Tensor
    middle: Tensor
    level: Tensor
    corners: Tensor
    asked: Tensor
    view: Tensor
    """(n,) column of `network.VIEWS`."""

    def to(self, device: torch.device) -> Wanted:
        """The same on `device`."""
        return Wanted(*(getattr(self, name).to(device) for name in Wanted.__slots__))


def loss(answer: Answer, wanted: Wanted) -> Tensor:
    """The weighted sum of all terms, a mean over the batch."""
    terms = {
        "mask": _mask(answer.mask, wanted.mask),
        "middle": _middle(answer.middle, wanted.middle, wanted.asked),
        "view": F.cross_entropy(answer.view, wanted.view),
        **_of_bodies(answer, wanted),
    }
    return torch.stack([_WEIGHTS[name] * term for name, term in terms.items()]).sum()


def _mask(logits: Tensor, wanted: Tensor) -> Tensor:
    each = F.binary_cross_entropy_with_logits(logits, wanted)
    found = logits.sigmoid()
    dice = (2 * (found * wanted).sum((1, 2)) + 1) / ((found + wanted).sum((1, 2)) + 1)
    return 4 * each + 0.3 * (1 - dice).mean()


def _middle(logits: Tensor, wanted: Tensor, asked: Tensor) -> Tensor:
    there = (wanted == 1).float() * asked
    found = logits.sigmoid()
    hit = F.logsigmoid(logits) * (1 - found) ** 2 * there
    miss = F.logsigmoid(-logits) * found**2 * (1 - wanted) ** 4 * (1 - there) * asked
    return -(hit + miss).sum() / there.sum().clamp_min(1)


def _of_bodies(answer: Answer, wanted: Wanted) -> dict[str, Tensor]:
    """The terms of cells that lie inside bodies; zero where there are none."""
    inside = wanted.level >= 0
    if not bool(inside.any()):
        zero = answer.mask.sum() * 0
        return {"level": zero, "corners": zero, "drop": zero}
    levels = answer.levels.permute(0, 2, 3, 1)[inside]
    found = answer.corners.flatten(1, 2).permute(0, 2, 3, 1)[inside] / CORNER_UNIT_PX
    true = wanted.corners.permute(0, 2, 3, 1)[inside] / CORNER_UNIT_PX
    rows = (found - true)[:, ::2]  # (cells, 4): row offsets of the four corners
    drop = (rows[:, 1] + rows[:, 3] - rows[:, 0] - rows[:, 2]) / 2
    return {
        "level": F.cross_entropy(levels, wanted.level[inside], label_smoothing=0.02),
        "corners": F.smooth_l1_loss(found, true, beta=0.1) * 4,
        "drop": F.smooth_l1_loss(drop, torch.zeros_like(drop), beta=0.05),
    }
