"""How far readers agree: the table of who said what, and how sure a figure of agreement is.

Decision: films are resampled, never answers, because two readers of one film or two maps of it are
not two pieces of evidence; a film is drawn with all its rows. Every statistic is therefore a
function of how often each row is drawn, and the headline is the one where each is drawn once. The
price is that every interval is conditional on these readers: it says what other films of the same
kind would have done to the figure, not what other readers would have.

A figure that the data do not allow is `NotRun` with its reason. So is an interval of no width:
where all agree on everything every resample does too, which would read as certainty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Interval,
    MeanBootstrap,
    NotRun,
    percentile_interval,
)
from spondyl.trust.plain import plain

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""(resamples, rows) how often each row is drawn → (resamples,) values, nan where there is none."""

MISSING = -1
_AT_ONCE = 2_000_000
"""Rows times resamples that are looked at together: 16 MB."""
FEWEST_FILMS = 5
"""Fewer films are not resampled: with four, one resample in 64 is of a single film."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """How films are drawn."""

    seed: int
    n_resamples: int = N_RESAMPLES
    level: float = LEVEL
    """Nominal coverage of every interval, 0 … 1."""


@dataclass(frozen=True, slots=True)
class Analytic:
    """An interval by a published formula; films are taken as independent."""

    standard_error: float | None
    """None where the formula has none."""
    low: float
    high: float
    level: float
    source: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """One figure of agreement."""

    statistic: str
    """Such as "Cohen's kappa, quadratic weights"."""
    value: float
    """At most 1; 0 is what chance alone gives, of percent agreement 0 … 1 without that."""
    interval: Interval | NotRun
    """Over films."""
    analytic: Analytic | NotRun
    readers: tuple[str, ...]
    n_rows: int
    """Films, or maps of films, that the figure rests on."""
    n_films: int
    n_left_out: int
    """Rows that were answered by too few readers to count."""

    def as_dict(self) -> dict[str, Any]:
        """The figure as plain values for JSON."""
        return dict(plain(self))


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """What readers said of the same rows, as places in one list of categories."""

    categories: tuple[str, ...]
    """In their order, where they have one."""
    readers: tuple[str, ...]
    films: tuple[str, ...]
    """(rows,) the film of each row; rows of one film are drawn together."""
    values: NDArray[np.int64]
    """(rows, readers) place among `categories`, `MISSING` where nothing was said."""

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.films), len(self.readers)):
            raise ValueError(f"{self.values.shape} values, {len(self.films)} rows")
        if self.values.size and not MISSING <= self.values.min() <= self.values.max() < len(
            self.categories
        ):
            raise ValueError(f"a value that is none of {len(self.categories)} categories")

    @classmethod
    def of(
        cls,
        categories: Sequence[str],
        readers: Sequence[str],
        films: Sequence[str],
        said: Sequence[Sequence[str | None]],
    ) -> Ratings:
        """Ratings of `said` (rows, readers), None where nothing was said.

        Raises ValueError for a word that is no category.
        """
        place: dict[str | None, int] = {name: i for i, name in enumerate(categories)}
        place[None] = MISSING
        unknown = {str(value) for row in said for value in row if value not in place}
        if unknown:
            raise ValueError(f"{sorted(unknown)} are none of {tuple(categories)}")
        values = np.array([[place[value] for value in row] for row in said], dtype=np.int64)
        shape = (len(films), len(readers))
        return cls(tuple(categories), tuple(readers), tuple(films), values.reshape(shape))

    @property
    def n_said(self) -> NDArray[np.int64]:
        """(rows,) how many readers said something."""
        return (self.values != MISSING).sum(axis=1)

    @property
    def counts(self) -> Floats:
        """(rows, categories) how many readers said each."""
        return (self.values[:, :, None] == np.arange(len(self.categories))).sum(1).astype(float)

    def answered_by(self, at_least: int) -> Ratings:
        """The rows of which `at_least` so many readers said something."""
        kept = np.flatnonzero(self.n_said >= at_least)
        films = tuple(self.films[row] for row in kept)
        return Ratings(self.categories, self.readers, films, self.values[kept])

    def pair(self, first: int, second: int) -> Ratings:
        """The rows that both of two readers, by column, answered."""
        readers = (self.readers[first], self.readers[second])
        both = Ratings(self.categories, readers, self.films, self.values[:, [first, second]])
        return both.answered_by(2)

    @property
    def films_repeat(self) -> bool:
        """Whether several rows are of one film."""
        return len(set(self.films)) < len(self.films)


def percent_agreement(ratings: Ratings, resampling: Resampling) -> Agreement | NotRun:
    """Of all pairs of answers to one row the share that agree; not corrected for chance."""
    used = ratings.answered_by(2)
    counts, n = used.counts, used.n_said
    agreeing, pairs = (counts * (counts - 1)).sum(1), (n * (n - 1)).astype(float)
    return measured(
        "percent agreement",
        used,
        len(ratings.films) - len(used.films),
        lambda drawn: ratio(drawn @ agreeing, drawn @ pairs),
        NotRun("pairs of answers to one film are not independent"),
        resampling,
    )


def measured(
    statistic: str,
    used: Ratings,
    n_left_out: int,
    of_drawn: Statistic,
    analytic: Analytic | NotRun,
    resampling: Resampling,
) -> Agreement | NotRun:
    """The figure over the rows of `used`, with its interval over films; or why there is none."""
    n_films = len(set(used.films))
    if len(used.readers) < 2:
        return NotRun("one reader: agreement needs two")
    if not used.films:
        return NotRun("no film was answered by enough readers")
    value = float(of_drawn(np.ones((1, len(used.films))))[0])
    if np.isnan(value):
        said = {used.categories[place] for place in used.values[used.values != MISSING]}
        return NotRun(
            f"all said {', '.join(sorted(said))} of {len(used.films)} rows: chance alone would "
            "have made them agree"
        )
    return Agreement(
        statistic,
        value,
        film_interval(of_drawn, used.films, resampling),
        analytic,
        used.readers,
        len(used.films),
        n_films,
        n_left_out,
    )


def film_interval(
    of_drawn: Statistic, films: Sequence[str], resampling: Resampling, n_fewest: int | None = None
) -> Interval | NotRun:
    """Interval of a statistic of how often each row is drawn, films (rows,) resampled; or why
    there is none. Of a difference `n_fewest` is how many films its smaller side rests on.

    Percentiles farther out than the level's by what Student's t is wider than a normal with so many
    films (Hesterberg 2015, American Statistician 69:371, the expanded percentile interval): plain
    ones are too narrow where films are few.
    """
    names, film_of_row = np.unique(np.array(films), return_inverse=True)
    n_films = len(names)
    n_fewest = n_films if n_fewest is None else n_fewest
    if n_fewest < FEWEST_FILMS:
        counted = "1 film" if n_fewest == 1 else f"{n_fewest} films"
        return NotRun(f"{counted}: fewer than {FEWEST_FILMS} are not resampled")
    drawn = _drawn(n_films, resampling.seed, resampling.n_resamples)
    step = max(1, _AT_ONCE // len(films))
    values = np.concatenate(
        [of_drawn(drawn[at : at + step, film_of_row]) for at in range(0, len(drawn), step)]
    )
    expanded = percentile_interval(values, n_films, expanded_level(resampling.level, n_fewest))
    interval = replace(expanded, level=resampling.level)
    if interval.n_undefined > len(values) / 2:
        return NotRun("more than half of the resamples have no value")
    if interval.high - interval.low < 1e-12:
        return NotRun(f"every resample of {n_films} films gives the same, which is no certainty")
    return interval


def expanded_level(level: float, n_films: int) -> float:
    """The level whose percentiles of so many resampled films make an interval of `level`."""
    wider = np.sqrt(n_films / (n_films - 1)) * stats.t.ppf((1 + level) / 2, n_films - 1)
    return float(1 - 2 * stats.norm.sf(wider))


@lru_cache(maxsize=16)
def _drawn(n_films: int, seed: int, n_resamples: int) -> Floats:
    """(resamples, films) how often each film is drawn; many figures are over as many films."""
    numbers = [f"{film:09}" for film in range(n_films)]
    counts = MeanBootstrap.draw(numbers, seed, n_resamples).counts
    counts.flags.writeable = False
    return counts


def large_sample(
    value: float, variance: float, quantile: float, level: float, source: str
) -> Analytic | NotRun:
    """value ± quantile · √variance, cut at 1; or why not."""
    if not variance > 1e-20:
        return NotRun("the published variance is 0 here, which is no certainty")
    error = float(np.sqrt(variance))
    low, high = value - quantile * error, min(1.0, value + quantile * error)
    return Analytic(error, low, high, level, source)


def normal_quantile(level: float) -> float:
    """Of a two-sided interval."""
    return float(stats.norm.ppf((1 + level) / 2))


def ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, nan where `whole` is 0 within rounding."""
    whole = np.where(np.abs(whole) < 1e-12, np.nan, whole)
    return np.asarray(part / whole)
