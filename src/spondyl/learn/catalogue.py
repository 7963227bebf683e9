"""What can be trained: every network by name, its cuts, what it costs, whose weights there are.

Nothing is computed for it: networks are built on PyTorch's device "meta", where tensors have
shapes and no values, so that a list of thirty takes seconds. Networks that are of use in tests
only are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from spondyl.learn import networks, weights
from spondyl.learn.architectures import publication
from spondyl.learn.architectures.architecture import IMAGENET, Architecture
from spondyl.learn.architectures.counting import counting
from spondyl.learn.heads import on_grid, pooled
from spondyl.learn.vision_language.towers import TOWERS

_N_LABELS = 3
_META = torch.device("meta")


@dataclass(frozen=True, slots=True)
class Row:
    """A network of the catalogue."""

    name: str
    family: str
    library: str
    library_name: str
    """What the library calls it, with the tag of its weights."""
    cuts: tuple[str, ...]
    parameters: int
    """With 3 outputs."""
    usual_side: int
    """Side of the square films at which its public weights are judged, in pixels."""
    multiply_adds: int
    """Of one film of that side."""
    layer: str
    """Whose output explanations show."""
    map_size: tuple[int, int]
    """(rows, columns) of it, at that side."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    """Of the films that its public weights learned from, in [0, 1]."""
    normalisation: str
    """Whether it is shown such films, in words."""
    licence: str
    """Of the public weights, as the library states it."""
    used_by: tuple[str, ...]
    """Works that the paper cites and that used it, as far as the paper's text says."""
    weights_cached: bool
    """Whether the library's cache holds its ImageNet-1k weights."""
    weights_wanted: str
    """What the library calls them."""

    def as_dict(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self)


def rows() -> tuple[Row, ...]:
    """All networks but those for tests, in the order of our table."""
    listed = (one for one in networks.ARCHITECTURES.values() if not one.for_tests)
    return tuple(map(_row, listed))


def lines(listed: Sequence[Row]) -> Iterator[str]:
    """The rows for a person."""
    for row in listed:
        side, (height, width) = row.usual_side, row.map_size
        yield (
            f"{row.name:<26}{row.parameters / 1e6:>7.2f} M parameters"
            f"{row.multiply_adds / 1e9:>8.2f} G multiply-adds at {side}, map {height} × {width}"
        )
        for said in _details(row):
            yield f"  {said}"


def _details(row: Row) -> Iterator[str]:
    if row.cuts:
        yield f"cuts: {', '.join(f'{row.name}:{cut}' for cut in row.cuts)}"
    if row.used_by:
        yield f"used by: {', '.join(row.used_by)}"
    if row.normalisation:
        yield f"films: {row.normalisation}"
    where = "here" if row.weights_cached else "not here"
    from_cache = row.library in ("torchvision", "timm")
    yield f"weights: {where if from_cache else 'to be given'}, {row.weights_wanted}"
    yield f"licence: {row.licence}"


def _row(architecture: Architecture) -> Row:
    name = networks.parse(architecture.name)
    cached = weights.cached_file(name)
    side = architecture.usual_side
    figures = reckoned(architecture.superseded_by or architecture.name, (side, side))
    return Row(
        name=architecture.name,
        family=architecture.family.name,
        library=architecture.library,
        library_name=architecture.library_name,
        cuts=architecture.cuts,
        parameters=figures.parameters,
        usual_side=architecture.usual_side,
        multiply_adds=figures.multiply_adds,
        layer=figures.layer,
        map_size=figures.map_size,
        mean=architecture.expects.mean,
        std=architecture.expects.std,
        normalisation=_normalisation(architecture),
        licence=publication.licence(architecture),
        used_by=architecture.used_by,
        weights_cached=cached is not None and cached.is_file(),
        weights_wanted=weights.wanted(name),
    )


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What of a network has to be reckoned."""

    parameters: int
    """With 3 outputs."""
    multiply_adds: int
    layer: str
    map_size: tuple[int, int]


@cache
def reckoned(name: str, size: tuple[int, int]) -> Reckoned:
    """Of a film of `size` = (height, width) pixels, which is followed through the body once."""
    parsed = networks.parse(name)
    film = torch.zeros(1, 3, *size, device=_META)
    made: list[Tensor] = []

    def channels(body: nn.Sequential) -> int:
        made.append(body.eval()(film))
        return int(pooled(made[0]).shape[1])

    with _META, torch.no_grad(), counting() as counted:
        network = networks.joined(parsed, _N_LABELS, channels)
        network.head(made[0])
    height, width = on_grid(made[0]).shape[2:]
    return Reckoned(
        networks.n_parameters([network.body, network.head]),
        counted(),
        network.layer,
        (int(height), int(width)),
    )


def _normalisation(architecture: Architecture) -> str:
    if architecture.superseded_by:
        return (
            f"shown ImageNet's moments where its public weights expect {_said(architecture)}; kept "
            f"for studies made with it: use {architecture.superseded_by}"
        )
    if architecture.name in TOWERS:
        return "given the tower's own moments, which are read beside its weights"
    if architecture.library == "spondyl":
        return "each film's own mean and deviation are taken out"
    if architecture.expects != IMAGENET:
        return f"given moments of {_said(architecture)}, as its public weights expect"
    return ""


def _said(architecture: Architecture) -> str:
    return f"mean {architecture.expects.mean[0]}, deviation {architecture.expects.std[0]}"
