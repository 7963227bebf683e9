"""Initial weights from a file or the library's cache, and an exact account of what came from where.

Nothing is downloaded and nothing is unpickled. A file must fill the body whole, or, where the
strategy trains the body, all of it up to some stage, so that what stayed random can be named; a
frozen body with a random part is refused. Random weights are drawn only where a strategy says so.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.files import sha256_of_file
from spondyl.learn import in_domain
from spondyl.learn.architectures import publication
from spondyl.learn.networks import Network, NetworkName, parse
from spondyl.learn.outcome import WeightsRecord
from spondyl.learn.vision_language import published
from spondyl.learn.vision_language.published import Published
from spondyl.learn.vision_language.towers import TOWERS, Tower

_UNCOUNTED = "num_batches_tracked"


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of initial weights, found and hashed, not yet loaded."""

    path: Path
    sha256: str
    from_cache: bool


class MissingWeightsError(SpondylError):
    """Weights of a network are neither given nor in the library's cache."""


def given(pairs: Mapping[str, Path]) -> dict[str, Path]:
    """`--weights NAME=FILE` pairs, checked: names known, files there. Of a bundle the file in it
    that is meant (`in_domain`)."""
    found = {
        name: in_domain.tensor_file(parse(name).architecture.name, path)
        for name, path in pairs.items()
    }
    for name, path in found.items():
        of_folder = _tower(parse(name)) is not None
        if not path.is_file() and not (of_folder and path.is_dir()):
            raise SpondylError(
                f"weights of {name}: {path} is not a file", "Check the path after the equals sign."
            )
    return found


def find(name: str, files: Mapping[str, Path]) -> WeightsFile:
    """The file for network `name`: given for it with its cut, given for its architecture, or
    cached.

    Raises `MissingWeightsError` that names the file wanted and where to put it.
    """
    parsed = parse(name)
    for key in (name, parsed.architecture.name):
        if key in files:
            return WeightsFile(files[key], _sha256(parsed, files[key]), from_cache=False)
    if tower := _tower(parsed):
        raise MissingWeightsError(f"weights of {name}: not given", published.where(tower))
    cached = cached_file(parsed)
    if cached is None:
        missing = "neither given nor in the library's cache, where none are looked for"
        raise MissingWeightsError(
            f"weights of {name}: {missing if parsed.architecture.for_tests else 'not given'}",
            f"Give {wanted(parsed)}, with --weights {parsed.architecture.name}=FILE.",
        )
    if cached.is_file():
        return WeightsFile(cached, sha256_of_file(cached), from_cache=True)
    raise MissingWeightsError(
        f"weights of {name}: neither given nor in the library's cache ({cached})",
        f"Give them with --weights {parsed.architecture.name}=FILE (safetensors, or a torchvision "
        f"or timm checkpoint), or put {wanted(parsed)} there.",
    )


def is_unchanged(network: str, file: WeightsFile) -> bool:
    """Whether the file, or the folder with a vision-language model, is there and as it was."""
    try:
        return file.path.exists() and _sha256(parse(network), file.path) == file.sha256
    except SpondylError:
        return False  # a folder that lacks some file now


def _sha256(name: NetworkName, path: Path) -> str:
    tower = None if in_domain.bundle_of(path) else _tower(name)
    return sha256_of_file(path) if tower is None else Published.at(path, tower).sha256


def _tower(name: NetworkName) -> Tower | None:
    return TOWERS.get(name.architecture.name)


def stands_alone(network: str, file: WeightsFile) -> bool:
    """Whether the file holds tensors and nothing decides beside it what they are: it is part of
    neither a bundle nor a published vision-language model."""
    return _tower(parse(network)) is None and in_domain.bundle_of(file.path) is None


def refuse_misshown(name: str, file: WeightsFile) -> None:
    """Raises `SpondylError` for a network that is kept for studies made before, and that shows its
    public weights other films than they learned from. A bundle's weights learned from what it
    shows."""
    architecture = parse(name).architecture
    if architecture.superseded_by and in_domain.bundle_of(file.path) is None:
        raise SpondylError(
            f"network {name}: its public weights expect films of mean {architecture.expects.mean} "
            f"and deviation {architecture.expects.std}, and it is shown ImageNet's",
            f"Use {architecture.superseded_by}, which is the same network rightly shown; this "
            "name is kept for studies and bundles that were made with it.",
        )


def wanted(name: NetworkName) -> str:
    """What the library calls the file of ImageNet-1k weights that the network wants; of a
    vision-language model where its files are published."""
    if tower := _tower(name):
        return tower.hub_id or "none: its weights are drawn in tests"
    return publication.file_of(name.architecture)


def cached_file(name: NetworkName) -> Path | None:
    """Where the library keeps its ImageNet-1k (for torchvision: V1) weights once downloaded; None
    where it keeps none that would be taken."""
    return None if _tower(name) else publication.cached_file(name.architecture)


def load(network: Network, file: WeightsFile, *, body_is_frozen: bool) -> WeightsRecord:
    """Fills `network` from `file` in place and says what was filled.

    The body must be filled whole where it stays frozen, and up to the end of some top module where
    it is trained. What of a head does not depend on the labels (VGG's dense layers but the last,
    ConvNeXt's norm) is filled where the file holds it. Half precision becomes single. Raises
    `SpondylError` for a damaged, foreign or partial file.
    """
    name, path = parse(network.name), file.path
    origin = in_domain.bundle_of(path)
    if origin is not None:
        tensors = origin.tensors()
    elif tower := _tower(name):
        opened = Published.at(path, tower)
        path = opened.checkpoint
        tensors = opened.image_tensors(read_tensors(path))
    else:
        tensors = read_tensors(path)
    held = tensors if origin is not None else _library_names(tensors, name)
    body = _wanted_tensors(network.body)
    missing = [name for name in body if name not in held]
    random_parts = _random_parts(network, missing, path, body_is_frozen)
    _refuse_misfits(body, held, path, network.name)
    chosen = {name: held[name] for name in body if name in held}
    network.body.load_state_dict(chosen, strict=False)
    head_missing = _load_head(network, held, path)
    return WeightsRecord(
        network=network.name,
        source="bundle" if origin else "library cache" if file.from_cache else "file",
        file=origin.called if origin else path.name,
        sha256=file.sha256,
        n_loaded=len(chosen),
        n_random=len(missing),
        random_parts=(*random_parts, *head_missing),
    )


def random_weights(network: Network) -> WeightsRecord:
    """The account of a network all of whose weights were drawn at random, because it was asked."""
    parts = tuple(name for name, part in network.body.named_children() if _wanted_tensors(part))
    return WeightsRecord(
        network.name, "random", "", "", 0, len(_wanted_tensors(network.body)), parts
    )


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Name → tensor of a safetensors file or a checkpoint, never unpickling code.

    Wrappers that training scripts put round a checkpoint ("state_dict", "model", "module.") are
    taken off. Raises `SpondylError` for anything else.
    """
    hint = "Give a safetensors file or a torchvision or timm checkpoint (.pth) with weights only."
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, safetensors.SafetensorError) as error:
        raise SpondylError(f"{path}: not a safetensors file ({_line(error)})", hint) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise SpondylError(
            f"{path}: not a checkpoint that loads without running code", hint
        ) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise SpondylError(f"{path}: a checkpoint, but not of named tensors", hint)
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}


def _library_names(tensors: dict[str, Tensor], name: NetworkName) -> dict[str, Tensor]:
    """Tensors under our names and in our shapes, as the family says; single precision."""
    renamed = dict(name.architecture.ours(*item) for item in tensors.items())
    return {key: t.float() if t.is_floating_point() else t for key, t in renamed.items()}


def _wanted_tensors(module: nn.Module) -> dict[str, Tensor]:
    return {k: v for k, v in module.state_dict().items() if not k.endswith(_UNCOUNTED)}


def _random_parts(
    network: Network, missing: list[str], path: Path, body_is_frozen: bool
) -> tuple[str, ...]:
    """Top modules of the body that the file leaves at random, which must be whole and at its
    end."""
    if not missing:
        return ()
    wanted_names = _wanted_tensors(network.body)
    order = list(dict.fromkeys(name.partition(".")[0] for name in wanted_names))
    absent = set(missing)
    random = tuple(
        part
        for part in order
        if any(name in absent for name in wanted_names if name.partition(".")[0] == part)
    )
    whole = all(name in absent for name in wanted_names if name.partition(".")[0] in random)
    if len(missing) == len(wanted_names) or not whole or random != tuple(order[-len(random) :]):
        raise SpondylError(
            f"{path}: lacks {len(missing)} of the {len(wanted_names)} tensors of {network.name} "
            f"(first: {missing[0]})",
            "The file is damaged or of another network; give the weights of "
            f"{network.name.partition(':')[0]}.",
        )
    if body_is_frozen:
        last = order[len(order) - len(random) - 1]
        raise SpondylError(
            f"{path}: ends before {', '.join(random)}, so a frozen {network.name} would be "
            "partly random",
            f"Use the cut {network.name.partition(':')[0]}:{last}, or give complete weights.",
        )
    return random


def _refuse_misfits(
    wanted_tensors: dict[str, Tensor], held: dict[str, Tensor], path: Path, network: str
) -> None:
    for name, ours in wanted_tensors.items():
        theirs = held.get(name)
        if theirs is None:
            continue
        if theirs.shape != ours.shape:
            raise SpondylError(
                f"{path}: {name} is {tuple(theirs.shape)}, {network} needs {tuple(ours.shape)}",
                "The file belongs to another network.",
            )
        if theirs.dtype != ours.dtype:
            raise SpondylError(
                f"{path}: {name} holds {theirs.dtype}, {network} needs {ours.dtype}",
                "Give weights that are not quantised.",
            )
        if not torch.isfinite(theirs).all():
            raise SpondylError(
                f"{path}: {name} holds values that are not finite", "The file is damaged."
            )


def _load_head(network: Network, held: dict[str, Tensor], path: Path) -> tuple[str, ...]:
    """Fills what of the head does not depend on the labels; names of parts that stayed as drawn."""
    missing = []
    for name, layer in network.head.given.items():
        tensors = {key: held.get(f"{name}.{key}") for key in ("weight", "bias")}
        found = {key: tensor for key, tensor in tensors.items() if tensor is not None}
        if len(found) < len(tensors):
            missing.append(name)
            continue
        _refuse_misfits(layer.state_dict(), found, path, f"{network.name} {name}")
        layer.load_state_dict(found)
    return tuple(missing)


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
