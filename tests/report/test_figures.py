"""Figures are the same bytes for the same results, keep their text and leave no trace behind."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree

import matplotlib
import pytest

from spondyl.report import canvas, figures, summary
from spondyl.report.published import load


@pytest.fixture(scope="module")
def scored(contents):
    return summary.score_all(contents.outcomes)


def drawn(outcomes, scored):
    return figures.accuracies(outcomes, scored, load("ahmad2026"))


def test_equal_results_give_equal_bytes(outcomes, scored):
    first = canvas.svg(drawn(outcomes, scored))
    assert canvas.svg(drawn(outcomes, scored)) == first
    assert "dc:date" not in first


def test_the_figure_of_accuracies_names_every_configuration_and_the_one_not_run(outcomes, scored):
    text = canvas.svg(drawn(outcomes, scored))
    for outcome in outcomes:
        assert str(outcome.configuration) in text
    assert "not run" in text
    assert "Ahmad et al. 2026" in text


def test_every_figure_is_well_formed_and_has_its_words_as_text(outcomes, scored):
    for figure in (
        figures.confusions(scored),
        figures.classes(scored),
        figures.rocs(scored[0]),
        figures.reliability(scored),
        figures.learning(outcomes[2]),
    ):
        tree = ElementTree.fromstring(canvas.svg(figure))
        assert tree.findall(".//{http://www.w3.org/2000/svg}text")


def test_an_inline_figure_takes_the_ink_of_the_page_and_keeps_its_names_to_itself(scored):
    text = canvas.inline(figures.rocs(scored[0]), "roc-one")
    assert text.startswith("<svg")
    assert canvas.INK not in text
    assert "currentColor" in text
    ids = [piece.split('"')[0] for piece in text.split(' id="')[1:]]
    assert ids
    assert all(name.startswith("roc-one-") for name in ids)
    for reference in (piece.split(")")[0] for piece in text.split("url(#")[1:]):
        assert reference in ids


def test_a_label_with_markup_or_dollars_is_drawn_as_it_is_written():
    figure = canvas.new_figure(3, 1)
    figure.text(0, 0.5, "<b>$x & y")
    assert "&lt;b&gt;$x &amp; y" in canvas.svg(figure)


def test_drawing_leaves_the_settings_of_matplotlib_and_imports_no_pyplot(outcomes, scored):
    before = dict(matplotlib.rcParams)
    canvas.svg(drawn(outcomes, scored))
    assert dict(matplotlib.rcParams) == before
    modules = set(sys.modules)
    figures.confusions(scored)
    assert "matplotlib.pyplot" not in set(sys.modules) - modules


def test_a_saved_figure_is_two_files(tmp_path, scored):
    drawing, picture = canvas.save(figures.confusions(scored), tmp_path, "confusion")
    assert drawing.read_text(encoding="utf-8").rstrip().endswith("</svg>")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["confusion.png", "confusion.svg"]


def test_nothing_run_still_has_a_figure_that_says_so(outcomes):
    assert "not run" in canvas.svg(figures.accuracies(outcomes[3:], [], None))
