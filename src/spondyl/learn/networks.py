"""Networks by name, each in two parts: `body` (image → features) and `head` (→ logits).

A name may carry a cut: `resnet50:layer3` is ResNet-50 up to `layer3`, pooled, with a linear head.
Which networks there are stands in `architectures.table`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from spondyl.errors import SpondylError, known_words
from spondyl.learn.architectures.architecture import Architecture, OwnMoments
from spondyl.learn.architectures.attention import BeforeAttention, FromAttention
from spondyl.learn.architectures.families import Stage
from spondyl.learn.architectures.table import ARCHITECTURES
from spondyl.learn.heads import Head, PooledLinear, pooled

__all__ = ["ARCHITECTURES", "Architecture", "Network", "NetworkName", "build", "joined", "parse"]

CLOSING = "closing"
"""Name of a body's last module where it only brings features into our order."""
RENORMALISING = "renormalising"
"""Name of a body's first module where it gives films other moments than ImageNet's."""
_PROBING_SIDE = 64


class Network(nn.Module):
    """A network in its two parts; takes normalised images (n, 3, h, w), gives logits (n,
    labels)."""

    def __init__(
        self,
        name: str,
        body: nn.Sequential,
        head: Head,
        n_channels: int,
        *,
        ends_in_attention: bool = False,
        stages: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        super().__init__()
        self.name = name
        self.body = body
        self.head = head
        self.n_channels = n_channels
        """Channels of the features that enter the head."""
        self.ends_in_attention = ends_in_attention
        """Whether the body ends in a transformer block and a norm."""
        self.stages = stages
        """Names of the body's modules, stage by stage in order; empty where nobody said."""

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, labels)."""
        logits: Tensor = self.head(self.body(images))
        return logits

    def explained_parts(self) -> tuple[nn.Module, nn.Module]:
        """(images → features that are explained, those features → logits)."""
        if not self.ends_in_attention:
            return self.body, self.head
        *earlier, block, norm = self.body
        lower = nn.Sequential(*earlier, BeforeAttention(block))
        return lower, FromAttention(block, norm, self.head)

    @property
    def layer(self) -> str:
        """Name of the layer whose output explanations show."""
        *_, before, last = ("", *(name for name in self.body._modules if name != CLOSING))
        return f"{before}.norm1" if self.ends_in_attention else last


@dataclass(frozen=True, slots=True)
class NetworkName:
    """A network's name taken apart: architecture and, where there is one, the cut."""

    architecture: Architecture
    cut: str | None

    def __str__(self) -> str:
        return self.architecture.name + (f":{self.cut}" if self.cut else "")


def parse(name: str) -> NetworkName:
    """The parts of `name`; `SpondylError` with the nearest known name where it has none."""
    base, _, cut = name.partition(":")
    if base not in ARCHITECTURES:
        raise SpondylError(f"network {name!r}: not known", known_words(base, ARCHITECTURES))
    if ":" in name and cut not in ARCHITECTURES[base].cuts:
        known = ", ".join(ARCHITECTURES[base].cuts) or "none"
        raise SpondylError(f"network {name!r}: {base} has no cut {cut!r}", f"Its cuts: {known}.")
    return NetworkName(ARCHITECTURES[base], cut or None)


def build(name: str, n_labels: int, seed: int) -> Network:
    """The network called `name` with `n_labels` outputs and the library's random initial weights.

    `seed` decides every random tensor; the global random state is left as it was.
    """
    parsed = parse(name)
    side = max(_PROBING_SIDE, parsed.architecture.least_side)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return joined(parsed, n_labels, partial(_channels, side=side))


def joined(parsed: NetworkName, n_labels: int, channels: Callable[[nn.Sequential], int]) -> Network:
    """The network with weights as its library draws them; `channels` finds how many the features
    of its body have."""
    architecture = parsed.architecture
    parted = architecture.family.part(architecture.build(), n_labels)
    if architecture.renormalises:
        parted.stages[0][1].insert(0, (RENORMALISING, OwnMoments(architecture.expects)))
    body = _until(parted.stages, parsed.cut)
    if parted.closing is not None:
        body.add_module(CLOSING, parted.closing)
    n_channels = channels(body)
    head = None if parsed.cut else parted.head
    if head is None:
        head = PooledLinear(n_channels, n_labels, 0.0 if parsed.cut else parted.dropout)
    return Network(
        *(str(parsed), body, head, n_channels),
        ends_in_attention=parted.ends_in_attention,
        stages=_names(parted.stages, body, architecture.cuts),
    )


def _until(stages: list[Stage], cut: str | None) -> nn.Sequential:
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for stage, members in stages:
        modules.update(members)
        if stage == cut:
            break
    return nn.Sequential(modules)


def _names(
    stages: list[Stage], body: nn.Sequential, cuts: tuple[str, ...]
) -> tuple[tuple[str, ...], ...]:
    """Names of the body's modules by stage. Where a family has cuts, what comes after one and is
    none itself, such as a DenseNet's transition, ends its stage; so does what closes the body."""
    there = dict(body.named_children())
    found: list[tuple[str, ...]] = []
    for stage, members in stages:
        names = tuple(name for name, _ in members if name in there)
        if len(found) > 1 and cuts and stage not in cuts:
            found[-1] += names
        elif names:
            found.append(names)
    found[-1] += (CLOSING,) if CLOSING in there else ()
    return tuple(found)


def _channels(body: nn.Sequential, side: int) -> int:
    """Channels of the body's features, found by sending one small black image through it."""
    was_training = body.training
    body.eval()
    with torch.inference_mode():
        n_channels = int(pooled(body(torch.zeros(1, 3, side, side))).shape[1])
    body.train(was_training)
    return n_channels


def n_parameters(parts: Iterable[nn.Module]) -> int:
    """Parameters of the given modules together."""
    return sum(parameter.numel() for part in parts for parameter in part.parameters())
