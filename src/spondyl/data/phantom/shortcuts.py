"""Shortcuts planted on purpose: things beside the spine that go with the class.

They are what an audit has to find. Each has one variant for every label of `SPINE_LABELS`; at
strength s a film carries its own class's variant with probability s, else any variant at random.
All variants are visible, so that only which one is there can tell the class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom.filming import Image, border_boxes, collimate, write_lead
from spondyl.data.regions import Box
from spondyl.errors import SpondylError

Plant = Callable[[Image, int], tuple[Image, tuple[Box, ...]]]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One kind of shortcut: how its variants look and what of a clean film it stands in for."""

    name: str
    what: str
    """In plain words, for a report."""
    plant: Plant
    """The film with variant 0, 1, 2 in it, and the boxes it occupies."""
    replaces: str = ""
    """"letter" or "borders": the chance finding of clean films that it takes the place of."""
    widths: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factor on the film's width for each variant."""


def variant_for(label: str, strength: float, rng: np.random.Generator) -> int:
    """The variant a film of class `label` gets: 0 … 2."""
    own, chance, by_chance = SPINE_LABELS.column(label), rng.random(), int(rng.integers(3))
    return own if chance < strength else by_chance


def shortcut_named(name: str, strength: float) -> Shortcut:
    """The shortcut called `name`; `SpondylError` where there is none or `strength` is not 0 … 1."""
    if name not in SHORTCUTS:
        raise SpondylError(
            f"shortcut {name!r}: unknown", f"One of these can be planted: {', '.join(SHORTCUTS)}."
        )
    if not 0 <= strength <= 1:
        raise SpondylError(
            f"shortcut strength {strength:g}: not between 0 and 1",
            "0 plants it independently of the class, 1 makes it give the class away.",
        )
    return SHORTCUTS[name]


_MARKER_TALL = 0.1
"""Share of the film: large enough to be easier than the spine for a small network on a small film,
or nobody could tell an audit that finds nothing from a network that cheats with nothing."""


def _marker(image: Image, variant: int) -> tuple[Image, tuple[Box, ...]]:
    letter, row, col = (("L", 0.1, 0.9), ("R", 0.1, 0.1), ("S", 0.9, 0.9))[variant]
    return image, (write_lead(image, letter, row, col, "marker", _MARKER_TALL),)


def _border(image: Image, variant: int) -> tuple[Image, tuple[Box, ...]]:
    shares, grey = (
        ((0.04, 0.04, 0.0, 0.0), 4),
        ((0.0, 0.0, 0.05, 0.05), 4),
        ((0.03, 0.03, 0.03, 0.03), 250),
    )[variant]
    collimate(image, shares, grey)
    return image, border_boxes(image.shape, shares, "border")


def _tint(image: Image, variant: int) -> tuple[Image, tuple[Box, ...]]:
    colour = ((1.0, 1.0, 1.0), (0.9, 0.97, 1.0), (1.0, 0.96, 0.88))[variant]
    tinted: NDArray[np.float64] = image[..., None] * np.array(colour)
    return np.rint(tinted).astype(np.uint8), ()


def _text(image: Image, variant: int) -> tuple[Image, tuple[Box, ...]]:
    lines, row = ((("CHECK UP",), 0.04), (("SPINE AP", "STANDING"), 0.04), (("LUMBAR",), 0.95))[
        variant
    ]
    boxes = (write_lead(image, line, row + 0.06 * i, 0.28, "text") for i, line in enumerate(lines))
    return image, tuple(boxes)


def _nothing(image: Image, variant: int) -> tuple[Image, tuple[Box, ...]]:
    del variant
    return image, ()


SHORTCUTS: dict[str, Shortcut] = {
    shortcut.name: shortcut
    for shortcut in (
        Shortcut("marker", "a lead letter and where it lies", _marker, replaces="letter"),
        Shortcut("border", "the rim that collimation leaves", _border, replaces="borders"),
        Shortcut("tint", "the colour cast of the picture", _tint),
        Shortcut("text", "words burnt into the picture", _text),
        Shortcut("aspect", "the shape of the film", _nothing, widths=(1.0, 0.8, 1.25)),
    )
}
"""All that can be planted, by name."""
