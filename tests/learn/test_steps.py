"""The ways to run a step: each is refused or run as asked, and all come to the same."""

from functools import partial

import pytest
import torch

from spondyl.errors import SpondylError
from spondyl.learn import networks, stepping, training
from spondyl.learn.sources import Drawn, Part, batches_of

EXACT = 2**-10
"""A rate that is the same in single precision, as a graph keeps it."""


def part(n, seed):
    draws = torch.Generator().manual_seed(seed)
    return Part(torch.rand(n, 1, 32, 32, generator=draws).half(), torch.arange(n) % 3)


@pytest.fixture
def trained(spec_of, fabric, tmp_path):
    """A function that trains a small network: five batches of 4, one of 3."""

    def go(name="checkpoint", **changes):
        network = networks.build("test_resnet:layer2", 3, seed=2)
        left = training.train(
            *(network, network, part(23, 0), part(9, 1)),
            spec_of(**{"epochs": 3, "batch_size": 4, "learning_rate": EXACT, **changes}),
            *(5, fabric, tmp_path / name),
            checkpoint_seconds=0,
        )
        return {key: tensor.clone() for key, tensor in network.state_dict().items()}, left

    return go


def same(one, other):
    return all(torch.equal(one[name], tensor) for name, tensor in other.items())


@pytest.fixture
def graph_on_cpu(monkeypatch):
    """A graph that is a CPU's: what is captured is done when it is replayed, in the same memory."""
    captured = []

    def as_graph(work):
        captured.append(work)
        return work

    monkeypatch.setattr(stepping, "as_graph", as_graph)
    monkeypatch.setattr(stepping, "on_side_stream", lambda work: work())
    monkeypatch.setattr(stepping, "kind_for", lambda spec, fabric: spec.step)
    return captured


def test_a_replayed_step_learns_what_a_plain_one_does(trained, graph_on_cpu):
    plain, ours = trained("plain")
    replayed, theirs = trained("graph", step="graph")
    assert len(graph_on_cpu) == 1
    assert same(replayed, plain)
    assert [epoch.tune_loss for epoch in ours.history] == [
        epoch.tune_loss for epoch in theirs.history
    ]
    assert theirs.how.startswith("graph step, 32-true")


def test_a_rate_that_falls_reaches_a_captured_step(trained, graph_on_cpu):
    falling = {"plateau_patience": 0, "epochs": 6, "learning_rate": 2**-5}
    plain, left = trained("plain", **falling)
    replayed, _ = trained("graph", step="graph", **falling)
    assert len({epoch.learning_rate for epoch in left.history}) > 1
    assert same(replayed, plain)


@pytest.mark.parametrize("order", [("plain", "graph"), ("graph", "plain")])
def test_a_training_goes_on_with_another_kind_of_step(trained, graph_on_cpu, order):
    whole, _ = trained("whole", epochs=4)
    trained("parts", epochs=2, step=order[0])
    parts, left = trained("parts", epochs=4, step=order[1])
    assert len(left.history) == 4
    assert same(parts, whole)


def test_a_captured_step_reads_each_batch_and_only_the_last_one_is_another_size(graph_on_cpu):
    read = []

    class Spy:
        source = None
        optimiser = torch.optim.SGD([torch.zeros(1)])

        def __call__(self, batch):
            read.append(batch.rows.tolist())

    step = stepping.Captured(Spy(), 2)
    drawn = Drawn(torch.arange(11), (torch.arange(11),), torch.arange(11))
    for batch in batches_of(drawn, [2, 2, 2, 2, 2, 1]):
        step(batch)
    assert read == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10]]


def test_a_graph_is_refused_where_there_is_no_gpu(trained):
    with pytest.raises(SpondylError, match='step "graph": 1 × CPU') as refused:
        trained(step="graph")
    assert "auto" in refused.value.hint


def test_whatever_suits_the_device_is_plain_on_a_cpu(trained):
    asked, left = trained("auto", step="auto")
    plain, _ = trained("plain")
    assert same(asked, plain)
    assert left.how == "plain step, 32-true, 1 × CPU"


def test_compiling_without_a_compiler_is_refused(trained, monkeypatch):
    monkeypatch.setattr(stepping.shutil, "which", lambda name: None)
    with pytest.raises(SpondylError, match=r"no C\+\+ compiler"):
        trained(step="compiled")


def test_compiling_for_several_processes_is_refused(spec_of):
    class Two:
        world_size = 2
        device = torch.device("cpu")

    with pytest.raises(SpondylError, match="2 processes"):
        stepping.kind_for(spec_of(step="compiled"), Two())
    assert stepping.kind_for(spec_of(step="auto"), Two()) == "plain"


def alike(ours, theirs):
    return all(
        one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        and one.tune_loss == pytest.approx(other.tune_loss, rel=1e-3)
        for one, other in zip(ours.history, theirs.history, strict=True)
    )


def test_a_compiled_step_learns_what_a_plain_one_does(trained, monkeypatch):
    # Traced as for compiling, and run without a compiler, which takes minutes.
    sizes = []
    compiled = partial(torch.compile, backend="eager")

    def spied(what, **settings):
        run = compiled(what, **settings)
        return lambda *given: sizes.append(len(given[0])) or run(*given)

    monkeypatch.setattr(stepping.torch, "compile", spied)
    _, ours = trained("plain", learning_rate=1e-4)
    _, theirs = trained("compiled", step="compiled", learning_rate=1e-4)
    assert alike(ours, theirs)
    assert set(sizes) == {4}
    assert len(sizes) == 3 * 5 * 2


@pytest.mark.slow
@pytest.mark.skipif(not stepping.has_compiler(), reason="no C++ compiler is installed")
def test_a_step_in_machine_code_learns_what_a_plain_one_does(trained):
    _, ours = trained("plain", learning_rate=1e-4, epochs=1)
    _, theirs = trained("compiled", step="compiled", learning_rate=1e-4, epochs=1)
    assert alike(ours, theirs)


def test_how_a_step_is_run_is_no_part_of_a_trial(spec_of):
    for kind in ("compiled", "graph", "auto"):
        assert spec_of(step=kind).learning() == spec_of().learning()
        assert spec_of(step=kind).substance() == spec_of().substance()
