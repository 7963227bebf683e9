"""What is kept of a film to know it again: a small copy and its local features.

Full films of a cohort do not fit in memory together; a copy of at most 768 pixels and a thousand
features do, at about half a megabyte each. The price is detail: a few vertebrae cut out of a film
that shows the whole body are not known again.

Places are complex numbers, column + i·row in pixels of the small copy, because turning and scaling
is then one multiplication.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
Places = NDArray[np.complex128]

COPY_SIDE, FEATURE_SIDE = 768, 512
"""Longest side in pixels of the copy that is kept, and of the one that features come from."""
FEATURES_AT_MOST = 1000
LEAST_SIDE = 32
"""In fewer pixels than this there is nothing to recognise."""

_EVEN = 2.0
"""Standard deviation of 0 … 255 along a row or column that shows nothing but a saved border."""
_BINS = np.arange(128).reshape(4, 4, 8)
MIRRORED_BINS = _BINS[::-1][:, :, -np.arange(8) % 8].ravel()
"""The SIFT descriptor of a mirrored patch is the patch's own, in this order."""


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of one film: a small copy and its local features."""

    image_id: str
    copy: NDArray[np.uint8]
    """(h, w), longest side at most `COPY_SIDE`, without an even border."""
    shrink: float
    """Pixels of the copy for one of the film, at most 1."""
    places: Places
    """(n,) where the features are, on the copy's grid."""
    frames: Places
    """(n,) size (modulus, pixels) and direction (argument) of each feature."""
    descriptors: NDArray[np.uint8]
    """(n, 128) SIFT."""

    def mirrored(self) -> Fingerprint:
        """The fingerprint of this film mirrored left to right."""
        return Fingerprint(
            self.image_id,
            np.ascontiguousarray(self.copy[:, ::-1]),
            self.shrink,
            self.copy.shape[1] - 1 - self.places.conj(),
            -self.frames.conj(),
            self.descriptors[:, MIRRORED_BINS],
        )


def fingerprint(image_id: str, grey: Grey) -> Fingerprint:
    """The fingerprint of a film of any size; `grey` is (H, W) float32 in [0, 1]."""
    shrunk = _at_most(grey, COPY_SIDE)
    copy = _without_border(_stretched(shrunk))
    seen = _at_most(copy.astype(np.float32), FEATURE_SIDE)
    found, descriptors = np.zeros((0, 4)), np.zeros((0, 128), np.uint8)
    if min(seen.shape) >= LEAST_SIDE:
        sift = cv2.SIFT.create(nfeatures=FEATURES_AT_MOST, contrastThreshold=0.02)
        keypoints, values = sift.detectAndCompute(_even_contrast(seen), None)
        if values is not None:
            found = np.array([(*k.pt, k.size, np.radians(k.angle)) for k in keypoints])
            descriptors = values.astype(np.uint8)
    enlarged = copy.shape[0] / seen.shape[0]
    return Fingerprint(
        image_id,
        copy,
        shrunk.shape[0] / grey.shape[0],
        (found[:, 0] + 0.5 + 1j * (found[:, 1] + 0.5)) * enlarged - (0.5 + 0.5j),
        found[:, 2] * enlarged * np.exp(1j * found[:, 3]),
        descriptors,
    )


def unit_descriptors(descriptors: NDArray[np.uint8]) -> Grey:
    """(n, 128) square roots of the shares of the SIFT bins, unit vectors (Arandjelović 2012)."""
    sums = np.maximum(descriptors.sum(1, keepdims=True, dtype=np.float32), 1)
    return np.asarray(np.sqrt(descriptors / sums), np.float32)


def blurred(grey: Grey, pixels: float) -> Grey:
    """`grey` after a Gaussian of that many pixels, (H, W) float32."""
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), pixels))


def _even_contrast(grey: Grey) -> NDArray[np.uint8]:
    """`grey` in 0 … 255 without its slow changes of brightness and contrast."""
    detail = grey - blurred(grey, 12)
    spread = np.sqrt(blurred(detail**2, 24) + 4)
    return np.clip(128 + 40 * detail / spread, 0, 255).astype(np.uint8)


def _stretched(grey: Grey) -> NDArray[np.uint8]:
    """`grey` from its darkest to its brightest, in 0 … 255: a dark film has as many steps."""
    darkest, brightest = float(grey.min()), float(grey.max())
    return np.round((grey - darkest) * (255 / max(brightest - darkest, 1e-6))).astype(np.uint8)


def _without_border(copy: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`copy` without the even rows and columns around it: a border is not film."""
    for axis in (0, 1):
        drawn = np.nonzero(copy.std(axis=1 - axis) > _EVEN)[0]
        if len(drawn):
            copy = copy.take(range(int(drawn[0]), int(drawn[-1]) + 1), axis=axis)
    return np.ascontiguousarray(copy)


def _at_most(grey: Grey, side: int) -> Grey:
    shrink = side / max(grey.shape)
    if shrink >= 1:
        return grey
    height, width = (max(1, round(length * shrink)) for length in grey.shape)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA))
