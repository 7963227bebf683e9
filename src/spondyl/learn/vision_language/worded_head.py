"""The head that a text tower writes: how alike a film and the words for each label are.

Zero-shot classification (Radford et al. 2021, section 3.1.4) is a linear head over the image
tower's projected and normalised features: logit_c = scale · cos(film, words of c), where the words
of c are the normalised mean of its prompts' embeddings. So nothing of the text tower is kept but
one row for each label, and what is said of a film is explained like any other head's answer.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from spondyl.learn.heads import Head, pooled


class WordedHead(Head):
    """Class token → projection → unit length → scaled cosine with each label's words."""

    def __init__(self, n_channels: int, width: int, n_labels: int) -> None:
        super().__init__()
        self.projection = nn.Linear(n_channels, width, bias=False)
        self.words = nn.Linear(width, n_labels, bias=False)
        """Its rows are unit vectors times the model's scale."""

    def reduced(self, features: Tensor) -> Tensor:
        """(n, channels): the class token."""
        return pooled(features)

    def placed(self, reduced: Tensor) -> Tensor:
        """(n, width) of length 1: where films lie among texts, of what `reduced` returned."""
        return F.normalize(self.projection(reduced), dim=-1)

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of (n, channels); within ± the model's scale."""
        logits: Tensor = self.words(self.placed(reduced))
        return logits

    def renewed(self) -> WordedHead:
        """Another of its shape with random weights."""
        width, n_channels = self.projection.weight.shape
        return WordedHead(n_channels, width, self.words.out_features)
