"""The training loop as the paper would have written it, by which every speed of ours is divided.

torchvision's transforms on PIL images, a `DataLoader`, Adam, single precision, tensors as they come
in memory, a loss that is read off after every batch: what most published code does, without a
single thing done badly on purpose. The network is ours, layer for layer, so that what is compared
is the loop. The price: two loops that have to say the same thing.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from spondyl.learn import networks
from spondyl.learn.outcome import StrategyName
from spondyl.learn.preprocess import IMAGENET_MEAN, IMAGENET_STD

WORKERS = 2
"""Processes that decode and augment beside the loop, as many examples have it."""
LEARNING_RATE = 1e-4


@dataclass(frozen=True, slots=True)
class ReferenceTraining:
    """What the reference loop took, and where it came to."""

    network: str
    strategy: StrategyName
    n_films: int
    """Of the training part; those that are only judged are not counted."""
    seconds: tuple[float, ...]
    """Of each epoch: one pass over the training films, and one over the judged ones."""
    train_losses: tuple[float, ...]
    """Mean loss of each epoch, in nats."""
    judged_accuracy: tuple[float, ...]
    """After each epoch; empty where no films are judged."""

    @property
    def seconds_per_epoch(self) -> float:
        """Median over the epochs."""
        return median(self.seconds)

    @property
    def images_per_second(self) -> float:
        """Training films a second, in the median epoch."""
        return self.n_films / self.seconds_per_epoch


AUGMENTATION = (
    v2.RandomHorizontalFlip(0.5),
    v2.RandomAffine(15, translate=(0.1, 0.1), scale=(0.8, 1.2), shear=10),
    v2.ColorJitter(brightness=0.1, contrast=0.1),
)
"""The paper's, by torchvision; strengths of the colour jitter are ours."""

Films = Dataset[tuple[Tensor, int]]


class Folder(Films):
    """Films decoded, transformed and normalised anew each time that they are asked for."""

    def __init__(
        self,
        films: Sequence[Path],
        labels: Sequence[int],
        size: tuple[int, int],
        *,
        augment: bool = False,
    ) -> None:
        self.films = list(films)
        self.labels = [int(label) for label in labels]
        self.transform = v2.Compose(
            [
                v2.Resize(size),
                *(AUGMENTATION if augment else ()),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.films)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        with Image.open(self.films[row]) as film:
            picture: Tensor = self.transform(film.convert("RGB"))
        return picture, self.labels[row]


class ReferenceLoop:
    """A network, its films and its optimiser, ready for one epoch after another."""

    def __init__(
        self,
        network: str,
        films: Sequence[Path],
        labels: Sequence[int],
        batch_size: int = 32,
        strategy: StrategyName = "fine-tuning",
        device: str = "cpu",
        *,
        judged: tuple[Sequence[Path], Sequence[int]] = ((), ()),
        n_labels: int = 3,
        size: tuple[int, int] = (224, 224),
        workers: int = WORKERS,
        seed: int = 0,
    ) -> None:
        self.device = device
        self.network = networks.build(network, n_labels, seed).to(device)
        self.network.body.requires_grad_(strategy != "feature-extraction")
        learned = (p for p in self.network.parameters() if p.requires_grad)
        self.optimiser = torch.optim.Adam(learned, LEARNING_RATE)
        train, judge = Folder(films, labels, size, augment=True), Folder(*judged, size)
        self.batches = loader(train, batch_size, workers, shuffle=True)
        self.judged = loader(judge, batch_size, workers, shuffle=False)
        self._workers = workers

    def with_films(self, films: Films) -> ReferenceLoop:
        """The same loop, network and optimiser on other films of the same labels."""
        other = copy.copy(self)
        size = self.batches.batch_size or 1
        other.batches = loader(films, size, self._workers, shuffle=True)
        return other

    def epoch(self) -> float:
        """One pass over the training films in a fresh order; mean loss per film, in nats."""
        self.network.train()
        criterion = nn.CrossEntropyLoss()
        running, n = 0.0, 0
        for pictures, columns in self.batches:
            images, labels = pictures.to(self.device), columns.to(self.device)
            self.optimiser.zero_grad()
            loss = criterion(self.network(images), labels)
            loss.backward()
            self.optimiser.step()
            running += loss.item() * len(images)
            n += len(images)
        return running / n

    def accuracy(self) -> float:
        """Of the judged films."""
        self.network.eval()
        hits, n = 0, 0
        with torch.no_grad():
            for pictures, columns in self.judged:
                images, labels = pictures.to(self.device), columns.to(self.device)
                hits += int((self.network(images).argmax(1) == labels).sum().item())
                n += len(images)
        return hits / n


def train_as_the_paper(
    network: str,
    films: Sequence[Path],
    labels: Sequence[int],
    epochs: int,
    batch_size: int = 32,
    strategy: StrategyName = "fine-tuning",
    device: str = "cpu",
    *,
    judged: tuple[Sequence[Path], Sequence[int]] = ((), ()),
    n_labels: int = 3,
    size: tuple[int, int] = (224, 224),
    workers: int = WORKERS,
    seed: int = 0,
) -> ReferenceTraining:
    """Trains `network` from random weights (which costs the same) on `films` with their label
    columns, and says what each epoch took.

    "feature-extraction" freezes the body; every other strategy trains all. `judged` are films and
    label columns that are looked at after each epoch. The global random state is left as it was.
    """
    loop = ReferenceLoop(
        *(network, films, labels, batch_size, strategy, device),
        judged=judged,
        n_labels=n_labels,
        size=size,
        workers=workers,
        seed=seed,
    )
    seconds, losses, accuracies = [], [], []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(epochs):
            began = time.perf_counter()
            losses.append(loop.epoch())
            if judged[0]:
                accuracies.append(loop.accuracy())
            seconds.append(time.perf_counter() - began)
    return ReferenceTraining(
        *(network, strategy, len(films)), tuple(seconds), tuple(losses), tuple(accuracies)
    )


_Loader = DataLoader[tuple[Tensor, int]]


def loader(films: Films, batch_size: int, workers: int, *, shuffle: bool) -> _Loader:
    """Batches of the films, none for none."""
    n_films = len(films)  # type: ignore[arg-type]
    return DataLoader(
        films,
        batch_size,
        # A sampler that draws refuses an empty set even before it is asked for anything.
        shuffle=shuffle and n_films > 0,
        num_workers=workers if n_films else 0,
        persistent_workers=workers > 0 and n_films > 0,
    )
