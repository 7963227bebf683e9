"""The rims of a film: even strips along its sides, as collimation, scanning or saving leaves them.

Air beside a slim patient is as dark and nearly as even as a rim, and how wide it is follows from
the trunk. So a strip counts only where it ends all at once along a straight line: air ends where
the body begins, row by row. The price: a black rim before air of the very same grey is not seen,
nor one that lies askew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spondyl.data.artefacts.copying import Copy, Grey

Side = Literal["top", "bottom", "left", "right"]
SIDES: tuple[Side, ...] = get_args(Side)

_EVEN = (2 / 255, 8 / 255)
"""How far the greys of a rim may lie from its own: at least for rounding, at most for JPEG."""
_ON_RIM = 0.85
"""Share of a line's pixels that have the rim's grey; the others may be letters."""
_STEPS = 0.4
"""Share of the pixels behind the rim's last line that must lie twice as far from its grey."""
_WIDEST = 0.3
"""Of a side, so that a film that is half air is no rim."""


@dataclass(frozen=True, slots=True)
class Rim:
    """One even strip along a side."""

    side: Side
    share: float
    """Width as a share of the film's height (top, bottom) or width."""
    grey: float
    """In [0, 1]."""


def rims_of(copy: Copy) -> tuple[Rim, ...]:
    """The rims of a film: top and bottom first, then left and right between them."""
    height, width = copy.size
    grey = copy.grey
    top, bottom = _rim(grey), _rim(grey[::-1])
    between = grey[top[0] : height - bottom[0]].T
    left, right = _rim(between), _rim(between[::-1])
    found = zip(SIDES, (top, bottom, left, right), (height, height, width, width), strict=True)
    return tuple(Rim(side, lines / long, tone) for side, (lines, tone), long in found if lines)


def _rim(grey: Grey) -> tuple[int, float]:
    """How many of the first rows are rim, and its grey."""
    outermost = grey[:2]
    tone = float(np.median(outermost))
    spread = float(np.median(np.abs(outermost - tone)))
    even = float(np.clip(4 * spread, *_EVEN))
    most = int(_WIDEST * len(grey))
    off = np.abs(grey[: most + 2] - tone)
    on_rim: NDArray[np.bool_] = (off <= even).mean(axis=1) >= _ON_RIM
    lines = int(np.argmin(on_rim)) if not on_rim.all() else len(on_rim)
    if not 0 < lines <= most:
        return 0, tone
    behind = off[lines : lines + 2].max(axis=0)
    return (lines if (behind > 2 * even).mean() >= _STEPS else 0), tone
