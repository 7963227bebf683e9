"""Studies that are killed, and two processes at one study.

The fast suite sends SIGKILL twenty-one times: at eleven moments that are named here, from reading
the films to writing the page, and at ten that a seed draws. Each time the study is started again
in the same folder, and at the end it has to have left the same bytes as one that nobody disturbed.
The processes are forked from one that has imported everything, which would take each of them
seconds.
"""

import io
import multiprocessing
import os
import random
import signal
import time
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from threadpoolctl import threadpool_limits

from spondyl.learn import conduct, training
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.fabrics import fabric_on
from spondyl.progress import silently
from spondyl.report import pages, whole

DETERMINED = ("predictions.csv", "learned.safetensors", "[!.]*.npz")
"""Files of a study that hold no time and no duration. A draft, which a killed process cannot take
away, begins with a dot and is none of them."""


# In the child: how a study is run there, and how it dies.


def in_small_steps():
    """One thread, and a checkpoint after every epoch."""
    torch.set_num_threads(1)
    threadpool_limits(1)
    training.train = partial(training.train, checkpoint_seconds=0)


def reported(spec, films, folder, moment=""):
    """The whole of `study run`; it dies at the moment of that name."""
    in_small_steps()
    track = MOMENTS[moment]() if moment else silently
    places = folder / "run", {}
    whole.study_and_report(spec, films, *places, cache=folder / "cache", device="cpu", track=track)


def conducted(spec, films, folder):
    """The study without its report; it writes a line for each training that it begins."""
    in_small_steps()

    def logged(items, doing, total=None):
        if doing.startswith("training"):
            with folder.with_suffix(".log").open("a", encoding="utf-8") as stream:
                stream.write(f"{os.getpid()} {doing}\n")
        return iter(items)

    study = conduct.begin(spec, films, folder / "run", {}, track=logged)
    conduct.run(study, folder / "cache", fabric_on("cpu"), logged)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def amid(work, before_item):
    """A track that dies amid the work of that name."""

    def track(items, doing, total=None):
        for number, item in enumerate(items):
            if doing.startswith(work) and number == before_item:
                die()
            yield item

    return track


def amid_a_checkpoint():
    """Half of the bytes are written."""
    save = torch.save

    def half_saved(content, draft):
        stream = io.BytesIO()
        save(content, stream)
        draft.write_bytes(stream.getvalue()[: stream.tell() // 2])
        die()

    torch.save = half_saved
    return silently


def before_writing(name, module, function):
    """All that is to stand beside the file of that name is written."""
    write = getattr(module, function)
    setattr(module, function, lambda path, what: die() if path.name == name else write(path, what))
    return silently


MOMENTS = {
    "films are read": lambda: amid("reading films", 7),
    "films are compared": lambda: amid("fingerprints", 7),
    "the study's folder is made": lambda: before_writing("splits.json", studies, "write_json"),
    "films are prepared": lambda: amid("preparing films", 7),
    "features are computed": lambda: amid("features of", 1),
    "a trial's folder is filled": lambda: before_writing("manifest.json", trials, "write_json"),
    "a network is trained": lambda: amid("training", 2),
    "a checkpoint is written": amid_a_checkpoint,
    "heatmaps are made": lambda: amid("heatmaps", 1),
    "costs are measured": lambda: amid("measuring costs", 0),
    "the page is written": lambda: before_writing("report.html", pages, "write_text"),
}
"""In the order in which a study comes to them."""


# In the parent.


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["spondyl.report.whole", "spondyl.explain.gallery"])
    first = context.Process(target=in_small_steps)  # pays for the imports
    first.start()
    first.join()
    return context


@pytest.fixture(scope="module")
def start(processes, spec, films):
    """A function that starts a study in a process of its own."""

    def started(target, folder, *more):
        process = processes.Process(target=target, args=(spec, films, folder, *more))
        process.start()
        return process

    return started


@pytest.fixture(scope="module")
def spec(spec_of):
    return spec_of(epochs=6, heatmaps="selected", gallery_films=1)


@pytest.fixture(scope="module")
def undisturbed(start, tmp_path_factory):
    """What a study leaves that nobody disturbs, and the seconds that it takes."""
    folder = tmp_path_factory.mktemp("undisturbed") / "study"
    began = time.monotonic()
    assert exit_code(start(reported, folder)) == 0
    return SimpleNamespace(seconds=time.monotonic() - began, left=left_in(folder))


def exit_code(process):
    process.join()
    return process.exitcode


def was_killed(process, after_seconds):
    """Sends SIGKILL unless the process ends before; whether it had to."""
    process.join(after_seconds)
    process.kill()
    assert exit_code(process) in (0, -signal.SIGKILL)
    return process.exitcode != 0


def left_in(folder):
    """The bytes of every file that is determined by films, spec and weights, by its path."""
    run = folder / "run"
    return {
        str(path.relative_to(run)): path.read_bytes()
        for pattern in DETERMINED
        for path in run.rglob(pattern)
    }


def only_whole_trials_in(folder):
    """Whether every trial that is there under its name is complete."""
    homes = (folder / "run" / "trials").glob("[!.]*")
    return all((home / trials.MANIFEST).is_file() for home in homes)


def survived(start, undisturbed, folder, seed, n_kills):
    """Kills studies at random moments until it has done so `n_kills` times, beginning a new one
    whenever one has come to its end; compares each that has."""
    draws = random.Random(seed)
    delays = []
    n_ended = 0
    while n_kills:
        delays.append(undisturbed.seconds * draws.uniform(0, 0.4))
        place, told = folder / str(n_ended), f"seed {seed}, killed after {delays} s"
        if was_killed(start(reported, place), delays[-1]):
            n_kills -= 1
            assert only_whole_trials_in(place), told
        else:
            assert left_in(place) == undisturbed.left, told
            n_ended += 1
    assert exit_code(start(reported, folder / str(n_ended))) == 0, told
    assert left_in(folder / str(n_ended)) == undisturbed.left, told


@pytest.mark.slow
def test_what_is_compared_is_every_prediction_learned_tensor_and_heatmap(undisturbed, spec):
    names = [path.rpartition("/")[2] for path in undisturbed.left]
    n_trials = spec.folds * len(spec.configurations)
    assert names.count("learned.safetensors") == n_trials
    assert names.count("predictions.csv") == n_trials + 1
    assert sum(name.endswith(".npz") for name in names) == len(spec.configurations)


@pytest.mark.slow
def test_a_study_killed_at_every_stage_ends_with_the_same_bytes(start, undisturbed, tmp_path):
    folder = tmp_path / "study"
    for moment in MOMENTS:
        assert exit_code(start(reported, folder, moment)) == -signal.SIGKILL, moment
        assert only_whole_trials_in(folder), moment
    assert exit_code(start(reported, folder)) == 0
    assert left_in(folder) == undisturbed.left


@pytest.mark.slow
def test_a_study_killed_at_random_moments_ends_with_the_same_bytes(start, undisturbed, tmp_path):
    survived(start, undisturbed, tmp_path, seed=6, n_kills=10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_study_killed_at_many_random_moments_ends_with_the_same_bytes(
    start, undisturbed, tmp_path, seed
):
    survived(start, undisturbed, tmp_path, seed, n_kills=40)


@pytest.fixture(scope="module")
def alone(start, tmp_path_factory):
    """What a study without its report leaves that one process works on."""
    folder = tmp_path_factory.mktemp("alone") / "study"
    assert exit_code(start(conducted, folder)) == 0
    return left_in(folder)


def both_ended_well(start, folder):
    """Whether two processes that work on one study at the same time both come to its end."""
    both = [start(conducted, folder) for _ in range(2)]
    return [exit_code(process) for process in both] == [0, 0]


def test_two_processes_at_one_study_never_run_a_trial_twice_and_both_end_well(
    start, alone, spec, films, tmp_path
):
    folder = tmp_path / "study"
    conduct.begin(spec, films, folder / "run", {})
    assert both_ended_well(start, folder)
    trainings = folder.with_suffix(".log").read_text(encoding="utf-8").splitlines()
    assert len(trainings) == spec.folds
    assert left_in(folder) == alone


def test_two_processes_may_begin_one_study_at_the_same_moment(start, tmp_path):
    assert both_ended_well(start, tmp_path / "study")
