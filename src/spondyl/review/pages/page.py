"""A survey's analysis as one page for print and screen, and as files beside it.

Decision: the page carries its style and its figure inside itself and its own policy forbids it to
ask for anything, so that it can be mailed and put into a supplement. It shows no film unless it is
asked to: those stay in the survey's folder. Tables are the text that the page shows; all digits are
in the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from markupsafe import Markup

from spondyl.files import write_json, write_text
from spondyl.report import templating
from spondyl.report.tables import as_csv
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.pages.contents import NOTICE, PageContents, contents_of
from spondyl.review.pages.film_pictures import films_shown
from spondyl.review.records import Survey

PAGE, RECORD, TABLES = "analysis.html", "analysis.json", "tables"


def write(
    survey: Survey, analysis: Analysis, folder: Path, pictures: Mapping[str, bytes] | None = None
) -> Path:
    """Writes analysis.json, tables/*.csv and analysis.html into `folder`; returns the page's path.

    With `pictures`, those that `film_pictures.names_of` asks for, the page shows the wrongly
    predicted films and their heatmaps; else it shows no film. Each file is whole or absent and
    replaces one of its name, the page last; `folder` is made where missing. ValueError where the
    analysis is of another survey.
    """
    films = films_shown(survey, analysis, pictures) if pictures is not None else ()
    contents = contents_of(survey, analysis, films)
    page = render(contents)
    (folder / TABLES).mkdir(parents=True, exist_ok=True)
    write_json(folder / RECORD, analysis.as_dict())
    for table in contents.tables:
        write_text(folder / TABLES / f"{table.slug}.csv", as_csv(table))
    write_text(folder / PAGE, page)
    return folder / PAGE


def render(contents: PageContents) -> str:
    """The page, which asks nothing of a network; ValueError for tables of one name."""
    slugs = [table.slug for table in contents.tables]
    if len(set(slugs)) < len(slugs):
        raise ValueError(f"tables need names of their own: {slugs}")
    template = templating.environment().from_string(_text("analysis.html.jinja"))
    style = templating.text_of("report.css") + _text("analysis.css")
    return template.render(contents=contents, notice=NOTICE, folder=TABLES, style=Markup(style))


def _text(name: str) -> str:
    """Of a template of this room."""
    return resources.files("spondyl.review.pages").joinpath("templates", name).read_text("utf-8")
