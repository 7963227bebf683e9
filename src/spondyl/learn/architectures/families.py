"""What a family of networks is: where it parts into body and head, its cuts, its tensors' names.

Frozen features, explanations and exports all stand on this split, and timm's `forward_features`
ends after VGG16's last pooling, where its feature map is gone. Most networks are a chain of
modules that a library names, under pooling and one linear layer: such a family is declared by the
names alone (`chain`), where its networks are listed. What a library does in a `forward` of its own
needs a function: those families stand in `odd_families`. Tensor names stay those of the library as
far as a Sequential allows, and the family says the rest, so that its weight files load.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from spondyl.learn.heads import Head, NormedLinear

Stage = tuple[str, list[tuple[str, nn.Module]]]
"""(name of the cut after it, its modules in order with our names)."""
STEM = "stem"
"""Name of a first stage that is no cut."""
AVERAGE = ("average over\nthe image",)
_RANGE = re.compile(r"(.*?)(\d+)\.\.(\d+)")


@dataclass(frozen=True, slots=True, eq=False)
class Parted:
    """A library's network taken apart."""

    stages: list[Stage]
    """The body, from the stem on."""
    head: Head | None = None
    """The head of its own that the family keeps; None for pooling and one linear layer."""
    dropout: float = 0.0
    """Before that linear layer, in training."""
    ends_in_attention: bool = False
    """Whether the body's last modules are a transformer block and a norm (`BeforeAttention`)."""
    closing: nn.Module | None = None
    """What brings the features of any stage into the order (n, channels, h, w)."""


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Networks that part alike."""

    name: str
    cuts: tuple[str, ...]
    """Names at which a body may end."""
    part: Callable[[nn.Module, int], Parted]
    """(the library's network, labels) → its parts."""
    ours: Callable[[str, Tensor], tuple[str, Tensor]]
    """(name, tensor) of a public file of weights → what we call it, and as we hold it."""
    above: tuple[str, ...] = AVERAGE
    """What stands between the body and the last linear layer, in words, for the report."""
    square_only: bool = False
    """Whether it takes no films but square ones."""


def chain(
    name: str,
    stages: Mapping[str, str],
    *,
    dropout: float = 0.0,
    norm: str = "",
    above: tuple[str, ...] = AVERAGE,
) -> Family:
    """A family whose body is some of the library's modules, one after another.

    `stages` says, for each stage, the modules' paths in the library's network, by spaces:
    "features.1 features.2", or "features.1..2" for a run of numbers. Each stage is a cut, but for
    one called `STEM`. `dropout` is what the library has before its linear layer, `norm` the path
    of its norm between pooling and that layer, "" where there is none.
    """
    paths = {stage: tuple(_paths(said)) for stage, said in stages.items()}
    cuts = tuple(stage for stage in stages if stage != STEM)
    way = _Chain(paths, dropout, norm)
    return Family(name, cuts, way.part, way.ours, above)


@dataclass(frozen=True, slots=True, eq=False)
class _Chain:
    """Stages as paths of modules."""

    stages: Mapping[str, tuple[str, ...]]
    dropout: float
    norm: str

    def part(self, whole: nn.Module, n_labels: int) -> Parted:
        """The modules at the paths, and the head that the family keeps."""
        stages: list[Stage] = [
            (stage, [(_called(path), whole.get_submodule(path)) for path in paths])
            for stage, paths in self.stages.items()
        ]
        head: Head | None = None
        if self.norm:
            norm = whole.get_submodule(self.norm)
            assert isinstance(norm, nn.LayerNorm)
            head = NormedLinear(norm.normalized_shape[0], n_labels, norm.eps, self.norm)
        return Parted(stages, head, self.dropout)

    def ours(self, name: str, tensor: Tensor) -> tuple[str, Tensor]:
        """The path's dots are not ours, for a Sequential's modules have none."""
        for path in (path for paths in self.stages.values() for path in paths):
            if name.startswith(f"{path}."):
                return _called(path) + name[len(path) :], tensor
        return name, tensor


def _paths(said: str) -> list[str]:
    """The paths that a stage's text names."""
    found = []
    for path in said.split():
        if run := _RANGE.fullmatch(path):
            first, last = int(run[2]), int(run[3])
            found += [f"{run[1]}{number}" for number in range(first, last + 1)]
        else:
            found.append(path)
    return found


def _called(path: str) -> str:
    return path.replace(".", "_")
