"""The long table of scores: what is written is what is read, and a gap is no row."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.errors import SpondylError
from spondyl.explain import score_table
from spondyl.explain.score_table import Row

ROWS = (
    Row('a "film", with commas.png', "g1", "normal", "untrained", "energy", 0.25),
    Row("b.png", "g2", "scoliosis", "grad-cam", "energy", 0.1),
    Row("b.png", "g2", "scoliosis", "edges", "deletion", -0.5),
    Row("b.png", "g2", "scoliosis", "cam", "energy", 1 / 3),
)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5))
def test_rows_come_back_as_they_were_with_all_digits(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("scores") / "scores.csv"
    rows = tuple(
        Row(f"é {i}.png", "g", "normal", "cam", "peak", value) for i, value in enumerate(values)
    )
    score_table.save(path, rows)
    assert score_table.load(path).rows == rows


def test_methods_come_before_baselines_and_each_in_its_own_order(tmp_path):
    score_table.save(tmp_path / "t.csv", ROWS)
    table = score_table.load(tmp_path / "t.csv")
    assert table.makers == ("grad-cam", "cam", "edges", "untrained")
    assert table.scores == ("energy", "deletion")
    assert table.groups == {ROWS[0].image_id: "g1", "b.png": "g2"}


def test_a_film_without_a_score_is_not_among_those_that_have_it(tmp_path):
    score_table.save(tmp_path / "t.csv", ROWS)
    table = score_table.load(tmp_path / "t.csv")
    assert table.by_film("energy", "cam") == {"b.png": 1 / 3}
    assert table.by_film("deletion", "cam") == {}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_written_and_the_old_table_stays(tmp_path, value):
    path = tmp_path / "t.csv"
    score_table.save(path, ROWS)
    with pytest.raises(ValueError, match="leave out"):
        score_table.save(path, [*ROWS, Row("c.png", "g3", "normal", "cam", "peak", value)])
    assert score_table.load(path).rows == ROWS


@pytest.mark.parametrize("text", ["", "film,score\na,1\n", "image_id\n", "\0"])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SpondylError, match="not a table of heatmap scores"):
        score_table.load(tmp_path / "t.csv")


def test_a_table_with_a_broken_line_is_refused_and_so_is_none(tmp_path):
    score_table.save(tmp_path / "t.csv", ROWS)
    with (tmp_path / "t.csv").open("a", encoding="utf-8") as stream:
        stream.write("b.png,g2,scoliosis,cam,energy,much\n")
    for path in (tmp_path / "t.csv", tmp_path / "nowhere.csv"):
        with pytest.raises(SpondylError, match="not a table of heatmap scores"):
            score_table.load(path)
