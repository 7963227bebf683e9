"""A vision transformer's beginning, its last block as explanations part it, and orders of axes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from spondyl.errors import SpondylError


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
        from timm.layers import resample_abs_pos_embed  # see `architecture`

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
