"""Whether heatmaps of a study could say where, asked before anything is trained.

Networks divide a film's side by 8 to 80, and from a map of less than 2 × 2 cells nobody can tell
where a network looks. How many cells are left is found by following one film on PyTorch's device
"meta"; at `ROOMY` pixels every network of ours leaves enough, so that usual studies build none.
"""

from __future__ import annotations

from spondyl.errors import SpondylError
from spondyl.explain.feature_map import LEAST_CELLS
from spondyl.learn import catalogue
from spondyl.learn.spec import StudySpec

ROOMY = 128
"""A side in pixels."""


def refuse_mapless(spec: StudySpec) -> None:
    """Raises `SpondylError` for a study that asks for heatmaps and names networks whose map of its
    films is too small to say where."""
    if spec.heatmaps == "none" or min(spec.size) >= ROOMY:
        return
    left = {name: catalogue.reckoned(name, spec.size).map_size for name in spec.networks}
    lacking = [
        f"{name} a map of {height} × {width}"
        for name, (height, width) in left.items()
        if height * width < LEAST_CELLS
    ]
    if lacking:
        raise SpondylError(
            f"size: {list(spec.size)} leaves {', '.join(lacking)} cells, too few to say where",
            'Give larger films, a cut that ends earlier (resnet50:layer3), or heatmaps = "none".',
        )
