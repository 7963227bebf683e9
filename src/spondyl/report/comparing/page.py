"""A comparison as a page: the study report's template, with figures and tables beside it.

Decision: what others published has a section of its own at the end and shares no table, column or
figure with what was measured here. The price: a reader who wants both side by side has to do that
by hand, and reads the protocols on the way.
"""

from __future__ import annotations

from pathlib import Path

from spondyl.files import readable_json, write_text
from spondyl.learn.environment import environment
from spondyl.report import published, published_references, section_pages
from spondyl.report.comparing import document, drawings, pair_tables, tables, words
from spondyl.report.comparing.compared import Compared
from spondyl.report.section_pages import Heading
from spondyl.report.sections import Drawing, Section
from spondyl.report.tables import Table, as_latex

PAGE, CSV, LATEX, JSON = (f"comparison.{kind}" for kind in ("html", "csv", "tex", "json"))
ARTICLE = "ahmad2026"
TITLE = "Comparison of configurations"


def write(compared: Compared, folder: Path, command: str = "") -> Path:
    """Writes comparison.json, .csv and .tex, figures/, tables/, and comparison.html last; returns
    the page's path."""
    paper, cited = published.load(ARTICLE), published_references.references()
    sections = compose(compared)
    section_pages.write_beside(sections, folder)
    every = [table for section in sections for table in section.tables]
    content = document.document(compared, paper, cited, command)
    write_text(folder / JSON, readable_json(content))
    write_text(folder / CSV, document.flat_csv(compared))
    write_text(folder / LATEX, "\n".join(map(as_latex, every)))
    write_text(folder / PAGE, _render(compared, sections, command))
    return folder / PAGE


def compose(compared: Compared) -> tuple[Section, ...]:
    """The sections of the page in their order."""
    return (
        Section("rows", "What is compared", tables=(tables.what(compared),)),
        _accuracy(compared),
        _tests(compared),
        Section("calibration", "Calibration", tables=(tables.calibration(compared),)),
        Section("honesty", "What the answers rest on", tables=(tables.honesty(compared),)),
        Section("heatmaps", "Heatmaps", tables=(tables.heatmaps(compared),)),
        Section("costs", "Costs", tables=(tables.costs(compared),)),
        _fronts(compared),
        _published(),
    )


def _accuracy(compared: Compared) -> Section:
    shown = Drawing(
        "accuracy",
        "Accuracy on distinct films with 95 % Wilson intervals. Whether two rows differ is told by "
        "the paired tests, and not by whether these lines overlap.",
        drawings.accuracies(compared),
    )
    given = (tables.accuracy(compared), tables.labels(compared), tables.own_films(compared))
    return Section(
        "accuracy", "How often right", drawings=(shown,), tables=tuple(t for t in given if t)
    )


def _tests(compared: Compared) -> Section:
    drawn: tuple[Drawing, ...] = ()
    n = len(compared.shared.rows)
    if not compared.pairs.reference and 2 < n <= drawings.MOST_IN_MATRIX:
        drawn = (
            Drawing(
                "pairs",
                "Row minus column, points of accuracy on all films in common; rows by their "
                "numbers. A dot: the exact McNemar test tells the two apart, corrected for all "
                "comparisons.",
                drawings.matrix(compared),
            ),
        )
    best = pair_tables.best(compared)
    given: list[Table] = [best] if best else []
    given += [pair_tables.pairs(compared), pair_tables.areas(compared)]
    return Section(
        "tests",
        "Which differ, and which may be the best",
        words.about_tests(),
        drawn,
        tuple(given),
    )


def _fronts(compared: Compared) -> Section:
    text = [
        f"Accuracy against {front.x_label}: not drawn, fewer than two rows have both figures."
        for front in compared.fronts
        if len(front.spots) < 2
    ]
    drawn = tuple(
        Drawing(f"front-{front.slug}", words.front_caption(front), drawings.front(front))
        for front in compared.fronts
        if len(front.spots) > 1
    )
    return Section("fronts", "What is bought with what: Pareto fronts", tuple(text), drawn)


def _published() -> Section:
    paper, cited = published.load(ARTICLE), published_references.references()
    return Section(
        "published",
        "Published figures",
        (
            "Figures of others, on their films and under their protocols. They were not measured "
            "here and are no rivals of the rows above: an accuracy without its protocol and its "
            "number of films is another quantity.",
        ),
        tables=(pair_tables.published(paper), pair_tables.references(paper, cited)),
    )


def _render(compared: Compared, sections: tuple[Section, ...], command: str) -> str:
    about, shared = environment(), compared.shared
    runs = dict.fromkeys(source.name for row in compared.rows for source in row.sources)
    facts = {
        "runs": "; ".join(runs),
        "cohort sha256": "; ".join(shared.cohorts),
        "splits sha256": "; ".join(shared.splits),
        "seed": str(compared.seed),
    }
    films = f"{shared.n_films} films in common of {', '.join(runs)}"
    return section_pages.render(
        Heading(TITLE, films, about["began"], words.remarks(compared)),
        words.headline(compared),
        sections,
        section_pages.reproduction(about, command, facts),
        JSON,
    )
