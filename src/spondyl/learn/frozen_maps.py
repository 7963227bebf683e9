"""What the frozen lower part of a body makes of every film, computed once and mapped from disk.

Where only a network's last stages are trained, everything before them gives the same maps for the
same picture in every epoch and fold. So maps of the films as they are, and of K augmented views of
each, are kept in single precision: one array for each view of a cohort, under the hash of all that
decides it (weights, preprocessing, augmentation, films in their order, versions). It is mapped into
memory, so that several processes share it, and maps that do not fit are read as they are wanted.
View 7 is the same for whoever asks for 8 views or for 80, and for every fold.

The price: disk, of ResNet-50's `layer2` 1.6 MB for each film and view and of DenseNet-169's third
transition 0.13 MB; a process that is killed loses the view that it was at; and K views of a film
are fewer than a new one in each epoch (`sources`). What was used longest ago is removed as in
`prepared`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from filelock import FileLock
from numpy.lib.format import open_memmap
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from spondyl.data.onlooking import decoders
from spondyl.errors import SpondylError
from spondyl.files import replaced, sha256_of_json
from spondyl.learn import augment
from spondyl.learn.augment import Twins
from spondyl.learn.heads import Head
from spondyl.learn.networks import Network
from spondyl.learn.prepared import keep_newest
from spondyl.learn.preprocess import PreparedFilms
from spondyl.learn.sources import Drawn, Films, Part
from spondyl.learn.spec import StudySpec
from spondyl.progress import Track, silently

BATCH = 16
_AUGMENTATION = (
    *("seed", "flip", "rotate_degrees", "translate", "zoom"),
    *("shear_degrees", "brightness", "contrast"),
)
"""Keys of a study that decide its augmented views."""


class Upper(nn.Module):
    """The last stages of a body and the head over them; tensors are called as in the network."""

    def __init__(self, body: nn.Sequential, head: Head) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def train(self, mode: bool = True) -> Self:
        """Training mode but for batch norms, whose statistics stay as they were given."""
        super().train(mode)
        for module in self.body.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self

    def forward(self, maps: Tensor) -> Tensor:
        """Logits (n, labels) of what the lower part made of n films."""
        logits: Tensor = self.head(self.body(maps))
        return logits


def parted(network: Network, n_last: int) -> tuple[nn.Sequential, Upper]:
    """(all stages of the body but the last `n_last`, these and the head), on the same modules.

    Raises `SpondylError` where no stage would be left below.
    """
    if n_last >= len(network.stages):
        raise SpondylError(
            f"{network.name}: its body has {len(network.stages)} stages, so its last {n_last} "
            "leave none to be frozen",
            f"Set unfrozen_stages to {len(network.stages) - 1} or less, or use fine-tuning.",
        )
    last = {name for stage in network.stages[-n_last:] for name in stage}
    lower, upper = nn.Sequential(), nn.Sequential()
    for name, module in network.body.named_children():
        (upper if name in last else lower).add_module(name, module)
    return lower, Upper(upper, network.head)


@dataclass(frozen=True, slots=True)
class MapStore:
    """The arrays of one lower part over one cohort, a file for each view."""

    folder: Path
    augmentation: str
    """Hash of what decides the augmented views."""

    @classmethod
    def of(
        cls,
        cache: Path,
        network: Network,
        lower: nn.Sequential,
        spec: StudySpec,
        prepared: PreparedFilms,
        weights_identity: str,
    ) -> MapStore:
        """The place of what `lower`, the beginning of the network's body, makes of these films."""
        last = [name for name, _ in lower.named_children()][-1]
        on = [torch.__version__, *decoders()]
        made_by = [1, network.name, last, spec.preprocessing.sha256, weights_identity, on]
        key = sha256_of_json([*made_by, list(prepared.sources)])
        changes = spec.model_dump(mode="json", include=set(_AUGMENTATION))
        return cls(cache / "maps" / key[:16], sha256_of_json(changes)[:16])

    def path(self, view: int) -> Path:
        """Where a view lies; 0 is that of the films as they are."""
        return self.folder / (f"{self.augmentation}-{view}.npy" if view else "plain.npy")

    def read(self, view: int, n_films: int) -> Tensor | None:
        """Maps (n_films, …) float32 of a view, mapped from disk; None where it is not there whole.

        What is written to the tensor stays in this process.
        """
        path = self.path(view)
        try:
            maps = np.load(path, mmap_mode="c", allow_pickle=False)
        except (OSError, EOFError, ValueError):
            return None
        if maps.dtype != np.float32 or len(maps) != n_films:
            return None
        with suppress(OSError):  # of somebody else, who lets us only read
            path.touch()  # when it was used
        return torch.from_numpy(maps)


def maps_of(
    store: MapStore,
    network: Network,
    lower: nn.Sequential,
    prepared: PreparedFilms,
    spec: StudySpec,
    device: torch.device,
    track: Track = silently,
) -> tuple[Tensor, ...]:
    """Maps (films, …) float32 of all films in the order in which they are prepared: as they are,
    and of `spec.views` augmented views.

    A view that is not there is computed, by one process at a time.
    """
    n = len(prepared.image_ids)
    found = []
    for view in track(range(1 + spec.views), f"maps of {network.name}"):
        maps = store.read(view, n)
        if maps is None:
            store.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(store.path(view).with_suffix(".lock")):
                maps = store.read(view, n)  # of who had the lock before
                if maps is None:
                    maps = _computed(store, view, lower, prepared, spec, device)
        found.append(maps)
    return tuple(found)


def _computed(
    store: MapStore,
    view: int,
    lower: nn.Sequential,
    prepared: PreparedFilms,
    spec: StudySpec,
    device: torch.device,
) -> Tensor:
    """A view's maps, written and read back."""
    n, images = len(prepared.image_ids), prepared.images
    films = Films(images, torch.zeros(n, dtype=torch.int64), spec, device)
    twins = _twins(n, view, spec, (images.shape[-2], images.shape[-1]))
    path = store.path(view)
    lower.to(device).to(memory_format=torch.channels_last).eval()
    array = None
    with replaced(path) as draft, torch.inference_mode():
        for some in torch.split(torch.arange(n), BATCH):
            chosen = images[some].to(device)
            if twins is not None:
                chosen = augment.apply(chosen, Twins(*(one[some].to(device) for one in twins)))
            maps = lower(films.seen(chosen)).float().cpu().numpy()
            if array is None:
                array = open_memmap(draft, "w+", np.float32, (n, *maps.shape[1:]))
            array[some.numpy()] = maps
        assert array is not None, "a cohort has films"
        array.flush()
        del array
    keep_newest(store.folder.parent, path)
    read = store.read(view, n)
    if read is None:
        raise SpondylError(
            f"{path}: what was just written cannot be read back",
            "Is the disk full, or the cache removed meanwhile? Run the study again.",
        )
    return read


def _twins(n: int, view: int, spec: StudySpec, size: tuple[int, int]) -> Twins | None:
    """How each of n films is changed in an augmented view; None for view 0."""
    if view == 0:
        return None
    draws = torch.Generator().manual_seed(spec.seed * 1_000_003 + view)
    return augment.draw([n], size, spec, draws)


@dataclass(frozen=True, slots=True, eq=False)
class StoredMaps:
    """A `Source` of the maps of one part of a fold."""

    views: tuple[Tensor, ...]
    """As `maps_of` returns them, in host memory; the first is of the films as they are."""
    labels: Tensor
    """(n,) int64 on the device."""
    at: Tensor
    """(n,) int64 rows of the views, in host memory."""
    device: torch.device

    @classmethod
    def of(cls, views: tuple[Tensor, ...], part: Part, device: torch.device) -> StoredMaps:
        """The maps of the films of `part`."""
        rows = torch.arange(len(part.labels)) if part.rows is None else part.rows
        return cls(views, part.labels.to(device), rows, device)

    def draw(self, order: Tensor, sizes: Sequence[int], draws: torch.Generator) -> Drawn:
        """For each film one of its augmented views."""
        n_augmented = len(self.views) - 1
        views = [1 + torch.randint(n_augmented, (n,), generator=draws) for n in sizes]
        labels = self.labels.index_select(0, order.to(self.device))
        return Drawn(order, (torch.cat(views),), labels)

    def inputs(self, batch: Drawn) -> Tensor:
        """Maps (n, …) of the views that were drawn."""
        (views,) = batch.how
        rows = self.at[batch.rows]
        maps = torch.empty((len(rows), *self.views[0].shape[1:]))
        for view in torch.unique(views).tolist():
            here = views == view
            maps[here] = self.views[view][rows[here]]
        return self._brought(maps)

    def plain(self, batch_size: int) -> Sequence[Callable[[], Tensor]]:
        """Maps (at most batch_size, …) of the films as they are."""
        return [
            lambda some=some: self._brought(self.views[0][some])  # type: ignore[misc]
            for some in torch.split(self.at, batch_size)
        ]

    def _brought(self, maps: Tensor) -> Tensor:
        """On the device; channels last where they are maps, as the body runs."""
        brought = maps.to(self.device)
        if brought.ndim != 4:
            return brought
        return brought.contiguous(memory_format=torch.channels_last)
