"""An external test as a page, with its figures and tables as files beside it.

The page is the study report's: same style, same sections. Only what it is made of differs.
"""

from __future__ import annotations

from pathlib import Path

from spondyl.files import write_json, write_text
from spondyl.learn.environment import environment
from spondyl.reading.external import External
from spondyl.report import section_pages
from spondyl.report.external import drawings, record, shift_tables, tables, words
from spondyl.report.section_pages import Heading
from spondyl.report.sections import Drawing, Section

PAGE = "report.html"


def write(found: External, folder: Path, command: str = "") -> Path:
    """Writes external.json, predictions.csv, figures/, tables/ and, last, report.html; returns the
    page's path."""
    write_json(folder / record.JSON, record.document(found, command))
    write_text(folder / record.PREDICTIONS, record.predictions(found))
    sections = compose(found)
    section_pages.write_beside(sections, folder)
    write_text(folder / PAGE, _render(found, sections, command))
    return folder / PAGE


def compose(found: External) -> tuple[Section, ...]:
    """The sections of the page in their order."""
    return (_called(found), _changes(found), _sure(found), _shift(found), _labels(found))


def _called(found: External) -> Section:
    by = f"by {found.banded.column}" if found.banded else "by label"
    caption = (
        f"Share of the other films called each label, {by}. Thick lines: 95 % over groups; thin: "
        "95 %, Wilson."
    )
    confusions = (tables.confusion(one, at) for at, one in enumerate(found.tested, start=1))
    return Section(
        "called",
        "What the films are called",
        words.how(),
        (Drawing("called", caption, drawings.called(found)),),
        (*tables.banded(found), tables.called(found), *confusions),
    )


def _changes(found: External) -> Section:
    caption = "Films called rightly at home and outside, with 95 % intervals over groups."
    return Section(
        "changes",
        "What is lost on the way",
        words.about_change(),
        (Drawing("changes", caption, drawings.changes(found)),),
        (tables.changes(found), tables.ensembles(found), *tables.areas(found)),
    )


def _sure(found: External) -> Section:
    caption = (
        "How often calls are right that are so sure, at the study's temperature; lines are 95 %, "
        "Wilson, grey bars the films."
    )
    return Section(
        "sure",
        "How sure the networks are, and who would get no answer",
        drawings=(Drawing("reliability", caption, drawings.reliability(found)),),
        tables=(tables.calibration(found), tables.refusals(found)),
    )


def _shift(found: External) -> Section:
    caption = (
        "How well the other films are told from the study's without any network, of all films; "
        "lines are 95 % over groups, dashed: nothing is told."
    )
    shown = (Drawing("told", caption, drawings.told(found)),) if found.shift.told else ()
    return Section(
        "shift",
        "How the two cohorts differ",
        words.about_shift(),
        shown,
        (shift_tables.told(found), shift_tables.facts(found), *shift_tables.distances(found)),
    )


def _labels(found: External) -> Section:
    return Section("labels", "Labels in both cohorts", tables=(shift_tables.shares(found),))


def _render(found: External, sections: tuple[Section, ...], command: str) -> str:
    about, study = environment(), found.study
    facts = {
        "study's cohort sha256": study.cohort.sha256,
        "splits sha256": study.splits.sha256,
        "other cohort sha256": found.pair.outside.sha256,
        "seed": str(found.seed),
        **{f"weights of {one.figures.title}": str(one.weights) for one in found.tested},
    }
    names = f"{study.cohort.root.name} → {found.path.stem}"
    return section_pages.render(
        Heading(f"External test: {names}", names, about["began"], words.remarks(found)),
        words.headline(found),
        sections,
        section_pages.reproduction(about, command, facts),
        record.JSON,
    )
