"""From the pixels of a film to the array that a network sees, and where each pixel went.

The film is resized with an antialiased bilinear (triangle) filter, as torchvision does to PIL
images, but in float, so 16-bit films keep their tones. Normalisation comes last and on the device,
after augmentation, so images are kept in [0, 1] everywhere else.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from spondyl.data import pixels
from spondyl.data.pixels import Pixels
from spondyl.data.placement import Fit, Placement
from spondyl.data.radiograph import Radiograph
from spondyl.errors import Problem, SpondylError
from spondyl.files import sha256_of_json
from spondyl.progress import Track, silently

Colour = Literal["grey", "as stored"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


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

    @property
    def sha256(self) -> str:
        """Hash of the settings, under which anything computed from the images is cached."""
        return sha256_of_json(asdict(self))

    def placement(self, image_size: tuple[int, ...]) -> Placement:
        """Where a film of `image_size` (height, width) goes."""
        height, width = image_size
        return Placement.fit((height, width), self.size, self.fit)

    def apply(self, film: Pixels) -> tuple[NDArray[np.float32], Placement]:
        """The film on the network grid, (1 or 3, height, width) float32 in [0, 1], and its place.

        One channel stands for three equal ones. Letterbox padding is 0 (air is dark on a film).
        """
        placement = self.placement(film.size)
        if self.colour == "grey" or film.rgb is None:
            channels = [film.grey]
        else:
            channels = [film.rgb[..., channel] for channel in range(3)]
        canvas = np.zeros((len(channels), *self.size), dtype=np.float32)
        (top, left), (height, width) = placement.offset, placement.content_size
        for plane, channel in zip(canvas, channels, strict=True):
            plane[top : top + height, left : left + width] = _resized(channel, (height, width))
        return canvas, placement

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

    def rows(self, image_ids: Sequence[str]) -> Tensor:
        """(len(image_ids),) int64 rows of the given films."""
        row = {image_id: i for i, image_id in enumerate(self.image_ids)}
        return torch.tensor([row[image_id] for image_id in image_ids], dtype=torch.int64)


def prepare(
    films: Sequence[Radiograph], preprocessing: Preprocessing, track: Track = silently
) -> PreparedFilms:
    """All `films` decoded and resized, in parallel; `SpondylError` names every one that fails."""

    def one(film: Radiograph) -> tuple[NDArray[np.float32], Placement] | Problem:
        try:
            return preprocessing.apply(pixels.read(film.path))
        except SpondylError as error:
            return Problem(film.image_id, error.message, error.hint)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(track(pool.map(one, films), "preparing films", len(films)))
    problems = [result for result in results if isinstance(result, Problem)]
    if problems:
        raise SpondylError.of(problems, "the cohort's films")
    placed = [result for result in results if not isinstance(result, Problem)]
    n_channels = max((len(image) for image, _ in placed), default=1)
    images = torch.empty((len(placed), n_channels, *preprocessing.size), dtype=torch.float16)
    for row, (image, _) in enumerate(placed):
        images[row] = torch.from_numpy(image)
    return PreparedFilms(
        tuple(film.image_id for film in films), images, tuple(place for _, place in placed)
    )


def _resized(channel: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    height, width = size
    picture = Image.fromarray(np.ascontiguousarray(channel))
    resized = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, dtype=np.float32), 0, 1)
