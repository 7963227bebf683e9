"""Everything that is computed of a survey's answers, once, for tables, pages and JSON alike.

What cannot be computed is a `NotRun` in its place, with its reason. Every interval resamples films
with one seed, so the same answers give the same analysis; all of them are conditional on these
readers and these networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from spondyl.review.agreement import Resampling
from spondyl.review.analysis.against_labels import AgainstLabels, against_labels, selection
from spondyl.review.analysis.between_readers import QuestionAgreement, between_readers
from spondyl.review.analysis.cases import Case, cases
from spondyl.review.analysis.counting import Counted, count
from spondyl.review.analysis.decoys import Acceptance, decoys
from spondyl.review.analysis.predicting import ScorePrediction, predict
from spondyl.review.analysis.sections import QuestionTable, film_tables, map_tables
from spondyl.review.analysis.self_agreement import SelfAgreement, self_agreement
from spondyl.review.analysis.times import Times, times
from spondyl.review.analysis.with_networks import Changes, WithNetwork, changes, with_networks
from spondyl.review.records import Answer, Survey
from spondyl.review.standing import Shown
from spondyl.trust.intervals import LEVEL, N_RESAMPLES, NotRun
from spondyl.trust.plain import plain

SCHEMA_VERSION = 1

CONDITIONAL = (
    "Intervals resample films, each with all that was said of it: they say what other films chosen "
    "in the same way would have done to a figure, not what other readers would have."
)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much was asked and answered."""

    n_films: int
    n_repeats: int
    n_maps: int
    """Networks' own heatmaps, repeats left out."""
    n_decoys: int
    readers: tuple[str, ...]
    n_answers: int
    """That were given, each once."""
    n_counted: int
    """Of them those that count, one to each question: what the tables are made of."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a survey's answers say."""

    survey_id: str
    title: str
    labels: tuple[str, ...]
    extent: Extent
    resampling: Resampling
    selection: str
    """How films were chosen and what that does to shares over them, in words."""
    films: tuple[QuestionTable, ...]
    """Section 1 of the paper's survey."""
    maps: tuple[QuestionTable, ...]
    """Sections 2 and 3."""
    cases: tuple[Case, ...]
    """The films that a network got wrong, one by one."""
    between_readers: tuple[QuestionAgreement, ...] | NotRun
    self_agreement: tuple[SelfAgreement, ...] | NotRun
    against_labels: AgainstLabels | NotRun
    with_networks: tuple[WithNetwork, ...] | NotRun
    changes: tuple[Changes, ...] | NotRun
    decoys: tuple[Acceptance, ...] | NotRun
    scores: tuple[ScorePrediction, ...] | NotRun
    times: Times | NotRun
    conditional: str = CONDITIONAL

    def as_dict(self) -> dict[str, Any]:
        """The analysis as plain values for JSON; what was not run is `{"why": …}`."""
        return {"schema_version": SCHEMA_VERSION, **plain(self)}


def analyse(
    survey: Survey,
    answers: Sequence[Answer],
    shown: Iterable[Shown],
    seed: int | None = None,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Analysis:
    """All of it, from all `answers` in the order in which they were kept, and what was `shown`
    when; films are drawn with `seed`, or the survey's.

    Raises `SpondylError` where answers are not of this survey.
    """
    counted = count(survey, answers, shown)
    resampling = Resampling(survey.seed if seed is None else seed, n_resamples, level)
    several = len(counted.readers) > 1
    alone = NotRun(f"agreement needs two readers, and {len(counted.readers)} answered")
    return Analysis(
        survey.survey_id,
        survey.title,
        survey.labels,
        _extent(counted, answers),
        resampling,
        selection(counted.items),
        film_tables(counted, resampling),
        map_tables(counted, resampling),
        cases(counted),
        between_readers(counted, resampling) if several else alone,
        self_agreement(counted, resampling),
        against_labels(counted, resampling),
        with_networks(counted, resampling),
        changes(counted, resampling),
        decoys(counted, resampling),
        predict(counted, resampling),
        times(counted, resampling),
    )


def _extent(counted: Counted, answers: Sequence[Answer]) -> Extent:
    return Extent(
        len({item.film_sha256 for item in counted.items}),
        len(counted.repeats),
        len(counted.map_rows()),
        len(counted.map_rows(decoys=True)),
        counted.readers,
        len({answer.answer_id for answer in answers}),
        len(counted.counts),
    )
