"""Single values of a data set: text, numbers and codes.

Headers are full of empty, doubled and misplaced values. Text is either usable or absent, and
whether its absence is a fault is for the caller to say. A number that is none is a fault: taken for
unstated it would change what becomes of the pixels without a word.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items

_LONGEST_TEXT = 64
"""Letters that are kept of a value, as the standard allows for most."""


def text(dataset: Dataset, keyword: str) -> str:
    """The first value as printable text without spaces at its ends; "" where there is none."""
    value = _first(dataset, keyword)
    if value is None or isinstance(value, (bytes, Dataset)):
        return ""
    said = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return said.strip()[:_LONGEST_TEXT]


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value as a finite number; None where there is none. ValueError as `numbers`."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """All values as numbers, empty ones left out.

    Raises ValueError where one is no number, or not finite: that it was meant is plain, so it is
    not unstated.
    """
    value = dataset.get(keyword)
    several = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    try:
        found = [float(one) for one in several if one is not None and one not in ("", b"")]
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its {keyword} is no number") from error
    if not all(map(math.isfinite, found)):
        raise ValueError(f"its {keyword} is no number")
    return found


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; empty where there is none."""
    value = dataset.get(keyword)
    return list(value) if isinstance(value, Items) else []


def codes(dataset: Dataset, keyword: str) -> Iterator[tuple[str, str]]:
    """(value, meaning) of each code in a sequence (PS3.3, 8.8)."""
    for item in items(dataset, keyword):
        yield text(item, "CodeValue"), text(item, "CodeMeaning")


def _first(dataset: Dataset, keyword: str) -> object:
    value = dataset.get(keyword)
    if isinstance(value, (MultiValue, list, tuple)):
        return value[0] if len(value) else None
    return None if isinstance(value, Items) else value
