"""Why a server did not store an object, or what it changed of it: its numbers in words.

Failure and warning reasons of PS3.18 I.2.2, and the status codes of DIMSE (PS3.7 annex C) that
servers pass on beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

_FAILURES = {
    0x0105: "there is no such attribute",
    0x0106: "an attribute has a value that is not allowed",
    0x0110: "it failed while the server worked on it",
    0x0111: "the server has an object with the same identifier already",
    0x0112: "there is no such object",
    0x0117: "its identifier is not valid",
    0x0118: "there is no such class",
    0x0119: "its class and its identifier do not belong together",
    0x0120: "an attribute is missing",
    0x0121: "an attribute has no value",
    0x0122: "the server takes no objects of this class",
    0x0124: "it is not allowed",
    0x0213: "the server has no room for it",
    0xC122: "the server does not know its transfer syntax",
}
_FAILURE_RANGES = (
    (0xA700, 0xA7FF, "the server is out of room"),
    (0xA900, 0xA9FF, "it does not agree with its class"),
    (0xC000, 0xCFFF, "the server cannot understand it"),
)
_WARNINGS = {
    0xB000: "the server changed some of its elements",
    0xB006: "the server left out some of its elements",
    0xB007: "it does not agree with its class",
}


def failure(codes: Sequence[int]) -> str:
    """Why an object was not stored; each reason once, with its number."""
    said = dict.fromkeys(f"{_failure(code)} (reason {code:04X})" for code in codes)
    return "; ".join(said) or "the server gives no reason"


def warning(code: int) -> str:
    """What a server warns of an object that it keeps."""
    return f"{_WARNINGS.get(code, 'the server warns of it')} (reason {code:04X})"


def _failure(code: int) -> str:
    for first, last, words in _FAILURE_RANGES:
        if first <= code <= last and code not in _FAILURES:
            return words
    return _FAILURES.get(code, "for a reason of its own")
