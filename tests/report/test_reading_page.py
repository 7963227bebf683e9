"""The page of one film: the answer first, every doubt said, one sheet of paper, nothing fetched."""

import base64
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reading.readings import SEVERAL, SIZE, STRANGE, doubted, film, heatmap, network, reading

from spondyl.data.dicom.facts import DicomFacts
from spondyl.data.pixels import Pixels
from spondyl.data.radiograph import FileFacts
from spondyl.measure.cobb import Curve
from spondyl.reading.record import Doubt, LabelSet
from spondyl.report.readings import contents, page, writing
from spondyl.report.readings.contents import few, sheet_of, shortened

WHEN = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
SCRIPT = "<script>alert('x')</script> & \"quoted\""
LONG = (
    "Of this film something is unlike the films that were trained on, and it is told at length; "
    * 9
)


def pixels(size=SIZE) -> Pixels:
    grey = np.random.default_rng(1).uniform(0, 1, size).astype(np.float32)
    return Pixels(grey, None, None, FileFacts("PNG", *size, "L", 1, None, "0" * 64))


def crowded():
    """A reading that has more to say than a sheet of paper holds."""
    labels = tuple(f"{i} disease with a name as long as its eponyms need" for i in range(12))
    answers = tuple(network(i, *np.eye(12)[i % 3]) for i in range(7))
    curve = Curve("T1", "T3", "T5", "left", 30.0, True, (20.0, 40.0))
    plain = reading()
    return replace(
        plain,
        film=film(name="very_long_name_" * 20),
        labels=labels,
        networks=answers,
        probabilities=np.full(12, 1 / 12),
        learned_from_it=(8, 9),
        label_set=LabelSet(labels, (0.5,) * 12, 0.1),
        doubts=(Doubt("networks disagree", LONG), SEVERAL, STRANGE, Doubt("no label", LONG)),
        heatmap=heatmap(labels[0]),
        measurement=replace(plain.measurement, curves=(curve,) * 7),
        warnings=(LONG,) * 20,
        not_run=(LONG,) * 15,
        intended_use=LONG,
        title="title " * 60,
    )


class Seen(HTMLParser):
    """What a browser would show as text, and every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts, self.tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] != "style":
            self.parts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.parts).replace("\u00a0", " ").split())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def seen(shown, **more) -> Seen:
    return Seen(page.html(shown, pixels(shown.film.size), WHEN, **more))


def test_the_answer_is_the_first_thing_after_the_notice():
    found = seen(reading())
    text = found.text[found.text.index("Research") :]  # behind the title
    said = ("not diagnosis", "scoliosis, ", "Film", "Heat for", "Probabilities", "What made it")
    places = [text.index(one) for one in said]
    assert places == sorted(places)


def test_a_doubted_reading_says_no_answer_and_every_doubt_and_no_label_above_the_films():
    shown = doubted(STRANGE, SEVERAL)
    text = seen(shown).text
    head = text[text.rindex("No answer") : text.index("Heat for")]
    assert STRANGE.why in head
    assert SEVERAL.why in head
    assert "%" not in head
    assert "Reading of film: No answer" in text


def test_probabilities_stand_in_falling_order_with_those_that_cannot_be_ruled_out():
    shown = reading(label_set=LabelSet(("normal", "scoliosis"), (0.2, 0.7, 0.01), 0.1))
    rows = sheet_of(shown, pixels(), WHEN).labels
    expected = sorted(shown.probabilities, reverse=True)
    assert [row.probability for row in rows] == pytest.approx(expected)
    assert {row.label for row in rows if row.kept} == {"normal", "scoliosis"}
    markup = page.html(shown, pixels(), WHEN)
    kept = re.findall(r'<th scope="row">(\w+)</th><td class="bar">.*?● yes', markup)
    assert sorted(kept) == ["normal", "scoliosis"]
    assert "90 of 100" in seen(shown).text


def test_without_a_set_no_label_is_called_ruled_out():
    shown = reading(label_set=None, not_run=("The bundle has no thresholds.",))
    text = seen(shown).text
    assert "ruled" not in text
    assert "The bundle has no thresholds." in text


def test_millimetres_are_said_only_where_the_file_states_them():
    assert "mm not stated" in seen(reading()).text
    assert not re.search(r"\d mm", seen(reading()).text)
    facts = DicomFacts(*"12345", "MONOCHROME2", 12, spacing_kind="detector")
    known = reading(film=film(spacing_mm=(0.2, 0.1), dicom=facts))
    text = seen(known).text
    assert f"{0.1 * SIZE[1]:.0f} × {0.2 * SIZE[0]:.0f} mm on the detector" in text


def test_what_made_it_is_on_the_page():
    shown = reading()
    text = seen(shown).text
    for said in (
        shown.bundle_id[:16],
        shown.title,
        shown.film.sha256[:16],
        "Grad-CAM at layer4",
        "2026-11-25 12:30 UTC",
        shown.intended_use,
        shown.measurement.made_by,
    ):
        assert said in text


def test_the_page_asks_nothing_of_a_network_and_runs_nothing():
    markup = page.html(crowded(), pixels(), WHEN)
    assert "default-src 'none'" in markup
    assert not re.search(r"https?://|@import|url\(", markup)
    found = Seen(markup)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in found.tags}
    assert all(image["src"].startswith("data:image/") for image in found.all("img"))


def test_names_and_labels_are_shown_and_never_taken_for_markup():
    labels = ("normal", SCRIPT, "spondylolisthesis")
    shown = reading(
        **{"film": film(name=SCRIPT), "labels": labels, "heatmap": heatmap(SCRIPT)},
        **{"warnings": (SCRIPT,), "not_run": (SCRIPT,), "title": SCRIPT, "intended_use": SCRIPT},
        label_set=LabelSet((SCRIPT,), (0.0, 1.0, 0.0), 0.1),
    )
    found = seen(shown)
    assert "script" not in {tag for tag, _ in found.tags}
    assert found.text.count("<script>alert('x')</script>") >= 4


def test_a_reader_of_screens_is_told_what_each_picture_shows():
    values = np.zeros((3, 3), np.float32)
    values[2, 0] = 1
    shown = reading(heatmap=replace(heatmap(), signed=values))
    images = seen(shown).all("img")
    assert all(image["alt"] for image in images)
    assert "lower third of the height and the left third of the width" in images[1]["alt"]
    found = seen(shown)
    assert found.all("html") == [{"lang": "en"}]
    assert all(cell.get("scope") in ("row", "col") for cell in found.all("th"))
    ids = {attributes["id"] for _, attributes in found.tags if "id" in attributes}
    named = {a["aria-labelledby"] for _, a in found.tags if "aria-labelledby" in a}
    assert named
    assert named <= ids


def test_the_film_in_the_page_is_the_film():
    shown, film_pixels = reading(), pixels()
    source = Seen(page.html(shown, film_pixels, WHEN)).all("img")[0]["src"]
    picture = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
    drawn = np.asarray(picture.convert("L"), np.float32) / 255
    assert drawn.shape == film_pixels.size
    assert np.abs(drawn - film_pixels.grey).mean() < 0.05


def test_what_is_left_out_of_a_list_is_counted():
    told = [f"Sentence number {i} of many." for i in range(30)]
    kept = few(told, "warning", 600)
    assert kept[:-1] == tuple(told[: len(kept) - 1])
    assert kept[-1].startswith(f"{30 - len(kept) + 1} more warnings are in the JSON")
    assert few(told[:3], "warning", 600) == tuple(told[:3])
    assert few((LONG, LONG), "doubt", 10)[-1] == "1 more doubt is in the JSON of this reading only."
    assert f"{len(LONG)} characters in all" in few((LONG,), "doubt", 10)[0]


def test_labels_and_curves_that_have_no_room_are_counted():
    sheet = sheet_of(crowded(), pixels(), WHEN)
    assert len(sheet.labels) == contents.MOST_LABELS
    assert "6 more labels are not shown, 50 % together." in sheet.label_notes
    assert len(sheet.curves) == contents.MOST_CURVES
    assert "3 smaller curves not shown." in sheet.curve_notes


def test_the_largest_curves_are_kept_in_their_order_from_the_top():
    sizes = (12.0, 40.0, 11.0, 35.0, 30.0, 50.0)
    curves = tuple(
        Curve(f"T{i}", f"T{i + 1}", f"T{i + 2}", "left", size) for i, size in enumerate(sizes, 1)
    )
    plain = reading().measurement
    shown = reading(measurement=replace(plain, curves=curves))
    rows, _ = contents._curves(shown)
    assert [row.cobb for row in rows] == ["40°", "35°", "30°", "50°"]
    assert [row.main for row in rows] == [False, False, False, True]


def test_a_film_without_too_much_to_say_is_shown_whole():
    shown = reading(warnings=tuple(f"Warning {i} of the film." for i in range(6)))
    text = seen(shown).text
    assert all(warning in text for warning in shown.warnings)
    assert "of this reading only" not in text


@pytest.mark.parametrize("longest", [10, 11, 60])
def test_a_shortened_name_keeps_both_of_its_ends(longest):
    name = "abcdefghijklmnopqrstuvwxyz" * 4
    short = shortened(name, longest)
    assert len(short) == longest
    head, _, tail = short.partition("…")
    assert head
    assert tail
    assert name.startswith(head)
    assert name.endswith(tail)
    assert shortened("short", longest) == "short"


def test_everything_asked_for_is_written_and_the_record_names_it(tmp_path):
    shown = reading(film=film(name="a film/with: signs.png"))
    paths = writing.write(shown, pixels(), tmp_path / "out", when=WHEN)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        path.name for path in paths
    )
    assert [path.suffix[1:] for path in paths] == list(writing.FORMS)
    record = json.loads(paths[-1].read_text(encoding="utf-8"))
    assert all((paths[0].parent / name).is_file() for name in record["files"].values())
    assert {*record["files"], "json"} == set(writing.FORMS)
    assert (np.load(paths[0].parent / record["files"]["npy"]) == shown.heatmap.signed).all()


def test_only_what_is_asked_for_is_written_and_nothing_leaves_the_folder(tmp_path):
    shown = reading(film=film(path=Path("/ward/Jane Doe.png"), name="../../escape"))
    paths = writing.write(shown, pixels(), tmp_path / "out", ["html"], when=WHEN)
    assert [path.parent for path in paths] == [tmp_path / "out"]
    assert not [path for path in tmp_path.rglob("*") if "Jane" in path.name]
    assert "Jane" not in paths[0].read_text(encoding="utf-8")
    assert len(list(tmp_path.rglob("*.*"))) == 1


def test_a_page_is_written_again_byte_for_byte():
    assert page.html(reading(), pixels(), WHEN) == page.html(reading(), pixels(), WHEN)


@pytest.mark.parametrize("size", [SIZE, (400, 90), (90, 400)])
@pytest.mark.parametrize("much", [False, True])
def test_a_printed_page_is_one_sheet_and_nothing_on_it_lies_on_anything_else(browser, size, much):
    shown = replace(crowded() if much else reading(), film=film(name="n" * 300, size=size))
    shown = replace(shown, placement=replace(shown.placement, image_size=size))
    tab = browser.new_page()
    tab.set_content(page.html(shown, pixels(size), WHEN))
    assert len(re.findall(rb"/Type\s*/Page\b", tab.pdf(prefer_css_page_size=True))) == 1
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 688, "height": 1040})  # A4 less its margins
    boxes = tab.evaluate(
        "[...document.querySelectorAll('.sheet > *')].map(e => e.getBoundingClientRect().toJSON())"
    )
    inside = tab.evaluate(
        "[...document.querySelectorAll('.frame img')].map(e => e.getBoundingClientRect().height)"
    )
    tab.close()
    for above, below in pairwise(boxes):
        assert above["bottom"] <= below["top"] + 1
    assert boxes[-1]["bottom"] <= 274 / 25.4 * 96 + 1
    assert min(inside) > 20 / 25.4 * 96 or size == (90, 400)
