"""Which films are shown, and by which network each is explained: never one that learned from it."""

import numpy as np
import pytest
import torch

from spondyl.data import cohort as cohorts
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing, output
from spondyl.explain import gallery, heatmap
from spondyl.explain.explaining import explain
from spondyl.learn import conduct
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.preprocess import prepare
from spondyl.learn.spec import parse_spec

CPU = torch.device("cpu")
N = 60
ALL = 1000
ERRORS = {"vgg16": [4, 8, 30], "resnet50": [8, 50]}


def outcome(strategy, wrong=(), n=N, network="resnet50", protocol="nested"):
    """A configuration that gets every film right but those in the given rows."""
    truth = np.arange(n) % 3
    predicted = truth.copy()
    predicted[list(wrong)] = (truth[list(wrong)] + 1) % 3
    ids = tuple(f"film{i:02}.png" for i in range(n))
    table = PredictionTable(SPINE_LABELS, ids, ids, truth % 2, truth, 3.0 * np.eye(3)[predicted])
    return Outcome(Configuration(network, strategy, protocol), None, predictions=table)


def rows(image_ids):
    return [int(image_id[4:6]) for image_id in image_ids]


def wrong(chosen):
    """{configuration: rows of its wrong films that are shown}."""
    return {one.configuration: rows(one.shown) for one in chosen.wrong}


def test_correct_films_are_so_many_of_each_class_that_every_configuration_got_right():
    wrong = range(0, 30)
    chosen = gallery.choose([outcome("probe"), outcome("scratch", wrong)], 4, ALL, seed=0)
    assert [name for name, _ in chosen.correct] == list(SPINE_LABELS.names)
    for column, (_, image_ids) in enumerate(chosen.correct):
        assert len(set(image_ids)) == 4
        assert all(row % 3 == column and row >= 30 for row in rows(image_ids))


def test_what_the_judged_films_steered_is_the_best_only_where_all_were():
    steered, nested = outcome("scratch", protocol="paper"), outcome("scratch", [1, 2])
    assert gallery.choose([steered, nested], 3, ALL, seed=0).best == nested.configuration
    assert gallery.choose([steered], 3, ALL, seed=0).best == steered.configuration


def test_the_best_one_s_correct_films_fill_up_where_those_of_all_are_too_few():
    nearly_all = [row for row in range(N) if row not in (3, 4, 5)]
    chosen = gallery.choose([outcome("probe", [0]), outcome("scratch", nearly_all)], 3, ALL, seed=0)
    for column, (_, image_ids) in enumerate(chosen.correct):
        assert image_ids[0] == f"film{3 + column:02}.png"
        assert len(image_ids) == 3
        assert 0 not in rows(image_ids)


def test_every_film_that_the_best_configuration_got_wrong_is_shown_in_order():
    one, other = outcome("probe", [41, 7, 13]), outcome("scratch", range(20))
    chosen = gallery.choose([other, one], 2, ALL, seed=0)
    assert chosen.best == one.configuration
    assert wrong(chosen) == {one.configuration: [7, 13, 41]}


def test_of_every_fine_tuned_configuration_the_wrong_films_are_shown_after_those_of_the_best():
    tuned = [outcome("fine-tuning", films, network=name) for name, films in ERRORS.items()]
    best, other = outcome("probe", [3]), outcome("scratch", [1, 2, 3])
    chosen = gallery.choose([*tuned, other, best], 1, ALL, seed=0)
    configurations = [best.configuration, *(one.configuration for one in tuned)]
    assert list(wrong(chosen)) == configurations
    assert list(wrong(chosen).values()) == [[3], *ERRORS.values()]
    assert {row for films in ERRORS.values() for row in films} <= set(rows(chosen.image_ids))


def test_a_fine_tuned_configuration_that_is_the_best_comes_once():
    tuned = [outcome("fine-tuning", films, network=name) for name, films in ERRORS.items()]
    chosen = gallery.choose(tuned, 1, ALL, seed=0)
    assert chosen.best == tuned[1].configuration
    assert list(wrong(chosen).values()) == [ERRORS["resnet50"], ERRORS["vgg16"]]


@pytest.mark.parametrize("most", [0, 2, 3])
def test_no_more_wrong_films_are_shown_than_asked_for_and_all_are_counted(most):
    chosen = gallery.choose([outcome("fine-tuning", [9, 2, 30])], 0, most, seed=0)
    (of_best,) = chosen.wrong
    assert rows(of_best.shown) == [2, 9, 30][:most]
    assert of_best.n_wrong == 3
    assert chosen.image_ids == of_best.shown


def test_of_equals_the_first_is_the_best():
    both = [outcome("probe", [1]), outcome("scratch", [2])]
    assert gallery.choose(both, 1, ALL, seed=0).best == both[0].configuration


def test_one_seed_draws_the_same_films_and_another_others():
    outcomes = [outcome("probe", [1, 2, 3])]
    assert gallery.choose(outcomes, 5, ALL, seed=3) == gallery.choose(outcomes, 5, ALL, seed=3)
    assert gallery.choose(outcomes, 5, ALL, seed=3) != gallery.choose(outcomes, 5, ALL, seed=4)


def test_no_film_is_named_twice():
    nothing_right = gallery.choose([outcome("probe", range(N))], 3, ALL, seed=0)
    assert nothing_right.image_ids == nothing_right.wrong[0].shown
    assert len(set(nothing_right.image_ids)) == N


def test_nothing_is_chosen_where_nothing_was_run():
    not_run = Outcome(Configuration("vgg16", "probe", "nested"), None, not_run="no weights")
    chosen = gallery.choose([not_run], 3, ALL, seed=0)
    assert (chosen.best, chosen.image_ids) == (None, ())
    ran = outcome("scratch", [5])
    assert wrong(gallery.choose([not_run, ran], 3, ALL, seed=0)) == {ran.configuration: [5]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A function that gives a study of two configurations, run and explained, with the maps that
    it asks for."""
    folder = tmp_path_factory.mktemp("explained")
    films = output.save(folder / "drawn", drawing.cohort(30, 0, size=(64, 48))) / "films"
    content = {
        "networks": ["test_resnet:layer2"],
        "strategies": ["random-features", "scratch"],
        **{"folds": 2, "epochs": 1, "size": [32, 32], "batch_size": 8, "gallery_films": 1},
    }

    def explained(heatmaps):
        spec = parse_spec({**content, "heatmaps": heatmaps}, "a test's spec")
        study = conduct.begin(spec, films, folder / heatmaps, {})
        conduct.run(study, folder / "cache", fabric_on("cpu"))
        return study, gallery.explain_study(study, study.outcomes(), CPU)

    return explained


@pytest.fixture(scope="module")
def every(finished):
    return finished("all")[0]


def maps_of(study, configuration):
    return heatmap.load(gallery.path(study.folder, configuration))


def test_a_film_is_explained_by_a_network_that_did_not_learn_from_it(every):
    for configuration in every.spec.configurations:
        by_id = {trial.trial_id: trial for trial in every.trials(configuration)}
        for one in maps_of(every, configuration):
            parts = by_id[one.source].parts
            assert one.image_id in parts.test
            assert one.image_id not in (*parts.train, *parts.tune)


def test_a_map_is_that_of_the_network_that_judged_the_film(every):
    prepared = prepare(every.cohort.radiographs, every.spec.preprocessing)
    for configuration in every.spec.configurations:
        for trial in every.trials(configuration):
            network = trials.restore(trial, every.trials_folder, every.spec, every.files)
            own = [one for one in maps_of(every, configuration) if one.source == trial.trial_id]
            for one in own[:4]:
                image = prepared.images[prepared.rows([one.image_id])]
                label = torch.tensor([every.spec.labels.index(one.label)])
                seen = every.spec.preprocessing.normalised(image)
                expected = explain(network, seen, label).maps[0].numpy()
                assert np.allclose(one.values, expected, rtol=1e-3, atol=1e-6)
                assert one.layer == "layer2"


def test_the_predicted_label_is_explained_and_the_true_one_where_it_differs(every):
    n_wrong = 0
    for done in every.outcomes():
        table, asked = done.predictions, {}
        for one in maps_of(every, done.configuration):
            asked.setdefault(one.image_id, []).append(one.label)
        names = table.labels.names
        for row, image_id in enumerate(table.image_ids):
            expected = [names[table.predicted[row]], names[table.truth[row]]]
            assert asked[image_id] == list(dict.fromkeys(expected))
            n_wrong += expected[0] != expected[1]
    assert n_wrong > 0


def test_only_films_that_are_shown_are_explained_unless_all_are_asked_for(finished):
    study, selection = finished("selected")
    for configuration in study.spec.configurations:
        explained = {one.image_id for one in maps_of(study, configuration)}
        assert explained == set(selection.image_ids)
    assert {i for one in selection.wrong for i in one.shown} <= explained


def test_no_map_is_made_where_none_is_asked_for(finished):
    study, selection = finished("none")
    assert selection.best is not None
    assert not (study.folder / gallery.HEATMAPS).exists()


def test_explaining_again_gives_the_same_maps_and_changes_no_trial(every):
    before = {c: maps_of(every, c) for c in every.spec.configurations}
    gallery.explain_study(studies.load(every.folder), every.outcomes(), CPU)
    for configuration, maps in before.items():
        for one, again in zip(maps, maps_of(every, configuration), strict=True):
            assert (one.image_id, one.label) == (again.image_id, again.label)
            assert one.values.tobytes() == again.values.tobytes()
    assert cohorts.read(every.cohort.root).sha256 == every.facts["stated_cohort_sha256"]
