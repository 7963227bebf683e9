"""What open_clip calls an image tower's tensors, and what timm does."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from spondyl.learn.vision_language.towers import Tower

PROJECTION = "projection.weight"
"""(width, channels), as a linear layer has it."""

_NATIVE = (
    (re.compile(r"^conv1\."), "patch_embed.proj."),
    (re.compile(r"^class_embedding$"), "cls_token"),
    (re.compile(r"^positional_embedding$"), "pos_embed"),
    (re.compile(r"^ln_pre\."), "norm_pre."),
    (re.compile(r"^ln_post\."), "norm."),
    (re.compile(r"^transformer\.resblocks\.(\d+)\."), r"blocks.\1."),
    (re.compile(r"(?<=\.)ln_([12])\."), r"norm\1."),
    (re.compile(r"(?<=\.)attn\.in_proj_"), "attn.qkv."),
    (re.compile(r"(?<=\.)attn\.out_proj\."), "attn.proj."),
    (re.compile(r"(?<=\.)mlp\.c_fc\."), "mlp.fc1."),
    (re.compile(r"(?<=\.)mlp\.c_proj\."), "mlp.fc2."),
)
_OF_TIMM = "visual.trunk."
_PROJECTED = "visual.head.proj.weight"


def of_image_tower(checkpoint: Mapping[str, Tensor], tower: Tower) -> dict[str, Tensor]:
    """The tensors of a checkpoint that are the image tower's, as timm calls them, with the
    projection as `PROJECTION` where the checkpoint has one."""
    if not tower.is_native:
        held = {
            name.removeprefix(_OF_TIMM): tensor
            for name, tensor in checkpoint.items()
            if name.startswith(_OF_TIMM)
        }
        return held | _projected(checkpoint.get(_PROJECTED))
    held = {}
    for name, tensor in checkpoint.items():
        if not name.startswith("visual."):
            continue
        key = name.removeprefix("visual.")
        if key == "proj":
            held |= _projected(tensor.T.contiguous())
            continue
        for theirs, ours in _NATIVE:
            key = theirs.sub(ours, key)
        held[key] = _batched(key, tensor)
    return held


def _projected(tensor: Tensor | None) -> dict[str, Tensor]:
    return {} if tensor is None else {PROJECTION: tensor}


def _batched(key: str, tensor: Tensor) -> Tensor:
    """timm keeps the class token (1, 1, channels) and positions (1, 1 + cells, channels)."""
    if key == "cls_token":
        return tensor.reshape(1, 1, -1)
    return tensor[None] if key == "pos_embed" else tensor
