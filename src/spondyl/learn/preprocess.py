"""From the pixels of a film to the array that a network sees, and where each pixel went.

The film is resized with an antialiased bilinear (triangle) filter, as torchvision does to PIL
images, but in float, so 16-bit films keep their tones. Normalisation comes last and on the device,
after augmentation, so images are kept in [0, 1] everywhere else.

What is cropped off, and a hidden spine, are gone before the film is resized, so that no filter
mixes them into what is shown; the frame is cut on the network grid. A film whose spine is not known
is refused where it is needed, and never shown whole instead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from spondyl.data import pixels
from spondyl.data.pixels import Pixels
from spondyl.data.placement import Fit, Placement, Size, Window
from spondyl.data.radiograph import Radiograph
from spondyl.data.spines import NO_SPINES, Spine, Spines
from spondyl.errors import Problem, SpondylError
from spondyl.files import sha256_of_json
from spondyl.learn.prepared import Images, PreparedStore
from spondyl.progress import Track, silently

Colour = Literal["grey", "as stored"]
Crop = Literal["none", "spine"]
Hide = Literal["nothing", "inside", "spine", "centre", "sides"]

FRAME = 16 / 224
"""Width of the frame that is left when the inside is hidden, as a share of each side of the grid:
16 pixels of 224."""
CENTRE = 0.5
"""Width of the middle that is hidden or left alone, as a share of the grid's width."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
NOTHING_SEEN: Mapping[str, Images] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What is done to every film before a network sees it; travels with the weights."""

    size: tuple[int, int] = (224, 224)
    """(height, width) of the network grid."""
    fit: Fit = "stretch"
    colour: Colour = "grey"
    """"grey" gives three equal channels, so that a tint cannot tell the class; "as stored" is what
    the paper fed."""
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    crop: Crop = "none"
    """What of a film is fitted to the grid: all of it, or the box round its spine mask with
    `crop_margin`, as far as the film reaches. The box of a curved spine is the wider one, so what
    is left of its shape tells the curve: as padding, or as how far it was stretched."""
    crop_margin: float = 0.1
    """Added on every side of the box, as a share of its longer side."""
    hide: Hide = "nothing"
    """What is black in the picture, like padding. "inside": all but a frame round the network grid
    (`FRAME`). "spine": the film's columns from the left to the right end of the spine mask, in all
    rows, so that no outline tells the curve; how wide they are still tells how far it sways, where
    they are how it was centred, and what reaches beyond the mask (ribs, processes) is shown.
    "centre": the middle half of the grid's width, where most spines are; "sides": all but that."""

    @property
    def needs_spine(self) -> bool:
        """Whether a film cannot be shown unless its spine mask is known."""
        return "spine" in (self.crop, self.hide)

    @property
    def idle(self) -> frozenset[str]:
        """Names of settings that change nothing as they stand. Hashes leave them out, so what was
        made before there were such settings keeps its name."""
        crop = {"crop", "crop_margin"} if self.crop == "none" else set()
        return frozenset(crop | ({"hide"} if self.hide == "nothing" else set()))

    @property
    def sha256(self) -> str:
        """Hash of the settings, under which anything computed from the images is cached."""
        settings = asdict(self).items()
        return sha256_of_json({name: value for name, value in settings if name not in self.idle})

    def source_sha256(self, film_sha256: str, spine: Spine | None = None) -> str:
        """Hash of all of a film that decides its picture: its file, and its spine where needed."""
        if not self.needs_spine or spine is None:
            return film_sha256
        return sha256_of_json([film_sha256, asdict(spine.box)])

    def placement(self, image_size: tuple[int, ...], spine: Spine | None = None) -> Placement:
        """Where a film of `image_size` (height, width) goes.

        Raises `SpondylError` for a crop to a spine that is not known, or is of another grid.
        """
        height, width = image_size
        size = (height, width)
        if self.crop == "none":
            return Placement.fit(size, self.size, self.fit)
        box = _box(spine, size)
        window = box.widened(round(self.crop_margin * max(box.size)), size)
        return Placement.fit(size, self.size, self.fit, window)

    def apply(
        self, film: Pixels, spine: Spine | None = None
    ) -> tuple[NDArray[np.float32], Placement]:
        """The film on the network grid, (1 or 3, height, width) float32 in [0, 1], and its place.

        One channel stands for three equal ones. Letterbox padding is 0 (air is dark on a film), and
        so is what is hidden. Raises `SpondylError` for a film whose spine is needed (`needs_spine`)
        and not known, or is of another grid.
        """
        placement = self.placement(film.size, spine)
        if self.colour == "grey" or film.rgb is None:
            channels = [film.grey]
        else:
            channels = [film.rgb[..., channel] for channel in range(3)]
        if self.hide == "spine":
            channels = [_without_columns(one, _box(spine, film.size)) for one in channels]
        canvas = np.zeros((len(channels), *self.size), dtype=np.float32)
        (top, left), (height, width) = placement.offset, placement.content_size
        for plane, channel in zip(canvas, channels, strict=True):
            shown = _resized(channel[placement.window.slices], (height, width))
            plane[top : top + height, left : left + width] = shown
        canvas[:, ~self.shown_cells] = 0
        return canvas, placement

    @property
    def shown_cells(self) -> NDArray[np.bool_]:
        """(height, width) of the network grid: False where it is black whatever the film is. (A
        spine's columns are the film's own, and not black here.)"""
        shown = np.ones(self.size, np.bool_)
        if self.hide == "inside":
            shown[_inside(self.size).slices] = False
        elif self.hide in ("centre", "sides"):
            rim = round((1 - CENTRE) / 2 * self.size[1])
            shown[:, rim : self.size[1] - rim] = False
        return ~shown if self.hide == "sides" else shown

    def normalised(self, images: Tensor) -> Tensor:
        """Images (n, 1 or 3, h, w) in [0, 1] as the body expects them: (n, 3, h, w) float32."""
        mean = torch.tensor(self.mean, device=images.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(1, 3, 1, 1)
        return (images.float() - mean) / std


@dataclass(frozen=True, slots=True, eq=False)
class PreparedFilms:
    """A cohort's films on the network grid, in memory, in the cohort's order."""

    image_ids: tuple[str, ...]
    images: Tensor
    """(n, 1 or 3, height, width) float16 in [0, 1]: steps of at most 1/2048, finer than 8 bit."""
    placements: tuple[Placement, ...]
    sources: tuple[str, ...]
    """`Preprocessing.source_sha256` of each film."""

    def rows(self, image_ids: Sequence[str]) -> Tensor:
        """(len(image_ids),) int64 rows of the given films."""
        row = {image_id: i for i, image_id in enumerate(self.image_ids)}
        return torch.tensor([row[image_id] for image_id in image_ids], dtype=torch.int64)


def prepare(
    films: Sequence[Radiograph],
    preprocessing: Preprocessing,
    track: Track = silently,
    spines: Spines = NO_SPINES,
    cache: Path | None = None,
    seen: Mapping[str, Images] = NOTHING_SEEN,
) -> PreparedFilms:
    """All `films` decoded and resized, in parallel; `SpondylError` names every one that fails, by
    its file or for want of its spine in `spines`.

    What is in `seen` (source → image) is not decoded again, nor what lies in the folder `cache`,
    where everything new is kept and from where it is mapped into memory.
    """
    sources = tuple(
        preprocessing.source_sha256(film.file.sha256, spines.get(film.image_id)) for film in films
    )
    store = None if cache is None else PreparedStore.of(cache, preprocessing.sha256)
    mapped = None if store is None else store.whole(sources)
    kept: Mapping[str, Images] = {}
    if mapped is not None:
        kept = dict(zip(sources, mapped, strict=True))
    elif store is not None:
        kept = store.rows(sources)

    def one(film: Radiograph, source: str) -> tuple[Images, Placement] | Problem:
        spine, known = spines.get(film.image_id), kept.get(source, seen.get(source))
        try:
            if known is not None:
                return known, preprocessing.placement(_size_beside(film, spine), spine)
            return _decoded(film, preprocessing, spine)
        except SpondylError as error:
            return Problem(film.image_id, error.message, error.hint)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(track(pool.map(one, films, sources), "preparing films", len(films)))
    problems = [result for result in results if isinstance(result, Problem)]
    if problems:
        raise SpondylError.of(problems, "the cohort's films")
    placed = [result for result in results if not isinstance(result, Problem)]
    images = mapped
    if images is None:
        images = _stacked([image for image, _ in placed], preprocessing.size)
        if store is not None and not kept.keys() >= set(sources):
            store.write(sources, images)
            mapped = store.whole(sources)
            images = images if mapped is None else mapped
    return PreparedFilms(
        tuple(film.image_id for film in films),
        torch.from_numpy(images),
        tuple(place for _, place in placed),
        sources,
    )


def as_kept(image: NDArray[np.float32]) -> Images:
    """An image of `Preprocessing.apply` as it is kept in memory and on disk."""
    return image.astype(np.float16)


def _decoded(
    film: Radiograph, preprocessing: Preprocessing, spine: Spine | None
) -> tuple[Images, Placement]:
    read = pixels.read(film.path)
    if read.facts.sha256 != film.file.sha256:
        raise SpondylError(
            "its file was changed since the cohort was read",
            "Let nobody write to the films while they are learned from, and begin again.",
        )
    image, placement = preprocessing.apply(read, spine)
    return as_kept(image), placement


def _stacked(images: Sequence[Images], size: Size) -> Images:
    """(n, channels, height, width); one channel stands for three equal ones where some film has
    three."""
    n_channels = max((len(image) for image in images), default=1)
    stacked = np.empty((len(images), n_channels, *size), dtype=np.float16)
    for row, image in enumerate(images):
        stacked[row] = image
    return stacked


def _size_beside(film: Radiograph, spine: Spine | None) -> Size:
    """The size of a film that is not decoded, its spine proven to be of this grid."""
    size = (film.file.height, film.file.width)
    if spine is not None:
        _box(spine, size)
    return size


def _box(spine: Spine | None, image_size: Size) -> Window:
    """The box of a film's spine, proven to be on the film's grid."""
    if spine is None:
        raise SpondylError(
            "its spine is not known, and it cannot be shown without",
            "Give its spine mask with --regions, or leave the film out.",
        )
    if spine.image_size != image_size:
        raise SpondylError(
            f"its spine mask has {spine.image_size[0]} × {spine.image_size[1]} pixels, the film "
            f"{image_size[0]} × {image_size[1]}",
            "Give the mask of this very film, unscaled.",
        )
    return spine.box


def _without_columns(channel: NDArray[np.float32], box: Window) -> NDArray[np.float32]:
    """A copy of `channel` (H, W) that is 0 in every row of the box's columns."""
    hidden = channel.copy()
    hidden[:, box.left : box.right] = 0
    return hidden


def _inside(size: Size) -> Window:
    """What the frame round a grid of `size` (height, width) leaves open; it is a pixel wide at
    least."""
    rows, columns = (max(1, round(FRAME * side)) for side in size)
    return Window(rows, columns, size[0] - rows, size[1] - columns)


def _resized(channel: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    height, width = size
    picture = Image.fromarray(np.ascontiguousarray(channel))
    resized = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, dtype=np.float32), 0, 1)
