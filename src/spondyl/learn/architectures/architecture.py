"""One network of a library, and what has to be known of it: the record that an entry is.

Every network is shown films that are normalised by ImageNet's moments, so that a study can hold
several. Public weights that learned from other moments are given these by the body's first module,
`Renormalising`; a network that was in studies before there was such a module stays as it was, and
names the entry that shows its films rightly.

A library is imported where one of its networks is built: both take seconds, and bring PyTorch's
compiler along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from torch import Tensor, nn

from spondyl.learn.architectures.families import Family
from spondyl.learn.preprocess import IMAGENET_MEAN, IMAGENET_STD
from spondyl.learn.spine_encoder import SpineEncoder
from spondyl.learn.vision_language.towers import TOWERS, Renormalising

Library = Literal["torchvision", "timm", "open_clip", "spondyl"]


class Moments(NamedTuple):
    """Mean and deviation of red, green and blue by which films in [0, 1] are normalised."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET = Moments(IMAGENET_MEAN, IMAGENET_STD)
HALVES = Moments((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""Films in [-1, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Architecture:
    """A network of a library and the family whose rule says where it parts."""

    name: str
    family: Family
    library: Library
    published_as: str = ""
    """What the library calls it, for timm with the tag of its weights; "" where that is `name`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the library has to be told besides the name."""
    expects: Moments = IMAGENET
    """What films its public weights learned from, as the library says it."""
    usual_side: int = 224
    """Side of the square films at which its public weights are judged, in pixels."""
    least_side: int = 1
    """Side of the smallest films that it can be run on (torchvision states it with its weights) and
    leaves a map of 2 × 2 cells of, in pixels; 1 where nobody need be told."""
    used_by: tuple[str, ...] = ()
    """Works that the paper cites and that used it, as the paper's text says it."""
    superseded_by: str = ""
    """The entry that shows films as the public weights expect them, where this one, kept for
    studies that were made with it, does not."""
    for_tests: bool = False
    """Whether it is so small that it is of use in tests only; its public weights are never
    taken."""

    @property
    def library_name(self) -> str:
        """What the library calls it."""
        return self.published_as or self.name

    @property
    def cuts(self) -> tuple[str, ...]:
        """Names at which the body may end."""
        return self.family.cuts

    @property
    def renormalises(self) -> bool:
        """Whether its body begins by giving films the moments that its public weights expect."""
        return self.expects != IMAGENET and not self.superseded_by

    def build(self) -> nn.Module:
        """The library's own module for 1000 classes, with the library's own random weights."""
        if self.library == "open_clip":
            return TOWERS[self.name].build()
        if self.library == "spondyl":
            return SpineEncoder()
        if self.library == "timm":
            import timm

            whole: nn.Module = timm.create_model(
                self.library_name, pretrained=False, **self.options
            )
            return whole
        import torchvision

        return torchvision.models.get_model(self.library_name, weights=None, **self.options)

    def ours(self, theirs: str, tensor: Tensor) -> tuple[str, Tensor]:
        """A tensor of a public file of weights by our name, in our shape."""
        return self.family.ours(theirs, tensor)


class OwnMoments(Renormalising):
    """`Renormalising` by moments that the table knows, which are in no file of weights."""

    def __init__(self, moments: Moments) -> None:
        super().__init__()
        for name, values in self.tensors_of(*moments).items():
            self.register_buffer(name, values, persistent=False)
