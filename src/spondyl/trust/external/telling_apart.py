"""Whether a few numbers of a film tell which of two cohorts it is of: a shift, as an AUC.

A classifier that tells two samples apart shows that they were not drawn from one distribution
(Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests"). The classifier is the data
audit's probe, so its null is exact and of the whole procedure. Each is asked of all films, and
again of the films of one label that both cohorts have: different shares of labels alone make
cohorts differ. The price of a probe for each kind of number is a p value for each; they are
corrected together (Holm): all that needs no network, and each network's features by themselves.

An AUC of 1 says that the cohorts are told apart, not by how much they differ; what does is shown
beside it (`facts`, `discrepancy`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spondyl.data.labels import LabelSet
from spondyl.data.radiograph import Radiograph
from spondyl.progress import Track, silently
from spondyl.trust.data_audit import probing
from spondyl.trust.data_audit.probes import Asked, NotAsked
from spondyl.trust.data_audit.probing import Films, Folding, Probe
from spondyl.trust.intervals import (
    Estimate,
    GroupBootstrap,
    MeanBootstrap,
    holm,
    percentile_interval,
)
from spondyl.trust.metrics import Floats, auc

COHORTS = LabelSet.of(("the study's films", "the other films"))
"""What is told instead of a label; the second is the positive one."""
N_FOLDS = 5
N_SHUFFLES = probing.N_SHUFFLES
"""No p value is below one in a thousand, so that a few dozen may be corrected for each other."""
ALL = "all films"


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """Films of two cohorts in one order, the study's first, and what each is called in it."""

    films: tuple[Radiograph, ...]
    outside: NDArray[np.int64]
    """(n,) 1 for a film of the other cohort."""

    @classmethod
    def of(cls, home: Sequence[Radiograph], outside: Sequence[Radiograph]) -> Mixed:
        """Both; a group of the one is never a group of the other."""
        films = [
            replace(film, image_id=f"{at}/{film.image_id}", group_id=f"{at}/{film.group_id}")
            for at, part in enumerate((home, outside))
            for film in part
        ]
        return cls(tuple(films), np.repeat([0, 1], [len(home), len(outside)]))

    def rows_of(self, label: str) -> list[int]:
        """Rows of the films of a label; of all films for `ALL`."""
        return [row for row, film in enumerate(self.films) if label in (ALL, film.label)]

    def folding(self, label: str, seed: int) -> Folding | str:
        """Folds of whole groups of the films of `label`, and shuffles; or why there are none."""
        rows = self.rows_of(label)
        groups = tuple(self.films[row].group_id for row in rows)
        truth = self.outside[rows]
        n_groups = [len({g for g, t in zip(groups, truth, strict=True) if t == c}) for c in (0, 1)]
        if min(n_groups) < N_FOLDS:
            return f"{n_groups[0]} and {n_groups[1]} groups of films, fewer than {N_FOLDS} folds"
        names = tuple(self.films[row].image_id for row in rows)
        films = Films(COHORTS, names, groups, truth)
        return Folding.draw(films, "grouped", N_FOLDS, seed, N_SHUFFLES)


@dataclass(frozen=True, slots=True)
class Told:
    """How well one kind of number tells the two cohorts apart."""

    name: str
    question: str
    among: str
    """`ALL`, or the label whose films alone were asked about."""
    n_home: int
    n_outside: int
    n_groups: int
    auc: Estimate
    """Chance that a film of the other cohort is taken for one rather than a film of the study is;
    pooled over folds, interval over groups."""
    p_value: float
    """Of labels dealt blindly among groups; not corrected."""
    p_corrected: float
    """Holm, over everything that was asked in one call of `told`."""


@dataclass(frozen=True, slots=True)
class NotTold:
    """What could not be asked, and why."""

    name: str
    among: str
    why: str


def told(
    asked: Sequence[Asked], mixed: Mixed, among: Sequence[str], seed: int, track: Track = silently
) -> tuple[tuple[Told, ...], tuple[NotTold, ...]]:
    """What each of `asked`, rows as `mixed`, tells of the cohorts, of all films and among the films
    of each label of `among`; and what could not be asked."""
    foldings = {name: mixed.folding(name, seed) for name in (ALL, *among)}
    found, lacking = [], []
    for one in track(asked, "telling the cohorts apart", len(asked)):
        for name, folding in foldings.items():
            if isinstance(one, NotAsked) or isinstance(folding, str):
                why = one.why if isinstance(one, NotAsked) else str(folding)
                lacking.append(NotTold(one.name, name, why))
            else:
                found.append(_told(one, mixed, name, folding, seed))
    corrected = holm([one.p_value for one in found]) if found else ()
    each = zip(found, corrected, strict=True)
    return tuple(replace(one, p_corrected=p) for one, p in each), tuple(lacking)


def single_numbers(values: Mapping[str, Floats], mixed: Mixed, seed: int) -> dict[str, Estimate]:
    """Name of each number (n,) → the chance that it is larger in a film of the other cohort than
    in one of the study, ties counting half; 0.5 where nothing differs. Interval over groups."""
    there = mixed.outside == 1
    means = MeanBootstrap.draw([film.group_id for film in mixed.films], seed)
    drawn = means.counts[:, means.film_group]
    found = {}
    for name, column in values.items():
        areas = auc(column, there, drawn)
        interval = percentile_interval(areas, means.counts.shape[1])
        found[name] = Estimate(float(auc(column, there)), interval)
    return found


def _told(asked: Probe, mixed: Mixed, among: str, folding: Folding, seed: int) -> Told:
    rows = mixed.rows_of(among)
    probed = probing.probe(replace(asked, values=asked.values[rows]), folding, seed)
    table = probed.predictions
    n_outside = int(table.truth.sum())
    area = float(auc(table.probabilities[:, 1], table.truth == 1))
    return Told(
        asked.name,
        asked.question.replace("the label", "the two cohorts apart"),
        among,
        len(table) - n_outside,
        n_outside,
        len(set(table.group_ids)),
        Estimate(area, GroupBootstrap.draw(table, seed).of_auc(1)),
        probed.null.p_value,
        float("nan"),
    )
