"""What an epoch draws from: films augmented anew each time, or stored features of some views.

Films lie on the device for the whole of a training, and all that an epoch draws is brought there at
once, so that a step copies nothing and waits for nothing. Films that would take more than a quarter
of a GPU's free memory stay in host memory and are brought batch by batch; that is slower and
changes no number.

A frozen body gives the same features for the same picture, so when only the head is trained,
features of K augmented views of each film can be computed once and drawn from. That is a different
experiment from drawing each epoch's views anew, and the report says K; it costs K passes instead
of one an epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor, nn

from spondyl.learn import augment
from spondyl.learn.augment import Twins
from spondyl.learn.heads import Head
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing
from spondyl.learn.spec import StudySpec
from spondyl.progress import Track, silently

_SHARE_OF_FREE = 0.25
"""Of a GPU's free memory, which films may take for good; trials beside this one want theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Films of one part of a fold, and their label columns (n,) int64.

    `images` (m, 1 or 3, h, w) are in [0, 1]. They may be all films of a cohort, mapped from a file
    that several processes share, of which `rows` (n,) int64 are this part's; None is all of them.
    """

    images: Tensor
    labels: Tensor
    rows: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Films in the order in which they are used, and what was drawn for each.

    Of an epoch, or of a step: slices are the same of fewer films.
    """

    rows: Tensor
    """(n,) int64 rows of the part, where the films are."""
    how: tuple[Tensor, ...]
    """Each with n rows, on the device."""
    labels: Tensor
    """(n,) int64 on the device."""

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, some: slice) -> Drawn:
        return Drawn(self.rows[some], tuple(one[some] for one in self.how), self.labels[some])

    def copy(self) -> Drawn:
        """The same in memory of its own."""
        return Drawn(self.rows.clone(), tuple(one.clone() for one in self.how), self.labels.clone())

    @property
    def tensors(self) -> list[Tensor]:
        """All that is in it."""
        return [self.rows, self.labels, *self.how]


class Source(Protocol):
    """Inputs of one part of a fold, and their label columns (n,) int64 on the device."""

    @property
    def labels(self) -> Tensor:
        """(n,) int64 on the device."""
        ...

    def draw(self, order: Tensor, sizes: Sequence[int], draws: torch.Generator) -> Drawn:
        """What an epoch uses: the films of `order` (n,) in batches of `sizes`, one after another.

        `order` and `draws` are in host memory.
        """
        ...

    def inputs(self, batch: Drawn) -> Tensor:
        """Inputs of the films of a batch, as was drawn for them."""
        ...

    def plain(self, batch_size: int) -> Sequence[Callable[[], Tensor]]:
        """Inputs of all films in order and unaugmented, batch by batch, each when it is called."""
        ...


Apply = Callable[[Tensor, Twins], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """Films (m, 1 or 3, h, w) in [0, 1], for a network that is run in every step."""

    images: Tensor
    """On the device, or in host memory."""
    labels: Tensor
    spec: StudySpec
    device: torch.device
    at: Tensor | None = None
    """(n,) int64 rows of `images`, beside them; None for all."""
    apply: Apply = field(default=augment.apply)

    @classmethod
    def of(cls, part: Part, spec: StudySpec, device: torch.device) -> Films:
        """The films of `part`, brought to the device where there is room for them."""
        labels = part.labels.to(device)
        if device.type == "cpu" or not _fits(part, device):
            return cls(part.images, labels, spec, device, part.rows)
        chosen = part.images if part.rows is None else part.images[part.rows]
        return cls(chosen.to(device), labels, spec, device)

    @property
    def are_on_device(self) -> bool:
        """Whether a step needs nothing from host memory."""
        return self.images.device.type == self.device.type

    def draw(self, order: Tensor, sizes: Sequence[int], draws: torch.Generator) -> Drawn:
        """For each film where it is moved and how it is shaded."""
        size = (self.images.shape[-2], self.images.shape[-1])
        twins = augment.draw(sizes, size, self.spec, draws)
        rows = order.to(self.device)
        how = tuple(drawn.to(self.device) for drawn in twins)
        labels = self.labels.index_select(0, rows)
        return Drawn(rows if self.are_on_device else order, how, labels)

    def inputs(self, batch: Drawn) -> Tensor:
        """(n, 3, h, w): each film moved and shaded as was drawn for it."""
        return self.seen(self.apply(self.some(batch.rows), Twins(*batch.how)))

    def plain(self, batch_size: int) -> Sequence[Callable[[], Tensor]]:
        """(at most batch_size, 3, h, w), as they are."""
        rows = torch.arange(len(self.labels), device=self.images.device)
        return [
            lambda some=some: self.seen(self.some(some))  # type: ignore[misc]
            for some in torch.split(rows, batch_size)
        ]

    def some(self, rows: Tensor) -> Tensor:
        """The films (n, 1 or 3, h, w) of these rows of the part, on the device, in [0, 1]."""
        rows = rows if self.at is None else self.at.index_select(0, rows)
        films = self.images.index_select(0, rows)
        if self.are_on_device:
            return films
        return films.pin_memory().to(self.device, non_blocking=True)

    def seen(self, images: Tensor) -> Tensor:
        """As the body expects them: normalised, three channels, channels last, in two passes."""
        mean, std = _moments(self.spec.preprocessing, images.device)
        shape = (len(images), 3, *images.shape[2:])
        seen = torch.empty(shape, device=images.device, memory_format=torch.channels_last)
        return torch.sub(images, mean, out=seen).div_(std)


@dataclass(frozen=True, slots=True, eq=False)
class StoredViews:
    """Reduced feature maps (views, n, features) of a frozen body; the first view is the plain
    film."""

    features: Tensor
    labels: Tensor

    def draw(self, order: Tensor, sizes: Sequence[int], draws: torch.Generator) -> Drawn:
        """For each film one of its augmented views."""
        n_augmented = len(self.features) - 1
        views = [1 + torch.randint(n_augmented, (n,), generator=draws) for n in sizes]
        device = self.features.device
        rows = order.to(device)
        return Drawn(rows, (torch.cat(views).to(device),), self.labels.index_select(0, rows))

    def inputs(self, batch: Drawn) -> Tensor:
        """(n, features) of the views that were drawn."""
        (views,) = batch.how
        return self.features[views, batch.rows]

    def plain(self, batch_size: int) -> Sequence[Callable[[], Tensor]]:
        """(at most batch_size, features) of the films as they are."""
        return [
            lambda some=some: some  # type: ignore[misc]
            for some in torch.split(self.features[0], batch_size)
        ]


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
    views = []
    with torch.inference_mode():
        for view in track(range(1 + n_augmented), f"views of {network.name}"):
            batches = _plain(films) if view == 0 else _augmented(films, draws)
            views.append(
                torch.cat([network.head.reduced(network.body(batch)) for batch in batches])
            )
    # A clone outside inference mode: autograd may then keep it for the backward pass.
    return StoredViews(torch.stack(views).clone(), films.labels)


def _plain(films: Films) -> Iterator[Tensor]:
    return (batch() for batch in films.plain(films.spec.batch_size))


def _augmented(films: Films, draws: torch.Generator) -> Iterator[Tensor]:
    """One augmented view of every film, in order."""
    rows = torch.arange(len(films.labels))
    sizes = [len(some) for some in torch.split(rows, films.spec.batch_size)]
    drawn = films.draw(rows, sizes, draws)
    return (films.inputs(batch) for batch in batches_of(drawn, sizes))


def batches_of(drawn: Drawn, sizes: Sequence[int]) -> Iterator[Drawn]:
    """What was drawn, in batches of `sizes`, one after another."""
    begin = 0
    for size in sizes:
        yield drawn[begin : begin + size]
        begin += size


@lru_cache
def _moments(preprocessing: Preprocessing, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and deviation, (1, 3, 1, 1) each, brought to the device once and not in every step."""
    mean = torch.tensor(preprocessing.mean, device=device).view(1, 3, 1, 1)
    return mean, torch.tensor(preprocessing.std, device=device).view(1, 3, 1, 1)


def _fits(part: Part, device: torch.device) -> bool:
    n = len(part.labels)
    n_bytes = n * part.images[0].numel() * part.images.element_size()
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes <= _SHARE_OF_FREE * free
