"""A patient's films together as one page: which bears on which disease, and each by itself."""

from __future__ import annotations

from markupsafe import Markup

from spondyl.measure.measurement import NOTICE
from spondyl.reading import words
from spondyl.reading.patients import PatientFilm, PatientSummary
from spondyl.report import templating
from spondyl.report.readings.page import page


def html(patient: PatientSummary, links: bool = True) -> str:
    """The page of a patient's summary; with `links`, to the pages of the films beside it."""
    filled = (
        templating.environment()
        .get_template("reading_patient.html.jinja")
        .render(
            patient=patient,
            answers=[_answer(film) for film in patient.films],
            links=links,
            notice=NOTICE,
        )
    )
    return page([Markup(filled)], f"Films of {patient.patient}")


def _answer(film: PatientFilm) -> str:
    if film.answer is None:
        return f"{words.NO_ANSWER}: {' '.join(words.sentences(film.why_no_answer))}"
    return f"{words.shown(film.answer)}, {words.share(film.probability)}"
