"""What networks would refuse: the films that they answer for, and strangers of each kind.

For each fold a detector learns from the training part, is given its false alarm rate by the tune
part, and meets the test films and the strangers. Under the paper's protocol the tune part is the
judged one, so nothing is kept aside, and nothing is measured.

Whose energies they are is `detecting`'s: of a solved network those of a head that is solved without
the films kept aside.

What the preprocessing blacks out of every film is black in strangers, too, so that none is found
out by what no film could have shown. (Where each film's own spine is hidden it is not: nobody knows
where the spine of a checkerboard is, and an inverted film shows its hidden columns bright.)

Scores of several networks are on several scales: a film is compared with strangers only as its own
fold's network sees both, and shares and areas are means over films, or over strangers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from spondyl.learn.materials import columns
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing
from spondyl.progress import Track, silently
from spondyl.trust.asking import questioning
from spondyl.trust.asking.detecting import NetworkDetector, Seen
from spondyl.trust.asking.outliers import FALSE_ALARMS, Strangeness
from spondyl.trust.asking.questioning import Image, Shown
from spondyl.trust.asking.seeing import Sight
from spondyl.trust.asking.strangers import CHANGED, DRAWN
from spondyl.trust.asking.subject import Member, Subject
from spondyl.trust.intervals import Estimate, MeanBootstrap, NotRun
from spondyl.trust.metrics import Floats

N_EACH = 20
"""Pictures of each kind that every network meets."""
WORDS = {one.kind: one.what for one in DRAWN} | {one.kind: one.what for one in CHANGED}
"""Kind → what it is, in plain words; drawn strangers first, then changed films."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Shares of films, or of strangers, that are refused; 0 … 1, the smaller for films."""

    either: Estimate
    """What a detector does: by energy or by distance, each at half the stated rate."""
    by_energy: Estimate
    """If energy alone decided, at the stated rate."""
    by_distance: Estimate


@dataclass(frozen=True, slots=True)
class KindRefused:
    """What becomes of one kind of stranger."""

    kind: str
    what: str
    n: int
    """Different pictures: drawn ones, which every network meets, or changed films, which those meet
    that answer for them."""
    refused: Refused
    """Intervals resample the pictures; of changed films their groups."""
    auroc_energy: Estimate
    """Chance that a stranger is stranger than a test film to that film's network, ties counting
    half; intervals resample the groups of the films, and take the strangers as given."""
    auroc_distance: Estimate


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a configuration's detectors refuse."""

    false_alarms: float
    """The stated rate."""
    n_aside: tuple[int, ...]
    """Films kept aside, for each fold."""
    energy_of: str
    """Whose logits the energies are of: "the judging head", or "a head solved without the films
    kept aside"."""
    can_refuse: bool
    """Whether every fold kept enough films aside to refuse anything at all."""
    n_films: int
    """Test films: all that somebody answers for."""
    films: Refused
    """Of the test films: false alarms."""
    kinds: tuple[KindRefused, ...]
    """In the order of `WORDS`."""

    def kind(self, name: str) -> KindRefused:
        """That of kind `name`; KeyError where there is none."""
        return {one.kind: one for one in self.kinds}[name]


def measured(
    subject: Subject,
    shown: Shown,
    n_each: int = N_EACH,
    false_alarms: float = FALSE_ALARMS,
    seed: int = 0,
    device: torch.device | None = None,
    track: Track = silently,
) -> Refusals | NotRun:
    """What a detector of each network refuses of the films that it answers for, and of `n_each`
    strangers of a kind: drawn ones, and so many of its films changed (all, where there are fewer).
    Or why that cannot be said.

    Raises `SpondylError` for features that do not vary, ValueError for no stranger of a kind.
    """
    if n_each < 1:
        raise ValueError(f"{n_each} strangers of a kind")
    if not all(one.detector or (one.aside and one.learned_from) for one in subject.members):
        return NotRun(
            "no films are at hand that a network was trained on and others that were kept aside, "
            "and no detector was brought along that was made of such films (under the paper's "
            "protocol there are none)"
        )
    work = _Work(subject, shown, n_each, false_alarms, seed, device)
    for member, network in subject.networks(device, track):
        work.meet(member, network)
    return work.refusals()


@dataclass(frozen=True, slots=True, eq=False)
class _Met:
    """Films or strangers that one fold's detector met."""

    groups: tuple[str, ...]
    """Of the films; of drawn strangers, which belong to none, their numbers."""
    strangeness: Strangeness


class _Work:
    """The folds one after another."""

    def __init__(
        self,
        subject: Subject,
        shown: Shown,
        n_each: int,
        false_alarms: float,
        seed: int,
        device: torch.device | None,
    ) -> None:
        self.subject, self.shown, self.device = subject, shown, device
        self.n_each, self.false_alarms, self.seed = n_each, false_alarms, seed
        self.strangers = _drawn(shown.preprocessing, n_each, seed)
        self.sight = Sight(subject, shown.preprocessing, device)
        self.n_aside: list[int] = []
        self.can_refuse = self.by_other_heads = True
        self.changed: set[str] = set()
        self.films: list[_Met] = []
        self.met: dict[str, list[_Met]] = {}

    def meet(self, member: Member, network: Network) -> None:
        """Lets the detector of one network meet its films and all strangers."""
        shown, answered = self.shown, member.answers_for
        every = (picture.image for picture in shown.pictures(shown.prepared.image_ids))
        films = self.sight.of(network, "films", every)
        detector = member.detector or self._detector(member, films)
        self.n_aside.append(detector.n_aside)
        self.by_other_heads &= detector.head is not None
        self.can_refuse &= detector.detector.can_refuse
        tested = detector.score(films.of(shown.prepared.rows(answered).tolist()))
        self.films.append(_Met(self._groups(answered), tested))
        for kind, images in self.strangers.items():
            numbers = tuple(map(str, range(len(images))))
            found = self.sight.of(network, kind, images)
            self.met.setdefault(kind, []).append(_Met(numbers, detector.score(found)))
        draws, visible = np.random.default_rng(self.seed), shown.preprocessing.shown_cells
        some = [answered[at] for at in draws.permutation(len(answered))[: self.n_each]]
        self.changed.update(some)
        for one in CHANGED:
            changed = (one.change(picture) * visible for picture in shown.pictures(some))
            found = questioning.seen(network, changed, shown.preprocessing, self.device)
            self.met.setdefault(one.kind, []).append(
                _Met(self._groups(some), detector.score(found))
            )

    def _detector(self, member: Member, films: Seen) -> NetworkDetector:
        """Of the films that taught the network, and those that it was kept from."""
        rows = self.shown.prepared.rows
        return NetworkDetector.of(
            films.of(rows(member.learned_from).tolist()),
            columns(self.subject.cohort, member.learned_from),
            films.of(rows(member.aside).tolist()),
            member.solved,
            self.false_alarms,
        )

    def refusals(self) -> Refusals:
        """What came of all folds."""
        return Refusals(
            false_alarms=self.false_alarms,
            n_aside=tuple(self.n_aside),
            energy_of="a head solved without the films kept aside"
            if self.by_other_heads
            else "the judging head",
            can_refuse=self.can_refuse,
            n_films=len(self.subject.answered),
            films=_refused(self.films, self.false_alarms, self.seed),
            kinds=tuple(self._kind(kind, what) for kind, what in WORDS.items()),
        )

    def _kind(self, kind: str, what: str) -> KindRefused:
        met, resamples = self.met[kind], _resamples(self.films, self.seed)
        drawn = self.strangers.get(kind)
        return KindRefused(
            kind,
            what,
            len(self.changed) if drawn is None else len(drawn),
            _refused(met, self.false_alarms, self.seed),
            _estimate(resamples, _beaten(self.films, met, "energy")),
            _estimate(resamples, _beaten(self.films, met, "distance")),
        )

    def _groups(self, image_ids: Sequence[str]) -> tuple[str, ...]:
        group = self.subject.cohort.group_ids
        return tuple(group[image_id] for image_id in image_ids)


def _drawn(preprocessing: Preprocessing, n_each: int, seed: int) -> dict[str, list[Image]]:
    """Kind → `n_each` strangers as a network would be shown them."""
    size, colour, visible = preprocessing.size, preprocessing.colour, preprocessing.shown_cells
    return {
        one.kind: [image * visible for image in one.images(n_each, size, colour, seed)]
        for one in DRAWN
    }


def _refused(met: Sequence[_Met], rate: float, seed: int) -> Refused:
    resamples = _resamples(met, seed)
    either, energy, distance = (
        np.concatenate(verdicts).astype(np.float64)
        for verdicts in (
            [one.strangeness.refused for one in met],
            [one.strangeness.energy_p <= rate for one in met],
            [one.strangeness.distance_p <= rate for one in met],
        )
    )
    return Refused(*(_estimate(resamples, one) for one in (either, energy, distance)))


def _resamples(met: Sequence[_Met], seed: int) -> MeanBootstrap:
    return MeanBootstrap.draw([group for one in met for group in one.groups], seed)


def _beaten(films: Sequence[_Met], strangers: Sequence[_Met], score: str) -> Floats:
    """(films,) the share of its fold's strangers that are stranger than each film, ties half."""
    shares = []
    for of_films, of_strangers in zip(films, strangers, strict=True):
        own = getattr(of_films.strangeness, score)
        ranked = np.sort(getattr(of_strangers.strangeness, score))
        at_most = np.searchsorted(ranked, own, "left") + np.searchsorted(ranked, own, "right")
        shares.append(1 - at_most / (2 * len(ranked)))
    return np.concatenate(shares)


def _estimate(resamples: MeanBootstrap, values: Floats) -> Estimate:
    return Estimate(float(values.mean()), resamples.interval(values))
