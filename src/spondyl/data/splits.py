"""Which film is learned from, which one steers and which one is judged, fold by fold.

Folds are stratified by label and never part a group: copies of one film, and films of one patient,
stay together. The training part is split once more, by group, into `train` and `tune`; whatever is
chosen (strength, stopping, learning rate) is chosen on `tune`, so `test` has chosen nothing.
Splits are stored with the hash of their cohort and proven again whenever they are read.

There are two schemes: k folds, in which every film is tested once, and a hold-out, in which a share
of each label is. Both may be drawn several times; the first draw is the one that is drawn alone. A
task of fewer labels is drawn on all films and restricted, so that it stands on the folds of the
whole task; the order of labels changes nothing. The price: a restricted part may be less even.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from spondyl.data.cohort import Cohort, too_few_groups
from spondyl.errors import Problem, SpondylError
from spondyl.files import sha256_of_json

SCHEMA_VERSION = 1
TUNE_PARTS = 5
"""The training part is cut into this many parts, of which one is `tune`."""
_ROUNDING = 1e-9
"""0.3 of ten films is three, whatever 0.3 is in binary."""


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
    """Those of the first draw, then those of the second, and so on."""
    repeats: int = 1
    """How often was drawn."""
    test_share: float | None = None
    """Of a hold-out, the largest share of each label's films that is tested; None for k folds."""

    @property
    def sha256(self) -> str:
        """Hash of everything above."""
        return sha256_of_json(self._content())

    @property
    def folds_per_repeat(self) -> int:
        """Folds of one draw: 1 for a hold-out."""
        return len(self.folds) // self.repeats

    def as_dict(self) -> dict[str, Any]:
        """The splits as a JSON document."""
        return {"schema_version": SCHEMA_VERSION, "sha256": self.sha256, **self._content()}

    def _content(self) -> dict[str, Any]:
        """All that is hashed; what a single draw of folds has not is left out, as it was before
        there was anything else."""
        content = asdict(self)
        unused = {"repeats": self.repeats == 1, "test_share": self.test_share is None}
        return {key: value for key, value in content.items() if not unused.get(key)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Splits:
        """The splits that `as_dict` wrote; `SpondylError` where they were changed since."""
        try:
            folds = tuple(
                Fold(**{part: tuple(ids) for part, ids in fold.items()})
                for fold in document["folds"]
            )
            splits = cls(
                *(document["scheme"], document["seed"], document["cohort_sha256"], folds),
                document.get("repeats", 1),
                document.get("test_share"),
            )
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


@dataclass(frozen=True, slots=True, eq=False)
class _Films:
    """Columns of a cohort's films, (n,) each."""

    cohort: Cohort
    ids: np.ndarray[Any, Any]
    strata: np.ndarray[Any, Any]
    """Place of the film's label among all labels by name, whatever the order of columns."""
    groups: np.ndarray[Any, Any]
    taught: tuple[str, ...]
    """Labels that are to be learned, in the order of `strata`'s numbers; "" for others."""

    @classmethod
    def of(cls, cohort: Cohort, others: Collection[str]) -> _Films:
        films, names = cohort.radiographs, sorted(cohort.labels.names)
        return cls(
            cohort,
            np.array([film.image_id for film in films]),
            np.array([names.index(film.label) for film in films if film.label]),
            np.array([film.group_id for film in films]),
            tuple("" if name in others else name for name in names),
        )

    def fold(
        self,
        rest: np.ndarray[Any, Any],
        test: np.ndarray[Any, Any],
        seed: int,
        number: int,
    ) -> Fold:
        """The fold that tests rows `test`; the first inner part of `rest` steers."""
        _refuse_unless_divisible(self.cohort, self.strata[rest], number)
        train, tune = next(iter(parts(self.strata[rest], self.groups[rest], TUNE_PARTS, seed)))
        self._refuse_unless_all_taught(self.strata[rest[train]], number)
        roles = (rest[train], rest[tune], test)
        return Fold(*(tuple(sorted(self.ids[part].tolist())) for part in roles))

    def _refuse_unless_all_taught(self, strata: np.ndarray[Any, Any], fold: int) -> None:
        """Raises `SpondylError` unless films of every label are learned from."""
        counts = np.bincount(strata, minlength=len(self.taught))
        absent = [name for name, n in zip(self.taught, counts, strict=True) if name and n == 0]
        if absent:
            raise SpondylError(
                f"{self.cohort.root}: fold {fold} leaves no film of {', '.join(absent)} to learn "
                "from",
                "Add films of it, or ask for more folds.",
            )


def draw(
    cohort: Cohort, n_folds: int, seed: int, repeats: int = 1, others: Collection[str] = ()
) -> Splits:
    """Stratified, grouped folds of `cohort`, drawn `repeats` times; the same seed draws the same.

    Films of the labels `others` are folded too, and may be of any number of groups. Raises
    `SpondylError` where another label has fewer groups than folds, or too few to be learned from.
    """
    if problems := too_few_groups(cohort.radiographs, cohort.labels, n_folds, others):
        raise SpondylError.of(problems, "the cohort's classes")
    films = _Films.of(cohort, others)
    folds: list[Fold] = []
    for repeat in range(repeats):
        drawn = seed_of(seed, repeat)
        for number, (rest, test) in enumerate(parts(films.strata, films.groups, n_folds, drawn)):
            # A fold's own number keeps inner parts independent.
            folds.append(films.fold(rest, test, drawn + 1 + number, len(folds)))
    scheme = f"stratified grouped {n_folds}-fold{_times(repeats)}"
    splits = Splits(scheme, seed, cohort.sha256, tuple(folds), repeats)
    prove(splits, cohort)
    return splits


def draw_hold_out(
    cohort: Cohort, share: float, seed: int, repeats: int = 1, others: Collection[str] = ()
) -> Splits:
    """A fold that tests `share` of each label's films, drawn `repeats` times.

    Groups are taken whole, in random order, as long as no label exceeds its share, 0 … 1. Raises
    `SpondylError` where that leaves a label, but for `others`, untested or unlearned.
    """
    films = _Films.of(cohort, others)
    folds: list[Fold] = []
    for repeat in range(repeats):
        drawn = seed_of(seed, repeat)
        held = _held_out(films, share, drawn)
        folds.append(films.fold(np.flatnonzero(~held), np.flatnonzero(held), drawn + 1, repeat))
    scheme = f"stratified grouped hold-out of {100 * share:g} %{_times(repeats)}"
    splits = Splits(scheme, seed, cohort.sha256, tuple(folds), repeats, share)
    prove(splits, cohort, others)
    return splits


def restricted(drawn: Splits, cohort: Cohort) -> Splits:
    """The folds that were `drawn` on more films than `cohort` has, without those it has not."""
    kept = cohort.group_ids.keys()

    def those(image_ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(image_id for image_id in image_ids if image_id in kept)

    folds = tuple(Fold(*map(those, (fold.train, fold.tune, fold.test))) for fold in drawn.folds)
    splits = replace(drawn, cohort_sha256=cohort.sha256, folds=folds)
    prove(splits, cohort)
    return splits


def seed_of(seed: int, repeat: int) -> int:
    """The seed of a draw: the first one's is `seed` itself."""
    if repeat == 0:
        return seed
    # 31 bits, so that what is added for inner parts stays a seed too.
    return int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0]) >> 1


def prove(splits: Splits, cohort: Cohort, others: Collection[str] = ()) -> None:
    """Raises `SpondylError` unless the splits are what their scheme says.

    Of k folds every film is tested once in every draw; of a hold-out each label, but for `others`,
    is tested, and none in more than its share of films. No group is in two parts of a fold.
    """
    if splits.cohort_sha256 != cohort.sha256:
        raise SpondylError(
            "splits: made for another cohort",
            "The films, labels or groups changed; start the study in a new folder.",
        )
    group = cohort.group_ids
    if splits.test_share is None:
        _prove_each_tested_once(splits, sorted(group))
    else:
        _prove_shares(splits, splits.test_share, cohort, others)
    for number, fold in enumerate(splits.folds):
        roles = [
            {group[image_id] for image_id in part} for part in (fold.train, fold.tune, fold.test)
        ]
        if sum(map(len, roles)) > len(set().union(*roles)):
            raise _unproven(f"a group is in two parts of fold {number}")


def _prove_each_tested_once(splits: Splits, every: list[str]) -> None:
    n_folds = splits.folds_per_repeat
    for repeat in range(splits.repeats):
        folds = splits.folds[repeat * n_folds : (repeat + 1) * n_folds]
        if sorted(image_id for fold in folds for image_id in fold.test) != every:
            raise _unproven("not every film is tested exactly once")


def _prove_shares(splits: Splits, share: float, cohort: Cohort, others: Collection[str]) -> None:
    label = {film.image_id: film.label for film in cohort.radiographs}
    every = sorted(label)
    if len(splits.folds) != splits.repeats:
        raise _unproven(f"{len(splits.folds)} hold-outs of {splits.repeats} draws")
    for number, fold in enumerate(splits.folds):
        if sorted((*fold.train, *fold.tune, *fold.test)) != every:
            raise _unproven(f"not every film has one part in fold {number}")
        tested = [label[image_id] for image_id in fold.test]
        for name, n in cohort.counts.items():
            n_tested = tested.count(name)
            if n_tested > share * n + _ROUNDING or (n_tested == 0 and name not in others):
                raise _unproven(
                    f"fold {number} tests {n_tested} of {n} films of {name}, which is "
                    f"none or more than {100 * share:g} %"
                )


def _unproven(what: str) -> SpondylError:
    return SpondylError(f"splits: {what}", "Start the study in a new folder.")


def _held_out(films: _Films, share: float, seed: int) -> np.ndarray[Any, Any]:
    """(n,) which films are tested: groups in random order, unless a label would exceed its share.

    Raises `SpondylError` that names every label to be learned of which no film is tested.
    """
    names, of_group = np.unique(films.groups, return_inverse=True)
    counts = np.zeros((len(names), len(films.taught)), dtype=np.int64)
    np.add.at(counts, (of_group, films.strata), 1)
    totals = counts.sum(axis=0)
    room = np.floor(share * totals + _ROUNDING).astype(np.int64)
    held = np.zeros(len(names), dtype=bool)
    for group in np.random.default_rng(seed).permutation(len(names)):
        if (counts[group] <= room).all():
            room -= counts[group]
            held[group] = True
    tested = counts[held].sum(axis=0)
    problems = [
        Problem(
            name,
            f"none of its {n} films can be held out: {100 * share:g} % of them is no whole group",
            "Add films of it, or raise test_share.",
        )
        for name, n, n_tested in zip(films.taught, totals, tested, strict=True)
        if name and n_tested == 0
    ]
    if problems:
        raise SpondylError.of(problems, "the cohort's classes")
    return np.asarray(held[of_group])


def _times(repeats: int) -> str:
    return f", {repeats} times" if repeats > 1 else ""


def _refuse_unless_divisible(cohort: Cohort, labels: np.ndarray[Any, Any], fold: int) -> None:
    """Raises `SpondylError` unless some class has a film for each part of what is learned from."""
    most = int(np.bincount(labels).max())
    if most < TUNE_PARTS:
        raise SpondylError(
            f"{cohort.root}: fold {fold} leaves at most {most} films of a class to learn from; "
            f"at least {TUNE_PARTS} of one class are needed, since some of them steer",
            "Add films, or ask for more folds.",
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
