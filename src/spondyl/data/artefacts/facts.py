"""Numbers of what was found on a film, for a probe to ask: how much, how large, and where.

Where a thing lies and what it looks like matters as much as whether it is there: a hospital's
letter is always in its corner. Places are shares of a film's sides, so sizes of films do not tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from spondyl.data.artefacts.border import SIDES, Rim
from spondyl.data.artefacts.copying import Copy
from spondyl.data.artefacts.joins import Join
from spondyl.data.artefacts.lines import Line
from spondyl.data.artefacts.tint import Tint
from spondyl.data.artefacts.words import Word

KINDS = ("border", "tint", "marker", "text", "line", "join")
"""First words of facts."""

_NAN = float("nan")
_SHADE = 0.1
"""To which the grey of a rim is rounded: a film's tint must not tell by it."""
_GRID = 3
"""Rows and columns of the coarse maps of where letters are and what the largest looks like."""


def facts_of(
    copy: Copy,
    rims: Sequence[Rim],
    tint: Tint,
    markers: Sequence[Word],
    text: Sequence[Word],
    lines: Sequence[Line],
    joins: Sequence[Join],
) -> dict[str, float]:
    """Every fact of a film, `KINDS` in order; shares of the film, if nothing else is said."""
    return {
        **_of_rims(rims),
        **_of_tint(tint),
        **_of_markers(markers, copy),
        **_of_text(text, copy),
        **_of_lines(lines, copy),
        **_of_joins(joins, copy),
    }


def of_kind(facts: Sequence[str], kind: str) -> tuple[str, ...]:
    """Those names of `facts` that speak of a kind."""
    return tuple(name for name in facts if name.startswith(f"{kind}-"))


def _of_rims(rims: Sequence[Rim]) -> dict[str, float]:
    """Widths and greys, side by side."""
    there = {rim.side: rim for rim in rims}
    widths = {f"border-{side}": there[side].share if side in there else 0.0 for side in SIDES}
    greys = {
        f"border-{side}-grey": round(there[side].grey / _SHADE) * _SHADE if side in there else _NAN
        for side in SIDES
    }
    return widths | greys


def _of_tint(tint: Tint) -> dict[str, float]:
    return {
        "tint-red": tint.red,
        "tint-blue": tint.blue,
        "tint-red-spread": tint.red_spread,
        "tint-blue-spread": tint.blue_spread,
        "tint-chroma": tint.chroma,
        "tint-coloured": tint.coloured,
    }


def _of_markers(markers: Sequence[Word], copy: Copy) -> dict[str, float]:
    """How many, where, how tall, and what the largest looks like."""
    largest = max(markers, key=lambda word: word.bottom - word.top, default=None)
    ink = np.zeros((_GRID, _GRID)) if largest is None else _ink(largest, copy)
    return {
        "marker-number": float(len(markers)),
        "marker-height": _NAN if largest is None else _tall(largest) / copy.longer,
        **_places("marker", markers, copy.size),
        **_cells("marker-ink", ink),
    }


def _of_text(text: Sequence[Word], copy: Copy) -> dict[str, float]:
    """How many rows and letters, how tall, how long and where."""
    height, width = copy.size
    tall = [_tall(word) / copy.longer for word in text]
    return {
        "text-rows": float(len(text)),
        "text-letters": float(sum(word.count for word in text)),
        "text-height": float(np.median(tall)) if tall else _NAN,
        "text-longest": max((word.right - word.left for word in text), default=0) / width,
        "text-first": min(word.top for word in text) / height if text else _NAN,
        "text-last": max(word.bottom for word in text) / height if text else _NAN,
        **_places("text", text, copy.size),
    }


def _of_lines(lines: Sequence[Line], copy: Copy) -> dict[str, float]:
    """How many, how long, where and at which angle; angles doubled, since a line has no front."""
    lengths = np.array([line.length for line in lines])
    diagonal = float(np.hypot(*copy.size))
    facts = {
        "line-number": float(len(lines)),
        "line-length": float(lengths.sum()) / diagonal,
        "line-longest": float(lengths.max(initial=0)) / diagonal,
    }
    names = ("line-row", "line-column", "line-level", "line-falling", "line-coloured")
    if not lines:
        return facts | dict.fromkeys(names, _NAN)
    values = np.array(
        [
            (
                (line.start[0] + line.end[0]) / 2 / copy.size[0],
                (line.start[1] + line.end[1]) / 2 / copy.size[1],
                np.cos(2 * line.angle),
                np.sin(2 * line.angle),
                float(line.coloured),
            )
            for line in lines
        ]
    )
    means = (values * lengths[:, None]).sum(axis=0) / lengths.sum()
    return facts | dict(zip(names, (float(mean) for mean in means), strict=True))


def _of_joins(joins: Sequence[Join], copy: Copy) -> dict[str, float]:
    """How many, and where and how the strongest one is."""
    facts = {"join-number": float(len(joins))}
    if not joins:
        return facts | dict.fromkeys(("join-row", "join-slope", "join-strength"), _NAN)
    first = joins[0]
    return facts | {
        "join-row": (first.left + first.right) / 2 / copy.size[0],
        "join-slope": (first.right - first.left) / copy.size[1],
        "join-strength": first.strength,
    }


def _places(kind: str, words: Sequence[Word], size: tuple[int, int]) -> dict[str, float]:
    """Share of the film that they cover, their middle, and how they spread over a coarse map."""
    height, width = size
    areas = np.array([_tall(word) * (word.right - word.left) for word in words], np.float64)
    middles = np.array(
        [((w.top + w.bottom) / 2 / height, (w.left + w.right) / 2 / width) for w in words]
    ).reshape(-1, 2)
    shares = areas / areas.sum() if words else areas
    row, column = shares @ middles if words else (_NAN, _NAN)
    cells = np.zeros((_GRID, _GRID))
    at = np.minimum((middles * _GRID).astype(int), _GRID - 1)
    np.add.at(cells, (at[:, 0], at[:, 1]), shares)
    return {
        f"{kind}-area": float(areas.sum()) / (height * width),
        f"{kind}-row": float(row),
        f"{kind}-column": float(column),
        **_cells(f"{kind}-at", cells),
    }


def _ink(word: Word, copy: Copy) -> NDArray[np.float64]:
    """(_GRID, _GRID) share of ink in each part of a letter's box."""
    letter = max(word.letters, key=lambda one: one.height * one.width)
    box = copy.grey[letter.top : letter.bottom, letter.left : letter.right]
    ink = (box > (letter.ink + letter.ground) / 2).astype(np.float32)
    fine = cv2.resize(ink, (12 * _GRID, 12 * _GRID), interpolation=cv2.INTER_LINEAR)
    return fine.reshape(_GRID, 12, _GRID, 12).mean(axis=(1, 3), dtype=np.float64)


def _cells(name: str, cells: NDArray[np.float64]) -> dict[str, float]:
    return {f"{name}-{r}{c}": float(value) for (r, c), value in np.ndenumerate(cells)}


def _tall(word: Word) -> int:
    return word.bottom - word.top
