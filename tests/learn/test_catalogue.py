"""The list of networks: quick, complete, and honest about weights."""

import json

import pytest
import torch
from command_line import spondyl

from spondyl.learn import catalogue, networks, weights


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in catalogue.rows()}


def test_every_network_that_is_of_use_is_listed(rows):
    assert set(rows) == {
        name for name, entry in networks.ARCHITECTURES.items() if not entry.for_tests
    }


@pytest.mark.parametrize(
    ("name", "parameters", "giga"),
    [
        ("resnet50", 23_514_179, 4.09),
        ("vgg16", 134_272_835, 15.47),
        ("inception_v3", 21_791_715, 5.71),
        ("googlenet", 5_602_979, 1.50),
        ("mobilenet_v2", 2_227_715, 0.30),
        ("efficientnet_b0", 4_011_391, 0.39),
        ("efficientnet_v2_s", 20_181_331, 8.37),
        ("alexnet", 57_016_131, 0.71),
        ("swin_t", 27_521_661, 4.49),
    ],
)
def test_figures_are_those_that_torchvision_publishes_but_for_the_classifier(
    rows, name, parameters, giga
):
    assert rows[name].parameters == parameters
    assert rows[name].multiply_adds / 1e9 == pytest.approx(giga, abs=0.02)


def test_what_nothing_was_computed_for_is_what_a_network_with_values_has(rows):
    network = networks.build("googlenet", 3, seed=0).eval()
    side = rows["googlenet"].usual_side
    with torch.inference_mode():
        features = network.body(torch.zeros(1, 3, side, side))
    assert features.shape[2:] == rows["googlenet"].map_size
    assert networks.n_parameters([network]) == rows["googlenet"].parameters


def test_a_row_says_under_which_licence_and_from_whom(rows):
    assert rows["convnextv2_tiny"].licence.startswith("cc-by-nc-4.0")
    assert rows["resnet50"].licence.startswith("not stated (code: BSD-3-Clause)")
    assert rows["xception"].used_by == ("Lu",)
    assert rows["xception"].weights_wanted.endswith("xception-43020ad28.pth")
    assert rows["spine-finder"].licence == "no public weights are taken"


def test_a_network_that_is_kept_for_older_studies_names_the_one_to_use(rows):
    said = "\n".join(catalogue.lines([rows["vit_small_patch16_224"]]))
    assert "use vit_small" in said
    assert "ImageNet's moments" in said
    assert "given moments of mean 0.5" in "\n".join(catalogue.lines([rows["vit_small"]]))


def test_weights_in_the_library_s_cache_are_found(tmp_path):
    torch.hub.set_dir(str(tmp_path))
    try:
        cached = weights.cached_file(networks.parse("xception"))
        assert cached.parent == tmp_path / "checkpoints"
        before = catalogue._row(networks.ARCHITECTURES["xception"])
        cached.parent.mkdir()
        cached.touch()
        after = catalogue._row(networks.ARCHITECTURES["xception"])
    finally:
        torch.hub._hub_dir = None
    assert (before.weights_cached, after.weights_cached) == (False, True)
    assert "weights: here" in "\n".join(catalogue.lines([after]))


def test_the_command_says_the_same_to_a_program(capsys, monkeypatch, rows):
    monkeypatch.setattr(catalogue, "rows", lambda: tuple(rows.values()))
    assert spondyl(["networks", "--json"]) == 0
    told = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert told.keys() == rows.keys()
    assert told["inception_v3"]["cuts"] == ["mixed5", "mixed6", "mixed7"]
    assert told["inception_v3"]["map_size"] == [8, 8]
    assert spondyl(["networks"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in rows)
