"""Where things are in a film, and who says so: boxes, spine mask, landmarks, target points.

Everything is on the image grid: points are (row, column) in pixels, pixel centres at whole numbers,
the top-left pixel at (0, 0). Arrays are kept read-only. On disk a film's regions are one JSON and,
for the mask, one PNG beside it; a film without a JSON is one that nobody marked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, FiniteFloat, PositiveInt, ValidationError

from spondyl.data.placement import Window
from spondyl.data.radiograph import Radiograph
from spondyl.errors import Problem, SpondylError
from spondyl.files import read_json, replaced, write_json
from spondyl.progress import Track, silently

MASK_SUFFIX = ".mask.png"
"""Of a spine mask's name, after the film's without its own suffix."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Box:
    """A named rectangle: rows `top` ≤ r < `bottom`, columns `left` ≤ c < `right`, in pixels."""

    name: str
    top: float
    left: float
    bottom: float
    right: float


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The places of one film. What nobody marked is None or empty."""

    image_size: tuple[int, int]
    """(height, width) of the image grid, pixels."""
    made_by: str
    """Who or what marked them: "phantom", a reader's name, a bundle id."""
    spine_mask: NDArray[np.bool_] | None = None
    """(height, width), True on the vertebral column."""
    landmarks: NDArray[np.float32] | None = None
    """(4 × vertebrae, 2) corners as (row, column): for each vertebra from the top, in the order
    top-left, top-right, bottom-left, bottom-right."""
    targets: tuple[tuple[float, float], ...] = ()
    """(row, column) of the points on which the diagnosis rests: apices, slipped levels."""
    boxes: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.spine_mask, self.landmarks):
            if array is not None:
                array.setflags(write=False)
        if self.spine_mask is not None and self.spine_mask.shape != self.image_size:
            raise ValueError(f"mask {self.spine_mask.shape} on an image of {self.image_size}")

    @property
    def spine_box(self) -> Window | None:
        """The smallest window that holds the spine mask; None without a mask or a pixel in it."""
        if self.spine_mask is None or not self.spine_mask.any():
            return None
        rows, columns = (np.flatnonzero(self.spine_mask.any(axis=axis)) for axis in (1, 0))
        return Window(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)

    def within(self, window: Window) -> Regions:
        """The same places on the grid of `window` alone.

        A mask without a pixel in it, and targets beyond it, are left out; landmarks and boxes keep
        their places, which may lie beyond it.
        """
        corner = np.array(window.corner)
        mask = None if self.spine_mask is None else self.spine_mask[window.slices].copy()
        moved = self._moved(window.size, mask, lambda points: points - corner)
        height, width = window.size
        inside = ((r, c) for r, c in moved.targets if 0 <= r < height and 0 <= c < width)
        return replace(moved, targets=tuple(inside))

    def resized(self, size: tuple[int, int]) -> Regions:
        """The same places on a grid of another `size` (height, width) over the same film.

        A pixel is on the mask where at least half of it was; a mask that is nowhere so thick is
        left out.
        """
        scale = np.array(size) / self.image_size
        mask = None
        if self.spine_mask is not None:
            shares = Image.fromarray(self.spine_mask.astype(np.float32))
            mask = np.asarray(shares.resize((size[1], size[0]), Image.Resampling.BOX)) >= 0.5
        return self._moved(size, mask, lambda points: (points + 0.5) * scale - 0.5)

    def _moved(
        self,
        size: tuple[int, int],
        mask: NDArray[np.bool_] | None,
        move: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> Regions:
        """On a grid of `size`: `mask`, if it has a pixel, and all points (…, 2) as `move` says."""

        def at(row: float, column: float) -> tuple[float, float]:
            there = move(np.array((row, column), np.float64))
            return float(there[0]), float(there[1])

        landmarks = self.landmarks
        if landmarks is not None:
            landmarks = move(landmarks.astype(np.float64)).astype(np.float32)
        return replace(
            self,
            image_size=size,
            spine_mask=mask if mask is not None and mask.any() else None,
            landmarks=landmarks,
            targets=tuple(at(*target) for target in self.targets),
            boxes=tuple(
                Box(box.name, *at(box.top, box.left), *at(box.bottom, box.right))
                for box in self.boxes
            ),
        )


class _BoxRow(BaseModel):
    """A box as our JSON spells it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    top: FiniteFloat
    left: FiniteFloat
    bottom: FiniteFloat
    right: FiniteFloat


class _RegionsFile(BaseModel):
    """`Regions` as our JSON spells them; the mask is a PNG beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1]
    image_id: str
    image_size: tuple[PositiveInt, PositiveInt]
    made_by: str
    mask: str | None
    """Name of the mask's file in the same folder: white on the spine."""
    landmarks: list[tuple[FiniteFloat, FiniteFloat]] | None
    targets: list[tuple[FiniteFloat, FiniteFloat]]
    boxes: list[_BoxRow]


def save(root: Path, image_id: str, regions: Regions) -> Path:
    """Writes the regions of one film below `root`, and returns the path of their JSON.

    "normal/0003.png" goes to ROOT/normal/0003.json, its mask to ROOT/normal/0003.mask.png. The
    mask is written first, so a JSON never names a mask that is not there.
    """
    path = _json_path(root, image_id)
    mask_path = path.with_suffix(MASK_SUFFIX)
    if regions.spine_mask is not None:
        with replaced(mask_path) as draft:
            Image.fromarray(regions.spine_mask).save(draft, "PNG")
    written = _RegionsFile(
        schema_version=1,
        image_id=image_id,
        image_size=regions.image_size,
        made_by=regions.made_by,
        mask=None if regions.spine_mask is None else mask_path.name,
        landmarks=None if regions.landmarks is None else regions.landmarks.tolist(),
        targets=list(regions.targets),
        boxes=[_BoxRow(**asdict(box)) for box in regions.boxes],
    )
    write_json(path, written.model_dump(mode="json"))
    return path


def load(root: Path, image_id: str) -> Regions | None:
    """The regions of film `image_id` below `root`, as `save` wrote them; None where there are none.

    Raises `SpondylError` for a file that is damaged, of another film or not of our kind.
    """
    path = _json_path(root, image_id)
    if not path.exists():
        return None
    of_film, regions = read(path)
    if of_film != image_id:
        raise SpondylError(
            f"{path}: the regions of {of_film}, not of {image_id}",
            "Keep one file of regions for each film, named like the film.",
        )
    return regions


def read(path: Path) -> tuple[str, Regions]:
    """The image id and the regions in one JSON that `save` wrote.

    Raises `SpondylError` for a file that is missing, damaged or not of our kind.
    """
    try:
        found = _RegionsFile.model_validate(read_json(path))
    except ValidationError as error:
        raise SpondylError.of(_problems(path, error), str(path)) from error
    landmarks = None if found.landmarks is None else np.array(found.landmarks, np.float32)
    return found.image_id, Regions(
        image_size=found.image_size,
        made_by=found.made_by,
        spine_mask=None if found.mask is None else _read_mask(path, found.mask, found.image_size),
        landmarks=None if landmarks is None else landmarks.reshape(-1, 2),
        targets=tuple(found.targets),
        boxes=tuple(Box(**row.model_dump()) for row in found.boxes),
    )


def of_films(
    root: Path, films: Sequence[Radiograph], keep: Callable[[Regions], T], track: Track = silently
) -> dict[str, T]:
    """image_id → what `keep` makes of its regions, of those `films` that have any below `root`.

    Masks are as large as films, so of each only what is kept stays in memory. Raises `SpondylError`
    where `root` is no folder, and one that names every film whose regions are damaged or misfit.
    """
    refuse_unless_folder(root)

    def one(film: Radiograph) -> tuple[str, T] | Problem | None:
        try:
            marked = load(root, film.image_id)
        except SpondylError as error:
            return Problem(film.image_id, error.message, error.hint)
        if marked is None:
            return None
        return misfit(film, marked) or (film.image_id, keep(marked))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(track(pool.map(one, films), "reading regions", len(films)))
    if problems := [one for one in found if isinstance(one, Problem)]:
        raise SpondylError.of(problems, str(root))
    return dict(one for one in found if isinstance(one, tuple))


def marked_films(
    root: Path, films: Sequence[Radiograph], track: Track = silently
) -> dict[str, Regions]:
    """image_id → its regions, of those `films` that have any below `root`; raises as `of_films`
    does, and where none has."""
    found = of_films(root, films, lambda marked: marked, track)
    if not found:
        raise SpondylError(
            f"{root}: holds the regions of none of the {len(films)} films",
            "Give the folder that holds LABEL/FILM.json, named like the films.",
        )
    return found


def refuse_unless_folder(root: Path) -> None:
    """Raises `SpondylError` where `root` is no folder, and so can hold no regions."""
    if not root.is_dir():
        raise SpondylError(
            f"{root}: no such folder of regions",
            "Give the folder that holds LABEL/FILM.json with LABEL/FILM.mask.png, named like the "
            "films.",
        )


def misfit(film: Radiograph, marked: Regions) -> Problem | None:
    """What is wrong with regions that are said to be of `film`; None where they can be."""
    size = (film.file.height, film.file.width)
    if marked.image_size != size:
        what = f"regions on {marked.image_size[0]} × {marked.image_size[1]} pixels, the film has "
        return Problem(film.image_id, f"{what}{size[0]} × {size[1]}", "Mark the film unscaled.")
    if marked.spine_mask is not None and not marked.spine_mask.any():
        what = "a spine mask without a single pixel"
        return Problem(film.image_id, what, "Mark the spine, or set mask to null.")
    return None


def _json_path(root: Path, image_id: str) -> Path:
    relative = PurePosixPath(image_id)
    if not relative.name or relative.is_absolute() or ".." in relative.parts:
        raise SpondylError(
            f"image id {image_id!r}: not a path inside a folder",
            "Use the film's path relative to its cohort, such as normal/0003.png.",
        )
    return root / relative.with_suffix(".json")


def _read_mask(path: Path, name: str, size: tuple[int, int]) -> NDArray[np.bool_]:
    mask_path = path.parent / PurePosixPath(name).name
    try:
        with Image.open(mask_path) as image:
            mask = np.asarray(image.convert("1"), np.bool_).copy()
    except OSError as error:
        raise SpondylError(
            f"{mask_path}: the spine mask cannot be read ({error})",
            f"Restore it, or set mask to null in {path.name}.",
        ) from error
    if mask.shape != size:
        raise SpondylError(
            f"{mask_path}: {mask.shape[0]} × {mask.shape[1]} pixels, its film has "
            f"{size[0]} × {size[1]}",
            "A mask needs the size (height × width) of its film.",
        )
    return mask


def _problems(path: Path, error: ValidationError) -> list[Problem]:
    return [
        Problem(
            f"{path.name}, {'.'.join(map(str, fault['loc'])) or 'whole file'}",
            fault["msg"],
            "Put this field right, or write the file anew.",
        )
        for fault in error.errors()
    ]
