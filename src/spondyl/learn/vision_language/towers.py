"""Image towers of vision-language models, as networks of our own table.

A tower is built from timm's blocks whichever library published it, so that it is split,
explained, stored and read like any other vision transformer, and whoever reads a bundle needs
neither open_clip nor a text tower. The price: a tower has to be in this table, and what open_clip
makes of a film has to be compared with what ours makes of it (`wording`), which is done before
anything is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from spondyl.learn.preprocess import IMAGENET_MEAN, IMAGENET_STD

Moments = tuple[float, float, float]

BIOMEDCLIP = "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"


@dataclass(frozen=True, slots=True)
class Tower:
    """What is known of an image tower before its files are opened."""

    name: str
    trunk: str
    """timm's name of it."""
    width: int
    """Of the space that films and texts share."""
    size: int
    """Side of the square films that it learned from, in pixels."""
    hub_id: str
    """Where files of such a tower are published; "" for the tiny ones of tests."""
    vision: Mapping[str, Any]
    """Its `vision_cfg` in open_clip_config.json, as far as that decides what it computes."""
    quick_gelu: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """What timm has to be told besides the name."""

    @property
    def is_native(self) -> bool:
        """Whether it is open_clip's own transformer, with tensors called as OpenAI called them."""
        return "timm_model_name" not in self.vision

    def build(self) -> nn.Module:
        """timm's module with random weights, and `renormalising` in front of it."""
        import timm  # where it is needed: it takes a second

        whole: nn.Module = timm.create_model(self.trunk, pretrained=False, **self.options)
        whole.renormalising = Renormalising()
        return whole


class Renormalising(nn.Module):
    """Films normalised by ImageNet's moments, as all networks get them → by the tower's own.

    Part of the body, so that a study can hold towers beside other networks, and a bundle carries
    it. Leaves films as they are until it is filled (`tensors_of`).
    """

    scale: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(3, 1, 1))
        self.register_buffer("shift", torch.zeros(3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) of (n, 3, h, w)."""
        return images * self.scale + self.shift

    @staticmethod
    def tensors_of(mean: Moments, std: Moments) -> dict[str, Tensor]:
        """Its buffers for a tower of these moments: with v = x · s + m the grey of a film,
        (v − mean) / std = x · s / std + (m − mean) / std."""
        m, s, mean_, std_ = (
            torch.tensor(values, dtype=torch.float64).view(3, 1, 1)
            for values in (IMAGENET_MEAN, IMAGENET_STD, mean, std)
        )
        return {"scale": (s / std_).float(), "shift": ((m - mean_) / std_).float()}


def _of_timm(trunk: str) -> dict[str, Any]:
    return {"timm_model_name": trunk, "timm_pool": "", "timm_proj": "linear"}


def _of_open_clip(patch: int) -> dict[str, Any]:
    base = {"layers": 12, "width": 768, "head_width": 64, "mlp_ratio": 4.0}
    return {**base, "patch_size": patch}


def _base(name: str, patch: int, hub_id: str, *, quick_gelu: bool = False) -> Tower:
    quick = "quickgelu_" if quick_gelu else ""
    trunk = f"vit_base_patch{patch}_clip_{quick}224"
    return Tower(name, trunk, 512, 224, hub_id, _of_open_clip(patch), quick_gelu)


TOWERS: dict[str, Tower] = {
    tower.name: tower
    for tower in (
        Tower(
            *("biomedclip", "vit_base_patch16_224", 512, 224, BIOMEDCLIP),
            vision=_of_timm("vit_base_patch16_224"),
        ),
        _base("clip_vit_b_32", 32, "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        _base("clip_vit_b_16", 16, "laion/CLIP-ViT-B-16-laion2B-s34B-b88K"),
        _base(
            "clip_vit_b_32_quickgelu", 32, "timm/vit_base_patch32_clip_224.openai", quick_gelu=True
        ),
        Tower(
            *("test_biomedclip", "test_vit", 24, 160, ""),
            vision=_of_timm("test_vit"),
        ),
        Tower(
            *("test_clip", "test_vit", 24, 64, ""),
            vision={
                **{"layers": 6, "width": 64, "head_width": 32, "mlp_ratio": 3.0},
                "patch_size": 16,
            },
            # Norms with the ε of the other towers of this kind.
            options={
                **{"img_size": 64, "pre_norm": True},
                "norm_layer": partial(nn.LayerNorm, eps=1e-5),
            },
        ),
    )
}
