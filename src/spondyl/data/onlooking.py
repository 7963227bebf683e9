"""One decoding of each film for everybody who wants its pixels, and when it is not needed at all.

Whoever reads a cohort decodes its films to find the broken ones; duplicates and networks want the
same pixels a moment later. So an onlooker may be shown each film while it is decoded. What it makes
of a film it may keep on disk, and then it need not be shown that film again.

What is kept is found by content alone: every file is read and hashed anew in every run, so a film
that was changed under its name, size and time is another film. With the content goes a number of
our own, to be raised with what is made of the pixels, and the versions of the decoders
(`decoders`): another JPEG library may give other pixels. The price: an update of a decoder makes
all of it anew, though nearly always the same comes out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from spondyl.data.pixels import Pixels

PIXELS_VERSION = 1
"""Of `pixels.read`: to be raised where it gives other pixels, or refuses more, than before."""
DECODERS = (
    "pillow",
    "numpy",
    "opencv-python-headless",
    "tifffile",
    "imagecodecs",
    "pydicom",
)


class Onlooker(Protocol):
    """Is shown every film of a cohort as it is decoded."""

    def wants(self, contents: Mapping[str, str]) -> Collection[str]:
        """The image ids, among those of `contents` (image_id → sha256 of the file), of the films
        that have to be decoded. The others were decoded before, by this version, without fault."""

    def see(self, image_id: str, film: Pixels) -> None:
        """Takes what it wants of a film; called by several threads at once."""


@cache
def decoders() -> tuple[str, ...]:
    """What pixels depend on beside the file: our own version, and each decoder's."""
    return (f"pixels {PIXELS_VERSION}", *(f"{name} {_version(name)}" for name in DECODERS))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
