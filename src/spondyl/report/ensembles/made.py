"""An ensemble as one record: its members, their vote, its figures and their maps. Nothing is drawn.

Which films are asked for their maps is decided before any map exists: every film that the vote got
wrong, right ones drawn evenly by the seed, and, for pictures only, those right ones of which some
member said something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.data.radiograph import Radiograph
from spondyl.explain.ensemble import consistency as consistencies
from spondyl.explain.ensemble import maps as ensemble_maps
from spondyl.explain.ensemble import place
from spondyl.explain.ensemble.consistency import Consistency
from spondyl.explain.ensemble.maps import FilmMaps, MemberMaps
from spondyl.learn.members import Member
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.strategies import STRATEGIES
from spondyl.progress import Track, silently
from spondyl.trust.answers import ensemble_figures, ensembling
from spondyl.trust.answers.ensemble_figures import Worth
from spondyl.trust.answers.ensembling import Vote, Voter, Weighting
from spondyl.trust.asking import map_consistency
from spondyl.trust.asking.map_consistency import MapFigures

N_FILMS = 100
MOST_SAVED = 12
"""Films drawn on which the vote was right and some member wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """The maps of some films, and what they say."""

    method: str
    radiographs: tuple[Radiograph, ...]
    """The films that are scored, then those that are only drawn."""
    rows: tuple[int, ...]
    """Of each in the tables of the vote."""
    n_scored: int
    maps: tuple[MemberMaps, ...]
    films: tuple[FilmMaps, ...]
    weights: NDArray[np.float64]
    """(members, n)."""
    consistency: Consistency
    """Of all these films."""
    figures: MapFigures
    """Of the scored ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """All that a page of an ensemble shows."""

    name: str
    members: tuple[Member, ...]
    vote: Vote
    worth: Worth
    looked: Looked | None
    """None where maps were not wanted."""
    seed: int


def make(
    name: str,
    members: Sequence[Member],
    weighting: Weighting,
    n_films: int,
    method: str,
    masks: Path | None,
    seed: int,
    device: torch.device,
    track: Track = silently,
) -> Made:
    """The ensemble of `members`; maps by `method` of `n_films` right films and of all wrong ones,
    none where `n_films` is 0. Raises `SpondylError` as voting and explaining do."""
    voters = [Voter(one.name, one.test, one.tune, one.why_no_tune) for one in members]
    vote = ensembling.vote(voters, weighting)
    worth = ensemble_figures.worth(name, vote, seed, n_train=_n_train(members))
    looked = None
    if n_films:
        looked = _look(members, vote, n_films, method, masks, seed, device, track)
    return Made(name, tuple(members), vote, worth, looked, seed)


def sampled(vote: Vote, n_films: int, seed: int) -> tuple[list[int], list[int]]:
    """Rows of the vote's table whose maps are scored, and rows that are only drawn.

    Scored are all wrong films and `n_films` right ones (all, where there are fewer), drawn evenly.
    """
    table = vote.table
    right = table.predicted == table.truth
    draws = np.random.default_rng(seed)
    drawn = draws.permutation(np.flatnonzero(right))[:n_films].tolist()
    scored = [*np.flatnonzero(~right).tolist(), *drawn]
    some_wrong = np.any([one.predicted != one.truth for one in vote.members], axis=0)
    saved = np.flatnonzero(right & some_wrong).tolist()[:MOST_SAVED]
    return scored, [row for row in saved if row not in scored]


def _look(
    members: Sequence[Member],
    vote: Vote,
    n_films: int,
    method: str,
    masks: Path | None,
    seed: int,
    device: torch.device,
    track: Track,
) -> Looked:
    scored, only_drawn = sampled(vote, n_films, seed)
    rows = [*scored, *only_drawn]
    table = vote.table.taken(rows)
    known = {film.image_id: film for film in members[0].study.cohort.radiographs}
    films = tuple(known[image_id] for image_id in table.image_ids)
    maps = ensemble_maps.ask(members, films, table.folds, table.predicted, method, device, track)
    weights = ensemble_figures.of_films(vote)[:, rows]
    together = tuple(
        ensemble_maps.together(maps, row, weights[:, row]) for row in range(len(films))
    )
    alike = consistencies.consistency(vote.names, together, seed)
    n = len(scored)
    spine = None
    if masks is not None:
        cells = [one.cells for one in together[:n]]
        spine = place.on_spine(masks, films[:n], maps, cells, weights[:, :n])
    figures = map_consistency.figures(vote, scored, alike.of_first(n), spine, seed)
    return Looked(method, films, tuple(rows), n, maps, together, weights, alike, figures)


def _n_train(members: Sequence[Member]) -> float:
    """Films that a network was fitted on, on the mean over members and folds."""
    counts = []
    for member in members:
        solved = STRATEGIES[member.configuration.strategy].how == "solved"
        for trial in member.study.trials(member.configuration):
            counts.append(len(trial.parts.train) + solved * len(trial.parts.tune))
    return float(np.mean(counts))


def own_words(table: PredictionTable, row: int) -> tuple[str, float, bool]:
    """What a table says of a film: label, its probability, and whether it is right."""
    column = int(table.predicted[row])
    shares = table.probabilities[row]
    return table.labels.names[column], float(shares[column]), column == int(table.truth[row])
