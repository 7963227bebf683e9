"""What goes into a bundle's folder: networks, detectors, calibration set, card, and who says so.

Both kinds of bundles, of all folds and of one network, are written here, so they are read by one
reader. A network's detector is made of the films that taught it and of those that were kept aside;
where there are none of these the bundle says why it has no detector, and a reading says so again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

from spondyl.data.cohort import Cohort
from spondyl.errors import SpondylError
from spondyl.files import replaced, sha256_of_file, write_json, write_text
from spondyl.learn.materials import columns
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration, WeightsRecord
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.study import Study
from spondyl.progress import Track, silently
from spondyl.reading import bundle as bundles
from spondyl.reading.bundle import (
    BODY,
    BUNDLE,
    CALIBRATION,
    CARD,
    QUORUM,
    Bundle,
    CalibrationFile,
    DetectorFile,
    MadeOf,
    Member,
)
from spondyl.reading.trained_on import TrainedOn
from spondyl.trust.answers.calibration_set import ALPHA, CalibrationSet
from spondyl.trust.answers.conformal import Kind
from spondyl.trust.asking.detecting import NetworkDetector
from spondyl.trust.asking.questioning import Shown
from spondyl.trust.asking.seeing import Sight
from spondyl.trust.asking.subject import Member as Asked
from spondyl.trust.asking.subject import Subject

_PAPER = (
    "under the paper's protocol the judged films steered, so none were kept aside to measure false "
    "alarms by"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a bundle answers by."""

    alpha: float = ALPHA
    """Share of films whose set of labels may miss theirs, 0 … 0.5."""
    kind: Kind = "by label"
    quorum: float = QUORUM
    """Share of the networks that have to call the same label."""

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 0.5:
            raise SpondylError(
                f"alpha {self.alpha:g}: not a share of films that sets may miss",
                "Give a number above 0, at most 0.5, such as 0.1.",
            )
        if not 0 < self.quorum <= 1:
            raise SpondylError(
                f"quorum {self.quorum:g}: not a share of networks", "Give a number up to 1."
            )


@dataclass(frozen=True, slots=True)
class Origin:
    """A network of a bundle before it is stored."""

    fold: int
    trial_id: str
    weights: WeightsRecord
    tested_on: tuple[str, ...]
    """Image ids."""
    taught_or_steered: tuple[str, ...]
    """Image ids of all films of the cohort that had a part in it."""
    taught_besides: tuple[str, ...] = ()
    """SHA-256 of the films of no cohort of the study that had one: the unlabelled ones, and those
    that its initial weights were learned from."""


DEFAULT_TERMS = Terms()


def kind_named(name: str) -> Kind:
    """The kind of sets that is called so; `SpondylError` for another name."""
    kinds: tuple[Kind, ...] = ("by label", "marginal")
    for kind in kinds:
        if name.replace("-", " ").strip().casefold() == kind:
            return kind
    raise SpondylError(f"sets {name!r}: not known", f"One of {', '.join(kinds)}.")


CardOf = Callable[[Bundle], str]
"""Writes the model card of a bundle that has no id yet; Markdown."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What a bundle is made of."""

    study: Study
    configuration: Configuration
    made_of: MadeOf
    subject: Subject
    """Its networks, before the films of the study."""
    origins: tuple[Origin, ...]
    """Of each of them, in their order."""
    table: PredictionTable
    """What they said of films that had no part in them."""


def store(
    folder: Path, content: Content, terms: Terms, card_of: CardOf, track: Track = silently
) -> None:
    """Fills `folder` with a bundle of `content`.

    Raises `SpondylError` for films that cannot be read any more.
    """
    study, subject, origins = content.study, content.subject, content.origins
    shown = Shown.of(subject, None, track)
    sight = Sight(subject, shown.preprocessing)
    members = []
    for (member, network), origin in zip(subject.networks(track=track), origins, strict=True):
        made = _detector(member, network, sight, shown, subject.cohort)
        members.append(_stored(folder, study, origin, network, made, subject.shares_body))
    bundle = Bundle(
        folder=folder,
        bundle_id="",
        made_of=content.made_of,
        configuration=content.configuration,
        labels=study.cohort.labels,
        preprocessing=study.spec.preprocessing,
        spec=study.spec,
        cohort_sha256=study.cohort.sha256,
        trained_on=TrainedOn.of(study.cohort),
        members=tuple(members),
        body_sha256=sha256_of_file(folder / BODY) if subject.shares_body else None,
        calibration=_calibration(folder, CalibrationSet.of(content.table, terms.alpha, terms.kind)),
        quorum=terms.quorum,
        card_sha256="",
        versions=study.facts["versions"],
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_text(folder / CARD, card_of(bundle))
    bundle = replace(bundle, card_sha256=sha256_of_file(folder / CARD))
    write_json(folder / BUNDLE, bundle.document() | {"bundle_id": bundle.content_sha256()})


def _detector(
    member: Asked, network: Network, sight: Sight, shown: Shown, cohort: Cohort
) -> NetworkDetector | str:
    """What tells strangers from films to a network; or why there is nothing that does."""
    if not (member.aside and member.learned_from):
        return _PAPER
    films = sight.of(
        network, "films", (one.image for one in shown.pictures(shown.prepared.image_ids))
    )
    rows = shown.prepared.rows
    try:
        made = NetworkDetector.of(
            films.of(rows(member.learned_from).tolist()),
            columns(cohort, member.learned_from),
            films.of(rows(member.aside).tolist()),
            member.solved,
        )
    except SpondylError as error:
        return error.message
    if not made.detector.can_refuse:
        return (
            f"{made.n_aside} films were kept aside, too few for any film to be refused at a false "
            f"alarm rate of {made.detector.false_alarms:g}"
        )
    return made


def _stored(
    folder: Path,
    study: Study,
    origin: Origin,
    network: Network,
    detector: NetworkDetector | str,
    shares_body: bool,
) -> Member:
    """A network and its detector, written to `folder`; a shared body the first time only."""
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    if shares_body:
        body = {name: tensor for name, tensor in tensors.items() if name.startswith("body.")}
        tensors = {name: tensor for name, tensor in tensors.items() if name not in body}
        if not (folder / BODY).exists():
            _write_tensors(folder / BODY, body)
    path = folder / bundles.weights_name(origin.fold)
    _write_tensors(path, tensors)
    stored, why = None, ""
    if isinstance(detector, str):
        why = detector
    else:
        stored = _detector_file(folder, origin.fold, detector)
    return Member(
        fold=origin.fold,
        trial_id=origin.trial_id,
        sha256=sha256_of_file(path),
        weights=origin.weights,
        learned_from=tuple(
            sorted({*_hashes(study, origin.taught_or_steered), *origin.taught_besides})
        ),
        tested_on=_hashes(study, origin.tested_on),
        detector=stored,
        why_no_detector=why,
    )


def _detector_file(folder: Path, fold: int, detector: NetworkDetector) -> DetectorFile:
    path = folder / bundles.detector_name(fold)
    _write_arrays(path, detector.arrays)
    return DetectorFile(sha256_of_file(path), detector.facts)


def _calibration(folder: Path, films: CalibrationSet) -> CalibrationFile:
    _write_arrays(folder / CALIBRATION, films.arrays)
    return CalibrationFile(
        sha256_of_file(folder / CALIBRATION),
        films.alpha,
        films.kind,
        len(films),
        *films.temperature,
        films.never_ruled_out,
    )


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    with replaced(path) as draft:
        safetensors.torch.save_file(tensors, draft)


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with replaced(path) as draft:
        safetensors.numpy.save_file(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()}, draft
        )


def _hashes(study: Study, image_ids: Sequence[str]) -> tuple[str, ...]:
    """The files of the given films, each hash once, sorted."""
    return tuple(sorted(set(_hashed(study, set(image_ids)))))


def _hashed(study: Study, wanted: set[str]) -> Iterator[str]:
    for film in study.cohort.radiographs:
        if film.image_id in wanted:
            yield film.file.sha256
