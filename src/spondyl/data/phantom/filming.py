"""How a made-up body gets onto a film: field, aim, exposure, borders, side marker.

Everything is drawn without knowledge of the diagnosis, and aimed by the sacrum and the length that
the spine would have if it were straight: a crooked or sunken one does not move or zoom its film.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.phantom.anatomy import LEVELS, Anatomy, Field, lateral, straight_length_mm
from spondyl.data.phantom.attenuation import Aim, Exposure
from spondyl.data.regions import Box

DrawnView = Literal["frontal", "lateral"]
Image = NDArray[np.uint8]

TOP_OF_FIELD: dict[Field, str] = {"whole": "T1", "thoracolumbar": "T6", "lumbar": "T11"}
"""The uppermost vertebra that a field is sure to show; it always reaches the sacrum."""
_FIELDS: dict[DrawnView, tuple[tuple[Field, float], ...]] = {
    "frontal": (("whole", 0.6), ("thoracolumbar", 0.4)),
    "lateral": (("whole", 0.4), ("lumbar", 0.6)),
}
_NARROWEST_MM = {"frontal": 190.0, "lateral": 190.0}
"""Room for the crookedest spine that is drawn."""
_PAPER, _INK = 6, 235


@dataclass(frozen=True, slots=True)
class Setting:
    """The choices of a radiographer for one film."""

    view: DrawnView
    field: Field
    margins_mm: tuple[float, float]
    """Above the field's uppermost vertebra, below the sacral plate."""
    aside: float
    """-1 … 1: how far the tube is off the middle, to the left or right."""
    tilt_degrees: float
    exposure: Exposure
    borders: tuple[float, float, float, float]
    """Shares of height and width that collimation leaves black: top, bottom, left, right."""
    letter: str
    """Lead marker: "L" on the patient's left, "R" on the right, or empty."""
    letter_row: float
    """Share of the height at which the marker lies."""


def drawn_setting(
    rng: np.random.Generator, view: DrawnView, field: Field | None, height: int
) -> Setting:
    """A random setting for a film of `height` pixels; `field` None draws one, too."""
    names, shares = zip(*_FIELDS[view], strict=True)
    any_field: Field = names[int(rng.choice(len(names), p=shares))]
    far = rng.random(2)
    field = field or any_field
    reach = np.array((105.0, 115.0)) if field == "whole" else np.array((45.0, 90.0))
    above, below = (22 + far * reach).tolist()
    blocked = rng.uniform(0, 0.025, 4) * (rng.random() < 0.4)
    top, bottom, left, right = blocked.tolist()
    return Setting(
        view=view,
        field=field,
        margins_mm=(above, below),
        aside=rng.uniform(-1, 1),
        tilt_degrees=float(np.clip(rng.normal(0, 1.6), -3.5, 3.5)),
        exposure=Exposure(
            photons=float(np.exp(rng.uniform(np.log(900), np.log(6000)))),
            darkest=rng.uniform(0.1, 0.6),
            contrast=rng.uniform(0.8, 1.35),
            sharpening=rng.uniform(0.1, 0.9),
            blur_px=max(0.45, rng.uniform(0.3, 0.7) * height / 224),
        ),
        borders=(top, bottom, left, right),
        letter=str(rng.choice(("L", "R", "", ""))),
        letter_row=rng.uniform(0.05, 0.3),
    )


def aimed(setting: Setting, anatomy: Anatomy, size: tuple[int, int]) -> Aim:
    """The aim of `setting` at a person, for a film of `size` (height, width) pixels."""
    above, below = setting.margins_mm
    length = straight_length_mm(TOP_OF_FIELD[setting.field], anatomy.scale)
    narrowest = _NARROWEST_MM[setting.view]
    spacing = max((length + above + below) / size[0], narrowest / size[1])
    free = min(40.0, 0.4 * (spacing * size[1] - narrowest))
    middle = setting.aside * free
    if setting.view == "frontal":
        middle += float(np.tan(np.radians(anatomy.balance_degrees))) * length / 2
    else:
        first = LEVELS.index(TOP_OF_FIELD[setting.field])
        before_slip = lateral(replace(anatomy, slip=None)).centres
        spine = float(before_slip[first:, 1].mean())
        ahead = -1.0 if anatomy.facing == "left" else 1.0
        middle += spine + ahead * min(25.0, max(free, 0.0))
    centre = ((below - length - above) / 2, middle)
    return Aim(size, spacing, centre, setting.tilt_degrees)


def collimate(image: Image, borders: tuple[float, float, float, float], grey: int = _PAPER) -> None:
    """Paints the outermost shares of `image` (height, width): top, bottom, left, right."""
    for box in border_boxes(image.shape[:2], borders, ""):
        image[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = grey


def border_boxes(
    size: tuple[int, ...], borders: tuple[float, float, float, float], name: str
) -> tuple[Box, ...]:
    """The strips that `collimate` paints, as boxes called `name`; none where a share is nothing."""
    height, width = size
    top, bottom = round(height * borders[0]), height - round(height * borders[1])
    left, right = round(width * borders[2]), width - round(width * borders[3])
    strips = (
        Box(name, 0, 0, top, width),
        Box(name, bottom, 0, height, width),
        Box(name, top, 0, bottom, left),
        Box(name, top, right, bottom, width),
    )
    return tuple(box for box in strips if box.bottom > box.top and box.right > box.left)


def write_lead(
    image: Image, text: str, row: float, col: float, name: str, tall_share: float = 0.04
) -> Box:
    """Puts lead letters on `image` (height, width), centred at shares `row`, `col` of its sides.

    They are `tall_share` of the film's height tall, or of 2½ times its width where that is less.
    Returns the box called `name` that holds them.
    """
    height, width = image.shape
    tall = max(7.0, tall_share * min(height, 2.5 * width))
    scale = tall / 22
    thick = max(1, round(tall / 9))
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    left = int(np.clip(col * width - wide / 2, 1, max(1, width - wide - 2)))
    base = int(np.clip(row * height + high / 2, high + 1, height - 2))
    cv2.putText(
        image, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, thick, cv2.LINE_AA
    )
    edge = thick + 1
    return Box(
        name,
        max(0, base - high - edge),
        max(0, left - edge),
        min(height, base + edge),
        min(width, left + wide + edge),
    )
