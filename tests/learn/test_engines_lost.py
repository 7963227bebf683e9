"""Workers and nodes that die in the middle of a trial, and real Ray clusters on this machine.

A trial that goes on from its checkpoint keeps the seconds of the epochs that it had; run anew they
would differ in their last digits. So the epochs of a dead worker are known again by their seconds.
"""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch
from units_of_work import called, eventful, square

from spondyl.engines.engine import RETRIES
from spondyl.engines.on_ray import RayCluster
from spondyl.engines.on_slurm import Slurm
from spondyl.engines.processes import Processes
from spondyl.errors import SpondylError
from spondyl.learn import conduct, spreading
from spondyl.learn import trial as trials

pytestmark = pytest.mark.slow  # Ray takes seconds to start, and each worker some more to import

CLUSTER = {"include_dashboard": False, "object_store_memory": 100 * 2**20}


@pytest.fixture
def ray(monkeypatch):
    """Ray, whose workers find what tests define."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")  # else Ray writes one into the user's own folder
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a-token-of-the-tests-and-of-nobody-else")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else a busy machine starves them
    # Only now: Ray reads how it is to be authenticated when it is imported.
    found = pytest.importorskip("ray", reason="Ray is not installed")
    yield found
    found.shutdown()


@pytest.fixture
def one_node(ray):
    """A Ray of two CPUs on this machine."""
    ray.init(address="local", num_cpus=2, log_to_driver=False, **CLUSTER)
    return RayCluster()


@pytest.fixture(scope="module")
def spec(spec_of):
    """Long enough to be killed in the middle of."""
    return spec_of(strategies=["scratch"], epochs=30, stop_patience=30)


@pytest.fixture(scope="module")
def undisturbed(spec, films, fabric, tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    conduct.run(conduct.begin(spec, films, folder / "run", {}), folder / "cache", fabric)
    return left_in(folder / "run")


@pytest.fixture
def begun(spec, films, tmp_path):
    return conduct.begin(spec, films, tmp_path / "run", {})


def left_in(run):
    return {
        path.relative_to(run): path.read_bytes()
        for name in (trials.PREDICTIONS, trials.TENSORS)
        for path in run.rglob(name)
    }


def seconds_so_far(study, trial_id):
    """Of each epoch in the trial's checkpoint; none where there is no checkpoint."""
    path = study.trials_folder / f".{trial_id}.checkpoint"
    try:
        return [epoch["seconds"] for epoch in torch.load(path)["history"]]
    except FileNotFoundError:
        return []


def when_under_way(study, n_trials, kill, n_epochs=5):
    """Kills, in a thread of its own, when so many trials have so many epochs; gives what will hold
    the seconds of the epochs that each had then, by the trial's id."""
    found = {}

    def watch_and_kill():
        for _ in range(6000):
            time.sleep(0.01)
            so_far = {one.trial_id: seconds_so_far(study, one.trial_id) for one in trials_of(study)}
            under_way = {name: done for name, done in so_far.items() if len(done) >= n_epochs}
            if len(under_way) == n_trials:
                kill()
                found.update(under_way)
                return

    threading.Thread(target=watch_and_kill, daemon=True).start()
    return found


def trials_of(study):
    (configuration,) = study.spec.configurations
    return study.trials(configuration)


def kept_their_epochs(study, found):
    """Whether every trial has the epochs that it had when something was killed, and more."""
    history = {
        done.outcome.trial_id: [epoch.seconds for epoch in done.outcome.history]
        for done in study.finished(*study.spec.configurations)
    }
    return found and all(
        history[name][: len(had)] == had and len(history[name]) > len(had)
        for name, had in found.items()
    )


def told(ends):
    """A track that keeps what it is told."""

    def track(items, doing, total=None):
        for item in items:
            ends.append(item.trial_id)
            yield item

    return track


def test_a_trial_whose_process_is_killed_goes_on_from_its_last_epoch(begun, tmp_path, undisturbed):
    def kill():
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)

    found, ends = when_under_way(begun, 1, kill), []
    spreading.run(begun, tmp_path / "cache", "cpu", Processes(1), told(ends))
    assert kept_their_epochs(begun, found)
    assert sorted(ends) == sorted(trial.trial_id for trial in trials_of(begun))
    assert left_in(begun.folder) == undisturbed


def test_ray_leaves_the_same_bytes_as_one_process(one_node, begun, tmp_path, undisturbed):
    spreading.run(begun, tmp_path / "cache", "cpu", one_node)
    assert left_in(begun.folder) == undisturbed


def test_on_ray_what_raises_is_told_once_and_what_dies_is_given_to_another(one_node, tmp_path):
    names = ["well", "refuses", "breaks", "dies once", "always dies"]
    ended = {names[n]: x for n, x in one_node.run(eventful, [(tmp_path, name) for name in names])}
    assert (ended["well"], ended["dies once"]) == ("well", "dies once")
    assert ended["refuses"].message == "the film is black"
    assert "in eventful" in ended["breaks"].trace
    assert "4 workers died over it" in ended["always dies"].message
    counts = [called(tmp_path, name) for name in names]
    assert counts == [1, 1, 1, 2, 1 + RETRIES]


def test_a_unit_that_no_node_has_room_for_is_refused_and_not_waited_for(one_node):
    with pytest.raises(SpondylError, match="no node of the Ray cluster has 64 CPU"):
        list(RayCluster(cpus=64).run(square, [1]))
    with pytest.raises(SpondylError, match=r"1 CPU and 0\.25 GPU"):
        list(RayCluster(gpus=0.25).run(square, [1]))
    assert list(RayCluster(gpus=None).run(square, [3])) == [(0, 9)]


def test_without_an_address_a_ray_of_its_own_begins_and_ends_with_the_run(ray, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert sorted(RayCluster().run(square, range(3))) == [(0, 0), (1, 1), (2, 4)]
    assert not ray.is_initialized()


def test_a_cluster_that_does_not_answer_is_told_in_two_lines(ray):
    with pytest.raises(SpondylError, match="no Ray cluster answers at '127"):
        list(RayCluster("127.0.0.1:1").run(square, [1]))


def test_when_a_node_is_killed_in_the_middle_of_a_trial_the_study_ends_whole(
    ray, begun, tmp_path, undisturbed
):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **CLUSTER})
    try:
        nodes = [cluster.add_node(num_cpus=1, object_store_memory=10**8) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False)

        def kill():
            """One of the two nodes, each of which is at one of the two trials."""
            cluster.remove_node(nodes[0], allow_graceful=False)

        found, ends = when_under_way(begun, 2, kill), []
        spreading.run(begun, tmp_path / "cache", "cpu", RayCluster(), told(ends))
        assert kept_their_epochs(begun, found)
        assert sorted(ends) == sorted(trial.trial_id for trial in trials_of(begun))
        assert left_in(begun.folder) == undisturbed
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_slurm_jobs_leave_the_same_bytes_as_one_process(begun, tmp_path, undisturbed):
    pytest.importorskip("submitit", reason="submitit is not installed")
    engine = Slurm(tmp_path / "slurm", cluster="local", poll_seconds=0.1)
    spreading.run(begun, tmp_path / "cache", "cpu", engine)
    assert left_in(begun.folder) == undisturbed
