"""Records of figures as plain values for JSON: names stay, what is no number becomes null; and an
estimate read back from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from spondyl.trust.intervals import Estimate, Interval


def plain(value: Any) -> Any:
    """`value`, made of frozen records, sequences, mappings, arrays and plain values, for JSON.

    Numbers that are not finite become None, arrays lists. Raises TypeError for anything else.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"{type(value).__name__} is not written to JSON")


def estimate(said: Mapping[str, Any]) -> Estimate:
    """The estimate that `plain` wrote as `said`; an end that is null is nan again.

    Raises KeyError or TypeError where `said` is in another form.
    """
    ends = said["interval"]
    read = {end: float("nan") if ends[end] is None else ends[end] for end in ("low", "high")}
    return Estimate(said["value"], Interval(**{**ends, **read}))
