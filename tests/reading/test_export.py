"""A bundle as one file: what stands in it, what it is held to, and what a stranger can do."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import study_of_phantoms
import typer
from onnx import numpy_helper
from PIL import Image
from typer.testing import CliRunner

from spondyl.commands import export as command
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.exporting import about, checking, exporting, graph
from spondyl.reading.exporting.session import Session

DOCS = Path(__file__).parents[2] / "docs" / "exporting.md"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("made"), n_films=60)


@pytest.fixture(scope="module")
def films(made):
    return sorted(made.films.rglob("*.png"))


@pytest.fixture(scope="module")
def exported(made, films, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "reader.onnx"
    return exporting.export(made.of_folds, out, check=films[:6])


def test_a_file_says_what_it_is_and_how_far_it_is_from_pytorch(made, exported):
    metadata = {one.key: one.value for one in onnx.load(exported.path).metadata_props}
    assert metadata["notice"] == "For research, not for diagnosis."
    assert metadata["intended_use"] == made.of_folds.intended_use
    assert json.loads(metadata["labels"]) == list(made.of_folds.labels.names)
    assert metadata["bundle_id"] == made.of_folds.bundle_id
    assert float(metadata["temperature"]) == made.of_folds.calibration_set.temperature[0]
    assert json.loads(metadata["preprocessing"])["size"] == [32, 32]
    measured = json.loads(metadata["measured"])
    assert measured["films"]["n_films"] == 6
    assert measured["films"]["probability"] <= measured["bounds"]["probability"] == 1e-5
    assert measured["drawn_films"]["heatmap"] <= measured["bounds"]["heatmap"] == 1e-4
    assert Session.open(exported.path).about == exported.about


def test_the_drawn_films_are_larger_and_smaller_than_the_grid_upright_and_lying():
    sizes = [film.size for film in checking.drawn(Preprocessing())]
    assert any(height > width for height, width in sizes)
    assert any(height < width for height, width in sizes)
    assert min(min(size) for size in sizes) < 224 < max(max(size) for size in sizes)


def test_the_documented_example_runs_with_onnxruntime_alone(made, exported, films, tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert "spondyl" not in example
    (tmp_path / "reader.onnx").symlink_to(exported.path)
    (tmp_path / "film.png").symlink_to(films[0])
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr
    grey = picture_in(films[0])
    found = Session.open(exported.path).run(grey[None])
    label = made.of_folds.labels.names[found.predicted]
    assert f"{label} {found.probabilities.max():.3f}" in done.stdout
    assert "For research, not for diagnosis." in done.stdout


def picture_in(path):
    """(H, W) in [0, 1]."""
    return np.asarray(Image.open(path).convert("L"), np.float32) / 255


def test_a_graph_that_differs_is_refused_with_numbers_and_no_file_is_left(
    made, tmp_path, monkeypatch
):
    whole = graph.graph_of

    def spoilt(bundle, method):
        model, said = whole(bundle, method)
        for one in model.graph.initializer:
            if len(one.dims) == 4:
                changed = numpy_helper.to_array(one) * np.float32(1.001)
                one.CopyFrom(numpy_helper.from_array(changed, one.name))
        return model, said

    monkeypatch.setattr(exporting, "graph_of", spoilt)
    with pytest.raises(SpondylError, match=r"too far from PyTorch on 5 films: .* at most 0\.0001"):
        exporting.export(made.of_folds, tmp_path / "spoilt.onnx")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(made, tmp_path):
    out = tmp_path / "there.onnx"
    out.write_text("mine")
    with pytest.raises(SpondylError, match="is there already"):
        exporting.export(made.of_folds, out)
    assert out.read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        {"fit": "letterbox", "colour": "as stored"},
        {"crop": "spine", "fit": "letterbox", "size": (48, 32)},
        {"hide": "spine", "colour": "as stored"},
    ],
    ids=str,
)
def test_films_shown_otherwise_are_answered_alike(made, changed):
    bundle = replace(made.of_folds, preprocessing=replace(made.of_folds.preprocessing, **changed))
    model, said = graph.graph_of(bundle, "grad-cam")
    exporting.sealed(model, said)
    found = checking.differences(
        bundle, Session.of(model, "a graph"), checking.drawn(bundle.preprocessing)
    )
    assert found.n_films == (6 if bundle.preprocessing.colour == "as stored" else 5)
    assert not found.outside(checking.FLOAT32)


def found_on_films(**worse):
    alike = dict.fromkeys(("probability", "heatmap", "otherwise", "steps"), 0.0)
    medians = {"median_probability": 1e-7, "median_heatmap": 1e-6, "median_correlation": 1.0}
    whole = {"whole_probability": 1e-7, "whole_heatmap": 1e-6}
    fine = {"n_films": 300, "same_label": 1.0, "correlation": 1.0, **alike, **medians, **whole}
    return checking.Differences(**{**fine, **worse})


def test_the_worst_film_decides():
    assert not found_on_films().outside(checking.FLOAT32)
    outside = found_on_films(same_label=0.9, probability=2e-5).outside(checking.FLOAT32)
    assert len(outside) == 2
    assert "90.00% of films called alike, at least 100%" in outside[0]
    assert "differs by 2e-05, at most 1e-05" in outside[1]
    assert found_on_films(heatmap=float("nan")).outside(checking.FLOAT32)


def test_a_pixel_may_fall_to_the_next_step_and_neither_many_nor_far():
    assert not found_on_films(otherwise=2e-5, steps=1, whole_heatmap=1e-3).outside(checking.FLOAT32)
    assert "2 steps" in found_on_films(otherwise=2e-5, steps=2).outside(checking.FLOAT32)[0]
    assert "0.001 of a film" in found_on_films(otherwise=1e-3, steps=1).outside(checking.INT8)[0]


def test_a_film_that_the_graph_places_otherwise_is_judged_by_what_it_places(made, monkeypatch):
    bundle = made.of_folds
    model, said = graph.graph_of(bundle, "grad-cam")
    exporting.sealed(model, said)
    session, films = Session.of(model, "a graph"), list(checking.drawn(bundle.preprocessing))
    before = checking.differences(bundle, session, films)
    whole = type(bundle.preprocessing).apply

    def other_pixels(self, film, spine):
        canvas, placement = whole(self, film, spine)
        canvas = canvas.astype(np.float16)
        canvas[0, 0, :3] = np.nextafter(canvas[0, 0, :3], np.float16(2))
        return canvas, placement

    monkeypatch.setattr(type(bundle.preprocessing), "apply", other_pixels)
    after = checking.differences(bundle, session, films)
    pixels = bundle.preprocessing.size[0] * bundle.preprocessing.size[1]
    assert (before.otherwise, before.steps) == (0, 0)
    assert (after.otherwise, after.steps) == (3 / pixels, 1)
    assert (after.heatmap, after.probability) == (before.heatmap, before.probability)
    assert after.whole_heatmap > before.whole_heatmap


def test_int8_is_judged_by_films_that_did_not_calibrate_it(made, films, tmp_path, monkeypatch):
    seen = {"stepping": [], "judging": []}
    whole = exporting._each

    def noting(paths, track):
        seen["judging" if seen["stepping"] else "stepping"] += paths
        return whole(paths, track)

    monkeypatch.setattr(exporting, "_each", noting)
    wide = checking.Bounds(0.5, 1.0, 5.0, -1.0)
    monkeypatch.setattr(exporting, "INT8", wide)
    found = exporting.export(
        made.of_folds, tmp_path / "int8.onnx", precision="int8", calibrate=films[:30]
    )
    assert set(seen["stepping"]).isdisjoint(seen["judging"])
    assert sorted(seen["stepping"] + seen["judging"]) == sorted(films[:30])
    kinds = {node.op_type for node in onnx.load(found.path).graph.node}
    assert "DequantizeLinear" in kinds
    assert found.about.precision == "int8"
    assert found.about.measured["films"]["n_films"] == 15
    assert found.about.measured["bounds"]["probability"] == 1.0
    assert Session.open(found.path).about.graph_sha256 == found.about.graph_sha256


@pytest.mark.slow
def test_int8_outside_its_bounds_is_refused(made, films, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "INT8", checking.Bounds(1.0, 1e-9, 1e-9, 1.0))
    with pytest.raises(SpondylError, match="the int8 graph is too far from PyTorch on 12 films"):
        exporting.export(
            made.of_folds, tmp_path / "int8.onnx", precision="int8", calibrate=films[:24]
        )
    assert list(tmp_path.iterdir()) == []


def test_films_and_precision_have_to_go_together(made, films, tmp_path):
    with pytest.raises(SpondylError, match="float32 needs none"):
        exporting.export(made.of_folds, tmp_path / "a.onnx", calibrate=films)
    with pytest.raises(SpondylError, match="int8 with 3 films"):
        exporting.export(made.of_folds, tmp_path / "a.onnx", precision="int8", calibrate=films[:3])
    with pytest.raises(SpondylError, match="precision 'int4': not known"):
        exporting.precision_named("int4")


def test_what_a_graph_says_of_itself_is_read_back_whole(exported):
    again = about.About.read(exported.about.metadata(), "a graph")
    assert again == exported.about


@pytest.mark.parametrize("damage", ["labels", "schema_version", "made_by"])
def test_a_graph_that_says_something_else_is_refused(exported, damage):
    metadata = exported.about.metadata()
    metadata[damage] = {"labels": "[", "schema_version": "7", "made_by": "somebody"}[damage]
    with pytest.raises(SpondylError, match="a graph: "):
        about.About.read(metadata, "a graph")


def test_new_films_of_any_size_are_taken(exported, tmp_path):
    session = Session.open(exported.path)
    drawn = output.save(tmp_path, drawing.cohort(1, 3, size=(333, 150))) / "films"
    (path,) = drawn.rglob("*.png")
    found = session.run(picture_in(path)[None])
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-6)


@pytest.fixture
def told():
    """A function that exports by the command: (exit code, stdout)."""
    app = typer.Typer()
    app.command()(command.export)

    def call(*words):
        done = CliRunner().invoke(app, [str(word) for word in words])
        return done.exit_code, done.stdout, done.exception

    return call


def test_the_command_prints_what_was_measured(made, films, told, tmp_path):
    out = tmp_path / "reader.onnx"
    code, printed, _ = told(
        made.of_folds.folder, "--out", out, "--check", films[0].parent, "--json"
    )
    assert code == 0
    document = json.loads(printed)
    assert document["path"] == str(out)
    assert document["measured"]["films"]["n_films"] == len(list(films[0].parent.iterdir()))
    assert document["notice"] == "For research, not for diagnosis."


def test_the_command_knows_its_formats(made, told, tmp_path):
    _, _, error = told(made.of_folds.folder, "--out", tmp_path / "a.pb", "--format", "tensorflow")
    assert isinstance(error, SpondylError)
    assert "format 'tensorflow': not known" in error.message
