"""Who may vote together, and what a trial keeps of the films that chose."""

import json
import shutil

import numpy as np
import pytest

from spondyl.errors import SpondylError
from spondyl.learn import conduct, members, probe
from spondyl.learn import study as studies
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Configuration
from spondyl.learn.trial import MANIFEST, TUNE

NETWORK = "test_resnet:layer2"


@pytest.fixture(scope="module")
def run_of(films, spec_of, tmp_path_factory):
    """A function that runs a small study with the changes that it is asked for."""

    def ran(name, **changes):
        folder = tmp_path_factory.mktemp("runs") / name
        spec = spec_of(epochs=1, **changes)
        study = conduct.begin(spec, films, folder, {})
        conduct.run(study, folder.parent / "cache", fabric_on("cpu"))
        return folder

    return ran


@pytest.fixture(scope="module")
def run(run_of):
    return run_of("run", protocols=["nested", "paper"])


@pytest.fixture(scope="module")
def smaller(run_of):
    return run_of("smaller", strategies=["random-features"], size=[48, 48])


def test_a_trial_keeps_what_it_said_of_the_films_that_chose(run):
    study = studies.load(run)
    for strategy in ("random-features", "scratch"):
        configuration = Configuration(NETWORK, strategy, "nested")
        for trial, done in zip(
            study.trials(configuration), study.finished(configuration), strict=True
        ):
            assert done.tune is not None
            assert done.tune.image_ids == study.splits.folds[trial.fold].tune
            assert not set(done.tune.image_ids) & set(done.predictions.image_ids)
            told = dict(done.outcome.chosen)["tune_loss"]
            assert probe.cross_entropy(done.tune.logits, done.tune.truth) == pytest.approx(
                told, rel=1e-5
            )


def test_where_the_judged_films_steer_there_is_no_part_left_to_choose_on(run):
    study = studies.load(run)
    paper = Configuration(NETWORK, "scratch", "paper")
    assert all(done.tune is None for done in study.finished(paper))
    assert not list(study.trials_folder.glob(f"{study.trials(paper)[0].trial_id}/{TUNE}"))
    (_, member) = members.read(
        [f"{run}:{NETWORK}/scratch/nested", f"{run}:{NETWORK}/scratch/paper"]
    )
    assert member.tune == {}
    assert "steered" in member.why_no_tune


def test_a_studys_folder_means_all_of_its_finished_configurations(run):
    read = members.read([str(run)])
    assert [one.configuration for one in read] == list(studies.load(run).spec.configurations)
    assert all(len(one.test) == 30 for one in read)


def test_a_configuration_is_named_from_the_left_as_far_as_is_needed(run, smaller):
    names = [one.name for one in members.read([f"{run}:{NETWORK}/scratch/nested", str(smaller)])]
    assert names == [
        f"run: {NETWORK} · scratch · nested",
        f"smaller: {NETWORK} · random-features · nested",
    ]
    assert len(members.read([f"{run}:{NETWORK}/scratch"])) == 2
    assert len(members.read([f"{run}:{NETWORK}"])) == 3


def test_folders_of_one_name_are_told_apart(smaller, run, tmp_path):
    other = shutil.copytree(run, tmp_path / "smaller")
    one, two = members.read([str(smaller), f"{other}:{NETWORK}/random-features"])
    assert one.name.startswith("smaller (1): ")
    assert two.name.startswith("smaller (2): ")


def test_trials_older_than_their_tune_predictions_are_read_and_say_so(smaller, run, tmp_path):
    old = shutil.copytree(smaller, tmp_path / "old")
    for home in (old / "trials").iterdir():
        if not home.is_dir():
            continue
        manifest = json.loads((home / MANIFEST).read_text())
        del manifest["sha256"][TUNE]
        (home / MANIFEST).write_text(json.dumps(manifest))
        (home / TUNE).unlink()
    member, _ = members.read([str(old), f"{run}:{NETWORK}/random-features"])
    assert member.tune == {}
    assert "older than tune.csv" in member.why_no_tune


def test_changed_tune_predictions_are_refused_like_any_other_change(smaller, tmp_path):
    changed = shutil.copytree(smaller, tmp_path / "changed")
    tune = next((changed / "trials").glob(f"*/{TUNE}"))
    tune.write_text(tune.read_text().replace("normal", "scoliosis", 1))
    study = studies.load(changed)
    with pytest.raises(SpondylError, match="changed since the trial ended"):
        study.finished(study.spec.configurations[0])


@pytest.mark.parametrize("changes", [{"seed": 1}, {"folds": 3}])
def test_other_folds_may_not_vote_together(run, run_of, changes):
    other = run_of("other", strategies=["random-features"], **changes)
    with pytest.raises(SpondylError, match="has other splits") as refused:
        members.read([f"{run}:{NETWORK}/random-features", str(other)])
    assert "same folds" in refused.value.hint


def test_folds_that_only_one_of_two_has_run_are_no_ground_for_a_vote(run, run_of):
    one_fold = run_of("one", strategies=["random-features"], only_folds=[1])
    with pytest.raises(SpondylError, match="has other folds than"):
        members.read([f"{run}:{NETWORK}/random-features", str(one_fold)])


def test_what_is_not_there_is_refused_with_what_is(run, tmp_path):
    with pytest.raises(SpondylError, match=r"finished there: .*random-features"):
        members.read([f"{run}:{NETWORK}/fine-tuning"])
    with pytest.raises(SpondylError, match="no finished configuration fits"):
        members.read([f"{run}:{NETWORK}/scratch/nested/more"])
    with pytest.raises(SpondylError, match="no study is there"):
        members.read([str(tmp_path / "nowhere"), str(run)])
    with pytest.raises(SpondylError, match="named twice"):
        members.read([str(run), f"{run}:{NETWORK}/random-features"])
    with pytest.raises(SpondylError, match="1 members: a vote is of 2 to"):
        members.read([f"{run}:{NETWORK}/random-features"])


def test_tune_predictions_stand_in_a_table_of_their_own_films(run):
    (first, *_) = members.read([str(run)])
    for fold, table in first.tune.items():
        assert (table.folds == fold).all()
        assert set(np.unique(table.truth)) == {0, 1, 2}
