"""In which order an epoch goes through the films of its training part, and how often.

"as they are" takes every film once. "balanced" draws as many films, with replacement, so that every
class comes equally often (random over-sampling; Buda, Maki and Mazurowski 2018, section 2.1.1). Its
mean loss is in expectation the loss that weighs every class alike, but steps see as many films of a
rare class as of a frequent one. The price: of a class with more than its share of films each epoch
passes over some, a third and more of them, and the films of a rare class come again and again.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Sampling = Literal["as they are", "balanced"]


def order(labels: Tensor, sampling: Sampling, draws: torch.Generator) -> Tensor:
    """(n,) int64 rows of the films of an epoch in their order; `labels` (n,) in host memory.

    Where n is no multiple of the number of classes, which of them come once more is drawn.
    """
    if sampling == "as they are":
        return torch.randperm(len(labels), generator=draws)
    classes = torch.unique(labels)
    each, left = divmod(len(labels), len(classes))
    more = torch.randperm(len(classes), generator=draws) < left
    drawn = []
    for label, one_more in zip(classes.tolist(), more.tolist(), strict=True):
        rows = torch.nonzero(labels == label).flatten()
        drawn.append(rows[torch.randint(len(rows), (each + one_more,), generator=draws)])
    rows = torch.cat(drawn)
    return rows[torch.randperm(len(rows), generator=draws)]
