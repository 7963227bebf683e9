"""What can be done to films so that less of them tells the label without a spine, to be measured.

A remedy is a change of every film before it is shown, the same for all. Whether it helps is not
said here: the audit asks its probes again of the changed films. Facts of the files, ages and views
stay what they are, and no remedy removes them but leaving them out of what a network is given,
which every network of this house does; so only what is seen is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from spondyl.data.artefacts import remedies as on_pixels
from spondyl.data.pixels import Pixels
from spondyl.data.placement import Fit
from spondyl.errors import SpondylError
from spondyl.learn.preprocess import Crop

Change = Callable[[Pixels, float], Pixels]
"""(film, the cohort's median width / height) → the film changed."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change of all films."""

    name: str
    what: str
    """In plain words, for a report."""
    change: Change
    fit: Fit = "stretch"
    crop: Crop = "none"


def _same(film: Pixels, aspect: float) -> Pixels:
    del aspect
    return film


def _common(film: Pixels, aspect: float) -> Pixels:
    return on_pixels.common_aspect(film, aspect)


def _grey(film: Pixels, aspect: float) -> Pixels:
    del aspect
    return replace(film, rgb=None)


def _without_border(film: Pixels, aspect: float) -> Pixels:
    del aspect
    return on_pixels.without_border(film)[0]


def _painted(film: Pixels, aspect: float) -> Pixels:
    del aspect
    return on_pixels.painted_out(film)


AS_THEY_ARE = Remedy("none", "films as they are", _same)
REMEDIES: dict[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        Remedy("letterbox", "padded to a square instead of stretched", _same, fit="letterbox"),
        Remedy("common-aspect", "cut to the cohort's median aspect, about their middle", _common),
        Remedy("grey", "colours left out", _grey),
        Remedy("no-border", "constant borders cut off", _without_border),
        Remedy("painted-out", "letters, text and drawn lines painted over", _painted),
        Remedy("spine-crop", "cut to the box round the spine's mask", _same, crop="spine"),
    )
}
"""All that can be switched on, by name."""


def named(names: Sequence[str]) -> tuple[Remedy, ...]:
    """The remedies called `names`, each once; "all" stands for every one.

    Raises `SpondylError` for a name that is none.
    """
    wanted = tuple(REMEDIES) if "all" in names else tuple(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in REMEDIES]:
        raise SpondylError(
            f"remedy {unknown[0]!r}: unknown", f"There are: {', '.join(REMEDIES)}, all."
        )
    return tuple(REMEDIES[name] for name in wanted)
