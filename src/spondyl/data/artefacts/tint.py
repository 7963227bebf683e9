"""The colour cast of a film: what a photograph of a screen or a scanner adds to a grey picture.

Everything is a share of the brightness, so that a film with more bone in it is not more tinted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.data.artefacts.copying import Copy

_COLOURED = 0.08
"""Largest minus smallest channel, in [0, 1], from which a pixel is called coloured."""


@dataclass(frozen=True, slots=True)
class Tint:
    """How a film's channels differ; all 0 where they are equal."""

    red: float
    """Mean of red - luma as a share of the mean luma."""
    blue: float
    """The same of blue."""
    red_spread: float
    """Standard deviation of red - luma from what `red` alone would give, as a share, too."""
    blue_spread: float
    chroma: float
    """Mean of largest minus smallest channel, as a share of the mean luma."""
    coloured: float
    """Share of pixels whose channels differ by more than 0.08."""

    @property
    def there(self) -> bool:
        """Whether the film has any colour."""
        return self.chroma > 0


GREY = Tint(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def tint_of(copy: Copy) -> Tint:
    """The tint of a film; `GREY` where its channels are equal everywhere."""
    if copy.rgb is None:
        return GREY
    luma = copy.grey.astype(np.float64)
    bright = max(float(luma.mean()), 1 / 255)
    red, blue = copy.rgb[..., 0] - luma, copy.rgb[..., 2] - luma
    chroma = copy.rgb.max(axis=2) - copy.rgb.min(axis=2)
    red_share, blue_share = (float(channel.mean()) / bright for channel in (red, blue))
    return Tint(
        red=red_share,
        blue=blue_share,
        red_spread=float((red - red_share * luma).std()) / bright,
        blue_spread=float((blue - blue_share * luma).std()) / bright,
        chroma=float(chroma.mean()) / bright,
        coloured=float((chroma > _COLOURED).mean()),
    )
