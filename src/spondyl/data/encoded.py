"""Pictures as the bytes of files, for whoever writes them or lays them into a page."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_QUICK = 3
"""Of zlib's levels: films come out as small as by the ninth, in a seventh of the time."""


def png(picture: NDArray[np.uint8]) -> bytes:
    """The picture, (H, W) grey or (H, W, 3), as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=_QUICK)
    return stream.getvalue()


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """The picture (H, W, 3) as a JPEG file with full colour, a tenth of a PNG's size: for pages
    that hold many. Heat that was drawn on it can no longer be read back to the last digit."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=85, subsampling=0)
    return stream.getvalue()
