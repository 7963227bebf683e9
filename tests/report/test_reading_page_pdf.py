"""The PDF of one film: one page of A4, text that can be selected, any name, the same bytes."""

import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
from fpdf import FPDF
from reading.readings import SIZE, STRANGE, doubted, film, heatmap, network, reading
from test_reading_page import LONG, SCRIPT, WHEN, crowded, pixels

from spondyl.measure.measurement import NOTICE
from spondyl.reading.record import Doubt, LabelSet
from spondyl.report.readings import sheet
from spondyl.report.readings.contents import sheet_of


def pages(data: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", data))


class Said(FPDF):
    """A document that remembers its words in the order they are set."""

    def __init__(self, *given, **named) -> None:
        super().__init__(*given, **named)
        self.told = []

    def multi_cell(self, w, h=None, text="", *rest, **more):
        if not more.get("dry_run"):
            self.told.append((self.get_y(), text))
        return super().multi_cell(w, h, text, *rest, **more)


def told(shown, monkeypatch) -> tuple[bytes, list[tuple[float, str]]]:
    """The file, and (millimetres from the top, words) as they are set on its page."""
    made = []

    def remembered(**named):
        made.append(Said(**named))
        return made[-1]

    monkeypatch.setattr(sheet, "FPDF", remembered)
    data = sheet.pdf(shown, pixels(shown.film.size), WHEN)
    return data, made[-1].told


def words_of(shown, monkeypatch) -> list[str]:
    return [text.replace("\u00a0", " ") for _, text in told(shown, monkeypatch)[1]]


@pytest.mark.parametrize("much", [False, True])
@pytest.mark.parametrize("size", [SIZE, (400, 90), (90, 400)])
def test_a_pdf_is_one_page_and_all_of_it_is_on_the_paper(much, size, monkeypatch):
    shown = replace(crowded() if much else reading(), film=film(name="n" * 300, size=size))
    shown = replace(shown, placement=replace(shown.placement, image_size=size))
    data, words = told(shown, monkeypatch)
    assert pages(data) == 1
    *before, (foot, notice) = words
    assert notice == NOTICE
    assert max(y for y, _ in before) < foot - 3
    assert foot < sheet.HEIGHT - 5


def test_the_pictures_of_a_crowded_sheet_are_still_to_be_seen():
    made = sheet.document("a test", WHEN)
    made.add_page()
    assert sheet._room(made, sheet.fitted(sheet_of(crowded(), pixels(), WHEN))) > 20


def test_labels_of_hundreds_of_letters_leave_room_for_a_picture():
    labels = tuple(f"{i}" + " WWWW" * 90 for i in range(12))
    answers = tuple(network(i, *np.eye(12)[i]) for i in range(12))
    shown = replace(
        crowded(),
        **{"labels": labels, "networks": answers, "heatmap": heatmap(labels[0])},
        label_set=LabelSet(labels[:8], (0.5,) * 12, 0.1),
    )
    made = sheet.document("a test", WHEN)
    made.add_page()
    assert sheet._room(made, sheet.fitted(sheet_of(shown, pixels(), WHEN))) >= sheet.LOWEST


def test_lists_are_cut_only_where_the_sheet_is_full():
    some = reading(warnings=(LONG[:150],) * 5, not_run=(LONG[:100],) * 3)
    whole = sheet_of(some, pixels(), WHEN)
    assert sheet.fitted(whole) == whole
    crowd = sheet_of(crowded(), pixels(), WHEN)
    assert len(sheet.fitted(crowd).warnings) < len(crowd.warnings)


def test_the_answer_stands_at_the_top_and_every_doubt_below_it(monkeypatch):
    other = Doubt("networks disagree", "Two of five networks say something else.")
    words = words_of(doubted(STRANGE, other), monkeypatch)
    assert words.index("No answer") < words.index(STRANGE.why) < words.index(other.why)
    assert words.index(other.why) < words.index("Film")


def test_the_pdf_says_what_the_page_says(monkeypatch):
    shown = reading(warnings=("Older than the training films.",), not_run=("No detector.",))
    words = words_of(shown, monkeypatch)
    set_whole = sheet_of(shown, pixels(), WHEN)
    for said in (
        *set_whole.label_notes,
        *set_whole.curve_notes,
        *set_whole.warnings,
        *set_whole.not_run,
        *(value for _, value in set_whole.made),
        *(row.share for row in set_whole.labels),
        *(row.cobb for row in set_whole.curves),
    ):
        assert said in words


@pytest.mark.parametrize(
    "name",
    [
        "胸椎正面.png",
        "مرحبا",
        "😀🩻",
        "{nb}",
        "\x1b[31m\udcff",
        "",
        SCRIPT,
        "**b** __u__",
        "a" * 999,
    ],
)
def test_a_film_of_any_name_has_its_page(name):
    shown = reading(film=film(name=name))
    assert pages(sheet.pdf(shown, pixels(), WHEN)) == 1


def test_letters_that_the_font_lacks_are_boxes_and_no_other_letter_is(monkeypatch):
    words = words_of(reading(film=film(name="Ωй胸é")), monkeypatch)
    assert "Reading of Ωй□é" in words


def test_fonts_and_pictures_are_inside_and_nothing_is_named_outside():
    data = sheet.pdf(reading(), pixels(), WHEN)
    assert data.count(b"/FontFile2") >= 2
    assert len(re.findall(rb"/Subtype\s*/Image", data)) >= 3
    assert b"http" not in data
    assert b"/JavaScript" not in data


def test_text_can_be_selected():
    """Each font says which letters its glyphs are (ToUnicode), ISO 32000-1, 9.10.3."""
    data = sheet.pdf(reading(), pixels(), WHEN)
    assert data.count(b"/ToUnicode") >= 2
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S)
    packed = [zlib.decompress(one) for one in streams if one[:1] == b"x"]
    assert any(b"beginbfchar" in one or b"beginbfrange" in one for one in packed + streams)


def test_the_file_says_its_title_language_and_that_it_is_research():
    data = sheet.pdf(reading(film=film(name="film")), pixels(), WHEN)
    assert b"/Lang (en)" in data
    assert "Reading of film: scoliosis".encode("utf-16-be") in data or b"Reading of film" in data
    assert b"/Subject" in data
    assert b"/Alt" in data


def test_one_reading_at_one_time_is_the_same_file():
    assert sheet.pdf(reading(), pixels(), WHEN) == sheet.pdf(reading(), pixels(), WHEN)


def test_a_set_that_was_not_asked_has_no_column(monkeypatch):
    for label_set, there in ((None, False), (LabelSet((), (0.0,) * 3, 0.1), True)):
        words = words_of(reading(label_set=label_set), monkeypatch)
        assert ("Cannot be ruled out" in words) == there
        monkeypatch.undo()
