"""Studies of some of a cohort's labels, of hold-outs, and of folds that are drawn several times."""

import json
import shutil

import numpy as np
import pytest

from spondyl.data import splits
from spondyl.engines.engine import HERE
from spondyl.errors import SpondylError
from spondyl.learn import conduct, predictions, spreading
from spondyl.learn import study as studies
from spondyl.learn.trial import Trial

SOLVED = {"strategies": ["random-features"], "find_duplicates": False}
PAIR = {"labels": ["normal", "spondylolisthesis"], "other_labels": ["scoliosis"]}
NEW = ("other_labels", "scheme", "test_share", "repeats")


@pytest.fixture(scope="module")
def run_of(spec_of, films, fabric, tmp_path_factory):
    """A function that gives a finished study of drawn films, with changes to its spec."""
    cache = tmp_path_factory.mktemp("cache")

    def run(**changes):
        folder = tmp_path_factory.mktemp("study") / "run"
        study = conduct.begin(spec_of(**SOLVED | changes), films, folder, {})
        conduct.run(study, cache, fabric)
        return study

    return run


@pytest.fixture(scope="module")
def whole(run_of):
    return run_of()


@pytest.fixture(scope="module")
def pair(run_of):
    return run_of(**PAIR)


@pytest.fixture(scope="module")
def thrice(run_of):
    return run_of(repeats=3)


@pytest.fixture(scope="module")
def held_out(run_of, spec_of):
    return run_of(scheme="hold-out", folds=5, repeats=3)


def ids(trials: tuple[Trial, ...]) -> list[str]:
    return [trial.trial_id for trial in trials]


def only(study):
    (configuration,) = study.spec.configurations
    return configuration


def text(study) -> list[str]:
    return [predictions.as_csv(draw.predictions) for draw in study.outcomes()[0].repeats]


def test_a_pairwise_study_knows_two_labels_and_judges_their_films_in_the_whole_study_s_folds(
    whole, pair
):
    (ours,), (theirs,) = pair.outcomes(), whole.outcomes()
    fold = dict(zip(theirs.predictions.image_ids, theirs.predictions.folds.tolist(), strict=True))
    table = ours.predictions
    assert table.labels.names == ("normal", "spondylolisthesis")
    assert len(table) == 20
    assert [fold[image_id] for image_id in table.image_ids] == table.folds.tolist()
    kept = set(table.image_ids)
    for one, other in zip(pair.splits.folds, whole.splits.folds, strict=True):
        for part in ("train", "tune", "test"):
            assert list(getattr(one, part)) == [i for i in getattr(other, part) if i in kept]


def test_films_of_other_labels_are_counted_and_the_whole_task_s_splits_are_named(whole, pair):
    assert pair.facts["other_labels"] == {
        "left_out": {"scoliosis": 10},
        "drawn_on": 30,
        "drawn_sha256": whole.splits.sha256,
    }
    assert "other_labels" not in whole.facts


def test_a_pairwise_study_is_gone_on_with_and_no_other_pair_in_its_folder(
    pair, spec_of, films, fabric, tmp_path
):
    copy = shutil.copytree(pair.folder, tmp_path / "run")
    shutil.rmtree(copy / "trials" / pair.trials(only(pair))[1].trial_id)
    study = conduct.begin(spec_of(**SOLVED | PAIR), films, copy, {})
    conduct.run(study, tmp_path / "cache", fabric)
    assert text(studies.load(copy)) == text(pair)
    other = {"labels": ["normal", "scoliosis"], "other_labels": ["spondylolisthesis"]}
    with pytest.raises(SpondylError, match="the spec's labels, the spec's other_labels"):
        conduct.begin(spec_of(**SOLVED | other), films, copy, {})


def test_a_label_that_nobody_named_is_still_refused(spec_of, films, tmp_path):
    with pytest.raises(SpondylError, match="scoliosis: no class is called so") as refused:
        conduct.begin(spec_of(**SOLVED, labels=PAIR["labels"]), films, tmp_path / "run", {})
    assert "other_labels" in refused.value.hint


def test_another_label_that_no_film_has_is_refused(spec_of, films, tmp_path):
    changes = PAIR | {"other_labels": ["scoliosis", "kyphosis"]}
    with pytest.raises(SpondylError, match="kyphosis: no film has this label"):
        conduct.begin(spec_of(**SOLVED | changes), films, tmp_path / "run", {})


def test_the_first_draw_of_several_is_the_study_of_one(whole, thrice):
    assert ids(thrice.trials(only(thrice))) == ids(whole.trials(only(whole)))
    assert text(thrice)[0] == text(whole)[0]
    every = ids(thrice.every_trial(only(thrice)))
    assert len(set(every)) == 6
    assert every[:2] == ids(whole.trials(only(whole)))


def test_every_draw_judges_every_film_once_by_networks_that_were_not_taught_by_it(thrice):
    (outcome,) = thrice.outcomes()
    assert len(outcome.repeats) == 3
    assert outcome.repeats[0].predictions is outcome.predictions
    tables = [draw.predictions for draw in outcome.repeats]
    numbers = [sorted(set(table.folds.tolist())) for table in tables]
    assert numbers == [[0, 1], [2, 3], [4, 5]]
    for draw, table in zip(outcome.repeats, tables, strict=True):
        assert table.image_ids == tables[0].image_ids
        assert [fold.fold for fold in draw.folds] == sorted(set(table.folds.tolist()))
        for image_id, fold in zip(table.image_ids, table.folds.tolist(), strict=True):
            assert image_id in thrice.splits.folds[fold].test
            assert image_id not in thrice.splits.folds[fold].train
    assert len({table.logits.tobytes() for table in tables}) == 3


def test_every_hold_out_judges_the_films_that_it_held_out(held_out):
    (outcome,) = held_out.outcomes()
    for number, draw in enumerate(outcome.repeats):
        assert sorted(draw.predictions.image_ids) == sorted(held_out.splits.folds[number].test)
        assert draw.predictions.folds.tolist() == [number] * 9
        assert np.bincount(draw.predictions.truth).tolist() == [3, 3, 3]


@pytest.mark.parametrize("which", ["thrice", "held_out"])
def test_status_counts_all_draws_and_an_unfinished_one_leaves_no_figures(which, request, tmp_path):
    study = request.getfixturevalue(which)
    copy = shutil.copytree(study.folder, tmp_path / "run")
    every = study.every_trial(only(study))
    shutil.rmtree(copy / "trials" / every[-1].trial_id)
    there = studies.load(copy)
    (row,) = studies.status(there)
    assert (row.n_finished, row.n_left) == (len(every) - 1, 1)
    assert there.outcomes()[0].repeats == ()
    assert f"{len(every) - 1} of {len(every)} folds finished" in there.outcomes()[0].not_run


@pytest.mark.parametrize("which", ["thrice", "held_out", "pair"])
def test_an_engine_runs_the_trials_of_every_draw_to_the_same_end(which, request, tmp_path):
    study = request.getfixturevalue(which)
    copy = shutil.copytree(study.folder, tmp_path / "run")
    for trial in study.every_trial(only(study))[1:]:
        shutil.rmtree(copy / "trials" / trial.trial_id)
    spreading.run(studies.load(copy), tmp_path / "cache", "cpu", HERE)
    assert text(studies.load(copy)) == text(study)


def test_a_folder_from_before_there_were_such_keys_loads_with_the_same_trials(whole, tmp_path):
    copy = shutil.copytree(whole.folder, tmp_path / "run")
    document = json.loads((copy / "study.json").read_text())
    for key in NEW:
        del document["spec"][key]
    (copy / "study.json").write_text(json.dumps(document))
    before = studies.load(copy)
    assert ids(before.every_trial(only(whole))) == ids(whole.every_trial(only(whole)))
    assert text(before) == text(whole)


def test_none_of_the_keys_changes_what_a_trial_is(spec_of):
    assert not set(NEW) & set(spec_of().learning())
    assert not set(NEW) & set(spec_of().substance())
    for changes in ({"repeats": 3}, {"scheme": "hold-out", "folds": 5}, {"other_labels": ["x"]}):
        assert spec_of(**changes).learning() == spec_of().learning()
        assert spec_of(**changes).substance() != spec_of().substance()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"scheme": "hold-out", "folds": 3}, "folds: means nothing"),
        ({"test_share": 0.2}, "test_share: means nothing"),
        ({"repeats": 2, "only_folds": [0]}, "only_folds: of one draw"),
        ({"other_labels": ["Normal"]}, "other_labels: beside labels"),
        ({"scheme": "holdout"}, "scheme"),
        ({"repeats": 0}, "repeats"),
        ({"scheme": "hold-out", "folds": 5, "test_share": 0.9}, "test_share"),
        ({"labels": ["normal", "a + a"]}, "not a combination of different findings"),
    ],
)
def test_keys_that_rule_each_other_out_are_refused(spec_of, changes, why):
    with pytest.raises(SpondylError, match=why):
        spec_of(**changes)


def test_a_hold_out_too_small_for_a_label_is_refused_before_any_folder_is_made(
    spec_of, films, tmp_path
):
    spec = spec_of(**SOLVED, scheme="hold-out", folds=5, test_share=0.05)
    with pytest.raises(SpondylError, match="none of its 10 films can be held out"):
        conduct.begin(spec, films, tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


def test_the_parts_of_loaded_studies_are_those_of_their_scheme(thrice, held_out, pair):
    for study in (thrice, held_out, pair):
        back = studies.load(study.folder)
        assert back.splits == study.splits
        splits.prove(back.splits, back.cohort)
