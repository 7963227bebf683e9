"""The export: a row for each answer with all that was shown, safe to open, and a codebook of it."""

import csv
import io
from dataclasses import replace

import pytest
from drawn_surveys import NETWORKS, answer, complete, saved, survey
from hypothesis import given
from hypothesis import strategies as st

from spondyl.errors import SpondylError
from spondyl.review import codebook, export, orders, taking
from spondyl.review.columns import described
from spondyl.review.selecting import Drawn, as_drawn
from spondyl.review.standing import RULE
from spondyl.review.store import open_store

MADE = survey()


def unguarded(cell):
    """What was written into a cell of the table, as the codebook tells it."""
    return cell.removeprefix("'")


def drawn(m):
    """A heatmap of the label that it pretends to be of, unless it is a decoy of another."""
    others = [label for label in MADE.labels if label != m.label]
    label = others[0] if m.kind == "other label" else m.label
    return Drawn(label, "grad-cam", (("road", -0.25),) if m.file == "i001m1.png" else ())


MAPS = {m.file: m for item in reversed(MADE.items) for m in item.maps}
SURVEY = replace(MADE, items=as_drawn(MADE.items, {file: drawn(m) for file, m in MAPS.items()}))


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """The table of two readers, one of whom changed their mind, as it stands in the CSV."""
    folder = tmp_path_factory.mktemp("export")
    store = open_store(folder / "reviews.db")
    store.keep(saved(folder, SURVEY))
    for reader in ("a", "b"):
        store.invite("spines", reader)
    complete(store, SURVEY, "a")
    complete(store, SURVEY, "b", steps=2)
    first = orders.items(SURVEY, "a")[0].item_id
    for key, value in (("diagnosis", "scoliosis"), ("remark", '=HYPERLINK("x")\n, "quoted"')):
        taking.take(store, SURVEY, answer(SURVEY, "a", first, key, value))
    export.write(folder / "a.csv", SURVEY, store.answers("spines"), store.shown("spines"))
    answers = store.answers("spines")
    store.close()
    with (folder / "a.csv").open(newline="", encoding="utf-8") as stream:
        return answers, list(csv.DictReader(stream))


def test_a_row_stands_for_each_answer_in_order(answered):
    answers, rows = answered
    assert [row["answer"] for row in rows] == [a.answer_id for a in answers]
    for given_answer, row in zip(answers, rows, strict=True):
        assert unguarded(row["value"]) == given_answer.value
        assert float(row["seconds"]) == given_answer.seconds
        assert (row["reader"], row["question"]) == (given_answer.reader, given_answer.question)


def test_a_row_says_what_was_shown(answered):
    items = {item.item_id: item for item in SURVEY.items}
    for row in answered[1]:
        item = items[row["item"]]
        assert (row["truth"], row["film_sha256"]) == (item.truth, item.film_sha256)
        assert row["repeats"] == (item.repeats or "")
        assert [row[f"predicted {network}"] for network in NETWORKS] == [
            dict(item.predicted)[network] for network in NETWORKS
        ]
        at = int(row["position"]) - 1
        assert orders.items(SURVEY, row["reader"])[at] == item
        if row["phase"] == "aided":
            masked = orders.maps(SURVEY, row["reader"], item)["AB".index(row["mask"])]
            assert masked.map.map_id == row["map"]
            assert (masked.map.kind, masked.map.network) == (row["map_kind"], row["network"])
            assert (masked.map.drawn_label, "grad-cam") == (
                row["map_drawn_label"],
                row["map_method"],
            )
            other = row["map_drawn_label"] != row["map_label"]
            assert other == (row["map_kind"] == "other label")
        else:
            assert row["map"] == row["mask"] == row["network"] == ""


def test_what_counts_is_one_answer_to_each_question(answered):
    rows = [row for row in answered[1] if row["counts"] == "yes"]
    keys = [(r["reader"], r["item"], r["map"], r["question"]) for r in rows]
    assert len(set(keys)) == len(keys)
    later = [row for row in answered[1] if row["counts"] == "no"]
    assert [(row["question"], row["blind"], row["last"]) for row in later] == [
        ("diagnosis", "no", "yes"),
        ("remark", "no", "yes"),
    ]


def test_nothing_that_is_said_of_a_repeat_is_blind_and_its_first_word_counts(answered):
    alone = [row for row in answered[1] if row["phase"] == "unaided" and row["reader"] == "a"]
    first = [row for row in alone if row["counts"] == "yes"]
    assert {(bool(row["repeats"]), row["blind"]) for row in first} == {(True, "no"), (False, "yes")}
    assert sum(bool(row["repeats"]) for row in first) == 2 * 6


def test_the_score_of_a_heatmap_stands_beside_the_answers_about_it(answered):
    with_score = {row["map"] for row in answered[1] if row["score road"]}
    assert with_score
    assert {row["score road"] for row in answered[1]} == {"", "'-0.25"}


def test_no_cell_begins_a_formula(answered):
    cells = [cell for row in answered[1] for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


@given(st.text(alphabet="=+-@'\"a,;\n\t ", max_size=6))
def test_a_guarded_cell_gives_back_what_was_written(text):
    cell = export.guarded(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow([cell, "x"])
    (row,) = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert unguarded(row[0]) == text


def test_answers_to_another_survey_are_refused():
    with pytest.raises(SpondylError, match="is to nothing in survey"):
        export.rows(SURVEY, [answer(SURVEY, "a", "i999", "diagnosis", "normal")], ())


def test_the_codebook_has_every_column_and_every_question(answered, tmp_path):
    codebook.write(tmp_path / "codebook.md", SURVEY)
    text = (tmp_path / "codebook.md").read_text(encoding="utf-8").replace("\\", "")
    assert list(answered[1][0]) == list(described(SURVEY))
    for name, meaning in described(SURVEY).items():
        assert f"| {name} | {meaning} |" in text
    for question in SURVEY.questions:
        assert question.text in text
        assert " · ".join(question.options) in text
    assert "2 other label" in text or "1 other label" in text
    assert all(sentence in text for sentence in RULE)
    assert "Method of the heatmaps: grad-cam" in text


def test_markdown_and_markup_in_a_title_stay_words():
    text = codebook.markdown(replace(SURVEY, title="<script>|*x*\n# y"))
    assert "\\<script\\>\\|\\*x\\* \\# y" in text
