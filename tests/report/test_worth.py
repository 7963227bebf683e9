"""What a protocol or an early stop is worth, what a network costs, drawings of what was done."""

from dataclasses import replace

import numpy as np
import pytest

from spondyl.explain.cost import Cost
from spondyl.learn.networks import parse
from spondyl.learn.outcome import Configuration
from spondyl.report import canvas, cost_table, diagrams, figures, protocol_tables, sections, words
from spondyl.report.published import load
from spondyl.report.summary import score_all


def under(outcome, **changes):
    return replace(outcome, configuration=replace(outcome.configuration, **changes))


@pytest.fixture(scope="module")
def ran(contents):
    return [one for one in contents.outcomes if one.predictions is not None]


def test_the_shortcut_is_the_difference_of_the_two_accuracies(ran):
    outcomes = [
        under(ran[0], network="vgg16", strategy="scratch", protocol="nested"),
        under(ran[2], network="vgg16", strategy="scratch", protocol="paper"),
    ]
    table = protocol_tables.shortcut(score_all(outcomes))
    ((name, nested, paper, gain, decided, _),) = table.rows
    right = [one.predictions.predicted == one.predictions.truth for one in outcomes]
    assert name == "vgg16 · scratch"
    assert nested == f"{100 * right[0].mean():.1f}"
    assert paper == f"{100 * right[1].mean():.1f}"
    assert gain == f"{100 * (right[1].mean() - right[0].mean()):+.1f}"
    assert 0 < int(decided) <= np.sum(right[0] != right[1])


def test_one_protocol_alone_has_no_shortcut_to_show(ran):
    assert protocol_tables.shortcut(score_all(ran)) is None


def test_a_trained_head_stands_beside_the_solved_one_of_its_network_only(contents, ran):
    trained = under(ran[2], network="resnet50", strategy="feature-extraction", protocol="nested")
    stranger = under(trained, network="vgg16")
    drawings = [
        drawing
        for section in sections.compose(
            replace(contents, outcomes=(ran[0], trained, stranger)),
            score_all([ran[0], trained, stranger]),
            (),
        )
        for drawing in section.drawings
        if drawing.name.startswith("stopped-early")
    ]
    assert [drawing.name for drawing in drawings] == [
        "stopped-early-resnet50_feature-extraction_nested"
    ]


def test_the_solved_line_is_drawn_at_the_solved_accuracy(ran):
    solved, trained = score_all([ran[0], ran[2]])
    (axes,) = figures.stopped_early(trained, solved).axes
    line = next(one for one in axes.get_lines() if one.get_label().startswith("solved"))
    assert set(line.get_ydata()) == {100 * solved.pooled.accuracy}


def test_costs_are_ours_with_the_paper_s_in_columns_of_their_own(ran):
    measured = [
        Cost("resnet50", (224, 224), 23_514_179, 4_090_000_000, 84.0, 78.0),
        Cost("resnet50:layer3", (224, 224), 8_546_371, 3_277_900_800, 49.0, 50.0),
    ]
    table = cost_table.costs(measured, ran, "two cores", load("ahmad2026"))
    whole, cut = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert whole["parameters"] == "23,514,179"
    assert whole["Grad-CAM, ms, Ahmad et al. 2026"] == "16.37"
    assert cut["Grad-CAM, ms, Ahmad et al. 2026"] == "–"
    assert whole["s per epoch"] == "–"  # a solved head has no epochs
    assert any("two cores" in note for note in table.notes)


def test_seconds_per_epoch_are_those_of_the_configuration_s_own_history(ran):
    vgg = Cost("vgg16", (224, 224), 1, 1, 1.0, 1.0)
    seconds = [e.seconds for fold in ran[2].folds for e in fold.history]
    (row,) = cost_table.costs([vgg], ran, "here", None).rows
    assert row[4] == f"{np.median(seconds):.2f}"


@pytest.mark.parametrize(
    "network", ["vgg16", "alexnet", "resnet50", "convnextv2_tiny", "vit_small"]
)
def test_no_text_of_a_classifier_s_drawing_leaves_its_box(network):
    above = parse(network).architecture.family.above
    assert_texts_fit(diagrams.classifier(above, 3, ["scratch", "feature-extraction"]))


def test_no_text_of_the_pipeline_leaves_its_box():
    for divided in ("20 folds", "20 folds\n100 times", "hold-out\n100 times"):
        assert_texts_fit(diagrams.pipeline(100_000, 99_999, divided, ["nested", "paper"]))


def assert_texts_fit(figure):
    (axes,) = figure.axes
    renderer = figure.canvas.get_renderer()
    boxes = [patch.get_window_extent(renderer) for patch in axes.patches]
    texts = [text.get_window_extent(renderer) for text in axes.texts if text.get_text()]
    for text in texts:
        assert figure.bbox.x0 <= text.x0
        assert text.x1 <= figure.bbox.x1
        around = [box for box in boxes if box.overlaps(text)]
        assert all(box.x0 <= text.x0 and text.x1 <= box.x1 for box in around)
    assert "svg" in canvas.svg(figure)


def test_a_configuration_is_named_by_network_strategy_and_protocol():
    assert str(Configuration("vgg16", "probe", "nested")) == "vgg16 · probe · nested"


def test_what_was_switched_on_is_told_and_what_was_not_is_not(contents):
    plain = " ".join(words.methods(contents.spec))
    assert "stored features" not in plain
    assert "weigh" not in plain
    switched = {
        **contents.spec,
        "strategies": ["feature-extraction"],
        "views": 4,
        "class_weights": "balanced",
        "precision": "bf16-mixed",
    }
    told = " ".join(words.methods(switched))
    assert "stored features of 4 augmented views" in told
    assert "Classes weigh" in told
    assert "bf16-mixed" in told
