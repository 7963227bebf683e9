"""A page of sections, whatever they are of: one template, one style, one set of files beside it.

The report of a study, an ensemble, an external test and a comparison differ in what they are made
of and in nothing else. The page carries its style, figures and films inside itself.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from spondyl.files import write_text
from spondyl.report import canvas, templating
from spondyl.report.sections import Section
from spondyl.report.tables import as_csv, as_latex


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the sections."""

    title: str
    films: str
    """The films that it is of, as they shall be called."""
    when: str
    remarks: tuple[str, ...]
    """What a reader of the figures must know of them."""


def write_beside(sections: Sequence[Section], folder: Path) -> None:
    """Writes figures/*.svg and *.png and tables/*.csv and *.tex of all sections into `folder`.

    Each file is whole or absent and replaces one of its name.
    """
    for section in sections:
        for drawing in section.drawings:
            canvas.save(drawing.figure, folder / "figures", drawing.name)
        for table in section.tables:
            write_text(folder / "tables" / f"{table.slug}.csv", as_csv(table))
            write_text(folder / "tables" / f"{table.slug}.tex", as_latex(table))


def render(
    heading: Heading,
    headline: Sequence[str],
    sections: Sequence[Section],
    reproduce: Mapping[str, str],
    digits: str,
) -> str:
    """The page, which asks nothing of a network. `headline` is what it says in short, `reproduce`
    what is needed to make it again, `digits` the file beside it that has all digits."""
    environment = templating.environment()
    environment.filters.update(data_uri=_data_uri)
    return environment.get_template("report.html.jinja").render(
        heading=heading,
        headline=headline,
        sections=sections,
        style=Markup(templating.text_of("report.css")),
        reproduce=reproduce,
        digits=digits,
    )


def reproduction(
    about: Mapping[str, Any], command: str, facts: Mapping[str, str]
) -> dict[str, str]:
    """What is needed to make a page again, in the order to be shown: `command`, the time and the
    versions of `about` (`learn.environment`), and between them the `facts` of what it is of."""
    return {
        "command": command or "not stated",
        "made": about["began"],
        **facts,
        **{f"version of {name}": version for name, version in about["versions"].items()},
    }


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
