"""A survey's page: every figure of the analysis in words, nothing fetched, nothing left out."""

import base64
import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from html import unescape
from html.parser import HTMLParser
from importlib import resources

import pytest
from hand_filled import QUESTIONS, Sheet, again, decoy, item, survey
from PIL import Image

from spondyl.review.analysis.analysis import analyse
from spondyl.review.pages import film_pictures, page
from spondyl.review.pages.contents import LIMITS, contents_of
from spondyl.review.pages.words import p_value, signed
from spondyl.review.simulated import SimulatedReader, Simulation, simulate
from spondyl.trust.intervals import NotRun, wilson

SCRIPT = "<script>alert(1)</script> & $x$"


class Seen(HTMLParser):
    """Tags with their attributes, and the texts of cells by table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def of(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def words_of(html: str) -> str:
    """The page's text, without markup."""
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", html, flags=re.DOTALL)
    text = unescape(re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ")
    return " ".join(text.split())


def rows_of(folder, slug):
    with (folder / "tables" / f"{slug}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def reasons_in(value):
    """Every reason in an analysis, however deep."""
    if isinstance(value, NotRun):
        yield value.why
    elif isinstance(value, tuple):
        for one in value:
            yield from reasons_in(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from reasons_in(getattr(value, field.name))


@pytest.fixture(scope="module")
def three():
    """A survey of three readers, and its analysis."""
    readers = (
        SimulatedReader("R1", 0.9, follows_score=0.4, persuaded=0.1, quickens=0.9),
        SimulatedReader("R2", 0.8),
        SimulatedReader("R3", 0.7, accepts_decoy=0.6),
    )
    asked, answers = simulate(Simulation(readers, n_films=30, n_repeats=6, n_decoys=8), 3)
    return asked, analyse(asked, answers, (), n_resamples=60)


@pytest.fixture(scope="module")
def written(three, tmp_path_factory):
    """The folder with the page of three readers."""
    folder = tmp_path_factory.mktemp("page")
    assert page.write(*three, folder) == folder / "analysis.html"
    return folder


def hand_filled():
    """Two readers, three films: one missed by the first network, one with a decoy, one again."""
    first = item(0, "normal", ("scoliosis", "normal"))
    asked = survey(first, decoy(item(1)), item(2), again(first, 3))
    sheet = Sheet(asked)
    sheet.diagnoses("R1", "scoliosis", "normal", "normal", "scoliosis")
    sheet.diagnoses("R2", "scoliosis", "normal", None, "normal")
    for reader, said in (("R1", "no"), ("R2", "yes")):
        sheet.say(reader, "i0m0", "right", said)
        sheet.say(reader, "i0m1", "right", "yes")
    sheet.say("R1", "i0", "remark", SCRIPT)
    return asked, sheet.answers


def test_the_page_asks_nothing_of_a_network_and_holds_no_script(written):
    html = (written / "analysis.html").read_text("utf-8")
    seen = Seen(html)
    policy = next(m["content"] for m in seen.of("meta") if "content" in m and "http-equiv" in m)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert not re.search(r"https?://(?!www\.w3\.org)", html)
    assert not [tag for tag, _ in seen.tags if tag in ("script", "iframe", "object", "link", "img")]
    linked = [a["href"] for a in seen.of("a")]
    assert all(one.startswith(("#", "tables/")) for one in linked)
    assert all((written / one).is_file() for one in linked if one.startswith("tables/"))
    anchors = {attrs.get("id") for _, attrs in seen.tags}
    assert {one[1:] for one in linked if one.startswith("#")} <= anchors


def test_every_table_has_a_caption_scopes_and_a_file(written):
    html = (written / "analysis.html").read_text("utf-8")
    seen = Seen(html)
    assert html.count("<table") == len(seen.of("caption")) > 10
    assert all(head.get("scope") in ("col", "row") for head in seen.of("th"))
    drawn = [a for tag, a in seen.tags if a.get("role") == "img"]
    assert len(drawn) == 1
    assert "attention" in drawn[0]["aria-label"]
    for table in re.findall(r'id="table-([a-z-]+)"', html):
        assert rows_of(written, table)


def test_ids_of_the_page_occur_once(written):
    ids = [
        a["id"] for _, a in Seen((written / "analysis.html").read_text("utf-8")).tags if "id" in a
    ]
    assert len(ids) == len(set(ids))


def test_the_json_beside_the_page_is_the_analysis(three, written):
    assert json.loads((written / "analysis.json").read_text("utf-8")) == three[1].as_dict()


def test_every_reason_for_something_that_was_not_run_stands_on_the_page(three, written):
    said = words_of((written / "analysis.html").read_text("utf-8"))
    reasons = list(reasons_in(three[1]))
    assert len(set(reasons)) > 3
    assert [why for why in set(reasons) if " ".join(why.split()) not in said] == []
    assert len(rows_of(written, "not-run-each")) == len(reasons)
    assert sum(int(row["figures"]) for row in rows_of(written, "not-run")) == len(reasons)


def test_shares_of_answers_are_those_of_a_count_by_hand(tmp_path):
    asked, answers = hand_filled()
    page.write(asked, analyse(asked, answers, (), n_resamples=20), tmp_path)
    scoliosis = next(r for r in rows_of(tmp_path, "film-alone") if r["answer"] == "scoliosis")
    interval = wilson(2, 5)
    assert (scoliosis["answers"], scoliosis["%"]) == ("2 of 5", "40.0")
    assert scoliosis["95 % Wilson"] == f"{100 * interval.low:.1f}–{100 * interval.high:.1f}"
    wrong = [r for r in rows_of(tmp_path, "heatmaps") if r["films"] == "it got wrong"]
    assert [(r["network"], r["answer"], r["answers"]) for r in wrong] == [
        ("A net", "yes", "1 of 2")
    ]


def test_a_network_is_scored_anew_on_what_more_than_half_of_the_readers_said(tmp_path):
    asked, answers = hand_filled()
    page.write(asked, analyse(asked, answers, (), n_resamples=20), tmp_path)
    first, second = rows_of(tmp_path, "rescored")
    # Both said scoliosis of the film that the data set calls normal: the first network was right.
    assert (first["right by data set"], first["right by experts"]) == ("2 of 3", "3 of 3")
    assert (second["right by data set"], second["right by experts"]) == ("3 of 3", "2 of 3")
    assert first["difference in points (95 %)"].startswith("33.3 (")
    assert second["difference in points (95 %)"].startswith("−33.3 (")


def test_each_wrongly_predicted_film_is_one_row_that_quotes_its_readers(tmp_path):
    asked, answers = hand_filled()
    page.write(asked, analyse(asked, answers, (), n_resamples=20), tmp_path)
    (film,) = rows_of(tmp_path, "films")
    assert film["film"] == "i0"
    assert "diagnosis: scoliosis (R1, R2)" in film["the film alone"].splitlines()
    heatmap = film["A net: prediction and heatmap"].splitlines()
    assert heatmap == ["scoliosis (wrong)", "right: no (R1); yes (R2)"]


def test_what_readers_and_authors_wrote_is_text_and_never_markup(tmp_path):
    asked, answers = hand_filled()
    named = tuple(replace(q, text=SCRIPT) if q.key == "hard" else q for q in QUESTIONS)
    named = tuple(replace(q, options=(*q.options, SCRIPT)) if q.key == "hard" else q for q in named)
    asked = replace(asked, title=SCRIPT, questions=named)
    sheet = Sheet(asked)
    sheet.answers = list(answers)
    sheet.say("R2", "i2", "hard", SCRIPT)
    html = page.write(
        asked, analyse(asked, sheet.answers, (), n_resamples=20), tmp_path
    ).read_text()
    assert "<script" not in html
    assert words_of(html).count("alert(1)") >= 3
    assert "&lt;script&gt;" in html[html.index("<svg") : html.index("</svg>")]


def test_with_many_networks_a_film_stays_one_row_and_the_table_four_columns(tmp_path):
    networks = tuple((f"net{n}", 0.4) for n in range(5))
    readers = (SimulatedReader("R1", 0.9),)
    asked, answers = simulate(Simulation(readers, networks, n_films=6), 4)
    found = analyse(asked, answers, (), n_resamples=20)
    page.write(asked, found, tmp_path)
    rows = rows_of(tmp_path, "films")
    assert [row["film"] for row in rows] == [case.item_id for case in found.cases]
    assert len(rows[0]) == 4
    said = rows[0]["networks: predictions and heatmaps"]
    assert all(f"{name}: {label} (" in said for name, label in found.cases[0].predicted)


def test_what_was_said_of_a_film_after_its_heatmap_is_not_among_what_was_said_of_it_alone(tmp_path):
    asked, answers = hand_filled()
    sheet = Sheet(asked)
    sheet.answers = list(answers)
    sheet.say("R2", "i0", "hard", "hard").say("R2", "i2", "hard", "easy")
    page.write(asked, analyse(asked, sheet.answers, (), n_resamples=20), tmp_path)
    hard = [r for r in rows_of(tmp_path, "film-alone") if r["question"] == "How hard?"]
    assert [(r["answer"], r["answers"]) for r in hard] == [
        ("easy", "1 of 1"),
        ("fair", "0 of 1"),
        ("hard", "0 of 1"),
    ]


def test_a_survey_that_nobody_answered_has_a_page_that_says_so(tmp_path):
    asked, _ = hand_filled()
    said = words_of(page.write(asked, analyse(asked, (), ()), tmp_path).read_text("utf-8"))
    assert "Nobody has answered yet" in said
    assert "Not drawn" in said
    assert "agreement needs two readers, and 0 answered" in said
    assert "nan" not in said.split()


def test_one_reader_has_the_paper_s_tables_and_is_told_why_there_is_no_agreement(tmp_path):
    asked, answers = simulate(Simulation((SimulatedReader("surgeon", 0.9),), n_films=9), 2)
    path = page.write(asked, analyse(asked, answers, (), n_resamples=20), tmp_path)
    said = words_of(path.read_text("utf-8"))
    assert "Not run: agreement needs two readers, and 1 answered." in said
    assert "Not run: the survey holds no decoy." in said
    assert all(row["95 % over films"] == "–" for row in rows_of(tmp_path, "film-alone"))


def test_the_page_says_what_it_is_not_and_how_films_were_chosen(three, written):
    said = words_of((written / "analysis.html").read_text("utf-8"))
    assert all(limit in said for limit in (*LIMITS, "Research, not diagnosis.", three[1].selection))
    assert "convention of Landis and Koch" in said


def test_equal_answers_give_equal_bytes(three, tmp_path):
    first = page.write(*three, tmp_path / "a").read_bytes()
    assert page.write(*three, tmp_path / "b").read_bytes() == first


def test_an_analysis_of_another_survey_is_refused(three):
    with pytest.raises(ValueError, match="an analysis of"):
        contents_of(replace(three[0], survey_id="other"), three[1])


def test_figures_have_a_true_minus_and_no_negative_zero():
    assert [signed(x) for x in (-0.004, -0.5, 0.25)] == ["0.00", "−0.50", "0.25"]
    assert [p_value(x) for x in (0.0004, 0.05)] == ["< 0.001", "0.050"]


def test_the_page_is_made_without_torch():
    code = "import sys, spondyl.review.pages.page; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def picture(grey: int, size=(900, 300)) -> bytes:
    stream = io.BytesIO()
    Image.new("L", size, grey).save(stream, "PNG")
    return stream.getvalue()


def test_a_page_with_films_shows_each_wrong_one_its_heatmaps_and_what_was_said(tmp_path):
    asked, answers = hand_filled()
    answers = [replace(answers[-1], answer_id="remark before any heatmap"), *answers]
    found = analyse(asked, answers, (), n_resamples=20)
    names = film_pictures.names_of(found)
    assert names == ("i0.png", "i0m0.png", "i0m1.png"), "of wrongly predicted films and no other"
    pictures = {name: picture(40 * at) for at, name in enumerate(names)}
    html = page.write(asked, found, tmp_path, pictures).read_text("utf-8")
    shown = Seen(html).of("img")
    assert [one["alt"] for one in shown] == [
        "Film i0",
        "Heatmap of A net over film i0",
        "Heatmap of B net over film i0",
    ]
    for at, one in enumerate(shown):
        content = base64.b64decode(one["src"].removeprefix("data:image/jpeg;base64,"))
        with Image.open(io.BytesIO(content)) as drawn:
            assert max(drawn.size) == film_pictures.LONGEST
            assert drawn.getpixel((9, 9)) == pytest.approx(40 * at, abs=3)
    said = words_of(html)
    assert "A net scoliosis (wrong) right: 1 of 2 yes" in said
    assert "B net normal (right) right: 2 of 2 yes" in said
    assert "diagnosis: scoliosis 2" in said
    assert f"“{SCRIPT}”" in said
    assert "<script" not in html
    assert "Look at every film before" in said


def test_in_print_a_figure_of_many_networks_stands_whole_on_one_page(browser, tmp_path):
    networks = tuple((f"network {n} · fine-tuning · nested", 0.8) for n in range(14))
    readers = (SimulatedReader("R1", 0.9), SimulatedReader("R2", 0.8))
    asked, answers = simulate(Simulation(readers, networks, n_films=6), 4)
    path = page.write(asked, analyse(asked, answers, (), n_resamples=20), tmp_path)
    shown = browser.new_page(viewport={"width": 680, "height": 1001})  # A4 within its margins
    shown.goto(path.as_uri())
    on_screen = shown.locator("figure.drawing").bounding_box()["height"]
    shown.emulate_media(media="print")
    figure = shown.locator("figure.drawing")
    assert on_screen > 1001, "taller than a page where it is as wide as the screen"
    assert figure.bounding_box()["height"] < 900
    assert figure.evaluate("one => getComputedStyle(one).breakInside") == "avoid"
    shown.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_page(browser, tmp_path, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python", reason="axe-playwright-python is not installed"
    )
    asked, answers = hand_filled()
    found = analyse(asked, answers, (), n_resamples=20)
    pictures = {name: picture(90) for name in film_pictures.names_of(found)}
    shown = browser.new_page(color_scheme=scheme)
    shown.goto(page.write(asked, found, tmp_path, pictures).as_uri())
    shown.evaluate(resources.files(axe).joinpath("axe.min.js").read_text("utf-8"))
    seen = shown.evaluate("axe.run()")
    assert len(seen["passes"]) > 10
    assert [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in seen["violations"]
        if one["impact"] in ("serious", "critical")
    ] == []
    shown.close()


def test_on_a_narrow_screen_the_page_itself_never_scrolls_sideways(browser, written):
    shown = browser.new_page(viewport={"width": 390, "height": 800})
    said = []
    shown.on("console", lambda message: said.append(message.text))
    shown.goto((written / "analysis.html").as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    assert said == []
    shown.close()
