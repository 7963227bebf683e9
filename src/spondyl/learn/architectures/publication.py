"""What a library publishes for a network: which file of weights, under which licence, where the
library keeps it. Nothing is downloaded here, and a library is imported where it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from spondyl.learn.architectures.architecture import Architecture

NOT_STATED = "not stated"
_TERMS = "trained on ImageNet-1k, whose terms are for non-commercial research"


def file_of(architecture: Architecture) -> str:
    """The file of ImageNet-1k weights (for torchvision: V1), as whoever looks for it finds it."""
    if architecture.for_tests:
        return "a file of one's own (its weights are drawn in tests)"
    if architecture.library == "torchvision":
        return _torchvision_url(architecture)
    if architecture.library == "timm":
        published = _timm(architecture)
        hub_id = published.hf_hub_id
        return f"{hub_id}'s model.safetensors" if hub_id else str(published.url)
    return "a file of `spondyl measure train`, or shipped for the finder that comes with it"


def cached_file(architecture: Architecture) -> Path | None:
    """Where the library keeps that file once downloaded, whether or not it is there; None where no
    library does."""
    if architecture.for_tests:
        return None
    if architecture.library == "torchvision":
        return _checkpoint(_torchvision_url(architecture))
    if architecture.library == "timm":
        published = _timm(architecture)
        return _hub(published.hf_hub_id) if published.hf_hub_id else _checkpoint(published.url)
    return None


def licence(architecture: Architecture) -> str:
    """The licence of the public weights as the library states it, and "not stated" where it does
    not; torchvision's own licence (BSD-3-Clause) is of its code."""
    if architecture.library == "timm" and not architecture.for_tests:
        return f"{_timm(architecture).license or NOT_STATED}; {_terms(_timm(architecture).tag)}"
    if architecture.library == "torchvision":
        return f"{NOT_STATED} (code: BSD-3-Clause); {_TERMS}"
    if architecture.library == "open_clip" and not architecture.for_tests:
        return f"{NOT_STATED} here; see the model's card"
    return "no public weights are taken"


def _terms(tag: str) -> str:
    """What weights with this tag of timm were trained on."""
    return _TERMS.replace("1k", "21k and 1k", 1) if _saw_more(tag) else _TERMS


def _saw_more(tag: str) -> bool:
    return "in21k" in tag or "in22k" in tag


def _torchvision_url(architecture: Architecture) -> str:
    import torchvision

    weights = torchvision.models.get_model_weights(architecture.library_name)
    return str(weights.IMAGENET1K_V1.url)


def _timm(architecture: Architecture) -> Any:
    import timm

    published = timm.get_pretrained_cfg(architecture.library_name)
    assert published is not None, f"timm knows no weights of {architecture.library_name}"
    return published


def _checkpoint(url: str) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name


def _hub(repository: str) -> Path:
    from huggingface_hub import constants, try_to_load_from_cache

    found = try_to_load_from_cache(repository, "model.safetensors")
    if isinstance(found, str):
        return Path(found)
    return Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
