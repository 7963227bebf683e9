"""From the stored values of a grey film to how dense it is: PS3.3 C.11 and PS3.4 N.2 in one table.

Modality look-up or rescale, then what is of interest (a look-up, else a window, the first of
several), then MONOCHROME1 turned round. All of it depends on the stored value alone, so it is
worked out once for each value that the stored bits can hold and then looked up. Without a window
the range is what the stored bits can hold, never what a film happens to use: such a film is the
same array as its PNG, at the price that a 10-bit film stored as 16 bits is dark. Turned round means
(highest - value), not 1 - y, so that MONOCHROME1 and MONOCHROME2 agree to the last bit.

Padding becomes 0, as what is transparent in a PNG does. The Photometric Interpretation decides on
its own what is white; a Presentation LUT Shape that contradicts it is named, and not followed, so
nothing is inverted twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from spondyl.data.dicom.kinds import RF, XA
from spondyl.data.dicom.layout import Layout
from spondyl.data.dicom.lookup import lookup
from spondyl.data.dicom.values import items, number, numbers, text

_ROWS_AT_ONCE = 256


@dataclass(slots=True)
class _Steps:
    """Values on their way: what each stored value has become, and what the range of that is."""

    dataset: Dataset
    is_little: bool
    values: NDArray[np.float64]
    lowest: float
    """Is drawn black."""
    highest: float
    """Is drawn white."""
    notes: list[str] = field(default_factory=list)


def dense(
    stored: NDArray[np.integer[Any]], table: NDArray[np.float32], layout: Layout
) -> NDArray[np.float32]:
    """(H, W) in [0, 1], bright = dense: `table_of` looked up for every pixel.

    `stored` is (H, W), within what `layout` says that its bits can hold.
    """
    grey = np.empty(stored.shape, np.float32)
    for row in range(0, len(stored), _ROWS_AT_ONCE):
        part = stored[row : row + _ROWS_AT_ONCE].astype(np.intp) - layout.lowest
        np.take(table, part, out=grey[row : row + _ROWS_AT_ONCE])
    return grey


def table_of(
    layout: Layout, dataset: Dataset, is_little: bool
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """What every value from `layout.lowest` to `layout.highest` becomes, in [0, 1] with bright =
    dense; and what a reader should know of it, in sentences.

    Raises ValueError for look-up tables and windows that are damaged.
    """
    stored = np.arange(layout.lowest, layout.highest + 1, dtype=np.float64)
    steps = _Steps(dataset, is_little, stored, float(layout.lowest), float(layout.highest))
    _apply_modality(steps)
    _apply_interest(steps)
    _turn_round(steps, layout.photometric)
    if steps.lowest == steps.highest:  # a window of width 1 parts black from white (C.11.2.1.2.1)
        is_above = steps.values > steps.lowest
        unit = (is_above != (layout.photometric == "MONOCHROME1")).astype(np.float64)
    else:
        unit = (steps.values - steps.lowest) / (steps.highest - steps.lowest)
    table = np.clip(unit, 0, 1).astype(np.float32)
    _blacken_padding(table, layout, steps)
    return table, tuple(steps.notes)


def _apply_modality(steps: _Steps) -> None:
    """Modality LUT (C.11.1). Of XA and RF it leads back to intensity and is not for display."""
    dataset = steps.dataset
    tables = items(dataset, "ModalityLUTSequence")
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    relationship = text(dataset, "PixelIntensityRelationship").upper()
    if not tables and slope is None:
        return
    if str(dataset.get("SOPClassUID")) in (XA, RF) and relationship in ("LOG", "DISP"):
        steps.notes.append(
            f"its modality transformation was not applied, as its pixels are {relationship} values "
            "of an X-ray angiography or fluoroscopy, which are displayed as they are"
        )
        return
    if tables:
        table = lookup(tables[0], steps.is_little, steps.lowest, steps.highest)
        steps.values = table.of(steps.values)
        steps.lowest, steps.highest = 0.0, float(table.highest)
        if slope is not None:
            steps.notes.append("it states a modality table and a rescale slope; the table was used")
        return
    if slope == 0 or slope is None:
        steps.notes.append("its rescale slope is 0 and was not applied")
        return
    shift = intercept or 0.0
    steps.values = steps.values * slope + shift
    ends = (steps.lowest * slope + shift, steps.highest * slope + shift)
    steps.lowest, steps.highest = min(ends), max(ends)


def _apply_interest(steps: _Steps) -> None:
    """VOI LUT (C.11.2): a table where there is one, else a window, else nothing."""
    tables = items(steps.dataset, "VOILUTSequence")
    centres, widths = numbers(steps.dataset, "WindowCenter"), numbers(steps.dataset, "WindowWidth")
    n_windows = min(len(centres), len(widths))
    if tables:
        table = lookup(tables[0], steps.is_little, steps.lowest, steps.highest)
        steps.values = table.of(steps.values)
        steps.lowest, steps.highest = 0.0, float(table.highest)
        if len(tables) > 1 or n_windows:
            steps.notes.append(
                f"it states {_counted(len(tables), 'table')} and {_counted(n_windows, 'window')} "
                "of levels; the first table was used"
            )
    elif n_windows:
        _apply_window(steps, centres[0], widths[0], n_windows)


def _apply_window(steps: _Steps, centre: float, width: float, n_windows: int) -> None:
    """LINEAR, LINEAR_EXACT or SIGMOID by C.11.2.1.2 and C.11.2.1.3."""
    function = text(steps.dataset, "VOILUTFunction").upper() or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise ValueError(f"its window is of the kind {function}, which is not defined")
    if width <= 0 or (function == "LINEAR" and width < 1):
        steps.notes.append(f"its window is {width:g} wide, which is none, and was not applied")
        return
    if n_windows > 1:
        steps.notes.append(f"it states {n_windows} windows of levels; the first was used")
    if function == "SIGMOID":
        exponent = np.clip(-4 * (steps.values - centre) / width, -700, 700)
        steps.values = 1 / (1 + np.exp(exponent))
        steps.lowest, steps.highest = 0.0, 1.0
    elif function == "LINEAR_EXACT":
        steps.lowest, steps.highest = centre - width / 2, centre + width / 2
    else:
        steps.lowest = centre - 0.5 - (width - 1) / 2
        steps.highest = steps.lowest + width - 1


def _turn_round(steps: _Steps, photometric: str) -> None:
    shape = text(steps.dataset, "PresentationLUTShape").upper()
    is_inverse = photometric == "MONOCHROME1"
    if shape in ("IDENTITY", "INVERSE") and (shape == "INVERSE") != is_inverse:
        steps.notes.append(
            f"it is {photometric}, and its presentation look-up shape is {shape}, which "
            f"contradicts that; {photometric} was followed"
        )
    if is_inverse:
        steps.lowest, steps.highest = steps.highest, steps.lowest


def _blacken_padding(table: NDArray[np.float32], layout: Layout, steps: _Steps) -> None:
    """Pixel Padding Value and Range Limit (C.7.5.1.1.2), which may be written with another sign."""
    stated = number(steps.dataset, "PixelPaddingValue")
    if stated is None:
        return
    limit = number(steps.dataset, "PixelPaddingRangeLimit")
    ends = sorted(_signed_as(layout, one) for one in (stated, stated if limit is None else limit))
    first, last = ends[0] - layout.lowest, ends[1] - layout.lowest
    if last < 0 or first >= len(table):
        return
    table[max(first, 0) : last + 1] = 0
    between = f"{ends[0]}" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
    steps.notes.append(f"pixels of the value {between} are padding and were made black")


def _signed_as(layout: Layout, value: float) -> int:
    """`value`, written as 16 bits, with the sign that the film's pixels have."""
    unsigned = int(value) % 65_536
    return unsigned - 65_536 if layout.is_signed and unsigned >= 32_768 else unsigned


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
