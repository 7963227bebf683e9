"""The same sheet as a PDF: A4, one page, text that can be selected, pictures and fonts inside.

Decision: everything is set twice, once without ink to learn how high the words are, so that the
pictures get exactly what is left. DejaVu Sans comes with Matplotlib and is embedded, as far as it
is used. Letters that it lacks are drawn as "□"; the title in the file's own properties keeps them.
Nothing is tagged but the pictures' descriptions: screen readers are served better by the HTML.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from fpdf import FPDF
from fpdf.enums import MethodReturnValue
from fpdf.fonts import TTFFont

from spondyl.data.pixels import Pixels
from spondyl.measure.measurement import NOTICE
from spondyl.reading import picture
from spondyl.reading.record import Reading
from spondyl.report.readings.contents import Sheet, sheet_of, trimmed

WIDTH, HEIGHT, RIM = 210.0, 297.0, 14.0
"""Of the sheet and its margins, millimetres."""
HIGHEST, LOWEST = 125.0, 14.0
"""Of a picture at most and at least, millimetres."""
_TRIED = ((1600, 85.0), (1000, 85.0), (600, 85.0), (300, 40.0), (100, LOWEST))
"""One after the other: characters in each list, and the height that pictures then ask for."""
_FONT = "DejaVu"
_GAP, _FOOT = 4.0, 12.0
_NARROWEST = 26.0
"""Of the room for a picture's title, millimetres."""
_INK, _QUIET, _LINE = 20, 90, 190
_LEADING = 1.3 * 25.4 / 72
"""Millimetres of a line to a point of its letters."""
_BETWEEN = 6.0
"""Millimetres between two columns."""
_LABEL_COLUMNS = ((0.0, 35.5), (37.0, 16.5), (53.5, 17.0), (70.5, 17.5))
_CURVE_COLUMNS = ((0.0, 31.0), (31.0, 25.0), (56.0, 19.0), (75.0, 13.0))
"""(left edge, width) in millimetres."""


def pdf(reading: Reading, film: Pixels, when: datetime | None = None) -> bytes:
    """The page of one film as the bytes of a PDF file; arguments and errors as of `page.html`.

    One reading at one `when` gives the same bytes.
    """
    moment = when or datetime.now(UTC)
    sheet = fitted(sheet_of(reading, film, moment))
    made = document(sheet.title, moment)
    add(made, sheet)
    return bytes(made.output())


def document(title: str, when: datetime) -> FPDF:
    """An empty document with its fonts, language, title and date."""
    made = FPDF(format="A4")
    made.set_auto_page_break(False)
    made.set_margin(0)
    made.alias_nb_pages("")  # else a film called {nb} would be called 1
    made.c_margin = 0
    for bold in (False, True):
        made.add_font(_FONT, "B" if bold else "", picture.font_file(bold))
    made.set_lang("en")
    made.set_title(title)
    made.set_subject(NOTICE)
    made.set_creator("spondyl")
    made.set_creation_date(when)
    return made


def add(made: FPDF, sheet: Sheet) -> None:
    """Adds a page with one film, as `fitted` left it, to a document."""
    made.add_page()
    _set(_Pen(made, ink=True), sheet, min(HIGHEST, max(LOWEST, _room(made, sheet))))


def fitted(sheet: Sheet) -> Sheet:
    """The sheet with its lists cut so far that one page holds it and pictures of a fair size."""
    made = document(sheet.title, datetime.now(UTC))
    made.add_page()
    natural = (WIDTH - 2 * RIM) / sum(one.aspect for one in sheet.pictures)
    for characters, asked in _TRIED:
        cut = trimmed(sheet, characters)
        if _room(made, cut) >= min(asked, natural):
            break
    return cut


def _room(made: FPDF, sheet: Sheet) -> float:
    """The height that all words leave to the pictures, millimetres."""
    words = _Pen(made, ink=False)
    _set(words, sheet, 0.0)
    return HEIGHT - _FOOT - 3 - words.y


class _Pen:
    """A column that is written from the top down; without ink it only finds how far that goes."""

    def __init__(
        self, made: FPDF, ink: bool, x: float = RIM, y: float = RIM, width: float = WIDTH - 2 * RIM
    ) -> None:
        self.made, self.ink, self.x, self.y, self.width = made, ink, x, y, width

    def column(self, x: float, width: float) -> _Pen:
        """Another column that begins at the same height."""
        return _Pen(self.made, self.ink, x, self.y, width)

    def say(
        self, text: str, size: float = 8, bold: bool = False, grey: int = _INK, before: float = 0
    ) -> None:
        """A paragraph of `size` points, `before` millimetres below what stands there."""
        self.y += before
        self.made.set_font(_FONT, "B" if bold else "", size)
        self.made.set_text_color(grey)
        self.made.set_xy(self.x, self.y)
        self.y += self.made.multi_cell(  # type: ignore[operator]
            self.width,
            size * _LEADING,
            _drawable(text.replace(" %", "\u00a0%"), self.made, bold),
            align="L",
            dry_run=not self.ink,
            output=MethodReturnValue.HEIGHT,
        )

    def rule(self, before: float = 0, grey: int = _LINE) -> None:
        """A thin line across the column."""
        self.y += before
        if self.ink:
            self.made.set_draw_color(grey)
            self.made.set_line_width(0.2)
            self.made.line(self.x, self.y, self.x + self.width, self.y)

    def box(self, x: float, y: float, width: float, height: float) -> None:
        """A black rectangle."""
        if self.ink:
            self.made.set_draw_color(_INK)
            self.made.set_fill_color(_INK)
            self.made.set_line_width(0.2)
            self.made.rect(x, y, width, height, "DF")

    def picture(self, data: bytes, box: tuple[float, float, float, float], alt: str) -> None:
        """A picture in `box` (x, y, width, height)."""
        if self.ink:
            x, y, width, height = box
            self.made.image(io.BytesIO(data), x, y, width, height, alt_text=alt)


_Block = Callable[[_Pen, Sheet], None]


def _set(pen: _Pen, sheet: Sheet, picture_height: float) -> None:
    """Everything from the top of the sheet to its foot."""
    pen.say(
        "Research, not diagnosis. Nothing here may guide the care of a patient.", 8, grey=_QUIET
    )
    pen.say(f"Reading of {sheet.name}", 9, grey=_QUIET, before=2)
    _answer(pen, sheet)
    for doubt in sheet.doubts:
        _item(pen, doubt, 9)
    _pictures(pen, sheet, picture_height)
    pen.say(" ".join(sheet.heat), 7.5, grey=_QUIET, before=1)
    pen.y += 3
    _beside(pen, sheet, _labels, _curves)
    if sheet.warnings or sheet.not_run:
        pen.y += 2.5
        _beside(pen, sheet, _warnings, _not_run)
    _made(pen, sheet)
    if pen.ink:
        pen.y = HEIGHT - _FOOT
        pen.say(NOTICE, 8, bold=True)


def _answer(pen: _Pen, sheet: Sheet) -> None:
    top = pen.y + 1
    stands = pen.column(pen.x + (0 if sheet.answered else 4), pen.width)
    stands.say(sheet.answer, 19, bold=True, before=1)
    if not sheet.answered:
        pen.box(pen.x, top, 1.4, stands.y - top)
    pen.y = stands.y + 0.8


def _item(pen: _Pen, text: str, size: float) -> None:
    """A sentence of a list."""
    mark, words = pen.column(pen.x, 3), pen.column(pen.x + 3, pen.width - 3)
    mark.say("•", size)
    words.say(text, size)
    pen.y = words.y + 0.5


def _pictures(pen: _Pen, sheet: Sheet, height: float) -> None:
    """The pictures side by side, each as high as the others, as far as they are not too broad."""
    pen.y += 2.5
    free = pen.width - _GAP * (len(sheet.pictures) - 1)
    high = min(height, free / sum(one.aspect for one in sheet.pictures))
    widths = [max(one.aspect * high, _NARROWEST) for one in sheet.pictures]
    places = [pen.x + sum(widths[:i]) + i * _GAP for i in range(len(widths))]
    columns = [pen.column(x, width) for x, width in zip(places, widths, strict=True)]
    for column, one in zip(columns, sheet.pictures, strict=True):
        column.say(one.title, 8, bold=True)
    top = max(column.y for column in columns) + 0.6
    for column, one in zip(columns, sheet.pictures, strict=True):
        pen.picture(one.jpeg, (column.x, top, one.aspect * high, high), one.alt)
    pen.y = top + high
    _scale(pen.column(columns[1].x, widths[1]), sheet)
    pen.y += 6.5


def _scale(pen: _Pen, sheet: Sheet) -> None:
    """The ramp below the heat, with its two numbers."""
    alt = f"Scale of the heat, from {sheet.scale.low} to {sheet.scale.high}."
    pen.picture(sheet.scale.png, (pen.x, pen.y + 1, pen.width, 2), alt)
    pen.y += 3.3
    pen.made.set_font(_FONT, "", 7)
    long = pen.made.get_string_width(_drawable(sheet.scale.high, pen.made, False)) + 0.5
    pen.column(pen.x + pen.width - long, long).say(sheet.scale.high, 7)
    pen.say(sheet.scale.low, 7)


def _beside(pen: _Pen, sheet: Sheet, *blocks: _Block) -> None:
    """Blocks in columns of equal width; what comes next stands below the longest."""
    width = (pen.width - _BETWEEN) / 2
    x, ends = pen.x, [pen.y]
    for block in blocks:
        column = pen.column(x, width)
        block(column, sheet)
        if column.y > pen.y:
            ends.append(column.y)
            x += width + _BETWEEN
    pen.y = max(ends)


def _labels(pen: _Pen, sheet: Sheet) -> None:
    """The table of probabilities, with a bar for each, and what is said of it."""
    pen.say("Probabilities", 9.5, bold=True)
    asked = sheet.labels[0].kept is not None
    _row(
        pen,
        _LABEL_COLUMNS,
        ("Label", "Probability", "", "Cannot be ruled out" if asked else ""),
        head=True,
    )
    for row in sheet.labels:
        kept = "" if row.kept is None else "● yes" if row.kept else "–"
        top = pen.y
        _row(pen, _LABEL_COLUMNS, (row.label, "", row.share, kept), bold=row.kept is True)
        left, width = _LABEL_COLUMNS[1][0], _LABEL_COLUMNS[1][1] - 2
        pen.box(pen.x + left, top + 1.7, max(0.3, width * row.probability), 2.2)
    pen.rule(before=0.3)
    for note in sheet.label_notes:
        pen.say(note, before=0.9)


def _curves(pen: _Pen, sheet: Sheet) -> None:
    """The table of curves, the largest in bold, and what is said of them."""
    pen.say("Measurement", 9.5, bold=True)
    if sheet.curves:
        _row(pen, _CURVE_COLUMNS, ("Curve", "Cobb angle", "From, to", "Apex"), head=True)
        for row in sheet.curves:
            _row(pen, _CURVE_COLUMNS, (row.name, row.cobb, row.ends, row.apex), bold=row.main)
        pen.rule(before=0.3)
    for note in sheet.curve_notes:
        pen.say(note, before=0.9)


def _row(
    pen: _Pen,
    columns: Sequence[tuple[float, float]],
    cells: Sequence[str],
    head: bool = False,
    bold: bool = False,
) -> None:
    """A row of a table, as high as its highest cell, with a line above."""
    pen.rule(before=0.5, grey=_INK if head else _LINE)
    ends = []
    for (left, width), text in zip(columns, cells, strict=True):
        cell = pen.column(pen.x + left, width)
        cell.say(text, 7.5 if head else 8, bold=bold, grey=_QUIET if head else _INK, before=0.5)
        ends.append(cell.y)
    pen.y = max(ends)


def _warnings(pen: _Pen, sheet: Sheet) -> None:
    _list(pen, "Warnings", sheet.warnings)


def _not_run(pen: _Pen, sheet: Sheet) -> None:
    _list(pen, "Not done", sheet.not_run)


def _list(pen: _Pen, title: str, sentences: Sequence[str]) -> None:
    """A heading and its sentences; nothing where there are none."""
    if sentences:
        pen.say(title, 9.5, bold=True)
        for sentence in sentences:
            _item(pen, sentence, 8)


def _made(pen: _Pen, sheet: Sheet) -> None:
    """What made it, and what it is for."""
    pen.rule(before=2)
    pen.y += 1
    for name, value in (*sheet.made, ("Intended use", sheet.intended_use)):
        said = pen.column(pen.x + 24, pen.width - 24)
        pen.column(pen.x, 24).say(name, 7.2, grey=_QUIET)
        said.say(value, 7.2)
        pen.y = said.y


def _drawable(text: str, made: FPDF, bold: bool) -> str:
    """`text` with "□" for every letter that the font lacks."""
    font = made.fonts[f"{_FONT.lower()}{'B' if bold else ''}"]
    drawn = font.cmap if isinstance(font, TTFFont) else {}
    return "".join(letter if ord(letter) in drawn else "□" for letter in text)
