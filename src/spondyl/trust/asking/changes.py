"""The changes that networks are asked about: one question each, and families of variants.

What is hidden asks whether the spine is needed; what is put on asks whether something else will do.
The latter come in families: a network that learned that a letter tells the class has learned what
each letter at each place means, and is found out by how differently it takes the family's variants,
while one that never saw the like is merely disturbed, by all of them in much the same way. Every
film has a shape, so a film as it is counts as a variant of its shape, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from spondyl.data.phantom.shortcuts import SHORTCUTS
from spondyl.trust.asking.hiding import (
    columns_hidden,
    control_hidden,
    spine_hidden,
    spine_only,
)
from spondyl.trust.asking.inserting import colourless, painted, reshaped, tinted
from spondyl.trust.asking.questioning import Change, Image, Picture

Family = Literal["spine", "marker", "border", "text", "tint", "aspect", "mirror", "turn"]
INSERTED: tuple[Family, ...] = ("marker", "border", "text", "tint", "aspect")
"""The families of what lies beside the spine, which may all change and no diagnosis with them."""
AS_THEY_ARE: frozenset[Family] = frozenset({"aspect"})
"""Those of which a film as it is counts as a variant."""


@dataclass(frozen=True, slots=True)
class NamedChange:
    """A change and what it asks."""

    name: str
    family: Family
    question: str
    """In plain words; ends in "?"."""
    apply: Change


def unchanged(picture: Picture) -> Image:
    """The film as it is."""
    return picture.image


def mirrored(picture: Picture) -> Image:
    """Left and right exchanged."""
    return np.ascontiguousarray(picture.image[..., ::-1])


def upside_down(picture: Picture) -> Image:
    """The film turned by 180°, as one hung the wrong way up."""
    return np.ascontiguousarray(picture.image[..., ::-1, ::-1])


def _put_on(name: str, family: Family, variant: int, what: str) -> NamedChange:
    """The variant of a shortcut that can be painted on a film."""
    change = partial(painted, shortcut=family, variant=variant)
    return NamedChange(name, family, f"Does {what} change its answer?", change)


def _all() -> tuple[NamedChange, ...]:
    _, narrower, wider = SHORTCUTS["aspect"].widths
    return (
        NamedChange(
            "spine-hidden", "spine", "What does it say when the spine is hidden?", spine_hidden
        ),
        NamedChange(
            "control-hidden", "spine", "And when as much beside it is hidden?", control_hidden
        ),
        NamedChange(
            "columns-hidden", "spine", "And when its outline is hidden, too?", columns_hidden
        ),
        NamedChange(
            "spine-only", "spine", "What does it say when only the spine is shown?", spine_only
        ),
        _put_on("marker-upper-right", "marker", 0, "an L at the upper right"),
        _put_on("marker-upper-left", "marker", 1, "an R at the upper left"),
        _put_on("marker-lower-right", "marker", 2, "an S at the lower right"),
        _put_on("border-ends", "border", 0, "a dark rim above and below"),
        _put_on("border-sides", "border", 1, "a dark rim on both sides"),
        _put_on("border-bright", "border", 2, "a bright rim all round"),
        _put_on("text-above", "text", 0, "a line of words above"),
        _put_on("text-two-lines", "text", 1, "two lines of words above"),
        _put_on("text-below", "text", 2, "a word below"),
        NamedChange(
            "tint-none", "tint", "Does it say the same of the film without colours?", colourless
        ),
        NamedChange(
            "tint-cool",
            "tint",
            "Does a cool tint change its answer?",
            partial(tinted, variant=1),
        ),
        NamedChange(
            "tint-warm",
            "tint",
            "Does a warm tint change its answer?",
            partial(tinted, variant=2),
        ),
        NamedChange(
            "aspect-narrower",
            "aspect",
            "Does a narrower film change its answer?",
            partial(reshaped, factor=narrower),
        ),
        NamedChange(
            "aspect-wider",
            "aspect",
            "Does a wider film change its answer?",
            partial(reshaped, factor=wider),
        ),
        NamedChange(
            "mirrored", "mirror", "Does it say the same of the film in a mirror?", mirrored
        ),
        NamedChange(
            "upside-down", "turn", "Is it as sure of a film that hangs upside down?", upside_down
        ),
    )


CHANGES: dict[str, NamedChange] = {change.name: change for change in _all()}
"""All changes, by name."""
