"""What every network of a study says of another centre's films; nothing is fitted to these.

All networks answer for every film, since none has met it. Where one frozen body stands under all
heads it looks once, and looks at the study's own films, too: only then are its features compared
across cohorts, and only then is it cheap to ask whom the networks' detectors would refuse. A body
that was trained on the one cohort tells it from the other for that reason alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.errors import SpondylError
from spondyl.learn.materials import columns
from spondyl.learn.networks import Network
from spondyl.learn.predictions import PredictionTable
from spondyl.progress import Track, silently
from spondyl.trust.asking.detecting import NetworkDetector, Seen
from spondyl.trust.asking.questioning import Image, Shown
from spondyl.trust.asking.seeing import Sight
from spondyl.trust.asking.subject import Member, Subject
from spondyl.trust.intervals import NotRun
from spondyl.trust.metrics import Floats

_TRAINED = (
    "its bodies were trained on the study's films, and every network would have to look at all of "
    "these"
)


@dataclass(frozen=True, slots=True, eq=False)
class Refusing:
    """Which films each network's detector takes for none of its kind."""

    outside: NDArray[np.bool_]
    """(folds, films)"""
    home_refused: int
    """Of the study's films, each met by the detector of the network that was tested on it."""
    n_home: int
    false_alarms: float
    """The stated rate of each detector on films like those it was made of."""

    @property
    def by_half(self) -> NDArray[np.bool_]:
        """(films,) whether half of the networks refuse the film, as a reading does."""
        return np.asarray(2 * self.outside.sum(axis=0) >= len(self.outside))


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What the networks of one configuration say of the other cohort's films."""

    title: str
    folds: tuple[int, ...]
    image_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    truth: NDArray[np.int64]
    """(films,) columns of the study's labels."""
    logits: Floats
    """(folds, films, labels) as they came."""
    features: NDArray[np.float32] | None
    """(films, channels) of the frozen body that all share; None where there is none."""
    home_features: NDArray[np.float32] | None
    """(study's films, channels), in the order of the study's cohort."""
    refusing: Refusing | NotRun


def asked(
    outside: Subject,
    home: Subject,
    shown: Shown,
    own: Shown | None,
    device: torch.device | None = None,
    track: Track = silently,
) -> Said:
    """What the networks of `outside`, before the other cohort, say of its films; `home` is the same
    configuration before the study's own. `shown` are the films of the one, and `own` those of the
    other, which a frozen body looks at, too; None where they are not asked for.

    Raises `SpondylError` for a network that has learned from one of the films.
    """
    names = tuple(film.image_id for film in outside.cohort.radiographs)
    if any(member.answers_for != names for member in outside.members):
        raise SpondylError(
            f"{outside.title}: one of its networks has learned from films of the cohort",
            "Leave films that the study knows (its unlabelled ones among them) out of the cohort.",
        )
    work = _Work(outside, home, shown, own if outside.shares_body else None, device)
    every = zip(outside.networks(device, track), home.members, strict=True)
    for (_, network), member in every:
        work.meet(network, member)
    group = outside.cohort.group_ids
    return Said(
        outside.title,
        tuple(member.fold for member in outside.members),
        names,
        tuple(group[name] for name in names),
        columns(outside.cohort, names),
        np.stack(work.logits),
        work.features,
        work.home_features,
        work.refusing,
    )


class _Work:
    """The networks one after another."""

    def __init__(
        self,
        outside: Subject,
        home: Subject,
        shown: Shown,
        own: Shown | None,
        device: torch.device | None,
    ) -> None:
        self.home = home
        self.shown = shown
        self.sight = Sight(outside, outside.preprocessing, device)
        self.own = own
        self.logits: list[Floats] = []
        self.features: NDArray[np.float32] | None = None
        self.home_features: NDArray[np.float32] | None = None
        self.refused: list[NDArray[np.bool_]] = []
        self.own_refused: list[NDArray[np.bool_]] = []
        self.why_not = "" if outside.shares_body else _TRAINED
        self.false_alarms = float("nan")

    def meet(self, network: Network, own: Member) -> None:
        """Asks one network about all films, and its detector, where it is cheap to make one."""
        seen = self.sight.of(network, "outside", _images(self.shown))
        self.logits.append(seen.logits)
        if self.own is None:
            return
        known = self.sight.of(network, "home", _images(self.own))
        self.features, self.home_features = seen.features, known.features
        if not (own.learned_from and own.aside):
            self.why_not = "no films were kept aside from its networks that could set a rate"
            return
        detector = self._detector(own, known)
        if not detector.detector.can_refuse:
            self.why_not = f"{detector.n_aside} films were kept aside, too few to refuse any film"
        self.false_alarms = detector.detector.false_alarms
        tested = self._rows(own.answers_for)
        self.refused.append(detector.score(seen).refused)
        self.own_refused.append(detector.score(known.of(tested)).refused)

    @property
    def refusing(self) -> Refusing | NotRun:
        """What the detectors of all networks refuse; or why that is not known."""
        if self.why_not:
            return NotRun(self.why_not)
        own = np.concatenate(self.own_refused)
        return Refusing(np.stack(self.refused), int(own.sum()), len(own), self.false_alarms)

    def _detector(self, own: Member, known: Seen) -> NetworkDetector:
        labels = columns(self.home.cohort, own.learned_from)
        learned, aside = (known.of(self._rows(part)) for part in (own.learned_from, own.aside))
        return NetworkDetector.of(learned, labels, aside, own.solved)

    def _rows(self, image_ids: Iterable[str]) -> list[int]:
        if self.own is None:
            raise ValueError("the study's own films were not looked at")
        return [int(row) for row in self.own.prepared.rows(list(image_ids))]


def _images(shown: Shown) -> Iterator[Image]:
    return (picture.image for picture in shown.pictures(shown.prepared.image_ids))


def voted(said: Said, temperature: float, table: PredictionTable) -> PredictionTable:
    """The mean over networks of the probabilities of `said`, all logits divided by `temperature`,
    as a table with the labels of `table`; its logits are their logarithms, its folds all 0."""
    parts = [_table(said, table, logits / temperature).probabilities for logits in said.logits]
    means = np.maximum(np.mean(parts, axis=0), np.finfo(np.float64).tiny)
    return _table(said, table, np.log(means))


def single(said: Said, fold: int, table: PredictionTable) -> PredictionTable:
    """What the network at place `fold` says alone, with the labels of `table`."""
    return _table(said, table, said.logits[fold])


def _table(said: Said, like: PredictionTable, logits: Floats) -> PredictionTable:
    none = np.zeros(len(said.image_ids), np.int64)
    return PredictionTable(like.labels, said.image_ids, said.group_ids, none, said.truth, logits)
