"""What others wrote about their heatmaps, asked claim by claim of the heatmaps of a study.

A claim is data beside this file: the paper's words, and the comparisons that would make them true,
each with its direction. The films are those that the compared networks got right, as in the
paper's figures; two networks are compared film by film. A comparison holds where the interval of
the mean difference, over groups, lies wholly on the claimed side of zero. The price is threefold:
loose words ("large", "off the target") had to be read somehow, and the data says how; a claim that
there is nothing to see can hold only where there is less than chance; and verdicts are single ones
at 95 %, not corrected for their number, as a bootstrap has no p values small enough to correct.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from math import hypot
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from spondyl.errors import SpondylError
from spondyl.explain.score_table import ScoreTable
from spondyl.learn import networks
from spondyl.learn.outcome import Configuration, Outcome, Protocol, StrategyName
from spondyl.trust import heatmap_scores
from spondyl.trust.heatmap_scores import Average
from spondyl.trust.intervals import Interval

ScoreName = Literal["effective-area", "peak", "energy", "concordance", "peak-distance", "side-peak"]
Label = Literal["normal", "scoliosis", "spondylolisthesis"]
Word = Literal["holds", "does not hold", "undecided", "not run", "cannot be tested by a score"]

EVERY_CLASS = "every class"
OF_PLACE: Mapping[ScoreName, str] = {
    "energy": "a marked spine",
    "concordance": "a marked spine",
    "peak-distance": "a marked target",
    "side-peak": "a stated side of the curve",
}
"""Scores of where the heat lies, and what must be known of a film. Their chance stands in the same
table, film by film, and is always taken off."""
SEED = 20260206
"""Of the group bootstrap, so that equal scores have equal verdicts."""

_PROTOCOLS: tuple[Protocol, ...] = ("paper", "nested")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trained(_Record):
    """A network under a strategy, in the data one text: "resnet50 fine-tuning"."""

    network: str
    strategy: StrategyName

    @model_validator(mode="before")
    @classmethod
    def _parted(cls, said: Any) -> Any:
        if not isinstance(said, str):
            return said
        network, _, strategy = said.partition(" ")
        return {"network": network, "strategy": strategy}

    @field_validator("network")
    @classmethod
    def _known(cls, name: str) -> str:
        networks.parse(name)
        return name

    def __str__(self) -> str:
        return f"{self.network} · {self.strategy}"

    def under(self, protocol: Protocol) -> Configuration:
        """The configuration of a study that is this one; a cut network is another."""
        return Configuration(self.network, self.strategy, protocol)


class Comparison(_Record):
    """The score of `of` on films of `on` is expected higher, or lower, than something else."""

    of: Trained
    on: Label | Literal["every class"]
    score: ScoreName
    expected: Literal["higher", "lower"]
    than: Literal["chance"] | Label | Trained = Field(union_mode="left_to_right")
    """Chance; the same network on another class; or another one on the same films."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.than == "chance" and self.score not in OF_PLACE:
            raise ValueError(f"{self.score} has no chance to be compared with")
        if self.than in (self.of, self.on):
            raise ValueError(f"{self.of}, {self.on}: compared with itself")
        if self.on == EVERY_CLASS and isinstance(self.than, str) and self.than != "chance":
            raise ValueError(f"{EVERY_CLASS} holds {self.than}")
        return self

    @property
    def trained(self) -> tuple[Trained, ...]:
        """The one or two trained networks that are needed."""
        return (self.of, self.than) if isinstance(self.than, Trained) else (self.of,)


class Claim(_Record):
    """Words of a publication, and the comparisons that they amount to, or why there are none."""

    id: str
    section: str
    said: str
    """Quoted; … where words are left out, [ ] where they are ours."""
    reading: str = ""
    """How loose words were read."""
    comparisons: tuple[Comparison, ...] = ()
    not_testable: str = ""

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if bool(self.comparisons) == bool(self.not_testable):
            raise ValueError(f"{self.id}: comparisons, or the reason why there are none")
        return self


class PublishedClaims(_Record):
    """All claims of one publication about its heatmaps."""

    maker: str
    """The method whose maps they speak of, as score tables name it."""
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean difference in the unit of the score; of scores with a chance, of what exceeds it."""

    protocol: Protocol
    partial_weights: tuple[str, ...]
    """Which compared networks began with only a part of their pretrained weights, in words."""
    mean: float
    interval: Interval
    """Its units are groups; of the smaller class where two classes are compared."""
    n_films: tuple[int, ...]
    """Two numbers where two classes are compared."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one comparison of a claim, or of a claim that has none."""

    claim: Claim
    comparison: Comparison | None
    """None where the claim cannot be tested by a score."""
    word: Word
    because: str = ""
    """What was missing, or why it cannot be tested; "" where the interval says it all."""
    measured: Measured | None = None
    """None where nothing was."""


def load(name: str) -> PublishedClaims:
    """The claims of publication `name`; `SpondylError` where none are kept of it."""
    text = resources.files("spondyl.report").joinpath("claims.toml").read_text(encoding="utf-8")
    kept = tomllib.loads(text)
    if name not in kept:
        raise SpondylError(
            f'published = "{name}": nothing is kept of what it says about heatmaps',
            f"There are: {', '.join(kept)}.",
        )
    return PublishedClaims.model_validate(kept[name])


def verdicts(
    published: PublishedClaims,
    outcomes: Sequence[Outcome],
    tables: Mapping[Configuration, ScoreTable],
) -> tuple[Verdict, ...]:
    """A verdict for each comparison, and one for each claim that cannot be tested, in their order.

    `tables` holds the scores of every configuration that was explained, with the predicted label as
    the one asked about; KeyError for a film that its outcome has no prediction of.
    """
    study = _Study(published.maker, {one.configuration: one for one in outcomes}, tables)
    return tuple(
        _verdict(claim, comparison, study)
        for claim in published.claims
        for comparison in claim.comparisons or (None,)
    )


class _LackingError(Exception):
    """What a comparison would need; it becomes the reason of a verdict "not run"."""


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    maker: str
    outcomes: Mapping[Configuration, Outcome]
    tables: Mapping[Configuration, ScoreTable]

    def protocol(self, trained: Sequence[Trained]) -> Protocol:
        """Under which most of them were explained, then run; of equals the paper's own."""
        steps = (self.tables, self.outcomes)
        return max(
            _PROTOCOLS,
            key=lambda name: [sum(one.under(name) in step for one in trained) for step in steps],
        )

    def lacking(self, configuration: Configuration) -> str:
        """Why there are no scores of it; "" where there are."""
        if (outcome := self.outcomes.get(configuration)) is None:
            elsewhere = {(one.network, one.strategy) for one in self.outcomes}
            pair = (configuration.network, configuration.strategy)
            named = configuration if pair in elsewhere else " · ".join(pair)
            return f"{named} is not in this study"
        if outcome.predictions is None:
            return f"{configuration} was not run ({outcome.not_run})"
        if (table := self.tables.get(configuration)) is None or self.maker not in table.makers:
            return f"the {self.maker} maps of {configuration} were not scored"
        return ""

    def right(self, configuration: Configuration, on: str) -> set[str]:
        """Scored films of class `on` of which it said so; raises where there are none."""
        predictions = self.outcomes[configuration].predictions
        assert predictions is not None
        names = predictions.labels.names
        truth = dict(zip(predictions.image_ids, predictions.truth, strict=True))
        films = {
            row.image_id
            for row in self.tables[configuration].rows
            if row.maker == self.maker
            and row.label == names[truth[row.image_id]]
            and on in (row.label, EVERY_CLASS)
        }
        if not films:
            raise _LackingError(f"{configuration} got no scored film of {on} right")
        return films

    def values(self, configuration: Configuration, on: str, score: ScoreName) -> dict[str, float]:
        """Film → score of its map, less its chance where it has one; raises where none is known."""
        table, films = self.tables[configuration], self.right(configuration, on)
        found = table.by_film(score, self.maker)
        chance = dict.fromkeys(found, 0.0)
        if score in OF_PLACE:
            chance = dict(table.by_film(f"{score}-chance", self.maker))
        known = sorted(films & found.keys() & chance.keys())
        if not known:
            needed = f"{OF_PLACE[score]} and a map" if score in OF_PLACE else "a map"
            raise _LackingError(
                f"of {len(films)} scored films of {on} that {configuration} got right none has "
                f"{needed} with heat"
            )
        return {film: found[film] - chance[film] for film in known}


def _verdict(claim: Claim, comparison: Comparison | None, study: _Study) -> Verdict:
    if comparison is None:
        return Verdict(claim, None, "cannot be tested by a score", claim.not_testable)
    try:
        measured = _measured(comparison, study)
    except _LackingError as lacking:
        return Verdict(claim, comparison, "not run", str(lacking))
    return Verdict(claim, comparison, *_word(comparison, measured.interval), measured)


def _word(comparison: Comparison, interval: Interval) -> tuple[Word, str]:
    if not heatmap_scores.enough_groups(interval.n_units, interval.level):
        return "undecided", f"{interval.n_units} groups are too few"
    if interval.low <= 0 <= interval.high:
        return "undecided", ""
    found = "higher" if interval.low > 0 else "lower"
    return ("holds" if found == comparison.expected else "does not hold"), ""


def _measured(comparison: Comparison, study: _Study) -> Measured:
    on, score, than = comparison.on, comparison.score, comparison.than
    protocol = study.protocol(comparison.trained)
    first, *others = configurations = [one.under(protocol) for one in comparison.trained]
    if lacking := [reason for one in configurations if (reason := study.lacking(one))]:
        raise _LackingError("; ".join(lacking))
    partial = tuple(filter(None, (_partial_weights(study.outcomes[c]) for c in configurations)))
    values, groups = study.values(first, on, score), study.tables[first].groups
    for other in others:
        theirs = study.values(other, on, score)
        values = {film: values[film] - theirs[film] for film in values if film in theirs}
        if not values:
            raise _LackingError(f"no film of {on} that {first} and {other} got right has both maps")
    one = _average(values, groups)
    if others or than == "chance":
        return Measured(protocol, partial, one.mean, one.interval, (one.n_defined,))
    elsewhere = _average(study.values(first, str(than), score), groups)
    mean, n_films = one.mean - elsewhere.mean, (one.n_defined, elsewhere.n_defined)
    return Measured(protocol, partial, mean, unpaired(one, elsewhere), n_films)


def unpaired(one: Average, other: Average) -> Interval:
    """Interval of the difference of two means of different films, from the interval of each.

    The squared distances of the means to the limits that matter add up, as for variances
    (Zou & Donner 2008, Statistics in Medicine 27:1693, the case of independent estimates). A group
    with films in both classes as a rule makes it a little too wide.
    """
    mean, a, b = one.mean - other.mean, one.interval, other.interval
    return Interval(
        mean - hypot(one.mean - a.low, b.high - other.mean),
        mean + hypot(a.high - one.mean, other.mean - b.low),
        a.level,
        a.method,
        min(a.n_units, b.n_units),
        a.n_resamples,
    )


def _average(values: Mapping[str, float], groups: Mapping[str, str]) -> Average:
    """Mean over films, with its interval by trust's bootstrap of groups."""
    rows = np.array(list(values.values()))
    of = [groups[film] for film in values]
    return heatmap_scores.judge("", "none", {"": rows}, {}, of, SEED).methods[0].average


def _partial_weights(outcome: Outcome) -> str:
    weights = outcome.weights
    if weights is None or weights.source == "random" or not weights.random_parts:
        return ""
    return f"{outcome.configuration}: {', '.join(weights.random_parts)} at random"
