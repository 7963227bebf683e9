"""How checks write their figures."""

from __future__ import annotations

from spondyl.trust.intervals import Estimate

OURS = "a convention of this tool"
"""Source of a threshold that no paper gives."""


def shown(one: Estimate) -> str:
    """A figure with its interval, three digits."""
    return f"{one.value:.3f} [{one.interval.low:.3f}, {one.interval.high:.3f}]"


def share(one: Estimate) -> str:
    """A share with its interval, per cent."""
    return f"{one.value:.1%} [{one.interval.low:.1%}, {one.interval.high:.1%}]"


def points(one: Estimate) -> str:
    """A difference of shares with its interval, in points of per cent."""
    low, high = one.interval.low, one.interval.high
    return f"{100 * one.value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
