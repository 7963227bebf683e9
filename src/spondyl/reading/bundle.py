"""The trained thing that travels: a folder with the networks of a study's folds and what they need.

`bundle.json` says everything, `weights-<fold>.safetensors` holds a network whole, body and head, so
that nothing but this folder is needed to read a film, and nothing in it can run code. The price is
size: folds under a frozen body store that body once each. Films are known by the SHA-256 of their
file alone: a bundle can say that a network learned from this very file, and never that it learned
from a crop of it or from another film of the patient.

The bundle's id is the hash of what it says, hashes of the weights included, without the date: one
study gives one id, and whoever changes anything gives it another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from spondyl.data.labels import LabelSet
from spondyl.errors import Problem, SpondylError
from spondyl.files import read_json, sha256_of_file, sha256_of_json
from spondyl.learn import networks
from spondyl.learn.heads import PooledLinear
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration, Protocol, StrategyName, WeightsRecord
from spondyl.learn.preprocess import Preprocessing
from spondyl.learn.spec import StudySpec, parse_spec
from spondyl.learn.strategies import STRATEGIES

SCHEMA_VERSION = 1
BUNDLE = "bundle.json"
INTENDED_USE = (
    "For research, not for diagnosis. It tells the labels named here apart on films like those it "
    "was trained on; no output of it may guide the care of a patient."
)

_AGAIN = "Make the bundle again with `spondyl study bundle`, or copy it again from its source."
_UNHASHED = ("bundle_id", "created")

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class Member:
    """The network of one fold, and which films it may not be trusted on."""

    fold: int
    """As the study counts, from 0."""
    trial_id: str
    sha256: Sha256
    """Of its file of weights."""
    weights: WeightsRecord
    """Where its tensors came from before any of them was trained."""
    learned_from: tuple[Sha256, ...]
    """SHA-256 of the files of its training part, those that steered under `nested` included;
    sorted."""
    tested_on: tuple[Sha256, ...]
    """SHA-256 of the files that judged it, sorted; under the protocol `paper` they steered too."""

    @property
    def file(self) -> str:
        """Name of its file of weights."""
        return weights_name(self.fold)


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A bundle that was read and found sound; its networks are loaded when they are asked for."""

    folder: Path
    bundle_id: str
    """64 hexadecimal digits: the SHA-256 of all that follows but `created`."""
    configuration: Configuration
    labels: LabelSet
    """In the order of the networks' outputs."""
    preprocessing: Preprocessing
    spec: StudySpec
    """Of the study, defaults included."""
    cohort_sha256: str
    """Of the training cohort, as `Cohort.sha256`."""
    members: tuple[Member, ...]
    """In the order of the folds; one at least."""
    versions: Mapping[str, str]
    """Of the packages that trained it."""
    intended_use: str = INTENDED_USE
    created: str = ""
    """UTC, ISO 8601."""

    @property
    def folds(self) -> tuple[int, ...]:
        """Numbers of the folds whose networks are here, rising."""
        return tuple(member.fold for member in self.members)

    def learned_from(self, film_sha256: str) -> tuple[int, ...]:
        """The folds whose network had the file with this hash in its training part."""
        return tuple(m.fold for m in self.members if film_sha256 in m.learned_from)

    def tested_on(self, film_sha256: str) -> tuple[int, ...]:
        """The folds whose network was judged on the file with this hash."""
        return tuple(m.fold for m in self.members if film_sha256 in m.tested_on)

    def network(self, fold: int, device: torch.device) -> Network:
        """The network of one fold on `device`, in eval mode; `SpondylError` for a fold that is not
        here."""
        for member in self.members:
            if member.fold == fold:
                network = bare_network(self.configuration, len(self.labels))
                network.load_state_dict(safetensors.torch.load_file(self.folder / member.file))
                return network.to(device).eval()
        raise SpondylError(
            f"fold {fold}: not in the bundle",
            f"Its folds: {', '.join(map(str, self.folds))}.",
        )

    def networks(self, device: torch.device) -> tuple[Network, ...]:
        """The networks of all folds on `device`, in the order of the folds, in eval mode."""
        return tuple(self.network(fold, device) for fold in self.folds)

    def document(self) -> dict[str, Any]:
        """The bundle as it stands in `bundle.json`."""
        return self._content() | {"bundle_id": self.bundle_id, "created": self.created}

    def content_sha256(self) -> str:
        """The id that the content calls for."""
        return sha256_of_json(self._content())

    def _content(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "intended_use": self.intended_use,
            **asdict(self.configuration),
            "labels": list(self.labels.names),
            "preprocessing": asdict(self.preprocessing),
            "members": [asdict(member) for member in self.members],
            "cohort_sha256": self.cohort_sha256,
            "spec": self.spec.model_dump(mode="json"),
            "versions": dict(self.versions),
        }


class _Document(BaseModel):
    """`bundle.json` as a stranger may have written it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1]
    bundle_id: Sha256
    created: str
    intended_use: str
    network: str
    strategy: StrategyName
    protocol: Protocol
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    members: tuple[Member, ...] = Field(min_length=1)
    cohort_sha256: Sha256
    spec: dict[str, Any]
    versions: dict[str, str]


def weights_name(fold: int) -> str:
    """Name of the file that holds the network of a fold."""
    return f"weights-{fold}.safetensors"


def load(path: Path) -> Bundle:
    """The bundle in the folder `path`, every file of it checked.

    Checked are the schema, the id, the hash of each file of weights, and each tensor's name, shape,
    type and finite values against the network that it belongs to. Raises `SpondylError` for a
    folder that is no bundle, or not the one that was made.
    """
    bundle = _described(path)
    wanted = bare_network(bundle.configuration, len(bundle.labels)).state_dict()
    for member in bundle.members:
        file = path / member.file
        if not file.is_file():
            raise SpondylError(f"{file}: missing", _AGAIN)
        if sha256_of_file(file) != member.sha256:
            raise SpondylError(f"{file}: changed since the bundle was made", _AGAIN)
        _refuse_misfits(file, wanted)
    return bundle


def bare_network(configuration: Configuration, n_labels: int) -> Network:
    """The network of a configuration with weights that mean nothing yet."""
    network = networks.build(configuration.network, n_labels, seed=0)
    if STRATEGIES[configuration.strategy].how == "solved":
        network.head = PooledLinear(network.n_channels, n_labels)
    return network


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
            "Use the version of spondyl that made the bundle.",
        )
    try:
        found = _Document.model_validate(document)
    except ValidationError as error:
        raise SpondylError.of(_problems(error), str(source)) from error
    bundle = Bundle(
        folder=path,
        bundle_id=found.bundle_id,
        configuration=Configuration(found.network, found.strategy, found.protocol),
        labels=LabelSet.of(found.labels),
        preprocessing=found.preprocessing,
        spec=parse_spec(found.spec, str(source)),
        cohort_sha256=found.cohort_sha256,
        members=found.members,
        versions=found.versions,
        intended_use=found.intended_use,
        created=found.created,
    )
    if sha256_of_json(_hashed(document)) != bundle.bundle_id:
        raise SpondylError(f"{source}: changed since the bundle was made", _AGAIN)
    _refuse_contradictions(source, bundle)
    return bundle


def _hashed(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in _UNHASHED}


def _problems(error: ValidationError) -> list[Problem]:
    return [
        Problem(".".join(map(str, fault["loc"])), fault["msg"], _AGAIN) for fault in error.errors()
    ]


def _refuse_contradictions(source: Path, bundle: Bundle) -> None:
    """Raises `SpondylError` where the parts of a bundle are not those of one study."""
    spec, folds = bundle.spec, bundle.folds
    contradictions = {
        "its configuration is not one of its study": bundle.configuration in spec.configurations,
        "its labels are not those of its study": bundle.labels.names == spec.labels,
        "its films are not prepared as in its study": bundle.preprocessing == spec.preprocessing,
        "its folds are not those of its study": folds == spec.folds_run,
    }
    for said, holds in contradictions.items():
        if not holds:
            raise SpondylError(f"{source}: {said}", _AGAIN)


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
