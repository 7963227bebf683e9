"""The probes of a data audit: which numbers of a film are asked whether they tell its label.

Two kinds that are never mixed. What is *not anatomy* - the file, the rim, letters, tint, age - must
not tell the label, and is an alarm where it does better than on shuffled labels. *Context* is what
a diagnosis may rest on without a vertebra being seen: a thumbnail still shows a curve, so its score
is what is attainable without detail, and no accusation. A probe whose numbers nobody stated is left
out with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.data.radiograph import NOT_STATED, Radiograph
from spondyl.trust.data_audit.probing import Kind, Probe
from spondyl.trust.metrics import Floats

SIDE = 64
"""Pixels of the square thumbnail that pictures are asked of, stretched to it in grey."""
FRAME = 4
"""Width of its frame, pixels."""
N_GREYS = 32
THUMBNAILS = (4, 8, 16)
MASK_ROWS = 16
"""Heights at which a mask is asked for its middle and width."""

Pictures = NDArray[np.float32]
"""(n, SIDE, SIDE) in [0, 1]."""


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A probe that could not be asked, and why."""

    name: str
    kind: Kind
    question: str
    why: str


Asked = Probe | NotAsked

_QUESTIONS: dict[str, tuple[Kind, str]] = {
    "file-facts": ("not-anatomy", "Does the image file's size, shape or format tell the label?"),
    "age-sex": ("not-anatomy", "Do the patient's age and sex tell the label?"),
    "view": ("not-anatomy", "Does the view (frontal or lateral) tell the label?"),
    "site": ("not-anatomy", "Does the hospital tell the label?"),
    "frame": ("not-anatomy", "Does a narrow frame round the film tell the label?"),
    "border": ("not-anatomy", "Do even rims along the film's sides tell the label?"),
    "tint": ("not-anatomy", "Does the film's colour tell the label?"),
    "markers": ("not-anatomy", "Do lead markers tell the label?"),
    "text": ("not-anatomy", "Does text that is burnt into the film tell the label?"),
    "drawn-lines": ("not-anatomy", "Do lines that were drawn on the film tell the label?"),
    "joins": ("not-anatomy", "Do seams where two films were joined tell the label?"),
    "histogram": ("context", "Do the film's greys tell the label, wherever they lie?"),
    **{
        f"thumbnail-{side}": (
            "context",
            f"Does a picture of {side} × {side} pixels tell the label, in which no vertebra shows?",
        )
        for side in THUMBNAILS
    },
    "spine-hidden": (
        "context",
        "Is the label told when the columns that hold the spine are black in all rows?",
    ),
    "mask-shape": ("context", "Does the shape of the spine's mask alone tell the label?"),
    "whole-features": ("context", "Do a frozen network's features of the film tell the label?"),
    "frame-features": (
        "not-anatomy",
        "Do a frozen network's features of a narrow frame round the film tell the label?",
    ),
    "centre-hidden-features": (
        "context",
        "Do its features tell the label when the middle half of the film's width is hidden?",
    ),
    "centre-only-features": (
        "context",
        "Do its features tell the label when only the middle half of the width is shown?",
    ),
}
STATED = ("file-facts", "age-sex", "view", "site")
"""Probes of what is known without looking at a film."""


def probe_of(name: str, columns: Sequence[str], values: Floats) -> Probe:
    """The probe `name` on `values` (n, d)."""
    return Probe(name, *_QUESTIONS[name], tuple(columns), np.asarray(values, np.float64))


def not_asked(name: str, why: str) -> NotAsked:
    """The probe `name`, which cannot be asked."""
    return NotAsked(name, *_QUESTIONS[name], why)


def of_files(films: Sequence[Radiograph]) -> Probe:
    """`file-facts`: what is known without decoding. Sizes are logarithms, since they are ratios."""
    columns: dict[str, list[float]] = {
        "height": [np.log(film.file.height) for film in films],
        "width": [np.log(film.file.width) for film in films],
        "aspect": [np.log(film.file.width / film.file.height) for film in films],
        "bytes": [np.log(film.file.n_bytes) for film in films],
        "bytes-per-pixel": [
            np.log(film.file.n_bytes / (film.file.width * film.file.height)) for film in films
        ],
        "dpi": [np.nan if film.file.dpi is None else film.file.dpi for film in films],
        **_one_hot("format", [film.file.format for film in films]),
        **_one_hot("mode", [film.file.mode for film in films]),
    }
    return _stacked("file-facts", columns)


def of_people(films: Sequence[Radiograph]) -> Asked:
    """`age-sex`: as far as they are stated."""
    ages = [np.nan if film.age_years is None else film.age_years for film in films]
    sexes = [film.sex for film in films]
    columns: dict[str, list[float]] = {} if np.isnan(ages).all() else {"age": ages}
    if set(sexes) != {NOT_STATED}:
        columns["female"] = [np.nan if sex == NOT_STATED else sex == "female" for sex in sexes]
    if not columns:
        return not_asked("age-sex", "no film states an age or a sex")
    return _stacked("age-sex", columns)


def of_stated(name: str, films: Sequence[Radiograph]) -> Asked:
    """`view` or `site`, as far as it is stated."""
    values = [getattr(film, name) for film in films]
    if set(values) == {NOT_STATED}:
        return not_asked(name, f"no film states its {name}")
    return _stacked(name, _one_hot(name, values))


def of_pictures(pictures: Pictures) -> list[Probe]:
    """`frame`, `histogram` and the thumbnails."""
    rim = np.ones((SIDE, SIDE), bool)
    rim[FRAME:-FRAME, FRAME:-FRAME] = False
    frame = pictures[:, rim]
    edges = np.linspace(0, 1, N_GREYS + 1)
    counts = np.array([np.histogram(picture, edges)[0] for picture in pictures])
    return [
        probe_of("frame", _numbered("pixel", frame.shape[1]), frame.astype(np.float64)),
        probe_of("histogram", _numbered("grey", N_GREYS), np.sqrt(counts / SIDE**2)),
        *(
            probe_of(f"thumbnail-{side}", _numbered("pixel", side**2), shrunk(pictures, side))
            for side in THUMBNAILS
        ),
    ]


def shrunk(pictures: Pictures, side: int) -> Floats:
    """(n, side²) means of equal blocks."""
    block = SIDE // side
    blocks = pictures.astype(np.float64).reshape(len(pictures), side, block, side, block)
    return np.asarray(blocks.mean((2, 4)).reshape(len(pictures), -1))


def of_hidden(pictures: Pictures) -> Probe:
    """`spine-hidden`: 16 × 16 means of pictures in which the spine's columns are black. No outline
    is left, but how wide the columns are and where they stand."""
    return probe_of("spine-hidden", _numbered("pixel", 256), shrunk(pictures, 16))


def of_masks(shapes: Floats) -> Probe:
    """`mask-shape`: how masks sway and how wide they are (n, 2 · MASK_ROWS), from `mask_shape`."""
    names = tuple(f"{what} {i}" for what in ("middle", "width") for i in range(MASK_ROWS))
    return probe_of("mask-shape", names, shapes)


def mask_shape(mask: NDArray[np.bool_]) -> Floats:
    """(2 · MASK_ROWS,) of a mask (H, W) with a pixel at least: middle and width of its rows at even
    heights from its first to its last, in shares of its height; the middles from their own mean, so
    that neither place nor size of the spine is told."""
    rows = np.flatnonzero(mask.any(axis=1))
    sums = mask[rows].sum(axis=1)
    middles = (mask[rows] * np.arange(mask.shape[1])).sum(axis=1) / sums
    tall = rows[-1] - rows[0] + 1
    at = np.linspace(rows[0], rows[-1], MASK_ROWS)
    middle, width = (np.interp(at, rows, values) / tall for values in (middles, sums))
    return np.concatenate((middle - middle.mean(), width))


def _one_hot(name: str, values: Sequence[str]) -> dict[str, list[float]]:
    """A column for each value that occurs: 1 where a film has it, else 0."""
    met = sorted(set(values))
    return {f"{name} {value}": [float(one == value) for one in values] for value in met}


def _stacked(name: str, columns: Mapping[str, Sequence[float]]) -> Probe:
    values = np.array([list(column) for column in columns.values()], np.float64)
    return probe_of(name, tuple(columns), values.T)


def _numbered(what: str, n: int) -> tuple[str, ...]:
    return tuple(f"{what} {i}" for i in range(n))
