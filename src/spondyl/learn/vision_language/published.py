"""A vision-language model's files as open_clip publishes them: one folder, known before it is
loaded.

Nothing is ever downloaded. What is missing is said all at once, with the place where it is
published. A folder is known by the hash of its files and not by its name, so it may be moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from torch import Tensor

from spondyl.errors import Problem, SpondylError
from spondyl.files import read_json, sha256_of_file, sha256_of_json
from spondyl.learn.vision_language import naming
from spondyl.learn.vision_language.towers import BIOMEDCLIP, Moments, Renormalising, Tower

CONFIG = "open_clip_config.json"
CHECKPOINTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""Names of a checkpoint, the first that is there is meant."""
TEXT_CONFIG = "config.json"
_TOKENIZER = ("tokenizer.json", "vocab.txt", "vocab.json")
_BESIDE = (*_TOKENIZER, "merges.txt", "tokenizer_config.json", "special_tokens_map.json")
_CLIP_MEAN: Moments = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD: Moments = (0.26862954, 0.26130258, 0.27577711)
_WITHOUT_EFFECT = {"patch_dropout", "output_tokens", "timm_drop", "timm_drop_path"} | {
    *("timm_model_pretrained", "attn_pooler_queries", "attn_pooler_heads")
}
"""Keys of `vision_cfg` that change nothing in a tower at rest."""
_DEFAULTS: Mapping[str, Any] = {
    **{"layers": 12, "width": 768, "head_width": 64, "mlp_ratio": 4.0, "patch_size": 16},
    **{"timm_pool": "avg", "timm_proj": "linear"},
}
"""open_clip's own, of the keys of `vision_cfg` that shape a tower."""
_PLAIN: Mapping[str, Any] = {"pos_embed_type": "learnable", "pool_type": "tok"}
"""What all towers of our table have; any other key has to be off."""


@dataclass(frozen=True, slots=True)
class Published:
    """The files of a model, read as far as they are small; its image tower is the one asked for."""

    tower: Tower
    folder: Path
    checkpoint: Path
    model: Mapping[str, Any]
    """`model_cfg` as it stands in the file."""
    mean: Moments
    std: Moments

    @classmethod
    def at(cls, path: Path, tower: Tower) -> Published:
        """The model in a folder, or round a checkpoint in its folder.

        Raises `SpondylError` for a folder without configuration or checkpoint, and for the files of
        another tower.
        """
        folder = path if path.is_dir() else path.parent
        found = [folder / name for name in CHECKPOINTS if (folder / name).is_file()]
        checkpoint = path if path.is_file() else next(iter(found), None)
        lacking = [] if (folder / CONFIG).is_file() else [CONFIG]
        if checkpoint is None:
            lacking.append(f"{CHECKPOINTS[0]} (or {CHECKPOINTS[-1]})")
        if checkpoint is None or lacking:
            raise SpondylError(f"{folder}: lacks {' and '.join(lacking)}", where(tower))
        stated = read_json(folder / CONFIG)
        model = stated.get("model_cfg") if isinstance(stated, dict) else None
        if not isinstance(model, dict) or not all(
            isinstance(model.get(key), dict) for key in ("vision_cfg", "text_cfg")
        ):
            raise SpondylError(f"{folder / CONFIG}: states no model_cfg", where(tower))
        if problems := list(_of_another(model, tower)):
            raise SpondylError.of(problems, f"{folder / CONFIG}")
        mean, std = _moments(stated.get("preprocess_cfg", {}), folder / CONFIG, tower)
        return cls(tower, folder, checkpoint, model, mean, std)

    @property
    def sha256(self) -> str:
        """Hash of all files that decide what the model says, whatever the folder is called."""
        text = self.text_config
        known = {CONFIG: self.folder / CONFIG, "checkpoint": self.checkpoint}
        known |= {name: self.folder / name for name in _BESIDE if (self.folder / name).is_file()}
        known |= {} if text is None else {f"text {TEXT_CONFIG}": text}
        return sha256_of_json({name: sha256_of_file(path) for name, path in known.items()})

    @property
    def text(self) -> Mapping[str, Any]:
        """`text_cfg` as it stands in the file."""
        stated: Mapping[str, Any] = self.model["text_cfg"]
        return stated

    @property
    def text_transformer(self) -> str:
        """Hub id of the transformer that its text tower is of; "" for open_clip's own."""
        return str(self.text.get("hf_model_name") or "")

    @property
    def text_config(self) -> Path | None:
        """Where that transformer's configuration is: in the folder, or in one named like it."""
        beside = self.folder / self.text_transformer.rpartition("/")[2] / TEXT_CONFIG
        there = (path for path in (self.folder / TEXT_CONFIG, beside) if path.is_file())
        return next(there, None) if self.text_transformer else None

    def refuse_unless_readable(self) -> None:
        """Raises `SpondylError` that says all that the text tower lacks."""
        if problems := list(self._lacks()):
            raise SpondylError.of(problems, str(self.folder))

    def _lacks(self) -> Iterator[Problem]:
        where_ = f"{self.folder}"
        if name := self.text_transformer:
            config = self.text_config
            if config is None:
                yield Problem(
                    where_,
                    f"lacks the text tower's {TEXT_CONFIG}, which is published apart from it",
                    f"Put {TEXT_CONFIG} of {name} into the folder (huggingface.co/{name}).",
                )
            elif not isinstance(read_json(config), dict) or "model_type" not in read_json(config):
                yield Problem(
                    str(config), "states no model_type", f"Put {TEXT_CONFIG} of {name} there."
                )
            for path in (config, self.folder / "tokenizer_config.json"):
                if path is not None and path.is_file() and "auto_map" in read_json(path):
                    yield Problem(
                        str(path), "asks for code of its own (auto_map)", "Nothing is run from it."
                    )
        if self.text.get("hf_tokenizer_name") and not any(
            (self.folder / name).is_file() for name in _TOKENIZER
        ):
            yield Problem(
                where_, f"lacks its tokenizer ({' or '.join(_TOKENIZER[:2])})", where(self.tower)
            )

    def image_tensors(self, checkpoint: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The image tower's tensors as timm calls them, its projection not among them, and what
        brings our films to its moments."""
        held = naming.of_image_tower(checkpoint, self.tower)
        held.pop(naming.PROJECTION, None)
        moments = Renormalising.tensors_of(self.mean, self.std)
        return held | {f"renormalising.{name}": tensor for name, tensor in moments.items()}


def where(tower: Tower) -> str:
    """What to do for the files of a tower."""
    if tower.hub_id == BIOMEDCLIP:
        more = (
            f"; {TEXT_CONFIG} of its text tower is published beside "
            "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"
        )
    else:
        more = ""
    hub = f"huggingface.co/{tower.hub_id}" if tower.hub_id else "where the model was made"
    return (
        f"Get {CONFIG}, the checkpoint and the tokenizer's files from {hub}{more}, put them into "
        f"one folder and give it with --weights {tower.name}=FOLDER."
    )


def _of_another(model: Mapping[str, Any], tower: Tower) -> Iterator[Problem]:
    """What the configuration states of another image tower than this."""
    vision = model["vision_cfg"]
    stated = {"quick_gelu": False, "image_size": 224, **_DEFAULTS, **model, **vision}
    if stated["timm_pool"] == "token":
        stated["timm_pool"] = ""  # what a vision transformer of timm pools by, if nobody says
    wanted = {**_PLAIN, **tower.vision, "embed_dim": tower.width, "image_size": tower.size}
    wanted["quick_gelu"] = tower.quick_gelu
    asked = ["embed_dim", "image_size", "timm_model_name", *tower.vision]
    asked += ["quick_gelu"] if tower.is_native else []  # timm's towers know nothing of it
    asked += [key for key in vision if key.startswith("timm_") != tower.is_native]
    for key in dict.fromkeys(asked):
        has, needs = stated.get(key) or None, wanted.get(key) or None
        if has != needs and key not in _WITHOUT_EFFECT:
            yield Problem(key, f"is {has!r}, {tower.name} has {needs!r}", where(tower))


def _moments(stated: Any, path: Path, tower: Tower) -> tuple[Moments, Moments]:
    """Mean and deviation that films are normalised by; open_clip's own where none is stated."""
    stated = stated if isinstance(stated, dict) else {}
    mean, std = stated.get("mean", _CLIP_MEAN), stated.get("std", _CLIP_STD)
    for name, values in (("mean", mean), ("std", std)):
        numbers = isinstance(values, list | tuple) and len(values) == 3
        if not numbers or not all(
            isinstance(v, int | float) and isfinite(v) and (v > 0 or name == "mean") for v in values
        ):
            raise SpondylError(
                f"{path}: preprocess_cfg.{name} is {values!r}, not three numbers", where(tower)
            )
    size = stated.get("size", tower.size)
    if size not in (tower.size, [tower.size, tower.size]):
        raise SpondylError(
            f"{path}: preprocess_cfg.size is {size!r}, {tower.name} takes {tower.size}",
            where(tower),
        )
    return _three(mean), _three(std)


def _three(values: Any) -> Moments:
    first, second, third = (float(value) for value in values)
    return first, second, third
