"""An ensemble as a page, with its figures and tables as files beside it.

The page is the study report's: same style, same galleries. Only what it is made of differs.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from spondyl.files import write_text
from spondyl.learn.environment import environment
from spondyl.report import canvas, templating
from spondyl.report.ensembles import drawings, pictures, tables, words
from spondyl.report.ensembles.made import Looked, Made
from spondyl.report.ensembles.record import ENSEMBLE
from spondyl.report.sections import Drawing, Section
from spondyl.report.tables import as_csv, as_latex

PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class _Films:
    name: str


@dataclass(frozen=True, slots=True)
class _Contents:
    """What the report's template reads beside sections and headline."""

    title: str
    cohort: _Films
    when: str
    remarks: tuple[str, ...]


def write(made: Made, folder: Path, command: str = "") -> Path:
    """Writes report.html, figures/ and tables/; returns the page's path."""
    sections = compose(made)
    for section in sections:
        for drawing in section.drawings:
            canvas.save(drawing.figure, folder / "figures", drawing.name)
        for table in section.tables:
            write_text(folder / "tables" / f"{table.slug}.csv", as_csv(table))
            write_text(folder / "tables" / f"{table.slug}.tex", as_latex(table))
    write_text(folder / PAGE, _render(made, sections, command))
    return folder / PAGE


def compose(made: Made) -> tuple[Section, ...]:
    """The sections of the page in their order."""
    accuracies = Drawing(
        "accuracy",
        "Accuracy pooled over folds with 95 % intervals over groups of films; the diamond is the "
        "ensemble.",
        drawings.accuracies(made),
    )
    sections = [
        Section(
            "figures",
            "How often right",
            words.how(),
            (accuracies,),
            (tables.figures(made), tables.comparisons(made)),
        ),
        Section(
            "members",
            "Who counts how much, and brings what",
            tables=(tables.weights(made.vote), tables.brought(made)),
        ),
    ]
    if made.looked is not None:
        sections += _maps(made, made.looked)
    return tuple(sections)


def _maps(made: Made, looked: Looked) -> list[Section]:
    figures = looked.figures
    scored = made.vote.table.taken(looked.rows[: looked.n_scored])
    right = (scored.predicted == scored.truth).astype(float)
    drawn = Drawing(
        "consistency",
        "A mark for each film: mean agreement over every two members. Bars: medians. Lines: means "
        "of what agrees without any reason to, and of what differs by another draw of films alone.",
        drawings.consistency(looked, right),
    )
    shown = [*tables.consistency(figures), tables.detection(figures)]
    if figures.placed is not None:
        shown.append(tables.spine(figures.placed))
    sections = [
        Section(
            "maps",
            "Do the members look at the same place?",
            words.about_maps(),
            (drawn,),
            tuple(shown),
        )
    ]
    sections += [
        Section(f"films-{number}", gallery.title, (gallery.chosen,), gallery=gallery)
        for number, gallery in enumerate(pictures.galleries(made, looked), start=1)
    ]
    return sections


def _render(made: Made, sections: tuple[Section, ...], command: str) -> str:
    study = made.members[0].study
    about = environment()
    renderer = templating.environment()
    renderer.filters.update(data_uri=_data_uri)
    reproduce = {
        "command": command or "not stated",
        "made": about["began"],
        "cohort sha256": study.cohort.sha256,
        "splits sha256": study.splits.sha256,
        "members": "; ".join(one.name for one in made.members),
        "weights": made.vote.weighting,
        "seed": str(made.seed),
        **{f"version of {name}": version for name, version in about["versions"].items()},
    }
    return renderer.get_template("report.html.jinja").render(
        contents=_Contents(
            made.name, _Films(study.cohort.root.name), about["began"], words.remarks(made)
        ),
        headline=words.headline(made),
        sections=sections,
        style=Markup(templating.text_of("report.css")),
        reproduce=reproduce,
        digits=ENSEMBLE,
    )


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
