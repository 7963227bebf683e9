"""A report as one page that opens anywhere, with its figures and tables as files beside it.

Decision: the page carries its style, figures and films inside itself and asks nothing of a network
(its own security policy forbids it), at the price of a few megabytes. Scores come from `summary`,
sentences from `words`; here they are put in order. `report.html` is written last, so a folder that
holds one holds all that it links to.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from spondyl.files import write_text
from spondyl.report import canvas, templating, words
from spondyl.report.contents import ReportContents
from spondyl.report.sections import Section, compose
from spondyl.report.summary import compare_all, score_all
from spondyl.report.tables import as_csv, as_latex


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


def _render(contents: ReportContents, headline: Sequence[str], sections: Sequence[Section]) -> str:
    environment = templating.environment()
    environment.filters.update(data_uri=_data_uri)
    return environment.get_template("report.html.jinja").render(
        contents=contents,
        headline=headline,
        sections=sections,
        style=Markup(templating.text_of("report.css")),
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


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
