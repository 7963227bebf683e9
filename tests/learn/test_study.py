"""A study from beginning to end, and whatever may happen to it on the way."""

import shutil
from functools import partial

import numpy as np
import pytest
import torch

from spondyl.errors import SpondylError
from spondyl.files import read_json
from spondyl.learn import conduct, predictions, training
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.outcome import Configuration
from spondyl.learn.study import Study
from spondyl.learn.weights import MissingWeightsError

NETWORK = "test_resnet:layer2"
STRATEGIES = ["random-features", "scratch", "probe"]


@pytest.fixture(scope="module")
def small(spec_of):
    return spec_of(strategies=STRATEGIES)


@pytest.fixture(scope="module")
def weights(weights_of):
    return {"test_resnet": weights_of(seed=3)}


@pytest.fixture(scope="module")
def finished(small, films, weights, fabric, tmp_path_factory):
    """A folder that holds a finished study (run) and its features (cache)."""
    folder = tmp_path_factory.mktemp("study")
    study = conduct.begin(small, films, folder / "run", weights, command="a test")
    conduct.run(study, folder / "cache", fabric)
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of the finished study, to do harm to."""
    shutil.copytree(finished, tmp_path / "study")
    return tmp_path / "study"


def written(study: Study) -> dict[str, str]:
    """The predictions of each configuration as text."""
    return {
        outcome.configuration.slug: predictions.as_csv(outcome.predictions)
        for outcome in study.outcomes()
        if outcome.predictions is not None
    }


def trial_folders(run):
    return sorted(path for path in (run / "trials").iterdir() if not path.name.startswith("."))


def finish_times(run):
    return {path.name: (path / "manifest.json").stat().st_mtime_ns for path in trial_folders(run)}


def test_a_study_predicts_every_film_once_under_every_configuration(finished, small, cohort):
    study = studies.load(finished / "run")
    outcomes = study.outcomes()
    assert [outcome.configuration for outcome in outcomes] == list(small.configurations)
    for outcome in outcomes:
        assert outcome.not_run == ""
        assert outcome.predictions.image_ids == tuple(f.image_id for f in cohort.radiographs)
        assert np.isfinite(outcome.predictions.logits).all()
        assert [fold.fold for fold in outcome.folds] == [0, 1]
        for fold, parts in zip(outcome.folds, study.splits.folds, strict=True):
            sizes = len(parts.train), len(parts.tune), len(parts.test)
            assert (fold.n_train, fold.n_tune, fold.n_test) == sizes


def test_every_film_is_predicted_in_the_fold_that_tested_it(finished):
    study = studies.load(finished / "run")
    tested = {i: n for n, fold in enumerate(study.splits.folds) for i in fold.test}
    for outcome in study.outcomes():
        table = outcome.predictions
        assert dict(zip(table.image_ids, table.folds.tolist(), strict=True)) == tested


def test_truth_and_group_of_a_prediction_are_those_of_the_cohort(finished):
    study = studies.load(finished / "run")
    for outcome in study.outcomes():
        table = outcome.predictions
        for row, film in enumerate(study.cohort.radiographs):
            assert table.labels.names[table.truth[row]] == film.label
            assert table.group_ids[row] == film.group_id


def test_the_account_of_weights_says_file_or_random(finished, weights):
    random_features, scratch, probe = studies.load(finished / "run").outcomes()
    assert random_features.weights.source == scratch.weights.source == "random"
    assert random_features.weights.n_loaded == 0
    assert probe.weights.file == weights["test_resnet"].name
    assert probe.weights.n_random == 0


def test_strategies_that_are_trained_have_a_history_and_solved_ones_a_strength(finished):
    random_features, scratch, probe = studies.load(finished / "run").outcomes()
    for fold in scratch.folds:
        assert [epoch.epoch for epoch in fold.history] == [0, 1]
    for fold in (*random_features.folds, *probe.folds):
        assert fold.history == ()
        assert dict(fold.chosen)["inverse_strength"] > 0


def test_a_trial_s_manifest_says_what_is_in_its_folder(finished):
    for home in trial_folders(finished / "run"):
        manifest = read_json(home / "manifest.json")
        assert manifest["trial_id"] == home.name
        assert {path.name for path in home.iterdir()} >= {"manifest.json", *manifest["sha256"]}


def test_running_again_does_nothing(folder, small, films, weights, fabric):
    before = finish_times(folder / "run"), written(studies.load(folder / "run"))
    study = conduct.begin(small, films, folder / "run", weights)

    def refused(items, doing, total=None):
        raise AssertionError(f"there is nothing to do, and still: {doing}")

    conduct.run(study, folder / "cache", fabric, refused)
    assert (finish_times(folder / "run"), written(studies.load(folder / "run"))) == before


@pytest.mark.parametrize("keep_cache", [True, False])
def test_a_trial_that_was_deleted_is_run_again_alone_and_predicts_the_same(
    folder, small, films, weights, fabric, keep_cache
):
    before, expected = finish_times(folder / "run"), written(studies.load(folder / "run"))
    if not keep_cache:
        shutil.rmtree(folder / "cache")
    study = conduct.begin(small, films, folder / "run", weights)
    for configuration in small.configurations:
        deleted = study.trials(configuration)[1].trial_id
        shutil.rmtree(folder / "run" / "trials" / deleted)
        conduct.run(study, folder / "cache", fabric)
        after = finish_times(folder / "run")
        assert {name for name in after if after[name] != before[name]} == {deleted}
        before = after
    assert written(study) == expected


@pytest.mark.parametrize("name", ["predictions.csv", "learned.safetensors"])
def test_a_trial_whose_files_were_changed_is_refused_with_what_to_do(folder, name):
    home = trial_folders(folder / "run")[0]
    with (home / name).open("ab") as stream:
        stream.write(b"\n")
    with pytest.raises(SpondylError, match=f"{name}: changed since") as refused:
        studies.load(folder / "run").outcomes()
    assert f"Delete {home}" in refused.value.hint


def test_a_trial_without_its_manifest_is_unfinished_and_run_again(
    folder, small, films, weights, fabric
):
    expected = written(studies.load(folder / "run"))
    (trial_folders(folder / "run")[0] / "manifest.json").unlink()
    conduct.run(conduct.begin(small, films, folder / "run", weights), folder / "cache", fabric)
    assert written(studies.load(folder / "run")) == expected


def test_a_study_stopped_within_a_training_goes_on_from_there(
    spec_of, films, fabric, tmp_path, monkeypatch, finished
):
    """A checkpoint is written each epoch, and each run is stopped after one."""
    monkeypatch.setattr(training, "train", partial(training.train, checkpoint_seconds=0))
    epochs = []

    def stopped_after_an_epoch(items, doing, total=None):
        for number, item in enumerate(items):
            if doing.startswith("training"):
                if number == 1:
                    raise KeyboardInterrupt
                epochs.append(item)
            yield item

    study = conduct.begin(spec_of(strategies=["scratch"]), films, tmp_path / "run", {})
    for _ in range(20):
        try:
            conduct.run(study, tmp_path / "cache", fabric, stopped_after_an_epoch)
            break
        except KeyboardInterrupt:
            continue
    assert sorted(epochs) == [0, 0, 1, 1]  # two folds of two epochs, none of them twice
    assert written(study).items() <= written(studies.load(finished / "run")).items()


def test_status_counts_what_is_finished(folder):
    study = studies.load(folder / "run")
    scratch = study.spec.configurations[1]
    shutil.rmtree(study.trials_folder / study.trials(scratch)[0].trial_id)
    rows = studies.status(study)
    assert [(row.n_finished, row.n_left) for row in rows] == [(2, 0), (1, 1), (2, 0)]
    assert "1 of 2 folds finished" in str(rows[1])
    assert "1 of 2" in study.outcomes()[1].not_run


def test_a_restored_network_says_what_is_stored_of_the_films_it_judged(finished, prepared):
    study = studies.load(finished / "run")
    for configuration in study.spec.configurations:
        for trial, done in zip(
            study.trials(configuration), study.finished(configuration), strict=True
        ):
            network = trials.restore(trial, study.trials_folder, study.spec, study.files)
            images = prepared.images[prepared.rows(done.predictions.image_ids)]
            said = training.predict(network, images, study.spec, torch.device("cpu"))
            assert not network.training
            assert np.allclose(said.numpy(), done.predictions.logits, atol=2e-3)


def test_networks_of_different_folds_are_different_networks(finished):
    study = studies.load(finished / "run")
    for configuration in study.spec.configurations:
        one, other = (
            trials.restore(trial, study.trials_folder, study.spec, study.files)
            for trial in study.trials(configuration)
        )
        assert not torch.equal(one.head.linear.weight, other.head.linear.weight)


def test_a_study_that_was_moved_still_loads(folder, tmp_path):
    expected = written(studies.load(folder / "run"))
    moved = shutil.move(folder / "run", tmp_path / "elsewhere" / "run")
    study = studies.load(moved)
    assert written(study) == expected
    scratch = study.spec.configurations[1]
    for trial in study.trials(scratch):
        assert trials.restore(trial, study.trials_folder, study.spec, study.files)


def test_a_study_goes_on_with_its_films_at_another_place(
    folder, small, films, weights, fabric, tmp_path
):
    expected = written(studies.load(folder / "run"))
    moved = shutil.copytree(films, tmp_path / "films elsewhere")
    study = conduct.begin(small, moved, folder / "run", weights)
    assert study.cohort.root == moved
    shutil.rmtree(trial_folders(folder / "run")[0])
    conduct.run(study, folder / "cache", fabric)
    assert written(study) == expected


def test_how_a_study_is_shown_may_change_when_it_is_resumed(folder, spec_of, films, weights):
    other = spec_of(strategies=STRATEGIES, title="Under another title", gallery_films=1)
    study = conduct.begin(other, films, folder / "run", weights)
    assert study.spec.title == "Under another title"
    assert len(written(study)) == 3


@pytest.mark.parametrize("changes", [{"epochs": 3}, {"strategies": ["probe"]}, {"seed": 1}])
def test_another_spec_in_the_same_folder_is_refused_with_the_key_that_differs(
    folder, spec_of, films, weights, changes
):
    with pytest.raises(SpondylError, match=f"the spec's {next(iter(changes))}"):
        conduct.begin(
            spec_of(**{"strategies": STRATEGIES} | changes), films, folder / "run", weights
        )


def test_other_films_in_the_same_folder_are_refused(folder, small, films, weights, tmp_path):
    fewer = shutil.copytree(films, tmp_path / "films")
    min((fewer / "normal").iterdir()).unlink()
    with pytest.raises(SpondylError, match="the films, labels or groups differ"):
        conduct.begin(small, fewer, folder / "run", weights)


def test_other_weights_in_the_same_folder_are_refused(folder, small, films, weights_of):
    with pytest.raises(SpondylError, match="the initial weights differ"):
        conduct.begin(small, films, folder / "run", {"test_resnet": weights_of(seed=4)})


@pytest.mark.parametrize("change", ["seed", "cohort_sha256"])
def test_splits_changed_by_hand_are_refused(folder, change):
    path = folder / "run" / "splits.json"
    path.write_text(path.read_text().replace(f'"{change}": ', f'"{change}": "x", "was": '))
    with pytest.raises(SpondylError):
        studies.load(folder / "run")


def test_a_folder_that_is_no_study_is_refused(tmp_path, films, small, weights):
    with pytest.raises(SpondylError, match="not the folder of a study"):
        studies.load(tmp_path)
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(SpondylError, match="is there already"):
        conduct.begin(small, films, tmp_path, weights)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_missing_weights_are_refused_before_any_folder_is_made(
    small, films, tmp_path, empty_library_cache
):
    with pytest.raises(MissingWeightsError, match="test_resnet"):
        conduct.begin(small, films, tmp_path / "run", {})
    assert not list(tmp_path.glob("*run*"))


def test_what_cannot_be_run_for_want_of_weights_stays_in_the_study_with_its_reason(
    small, films, tmp_path, fabric, empty_library_cache
):
    study = conduct.begin(small, films, tmp_path / "run", {}, skip_missing_weights=True)
    conduct.run(study, tmp_path / "cache", fabric)
    for one in (study, studies.load(tmp_path / "run")):
        *others, probe = one.outcomes()
        assert probe.configuration == Configuration(NETWORK, "probe", "nested")
        assert probe.predictions is None
        assert "neither given nor in the library's cache" in probe.not_run
        assert all(outcome.not_run == "" for outcome in others)


def test_weights_of_a_network_that_is_not_in_the_study_are_refused(small, films, tmp_path, weights):
    with pytest.raises(SpondylError, match="no such network in the study"):
        conduct.begin(small, films, tmp_path / "run", {"resnet50": weights["test_resnet"]})
    assert not (tmp_path / "run").exists()


def test_films_that_do_not_decode_are_refused_and_no_trial_is_begun(
    films, tmp_path, spec_of, fabric
):
    broken = shutil.copytree(films, tmp_path / "films")
    film = min((broken / "normal").iterdir())
    film.write_bytes(film.read_bytes()[:300])
    with pytest.raises(SpondylError, match=film.name):
        conduct.run(
            conduct.begin(spec_of(find_duplicates=False), broken, tmp_path / "run", {}),
            tmp_path / "cache",
            fabric,
        )
    assert not (tmp_path / "run").exists() or trial_folders(tmp_path / "run") == []


def test_copies_of_a_film_never_part(films, tmp_path, spec_of, weights):
    copied = shutil.copytree(films, tmp_path / "films")
    original = min((copied / "normal").iterdir())
    shutil.copy(original, copied / "normal" / "copy.png")
    study = conduct.begin(spec_of(), copied, tmp_path / "run", {})
    twins = {f"normal/{original.name}", "normal/copy.png"}
    assert [set(group.image_ids) for group in study.duplicates] == [twins]
    for fold in study.splits.folds:
        for part in (fold.train, fold.tune, fold.test):
            assert len(twins & set(part)) in (0, 2)
    back = studies.load(tmp_path / "run")
    assert back.duplicates == study.duplicates


def test_under_the_paper_s_protocol_the_films_that_steer_are_those_judged(
    films, tmp_path, spec_of, fabric
):
    spec = spec_of(strategies=["scratch"], protocols=["nested", "paper"], epochs=1)
    study = conduct.begin(spec, films, tmp_path / "run", {})
    conduct.run(study, tmp_path / "cache", fabric)
    nested, paper = study.outcomes()
    for theirs, ours in zip(paper.folds, nested.folds, strict=True):
        assert theirs.n_tune == theirs.n_test == ours.n_test
        assert theirs.n_train == ours.n_train + ours.n_tune
    assert paper.predictions.logits.tobytes() != nested.predictions.logits.tobytes()
