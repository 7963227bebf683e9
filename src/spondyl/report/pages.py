"""A report as one page that opens anywhere, with its figures and tables as files beside it.

Decision: the page carries its style, figures and films inside itself and asks nothing of a network
(its own security policy forbids it), at the price of a few megabytes. Scores come from `summary`,
sentences from `words`; here they are put in order. `report.html` is written last, so a folder that
holds one holds all that it links to.
"""

from __future__ import annotations

from pathlib import Path

from spondyl.files import write_text
from spondyl.report import section_pages, words
from spondyl.report.contents import ReportContents
from spondyl.report.section_pages import Heading
from spondyl.report.sections import compose
from spondyl.report.summary import compare_all, score_all


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
    section_pages.write_beside(sections, folder)
    page = folder / "report.html"
    heading = Heading(contents.title, contents.cohort.name, contents.when, contents.remarks)
    headline = words.headline(contents, scored, compared)
    reproduce = _reproduce(contents)
    write_text(page, section_pages.render(heading, headline, sections, reproduce, "metrics.json"))
    return page


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
