"""The trials of a study on engines: the same results whoever ran them, and none lost or run twice.

What is compared is every determined byte that a study leaves: predictions and learned tensors.
"""

import pickle
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import spondyl
from filelock import FileLock

from spondyl.engines.engine import HERE, Here
from spondyl.engines.processes import Processes
from spondyl.errors import SpondylError
from spondyl.learn import conduct, spreading
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.conduct import TrialsFailedError


@pytest.fixture(scope="module")
def spec(spec_of):
    return spec_of()


@pytest.fixture(scope="module")
def undisturbed(spec, films, fabric, tmp_path_factory):
    """The study as this process runs it."""
    folder = tmp_path_factory.mktemp("here")
    conduct.run(conduct.begin(spec, films, folder / "run", {}), folder / "cache", fabric)
    return folder


@pytest.fixture
def begun(spec, films, tmp_path):
    """A study of which nothing is run."""
    return conduct.begin(spec, films, tmp_path / "run", {})


@pytest.fixture
def cache(tmp_path):
    spreading._opened.cache_clear()  # a study in another folder is another one, its films the same
    return tmp_path / "cache"


def left_in(folder):
    return {
        str(path.relative_to(folder / "run")): path.read_bytes()
        for name in (trials.PREDICTIONS, trials.TENSORS)
        for path in (folder / "run").rglob(name)
    }


class Elsewhere(Here):
    """This process, but taken for another machine."""

    @property
    def is_here(self):
        return False


class Pickling:
    """Runs units in this process, but as pickles, which it keeps."""

    threads, is_here = None, True

    def __init__(self):
        self.sent = []

    def run(self, function, units):
        self.sent += [pickle.dumps(unit) for unit in units]
        return HERE.run(function, [pickle.loads(unit) for unit in self.sent])


def units_of(study, cache, engine=HERE):
    at = spreading._at(study, cache, "cpu", engine)
    return [spreading._unit(at, trial) for trial in conduct.unfinished(study)]


def test_a_unit_of_work_is_small_and_is_all_that_is_needed_to_run_a_trial(
    begun, cache, undisturbed
):
    engine = Pickling()
    spreading.run(begun, cache, "cpu", engine)
    assert len(engine.sent) == 4
    assert max(map(len, engine.sent)) < 2000
    assert left_in(cache.parent) == left_in(undisturbed)


@pytest.mark.slow
def test_two_processes_leave_the_same_bytes_as_one(begun, cache, undisturbed):
    spreading.run(begun, cache, "cpu", Processes(2))
    assert left_in(cache.parent) == left_in(undisturbed)


def test_only_what_is_not_finished_is_run_on_an_engine(begun, cache, undisturbed):
    for done in studies.load(undisturbed / "run").finished(begun.spec.configurations[0]):
        shutil.copytree(done.folder, begun.trials_folder / done.folder.name)
    engine = Pickling()
    spreading.run(begun, cache, "cpu", engine)
    assert len(engine.sent) == 2
    assert left_in(cache.parent) == left_in(undisturbed)


def test_of_a_trial_s_epochs_one_hears_when_it_has_ended_and_in_their_order(begun, cache):
    heard, tracked = [], []

    def track(items, doing, total=None):
        for item in items:
            tracked.append((doing, total, len(heard)))
            yield item

    def watch(trial, epoch):
        heard.append((trial.configuration.strategy, trial.fold, epoch.epoch))

    spreading.run(begun, cache, "cpu", HERE, track, watch)
    assert heard == [("scratch", fold, epoch) for fold in (0, 1) for epoch in (0, 1)]
    assert tracked == [("trials", 4, n) for n in (0, 0, 2, 4)]


def test_a_trial_that_fails_is_told_once_and_the_others_are_finished(
    begun, cache, undisturbed, monkeypatch
):
    failing = begun.trials(begun.spec.configurations[1])[0]
    tried = break_trial(monkeypatch, failing)
    with pytest.raises(TrialsFailedError) as failed:
        spreading.run(begun, cache, "cpu", HERE)
    (problem,) = failed.value.problems
    assert str(failing.configuration) in problem.where
    assert problem.what == "ZeroDivisionError: a fault of ours"
    kept = begun.trials_folder / f".{failing.trial_id}.fault.txt"
    assert str(kept) in problem.hint
    assert "Traceback" in kept.read_text(encoding="utf-8")
    assert tried == [failing]
    monkeypatch.undo()
    assert [trial.trial_id for trial in conduct.unfinished(begun)] == [failing.trial_id]
    spreading.run(begun, cache, "cpu", HERE)
    assert left_in(cache.parent) == left_in(undisturbed)


def break_trial(monkeypatch, failing):
    """From now on that trial raises; gives the list of its attempts."""
    tried, run = [], trials.run

    def broken(trial, materials, folder):
        if trial == failing:
            tried.append(trial)
            raise ZeroDivisionError("a fault of ours")
        return run(trial, materials, folder)

    monkeypatch.setattr(trials, "run", broken)
    return tried


def test_a_study_with_a_failed_trial_ends_with_code_1_and_says_which(
    begun, films, cache, monkeypatch, capsys
):
    spec_file = cache.parent / "study.toml"
    spec_file.write_text(
        'networks = ["test_resnet:layer2"]\nstrategies = ["random-features", "scratch"]\n'
        'folds = 2\nepochs = 2\nsize = [32, 32]\nbatch_size = 8\nheatmaps = "none"\n'
    )
    failing = begun.trials(begun.spec.configurations[1])[1]
    tried = break_trial(monkeypatch, failing)
    words = ["study", "run", spec_file, "--cohort", films, "--out", begun.folder]
    assert spondyl([*words, "--cache", cache, "--device", "cpu"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"failed: {failing.configuration}, fold 1: ZeroDivisionError")
    assert tried == [failing]
    assert len(conduct.unfinished(begun)) == 1


def test_a_trial_that_somebody_else_is_at_is_waited_for_and_not_run_twice(
    begun, cache, undisturbed, monkeypatch
):
    monkeypatch.setattr(spreading, "WAIT_SECONDS", 0.01)
    done = studies.load(undisturbed / "run").finished(begun.spec.configurations[0])[0].folder
    lock = FileLock(begun.trials_folder / f".{done.name}.lock", thread_local=False)
    lock.acquire()

    def somebody_else_ends():
        shutil.copytree(done, begun.trials_folder / done.name)
        lock.release()

    threading.Timer(0.5, somebody_else_ends).start()
    spreading.run(begun, cache, "cpu", HERE)
    assert left_in(cache.parent) == left_in(undisturbed)
    times = [
        (home / done.name / trials.MANIFEST).read_bytes()
        for home in (begun.trials_folder, undisturbed / "run" / "trials")
    ]
    assert times[0] == times[1]


def test_a_machine_with_other_versions_is_refused_by_name(begun, cache):
    unit = units_of(begun, cache)[0]
    with pytest.raises(SpondylError, match=r"instead of 0\.0\.1"):
        spreading.run_trial(replace(unit, at=replace(unit.at, versions=(("torch", "0.0.1"),))))


def test_another_study_under_the_same_path_is_refused(begun, cache):
    unit = replace(units_of(begun, cache)[0], trial_id="0" * 16)
    with pytest.raises(SpondylError, match="holds another study here"):
        spreading.run_trial(unit)


def test_films_that_another_machine_sees_otherwise_are_refused_by_name(begun, films, cache):
    moved = shutil.copytree(films, cache.parent / "films")
    begun = replace(begun, cohort=begun.cohort.moved_to(moved))
    one, other = sorted((moved / "normal").iterdir())[:2]
    shutil.copy(one, other)
    with pytest.raises(TrialsFailedError, match=f"{other.name}.*another file than") as refused:
        spreading.run(begun, cache, "cpu", Elsewhere())
    assert len(refused.value.problems) == 4
    assert conduct.unfinished(begun) != []


def test_the_folder_of_a_trial_that_another_machine_wrote_is_waited_for(
    begun, cache, undisturbed, monkeypatch
):
    monkeypatch.setattr(spreading, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(spreading, "_SEEN_WITHIN_SECONDS", 0.1)
    trial = begun.trials(begun.spec.configurations[0])[0]
    with pytest.raises(SpondylError, match="it is not here"):
        spreading._seen(begun, trial)
    home = undisturbed / "run" / "trials" / trial.trial_id
    monkeypatch.setattr(spreading, "_SEEN_WITHIN_SECONDS", 20)
    copied = (home, begun.trials_folder / trial.trial_id)
    threading.Timer(0.2, shutil.copytree, copied).start()
    assert spreading._seen(begun, trial).outcome.trial_id == trial.trial_id


def test_a_study_that_moved_its_films_runs_where_they_are_now(begun, films, cache, undisturbed):
    moved = Path(shutil.copytree(films, cache.parent / "films"))
    spreading.run(replace(begun, cohort=begun.cohort.moved_to(moved)), cache, "cpu", Elsewhere())
    assert left_in(cache.parent) == left_in(undisturbed)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "ray", "--at-once", "2"], "--at-once: not an option of --engine ray"),
        (["--engine", "slurm", "--slurm", "gpu"], "--slurm 'gpu': not NAME=VALUE"),
        (["--engine", "ray", "--devices", "2"], "--devices and --nodes together with an engine"),
        (["--engine", "spark"], "engine 'spark': not known"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_any_work(
    words, said, films, tmp_path, capsys
):
    places = ["--cohort", films, "--out", tmp_path / "run"]
    assert spondyl(["study", "run", tmp_path / "none.toml", *places, *words]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
