"""Tables survive the way out and back, whatever stands in their cells."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.report import result_tables, study_tables, summary
from spondyl.report.published import load
from spondyl.report.tables import _LATEX, Table, as_csv, as_latex, latex_escaped, spread

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


def latex_read(text: str) -> str:
    """`latex_escaped` undone: the longest command that stands at each place."""
    back = {command: letter for letter, command in _LATEX.items() if letter != "\n"}
    pattern = "|".join(re.escape(command) for command in sorted(back, key=len, reverse=True))
    return re.sub(pattern, lambda found: back[found[0]], text)


@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_csv_reads_back_as_it_was(rows):
    table = Table("t", "Title", ("a, b", 'c "d"'), tuple(rows))
    read = [tuple(row) for row in csv.reader(io.StringIO(as_csv(table), newline=""))]
    assert read == [table.columns, *table.rows]


@given(texts)
def test_latex_reads_back_as_it_was(text):
    assert latex_read(latex_escaped(text)) == text


def test_latex_has_one_line_per_row_and_the_rules_of_booktabs():
    table = Table("t", "50 % & more", ("name", "n"), (("a_b", "1"), ("c#d", "2")), ("note $",))
    text = as_latex(table)
    assert r"\begin{tabular}{lr}" in text
    assert r"a\_b & 1 \\" in text
    assert r"\caption{50 \% \& more}" in text
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]


def test_numbers_are_set_to_the_right_and_words_are_not():
    rows = (("x", "1.5", "ab12", "< 0.001"), ("y", "–", "7", "12.0 ± 3.1"))
    assert Table("t", "", ("", "", "", ""), rows).numeric == (False, True, False, True)


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="cells"):
        Table("t", "", ("a", "b"), (("1",),))


def test_a_slug_that_is_no_file_name_is_refused():
    with pytest.raises(ValueError, match="slug"):
        Table("../t", "", ("a",), ())


def test_a_spread_that_is_undefined_is_not_shown_as_zero():
    assert spread(0.5, float("nan"), digits=1) == "0.5"
    assert spread(float("nan"), float("nan")) == "undefined"


def test_each_table_of_scores_has_a_row_for_every_configuration(outcomes):
    scored = summary.score_all(outcomes)
    names = [str(o.configuration) for o in outcomes]
    for table in (
        result_tables.pooled(outcomes, scored),
        result_tables.by_fold(outcomes, scored),
        result_tables.weights(outcomes),
    ):
        assert [row[0] for row in table.rows] == names
        assert "not run" in table.rows[3]


def test_the_reason_for_not_running_is_a_note_of_the_weights(outcomes):
    assert any("not on this machine" in note for note in result_tables.weights(outcomes).notes)


def test_published_and_ours_stand_together_with_protocol_and_number(outcomes):
    table = result_tables.beside_published(outcomes, summary.score_all(outcomes), load("ahmad2026"))
    rows = [row[:4] for row in table.rows if row[0] == "vgg16 · scratch"]
    assert [row[1] for row in rows] == ["Ahmad et al. 2026", "ours"]
    assert [row[3] for row in rows] == ["338", "60"]
    assert rows[1][2] == "paper"
    assert sum(row[1] == "ours" for row in table.rows) == len(outcomes)


def test_a_comparison_decided_by_few_films_says_that_no_difference_is_shown(outcomes):
    compared = summary.compare_all(summary.score_all(outcomes))
    for c, row in zip(compared, result_tables.comparisons(compared).rows, strict=True):
        assert (row[-1] == "no difference shown") == (c.p_holm >= 0.05)


def test_every_key_of_a_spec_is_in_the_table_of_settings(contents):
    shown = dict(study_tables.settings({**contents.spec, "new_key": [1, 2]}).rows)
    assert len(shown) == len(contents.spec) + 1
    assert shown["new_key"] == "1, 2"
    assert shown["input, height × width"] == "224 × 224"


def test_every_strategy_of_the_program_is_described():
    offered = ("probe", "feature-extraction", "fine-tuning", "scratch", "random-features")
    assert not any("–" in row for row in study_tables.strategies(offered).rows)
