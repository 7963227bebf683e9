"""An ensemble as a page, with its figures and tables as files beside it.

The page is the study report's: same style, same galleries. Only what it is made of differs.
"""

from __future__ import annotations

from pathlib import Path

from spondyl.files import write_text
from spondyl.learn.environment import environment
from spondyl.report import section_pages
from spondyl.report.ensembles import drawings, pictures, tables, words
from spondyl.report.ensembles.made import Looked, Made
from spondyl.report.ensembles.record import ENSEMBLE
from spondyl.report.section_pages import Heading
from spondyl.report.sections import Drawing, Section

PAGE = "report.html"


def write(made: Made, folder: Path, command: str = "") -> Path:
    """Writes report.html, figures/ and tables/; returns the page's path."""
    sections = compose(made)
    section_pages.write_beside(sections, folder)
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
    facts = {
        "cohort sha256": study.cohort.sha256,
        "splits sha256": study.splits.sha256,
        "members": "; ".join(one.name for one in made.members),
        "weights": made.vote.weighting,
        "seed": str(made.seed),
    }
    return section_pages.render(
        Heading(made.name, study.cohort.root.name, about["began"], words.remarks(made)),
        words.headline(made),
        sections,
        section_pages.reproduction(about, command, facts),
        ENSEMBLE,
    )
