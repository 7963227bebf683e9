"""Do the intervals of a survey's analysis hold the truth as often as they say?

Readers are simulated whose skills are known, so every figure has a true value that follows from the
model (`review.simulated`). Survey after survey is drawn and analysed as a department's would be,
and of each figure is counted how often its interval holds that value. Two rooms are asked: one of
many films, and one as small as a department's first survey may be, where intervals are under
strain. The rule was fixed beforehand: an interval of 95 % is called fair where the exact interval
of its coverage reaches 0.90. The price: what is simulated has no film that is hard for everybody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import repeat
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
from scipy.stats import binomtest

from spondyl.bench.simulated_figures import BY, figures, truths
from spondyl.progress import Track, silently
from spondyl.review.analysis.analysis import analyse
from spondyl.review.simulated import SimulatedReader, Simulation, simulate

_T = TypeVar("_T")

READERS = (
    SimulatedReader("ann", 0.9, 0.7, 0.3, follows_score=0.5, persuaded=0.3, quickens=0.85),
    SimulatedReader("bob", 0.8, 0.7, 0.2, follows_score=0.5),
    SimulatedReader("cat", 0.7, 0.7, 0.4, follows_score=0.5),
)
NETWORKS = (("resnet50", 0.9), ("vgg16", 0.8))
ROOMS = {
    "80 films": Simulation(READERS, NETWORKS, n_films=80, n_repeats=40, n_decoys=24),
    "30 films": Simulation(READERS, NETWORKS, n_films=30, n_repeats=12, n_decoys=10),
}
N_RESAMPLES = 300
"""Fewer than an analysis' own; more would make the ends of an interval a little steadier."""
FAIR = 0.90
"""Coverage that the exact interval of a fair one reaches."""


@dataclass(frozen=True, slots=True)
class Found:
    """One figure of one survey: the interval that the analysis gave, and the truth."""

    figure: str
    truth: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the truth is in it."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often one figure's interval held the truth."""

    room: str
    figure: str
    truth: float
    n: int
    """Surveys that gave the figure an interval."""
    n_held: int
    width: float
    """Of the interval, the mean."""

    @property
    def share(self) -> float:
        """Of the intervals those that held the truth, 0 … 1; stated is 0.95."""
        return self.n_held / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Exact 95 % interval of the share (Clopper & Pearson 1934)."""
        exact = binomtest(self.n_held, self.n).proportion_ci()
        return float(exact.low), float(exact.high)

    @property
    def fair(self) -> bool:
        """Whether the exact interval reaches `FAIR`."""
        return self.interval[1] >= FAIR


@dataclass(frozen=True, slots=True)
class Covered:
    """All figures of all rooms."""

    n_surveys: int
    """Of each room."""
    seed: int
    """The first."""
    coverages: tuple[Coverage, ...]
    date: str
    hardware: str

    def as_dict(self) -> dict[str, Any]:
        """Everything as a JSON object."""
        return {
            **{key: value for key, value in asdict(self).items() if key != "coverages"},
            "coverages": [
                asdict(one) | {"share": one.share, "interval": one.interval, "fair": one.fair}
                for one in self.coverages
            ],
        }

    @property
    def lines(self) -> Iterator[str]:
        """For a terminal: room by room a line for each figure, then all together."""
        for room, of_room in _by(self.coverages, lambda one: one.room).items():
            yield f"{room}, {self.n_surveys} surveys from seed {self.seed}"
            yield "  figure, truth: share of 95 % intervals that hold it, with its exact interval"
            for one in of_room:
                low, high = one.interval
                unfair = "" if one.fair else "  not fair"
                yield (
                    f"  {one.figure}, truly {one.truth:.3f}: {one.n_held} of {one.n} = "
                    f"{one.share:.3f} [{low:.3f}, {high:.3f}]{unfair}"
                )
            n, n_held = sum(one.n for one in of_room), sum(one.n_held for one in of_room)
            yield f"  all figures: {n_held} of {n} = {n_held / n:.3f}"
        yield f"{self.hardware}, {self.date}"


def run(
    n_surveys: int = 200,
    processes: int = 2,
    seed: int = 0,
    rooms: Mapping[str, Simulation] = ROOMS,
    n_resamples: int = N_RESAMPLES,
    track: Track = silently,
) -> Covered:
    """`n_surveys` of each room, for as many seeds from `seed` on, and what their intervals held."""
    from spondyl.learn.environment import environment  # torch, which no worker needs

    asked = [(room, one) for room in rooms for one in range(seed, seed + n_surveys)]
    simulations = [rooms[room] for room, _ in asked]
    work = (simulations, [one for _, one in asked], repeat(n_resamples))
    if processes == 1:
        surveys = list(track(map(found, *work), "analysing surveys", len(asked)))
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            surveys = list(track(pool.map(found, *work), "analysing surveys", len(asked)))
    where = environment()
    on = "{cpu}, {cores} cores".format(**where["hardware"])
    table: dict[str, list[Found]] = defaultdict(list)
    for (room, _), of_survey in zip(asked, surveys, strict=True):
        table[room].extend(of_survey)
    coverages = tuple(one for room, of_room in table.items() for one in _coverages(room, of_room))
    return Covered(n_surveys, seed, coverages, where["began"][:10], on)


def found(simulation: Simulation, seed: int, n_resamples: int = N_RESAMPLES) -> tuple[Found, ...]:
    """Every figure of one survey that has an interval, with its truth."""
    made = analyse(*simulate(simulation, seed), (), n_resamples=n_resamples)
    true = truths(simulation)
    return tuple(
        Found(figure, true[figure.partition(BY)[0]], ends.low, ends.high)
        for figure, ends in figures(made)
    )


def _coverages(room: str, found: Iterable[Found]) -> Iterator[Coverage]:
    for figure, those in _by(found, lambda one: one.figure).items():
        width = float(np.mean([one.high - one.low for one in those]))
        n_held = sum(one.holds for one in those)
        yield Coverage(room, figure, those[0].truth, len(those), n_held, width)


def _by(all_of_them: Iterable[_T], key: Callable[[_T], str]) -> dict[str, list[_T]]:
    """In the order in which each key first comes."""
    groups: dict[str, list[_T]] = defaultdict(list)
    for one in all_of_them:
        groups[key(one)].append(one)
    return groups
