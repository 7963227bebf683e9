"""An exported graph in the place of PyTorch: the same readings, and no other bundle's."""

import json

import numpy as np
import onnx
import pytest
import study_of_phantoms
from command_line import spondyl
from PIL import Image

from spondyl.errors import SpondylError
from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Configuration
from spondyl.learn.spec import parse_spec
from spondyl.reading import assembling, onnx_reader
from spondyl.reading.exporting import exporting
from spondyl.reading.reading import Reader


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("made"), n_films=60)


@pytest.fixture(scope="module")
def exported(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    return {
        name: exporting.export(bundle, folder / f"{name}.onnx").path
        for name, bundle in (("folds", made.of_folds), ("one", made.of_one))
    }


@pytest.fixture
def new_film(tmp_path):
    picture = np.random.default_rng(5).integers(0, 256, (180, 70), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "new.png")
    return tmp_path / "new.png"


def assert_alike(one, other):
    """Two readings differ by rounding at most."""
    assert one.film == other.film
    assert one.bundle_id == other.bundle_id
    assert one.likeliest == other.likeliest
    assert np.abs(one.probabilities - other.probabilities).max() < 1e-5
    assert [a.fold for a in one.networks] == [b.fold for b in other.networks]
    for left, right in zip(one.networks, other.networks, strict=True):
        assert np.abs(left.calibrated - right.calibrated).max() < 1e-5
        assert left.refused == right.refused
        assert left.distance_p == right.distance_p
    assert one.learned_from_it == other.learned_from_it
    assert one.label_set.labels == other.label_set.labels
    assert [doubt.kind for doubt in one.doubts] == [doubt.kind for doubt in other.doubts]
    ours, theirs = one.heatmap, other.heatmap
    assert np.abs(ours.signed - theirs.signed).max() < 1e-4 * np.abs(ours.signed).max()
    for fact in ("image_id", "label", "method", "layer", "source", "rectified", "unit"):
        assert getattr(ours, fact) == getattr(theirs, fact)
    assert one.placement == other.placement
    assert one.warnings == other.warnings
    assert one.not_run == other.not_run


@pytest.mark.parametrize("name", ["folds", "one"])
def test_films_of_the_study_and_new_ones_are_read_as_by_pytorch(made, exported, new_film, name):
    bundle = made.of_folds if name == "folds" else made.of_one
    torch = Reader.of(bundle, "cpu")
    onnx_ = Reader.by(onnx_reader.engine(bundle, "grad-cam", exported[name]), bundle)
    films = sorted(made.films.rglob("*.png"))[::7]
    for path in (*films, new_film):
        assert_alike(torch.read(path), onnx_.read(path))


def test_a_label_that_is_not_the_graph_s_likeliest_is_asked_for_again(made, exported, new_film):
    from spondyl.data import pixels

    film = pixels.read(new_film)
    torch = Reader.of(made.of_folds, "cpu").engine.look(film, None, (0, 1))
    graph = onnx_reader.engine(made.of_folds, "grad-cam", exported["folds"])
    look = graph.look(film, None, (0, 1))
    for column in range(len(made.of_folds.labels)):
        ours, theirs = torch.signed(column), look.signed(column)
        assert np.abs(ours - theirs).max() < 1e-4 * np.abs(ours).max()


@pytest.fixture(scope="module")
def trained_whole(made, tmp_path_factory):
    """A bundle whose two networks were trained from end to end, so that no body is shared."""
    folder = tmp_path_factory.mktemp("scratch")
    content = study_of_phantoms.CONTENT | {"strategies": ["scratch"], "epochs": 1}
    study = conduct.begin(parse_spec(content, "a test's spec"), made.films, folder / "run", {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    configuration = Configuration(study_of_phantoms.NETWORK, "scratch", "nested")
    return assembling.assemble(
        *(folder / "run", configuration, folder / "bundle"),
        *(study_of_phantoms.card, study_of_phantoms.TERMS),
    )


@pytest.mark.slow
def test_a_bundle_whose_networks_share_no_body_is_read_as_by_pytorch(
    trained_whole, made, new_film, tmp_path
):
    assert not trained_whole.shares_body
    out = exporting.export(trained_whole, tmp_path / "whole.onnx").path
    torch = Reader.of(trained_whole, "cpu")
    onnx_ = Reader.by(onnx_reader.engine(trained_whole, "grad-cam", out), trained_whole)
    for path in (new_film, *sorted(made.films.rglob("*.png"))[:2]):
        assert_alike(torch.read(path), onnx_.read(path))


def test_without_a_file_the_graph_is_made_once_and_kept(made, exported, monkeypatch):
    calls = []
    whole = exporting.export

    def copied(bundle, out, **asked):
        calls.append(asked["method"])
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(exported["folds"].read_bytes())

    monkeypatch.setattr(exporting, "export", copied)
    for _ in range(2):
        onnx_reader.engine(made.of_folds, "grad-cam")
    assert calls == ["grad-cam"]
    kept = onnx_reader.cached(made.of_folds, "grad-cam")
    kept.write_bytes(kept.read_bytes()[:1000])
    assert onnx_reader.engine(made.of_folds, "grad-cam").folds == (0, 1)
    assert len(calls) == 2
    assert whole is not exporting.export


def test_the_graph_of_another_bundle_is_refused(made, exported):
    with pytest.raises(SpondylError, match="the graph is of the bundle"):
        onnx_reader.engine(made.of_one, "grad-cam", exported["folds"])


def test_the_graph_of_another_method_is_refused(made, exported):
    with pytest.raises(SpondylError, match="draws heatmaps by grad-cam, asked is hirescam"):
        onnx_reader.engine(made.of_folds, "hirescam", exported["folds"])


def spoilt(path, way):
    """The bytes of an exported file, damaged in one way."""
    data = bytearray(path.read_bytes())
    if way == "cut":
        return bytes(data[: len(data) // 2])
    if way == "a bit":
        model = onnx.load_from_string(bytes(data))
        weights = max((one.raw_data for one in model.graph.initializer), key=len)
        data[bytes(data).index(weights) + len(weights) // 2] ^= 1
        return bytes(data)
    if way == "foreign":
        model = onnx.load_from_string(bytes(data))
        del model.metadata_props[:]
        return model.SerializeToString()
    return {"empty": b"", "text": b"not a graph at all\n" * 40}[way]


@pytest.mark.parametrize("way", ["cut", "a bit", "foreign", "empty", "text"])
def test_a_damaged_or_foreign_file_is_refused_in_two_lines(made, exported, tmp_path, way):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(spoilt(exported["folds"], way))
    with pytest.raises(SpondylError, match=r"damaged\.onnx: ") as refused:
        onnx_reader.engine(made.of_folds, "grad-cam", damaged)
    assert refused.value.hint


def test_the_networks_behind_a_graph_cannot_be_asked_for_more(made, exported):
    engine = onnx_reader.engine(made.of_folds, "grad-cam", exported["folds"])
    with pytest.raises(SpondylError, match="outputs alone"):
        _ = Reader.by(engine, made.of_folds).networks


def test_the_command_reads_by_either_engine_alike(made, exported, new_film, capfd):
    told = []
    for words in (["torch"], ["onnx", "--graph", exported["folds"]]):
        command = ["read", new_film, "--bundle", made.of_folds.folder, "--no-measure", "--json"]
        assert spondyl([*command, "--engine", *words]) == 0
        (row,) = json.loads(capfd.readouterr().out)["readings"]
        told.append(row)
    torch, graph = told
    assert torch["answer"] == graph["answer"]
    assert torch["likeliest"] == graph["likeliest"]
    assert list(torch["probabilities"].values()) == pytest.approx(
        list(graph["probabilities"].values()), abs=1e-5
    )


def test_engines_and_their_files_are_refused_before_anything_is_read(made, new_film, capfd):
    command = ["read", new_film, "--bundle", made.of_folds.folder, "--no-measure"]
    assert spondyl([*command, "--engine", "tensorrt"]) == 2
    assert "engine 'tensorrt': not known" in capfd.readouterr().err
    assert spondyl([*command, "--graph", "a.onnx"]) == 2
    assert "--graph without --engine onnx" in capfd.readouterr().err
