"""Families that are more than a chain of modules, each with a function that parts it.

ResNet, VGG (and AlexNet), DenseNet, vision transformers, Swin, and the encoder of our own spine
finder. What a library does in its `forward` between modules is said here once more; a test holds
each against the library's whole network.
"""

from __future__ import annotations

import re

from torch import Tensor, nn

from spondyl.learn.architectures.attention import ChannelsFirst, Embedding
from spondyl.learn.architectures.families import STEM, Family, Parted, Stage
from spondyl.learn.heads import DenseHead
from spondyl.learn.spine_encoder import OwnGrey

_OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)")
_TIMM_VGG = {"pre_logits.fc1.": "classifier.0.", "pre_logits.fc2.": "classifier.3."}
_VIT_EMBEDDING = re.compile(r"(?=cls_token|pos_embed|patch_embed\.)")
_VIT_BLOCK = re.compile(r"blocks\.(\d+)\.")
_FINDER_STAGE = re.compile(r"down\.(\d+)\.")


def _as_it_is(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    return name, tensor


def _without_features(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    return name.removeprefix("features."), tensor


def _resnet(whole: nn.Module, n_labels: int) -> Parted:
    del n_labels
    children = dict(whole.named_children())
    last = list(children).index("layer1")
    stem: Stage = (STEM, list(children.items())[:last])
    return Parted([stem, *((name, [(name, children[name])]) for name in RESNET.cuts)])


RESNET = Family("resnet", ("layer1", "layer2", "layer3", "layer4"), _resnet, _as_it_is)


def _dense(whole: nn.Module, n_labels: int) -> Parted:
    """Blocks between poolings, and the library's own dense layers, the last one anew."""
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


def _dense_ours(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    """timm writes VGG's dense layers as 7 × 7 and 1 × 1 convolutions, in the same order."""
    for theirs, ours in _TIMM_VGG.items():
        if name.startswith(theirs):
            flat = tensor.flatten(1) if tensor.ndim > 1 else tensor
            return name.replace(theirs, ours), flat
    return name.removeprefix("features."), tensor


VGG = Family(
    "vgg",
    ("block1", "block2", "block3", "block4", "block5"),
    _dense,
    _dense_ours,
    ("pool,\n7 × 7 averages", "dense 4096,\ndropout", "dense 4096,\ndropout"),
)
ALEXNET = Family(
    "alexnet",
    ("block1", "block2", "block3"),
    _dense,
    _without_features,
    ("pool, 6 × 6\naverages, dropout", "dense 4096,\ndropout", "dense 4096"),
)


def _densenet(whole: nn.Module, n_labels: int) -> Parted:
    del n_labels
    stages: list[Stage] = [(STEM, [])]
    for name, module in whole.get_submodule("features").named_children():
        if name.startswith(("denseblock", "transition")):
            stages.append((name, []))
        stages[-1][1].append((name, module))
    # The library applies this ReLU in `forward`; not in place, since the map may be kept.
    stages[-1][1].append(("relu5", nn.ReLU()))
    return Parted(stages)


def _densenet_ours(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    """Public files are older than the library's present spelling."""
    if old := _OLD_DENSENET.fullmatch(name):
        name = old.group(1) + old.group(2)
    return name.removeprefix("features."), tensor


DENSENET = Family(
    "densenet",
    ("denseblock1", "denseblock2", "denseblock3", "denseblock4"),
    _densenet,
    _densenet_ours,
)


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
    stages: list[Stage] = [(STEM, stem)]
    stages += [(f"block{i}", [(f"block{i}", block)]) for i, block in enumerate(blocks, 1)]
    stages[-1][1].append(("norm", whole.get_submodule("norm")))
    return Parted(stages, ends_in_attention=True)


def _vit_ours(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    if block := _VIT_BLOCK.match(name):
        return f"block{int(block[1]) + 1}.{name[block.end() :]}", tensor
    return _VIT_EMBEDDING.sub("embedding.", name, count=1), tensor


VIT = Family("vit", (), _vit, _vit_ours, ("class token",), square_only=True)


def _swin(whole: nn.Module, n_labels: int) -> Parted:
    """Four stages of windows; a merging of patches opens each but the first."""
    del n_labels
    modules = list(whole.get_submodule("features").named_children())
    stages: list[Stage] = [(STEM, modules[:1])]
    stages.append(("stage1", modules[1:2]))
    stages += [(f"stage{i}", modules[2 * i - 2 : 2 * i]) for i in (2, 3, 4)]
    stages[-1][1].append(("norm", whole.get_submodule("norm")))
    return Parted(stages, closing=ChannelsFirst())


SWIN = Family("swin", ("stage1", "stage2", "stage3", "stage4"), _swin, _without_features)


def _spine_finder(whole: nn.Module, n_labels: int) -> Parted:
    """The films made grey, the stem, and four stages; the finder itself counts these from 0."""
    del n_labels
    stages: list[Stage] = [(STEM, [("grey", OwnGrey()), ("stem", whole.get_submodule("stem"))])]
    down = enumerate(whole.get_submodule("down").children(), 1)
    stages += [(f"down{i}", [(f"down{i}", stage)]) for i, stage in down]
    return Parted(stages)


def _spine_finder_ours(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    if stage := _FINDER_STAGE.match(name):
        name = f"down{int(stage[1]) + 1}.{name[stage.end() :]}"
    return name, tensor


SPINE_FINDER = Family(
    "spine-finder", ("down1", "down2", "down3", "down4"), _spine_finder, _spine_finder_ours
)
