"""Curves for TensorBoard: every epoch once, and nothing else changes."""

import sys
from functools import partial

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from spondyl.errors import SpondylError
from spondyl.learn import conduct, tensorboard, training
from spondyl.report import whole

NAMES = {
    "loss/train": "train_loss",
    "loss/tune": "tune_loss",
    "accuracy/tune": "tune_accuracy",
    "learning_rate": "learning_rate",
    "seconds": "seconds",
}


@pytest.fixture(scope="module")
def spec(spec_of):
    return spec_of(epochs=3)


@pytest.fixture
def conducted(spec, films, fabric, tmp_path):
    """A function that runs the study in a folder, or goes on with it, and gives it back."""

    def go(name="run", curves=None, track=lambda items, doing, total=None: iter(items)):
        study = conduct.begin(spec, films, tmp_path / name, {})
        if curves is None:
            conduct.run(study, tmp_path / "cache", fabric, track)
        else:
            with tensorboard.curves(curves) as watch:
                conduct.run(study, tmp_path / "cache", fabric, track, watch)
        return study

    return go


def stopped_after_an_epoch(items, doing, total=None):
    for number, item in enumerate(items):
        if number == 1 and doing.startswith("training"):
            raise KeyboardInterrupt
        yield item


def written(folder):
    """{folder: {scalar: [(step, value)]}}, everything that was written, with nothing left out."""
    found = {}
    for home in sorted(folder.iterdir()):
        events = EventAccumulator(str(home), purge_orphaned_data=False).Reload()
        found[home.name] = {
            name: [(event.step, event.value) for event in events.Scalars(name)]
            for name in events.Tags()["scalars"]
        }
    return found


def histories(study):
    """What of the study's history should stand in `written`."""
    return {
        f"{outcome.configuration.slug}-fold{fold.fold}": {
            name: [(e.epoch, pytest.approx(getattr(e, field), rel=1e-6)) for e in fold.history]
            for name, field in NAMES.items()
        }
        for outcome in study.outcomes()
        for fold in outcome.folds
        if fold.history
    }


def result(study):
    """Every byte that a study's trials predicted and learned, by trial."""
    return {
        (path.parent.name, path.name): path.read_bytes()
        for name in ("predictions.csv", "learned.safetensors")
        for path in study.trials_folder.rglob(name)
    }


def test_every_epoch_of_every_trained_trial_is_written_once(conducted, tmp_path):
    study = conducted(curves=tmp_path / "curves")
    assert len(histories(study)) == 2  # solved trials have no epochs
    assert written(tmp_path / "curves") == histories(study)


def test_a_study_that_is_watched_learns_and_predicts_the_same_bytes(conducted, tmp_path):
    watched = result(conducted("watched", curves=tmp_path / "curves"))
    assert len(watched) == 8
    assert watched == result(conducted("alone"))


def test_a_trial_that_was_interrupted_goes_on_without_a_step_written_twice(
    conducted, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "train", partial(training.train, checkpoint_seconds=0))
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            conducted(curves=tmp_path / "curves", track=stopped_after_an_epoch)
    study = conducted(curves=tmp_path / "curves")
    assert written(tmp_path / "curves") == histories(study)


def test_trials_that_ended_unwatched_are_written_when_it_is_asked_for(conducted, tmp_path):
    study = conducted()
    conducted(curves=tmp_path / "curves")
    assert written(tmp_path / "curves") == histories(study)


def test_events_of_another_study_in_the_folder_stay(conducted, tmp_path):
    slug = "test_resnet-layer2_scratch_nested"
    theirs = tmp_path / "curves" / f"{slug}-fold0" / "events.out.tfevents.1.host.1.0.another"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    for _ in range(2):
        conducted(curves=tmp_path / "curves")
    assert theirs.read_bytes() == b"theirs"
    assert len(list(theirs.parent.iterdir())) == 2


@pytest.fixture
def not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)


def test_where_tensorboard_is_missing_it_is_said_before_any_work(
    spec, films, tmp_path, not_installed
):
    with pytest.raises(SpondylError, match="tensorboard") as refused:
        whole.study_and_report(
            spec, films, tmp_path / "run", {}, cache=tmp_path / "cache", curves=tmp_path / "curves"
        )
    assert "spondyl[tensorboard]" in refused.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_does_not_ask_for_it_needs_no_tensorboard(conducted, not_installed):
    assert len(histories(conducted())) == 2


def test_a_folder_that_cannot_be_filled_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpondylError, match="cannot be filled"):
        tensorboard.curves(tmp_path / "file" / "curves").__enter__()
