"""Two processes that train one network: what one alone comes to, on both."""

import multiprocessing
import os
import socket
from dataclasses import replace

import pytest
import torch
from torch import nn

from spondyl.errors import SpondylError
from spondyl.learn import networks, training
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.heads import PooledLinear
from spondyl.learn.sources import Part
from spondyl.learn.spec import parse_spec
from spondyl.learn.whole_batches import Share, whole_batches

SPEC = {
    **{"networks": ["test_resnet:layer2"], "strategies": ["scratch"], "class_weights": "balanced"},
    **{"size": [32, 32], "epochs": 3, "batch_size": 8, "learning_rate": 1e-4},
}


class Dropping(PooledLinear):
    """A head whose results depend on what it drops."""

    def __init__(self, n_channels, n_labels):
        super().__init__(n_channels, n_labels)
        self.dropped = nn.Dropout(0.5)

    def classify(self, reduced):
        return super().classify(self.dropped(reduced))


def part(n, seed):
    draws = torch.Generator().manual_seed(seed)
    return Part(torch.rand(n, 1, 32, 32, generator=draws), torch.arange(n) * n // 7 % 3)


def trained(folder, *, head_only=False, **changes):
    """What a training leaves in this process. 21 films in batches of 8: the last batch has 5, of
    which two processes have 2 and 3."""
    several = int(os.environ.get("WORLD_SIZE", "1"))
    fabric = fabric_on("cpu", devices=several)
    network = networks.build("test_resnet:layer2", 3, seed=2)
    network.head = Dropping(network.n_channels, 3)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network.head.linear.reset_parameters()
    heard = []
    left = training.train(
        *(network, network.head if head_only else network),
        *(part(21, 0), part(9, 1), parse_spec({**SPEC, **changes}, "a test"), 5, fabric),
        *(folder / "checkpoint",),
        tell=heard.append,
        checkpoint_seconds=0,
    )
    return {
        "tensors": {name: tensor.clone() for name, tensor in network.state_dict().items()},
        "gradients": {name: p.grad for name, p in network.named_parameters() if p.grad is not None},
        "history": [replace(epoch, seconds=0.0) for epoch in left.history],
        "best": left.best_epoch,
        "told": len(heard),
    }


def child(rank, port, folder, settings, cut):
    """One of two processes, as torchrun would start it."""
    torch.set_num_threads(1)
    os.environ |= {
        **{"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"},
        **{"GROUP_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
        "TORCHELASTIC_RUN_ID": "a test",
    }
    if cut:
        trained(folder, **settings, epochs=cut)
    torch.save(trained(folder, **settings), folder / f"{rank}.pt")


@pytest.fixture(scope="module")
def by_two():
    """A function that trains in two processes and gives back what each of them has."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["spondyl.learn.conduct", "spondyl.learn.training"])

    def go(folder, settings=None, cut=0):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folder.mkdir()
        both = [
            context.Process(target=child, args=(rank, port, folder, settings or {}, cut))
            for rank in range(2)
        ]
        for process in both:
            process.start()
        for process in both:
            process.join(120)
        assert [process.exitcode for process in both] == [0, 0]
        return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(2)]

    return go


def close(one, other, tolerance):
    return all(
        torch.allclose(one["tensors"][name].float(), tensor.float(), atol=tolerance)
        for name, tensor in other["tensors"].items()
    )


def same(one, other):
    return close(one, other, 0.0) and one["history"] == other["history"]


@pytest.mark.slow
@pytest.mark.parametrize("head_only", [False, True], ids=["whole", "head"])
def test_two_processes_come_to_what_one_comes_to(by_two, tmp_path, head_only):
    alone = trained(tmp_path, head_only=head_only)
    first, second = by_two(tmp_path / "two", {"head_only": head_only})
    assert same(first, second)
    # Adam makes a whole step of the rounding of a gradient that is nearly nothing.
    assert close(first, alone, 9 * 1e-4)
    for ours, theirs in zip(first["history"], alone["history"], strict=True):
        assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-5)
        assert ours.tune_loss == pytest.approx(theirs.tune_loss, rel=1e-5)
        assert ours.learning_rate == theirs.learning_rate
    assert (first["told"], second["told"]) == (3, 0)


@pytest.mark.slow
def test_the_gradients_of_one_batch_are_those_of_one_process(by_two, tmp_path):
    one_step = {"epochs": 1, "batch_size": 21}
    alone = trained(tmp_path, **one_step)["gradients"]
    for left in by_two(tmp_path / "two", one_step):
        assert left["gradients"].keys() == alone.keys()
        for name, gradient in alone.items():
            error = (left["gradients"][name] - gradient).abs().max()
            assert error <= 1e-4 * gradient.abs().max(), name


@pytest.mark.slow
def test_two_processes_go_on_from_a_checkpoint_as_if_nothing_had_happened(by_two, tmp_path):
    whole, _ = by_two(tmp_path / "whole")
    first, second = by_two(tmp_path / "cut", cut=2)
    assert same(first, whole)
    assert same(second, whole)


def test_a_batch_norm_of_an_unknown_kind_is_refused():
    network = nn.Sequential(nn.BatchNorm3d(2))
    with pytest.raises(SpondylError, match="BatchNorm3d"), whole_batches(network, Share(0, 2)):
        pass
    assert "forward" not in vars(network[0])


@pytest.mark.parametrize("n", [2, 3, 8, 13])
@pytest.mark.parametrize("processes", [1, 2])
def test_shares_are_the_whole_batch_and_nobody_has_none(n, processes):
    shares = [Share(rank, processes, n).films for rank in range(processes)]
    rows = [row for share in shares for row in range(n)[share]]
    assert rows == list(range(n))
    assert min(len(range(n)[share]) for share in shares) >= n // processes
