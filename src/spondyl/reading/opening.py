"""A bundle read from its folder, every file of it checked before anything is believed.

Checked are the schema, the id, the hash of every file, each tensor's name, shape, type and finite
values against the network that it belongs to, and that temperature and detectors are what their
arrays make of them. A file that is not the bundle's is refused, whatever it holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from spondyl.data.labels import LabelSet
from spondyl.errors import Problem, SpondylError
from spondyl.files import read_json, sha256_of_file, sha256_of_json
from spondyl.learn.outcome import Configuration, Protocol, StrategyName
from spondyl.learn.preprocess import Preprocessing
from spondyl.learn.spec import parse_spec
from spondyl.reading import bundle as bundles
from spondyl.reading.bundle import (
    BODY,
    BUNDLE,
    CALIBRATION,
    CARD,
    SCHEMA_VERSION,
    Bundle,
    CalibrationFile,
    MadeOf,
    Member,
    Sha256,
)
from spondyl.reading.trained_on import TrainedOn

_AGAIN = "Make the bundle again with `spondyl study bundle`, or copy it again from its source."
_UNHASHED = ("bundle_id", "created")


class _Document(BaseModel):
    """`bundle.json` as a stranger may have written it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[2]
    bundle_id: Sha256
    created: str
    intended_use: str
    made_of: MadeOf
    network: str
    strategy: StrategyName
    protocol: Protocol
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    members: tuple[Member, ...] = Field(min_length=1)
    body_sha256: Sha256 | None
    calibration: CalibrationFile
    quorum: float = Field(gt=0, le=1)
    trained_on: TrainedOn
    cohort_sha256: Sha256
    card_sha256: Sha256
    spec: dict[str, Any]
    versions: dict[str, str]


def load(path: Path) -> Bundle:
    """The bundle in the folder `path`, proven whole.

    Raises `SpondylError` for a folder that is no bundle, or not the one that was made.
    """
    bundle = _described(path)
    wanted = bundles.bare_network(bundle.configuration, len(bundle.labels)).state_dict()
    own = wanted
    if bundle.body_sha256 is not None:
        _refuse_changed(path / BODY, bundle.body_sha256)
        body, own = _parted(wanted)
        _refuse_misfits(path / BODY, body)
    for member in bundle.members:
        _refuse_changed(path / member.file, member.sha256)
        _refuse_misfits(path / member.file, own)
        _prove_detector(bundle, member)
    _refuse_changed(path / CARD, bundle.card_sha256)
    _prove_calibration(bundle)
    return bundle


def _described(path: Path) -> Bundle:
    """What `bundle.json` says, proven to be what was written and not to contradict itself."""
    source = path / BUNDLE
    if not source.is_file():
        raise SpondylError(
            f"{path}: not a bundle ({BUNDLE} is missing)",
            "Give the folder that `spondyl study bundle … --out` made.",
        )
    document = read_json(source)
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise SpondylError(
            f"{source}: schema {version}, this is {SCHEMA_VERSION}",
            "Use the version of spondyl that made the bundle, or make it again from its study.",
        )
    try:
        found = _Document.model_validate(document)
    except ValidationError as error:
        raise SpondylError.of(_problems(error), str(source)) from error
    bundle = Bundle(
        folder=path,
        bundle_id=found.bundle_id,
        made_of=found.made_of,
        configuration=Configuration(found.network, found.strategy, found.protocol),
        labels=LabelSet.of(found.labels),
        preprocessing=found.preprocessing,
        spec=parse_spec(found.spec, str(source)),
        cohort_sha256=found.cohort_sha256,
        trained_on=found.trained_on,
        members=found.members,
        body_sha256=found.body_sha256,
        calibration=found.calibration,
        quorum=found.quorum,
        card_sha256=found.card_sha256,
        versions=found.versions,
        intended_use=found.intended_use,
        created=found.created,
    )
    hashed = {key: value for key, value in document.items() if key not in _UNHASHED}
    if sha256_of_json(hashed) != bundle.bundle_id:
        raise SpondylError(f"{source}: changed since the bundle was made", _AGAIN)
    _refuse_contradictions(source, bundle)
    return bundle


def _problems(error: ValidationError) -> list[Problem]:
    return [
        Problem(".".join(map(str, fault["loc"])), fault["msg"], _AGAIN) for fault in error.errors()
    ]


def _refuse_contradictions(source: Path, bundle: Bundle) -> None:
    """Raises `SpondylError` where the parts of a bundle are not those of one study."""
    spec, folds = bundle.spec, bundle.folds
    called = (0,) if bundle.made_of == "one network" else spec.folds_run
    contradictions = {
        "its configuration is not one of its study": bundle.configuration in spec.configurations,
        "its labels are not those of its study": bundle.labels.names == spec.labels,
        "its films are not prepared as in its study": bundle.preprocessing == spec.preprocessing,
        "its folds are not those of its study": folds == called,
        "its films are counted by other labels": tuple(bundle.trained_on.labels) == spec.labels,
    }
    for said, holds in contradictions.items():
        if not holds:
            raise SpondylError(f"{source}: {said}", _AGAIN)


def _prove_detector(bundle: Bundle, member: Member) -> None:
    """Raises `SpondylError` unless the member's detector, where it has one, is sound."""
    if member.detector is None:
        return
    file = bundle.folder / bundles.detector_name(member.fold)
    _refuse_changed(file, member.detector.sha256)
    try:
        bundle.detector(member.fold)
    except safetensors.SafetensorError as error:
        raise SpondylError(f"{file}: not a safetensors file", _AGAIN) from error
    except SpondylError as error:
        raise SpondylError(f"{file}: {error.message}", _AGAIN) from error


def _prove_calibration(bundle: Bundle) -> None:
    """Raises `SpondylError` unless the calibration set makes of films what the bundle says."""
    file, stated = bundle.folder / CALIBRATION, bundle.calibration
    _refuse_changed(file, stated.sha256)
    try:
        found = bundle.calibration_set
    except safetensors.SafetensorError as error:
        raise SpondylError(f"{file}: not a safetensors file", _AGAIN) from error
    except SpondylError as error:
        raise SpondylError(f"{file}: {error.message}", _AGAIN) from error
    agrees = (
        len(found) == stated.n
        and math.isclose(found.temperature[0], stated.temperature, rel_tol=1e-6)
        and found.temperature[1] == stated.bound
        and found.never_ruled_out == stated.never_ruled_out
        and set(found.folds.tolist()) <= set(bundle.folds)
    )
    if not agrees:
        raise SpondylError(f"{file}: its films make other answers than the bundle states", _AGAIN)


def _refuse_changed(file: Path, sha256: str) -> None:
    """Raises `SpondylError` unless the file is there and has this hash."""
    if not file.is_file():
        raise SpondylError(f"{file}: missing", _AGAIN)
    if sha256_of_file(file) != sha256:
        raise SpondylError(f"{file}: changed since the bundle was made", _AGAIN)


def _parted(wanted: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(what belongs to the body, what belongs to the head) of a network's tensors."""
    body = {name: tensor for name, tensor in wanted.items() if name.startswith("body.")}
    return body, {name: tensor for name, tensor in wanted.items() if name not in body}


def _refuse_misfits(file: Path, wanted: Mapping[str, Tensor]) -> None:
    """Raises `SpondylError` unless the file holds exactly the wanted tensors, all finite."""
    try:
        held = safetensors.torch.load_file(file)
    except safetensors.SafetensorError as error:
        raise SpondylError(f"{file}: not a safetensors file", _AGAIN) from error
    if strangers := sorted(held.keys() ^ wanted.keys()):
        which = "lacks" if strangers[0] in wanted else "holds"
        raise SpondylError(
            f"{file}: {which} the tensor {strangers[0]}, unlike its network",
            "The file belongs to another network.",
        )
    for name, ours in wanted.items():
        theirs = held[name]
        if (theirs.shape, theirs.dtype) != (ours.shape, ours.dtype):
            raise SpondylError(
                f"{file}: {name} is {tuple(theirs.shape)} of {theirs.dtype}, its network needs "
                f"{tuple(ours.shape)} of {ours.dtype}",
                "The file belongs to another network.",
            )
        if not bool(torch.isfinite(theirs).all()):
            raise SpondylError(f"{file}: {name} holds values that are not finite", _AGAIN)
