"""How many phantoms are drawn in a second on one core."""

import time
from collections.abc import Iterator

from spondyl.data.phantom import drawing

N = 200


def run() -> Iterator[str]:
    """A line for each view."""
    for view in ("frontal", "lateral"):
        drawing.cohort(10, 1, view=view)
        began = time.perf_counter()
        drawing.cohort(N, 2, view=view)
        yield f"{view} at 224²: {N / (time.perf_counter() - began):.0f} films a second"
