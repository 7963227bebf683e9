"""Whether a faster way to train is as accurate as a plain one: two finished studies of the same
films, folds and configurations, whose specs differ in how they were trained.

The two have draws of their own, as two runs with different seeds have, so equal numbers are not to
be expected: what is asked is whether the mean over the folds differs by less than folds differ
among each other. Beside it stands the exact McNemar test over films. The price: neither proves that
two ways are equal; a difference smaller than the folds' spread is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from spondyl.errors import SpondylError
from spondyl.learn import study as studies
from spondyl.learn.outcome import Outcome
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.study import Study
from spondyl.trust.intervals import compare


@dataclass(frozen=True, slots=True)
class SameAccuracy:
    """A configuration in both studies."""

    configuration: str
    first: tuple[float, ...]
    """Accuracy of each fold."""
    second: tuple[float, ...]
    difference: float
    """Mean of the second less that of the first."""
    spread: float
    """Standard deviation of the first's folds; nan for one fold."""
    only_first_right: int
    """Films, one of each group."""
    only_second_right: int
    p_mcnemar: float
    seconds_first: float
    """Of all trials together."""
    seconds_second: float

    @property
    def within_spread(self) -> bool:
        """Whether the means differ by no more than the folds' spread."""
        return abs(self.difference) <= self.spread

    def as_dict(self) -> dict[str, Any]:
        """The comparison as a JSON object."""
        return asdict(self) | {"within_spread": self.within_spread}


def compared(first: Path, second: Path) -> tuple[SameAccuracy, ...]:
    """Every configuration that is finished in both folders of studies.

    Raises `SpondylError` for studies of other films or folds, and where nothing is finished in
    both.
    """
    one, other = studies.load(first), studies.load(second)
    if one.splits.as_dict() != other.splits.as_dict():
        raise SpondylError(
            f"{first} and {second}: other films or other folds",
            "Run both on the same films, with the same seed and the same number of folds.",
        )
    theirs = {outcome.configuration: outcome for outcome in other.outcomes()}
    found = tuple(
        _compared(outcome, outcome.predictions, match, match.predictions)
        for outcome in one.outcomes()
        if (match := theirs.get(outcome.configuration)) is not None
        and outcome.predictions is not None
        and match.predictions is not None
    )
    if not found:
        raise SpondylError(
            f"{first} and {second}: no configuration is finished in both",
            "Run both to their end with `spondyl study run`.",
        )
    return found


def differing(first: Path, second: Path) -> str:
    """What the two specs say differently, key by key."""
    ours, theirs = (_keys(studies.load(folder)) for folder in (first, second))
    return ", ".join(
        f"{key} {ours[key]} / {theirs[key]}" for key in ours if ours[key] != theirs[key]
    )


def lines(found: Sequence[SameAccuracy]) -> Iterator[str]:
    """The comparisons as text."""
    for one in found:
        yield one.configuration
        yield (
            f"  accuracy {mean(one.first):.3f} / {mean(one.second):.3f}, difference "
            f"{one.difference:+.3f}, folds spread {one.spread:.3f}: "
            f"{'within' if one.within_spread else 'beyond'} it"
        )
        yield (
            f"  right in one only: {one.only_first_right} / {one.only_second_right} films, "
            f"exact McNemar p = {one.p_mcnemar:.3f}"
        )
        yield f"  {one.seconds_first:.0f} s / {one.seconds_second:.0f} s of training"


def _keys(study: Study) -> dict[str, Any]:
    return study.spec.model_dump(mode="json")


def _compared(
    one: Outcome, ours: PredictionTable, other: Outcome, theirs: PredictionTable
) -> SameAccuracy:
    first, second = (_accuracies(table) for table in (ours, theirs))
    pair = compare("first", ours, "second", theirs)
    return SameAccuracy(
        configuration=str(one.configuration),
        first=first,
        second=second,
        difference=mean(second) - mean(first),
        spread=stdev(first) if len(first) > 1 else float("nan"),
        only_first_right=pair.first_only,
        only_second_right=pair.second_only,
        p_mcnemar=pair.p_value,
        seconds_first=sum(fold.seconds for fold in one.folds),
        seconds_second=sum(fold.seconds for fold in other.folds),
    )


def _accuracies(table: PredictionTable) -> tuple[float, ...]:
    parts = [table.rows_of_fold(fold) for fold in sorted(set(table.folds.tolist()))]
    return tuple(float((part.predicted == part.truth).mean()) for part in parts)
