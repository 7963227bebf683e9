"""Networks asked again: every film, changed, by those that did not learn from it.

Films are changed as they lie on the network grid, after all preprocessing, so that a change is
exactly what the network sees of it, and an unchanged film gives the answer that it always gave. The
price: a mask is brought to the network grid, and what is thinner than half a pixel there is lost.

Networks are restored once for each fold, one at a time, and all changes are asked of it. A change
that has no meaning for a film (its spine is hidden, and nobody knows where it lies) leaves it out
of that change's table, and the film is named: a film is never answered for as if it was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spondyl.data import regions
from spondyl.data.placement import Fit, Placement, Window
from spondyl.data.regions import Regions
from spondyl.learn import heads
from spondyl.learn.networks import Network
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.preprocess import Colour, PreparedFilms, Preprocessing, prepare
from spondyl.progress import Track, silently
from spondyl.trust.asking.detecting import Seen
from spondyl.trust.asking.subject import Member, Subject

BATCH = 16

Image = NDArray[np.float32]
"""(1 or 3, H, W) in [0, 1] on the network grid; one channel stands for three equal ones."""
Mask = NDArray[np.bool_]
Marks = Mapping[str, Regions]
"""image_id → where things are in the film, of the films that somebody marked."""
NO_MARKS: Marks = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A film as a network is shown it, and where things are in it."""

    image: Image
    placement: Placement
    spine: Mask | None
    """(H, W) True on network pixels that lie on the vertebral column by half or more; None where it
    is not marked, or nowhere so thick."""
    colour: Colour
    """Whether the network is shown colours at all."""
    fit: Fit = "stretch"
    """How films of other shapes come to the network grid."""

    @property
    def content(self) -> Window:
        """The part of the network grid that shows the film; the rest is padding."""
        (top, left), (height, width) = self.placement.offset, self.placement.content_size
        return Window(top, left, top + height, left + width)


Change = Callable[[Picture], Image | None]
"""The film changed: an image of the same height and width in [0, 1], one channel or three. None
where the change has no meaning for it. It never writes into the picture it is given."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The films of a subject as its networks are shown them, and their marks; prepared once, and
    asked about by any number of configurations."""

    prepared: PreparedFilms
    marks: Marks
    """On the films' own grids."""
    spines: Mapping[str, Mask]
    """image_id → `Picture.spine`, of the films that have one."""
    preprocessing: Preprocessing

    @classmethod
    def of(cls, subject: Subject, masks: Path | None = None, track: Track = silently) -> Shown:
        """All films of `subject`, with the regions that `data.regions.save` wrote below `masks`.

        Raises `SpondylError` for films that cannot be read, for `masks` that hold none of the
        films, and for regions that are damaged or of another size.
        """
        films, how = subject.cohort.radiographs, subject.preprocessing
        marks = NO_MARKS if masks is None else regions.marked_films(masks, films, track)
        prepared = prepare(films, how, track, subject.spines)
        places = zip(prepared.image_ids, prepared.placements, strict=True)
        spines = ((i, _spine(marks[i], place)) for i, place in places if i in marks)
        there = {image_id: spine for image_id, spine in spines if spine is not None}
        return cls(prepared, marks, there, how)

    def pictures(self, image_ids: Sequence[str]) -> Iterator[Picture]:
        """The films called `image_ids`, one after another; KeyError where one is none of the
        subject's."""
        rows = self.prepared.rows(image_ids).tolist()
        for image_id, row in zip(image_ids, rows, strict=True):
            image = self.prepared.images[row].float().numpy()
            where, how = self.prepared.placements[row], self.preprocessing
            yield Picture(image, where, self.spines.get(image_id), how.colour, how.fit)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a subject's networks say of the films under one change."""

    change: str
    predictions: PredictionTable
    """Of the films for which the change has a meaning, in the order of the cohort; it may be
    none of them."""
    left_out: tuple[str, ...]
    """Image ids of the films for which the change has no meaning."""


def asked(
    subject: Subject,
    changes: Mapping[str, Change],
    shown: Shown,
    device: torch.device | None = None,
    track: Track = silently,
) -> dict[str, Answers]:
    """Name of each of `changes` → what the subject's networks say of its films under it.

    Unchanged films give the logits of the study, to the precision of float32 sums (networks that
    were trained in lower precision are asked in float32, too). Raises ValueError for a change that
    returns anything but an image of the same grid in [0, 1].
    """
    said: dict[str, list[Answers]] = {name: [] for name in changes}
    for member, network in subject.networks(device, track):
        for name, change in changes.items():
            said[name].append(_part(subject, member, network, (name, change), shown, device))
    return {name: _joined(subject, parts) for name, parts in said.items()}


def seen(
    network: Network,
    images: Iterable[Image],
    preprocessing: Preprocessing,
    device: torch.device | None = None,
) -> Seen:
    """What `network`, in eval mode and on `device`, makes of `images` of one grid, in their order;
    `BATCH` of them are drawn at a time. Of none it knows the channels and no label."""
    features, logits = [np.empty((0, network.n_channels), np.float32)], [np.empty((0, 0))]
    images = iter(images)
    while batch := list(islice(images, BATCH)):
        with torch.inference_mode():
            found = network.body(preprocessing.normalised(_stacked(batch).to(device)))
            features.append(heads.pooled(found).float().cpu().numpy())
            logits.append(network.head(found).double().cpu().numpy())
    return Seen(np.concatenate(features), np.concatenate(logits[1:] or logits))


def _part(
    subject: Subject,
    member: Member,
    network: Network,
    named: tuple[str, Change],
    shown: Shown,
    device: torch.device | None,
) -> Answers:
    """The films that one network answers for, under a change."""
    (name, change), films = named, member.answers_for
    visible = shown.preprocessing.shown_cells
    kept: list[str] = []

    def changed() -> Iterator[Image]:
        for image_id, picture in zip(films, shown.pictures(films), strict=True):
            if (image := _changed(picture, change, visible)) is not None:
                kept.append(image_id)
                yield image

    found = seen(network, changed(), shown.preprocessing, device)
    logits = found.logits.reshape(len(kept), len(subject.cohort.labels))
    there = set(kept)
    left_out = tuple(image_id for image_id in films if image_id not in there)
    return Answers(name, subject.table(kept, member.fold, logits), left_out)


def _changed(picture: Picture, change: Change, visible: Mask) -> Image | None:
    """The picture changed, and black where a network is shown nothing."""
    image = change(picture)
    if image is None:
        return None
    grid = picture.image.shape[1:]
    if image.ndim != 3 or image.shape[0] not in (1, 3) or image.shape[1:] != grid:
        raise ValueError(f"a change made {image.shape} of {picture.image.shape}")
    if not (image.min() >= 0 and image.max() <= 1):
        raise ValueError("a change left the range of 0 to 1")
    return image * visible


def _joined(subject: Subject, parts: Sequence[Answers]) -> Answers:
    """The members' answers to one change as one, in the order of the cohort."""
    lost = {image_id for part in parts for image_id in part.left_out}
    left_out = tuple(image_id for image_id in subject.answered if image_id in lost)
    return Answers(parts[0].change, subject.joined([p.predictions for p in parts]), left_out)


def _stacked(images: Sequence[Image]) -> Tensor:
    """(n, 3, H, W) float32."""
    return torch.stack([torch.from_numpy(image).expand(3, -1, -1) for image in images]).float()


def _spine(marked: Regions, placement: Placement) -> Mask | None:
    """The spine mask on the network grid, as `Picture.spine`."""
    shown = marked.within(placement.window).resized(placement.content_size)
    if shown.spine_mask is None:
        return None
    (top, left), (height, width) = placement.offset, placement.content_size
    mask = np.zeros(placement.network_size, np.bool_)
    mask[top : top + height, left : left + width] = shown.spine_mask
    return mask
