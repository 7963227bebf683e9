"""Which film is learned from, which one steers and which one is judged, fold by fold.

Folds are stratified by label and never part a group: copies of one film, and films of one patient,
stay together. The training part is split once more, by group, into `train` and `tune`; whatever is
chosen (strength, stopping, learning rate) is chosen on `tune`, so `test` has chosen nothing.
Splits are stored with the hash of their cohort and proven again whenever they are read.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from spondyl.data.cohort import Cohort, too_few_groups
from spondyl.errors import SpondylError
from spondyl.files import sha256_of_json

SCHEMA_VERSION = 1
TUNE_PARTS = 5
"""The training part is cut into this many parts, of which one is `tune`."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Image ids of one fold, each part sorted."""

    train: tuple[str, ...]
    tune: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Splits:
    """All folds of a study, bound to one cohort and its groups."""

    scheme: str
    seed: int
    cohort_sha256: str
    folds: tuple[Fold, ...]

    @property
    def sha256(self) -> str:
        """Hash of everything above."""
        return sha256_of_json(asdict(self))

    def as_dict(self) -> dict[str, Any]:
        """The splits as a JSON document."""
        return {"schema_version": SCHEMA_VERSION, "sha256": self.sha256, **asdict(self)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Splits:
        """The splits that `as_dict` wrote; `SpondylError` where they were changed since."""
        try:
            folds = tuple(
                Fold(**{part: tuple(ids) for part, ids in fold.items()})
                for fold in document["folds"]
            )
            splits = cls(document["scheme"], document["seed"], document["cohort_sha256"], folds)
        except (KeyError, TypeError, AttributeError) as error:
            raise SpondylError(
                f"splits: not in the form of schema {SCHEMA_VERSION} ({error})",
                "The file is damaged; start the study in a new folder.",
            ) from error
        if splits.sha256 != document.get("sha256"):
            raise SpondylError(
                "splits: changed since they were made",
                "Start the study in a new folder; results of different splits are not mixed.",
            )
        return splits


def draw(cohort: Cohort, n_folds: int, seed: int) -> Splits:
    """Stratified, grouped folds of `cohort`; the same seed draws the same folds.

    Raises `SpondylError` where a class has fewer groups than folds, or too few to be learned from.
    """
    if problems := too_few_groups(cohort.radiographs, cohort.labels, n_folds):
        raise SpondylError.of(problems, "the cohort's classes")
    films = cohort.radiographs
    ids = np.array([film.image_id for film in films])
    labels = np.array([cohort.labels.column(film.label) for film in films if film.label])
    groups = np.array([film.group_id for film in films])
    folds: list[Fold] = []
    for rest, test in parts(labels, groups, n_folds, seed):
        _refuse_unless_divisible(cohort, labels[rest], len(folds))
        # The first of the inner parts steers; a fold's own number keeps inner parts independent.
        inner = parts(labels[rest], groups[rest], TUNE_PARTS, seed + 1 + len(folds))
        train, tune = next(iter(inner))
        _refuse_unless_all_taught(cohort, labels[rest[train]], len(folds))
        roles = (rest[train], rest[tune], test)
        folds.append(Fold(*(tuple(sorted(ids[part].tolist())) for part in roles)))
    splits = Splits(f"stratified grouped {n_folds}-fold", seed, cohort.sha256, tuple(folds))
    prove(splits, cohort)
    return splits


def prove(splits: Splits, cohort: Cohort) -> None:
    """Raises `SpondylError` unless every film is tested once and no group is in two parts."""
    if splits.cohort_sha256 != cohort.sha256:
        raise SpondylError(
            "splits: made for another cohort",
            "The films, labels or groups changed; start the study in a new folder.",
        )
    group = {film.image_id: film.group_id for film in cohort.radiographs}
    tested = sorted(image_id for fold in splits.folds for image_id in fold.test)
    if tested != sorted(group):
        raise SpondylError(
            "splits: not every film is tested exactly once", "Start the study in a new folder."
        )
    for number, fold in enumerate(splits.folds):
        parts = [
            {group[image_id] for image_id in part} for part in (fold.train, fold.tune, fold.test)
        ]
        if sum(map(len, parts)) > len(set().union(*parts)):
            raise SpondylError(
                f"splits: a group is in two parts of fold {number}",
                "Start the study in a new folder.",
            )


def _refuse_unless_divisible(cohort: Cohort, labels: np.ndarray[Any, Any], fold: int) -> None:
    """Raises `SpondylError` unless some class has a film for each part of what is learned from."""
    most = int(np.bincount(labels).max())
    if most < TUNE_PARTS:
        raise SpondylError(
            f"{cohort.root}: fold {fold} leaves at most {most} films of a class to learn from; "
            f"at least {TUNE_PARTS} of one class are needed, since some of them steer",
            "Add films, or ask for more folds.",
        )


def _refuse_unless_all_taught(cohort: Cohort, labels: np.ndarray[Any, Any], fold: int) -> None:
    """Raises `SpondylError` unless films of every class are learned from."""
    counts = np.bincount(labels, minlength=len(cohort.labels))
    absent = [cohort.labels.names[column] for column in np.flatnonzero(counts == 0)]
    if absent:
        raise SpondylError(
            f"{cohort.root}: fold {fold} leaves no film of {', '.join(absent)} to learn from",
            "Add films of it, or ask for more folds.",
        )


def parts(
    labels: np.ndarray[Any, Any], groups: np.ndarray[Any, Any], n_parts: int, seed: int
) -> Sequence[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """(rest, part) rows of each of `n_parts`, stratified by `labels` (n,), `groups` (n,) whole."""
    folder = StratifiedGroupKFold(n_splits=n_parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class too small for its parts is refused by `draw`, in words of ours.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(folder.split(labels, labels, groups))
