"""How pages of an audit write their figures: shares, points and spans, in words and in cells."""

from __future__ import annotations

from spondyl.report.tables import UNDEFINED, decimal, percent, percent_range
from spondyl.trust.intervals import Estimate

INTERVALS = "Intervals are 95 %, by bootstrap over groups of films."


def percented(one: Estimate) -> str:
    """A share as "93.5 % (90.7–96.0)"."""
    if one.value != one.value:
        return UNDEFINED
    return f"{percent(one.value)} % ({percent_range(one.interval.low, one.interval.high)})"


def whole(share: float) -> str:
    """A share in whole per cent."""
    return UNDEFINED if share != share else f"{100 * share:.0f} %"


def points_lost(one: Estimate) -> str:
    """A difference of shares as "43.3 points (28.8 to 56.7)"."""
    low, high = 100 * one.interval.low, 100 * one.interval.high
    return f"{100 * one.value:.1f} points ({low:.1f} to {high:.1f})".replace("-", "−")


def points(one: Estimate) -> str:
    """A difference of shares in points of per cent, "−3.2 (−5.0 to −1.1)"."""
    if one.value != one.value:
        return UNDEFINED
    low, high = 100 * one.interval.low, 100 * one.interval.high
    return f"{100 * one.value:+.1f} ({low:+.1f} to {high:+.1f})".replace("-", "−")


def share_cells(one: Estimate) -> tuple[str, str]:
    """Two cells: a share in per cent, and its interval."""
    return percent(one.value), percent_range(one.interval.low, one.interval.high)


def decimal_cells(one: Estimate) -> tuple[str, str]:
    """Two cells: a figure with three decimals, and its interval."""
    return decimal(one.value), span(one, 3)


def span(one: Estimate, digits: int) -> str:
    """An interval as "0.133–0.221"."""
    low, high = one.interval.low, one.interval.high
    return UNDEFINED if low != low else f"{low:.{digits}f}–{high:.{digits}f}"
