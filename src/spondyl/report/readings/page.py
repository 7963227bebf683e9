"""A reading as one page of HTML that opens anywhere, and is one sheet of A4 when it is printed.

Decision: the page carries its style and pictures inside itself and its own policy forbids it to ask
for anything more. It says what the PDF says, cut where the PDF is cut, and on paper the pictures
take what the words leave. The price: a browser with a very broad font prints very small pictures.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from spondyl.data.pixels import Pixels
from spondyl.measure.measurement import NOTICE
from spondyl.reading.record import Reading
from spondyl.report import templating
from spondyl.report.readings.contents import Sheet, sheet_of
from spondyl.report.readings.sheet import fitted


def html(reading: Reading, film: Pixels, when: datetime | None = None) -> str:
    """The page of one film; `film` holds its pixels, `when` is shown as the date (None: now).

    ValueError for a film of another size than the reading's.
    """
    sheet = fitted(sheet_of(reading, film, when))
    return page([section(sheet)], sheet.title)


def section(sheet: Sheet, number: int = 1) -> Markup:
    """The part of a page that shows one film, `number` of those on it, each its own sheet."""
    environment = templating.environment()
    environment.filters.update(data_uri=_data_uri)
    filled = environment.get_template("reading_film.html.jinja").render(
        sheet=sheet, number=number, notice=NOTICE
    )
    return Markup(filled)


def page(sections: Sequence[Markup], title: str) -> str:
    """A whole page of such sections."""
    return (
        templating.environment()
        .get_template("reading.html.jinja")
        .render(
            title=title,
            sections=sections,
            style=Markup(templating.text_of("report.css") + templating.text_of("reading.css")),
        )
    )


def _data_uri(picture: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
