"""Where the spine lies in each film, as far as preprocessing asks: a box, and the grid it is on.

A film is cropped to the box round its spine mask, or its spine is hidden behind the box's columns,
so of a mask nothing but the box is kept. Whoever keeps the boxes needs the masks no more, and two
sets of masks with the same boxes are the same to everything that learns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from spondyl.data import regions
from spondyl.data.placement import Size, Window
from spondyl.data.radiograph import Radiograph
from spondyl.errors import SpondylError
from spondyl.files import sha256_of_json
from spondyl.progress import Track, silently


@dataclass(frozen=True, slots=True)
class Spine:
    """The box round the spine mask of one film."""

    box: Window
    image_size: Size
    """(height, width) of the image grid, pixels."""
    made_by: str
    """Who or what made the mask."""

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Spine:
        """The spine that `asdict` made a document of; KeyError or TypeError for another one."""
        height, width = document["image_size"]
        return cls(Window(**document["box"]), (height, width), document["made_by"])


Spines = Mapping[str, Spine]
"""image_id → spine, of the films that have one."""
NO_SPINES: Spines = MappingProxyType({})
SpineOf = Callable[[Path], Spine | None]
"""Says where the spine lies in a film's file."""


def read(root: Path, films: Sequence[Radiograph], track: Track = silently) -> dict[str, Spine]:
    """The spines of those `films` that have a mask below `root`, as `regions.save` writes them.

    Raises `SpondylError` where `root` is no folder, and one that names every film whose regions are
    damaged, of another size or without a pixel.
    """
    found = regions.of_films(root, films, _spine, track)
    return {image_id: spine for image_id, spine in found.items() if spine is not None}


def lookup(root: Path, image_ids: Mapping[Path, str]) -> SpineOf:
    """A function that reads the spine of a file below `root`, where it is called by `image_ids`.

    The function raises `SpondylError` for a film that has no mask there. Raises `SpondylError`
    where `root` is no folder.
    """
    regions.refuse_unless_folder(root)

    def spine_of(path: Path) -> Spine:
        marked = regions.load(root, image_ids[path])
        spine = None if marked is None else _spine(marked)
        if spine is None:
            raise SpondylError(
                f"{path}: no spine mask in {root} under the name {image_ids[path]}",
                "Only films with a spine mask can be shown; a film in a folder that was named is "
                "called by its path in that folder.",
            )
        return spine

    return spine_of


def unknown(path: Path) -> None:
    """Says of no film where its spine lies."""
    del path


def sha256_of(spines: Spines) -> str:
    """Hash of all that is known of the films' spines but who said so."""
    return sha256_of_json(
        {image_id: [asdict(of.box), of.image_size] for image_id, of in spines.items()}
    )


def _spine(marked: regions.Regions) -> Spine | None:
    box = marked.spine_box
    return None if box is None else Spine(box, marked.image_size, marked.made_by)
