"""Where a subject's networks look, and whether their maps tell of what was learned.

Films are drawn by a seed from the classes in turn, and each is explained by one network that may
answer for it, asked about the label that this network says. Where the maps lie is asked of all
films drawn. What is dear, maps of changed films and of changed networks, is asked of the first of
them only: a dozen forward passes a film and more. The price is wide intervals, which stand beside,
and means that are not those of the cohort, since rare classes are drawn as often as frequent ones.

All networks are asked of the same films, too, whether they say the same (`agreeing`) and whether
their maps do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.errors import SpondylError
from spondyl.explain import stability
from spondyl.explain.explaining import named
from spondyl.explain.score_table import BASELINES
from spondyl.explain.scores import baselines
from spondyl.explain.study import checks, film_scores, sampling
from spondyl.explain.study.film_scores import Films, Scores
from spondyl.explain.study.sampling import Asked, Rows, Sample
from spondyl.learn.networks import Network
from spondyl.progress import Track, silently
from spondyl.trust.asking import agreeing
from spondyl.trust.asking.agreeing import Agreement
from spondyl.trust.asking.map_findings import MapAgreement, Places, Sanity, Steadiness
from spondyl.trust.asking.questioning import Shown
from spondyl.trust.asking.subject import Subject
from spondyl.trust.heatmap_scores import Average, Direction, Judgement, judge
from spondyl.trust.intervals import NotRun
from spondyl.trust.metrics import Floats

METHOD = "grad-cam"
N_FILMS = 100
CHECKED = 24
"""Films at most that are changed, and on which the maps of several networks are compared."""
CASCADE_FILMS = 8
"""Films at most whose networks are randomised layer by layer."""
BATCH = 16

CHANCE = "chance"
"""Name of the chance level among what a score stands beside."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Where a subject's networks look, by one method."""

    method: str
    """Name in `explaining.METHODS`."""
    image_ids: tuple[str, ...]
    """Films explained, in the order drawn."""
    n_checked: int
    """The first so many of them were changed and compared."""
    places: Places | NotRun
    sanity: Sanity | NotRun
    steadiness: Steadiness | NotRun
    agreement: Agreement | NotRun
    """Of what all networks say of all these films."""
    map_agreement: MapAgreement | NotRun


def measured(
    subject: Subject,
    shown: Shown,
    method: str = METHOD,
    n_films: int = N_FILMS,
    seed: int = 0,
    device: torch.device | None = None,
    track: Track = silently,
) -> Looked:
    """Where the subject's networks look in `n_films` films (all, where there are fewer), by
    `method`.

    Where the networks cannot be explained (their maps are too small, or the method is not defined
    for them), all that rests on maps is not run. Raises `SpondylError` for a method that nobody
    knows, ValueError for no film.
    """
    if n_films < 1:
        raise ValueError(f"{n_films} films to look at")
    sample = _sample(subject, shown, n_films, seed)
    said = agreeing.said(subject, shown, sample.image_ids, device, track)
    work = _Work(subject, sample, said, named(method).name, seed, device)
    try:
        for at, (_, network) in enumerate(subject.networks(device, track)):
            work.look(network, np.flatnonzero(work.own == at))
    except SpondylError as error:
        return work.looked(NotRun(error.message))
    return work.looked()


class _Work:
    """Scores in the making, film by film; one network in memory at a time."""

    def __init__(
        self,
        subject: Subject,
        sample: Sample,
        said: NDArray[np.float64],
        method: str,
        seed: int,
        device: torch.device | None,
    ) -> None:
        self.subject, self.sample, self.said = subject, sample, said
        self.method, self.seed = method, seed
        self.device = device or torch.device("cpu")
        group = subject.cohort.group_ids
        self.groups = [group[image_id] for image_id in sample.image_ids]
        self.own = _own(subject, sample.image_ids, seed)
        n = len(self.own)
        table = subject.table(sample.image_ids, 0, said[self.own, np.arange(n)])
        self.asked = Asked.of(table, sample.image_ids)
        self.checked = np.arange(min(n, CHECKED))
        self.values: Scores = {}
        self.signed: list[Mapping[str, Floats]] = []
        """Of each network so far, its maps of the films checked."""

    def look(self, network: Network, rows: Rows) -> None:
        """Lets one network look at the films `rows`, which it explains, and at all films on which
        maps are compared."""
        unlearned = baselines.untrained(network, self.seed)
        if any(marked is not None for marked in self.sample.regions):
            for some in sampling.batches(rows, BATCH):
                films = self._films(some)
                seed = self.seed + int(some[0])
                maps = film_scores.maps_of(network, unlearned, films, [self.method], seed)
                self._enter(some, film_scores.places_of(films, maps))
        signed = self._signed(network, self.checked)
        self.signed.append({self.method: signed})
        if _why_not_compared(signed):
            return
        checked = rows[rows < len(self.checked)]
        self._enter(checked, self._without_training(unlearned, signed, checked))
        for some in sampling.batches(checked, BATCH):
            films, how = self._films(some), self.sample.preprocessing
            self._enter(some, checks.steadiness_of(network, films, [self.method], how))
        for some in sampling.batches(rows[rows < CASCADE_FILMS], BATCH):
            films, seeds = self._films(some), (self.seed, self.seed + 1)
            self._enter(some, checks.cascade_of(network, films, [self.method], seeds))

    def looked(self, unexplained: NotRun | None = None) -> Looked:
        """What came of all networks; or why there are no maps of them."""
        image_ids = self.sample.image_ids
        alone = NotRun("one network: it has nothing to agree with") if len(self.said) < 2 else None
        why_not = unexplained or _why_not_compared(self.signed[0][self.method])
        return Looked(
            method=self.method,
            image_ids=image_ids,
            n_checked=len(self.checked),
            places=unexplained or self._places(),
            sanity=why_not or self._sanity(),
            steadiness=why_not or self._steadiness(),
            agreement=alone or agreeing.of(self.subject, image_ids, self.said, self.seed),
            map_agreement=alone or why_not or self._map_agreement(),
        )

    def _places(self) -> Places | NotRun:
        n = len(self.own)
        if all(marked is None or marked.spine_mask is None for marked in self.sample.regions):
            return NotRun(f"the spine is marked on none of the {n} films")
        if not self._any("energy"):
            return NotRun("no map of a film whose spine is marked has any heat")
        return Places(
            self._placed("energy", "higher"),
            self._placed("pointing", "higher"),
            self._placed("peak-distance", "lower")
            if self._any("peak-distance")
            else NotRun(f"a target is marked on none of the {n} films"),
        )

    def _placed(self, score: str, direction: Direction) -> Judgement:
        beside = {maker: self._of(score, maker) for maker in BASELINES}
        return self._judged(score, direction, {CHANCE: self._of(f"{score}-chance")} | beside)

    def _sanity(self) -> Sanity:
        beside = {"two random networks": self._of("unrelated-rank")}
        return Sanity(
            self._judged("randomised-rank", "lower", beside),
            self._average("randomised-head-rank"),
            self._average("randomised-unchanged"),
            self._average("untrained-rank"),
            self._average("other-label-rank"),
            min(len(self.own), CASCADE_FILMS),
        )

    def _steadiness(self) -> Steadiness:
        beside = {"other films": self._of("between-films-rank")}
        return Steadiness(
            self._judged("shift-rank", "higher", beside),
            self._judged("shading-rank", "higher", beside),
            self._judged("flip-rank", "higher", beside),
        )

    def _map_agreement(self) -> MapAgreement:
        self._enter(self.checked, checks.fold_agreement(self.signed))
        beside = {CHANCE: self._of("fold-agreement-chance")}
        return MapAgreement(
            self._average("fold-agreement-rank"),
            self._judged("fold-agreement-overlap", "higher", beside),
        )

    def _without_training(self, unlearned: Network, signed: Floats, rows: Rows) -> Scores:
        """How alike the maps of `rows` are to those of the untrained network."""
        if not len(rows):
            return {}
        alike = stability.compare(signed[rows], self._signed(unlearned, rows))
        return {(self.method, "untrained-rank"): alike.rank}

    def _signed(self, network: Network, rows: Rows) -> Floats:
        """(rows, h, w) maps before the ReLU."""
        parts = [
            checks.signed_maps(network, self._films(some), [self.method])[self.method]
            for some in sampling.batches(rows, BATCH)
        ]
        return np.concatenate(parts)

    def _films(self, rows: Rows) -> Films:
        return self.sample.films(rows, self.asked, self.device)

    def _enter(self, rows: Rows, scores: Scores) -> None:
        for key, values in scores.items():
            self.values.setdefault(key, np.full(len(self.own), np.nan))[rows] = values

    def _of(self, score: str, maker: str | None = None) -> Floats:
        """(n,) of every film, nan where it has no such score."""
        key = (maker or self.method, score)
        return self.values.get(key, np.full(len(self.own), np.nan))

    def _any(self, score: str) -> bool:
        return bool((~np.isnan(self._of(score))).any())

    def _judged(self, score: str, direction: Direction, beside: Mapping[str, Floats]) -> Judgement:
        """The method's `score` beside other values of the same films."""
        values = {self.method: self._of(score)}
        return judge(score, direction, values, beside, self.groups, self.seed)

    def _average(self, score: str) -> Average:
        return self._judged(score, "none", {}).methods[0].average


def _sample(subject: Subject, shown: Shown, n_films: int, seed: int) -> Sample:
    answered = subject.answered
    blank = np.zeros((len(answered), len(subject.cohort.labels)))
    image_ids = sampling.drawn(subject.table(answered, 0, blank), n_films, seed)
    known = {film.image_id: film for film in subject.cohort.radiographs}
    rows = shown.prepared.rows(image_ids)
    return Sample(
        tuple(known[image_id] for image_id in image_ids),
        shown.prepared.images[rows],
        tuple(shown.prepared.placements[row] for row in rows.tolist()),
        tuple(shown.marks.get(image_id) for image_id in image_ids),
        shown.preprocessing,
    )


def _own(subject: Subject, image_ids: Sequence[str], seed: int) -> Rows:
    """(n,) position of the network that explains each film: one of those that answer for it, drawn
    where there are several."""
    answers = [frozenset(member.answers_for) for member in subject.members]
    draws = np.random.default_rng(seed)
    able = [[at for at, ids in enumerate(answers) if image_id in ids] for image_id in image_ids]
    return np.array([positions[draws.integers(len(positions))] for positions in able])


def _why_not_compared(maps: Floats) -> NotRun | None:
    """Why maps (n, h, w) of such a grid cannot be compared; None where they can."""
    height, width = maps.shape[1:]
    if min(height, width) < stability.WINDOW:
        return NotRun(
            f"maps of {height} × {width} cells: {stability.WINDOW} each way are needed to compare "
            "them"
        )
    return None
