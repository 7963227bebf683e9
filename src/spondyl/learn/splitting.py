"""Where each family of networks parts into body and head: our own table over library modules.

Frozen features, explanations and exports all stand on it, and timm's `forward_features` ends after
VGG16's last pooling, where its feature map is gone. Tensor names stay those of the library as far
as a Sequential allows, and `our_name` says the rest, so that its weight files load.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from timm.layers import resample_abs_pos_embed
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.learn.heads import DenseHead, Head
from spondyl.learn.spine_encoder import OwnGrey

Family = Literal["resnet", "vgg", "densenet", "vit", "swin", "spine-finder"]
Stage = tuple[str, list[tuple[str, nn.Module]]]
"""(name of the cut after it, its modules in order with our names)."""


@dataclass(frozen=True, slots=True, eq=False)
class Parted:
    """A library's network taken apart."""

    stages: list[Stage]
    """The body, from the stem on."""
    head: Head | None = None
    """The head of its own that the family keeps; None for pooling and one linear layer."""
    ends_in_attention: bool = False
    """Whether the body's last modules are a transformer block and a norm (`BeforeAttention`)."""
    closing: nn.Module | None = None
    """What brings the features of any stage into the order (n, channels, h, w)."""


class Embedding(nn.Module):
    """A vision transformer's beginning: films (n, 3, h, w) → tokens (n, 1 + patches, channels)."""

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.patch_embed = whole.patch_embed
        self.cls_token = whole.cls_token
        self.pos_embed = whole.pos_embed

    def forward(self, images: Tensor) -> Tensor:
        """Tokens, class token first; positions are interpolated for another size than the
        trained one. `SpondylError` for films that are not square."""
        patches: Tensor = self.patch_embed.proj(images)  # type: ignore[operator, union-attr]
        height, width = patches.shape[2:]
        if height != width or height < 1:
            raise SpondylError(
                f"a vision transformer cannot take films of {images.shape[2]} × {images.shape[3]}",
                "Give a square size of which a patch's side is a divisor, such as [224, 224].",
            )
        positions = resample_abs_pos_embed(self.pos_embed, new_size=[height, width])
        first = self.cls_token.expand(len(images), -1, -1)  # type: ignore[operator]
        tokens: Tensor = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1) + positions
        return tokens


def _resnet(whole: nn.Module, n_labels: int) -> Parted:
    del n_labels
    children = dict(whole.named_children())
    last = list(children).index("layer1")
    layers = CUTS["resnet"]
    stem: Stage = ("stem", list(children.items())[:last])
    return Parted([stem, *((name, [(name, children[name])]) for name in layers)])


def _vgg(whole: nn.Module, n_labels: int) -> Parted:
    *features, (_, last_pool) = whole.get_submodule("features").named_children()
    stages: list[Stage] = [("block1", [])]
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
    return Parted(stages, DenseHead(last_pool, whole.get_submodule("avgpool"), dense))


def _densenet(whole: nn.Module, n_labels: int) -> Parted:
    del n_labels
    stages: list[Stage] = [("stem", [])]
    for name, module in whole.get_submodule("features").named_children():
        if name.startswith(("denseblock", "transition")):
            stages.append((name, []))
        stages[-1][1].append((name, module))
    # The library applies this ReLU in `forward`; not in place, since the map may be kept.
    stages[-1][1].append(("relu5", nn.ReLU()))
    return Parted(stages)


def _vit(whole: nn.Module, n_labels: int) -> Parted:
    """Blocks, and the norm after the last of them; the class token alone is classified."""
    del n_labels
    blocks = list(whole.get_submodule("blocks").children())
    stem: list[tuple[str, nn.Module]] = [("embedding", Embedding(whole))]
    children = dict(whole.named_children())
    if "renormalising" in children:  # a tower of a vision-language model
        stem.insert(0, ("renormalising", children["renormalising"]))
    if not isinstance(children.get("norm_pre", nn.Identity()), nn.Identity):
        stem.append(("norm_pre", children["norm_pre"]))
    stages: list[Stage] = [("stem", stem)]
    stages += [(f"block{i}", [(f"block{i}", block)]) for i, block in enumerate(blocks, 1)]
    stages[-1][1].append(("norm", whole.get_submodule("norm")))
    return Parted(stages, ends_in_attention=True)


def _swin(whole: nn.Module, n_labels: int) -> Parted:
    """Four stages of windows; a merging of patches opens each but the first."""
    del n_labels
    modules = list(whole.get_submodule("features").named_children())
    stages: list[Stage] = [("stem", modules[:1])]
    stages.append(("stage1", modules[1:2]))
    stages += [(f"stage{i}", modules[2 * i - 2 : 2 * i]) for i in (2, 3, 4)]
    stages[-1][1].append(("norm", whole.get_submodule("norm")))
    return Parted(stages, closing=ChannelsFirst())


def _spine_finder(whole: nn.Module, n_labels: int) -> Parted:
    """The films made grey, the stem, and four stages; the finder itself counts these from 0."""
    del n_labels
    stages: list[Stage] = [("stem", [("grey", OwnGrey()), ("stem", whole.get_submodule("stem"))])]
    down = enumerate(whole.get_submodule("down").children(), 1)
    stages += [(f"down{i}", [(f"down{i}", stage)]) for i, stage in down]
    return Parted(stages)


class BeforeAttention(nn.Module):
    """Tokens (n, 1 + h·w, channels) as the attention of a block takes them, for explanations.

    After a block's attention its patch tokens tell the class token nothing more, so the last block
    has to be looked into. Behind its first norm: before it, each token's scale would make no
    difference to the logits, and g ⊙ A would add up to nothing in every cell. The class token is
    kept in front as it came, for the block adds to it: (n, 2 + h·w, channels).
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.norm = block.norm1

    def forward(self, tokens: Tensor) -> Tensor:
        """The class token as it is, and all tokens normed."""
        return torch.cat([tokens[:, :1], self.norm(tokens)], dim=1)  # type: ignore[operator]


class FromAttention(nn.Module):
    """What `BeforeAttention` returned → logits; only the class token is followed to the end."""

    def __init__(self, block: nn.Module, norm: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.block = block
        self.norm = norm
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        """Logits (n, labels)."""
        block: Any = self.block
        attended = block.ls1(block.attn(features[:, 1:]))[:, :1]
        token = features[:, :1] + attended
        token = token + block.ls2(block.mlp(block.norm2(token)))
        logits: Tensor = self.head(self.norm(token))
        return logits


class ChannelsFirst(nn.Module):
    """(n, h, w, channels) → (n, channels, h, w)."""

    def forward(self, features: Tensor) -> Tensor:
        """The same values, channels first."""
        return features.permute(0, 3, 1, 2)


PART: dict[Family, Callable[[nn.Module, int], Parted]] = {
    "resnet": _resnet,
    "vgg": _vgg,
    "densenet": _densenet,
    "vit": _vit,
    "swin": _swin,
    "spine-finder": _spine_finder,
}

CUTS: dict[Family, tuple[str, ...]] = {
    "resnet": ("layer1", "layer2", "layer3", "layer4"),
    "vgg": ("block1", "block2", "block3", "block4", "block5"),
    "densenet": ("denseblock1", "denseblock2", "denseblock3", "denseblock4"),
    "vit": (),
    "swin": ("stage1", "stage2", "stage3", "stage4"),
    "spine-finder": ("down1", "down2", "down3", "down4"),
}

_VIT_EMBEDDING = re.compile(r"(?=cls_token|pos_embed|patch_embed\.)")
_VIT_BLOCK = re.compile(r"blocks\.(\d+)\.")
_FINDER_STAGE = re.compile(r"down\.(\d+)\.")


def our_name(family: Family, theirs: str) -> str:
    """What we call the body's tensor that the library calls `theirs`."""
    if family == "vit":
        if block := _VIT_BLOCK.match(theirs):
            return f"block{int(block[1]) + 1}.{theirs[block.end() :]}"
        return _VIT_EMBEDDING.sub("embedding.", theirs, count=1)
    if stage := _FINDER_STAGE.match(theirs):
        return f"down{int(stage[1]) + 1}.{theirs[stage.end() :]}"
    return theirs.removeprefix("" if family == "resnet" else "features.")
