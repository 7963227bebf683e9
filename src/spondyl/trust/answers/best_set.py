"""Which of several configurations cannot be told from the best of them on these films.

Decision: nobody says beforehand which one is the best, so the most accurate is no fixed rival:
whoever is picked for being highest is flattered. Instead every configuration is held against every
other one, and leaves the set only where some other is shown to be more often right. That keeps the
truly best one in the set with the stated probability, whichever it is and whatever was seen (Gupta
1965, Technometrics 7:225, subset selection; Hsu 1981, Annals of Statistics 9:1026, multiple
comparisons with the best). The test is McNemar's, exact and one-sided, on one film of each group;
a configuration's own k − 1 tests are corrected together (Holm 1979), which for "is any of them
significant" is Bonferroni's bound and needs no independence. The price: with many configurations
and few films on which they differ nearly all stay in, and that is what such films can say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from spondyl.learn.predictions import PredictionTable
from spondyl.trust.intervals import compare, holm

ALPHA = 0.05

SOURCE = (
    "Gupta 1965, Technometrics 7:225 (subset selection); Hsu 1981, Annals of Statistics 9:1026 "
    "(multiple comparisons with the best); exact one-sided McNemar tests, Holm 1979"
)


@dataclass(frozen=True, slots=True)
class Rival:
    """The configuration that speaks most strongly against another one."""

    name: str
    rival_only: int
    """Distinct films that only the rival gets right."""
    own_only: int
    p_value: float
    """One-sided, of "the rival is right on no more films like these"."""
    p_holm: float
    """Corrected for all rivals of this configuration."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A configuration, and whether another is shown to be more often right."""

    name: str
    n_right: int
    """Distinct films."""
    strongest: Rival
    in_set: bool


@dataclass(frozen=True, slots=True)
class BestSet:
    """The configurations among which the best one is, with probability 1 − `alpha` or more."""

    alpha: float
    n_films: int
    """Distinct films, one of each group."""
    n_tests: int
    """Ordered pairs."""
    best: str
    """Right on most distinct films, the first of equals."""
    contenders: tuple[Contender, ...]
    """In the given order."""

    @property
    def members(self) -> tuple[str, ...]:
        """Those that stay in the set, in the given order."""
        return tuple(one.name for one in self.contenders if one.in_set)


def one_sided_p(more: int, fewer: int) -> float:
    """P(at least `more` of the `more` + `fewer` films that part two configurations fall to the one
    that has `more` of them), either equally likely: exact McNemar, one-sided; 1 where none does."""
    n = more + fewer
    return float(stats.binom.sf(more - 1, n, 0.5)) if n else 1.0


def best_set(named: Sequence[tuple[str, PredictionTable]], alpha: float = ALPHA) -> BestSet:
    """The set among two or more tables of the same films with the same groups.

    Raises ValueError for fewer than two, and where tables hold other films or another truth.
    """
    if len(named) < 2:
        raise ValueError(f"{len(named)} configurations: nothing to compare")
    if any(table.image_ids != named[0][1].image_ids for _, table in named):
        raise ValueError("the tables are not of the same films")
    distinct = named[0][1].one_per_group()
    right = {name: int((table.predicted == table.truth)[distinct].sum()) for name, table in named}
    contenders = tuple(_contender(at, named, right, alpha) for at in range(len(named)))
    best = max(right, key=right.__getitem__)
    n_tests = len(named) * (len(named) - 1)
    return BestSet(alpha, len(distinct), n_tests, best, contenders)


def _contender(
    at: int, named: Sequence[tuple[str, PredictionTable]], right: dict[str, int], alpha: float
) -> Contender:
    own_name, own = named[at]
    pairs = [compare(own_name, own, name, table) for name, table in named if name != own_name]
    p_values = [one_sided_p(pair.second_only, pair.first_only) for pair in pairs]
    corrected = holm(p_values)
    least = min(range(len(pairs)), key=lambda i: p_values[i])
    pair = pairs[least]
    strongest = Rival(
        pair.second, pair.second_only, pair.first_only, p_values[least], corrected[least]
    )
    return Contender(own_name, right[own_name], strongest, corrected[least] > alpha)
