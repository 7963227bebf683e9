"""Many paired comparisons in one table, every p value of it corrected for all of them.

Decision: whatever p value the table shows belongs to one family, McNemar's of every pair and
DeLong's of every pair and label, and Holm's method runs over the whole of it, so nobody can pick a
test and claim the correction of a smaller table. The price is power: with thirty configurations a
p value has to be below 0.00003 to count, which is why `best_set` asks its one question by itself.

Intervals of differences are not corrected: each is 95 % by itself, and the table says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from spondyl.learn.predictions import PredictionTable
from spondyl.progress import Track, silently
from spondyl.trust.answers.comparing import Comparison, compare_tables
from spondyl.trust.answers.paired_tests import DeLong
from spondyl.trust.intervals import LEVEL, N_RESAMPLES, NotRun, holm

Named = tuple[str, PredictionTable]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two configurations, and what the whole table leaves of their p values."""

    comparison: Comparison
    mcnemar_holm: float
    auc_holm: tuple[float, ...]
    """Of DeLong's test of each label; nan where it was not run."""


@dataclass(frozen=True, slots=True)
class ManyPairs:
    """All comparisons of one table."""

    pairs: tuple[Pair, ...]
    n_mcnemar: int
    n_delong: int
    reference: str
    """That every other one is held against; "" for every two of all."""

    @property
    def n_tests(self) -> int:
        """P values in the table, for all of which each is corrected."""
        return self.n_mcnemar + self.n_delong


def many_pairs(
    named: Sequence[Named],
    seed: int,
    reference: str = "",
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    track: Track = silently,
) -> ManyPairs:
    """Every two of `named`, the one with more films right first; or every one − `reference`.

    Raises ValueError where two of them have no film in common, other labels, another truth or other
    groups, and for a reference that is not among them.
    """
    made = []
    for first, second in track(_asked(named, reference), "comparing"):
        comparison = compare_tables(*first, *second, seed, n_resamples, level)
        if isinstance(comparison, NotRun):
            raise ValueError(f"{first[0]} and {second[0]}: {comparison.why}")
        made.append(comparison)
    p_values = [one.mcnemar.p_value for one in made]
    areas = [
        label.test.p_value for one in made for label in one.labels if isinstance(label.test, DeLong)
    ]
    corrected = iter(holm([*p_values, *areas]))
    of_mcnemar = [next(corrected) for _ in made]
    pairs = tuple(
        Pair(
            one,
            p_holm,
            tuple(
                next(corrected) if isinstance(label.test, DeLong) else float("nan")
                for label in one.labels
            ),
        )
        for one, p_holm in zip(made, of_mcnemar, strict=True)
    )
    return ManyPairs(pairs, len(p_values), len(areas), reference)


def _asked(named: Sequence[Named], reference: str) -> list[tuple[Named, Named]]:
    if not reference:
        return [
            (other, one) if _n_right(other[1]) > _n_right(one[1]) else (one, other)
            for one, other in combinations(named, 2)
        ]
    held = [one for one in named if one[0] == reference]
    if not held:
        raise ValueError(f"{reference} is not among what is compared")
    return [(one, held[0]) for one in named if one[0] != reference]


def _n_right(table: PredictionTable) -> int:
    return int((table.predicted == table.truth).sum())
