"""Engines: who runs units, what comes back of them, and what becomes of those whose worker dies."""

import os
import sys
from pathlib import Path

import pytest
from units_of_work import called, eventful, process_id, square, threads

from spondyl.engines.choosing import Asked, chosen
from spondyl.engines.engine import HERE, RETRIES, Failure, Here, UnitFailedError, in_order
from spondyl.engines.on_ray import RayCluster
from spondyl.engines.on_slurm import Slurm
from spondyl.engines.processes import Processes
from spondyl.errors import SpondylError


@pytest.fixture
def slurm(tmp_path_factory, monkeypatch):
    """submitit's executor that runs jobs as processes of this machine."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    pytest.importorskip("submitit", reason="submitit is not installed")
    return Slurm(tmp_path_factory.mktemp("slurm"), cluster="local", poll_seconds=0.05)


def what_came_of(engine, folder, names):
    return {names[n]: ended for n, ended in engine.run(eventful, [(folder, x) for x in names])}


def test_every_unit_comes_back_once_with_its_number():
    assert dict(Processes(2).run(square, range(7))) == {n: n * n for n in range(7)}
    assert list(HERE.run(square, range(7))) == [(n, n * n) for n in range(7)]


def test_in_order_gives_what_an_engine_gives_in_the_order_of_the_units():
    class Backwards(Here):
        def run(self, function, units):
            return iter(reversed(list(super().run(function, units))))

    assert list(in_order(Backwards(), square, range(5))) == [0, 1, 4, 9, 16]


def test_no_units_are_no_work():
    for engine in (HERE, Processes(2), Slurm("nowhere")):
        assert list(engine.run(square, [])) == []


def test_processes_are_used_again_and_no_more_of_them_than_are_asked_for():
    pids = dict(Processes(2).run(process_id, range(8))).values()
    assert 1 <= len(set(pids)) <= 2
    assert os.getpid() not in pids


def test_threads_are_divided_among_processes(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert Processes(3).threads == 2
    assert dict(Processes(3).run(threads, [0])) == {0: "2"}
    assert Processes(20).threads == 1


@pytest.mark.parametrize("engine", [HERE, Processes(2)])
def test_what_raises_is_told_once_and_the_others_go_on(engine, tmp_path):
    ended = what_came_of(engine, tmp_path, ["well", "refuses", "breaks", "fine"])
    assert (ended["well"], ended["fine"]) == ("well", "fine")
    assert ended["refuses"] == Failure("the film is black", "Give another film.")
    assert ended["breaks"].message == "ZeroDivisionError: a fault of ours"
    assert "in eventful" in ended["breaks"].trace
    assert [called(tmp_path, name) for name in ("refuses", "breaks")] == [1, 1]


def test_the_first_failure_in_order_is_raised_as_what_it_was(tmp_path):
    with pytest.raises(SpondylError, match="the film is black"):
        list(in_order(HERE, eventful, [(tmp_path, "well"), (tmp_path, "refuses")]))
    with pytest.raises(UnitFailedError, match="in eventful"):
        list(in_order(HERE, eventful, [(tmp_path, "breaks")]))


def test_a_unit_whose_process_is_killed_is_given_to_another_process(tmp_path):
    names = ["dies once", "well", "fine"]
    assert what_came_of(Processes(2), tmp_path, names) == {name: name for name in names}
    assert [called(tmp_path, name) for name in names] == [2, 1, 1]


def test_a_unit_that_kills_every_process_is_given_up_and_named_with_the_signal(tmp_path):
    ended = what_came_of(Processes(1), tmp_path, ["always dies", "well"])
    assert "4 workers died over it, the last one so: signal SIGKILL" in ended["always dies"].message
    assert called(tmp_path, "always dies") == 1 + RETRIES
    assert ended["well"] == "well"


def test_what_cannot_be_sent_back_is_a_failure_and_no_silence(tmp_path):
    ended = what_came_of(Processes(1), tmp_path, ["cannot be sent", "well"])
    assert "pickle" in ended["cannot be sent"].message
    assert ended["well"] == "well"


def test_an_interruption_is_no_failure_of_a_unit():
    def interrupted(unit):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(HERE.run(interrupted, [0]))


def test_a_slurm_job_that_raises_is_told_once_and_the_others_go_on(slurm, tmp_path):
    ended = what_came_of(slurm, tmp_path, ["well", "breaks"])
    assert ended["well"] == "well"
    assert ended["breaks"].message == "ZeroDivisionError: a fault of ours"
    assert called(tmp_path, "breaks") == 1


def test_a_function_that_a_slurm_job_does_not_find_is_told_once(slurm, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH")
    (ended,) = what_came_of(slurm, tmp_path, ["well"]).values()
    assert "No module named 'units_of_work'" in ended.trace


@pytest.mark.slow  # submitit waits a quarter of a minute for the result of a job that died
def test_a_slurm_job_that_dies_is_submitted_again(slurm, tmp_path):
    names = ["dies once", "well"]
    assert what_came_of(slurm, tmp_path, names) == {name: name for name in names}
    assert [called(tmp_path, name) for name in names] == [2, 1]


def test_an_option_that_slurm_does_not_know_is_refused_by_name(slurm):
    wrong = Slurm(slurm.folder, {"partiton": "gpu"}, cluster="local")
    with pytest.raises(SpondylError, match="partiton"):
        list(wrong.run(square, [1]))


def test_no_slurm_here_is_told_in_two_lines(slurm, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SpondylError, match="no Slurm is to be had here"):
        list(Slurm(slurm.folder).run(square, [1]))


@pytest.mark.parametrize(
    ("module", "engine", "extra"),
    [
        ("ray", RayCluster(), "spondyl\\[ray\\]"),
        ("submitit", Slurm("nowhere"), "spondyl\\[slurm\\]"),
    ],
)
def test_an_engine_that_is_not_installed_says_how_to_install_it(monkeypatch, module, engine, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SpondylError, match=f"the engine {engine_name(engine)} cannot") as refused:
        list(engine.run(square, [1]))
    assert extra.replace("\\", "") in refused.value.hint


def engine_name(engine):
    return "ray" if isinstance(engine, RayCluster) else "slurm"


@pytest.mark.parametrize(
    ("asked", "device", "engine"),
    [
        (Asked(), "auto", HERE),
        (Asked(at_once=3), "cuda", Processes(3)),
        (Asked("ray"), "auto", RayCluster("", 1, None)),
        (Asked("ray"), "cpu", RayCluster("", 1, 0.0)),
        (Asked("ray", address="a:1", cpus=2, gpus=0.25), "cuda", RayCluster("a:1", 2, 0.25)),
        (Asked("ray", gpus=0), "auto", RayCluster("", 1, 0)),
    ],
)
def test_the_engine_is_the_one_that_was_asked_for(asked, device, engine, tmp_path):
    assert chosen(asked, device, tmp_path) == engine


def test_slurm_gets_its_options_and_whole_gpus(tmp_path):
    asked = Asked("slurm", cpus=4, slurm={"partition": "gpu"})
    assert chosen(asked, "cuda", tmp_path) == Slurm(tmp_path, {"partition": "gpu"}, 4, 1)
    assert chosen(asked, "auto", tmp_path).gpus == 0


@pytest.mark.parametrize(
    ("asked", "device", "said"),
    [
        (Asked("spark"), "auto", "engine 'spark': not known"),
        (Asked(address="a:1"), "auto", "--address: not an option of --engine local"),
        (Asked(gpus=0.5), "auto", "--gpus-per-trial"),
        (Asked("ray", at_once=2), "auto", "--at-once"),
        (Asked("ray", slurm={"partition": "gpu"}), "auto", "--slurm"),
        (Asked("ray", gpus=1), "cpu", "--device cpu"),
        (Asked("slurm", gpus=0.5), "cuda", "whole ones only"),
    ],
)
def test_what_does_not_go_together_is_refused(asked, device, said, tmp_path):
    with pytest.raises(SpondylError, match=said):
        chosen(asked, device, tmp_path)
