"""The sections of a report: which text, figures, tables and films, and in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.figure import Figure

from spondyl.learn.networks import parse
from spondyl.report import (
    canvas,
    diagrams,
    figures,
    finding_tables,
    protocol_tables,
    repeat_tables,
    result_tables,
    study_tables,
    words,
)
from spondyl.report.contents import Gallery, ReportContents
from spondyl.report.published import Published
from spondyl.report.summary import Compared, Scored
from spondyl.report.tables import Table


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A figure under its file name, with what a reader must know to read it."""

    name: str
    caption: str
    figure: Figure

    @property
    def inline(self) -> Markup:
        """The figure as part of a page."""
        return Markup(canvas.inline(self.figure, self.name))


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A part of the page: text, then figures, then tables, then films."""

    anchor: str
    title: str
    text: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Table, ...] = ()
    gallery: Gallery | None = None


def compose(
    contents: ReportContents, scored: Sequence[Scored], compared: Sequence[Compared]
) -> tuple[Section, ...]:
    """The sections of a report in their order; figures need a configuration that was run."""
    outcomes, published = contents.outcomes, contents.published
    strategies = list(dict.fromkeys(outcome.configuration.strategy for outcome in outcomes))
    sections = [
        Section(
            "run",
            "What was run, and on which weights",
            tables=(result_tables.weights(outcomes), study_tables.strategies(strategies)),
        ),
        Section(
            "results",
            "Results",
            drawings=_accuracies(contents, scored),
            tables=(
                result_tables.pooled(outcomes, scored),
                result_tables.by_fold(outcomes, scored),
                *repeat_tables.tables(scored),
            ),
        ),
    ]
    if scored:
        sections += _details(scored, compared)
    sections += [
        Section(f"films-{number}", gallery.title, (gallery.chosen,), gallery=gallery)
        for number, gallery in enumerate(contents.galleries, start=1)
    ]
    if contents.heatmap_scores:
        sections.append(_heatmap_scores(contents))
    sections += [
        _data(contents),
        Section(
            "methods",
            "Methods",
            words.methods(contents.spec),
            drawings=_diagrams(contents),
            tables=(study_tables.settings(contents.spec), study_tables.folds(contents.splits)),
        ),
    ]
    if published:
        sections.append(_published(contents, scored, published))
    if contents.extra_tables:
        sections.append(Section("more", "Further tables", tables=contents.extra_tables))
    return tuple(sections)


def _heatmap_scores(contents: ReportContents) -> Section:
    return Section(
        "heatmap-scores",
        "Heatmaps: what they are worth",
        (
            "Every score stands beside that of four maps that know nothing of the answer: random "
            "noise, a blob in the centre of the film, the film's edges, and the same method on the "
            "same network untrained. A heatmap that does not beat them tells no more than they do.",
            "Each film was asked about the label that was predicted for it, by the network that "
            "was tested on it. Intervals are 95 % over groups of films.",
        ),
        tables=contents.heatmap_scores,
    )


def _diagrams(contents: ReportContents) -> tuple[Drawing, ...]:
    cohort, spec = contents.cohort, contents.spec
    way = diagrams.pipeline(
        cohort.n_films,
        cohort.n_groups,
        contents.splits.divided.replace(", ", "\n"),
        spec["protocols"],
    )
    whole = (network for network in spec["networks"] if ":" not in network)
    by_family = {parse(network).architecture.family: network for network in whole}
    return (
        Drawing("pipeline", "The way of a film through the study.", way),
        *(
            Drawing(
                f"classifier-{family.name}",
                f"The classifier of {network} as published and as it is here: the last dense layer "
                "is replaced. A probe keeps no other dense layer.",
                diagrams.classifier(family.above, len(spec["labels"]), spec["strategies"]),
            )
            for family, network in by_family.items()
        ),
    )


def _accuracies(contents: ReportContents, scored: Sequence[Scored]) -> tuple[Drawing, ...]:
    caption = (
        "Accuracy pooled over folds; lines are 95 % intervals over groups of films. The dashed "
        "line is the accuracy of always saying the most frequent class."
    )
    if contents.published:
        caption += (
            f" Diamonds: {contents.published.citation}, protocol “{contents.published.protocol}”, "
            f"n = {contents.published.n}: another protocol, not the same quantity."
        )
    figure = figures.accuracies(contents.outcomes, scored, contents.published)
    return (Drawing("accuracy", caption, figure),)


def _details(scored: Sequence[Scored], compared: Sequence[Compared]) -> list[Section]:
    learned = [one for one in scored if any(fold.history for fold in one.outcome.folds)]
    sections = [
        Section(
            "classes",
            "By class",
            drawings=(
                Drawing(
                    "classes",
                    "Sensitivity (of the films of a class, how many were found) and precision (of "
                    "the films called so, how many were), with 95 % Wilson intervals.",
                    figures.classes(scored),
                ),
            ),
            tables=(result_tables.per_class(scored), *finding_tables.tables(scored)),
        ),
        Section(
            "confusion",
            "Confusion: what is taken for what",
            drawings=(
                Drawing(
                    "confusion",
                    "Rows are the truth, columns the prediction: films, and share of the row.",
                    figures.confusions(scored),
                ),
            ),
        ),
        Section("roc", "ROC curves", drawings=tuple(map(_roc, scored))),
        Section(
            "reliability",
            "Calibration: are the probabilities true?",
            drawings=(
                Drawing(
                    "reliability",
                    "Of calls made with a probability, the share that was right, with 95 % Wilson "
                    "intervals; on the dotted line they agree. Grey bars count films (highest bar "
                    "= most). Probabilities as the networks gave them, each on a scale of its own, "
                    "pooled.",
                    figures.reliability(scored),
                ),
            ),
        ),
    ]
    if compared:
        worth = protocol_tables.shortcut(scored)
        sections.append(
            Section(
                "comparisons",
                "Comparisons: which differ?",
                tables=(result_tables.comparisons(compared), *([worth] if worth else [])),
            )
        )
    if learned:
        drawings = (*map(_learning, learned), *_stopped_early(scored))
        sections.append(Section("learning", "Learning curves", drawings=drawings))
    return sections


def _stopped_early(scored: Sequence[Scored]) -> list[Drawing]:
    """A drawing for each network whose frozen features were under a trained and a solved head."""
    solved = {
        one.outcome.configuration.network: one
        for one in scored
        if one.outcome.configuration.strategy == "probe"
    }
    return [
        Drawing(
            f"stopped-early-{one.outcome.configuration.slug}",
            f"{one.name}: the head trained by gradient steps, mean and range of the folds on the "
            "part that steers, against the same frozen features under a head solved to its end. "
            "A head that is stopped early is judged before it has learned what its features hold.",
            figures.stopped_early(one, solved[one.outcome.configuration.network]),
        )
        for one in scored
        if one.outcome.configuration.strategy == "feature-extraction"
        and one.outcome.configuration.network in solved
    ]


def _roc(one: Scored) -> Drawing:
    pooled = (
        " Pooled over folds (its probabilities are of as many networks as there are folds), the "
        "mean of the folds' curves, and their range."
        if one.n_folds > 1
        else ""
    )
    return Drawing(
        f"roc-{one.outcome.configuration.slug}",
        f"{one.name}. Each class against the rest.{pooled} In brackets the 95 % interval over "
        "groups.",
        figures.rocs(one),
    )


def _learning(one: Scored) -> Drawing:
    return Drawing(
        f"learning-{one.outcome.configuration.slug}",
        f"{one.name}. One line per fold; rings mark the epochs that were kept, where recorded.",
        figures.learning(one.outcome),
    )


def _data(contents: ReportContents) -> Section:
    cohort = contents.cohort
    counted = {"Sex": cohort.sexes, "View": cohort.views}
    text = [
        f"{what}: {', '.join(f'{value} {n}' for value, n in pairs)}."
        for what, pairs in counted.items()
        if pairs
    ]
    if cohort.ages_years:
        low, middle, high = cohort.ages_years
        text.append(
            f"Age stated for {cohort.n_ages} of {cohort.n_films} films: {low:g} to {high:g} years, "
            f"median {middle:g}."
        )
    else:
        text.append("Age: not stated for any film.")
    text += cohort.problems
    tables = [study_tables.classes(cohort)]
    if contents.duplicates:
        tables.append(study_tables.duplicates(contents.duplicates))
    else:
        text.append("No films were taken for one.")
    return Section("data", "Films and groups", tuple(text), tables=tuple(tables))


def _published(contents: ReportContents, scored: Sequence[Scored], published: Published) -> Section:
    return Section(
        "published-figures",
        "Published figures",
        ("Figures of others, under their own protocol, beside ours. They were not measured here.",),
        tables=(
            result_tables.beside_published(contents.outcomes, scored, published),
            *study_tables.published_tables(published),
        ),
    )
