"""Look-up tables of DICOM: of modality, of interest, of palettes (PS3.3 C.11.1.1 and C.7.6.3.1.5).

A descriptor says how many entries there are, which value the first is for, and of how many bits
they are; values before the first get the first entry, values behind the last the last. Entries of
eight bits may be packed two to a word. An entry above what its bits can hold is refused, since what
is white would be a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from spondyl.data.dicom.values import numbers


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """One table."""

    first: int
    """The input value of the first entry."""
    entries: NDArray[np.float64]
    highest: int
    """What an entry can be at most, 2^bits - 1; the least is 0."""

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The entries for `values`, rounded to whole numbers where they are none."""
        place = np.rint(values) - self.first
        return self.entries[np.clip(place, 0, len(self.entries) - 1).astype(np.intp)]


def lookup(
    item: Dataset, is_little: bool, lowest: float, highest: float, prefix: str = "LUT"
) -> Lookup:
    """The table in `item` for input values from `lowest` to `highest`.

    `prefix` is that of the keywords: LUT, or RedPaletteColorLookupTable … Raises ValueError where
    the table is missing, incomplete or contradicts its descriptor.
    """
    descriptor = numbers(item, f"{prefix}Descriptor")
    if len(descriptor) != 3:
        raise ValueError("it has a look-up table without a descriptor")
    n_entries, first, bits = (int(one) for one in descriptor)
    n_entries %= 65_536  # the number is unsigned, but may be read as signed
    n_entries = n_entries or 65_536
    if not 1 <= bits <= 16:
        raise ValueError(f"it has a look-up table of {bits} bits")
    if lowest < 0 and first > highest and first >= 32_768:
        first -= 65_536  # written as unsigned, where input values are signed
    if lowest >= 0 and first < 0:
        first += 65_536
    entries = _entries(item.get(f"{prefix}Data"), n_entries, is_little)
    if entries.max() > 2**bits - 1:
        raise ValueError(f"it has a look-up table whose entries exceed its {bits} bits")
    return Lookup(first, entries.astype(np.float64), 2**bits - 1)


def _entries(data: object, n_entries: int, is_little: bool) -> NDArray[Any]:
    order = "<" if is_little else ">"
    if isinstance(data, int):
        data = [data]
    if isinstance(data, (MultiValue, list, tuple)):
        data = np.array(data, dtype=np.int64).astype(f"{order}u2").tobytes()
    if not isinstance(data, bytes):
        raise ValueError("it has a look-up table without entries")
    if len(data) >= 2 * n_entries:
        return np.frombuffer(data, f"{order}u2", n_entries)
    if len(data) < n_entries:
        raise ValueError(f"it has a look-up table of {n_entries} entries in {len(data)} bytes")
    words = np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2").astype("<u2")
    packed = words.tobytes() + data[len(data) // 2 * 2 :]
    return np.frombuffer(packed, np.uint8, n_entries)
