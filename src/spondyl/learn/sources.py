"""What an epoch draws from: films augmented anew each time, or stored features of some views.

A frozen body gives the same features for the same picture, so when only the head is trained,
features of K augmented views of each film can be computed once and drawn from. That is a different
experiment from drawing each epoch's views anew, and the report says K; it costs K passes instead
of one an epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from spondyl.learn.augment import augmented
from spondyl.learn.heads import Head
from spondyl.learn.networks import Network
from spondyl.learn.spec import StudySpec
from spondyl.progress import Track, silently


class Source(Protocol):
    """Inputs of one part of a fold, and their label columns (n,) int64 on the device."""

    @property
    def labels(self) -> Tensor:
        """(n,) int64 on the device."""
        ...

    def drawn(self, rows: Tensor, draws: torch.Generator) -> Tensor:
        """Inputs of the given films for one training step, by draws of the generator."""
        ...

    def plain(self, batch_size: int) -> Iterator[Tensor]:
        """Inputs of all films in order and unaugmented, batch by batch."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """Films (n, 1 or 3, h, w) in [0, 1], for a network that is run in every step."""

    images: Tensor
    labels: Tensor
    spec: StudySpec
    device: torch.device

    def drawn(self, rows: Tensor, draws: torch.Generator) -> Tensor:
        """(len(rows), 3, h, w): each film augmented by its own draw."""
        batch = self.images[rows].to(self.device).float()
        return self._seen(augmented(batch, self.spec, draws))

    def plain(self, batch_size: int) -> Iterator[Tensor]:
        """(at most batch_size, 3, h, w), as they are."""
        for batch in torch.split(self.images, batch_size):
            yield self._seen(batch.to(self.device))

    def _seen(self, images: Tensor) -> Tensor:
        normalised = self.spec.preprocessing.normalised(images)
        return normalised.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True, slots=True, eq=False)
class StoredViews:
    """Reduced feature maps (views, n, features) of a frozen body; the first view is the plain
    film."""

    features: Tensor
    labels: Tensor

    def drawn(self, rows: Tensor, draws: torch.Generator) -> Tensor:
        """(len(rows), features): for each film one of its augmented views."""
        n_augmented = len(self.features) - 1
        view = 1 + torch.randint(n_augmented, rows.shape, generator=draws)
        return self.features[view, rows]

    def plain(self, batch_size: int) -> Iterator[Tensor]:
        """(at most batch_size, features) of the films as they are."""
        yield from torch.split(self.features[0], batch_size)


class HeadOnly(nn.Module):
    """A head that starts from reduced feature maps, for training on stored views."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head

    def forward(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels)."""
        return self.head.classify(reduced)


def stored(
    network: Network,
    films: Films,
    n_augmented: int,
    draws: torch.Generator,
    track: Track = silently,
) -> StoredViews:
    """Reduced features of the films as they are and of `n_augmented` augmented views of each."""
    network.eval()
    size = films.spec.batch_size
    rows = torch.split(torch.arange(len(films.images)), size)
    views = []
    with torch.inference_mode():
        for view in track(range(1 + n_augmented), f"views of {network.name}"):
            batches = (
                films.plain(size) if view == 0 else (films.drawn(some, draws) for some in rows)
            )
            views.append(
                torch.cat([network.head.reduced(network.body(batch)) for batch in batches])
            )
    # A clone outside inference mode: autograd may then keep it for the backward pass.
    return StoredViews(torch.stack(views).clone(), films.labels)
