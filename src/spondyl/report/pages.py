"""A report as one page that opens anywhere, with its figures and tables as files beside it.

Decision: the page carries its style, figures and films inside itself and asks nothing of a network
(its own security policy forbids it), at the price of a few megabytes. Scores come from `summary`,
sentences from `words`; here they are put in order. `report.html` is written last, so a folder that
holds one holds all that it links to.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from spondyl.files import write_text
from spondyl.report import canvas, figures, result_tables, study_tables, words
from spondyl.report.contents import Gallery, ReportContents
from spondyl.report.published import Published
from spondyl.report.summary import Compared, Scored, compare_all, score_all
from spondyl.report.tables import Table, as_csv, as_latex


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


def write(contents: ReportContents, folder: Path) -> Path:
    """Writes report.html, figures/*.svg and *.png, tables/*.csv and *.tex; returns the page's path.

    Each file is whole or absent and replaces one of its name; `folder` is made where missing.
    Raises ValueError where an extra table has the file name of one of ours.
    """
    scored = score_all(contents.outcomes)
    compared = compare_all(scored)
    sections = compose(contents, scored, compared)
    slugs = [table.slug for section in sections for table in section.tables]
    if len(set(slugs)) < len(slugs):
        raise ValueError(f"two tables of one name: {sorted(slugs)}")
    for section in sections:
        for drawing in section.drawings:
            canvas.save(drawing.figure, folder / "figures", drawing.name)
        for table in section.tables:
            write_text(folder / "tables" / f"{table.slug}.csv", as_csv(table))
            write_text(folder / "tables" / f"{table.slug}.tex", as_latex(table))
    page = folder / "report.html"
    write_text(page, _render(contents, words.headline(contents, scored, compared), sections))
    return page


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
            ),
        ),
    ]
    if scored:
        sections += _details(scored, compared)
    sections += [
        Section(f"films-{number}", gallery.title, (gallery.chosen,), gallery=gallery)
        for number, gallery in enumerate(contents.galleries, start=1)
    ]
    sections += [
        _data(contents),
        Section(
            "methods",
            "Methods",
            words.methods(contents.spec),
            tables=(study_tables.settings(contents.spec), study_tables.folds(contents.splits)),
        ),
    ]
    if published:
        sections.append(_published(contents, scored, published))
    if contents.extra_tables:
        sections.append(Section("more", "Further tables", tables=contents.extra_tables))
    return tuple(sections)


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
            tables=(result_tables.per_class(scored),),
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
                    "= most). Probabilities as the networks gave them, five scales pooled.",
                    figures.reliability(scored),
                ),
            ),
        ),
    ]
    if compared:
        sections.append(
            Section(
                "comparisons",
                "Comparisons: which differ?",
                tables=(result_tables.comparisons(compared),),
            )
        )
    if learned:
        sections.append(
            Section("learning", "Learning curves", drawings=tuple(map(_learning, learned)))
        )
    return sections


def _roc(one: Scored) -> Drawing:
    return Drawing(
        f"roc-{one.outcome.configuration.slug}",
        f"{one.name}. Each class against the rest. Pooled over folds (its probabilities are of as "
        "many networks as there are folds), the mean of the folds' curves, and their range; in "
        "brackets the 95 % interval over groups.",
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


def _render(contents: ReportContents, headline: Sequence[str], sections: Sequence[Section]) -> str:
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(data_uri=_data_uri, tied=_tied)
    return environment.get_template("report.html.jinja").render(
        contents=contents,
        headline=headline,
        sections=sections,
        style=Markup(_template("report.css")),
        reproduce=_reproduce(contents),
    )


def _reproduce(contents: ReportContents) -> dict[str, str]:
    """What is needed to make the same figures again, in the order to be shown."""
    return {
        "command": contents.command or "not stated",
        "begun": contents.when,
        "cohort sha256": contents.cohort.sha256,
        "splits sha256": contents.splits.sha256,
        "splits seed": str(contents.splits.seed),
        **contents.environment,
    }


def _template(name: str) -> str:
    return resources.files("spondyl.report").joinpath("templates", name).read_text("utf-8")


def _tied(text: str) -> str:
    """No line ends between a number and its sign."""
    return text.replace(" %", "\u00a0%")


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
