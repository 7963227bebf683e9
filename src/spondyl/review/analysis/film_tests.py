"""Exact tests whose unit is the film: of paired differences, and by dealing films anew.

Decision: whatever was said of a film stays together, so that a test over ten films stays one of ten
whoever and however many read them. Dealing gives each film the answers, or the decoys, of another
film that shows the same networks; where all films are as likely to have had either, that is exact
for any number of readers and heatmaps. The price is that films whose networks no other film shows
have nothing to be dealt with and do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spondyl.review.agreement import Floats, Resampling
from spondyl.trust.intervals import NotRun, mcnemar_p

_ROUNDING = 1e-9

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FilmTest:
    """A test over films."""

    method: Literal["sign test of films", "films dealt anew"]
    n_films: int
    n_higher: int | None
    """Films that speak for the first of the two; None where films are dealt."""
    n_lower: int | None
    """Films that speak for the second; the rest are ties."""
    p_value: float
    """Two-sided."""


def sign_test(films: Sequence[str], differences: Sequence[float]) -> FilmTest | NotRun:
    """Whether differences (answers,) tend up or down, those of one film added up; exact binomial
    over the films that are not ties. With one answer for each film, the exact McNemar test."""
    if not films:
        return NotRun("no film was read both ways")
    sums: dict[str, float] = defaultdict(float)
    for film, difference in zip(films, differences, strict=True):
        sums[film] += difference
    higher = sum(value > _ROUNDING for value in sums.values())
    lower = sum(value < -_ROUNDING for value in sums.values())
    return FilmTest("sign test of films", len(sums), higher, lower, mcnemar_p(higher, lower))


def exchangeable(films: Sequence[str], networks: Sequence[str]) -> tuple[Places, ...]:
    """Rows (films, maps) of heatmaps (rows,), of films that show the same networks in the same
    order: two films at least in each."""
    of_film: dict[str, list[int]] = defaultdict(list)
    for row, film in enumerate(films):
        of_film[film].append(row)
    alike: dict[tuple[str, ...], list[list[int]]] = defaultdict(list)
    for rows in of_film.values():
        in_order = sorted(rows, key=lambda row: networks[row])
        alike[tuple(networks[row] for row in in_order)].append(in_order)
    return tuple(np.array(same, dtype=np.int64) for same in alike.values() if len(same) > 1)


def dealt(groups: Sequence[Places], n_rows: int, resampling: Resampling) -> Places:
    """(deals, n_rows) the row whose lot each row is given: films of a group change places, as often
    as films are resampled."""
    rng, n_deals = np.random.default_rng(resampling.seed), resampling.n_resamples
    source = np.tile(np.arange(n_rows), (n_deals, 1))
    for rows in groups:
        order = rng.permuted(np.tile(np.arange(len(rows)), (n_deals, 1)), axis=1)
        source[:, rows.ravel()] = rows[order].reshape(n_deals, -1)
    return source


def two_sided(observed: float, dealt_anew: Floats) -> float:
    """Twice the smaller tail of the values (deals,), the observed one among them, at most 1
    (Phipson & Smyth 2010); deals without a value, nan, are not counted."""
    above = 1 + int(np.sum(dealt_anew >= observed - _ROUNDING))
    below = 1 + int(np.sum(dealt_anew <= observed + _ROUNDING))
    n_valued = int(np.sum(~np.isnan(dealt_anew)))
    return min(1.0, 2 * min(above, below) / (n_valued + 1))
