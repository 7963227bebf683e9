"""What is on a film and is no anatomy, found in its pixels: rims, tint, letters, lines, seams.

Nothing is learned and no reader asked, so the answer is the same for every cohort, and every rule
is there to be read. Each detector rather misses than mistakes bone for print: what it finds must
not depend on the spine, or its numbers would tell the diagnosis by anatomy and accuse the film. The
price is recall: faint, dark, dotted and hand-written things are mostly missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spondyl.data.artefacts.border import Rim, rims_of
from spondyl.data.artefacts.copying import Copy
from spondyl.data.artefacts.facts import facts_of
from spondyl.data.artefacts.joins import Join, joins_of
from spondyl.data.artefacts.lettering import letters_of
from spondyl.data.artefacts.lines import Line, lines_of
from spondyl.data.artefacts.tint import Tint, tint_of
from spondyl.data.artefacts.words import Word, markers_and_text
from spondyl.data.pixels import Pixels
from spondyl.data.regions import Box


@dataclass(frozen=True, slots=True, eq=False)
class Artefacts:
    """What was found on one film; all boxes on its own grid."""

    film_size: tuple[int, int]
    """(height, width) in pixels."""
    rims: tuple[Rim, ...]
    tint: Tint
    markers: tuple[Box, ...]
    """Lead letters, one or two together, and other metal of their size; called "marker"."""
    text: tuple[Box, ...]
    """Rows of three letters or more; called "text"."""
    lines: tuple[Box, ...]
    """Round each drawn line; called "line"."""
    joins: tuple[Box, ...]
    """Round each seam, as wide as the film; called "join"."""
    facts: Mapping[str, float]
    """Name → number, the same names for every film; the first word is the kind, `facts.KINDS`. nan
    where nothing of the kind is there and the number would mean nothing."""

    @property
    def borders(self) -> tuple[Box, ...]:
        """The rims as strips, called "border"; those on the left and right lie between those on top
        and bottom."""
        height, width = self.film_size
        share = {rim.side: rim.share for rim in self.rims}
        top, bottom = share.get("top", 0.0) * height, (1 - share.get("bottom", 0.0)) * height
        strips = {
            "top": Box("border", 0, 0, top, width),
            "bottom": Box("border", bottom, 0, height, width),
            "left": Box("border", top, 0, bottom, share.get("left", 0.0) * width),
            "right": Box("border", top, (1 - share.get("right", 0.0)) * width, bottom, width),
        }
        return tuple(strips[rim.side] for rim in self.rims)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Everything that has a place."""
        return (*self.borders, *self.markers, *self.text, *self.lines, *self.joins)

    @property
    def kinds(self) -> frozenset[str]:
        """Which of `facts.KINDS` are there."""
        there = {
            "border": self.rims,
            "tint": self.tint.there,
            "marker": self.markers,
            "text": self.text,
            "line": self.lines,
            "join": self.joins,
        }
        return frozenset(kind for kind, things in there.items() if things)


def found(pixels: Pixels) -> Artefacts:
    """What is on a film and is no anatomy."""
    copy = Copy.of(pixels)
    rims, tint = rims_of(copy), tint_of(copy)
    markers, text = markers_and_text(letters_of(copy), copy.longer)
    lines, joins = lines_of(copy), joins_of(copy)
    return Artefacts(
        pixels.size,
        rims,
        tint,
        tuple(_box("marker", word, copy) for word in markers),
        tuple(_box("text", word, copy) for word in text),
        tuple(_round_line(line, copy) for line in lines),
        tuple(_round_join(join, copy) for join in joins),
        facts_of(copy, rims, tint, markers, text, lines, joins),
    )


def _box(name: str, word: Word, copy: Copy) -> Box:
    return _on_film(name, copy, word.top, word.left, word.bottom, word.right)


def _round_line(line: Line, copy: Copy) -> Box:
    rows, columns = sorted((line.start[0], line.end[0])), sorted((line.start[1], line.end[1]))
    return _on_film("line", copy, rows[0] - 1, columns[0] - 1, rows[1] + 2, columns[1] + 2)


def _round_join(join: Join, copy: Copy) -> Box:
    upper, lower = sorted((join.left, join.right))
    return _on_film("join", copy, upper - 1, 0, lower + 2, copy.size[1])


def _on_film(name: str, copy: Copy, top: float, left: float, bottom: float, right: float) -> Box:
    """A box of the copy as one of the film, cut to it."""
    height, width = copy.film_size
    tall, wide = copy.back
    return Box(
        name,
        max(0.0, top * tall),
        max(0.0, left * wide),
        min(float(height), bottom * tall),
        min(float(width), right * wide),
    )
