"""The trained thing that travels: a folder with trained networks and all that a reading needs.

`bundle.json` says everything and names every other file by its hash; nothing in the folder can run
code. A body that stays frozen under all folds is stored once, in `body.safetensors`, and
`weights-<fold>.safetensors` then holds a head alone; otherwise it holds a network whole. Beside
them lie the films' out-of-fold logits without a name (`calibration.safetensors`), one detector of
strangers for each network (`detector-<fold>.safetensors`) and the model card. Films are known by
the SHA-256 of their file alone: a bundle can say that a network learned from this very file, and
never that it learned from a crop of it or from another film of the patient.

The bundle's id is the hash of what it says, hashes of all files included, without the date: one
study gives one id, and whoever changes anything gives it another.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import safetensors.numpy
import safetensors.torch
import torch
from pydantic import Field

from spondyl.data.labels import LabelSet
from spondyl.errors import SpondylError
from spondyl.files import sha256_of_json
from spondyl.learn import headed, networks
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration, WeightsRecord
from spondyl.learn.preprocess import Preprocessing
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.reading.trained_on import TrainedOn
from spondyl.trust.answers.calibration import Bound
from spondyl.trust.answers.calibration_set import CalibrationSet
from spondyl.trust.answers.conformal import Kind
from spondyl.trust.asking.detecting import NetworkDetector

SCHEMA_VERSION = 2
BUNDLE, BODY, CALIBRATION, CARD = (
    *("bundle.json", "body.safetensors"),
    *("calibration.safetensors", "model-card.md"),
)
INTENDED_USE = (
    "For research, not for diagnosis. It tells the labels named here apart on films like those it "
    "was trained on; no output of it may guide the care of a patient."
)
QUORUM = 0.8
"""Share of the networks that have to call the same label, where nobody says otherwise."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
MadeOf = Literal["the networks of all folds", "one network"]


@dataclass(frozen=True, slots=True)
class DetectorFile:
    """A detector of strangers as it is stored."""

    sha256: Sha256
    """Of its file of arrays."""
    facts: dict[str, Any]
    """The rest of it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A network, and which films it may not be trusted on."""

    fold: int
    """As the study counts, from 0; 0 of one network that was made for the bundle."""
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
    detector: DetectorFile | None
    why_no_detector: str = ""
    """Empty where there is one."""

    @property
    def file(self) -> str:
        """Name of its file of weights."""
        return weights_name(self.fold)


@dataclass(frozen=True, slots=True)
class CalibrationFile:
    """The calibration set as it is stored, and what comes of it."""

    sha256: Sha256
    alpha: float
    kind: Kind
    n: int
    """Films in it, one for each group."""
    temperature: float
    """What comes of the film's logits; proven when the bundle is opened."""
    bound: Bound
    """Where it was stopped, as in `calibration`; 1 for "lowest", where all films were told
    rightly."""
    never_ruled_out: tuple[str, ...]
    """Labels that too few films have for any set to leave them out."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle that was read and found sound; its networks are loaded when they are asked for."""

    folder: Path
    bundle_id: str
    """64 hexadecimal digits: the SHA-256 of all that follows but `created`."""
    made_of: MadeOf
    configuration: Configuration
    labels: LabelSet
    """In the order of the networks' outputs."""
    preprocessing: Preprocessing
    spec: StudySpec
    """Of the study, defaults included."""
    cohort_sha256: str
    """Of the training cohort, as `Cohort.sha256`."""
    trained_on: TrainedOn
    members: tuple[Member, ...]
    """In the order of the folds; one at least."""
    body_sha256: str | None
    """Of the file of the body that all networks share; None where each has its own."""
    calibration: CalibrationFile
    quorum: float
    """Share of the networks that have to call the same label for an answer."""
    card_sha256: str
    """Of the model card."""
    versions: Mapping[str, str]
    """Of the packages that trained it."""
    intended_use: str = INTENDED_USE
    created: str = ""
    """UTC, ISO 8601."""

    @property
    def folds(self) -> tuple[int, ...]:
        """Numbers of the folds whose networks are here, rising."""
        return tuple(member.fold for member in self.members)

    @property
    def shares_body(self) -> bool:
        """Whether one frozen body stands under all heads."""
        return self.body_sha256 is not None

    def learned_from(self, film_sha256: str) -> tuple[int, ...]:
        """The folds whose network had the file with this hash in its training part."""
        return tuple(m.fold for m in self.members if film_sha256 in m.learned_from)

    def tested_on(self, film_sha256: str) -> tuple[int, ...]:
        """The folds whose network was judged on the file with this hash."""
        return tuple(m.fold for m in self.members if film_sha256 in m.tested_on)

    def network(self, fold: int, device: torch.device) -> Network:
        """The network of one fold on `device`, in eval mode; `SpondylError` for a fold that is not
        here."""
        return self.networks(device, (fold,))[fold]

    def networks(
        self, device: torch.device, folds: tuple[int, ...] | None = None
    ) -> dict[int, Network]:
        """The networks of `folds` (None: of all) by fold, on `device`, in eval mode. A body that
        they share is one and the same module.

        Raises `SpondylError` for a fold that is not here.
        """
        members = [self._member(fold) for fold in (self.folds if folds is None else folds)]
        first = bare_network(self.configuration, len(self.labels))
        if self.shares_body:
            first.body.load_state_dict(_prefixed(self.folder / BODY, "body."))
        found: dict[int, Network] = {}
        for member in members:
            network = _beside(first) if self.shares_body else copy.deepcopy(first)
            held = safetensors.torch.load_file(self.folder / member.file)
            network.load_state_dict(held, strict=not self.shares_body)
            found[member.fold] = network.to(device).eval()
        return found

    def detector(self, fold: int) -> NetworkDetector | None:
        """What tells strangers from films to the network of a fold; None where it has none."""
        stored = self._member(fold).detector
        if stored is None:
            return None
        arrays = safetensors.numpy.load_file(self.folder / detector_name(fold))
        return NetworkDetector.read(arrays, stored.facts, len(self.labels))

    @cached_property
    def calibration_set(self) -> CalibrationSet:
        """The films that temperature and sets come from."""
        arrays = safetensors.numpy.load_file(self.folder / CALIBRATION)
        stated = self.calibration
        return CalibrationSet.read(arrays, self.labels.names, stated.alpha, stated.kind)

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return (self.folder / CARD).read_text(encoding="utf-8")

    @property
    def lines(self) -> tuple[str, ...]:
        """What it is and what it cannot do, a line each, for a person."""
        used, n = self.calibration, len(self.members)
        said = [
            f"{self.configuration}, {n} network{'s' * (n > 1)}; temperature {used.temperature:.3g}"
        ]
        if used.bound == "lowest":
            said.append(
                f"all {used.n} films that calibrate it were told rightly, so how sure it may be is "
                "not known: its own probabilities are kept"
            )
        elif used.bound in ("clamped", "highest"):
            end = "least" if used.bound == "clamped" else "largest"
            said.append(
                f"that temperature is the {end} that is tried: its probabilities are not calibrated"
            )
        if used.never_ruled_out:
            said.append(
                f"never ruled out at {used.alpha:g}, for want of films: "
                f"{', '.join(used.never_ruled_out)}"
            )
        for why in dict.fromkeys(one.why_no_detector for one in self.members if not one.detector):
            said.append(f"strange films are not refused: {why}")
        return tuple(said)

    def document(self) -> dict[str, Any]:
        """The bundle as it stands in `bundle.json`."""
        return self._content() | {"bundle_id": self.bundle_id, "created": self.created}

    def content_sha256(self) -> str:
        """The id that the content calls for."""
        return sha256_of_json(self._content())

    def _member(self, fold: int) -> Member:
        for member in self.members:
            if member.fold == fold:
                return member
        raise SpondylError(
            f"fold {fold}: not in the bundle",
            f"Its folds: {', '.join(map(str, self.folds))}.",
        )

    def _content(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "intended_use": self.intended_use,
            "made_of": self.made_of,
            **asdict(self.configuration),
            "labels": list(self.labels.names),
            "preprocessing": asdict(self.preprocessing),
            "members": [asdict(member) for member in self.members],
            "body_sha256": self.body_sha256,
            "calibration": asdict(self.calibration),
            "quorum": self.quorum,
            "trained_on": self.trained_on.as_dict(),
            "cohort_sha256": self.cohort_sha256,
            "card_sha256": self.card_sha256,
            "spec": self.spec.model_dump(mode="json"),
            "versions": dict(self.versions),
        }


def weights_name(fold: int) -> str:
    """Name of the file that holds the network of a fold, or its head."""
    return f"weights-{fold}.safetensors"


def detector_name(fold: int) -> str:
    """Name of the file that holds what the network of a fold finds familiar."""
    return f"detector-{fold}.safetensors"


def bare_network(configuration: Configuration, n_labels: int) -> Network:
    """The network of a configuration with weights that mean nothing yet."""
    network = networks.build(configuration.network, n_labels, seed=0)
    headed.put_on(network, STRATEGIES[configuration.strategy], n_labels)
    return network


def _beside(first: Network) -> Network:
    """A network with a head of its own over the body of `first`."""
    return Network(
        first.name,
        first.body,
        copy.deepcopy(first.head),
        first.n_channels,
        ends_in_attention=first.ends_in_attention,
    )


def _prefixed(file: Path, prefix: str) -> dict[str, torch.Tensor]:
    """The tensors of a file without the prefix that all their names have."""
    held = safetensors.torch.load_file(file)
    return {name.removeprefix(prefix): tensor for name, tensor in held.items()}
