"""A part of a survey's page: what is said, drawn and tabled, in that order."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from spondyl.report.tables import Table
from spondyl.review.pages.film_pictures import FilmShown


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as an `<svg>` element, with what it shows in words."""

    name: str
    inline: Markup
    caption: str
    alt: str
    """What is seen, for whoever does not see it."""


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the page."""

    anchor: str
    title: str
    text: tuple[str, ...] = ()
    drawing: Drawing | None = None
    tables: tuple[Table, ...] = ()
    """On the page, and as CSV."""
    files: tuple[Table, ...] = ()
    """As CSV only, because they grow with the number of readers; the page names them."""
    films: tuple[FilmShown, ...] = ()
    """With pictures, where the page shows any."""
