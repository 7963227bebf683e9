"""Measurements over seeds hand their seeds to whichever engine they are given."""

import pickle

import pytest
from command_line import spondyl

from spondyl.bench import planted, planted_films, planted_reliance
from spondyl.commands.engine_choice import engine_for_seeds
from spondyl.engines.engine import Here
from spondyl.engines.on_ray import RayCluster
from spondyl.engines.processes import Processes
from spondyl.errors import SpondylError


class Answering(Here):
    """Runs nothing and answers with the units, the last one first; they have to be picklable."""

    def run(self, function, units):
        pickle.dumps(function)
        return ((n, unit) for n, unit in reversed(list(enumerate(units))))


@pytest.mark.parametrize(
    ("measured", "units"),
    [
        (planted.run(Answering(), 2, epochs=3), [(0, 3), (1, 3)]),
        (planted_films.run(Answering(), 1, ["clean", "text"]), [(0, "clean"), (0, "text")]),
        (planted_reliance.run(Answering(), 1, 3, ["clean"]), [(0, "clean", 3)]),
    ],
)
def test_seeds_go_to_the_engine_and_come_back_in_their_order(measured, units):
    assert list(measured) == units


def test_the_engine_of_a_measurement_is_the_one_that_was_asked_for():
    assert engine_for_seeds("local", 3, "") == Processes(3)
    assert engine_for_seeds("ray", 3, "head:6379") == RayCluster("head:6379")
    with pytest.raises(SpondylError, match="engine 'slurm': not known here"):
        engine_for_seeds("slurm", 2, "")


@pytest.mark.parametrize("command", ["planted", "data-audit", "model-audit"])
def test_an_address_without_a_cluster_is_refused_before_any_work(command, capsys):
    assert spondyl(["bench", command, "--address", "head:6379"]) == 2
    assert "--address: not an option of --engine local" in capsys.readouterr().err
