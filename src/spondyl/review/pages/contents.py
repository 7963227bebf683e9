"""What a survey's page says, in its order: in short, section by section, and what it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from spondyl.report.tables import Table
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.pages import absent, agreeing, answers, believed, figure, film_rows, labels
from spondyl.review.pages.film_pictures import FilmShown
from spondyl.review.pages.section import Section
from spondyl.review.pages.words import count, listed, sure
from spondyl.review.questions import sha256_of_questions
from spondyl.review.records import Survey

NOTICE = "Research, not diagnosis."
LIMITS = (
    "It is no validation of a network: readers saw one view and nothing of the patient, and their "
    "labels are opinions too.",
    "A heatmap that looks right does not show that the network uses what is seen there, and one "
    "that looks wrong does not show the opposite.",
    "Nothing here says that readers with heatmaps diagnose better than readers without.",
    "No figure speaks of other readers, other networks or other hospitals.",
)


@dataclass(frozen=True, slots=True)
class PageContents:
    """Everything that the page shows; nothing else is read."""

    title: str
    facts: Mapping[str, str]
    """How much was asked and answered."""
    selection: str
    short: tuple[str, ...]
    """What was found, a sentence each."""
    sections: tuple[Section, ...]
    limits: tuple[str, ...]
    """What the analysis is not."""
    reproduce: Mapping[str, str]
    """Names and values that are needed to make it again."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """All of them, those that stand in files only among them."""
        return tuple(t for one in self.sections for t in (*one.tables, *one.files))


def contents_of(survey: Survey, found: Analysis, films: Sequence[FilmShown] = ()) -> PageContents:
    """What is shown of `found`, the analysis of `survey`, with pictures of `films` or without;
    ValueError where it is of another survey."""
    if found.survey_id != survey.survey_id:
        raise ValueError(f"an analysis of {found.survey_id}, a survey {survey.survey_id}")
    return PageContents(
        found.title,
        _facts(found),
        found.selection,
        tuple(_short(survey, found)),
        (
            answers.figure_of(figure.drawing(found)),
            answers.film_alone(found),
            answers.heatmaps(found),
            labels.against(found),
            labels.rescored(found),
            agreeing.between(survey, found),
            agreeing.with_themselves(found),
            believed.decoys(found),
            labels.minds(found),
            believed.scores(found),
            believed.times(found),
            film_rows.wrongly_predicted(found, films),
            absent.not_run(found),
        ),
        (*LIMITS, found.conditional),
        _reproduce(survey, found),
    )


def _facts(found: Analysis) -> dict[str, str]:
    extent = found.extent
    return {
        "readers": str(len(extent.readers)),
        "films": f"{extent.n_films}, {extent.n_repeats or 'none'} of them twice",
        "heatmaps": f"{extent.n_maps} of the networks' own, {count(extent.n_decoys, 'decoy')}",
        "answers": f"{extent.n_answers} given, {extent.n_counted} counted",
    }


def _short(survey: Survey, found: Analysis) -> Iterator[str]:
    if not found.extent.n_counted:
        yield "Nobody has answered yet: there is nothing to be said."
        return
    yield from labels.told(found)
    yield from agreeing.told(survey, found)
    key = next((q.key for q in survey.questions if q.looks_right), None)
    yield from answers.told(found, key)
    yield from believed.told(found)


def _reproduce(survey: Survey, found: Analysis) -> dict[str, str]:
    drawn = found.resampling
    methods = sorted({m.method for item in survey.items for m in item.maps if m.method})
    return {
        "survey": survey.survey_id,
        "created": survey.created,
        "labels": listed(survey.labels),
        "heatmaps by": listed(methods) if methods else "not said",
        "questions, SHA-256": sha256_of_questions(survey.questions),
        "readers": listed(found.extent.readers) if found.extent.readers else "none",
        "intervals": f"{sure(drawn.level)}; {drawn.n_resamples} resamples of films, "
        f"expanded percentiles, seed {drawn.seed}",
    }
