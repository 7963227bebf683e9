"""From prompts to the rows of a head, by the model's own text tower, and the proof that our image
tower is the published one.

open_clip builds the model, since it knows its tokenizers and text towers; everything is read from
the given folder, without a network and without running code from it. The price is two libraries
(the extra `vision-language`) wherever a study is run; whoever reads its bundle needs neither.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
import torch.nn.functional as F
from huggingface_hub import constants
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.learn.preprocess import IMAGENET_MEAN, IMAGENET_STD
from spondyl.learn.vision_language import naming
from spondyl.learn.vision_language.prompts import Prompts
from spondyl.learn.vision_language.published import Published, where
from spondyl.learn.vision_language.worded_head import WordedHead

TOLERANCE = 1e-4
"""Largest difference of a coordinate between what open_clip's tower and ours make of one picture,
both of length 1; rounding alone makes some 1e-6."""
_ALIKE = 1e-6
"""Two labels whose words are nearer than this read the same."""
_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Worded:
    """What fills a head, and what the model makes of one picture."""

    projection: Tensor
    """(width, channels)."""
    words: Tensor
    """(labels, width), rows of the length of the model's scale."""
    picture: Tensor
    """(1, 3, size, size), grey values in [0, 1] drawn from a seed."""
    placed: Tensor
    """(1, width) of length 1: where the model's own image tower puts the picture."""

    def fill(self, head: WordedHead) -> None:
        """Writes the head's two matrices."""
        with torch.no_grad():
            head.projection.weight.copy_(self.projection)
            head.words.weight.copy_(self.words)

    def prove(self, body: nn.Module, head: WordedHead, name: str) -> None:
        """Raises `SpondylError` unless `body`, at rest on the CPU, and `head` see the picture as
        the model's own tower does."""
        mean, std = (
            torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD)
        )
        with torch.inference_mode():
            ours = head.placed(head.reduced(body((self.picture - mean) / std)))
        apart = float((ours - self.placed).abs().max())
        if not apart <= TOLERANCE:
            raise SpondylError(
                f"{name}: our image tower and open_clip's see one picture {apart:.2g} apart, where "
                f"{TOLERANCE:g} is allowed",
                "The folder's configuration asks for something that our tower does not do; give "
                "the files as they are published.",
            )


def refuse_unless_installed(tokenizers: bool = True) -> None:
    """Raises `SpondylError` where the extra's libraries are not here."""
    needed = ("open_clip", "transformers") if tokenizers else ("open_clip",)
    if lacking := [name for name in needed if find_spec(name) is None]:
        raise SpondylError(
            f"zero-shot needs {' and '.join(lacking)}, not installed here",
            "Install the extra: pip install 'spondyl[vision-language]'.",
        )


def worded(published: Published, prompts: Prompts) -> Worded:
    """The words of each label by the published text tower (minutes at most, on a CPU).

    Raises `SpondylError` for missing libraries or files, a checkpoint that does not fit, prompts
    longer than the tower reads, and labels whose words it cannot tell apart.
    """
    refuse_unless_installed(bool(published.text_transformer))
    published.refuse_unless_readable()
    with _offline_and_quiet(), torch.random.fork_rng(devices=[]):
        try:
            model = _model(published)
            tokenizer = _tokenizer(published)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, AssertionError) as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise SpondylError(
                f"{published.folder}: open_clip cannot make the model ({said})",
                where(published.tower),
            ) from error
        with torch.inference_mode():
            return _worded(published, model.eval(), tokenizer, prompts)


def _worded(published: Published, model: Any, tokenizer: Any, prompts: Prompts) -> Worded:
    _refuse_long(published, tokenizer, prompts)
    rows = torch.cat([_row(model, tokenizer, prompts.of_label(one)) for one in prompts.labels])
    _refuse_alike(rows, prompts.labels)
    size, tower = published.tower.size, published.tower
    picture = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (published.mean, published.std)
    )
    placed = model.encode_image((picture - mean) / std, normalize=True)
    projection = naming.of_image_tower(model.state_dict(), tower)[naming.PROJECTION]
    scale = float(model.logit_scale.exp())
    # Out of inference mode, so that autograd may look at a head that holds them.
    return Worded(projection.clone(), scale * rows, picture.clone(), placed.clone())


def _row(model: Any, tokenizer: Any, texts: Sequence[str]) -> Tensor:
    """(1, width) of length 1: the mean of the prompts' embeddings, each of length 1."""
    batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
    said = torch.cat(
        [model.encode_text(tokenizer(list(batch)), normalize=True) for batch in batches]
    )
    return F.normalize(said.mean(dim=0, keepdim=True), dim=-1)


def _refuse_long(published: Published, tokenizer: Any, prompts: Prompts) -> None:
    longest = int(tokenizer.context_length)
    for text in (text for label in prompts.labels for text in prompts.of_label(label)):
        if hasattr(tokenizer, "tokenizer"):
            n_tokens = len(tokenizer.tokenizer(text).input_ids)
        else:
            n_tokens = len(tokenizer.encode(text)) + 2  # begin and end
        if n_tokens > longest:
            raise SpondylError(
                f"prompt {text!r}: {n_tokens} tokens, {published.tower.name} reads {longest}",
                "Shorten it; what a text tower cuts off is not read.",
            )


def _refuse_alike(rows: Tensor, labels: Sequence[str]) -> None:
    nearest = rows @ rows.T - 2 * torch.eye(len(rows))
    at = int(nearest.argmax())
    first, second = divmod(at, len(rows))
    if float(nearest.max()) > 1 - _ALIKE:
        raise SpondylError(
            f"labels {labels[first]!r} and {labels[second]!r}: their prompts read the same",
            "Say in prompt_names what sets them apart, in words that the text tower knows.",
        )


def _model(published: Published) -> Any:
    """The model by open_clip's own constructor, filled from the checkpoint alone."""
    import open_clip

    stated = dict(published.model)
    text, vision = dict(stated.pop("text_cfg")), dict(stated.pop("vision_cfg"))
    custom = bool(stated.pop("custom_text", False))
    if config := published.text_config:
        custom, text["hf_model_name"] = True, str(config.parent)
        text["hf_model_pretrained"] = False
    vision |= {} if published.tower.is_native else {"timm_model_pretrained": False}
    made = open_clip.CustomTextCLIP if custom else open_clip.CLIP
    model = made(**stated, vision_cfg=vision, text_cfg=text)
    path = str(published.checkpoint)
    open_clip.load_checkpoint(model, path, strict=True, weights_only=True)
    return model


def _tokenizer(published: Published) -> Any:
    """What open_clip reads texts of this folder with."""
    import open_clip

    given = {"local_files_only": True} if published.text.get("hf_tokenizer_name") else {}
    return open_clip.get_tokenizer(f"local-dir:{published.folder}", **given)


@contextmanager
def _offline_and_quiet() -> Iterator[None]:
    """Nothing is asked of any hub, and open_clip's log lines do not set up the root logger."""
    before, silent = constants.HF_HUB_OFFLINE, logging.NullHandler()
    constants.HF_HUB_OFFLINE = True
    logging.getLogger().addHandler(silent)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        logging.getLogger().removeHandler(silent)
