"""How a configuration fares by sex, age, view and site, beside all other films.

Decision: a subgroup is compared with the other films of which the same thing is stated, by a test
that deals right and wrong answers blindly among groups of equal size; its p values hold for ten
groups as for a thousand, where a bootstrap interval of few, all answered rightly, has no width. The
price: it says whether a difference is there by chance, and the interval beside it how large it is.

A subgroup is rarely a random part of the films. Where lateral films are all of one label, their
accuracy is that label's sensitivity, so every difference is given twice: as it is, and beside films
of the same labels, answers dealt among films of equal label alone. Where a subgroup and a label are
the same films, the second cannot be told, and is nan or has a p value of 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spondyl.data.radiograph import NOT_STATED, Radiograph
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers.dealing import dealt, p_value
from spondyl.trust.intervals import (
    LEVEL,
    N_RESAMPLES,
    Estimate,
    GroupBootstrap,
    Interval,
    NotRun,
    holm,
    percentile_interval,
    wilson,
)
from spondyl.trust.metrics import Floats

MIN_GROUPS = 10
"""Groups of a subgroup, and of the rest, below which a difference is shown and not judged."""
AGE_BANDS = ((0.0, 10.0), (10.0, 18.0), (18.0, 40.0), (40.0, 60.0), (60.0, math.inf))
"""Years, from the first up to but without the second."""


@dataclass(frozen=True, slots=True)
class LabelRate:
    """The films of one label within a subgroup; there is one at least."""

    label: str
    n: int
    sensitivity: Estimate
    """Group bootstrap."""
    wilson: Interval
    """Treats films as independent."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A subgroup's accuracy minus what it is held against, -1 … 1; below 0 it is told worse."""

    estimate: Estimate
    """Group bootstrap; nan where there is nothing to hold it against."""
    p_value: float
    """Two-sided: share of blind dealings, the true one among them, with a difference as large."""
    p_corrected: float
    """For all subgroups that are judged (Holm); nan where this one is not."""


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Films of which one thing is stated."""

    field: str
    name: str
    n_films: int
    n_groups: int
    n_groups_of_rest: int
    enough: bool
    """Whether it and the rest have `MIN_GROUPS` groups each; else it is too few to say."""
    accuracy: Estimate
    accuracy_wilson: Interval
    macro_f1: Estimate
    """Over the labels that it holds or was told."""
    labels: tuple[LabelRate, ...]
    majority: str
    """The most frequent label within it, the first of equals."""
    majority_share: float
    """1 where the subgroup is one label, and no more is seen of it than of the label."""
    difference: Difference
    """To the accuracy of the rest."""
    beside_same_labels: Difference
    """To the accuracy that the rest's sensitivities give for the labels of this subgroup (direct
    standardisation); nan where it holds a label that the rest does not."""


@dataclass(frozen=True, slots=True)
class Field:
    """All subgroups of one field; films of which it is not stated are in none."""

    name: str
    n_stated: int
    n_not_stated: int
    subgroups: tuple[Subgroup, ...]


@dataclass(frozen=True, slots=True)
class NotCompared:
    """A field that has no subgroups, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Subgroups:
    """What came of every field."""

    n_films: int
    fields: tuple[Field, ...]
    not_run: tuple[NotCompared, ...]

    @property
    def all(self) -> tuple[Subgroup, ...]:
        """The subgroups of every field."""
        return tuple(one for field in self.fields for one in field.subgroups)

    @property
    def n_judged(self) -> int:
        """Subgroups with enough groups; a check of none was not run."""
        return sum(one.enough for one in self.all)

    def worst(self, same_labels: bool = False, level: float = LEVEL) -> Subgroup | None:
        """The judged subgroup with the largest shortfall that is there: its interval lies below 0
        and its corrected p is at most 1 − `level`; None where none is."""

        def of(one: Subgroup) -> Difference:
            return one.beside_same_labels if same_labels else one.difference

        short = [
            one
            for one in self.all
            if one.enough
            and of(one).estimate.interval.high < 0
            and of(one).p_corrected <= 1 - level + 1e-12
        ]
        return min(short, key=lambda one: of(one).estimate.value, default=None)


def age_band(age_years: float | None) -> str | None:
    """The name of the band that an age lies in; None where it is not stated, or no age."""
    if age_years is None:
        return None
    for low, high in AGE_BANDS:
        if low <= age_years < high:
            return f"{low:g}-{high:g} years" if high < math.inf else f"{low:g} years and more"
    return None


def _stated(text: str) -> str | None:
    return None if text == NOT_STATED else text


FIELDS: Mapping[str, Callable[[Radiograph], str | None]] = {
    "sex": lambda film: _stated(film.sex),
    "age": lambda film: age_band(film.age_years),
    "view": lambda film: _stated(film.view),
    "site": lambda film: _stated(film.site),
}
"""What films are parted by; None where it is not stated."""


def subgroups(
    table: PredictionTable,
    films: Sequence[Radiograph],
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Subgroups:
    """Scores of every subgroup of `FIELDS`; `films` may be more than the table's.

    A field is not run where nothing of it is stated, or one thing only. `seed` draws resamples and
    as many dealings. Raises ValueError for an empty table, or for a film of it not among `films`.
    """
    if len(table) == 0:
        raise ValueError("no predictions to score")
    known = {film.image_id: film for film in films}
    if missing := [image_id for image_id in table.image_ids if image_id not in known]:
        raise ValueError(f"nothing is known of {len(missing)} films, {missing[0]} the first")
    found: list[Field] = []
    not_run: list[NotCompared] = []
    for name, of in FIELDS.items():
        values = [of(known[image_id]) for image_id in table.image_ids]
        one = _field(table, name, values, seed, n_resamples, level)
        if isinstance(one, NotRun):
            not_run.append(NotCompared(name, one.why))
        else:
            found.append(one)
    return Subgroups(len(table), _corrected(found), tuple(not_run))


def _field(
    table: PredictionTable,
    name: str,
    values: Sequence[str | None],
    seed: int,
    n_resamples: int,
    level: float,
) -> Field | NotRun:
    stated = [value for value in values if value is not None]
    if len(set(stated)) < 2:
        one = f"{len(stated)} films are all {stated[0]}" if stated else "no film states it"
        return NotRun(f"{name}: {one}, so there is nothing to compare")
    keep = [i for i, value in zip(table.image_ids, values, strict=True) if value is not None]
    part, value_of = PredictionTable.joined([table], keep), np.array(stated)
    bootstrap = GroupBootstrap.draw(part, seed, n_resamples)
    blind = dealt(part, [0] * len(part), seed, n_resamples)
    same = dealt(part, part.truth.tolist(), seed, n_resamples)
    return Field(
        name,
        len(stated),
        len(values) - len(stated),
        tuple(
            _subgroup(name, value, value_of == value, bootstrap, blind, same, level)
            for value in sorted(set(stated))
        ),
    )


def _subgroup(
    field: str,
    name: str,
    inside: NDArray[np.bool_],
    bootstrap: GroupBootstrap,
    blind: NDArray[np.bool_],
    same: NDArray[np.bool_],
    level: float,
) -> Subgroup:
    """One subgroup, `inside` (n,); `blind` and `same` (dealings, n) are answers dealt."""
    it, rest = _confusions(bootstrap, inside), _confusions(bootstrap, ~inside)
    n_groups, n_rest = (len(set(bootstrap.film_group[rows])) for rows in (inside, ~inside))
    labels, counts = bootstrap.table.labels.names, it[0].sum(axis=1)

    def estimate(values: Floats) -> Estimate:
        return Estimate(float(values[0]), percentile_interval(values[1:], n_groups, level))

    def rate(column: int, values: Floats) -> LabelRate:
        right, n = int(it[0, column, column]), int(counts[column])
        return LabelRate(labels[column], n, estimate(values), wilson(right, n, level))

    right = bootstrap.table.predicted == bootstrap.table.truth
    n, n_right, rates = int(inside.sum()), int(right[inside].sum()), metrics.sensitivity(it)
    difference, beside = (
        metrics.accuracy(it) - metrics.accuracy(rest),
        _beside_same_labels(it, rest),
    )
    return Subgroup(
        field=field,
        name=name,
        n_films=n,
        n_groups=n_groups,
        n_groups_of_rest=n_rest,
        enough=min(n_groups, n_rest) >= MIN_GROUPS,
        accuracy=estimate(metrics.accuracy(it)),
        accuracy_wilson=wilson(n_right, n, level),
        macro_f1=estimate(metrics.macro(metrics.f1(it))),
        labels=tuple(rate(c, rates[:, c]) for c in range(len(labels)) if counts[c]),
        majority=labels[int(counts.argmax())],
        majority_share=float(counts.max() / n),
        difference=Difference(estimate(difference), p_value(n_right, blind[:, inside]), math.nan),
        beside_same_labels=Difference(
            estimate(beside),
            math.nan if math.isnan(beside[0]) else p_value(n_right, same[:, inside]),
            math.nan,
        ),
    )


def _confusions(bootstrap: GroupBootstrap, rows: NDArray[np.bool_]) -> Floats:
    """(1 + resamples, k, k) of the films `rows`; the first is of all films as they are."""
    kept = [i for i, keep in zip(bootstrap.table.image_ids, rows, strict=True) if keep]
    part = replace(
        bootstrap,
        table=PredictionTable.joined([bootstrap.table], kept),
        film_group=bootstrap.film_group[rows],
    )
    return np.concatenate([metrics.confusion(part.table)[None].astype(float), part.confusions])


def _beside_same_labels(inside: Floats, rest: Floats) -> Floats:
    """(…,) accuracy of (…, k, k) counts minus Σ films of label · sensitivity in rest / films."""
    tested, rates = inside.sum(-1), metrics.sensitivity(rest)
    expected = np.where(tested > 0, tested * rates, 0.0).sum(-1)
    films = tested.sum(-1)
    return metrics.accuracy(inside) - np.where(films > 0, expected / np.maximum(films, 1), np.nan)


def _corrected(fields: Sequence[Field]) -> tuple[Field, ...]:
    """The fields with p values corrected for all subgroups that are judged, each comparison by
    itself."""
    every = [one for field in fields for one in field.subgroups]
    plain = _holm_of([one.difference for one in every], every)
    beside = _holm_of([one.beside_same_labels for one in every], every)
    done = iter(
        [
            replace(one, difference=first, beside_same_labels=second)
            for one, first, second in zip(every, plain, beside, strict=True)
        ]
    )
    return tuple(
        replace(field, subgroups=tuple(next(done) for _ in field.subgroups)) for field in fields
    )


def _holm_of(
    differences: Sequence[Difference], every: Sequence[Subgroup]
) -> tuple[Difference, ...]:
    judged = [
        i for i, one in enumerate(differences) if every[i].enough and not math.isnan(one.p_value)
    ]
    corrected = dict(zip(judged, holm([differences[i].p_value for i in judged]), strict=True))
    return tuple(
        replace(one, p_corrected=corrected.get(i, math.nan)) for i, one in enumerate(differences)
    )
