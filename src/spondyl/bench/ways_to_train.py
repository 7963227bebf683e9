"""The ways of training that `bench train` compares, each with one thing more than the one before.

The last ones are the very steps of a study's training (`stepping`); the first take pieces of it
away. The price: a way that nobody would choose has to be kept running.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.transforms import v2

from spondyl.bench.reference_loop import AUGMENTATION, LEARNING_RATE, Films, ReferenceLoop
from spondyl.learn import networks, sources, stepping, training
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.preprocess import IMAGENET_MEAN, IMAGENET_STD
from spondyl.learn.sources import Drawn, Part, Source
from spondyl.learn.spec import Precision, StudySpec
from spondyl.learn.stepping import Kind, Step
from spondyl.learn.whole_batches import Share


@dataclass(frozen=True, slots=True)
class Way:
    """One way to train."""

    name: str
    one_warp: bool = True
    """Films of a batch are augmented together by us; one by one by torchvision otherwise."""
    channels_last: bool = True
    fused: bool = True
    """Adam in one kernel."""
    precision: Precision = "32-true"
    step: Kind = "plain"
    threads: int | None = None
    """None: as many as there are."""


_IN_MEMORY = Way("films in memory", one_warp=False, channels_last=False, fused=False)
_ONE_WARP = replace(_IN_MEMORY, name="+ one warp for a batch", one_warp=True)
_CHANNELS_LAST = replace(_ONE_WARP, name="+ channels last", channels_last=True)
_FUSED = replace(_CHANNELS_LAST, name="+ fused Adam", fused=True)
_COMPILED = replace(_FUSED, name="+ compiled", step="compiled")
_BF16 = replace(_FUSED, name="+ bf16", precision="bf16-mixed")
_BF16_COMPILED = replace(_BF16, name="+ bf16, compiled", step="compiled")
_BF16_GRAPH = replace(_BF16, name="+ bf16, graph", step="graph")
_ONE_THREAD = replace(_FUSED, name="fused Adam, one thread", threads=1)


def ways(device: torch.device, *, compiled: bool = True) -> tuple[Way, ...]:
    """Those that `device` can run; without those that need minutes to begin if not `compiled`."""
    on_cpu = device.type == "cpu"
    return (
        *(_IN_MEMORY, _ONE_WARP, _CHANNELS_LAST, _FUSED, _BF16),
        *(() if on_cpu else (_BF16_GRAPH,)),
        *((_COMPILED, _BF16_COMPILED) if compiled and stepping.has_compiler() else ()),
        *((_ONE_THREAD,) if on_cpu and torch.get_num_threads() > 1 else ()),
    )


def opened(
    way: Way, spec: StudySpec, part: Part, loop: ReferenceLoop, device: torch.device
) -> Callable[[], object]:
    """What trains a fresh network for one epoch, in that way, each time that it is called.

    `loop` is the reference loop on the same films.
    """
    if not way.one_warp:
        return loop.with_films(InMemory(part)).epoch
    spec = spec.model_copy(update={"precision": way.precision})
    fabric = fabric_on(device.type, way.precision)
    network = networks.build(spec.networks[0], len(spec.labels), spec.seed).to(device)
    all_of_it = spec.strategies[0] != "feature-extraction"
    network.body.requires_grad_(all_of_it)
    learned: nn.Module = network if all_of_it else network.head
    if way.channels_last:
        network.to(memory_format=torch.channels_last)
    adam = stepping.adam(learned, spec, way.step, device)
    if not way.fused:
        adam = torch.optim.Adam(learned.parameters(), LEARNING_RATE)
    forward, optimiser = fabric.setup(network, adam)
    source: Source = sources.Films.of(part, spec, device)
    if not way.channels_last:
        source = _Contiguous(source)
    weights, total = torch.ones(len(spec.labels), device=device), torch.zeros((), device=device)
    plain = Step(forward, source, optimiser, weights, fabric, Share(), total)
    step = stepping.in_kind(way.step, plain, network, spec.batch_size)
    sizes = training.batch_sizes(len(part.labels), spec.batch_size)
    return lambda: training.learn_from(step, source, sizes, network, learned)


class InMemory(Films):
    """Films that were decoded and fitted once, transformed anew each time, one by one."""

    def __init__(self, part: Part) -> None:
        self.images = part.images
        self.labels = part.labels.tolist()
        normalised = v2.Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.transform = v2.Compose([*AUGMENTATION, normalised])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        film = self.images[row].float().expand(3, -1, -1)
        picture: Tensor = self.transform(film)
        return picture, self.labels[row]


@dataclass(frozen=True, slots=True, eq=False)
class _Contiguous:
    """A source whose inputs lie in memory channel by channel."""

    films: Source

    @property
    def labels(self) -> Tensor:
        return self.films.labels

    def draw(self, order: Tensor, sizes: Sequence[int], draws: torch.Generator) -> Drawn:
        return self.films.draw(order, sizes, draws)

    def inputs(self, batch: Drawn) -> Tensor:
        return self.films.inputs(batch).contiguous()

    def plain(self, batch_size: int) -> Any:
        return self.films.plain(batch_size)
