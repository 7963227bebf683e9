"""What training costs: counted from the definition, measured beside a loop that learns too."""

import json

import numpy as np
import pytest
import torch
from command_line import spondyl
from PIL import Image

from spondyl.bench import reference_loop, same_accuracy, step_cost, training, ways_to_train
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.spec import parse_spec

NETWORK = "test_resnet:layer2"


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "cohort"
    return output.save(folder, drawing.cohort(30, 0, size=(64, 48))) / "films"


def by_hand(convolutions, dense):
    """10⁹ operations of a forward pass for one film: a multiplication and an addition each."""
    of_maps = sum(2 * i * o * k * k * side * side for i, o, k, side in convolutions)
    return (of_maps + sum(2 * i * o for i, o in dense)) / 1e9


VGG16 = (
    [(3, 64, 3, 224), (64, 64, 3, 224), (64, 128, 3, 112), (128, 128, 3, 112)]
    + [(128, 256, 3, 56), (256, 256, 3, 56), (256, 256, 3, 56), (256, 512, 3, 28)]
    + [(512, 512, 3, 28)] * 2
    + [(512, 512, 3, 14)] * 3
)
DENSE = [(25088, 4096), (4096, 4096), (4096, 3)]


def test_operations_of_vgg16_are_those_counted_by_hand():
    cost = step_cost.step_cost("vgg16", 2)
    assert cost.forward_gflop / 2 == pytest.approx(by_hand(VGG16, DENSE), rel=1e-6)
    # Backward twice as much, but for the gradient of the films, which nobody asks for.
    first = by_hand(VGG16[:1], [])
    assert cost.gflop_per_image == pytest.approx(3 * by_hand(VGG16, DENSE) - first, rel=1e-6)
    assert cost.parameters == 134_272_835


def test_a_frozen_body_costs_its_forward_pass_only():
    all_of_it, head = (
        step_cost.step_cost(NETWORK, 4, 64, strategy)
        for strategy in ("scratch", "feature-extraction")
    )
    assert head.step_gflop == pytest.approx(all_of_it.forward_gflop, rel=1e-3)
    assert head.learned < all_of_it.learned == all_of_it.parameters
    assert head.step_gb < all_of_it.step_gb / 2


def test_a_step_moves_at_least_its_parameters_and_fewer_bytes_in_bf16():
    single, mixed = (
        step_cost.step_cost(NETWORK, 4, 64, precision=precision)
        for precision in ("32-true", "bf16-mixed")
    )
    assert single.step_gb > 7 * 4 * single.learned / 1e9
    assert mixed.step_gb < single.step_gb
    assert mixed.step_gflop == single.step_gflop


@pytest.fixture
def bands(tmp_path):
    """Twelve pictures whose label says which third of them is bright."""
    paths = [tmp_path / f"{number}.png" for number in range(12)]
    for number, path in enumerate(paths):
        picture = np.zeros((32, 32), np.uint8)
        picture[11 * (number % 3) : 11 * (number % 3) + 10] = 200
        Image.fromarray(picture).save(path)
    return paths, [number % 3 for number in range(12)]


def test_the_reference_loop_learns_what_is_easy(bands, monkeypatch):
    monkeypatch.setattr(reference_loop, "LEARNING_RATE", 1e-2)
    paths, labels = bands
    before = torch.get_rng_state()
    left = reference_loop.train_as_the_paper(
        *(NETWORK, paths, labels, 12, 4), judged=bands, size=(32, 32), workers=0
    )
    assert left.train_losses[-1] < left.train_losses[0] / 2
    assert left.judged_accuracy[-1] > 0.5
    assert len(left.seconds) == len(left.judged_accuracy) == 12
    assert left.images_per_second == pytest.approx(12 / left.seconds_per_epoch)
    assert torch.equal(before, torch.get_rng_state())


def test_every_way_is_measured_beside_the_reference_loop(films):
    rows = training.rows(
        NETWORK, 4, films=films, batch=2, side=32, rounds=1, workers=0, device="cpu", compiled=False
    )
    ways = ways_to_train.ways(torch.device("cpu"), compiled=False)
    assert [row.way for row in rows] == ["reference", *(way.name for way in ways)]
    assert rows[0].ratio_to_reference == 1
    assert all(row.slowest <= row.images_per_second <= row.fastest for row in rows)
    assert all(row.ratio_to_reference > 0 and row.ceiling_gflops > 0 for row in rows)
    assert len(list(training.lines(rows))) == 3 + len(rows)


def test_a_batch_larger_than_the_films_and_a_solved_strategy_are_refused(films):
    with pytest.raises(SpondylError, match="no step"):
        training.rows(NETWORK, 4, films=films, batch=8)
    with pytest.raises(SpondylError, match="30 films, 31 are asked for"):
        training.rows(NETWORK, 31, films=films, batch=8, side=32, device="cpu")
    with pytest.raises(SpondylError, match="'probe'"):
        training.iterated("probe")


@pytest.fixture(scope="module")
def two_studies(films, tmp_path_factory):
    """The same study in single precision and in bf16."""
    folder = tmp_path_factory.mktemp("studies")
    for precision in ("32-true", "bf16-mixed"):
        spec = parse_spec(
            {
                **{"networks": [NETWORK], "strategies": ["scratch"], "folds": 2, "epochs": 2},
                **{"size": [32, 32], "batch_size": 4, "heatmaps": "none", "precision": precision},
            },
            "a test",
        )
        study = conduct.begin(spec, films, folder / precision, {})
        conduct.run(study, folder / "cache", fabric_on("cpu", precision))
    return folder / "32-true", folder / "bf16-mixed"


def test_two_precisions_are_compared_fold_by_fold_and_film_by_film(two_studies):
    (found,) = same_accuracy.compared(*two_studies)
    assert len(found.first) == len(found.second) == 2
    assert found.difference == pytest.approx(sum(found.second) / 2 - sum(found.first) / 2)
    assert 0 < found.p_mcnemar <= 1
    assert same_accuracy.differing(*two_studies) == "precision 32-true / bf16-mixed"
    (itself,) = same_accuracy.compared(two_studies[0], two_studies[0])
    assert itself.within_spread
    assert itself.difference == itself.only_first_right == itself.only_second_right == 0


def test_the_command_says_the_same_as_json(two_studies, capsys):
    assert spondyl(["bench", "accuracy", *two_studies, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["configuration"] for one in said["configurations"]] == [
        f"{NETWORK} · scratch · nested"
    ]
