"""A study's maps scored film by film: by the network that was tested on the film, each score as its
definition says, kept and gone on with."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr

from spondyl.data import regions
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.explain.explaining import explain
from spondyl.explain.scores import baselines
from spondyl.explain.study import record, sampling
from spondyl.explain.study_explaining import explain_run
from spondyl.learn import conduct
from spondyl.learn import trial as trials
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.preprocess import prepare
from spondyl.learn.spec import parse_spec

METHODS = ("layercam", "grad-cam", "hirescam")
N = 9
UNMARKED = {"methods": ("grad-cam",), "n_films": 4, "masks": None}
CONTENT = {
    "networks": ["test_resnet:layer2"],
    "strategies": ["random-features", "scratch"],
    **{"folds": 2, "epochs": 1, "size": [48, 32], "batch_size": 8, "heatmaps": "none"},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    return output.save(folder / "drawn", drawing.cohort(30, 0, size=(72, 48))), folder / "run"


@pytest.fixture(scope="module")
def study(place):
    drawn, run = place
    study = conduct.begin(parse_spec(CONTENT, "a test's spec"), drawn / "films", run, {})
    conduct.run(study, run.parent / "cache", fabric_on("cpu"))
    return study


def again(study, place, **changes):
    settings = {"methods": METHODS, "n_films": N, "seed": 3, "masks": place[0] / "regions"}
    return explain_run(study.folder, **settings | {"device": "cpu"} | changes)


@pytest.fixture(scope="module")
def passed():
    """Films that went through a first convolution while the study was explained."""
    return []


@pytest.fixture(scope="module")
def explained(study, place, passed):
    def count(module, inputs):
        first = isinstance(module, torch.nn.Conv2d) and module.in_channels == 3
        if first and list(inputs[0].shape[2:]) == CONTENT["size"]:
            passed.append(len(inputs[0]))

    hook = torch.nn.modules.module.register_module_forward_pre_hook(count)
    made = again(study, place)
    hook.remove()
    return made


@pytest.fixture(scope="module")
def tested(study, explained):
    """[(film, trial, network, normalised image (1, 3, H, W), label)] of the last configuration."""
    configuration = study.spec.configurations[-1]
    films = {film.image_id: film for film in study.cohort.radiographs}
    table = study.outcomes()[-1].predictions
    found = []
    for image_id in explained[-1].about.image_ids:
        (trial,) = (t for t in study.trials(configuration) if image_id in t.parts.test)
        network = trials.restore(trial, study.trials_folder, study.spec, study.files)
        image = prepare([films[image_id]], study.spec.preprocessing).images
        label = torch.tensor([int(table.predicted[table.image_ids.index(image_id)])])
        seen = study.spec.preprocessing.normalised(image)
        found.append((films[image_id], trial, network, seen, label))
    return found


def values(explained, score, maker="grad-cam"):
    return explained.table.by_film(score, maker)


def predictions(counts, seed=0):
    truth = np.random.default_rng(seed).permutation(np.repeat(np.arange(3), counts))
    ids = tuple(f"{i:03}.png" for i in range(len(truth)))
    logits = np.zeros((len(truth), 3))
    return PredictionTable(SPINE_LABELS, ids, ids, truth * 0, truth, logits)


@pytest.mark.parametrize(
    ("n", "expected"), [(9, [3, 3, 3]), (10, [4, 3, 3]), (14, [6, 2, 6]), (99, [20, 2, 30])]
)
def test_classes_are_drawn_as_evenly_as_their_films_allow(n, expected):
    table = predictions([20, 2 if n > 10 else 9, 30])
    drawn = sampling.drawn(table, n, seed=5)
    rows = [table.image_ids.index(image_id) for image_id in drawn]
    assert len(set(rows)) == len(rows)
    assert [int((table.truth[rows] == column).sum()) for column in range(3)] == expected


def test_one_seed_draws_the_same_films_another_others_and_fewer_are_the_first_of_more():
    table = predictions([20, 20, 20])
    assert sampling.drawn(table, 12, 1) == sampling.drawn(table, 12, 1)
    assert sampling.drawn(table, 12, 1) != sampling.drawn(table, 12, 2)
    assert sampling.drawn(table, 12, 1)[:6] == sampling.drawn(table, 6, 1)


def test_every_configuration_is_asked_about_the_same_films_and_its_own_predicted_labels(
    study, explained
):
    first, second = explained
    assert first.about.image_ids == second.about.image_ids
    assert len(set(first.about.image_ids)) == N
    for one, outcome in zip(explained, study.outcomes(), strict=True):
        table = outcome.predictions
        said = dict(zip(table.image_ids, table.predicted, strict=True))
        for row in one.table.rows:
            assert row.label == table.labels.names[said[row.image_id]]
            assert row.group_id == table.group_ids[table.image_ids.index(row.image_id)]


def test_methods_that_are_one_picture_are_computed_once_and_named_together(explained):
    for one in explained:
        assert one.about.pictures == (("layercam",), ("grad-cam", "hirescam"))
        makers = ("layercam", "grad-cam", "random", "centre", "edges", "untrained")
        assert one.table.makers == makers


def test_every_maker_is_scored_on_every_film_by_what_the_network_answers(explained):
    for one in explained:
        for maker in one.table.makers:
            for score in ("deletion", "insertion", "road-gap"):
                assert set(values(one, score, maker)) == set(one.about.image_ids)


def test_a_map_is_scored_where_the_network_that_was_tested_on_the_film_looks(
    tested, explained, place
):
    n_scored = 0
    for film, _, network, seen, label in tested:
        heat = explain(network, seen, label, "grad-cam").maps[0].double().numpy()
        assert values(explained[-1], "peak")[film.image_id] == pytest.approx(heat.max(), rel=1e-4)
        mask = regions.load(place[0] / "regions", film.image_id).spine_mask
        if heat.max() <= 0:
            assert film.image_id not in values(explained[-1], "energy")
            continue
        # a stretched film: bilinear enlargement of the grid, cell by cell
        fine = F.interpolate(torch.from_numpy(heat)[None, None], mask.shape, mode="bilinear")[0, 0]
        on, total = 0.0, 0.0
        for value, inside in zip(fine.numpy().ravel(), mask.ravel(), strict=True):
            total += value
            on += value * inside
        assert values(explained[-1], "energy")[film.image_id] == pytest.approx(on / total, rel=1e-3)
        chance = values(explained[-1], "energy-chance")[film.image_id]
        assert chance == pytest.approx(mask.sum() / mask.size)
        shares = heat[heat > 0] / heat.sum()
        entropy = -sum(p * np.log(p) for p in shares) / np.log(heat.size)
        assert values(explained[-1], "entropy-share")[film.image_id] == pytest.approx(
            entropy, rel=1e-4
        )
        n_scored += 1
    assert n_scored > 0


def test_deletion_is_the_area_under_eight_steps_from_the_hottest_pixel_on(tested, explained):
    film, _, network, seen, label = tested[0]
    height, width = seen.shape[2:]
    grid = baselines.edge_maps(seen, tuple(explain(network, seen, label).maps.shape[1:]))
    fine = F.interpolate(grid[None].double(), (height, width), mode="bilinear")[0, 0].numpy()
    order = np.argsort(-fine.ravel(), kind="stable")
    heights = []
    for step in range(9):
        left = seen.clone()
        for pixel in order[: round(step * len(order) / 8)]:
            left[0, :, pixel // width, pixel % width] = 0
        with torch.no_grad():
            heights.append(float(network(left).softmax(dim=1)[0, label]))
    area = sum((a + b) / 2 / 8 for a, b in pairwise(heights))
    assert values(explained[-1], "deletion", "edges")[film.image_id] == pytest.approx(
        area, abs=1e-4
    )


def test_fold_networks_agree_as_far_as_the_ranks_of_their_cells_do(study, tested, explained):
    networks = [
        trials.restore(trial, study.trials_folder, study.spec, study.files)
        for trial in study.trials(study.spec.configurations[-1])
    ]
    found = values(explained[-1], "fold-agreement-rank")
    for film, _, _, seen, label in tested:
        maps = [explain(network, seen, label).signed[0].numpy().ravel() for network in networks]
        expected = np.mean([spearmanr(a, b).statistic for a, b in combinations(maps, 2)])
        assert found[film.image_id] == pytest.approx(expected, abs=0.02)
    assert explained[-1].about.n_networks == len(networks) == 2


def test_random_weights_and_changed_films_are_asked_of_methods_only(explained):
    for one in explained:
        for maker in one.table.makers:
            n_expected = 0 if maker in ("random", "centre", "edges", "untrained") else 1
            for score in ("randomised-rank", "unrelated-rank", "shift-rank", "other-label-rank"):
                assert (len(values(one, score, maker)) > 0) == n_expected
        assert set(values(one, "randomised-rank")) <= set(one.about.cascade_ids)
        assert len(one.about.cascade_ids) == 8 < N


def test_forward_passes_are_counted_film_by_film(explained, passed):
    assert sum(one.about.forward_passes for one in explained) == sum(passed)


def test_what_is_there_with_the_same_settings_is_kept_and_other_settings_make_it_anew(
    study, place, explained
):
    configuration = study.spec.configurations[0]
    path = record.table_path(study.folder, configuration)
    before = [
        (file.read_bytes(), file.stat().st_mtime_ns) for file in sorted(path.parent.iterdir())
    ]
    kept = again(study, place)
    after = [(file.read_bytes(), file.stat().st_mtime_ns) for file in sorted(path.parent.iterdir())]
    assert after == before
    assert [one.table.rows for one in kept] == [one.table.rows for one in explained]
    unmarked = again(study, place, **UNMARKED)
    assert len(unmarked[0].about.image_ids) == 4
    assert unmarked[0].table.rows != kept[0].table.rows


def test_a_table_that_was_changed_is_refused_by_readers_and_made_anew_when_asked_for(study, place):
    first, _ = again(study, place, **UNMARKED)
    path = record.table_path(study.folder, first.configuration)
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(SpondylError, match="changed since"):
        record.load(study.folder, first.configuration)
    assert again(study, place, **UNMARKED)[0].table.rows == first.table.rows


def test_a_table_without_its_facts_is_no_explanation(study, place):
    first, _ = again(study, place, **UNMARKED)
    facts = record.table_path(study.folder, first.configuration).with_suffix(".json")
    text = facts.read_text(encoding="utf-8")
    facts.unlink()
    assert record.load(study.folder, first.configuration) is None
    facts.write_text(text.replace('"schema_version": 1', '"schema_version": 0'), encoding="utf-8")
    with pytest.raises(SpondylError, match="another schema"):
        record.load(study.folder, first.configuration)
    facts.write_text(text, encoding="utf-8")


def test_without_regions_there_is_no_score_of_place(study, place):
    for one in again(study, place, **UNMARKED):
        assert not {"energy", "pointing", "concordance", "peak-distance"} & set(one.table.scores)
        assert "deletion" in one.table.scores
        assert one.about.settings["n_marked"] == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"methods": ("grad-cam", "gradcam+")}, "method 'gradcam\\+': not known"),
        ({"methods": ()}, "0 methods"),
        ({"n_films": 1}, "1 films"),
        ({"device": "tpu"}, "device 'tpu'"),
    ],
)
def test_what_cannot_be_explained_is_refused_before_any_work(study, place, changes, said):
    with pytest.raises(SpondylError, match=said):
        again(study, place, **changes)


def test_regions_of_no_film_and_of_another_size_are_refused(study, place, tmp_path):
    with pytest.raises(SpondylError, match="regions of none of the 9 films"):
        again(study, place, masks=tmp_path)
    for film in study.cohort.radiographs:
        size = (film.file.height + 1, film.file.width)
        marked = regions.Regions(size, "a test", np.ones(size, np.bool_))
        regions.save(tmp_path, film.image_id, marked)
    with pytest.raises(SpondylError, match="9 problems"):
        again(study, place, masks=tmp_path)


def test_a_study_of_which_nothing_is_finished_is_refused(place, tmp_path):
    conduct.begin(parse_spec(CONTENT, "a test's spec"), place[0] / "films", tmp_path / "run", {})
    with pytest.raises(SpondylError, match="no configuration is finished"):
        explain_run(tmp_path / "run", device="cpu")


def test_asked_only_where_maps_are_hot_it_says_the_same_of_that_and_nothing_dear(
    study, place, explained
):
    quick = again(study, place, scores="place")
    for few, many in zip(quick, explained, strict=True):
        assert few.about.forward_passes < many.about.forward_passes / 5
        assert {"energy", "pointing"} < set(few.table.scores)
        assert "deletion" not in few.table.scores
        assert few.table.makers == many.table.makers
        for score in few.table.scores:
            for maker in few.table.makers:
                assert few.table.by_film(score, maker) == many.table.by_film(score, maker)
    again(study, place)  # for the tests after this one, whatever their order
