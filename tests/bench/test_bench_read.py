"""What is measured of readings: that each row is what it says, and that engines read one film."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from command_line import spondyl
from onnx import numpy_helper
from small_networks import NETWORKS as SMALL

from spondyl.bench import one_network, reading, reading_ways
from spondyl.bench.reading import FLOAT32, INT8
from spondyl.errors import SpondylError
from spondyl.explain.explaining import explain
from spondyl.reading.exporting import checking, exporting
from spondyl.reading.exporting.graph import graph_of
from spondyl.reading.exporting.session import Session

SMALLEST = {"names": ["test_resnet"], "side": 64, "film_size": (90, 60), "rounds": 2}


@pytest.fixture(scope="module")
def rows():
    pytest.importorskip("pytorch_grad_cam", reason="grad-cam is no dependency of ours")
    return reading.rows(**SMALLEST)


@pytest.fixture(scope="module")
def bundle():
    return one_network.bundled("test_resnet", {}, side=64)


@pytest.fixture(scope="module")
def graph(bundle):
    model, about = graph_of(bundle, "grad-cam")
    return model, exporting.sealed(model, about)


def test_there_is_a_row_for_each_engine_with_what_it_was_measured_on(rows):
    assert [row.engine for row in rows] == ["reference", "torch", "onnx", "onnx-int8"]
    for row in rows:
        assert 0 < row.ms_low <= row.ms_per_image <= row.ms_high
        assert (row.network, row.weights, row.rounds) == ("test_resnet", "random", 2)
        assert row.threads == torch.get_num_threads()
        assert row.versions["torch"].split("+")[0] == torch.__version__.split("+")[0]
        assert {"onnxruntime", "grad-cam"} <= row.versions.keys()
        assert "90 × 60" in row.film
    assert rows[0].ratio_to_reference == 1
    assert {row.layout for row in rows[:2]} <= set(reading.LAYOUTS)


def test_the_ratio_is_the_median_over_rounds_of_the_ratio_within_a_round(bundle):
    film = reading_ways.Film.drawn((90, 60), 0)
    engine = reading._Engine(lambda: None, "contiguous")
    facts = reading._facts(bundle, 3, film)
    # In the last round something else slowed both alike.
    wall = {"torch": [0.2, 0.1, 0.7], "reference": [0.6, 0.4, 4.2]}
    cores = {"torch": [0.3, 0.1, 0.3], "reference": [0.6, 0.6, 0.6]}
    row = reading._row("torch", engine, wall, cores, facts)
    assert row.ratio_to_reference == pytest.approx(4)
    assert row.ratio_to_one_pass is None
    assert (row.cpu_ms, row.cpu_ratio_to_reference) == pytest.approx((300, 2))
    assert (row.ms_per_image, row.ms_low, row.ms_high) == pytest.approx((200, 100, 700))


def test_the_graph_is_within_its_bounds_of_ours_and_int8_is_further_off(rows):
    _, ours, graph, eight = rows
    assert (ours.max_probability_difference, ours.max_map_difference) == (0, 0)
    assert graph.within_bounds
    assert graph.max_probability_difference <= FLOAT32.probability
    assert graph.max_map_difference <= FLOAT32.heatmap
    assert eight.max_map_difference > graph.max_map_difference
    assert eight.within_bounds == (not eight.outside_bounds)
    assert graph.n_judged == len(checking.DRAWN_SIZES) + 1


def test_the_reference_answers_as_ours_but_for_its_pictures_of_eight_bits(rows):
    assert 0 < rows[0].max_probability_difference < 0.01
    assert rows[0].max_map_difference < 0.1
    assert rows[0].within_bounds is None


def test_what_is_outside_the_bounds_is_told_with_its_numbers_and_its_time(bundle, graph):
    sound, about = graph
    model = onnx.ModelProto()
    model.CopyFrom(sound)
    n = len(bundle.labels)
    spoilt = next(one for one in model.graph.initializer if [*one.dims][:-1] == [n])
    weights = np.random.default_rng(0).permuted(numpy_helper.to_array(spoilt), axis=1)
    spoilt.CopyFrom(numpy_helper.from_array(weights, spoilt.name))
    exporting.sealed(model, about)
    film = reading_ways.Film.drawn((90, 60), 0)
    engine = reading._judged(bundle, model, film, INT8)
    assert engine.within is False
    assert engine.seconds() > 0
    taken = {"onnx-int8": [0.1]}
    facts = reading._facts(bundle, 1, film)
    row = reading._row("onnx-int8", engine, taken, taken, facts)
    assert any("a heatmap differs by" in phrase for phrase in row.outside_bounds)
    assert any("test_resnet onnx-int8: not within bounds" in line for line in reading.lines([row]))


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("name", ["pooled", "dense"])
def test_the_reference_is_that_library_s_map_of_the_likeliest_label(name, passes):
    pytest.importorskip("pytorch_grad_cam", reason="grad-cam is no dependency of ours")
    network = SMALL[name]().eval()
    with torch.no_grad():
        for one in network.head.parameters():
            one.abs_()  # or most of the map lies below 0, and its scaled peak is noise
    preprocessing = one_network.bundled("test_resnet", {}, side=64).preprocessing
    film = reading_ways.Film.drawn((160, 90), 1)
    form = torch.contiguous_format
    with reading_ways.reference(network, preprocessing, film, form, passes) as call:
        theirs = call()
    canvas, _ = preprocessing.apply(film.pixels)
    image = preprocessing.normalised(torch.from_numpy(canvas)[None])
    with torch.no_grad():
        expected = network(image).softmax(dim=1)[0].numpy()
    assert theirs.probabilities == pytest.approx(expected, abs=5e-3)
    signed = explain(network, image, [int(expected.argmax())], "grad-cam").signed[0].numpy()
    ours = reading_ways.Answer(expected, signed)
    assert reading_ways.from_reference(theirs, ours)[1] < 0.1
    assert not any(module._forward_hooks for module in network.modules())
    assert all(one.grad is None for one in network.parameters())


def test_the_film_has_the_same_values_for_the_reference_and_for_ours():
    film = reading_ways.Film.drawn((90, 60), 0)
    seen = np.asarray(film.picture)
    assert seen.shape == (90, 60, 3)
    assert (seen[..., 0] == np.rint(film.pixels.grey * 255)).all()


def test_a_bundle_in_memory_answers_with_its_own_network_at_temperature_one(bundle, graph):
    assert bundle.networks(torch.device("cpu"))[0] is bundle.held
    assert bundle.calibration_set.temperature == (1.0, "lowest")
    model, _ = graph
    films = checking.drawn(bundle.preprocessing)
    found = checking.differences(bundle, Session.of(model, "the graph"), films)
    assert not found.outside(FLOAT32)


def test_given_weights_are_used_and_named(tmp_path):
    from safetensors.torch import save_file

    body = one_network.bundled("test_resnet", {}, side=64).held
    with torch.no_grad():
        for one in body.body.parameters():
            one.mul_(0.5)
    whole = {f"body.{name}": value for name, value in body.body.state_dict().items()}
    file = tmp_path / "mine.safetensors"
    save_file({name.removeprefix("body."): value for name, value in whole.items()}, file)
    read = one_network.bundled("test_resnet", {"test_resnet": file}, side=64)
    assert read.weights == "mine.safetensors"
    for name, value in read.held.body.state_dict().items():
        assert torch.equal(value, body.body.state_dict()[name])


def test_without_the_reference_other_engines_are_timed_and_no_ratio_is_told(monkeypatch):
    there = reading_ways.find_spec
    monkeypatch.setattr(
        reading_ways,
        "find_spec",
        lambda module: None if module == "pytorch_grad_cam" else there(module),
    )
    (row,) = reading.rows(engines=["torch"], **SMALLEST)
    assert row.ratio_to_reference is None
    assert "grad-cam" not in row.versions
    with pytest.raises(SpondylError, match="not installed"):
        reading.rows(engines=["reference"], **SMALLEST)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"engines": ["tensorrt"]}, "not known"),
        ({"names": ["resnet5"]}, "not known"),
        ({"names": ["test_vit"]}, "no closed form"),
        ({"rounds": 0}, "measure nothing"),
        ({"side": 5}, "no study"),
    ],
)
def test_what_cannot_be_compared_is_refused(asked, said):
    with pytest.raises(SpondylError, match=said):
        reading.rows(**SMALLEST | asked)


def test_the_command_prints_the_rows_as_a_list_and_as_lines(rows, monkeypatch, capsys):
    monkeypatch.setattr(reading, "rows", lambda *given, **named: rows)
    assert spondyl(["bench", "read", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["engine"] for one in told] == ["reference", "torch", "onnx", "onnx-int8"]
    wanted = {"network", "engine", "ms_per_image", "ratio_to_reference"}
    assert all(wanted <= one.keys() for one in told)
    assert spondyl(["bench", "read"]) == 0
    said = capsys.readouterr().out
    assert all(row.engine in said and f"{row.ms_per_image:.1f}" in said for row in rows)
    assert any("–" in line for line in reading.lines([replace(rows[1], ratio_to_one_pass=None)]))
