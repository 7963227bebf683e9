"""Networks by name, each in two parts: `body` (image → feature map) and `head` (→ logits).

Where a network parts is our own table over the modules of torchvision and timm, because frozen
features, explanations and exports all stand on it, and timm's `forward_features` ends after VGG16's
last pooling, where its feature map is gone. Tensor names stay those of the library, so its weight
files load. A name may carry a cut: `resnet50:layer3` is ResNet-50 up to `layer3`, pooled, with a
linear head.
"""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import timm
import torch
import torchvision
from torch import Tensor, nn

from spondyl.errors import SpondylError

Family = Literal["resnet", "vgg", "densenet"]
Library = Literal["torchvision", "timm"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of a library and the family whose rule says where it parts."""

    name: str
    family: Family
    library: Library

    def build(self) -> nn.Module:
        """The library's own module for 1000 classes, with the library's own random weights."""
        if self.library == "timm":
            return timm.create_model(self.name, pretrained=False)
        return torchvision.models.get_model(self.name, weights=None)

    @property
    def body_prefix(self) -> str:
        """What the library's tensor names of the body begin with and ours do not."""
        return "" if self.family == "resnet" else "features."


ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture("resnet18", "resnet", "torchvision"),
        Architecture("resnet50", "resnet", "torchvision"),
        Architecture("resnet101", "resnet", "torchvision"),
        Architecture("vgg16", "vgg", "torchvision"),
        Architecture("vgg19", "vgg", "torchvision"),
        Architecture("densenet121", "densenet", "torchvision"),
        Architecture("densenet169", "densenet", "torchvision"),
        Architecture("resnet10t", "resnet", "timm"),
        Architecture("test_resnet", "resnet", "timm"),
    )
}


class Head(nn.Module):
    """Feature map → logits in two steps: `reduced`, without parameters, then `classify`."""

    def reduced(self, feature_map: Tensor) -> Tensor:
        """(n, features) of a feature map (n, channels, h, w)."""
        raise NotImplementedError

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of (n, features)."""
        raise NotImplementedError

    def forward(self, feature_map: Tensor) -> Tensor:
        """Logits (n, labels) of a feature map (n, channels, h, w)."""
        return self.classify(self.reduced(feature_map))


class PooledLinear(Head):
    """A head that averages the feature map over the image and maps it linearly to logits."""

    def __init__(self, n_channels: int, n_labels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_channels, n_labels)

    def reduced(self, feature_map: Tensor) -> Tensor:
        """(n, channels): the mean over the map."""
        return feature_map.mean(dim=(2, 3))

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of (n, channels)."""
        logits: Tensor = self.linear(reduced)
        return logits


class DenseHead(Head):
    """VGG's head: the last pooling, 7 × 7 averages, two dense layers with dropout, a last one."""

    def __init__(self, pool: nn.Module, average: nn.Module, classifier: nn.Sequential) -> None:
        super().__init__()
        self.pool = pool
        self.average = average
        self.classifier = classifier

    def reduced(self, feature_map: Tensor) -> Tensor:
        """(n, 49 × channels): pooled, averaged to 7 × 7, laid out in a row."""
        flat: Tensor = self.average(self.pool(feature_map)).flatten(1)
        return flat

    def classify(self, reduced: Tensor) -> Tensor:
        """Logits (n, labels) of (n, 49 × channels)."""
        logits: Tensor = self.classifier(reduced)
        return logits


class Network(nn.Module):
    """A network in its two parts; takes normalised images (n, 3, h, w), gives logits (n,
    labels)."""

    def __init__(self, name: str, body: nn.Sequential, head: Head, n_channels: int) -> None:
        super().__init__()
        self.name = name
        self.body = body
        self.head = head
        self.n_channels = n_channels
        """Channels of the feature map that enters the head."""

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, labels)."""
        logits: Tensor = self.head(self.body(images))
        return logits

    @property
    def layer(self) -> str:
        """Name of the layer whose output enters the head, which explanations show."""
        return next(reversed(self.body._modules))


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
        near = difflib.get_close_matches(base, ARCHITECTURES, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise SpondylError(
            f"network {name!r}: not known", f"{meant}Known: {', '.join(ARCHITECTURES)}."
        )
    if ":" in name and cut not in CUTS[ARCHITECTURES[base].family]:
        known = ", ".join(CUTS[ARCHITECTURES[base].family])
        raise SpondylError(f"network {name!r}: {base} has no cut {cut!r}", f"Its cuts: {known}.")
    return NetworkName(ARCHITECTURES[base], cut or None)


def build(name: str, n_labels: int, seed: int) -> Network:
    """The network called `name` with `n_labels` outputs and the library's random initial weights.

    `seed` decides every random tensor; the global random state is left as it was.
    """
    parsed = parse(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        whole = parsed.architecture.build()
        stages, head = _SPLITS[parsed.architecture.family](whole, n_labels)
        body = _until(stages, parsed.cut)
        n_channels = _channels(body)
        if parsed.cut or head is None:
            head = PooledLinear(n_channels, n_labels)
    return Network(str(parsed), body, head, n_channels)


Stages = list[tuple[str, list[tuple[str, nn.Module]]]]
"""(name of the cut after it, its modules in order with the library's names)."""


def _split_resnet(whole: nn.Module, n_labels: int) -> tuple[Stages, Head | None]:
    del n_labels
    children = dict(whole.named_children())
    last = list(children).index("layer1")
    stem = list(children.items())[:last]
    layers = ("layer1", "layer2", "layer3", "layer4")
    return [("stem", stem), *((name, [(name, children[name])]) for name in layers)], None


def _split_vgg(whole: nn.Module, n_labels: int) -> tuple[Stages, Head | None]:
    *features, (_, last_pool) = whole.get_submodule("features").named_children()
    stages: Stages = [("block1", [])]
    for name, module in features:
        if isinstance(module, nn.MaxPool2d):
            # A block's feature map is taken before its pooling, which opens the next block.
            stages.append((f"block{len(stages) + 1}", []))
        stages[-1][1].append((name, module))
    dense = whole.get_submodule("classifier")
    assert isinstance(dense, nn.Sequential)
    last = dense[-1]
    assert isinstance(last, nn.Linear)
    new = nn.Linear(last.in_features, n_labels)
    nn.init.normal_(new.weight, 0, 0.01)  # as torchvision draws VGG's dense layers
    nn.init.zeros_(new.bias)
    dense[-1] = new
    return stages, DenseHead(last_pool, whole.get_submodule("avgpool"), dense)


def _split_densenet(whole: nn.Module, n_labels: int) -> tuple[Stages, Head | None]:
    del n_labels
    stages: Stages = [("stem", [])]
    for name, module in whole.get_submodule("features").named_children():
        if name.startswith(("denseblock", "transition")):
            stages.append((name, []))
        stages[-1][1].append((name, module))
    # The library applies this ReLU in `forward`; not in place, since the map may be kept.
    stages[-1][1].append(("relu5", nn.ReLU()))
    return stages, None


_SPLITS: dict[Family, Callable[[nn.Module, int], tuple[Stages, Head | None]]] = {
    "resnet": _split_resnet,
    "vgg": _split_vgg,
    "densenet": _split_densenet,
}

CUTS: dict[Family, tuple[str, ...]] = {
    "resnet": ("layer1", "layer2", "layer3", "layer4"),
    "vgg": ("block1", "block2", "block3", "block4", "block5"),
    "densenet": ("denseblock1", "denseblock2", "denseblock3", "denseblock4"),
}


def _until(stages: Stages, cut: str | None) -> nn.Sequential:
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for stage, members in stages:
        modules.update(members)
        if stage == cut:
            break
    return nn.Sequential(modules)


def _channels(body: nn.Sequential) -> int:
    """Channels of the body's feature map, found by sending one small black image through it."""
    was_training = body.training
    body.eval()
    with torch.inference_mode():
        n_channels = int(body(torch.zeros(1, 3, 64, 64)).shape[1])
    body.train(was_training)
    return n_channels


def n_parameters(parts: Iterable[nn.Module]) -> int:
    """Parameters of the given modules together."""
    return sum(parameter.numel() for part in parts for parameter in part.parameters())
