"""What is measured of explanations: that each row is what it says, not how large it is."""

import gc
import itertools
import sys
import time
from statistics import median
from typing import NamedTuple

import pytest
import torch
from small_networks import NETWORKS

from spondyl.bench import cam, clock, memory, peers
from spondyl.errors import SpondylError
from spondyl.explain.explaining import explain


@pytest.fixture(scope="module")
def rows():
    pytest.importorskip("pytorch_grad_cam", reason="grad-cam is no dependency of ours")
    pytest.importorskip("captum", reason="captum is no dependency of ours")
    pytest.importorskip("torchcam", reason="torchcam is no dependency of ours")
    return cam.rows(["test_resnet"], ["grad-cam", "layercam"], rounds=2, batches=(2,), side=64)


def test_there_is_a_row_for_each_method_and_library_that_has_the_method(rows):
    having = {
        "grad-cam": ["spondyl", "grad-cam", "captum", "torchcam"],
        "layercam": ["spondyl", "grad-cam", "torchcam"],
    }
    assert [(row.batch, row.method, row.library) for row in rows] == [
        (2, method, library) for method, libraries in having.items() for library in libraries
    ]


def test_a_row_says_on_what_it_was_measured_and_how_far_its_rounds_lay_apart(rows):
    for row in rows:
        assert 0 < row.ms_low <= row.ms <= row.ms_high
        assert row.ms_low / (100 * row.forward_ms) < row.ratio_to_forward
        assert row.layout in cam.LAYOUTS
        assert row.threads == torch.get_num_threads()
        assert (row.rounds, row.torch) == (2, torch.__version__.split("+")[0])
        assert set(row.as_dict()) >= {"network", "batch", "method", "library", "ms", "peak_mb"}


def test_the_ratio_is_the_median_over_rounds_of_the_ratio_within_a_round():
    facts = {
        **{"network": "n", "batch": 1, "method": "grad-cam", "rounds": 3, "threads": 1},
        **{"hardware": "h", "torch": "t", "began": "b"},
    }
    # In the last round something else slowed both alike.
    row = cam._row("spondyl", "contiguous", [1.1, 1.3, 8.4], [1.0, 1.0, 7.0], None, facts)
    assert row.ratio_to_forward == pytest.approx(1.2)
    assert (row.ms, row.forward_ms) == (pytest.approx(1300), pytest.approx(1000))


def test_score_cam_is_measured_once_on_one_film_with_the_memory_of_that_turn():
    rows = cam.rows(["test_resnet"], ["score-cam"], rounds=9, batches=(2, 3), side=64)
    assert {(row.batch, row.rounds) for row in rows} == {(1, 1)}
    assert all(row.peak_mb is not None for row in rows)


def test_every_library_makes_a_map_of_every_method_it_is_said_to_have():
    network = NETWORKS["dense"]().eval()
    images, labels = torch.randn(2, 3, 64, 64), torch.tensor([2, 0])
    for method in ("grad-cam", "hirescam", "grad-cam++", "xgrad-cam", "layercam", "score-cam"):
        for library in peers.having(method):
            with peers.opened(library, method, network, images, labels) as call:
                made = call()
            maps = getattr(made, "maps", made[0] if library == "torchcam" else made)
            assert len(maps) == 2, (library, method)
    assert not any(module._forward_hooks for module in network.modules())


def test_a_library_that_is_not_installed_has_no_row_and_a_line_that_says_so(monkeypatch):
    there = peers.find_spec
    monkeypatch.setattr(
        peers, "find_spec", lambda module: None if module == "captum" else there(module)
    )
    rows = cam.rows(["test_resnet"], ["grad-cam"], rounds=1, batches=(1,), side=64)
    assert "captum" not in {row.library for row in rows}
    assert "captum: not installed" in list(cam.lines(rows))


def test_the_lines_tell_machine_and_versions_and_then_each_row(rows):
    first, columns, *told = cam.lines(rows)
    assert rows[0].hardware in first
    assert torch.__version__.split("+")[0] in first
    assert "forward = 1" in columns
    for row, line in zip(rows, told, strict=False):
        assert all(word in line for word in (row.network, row.library, f"{row.ms:.1f}"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"methods": ["occlusion"]}, "no other library"),
        ({"methods": ["gradcam"]}, "not known"),
        ({"names": ["test_vit"]}, "tokens"),
        ({"rounds": 0}, "measure nothing"),
    ],
)
def test_what_cannot_be_compared_is_refused(asked, said):
    with pytest.raises(SpondylError, match=said):
        cam.rows(**{"names": ["test_resnet"], "side": 64, "batches": (1,)} | asked)


def test_contenders_take_turns_and_the_order_is_reversed_in_every_other_round():
    order = []

    def turn(name):
        order.append(name)
        return float(len(order))

    taken = clock.in_turns({"a": lambda: turn("a"), "b": lambda: turn("b")}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert taken == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_the_clock_tells_the_time_and_does_not_count_the_first_call():
    slept = iter([0.2, 0.02, 0.02, 0.02])
    taken = clock.medians({"sleeper": lambda: time.sleep(next(slept))}, 3)["sleeper"]
    assert 0.02 <= taken < 0.2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_peak_is_that_of_what_is_held_at_one_time_call_after_call():
    def work(n_megabytes):
        held = torch.ones(n_megabytes * memory.MEGABYTE // 4)
        time.sleep(0.02)
        return held

    cpu = torch.device("cpu")
    for megabytes in (64, 64, 16):
        peak = memory.peak_mb(lambda n=megabytes: work(n), cpu)
        assert peak == pytest.approx(megabytes, abs=4)


class Held(NamedTuple):
    """What was held after so many calls: the resident set, and tensors that Python can reach."""

    calls: int
    resident_mb: float
    tensors: int


def held(work, calls, every):
    """What is held after each `every` of `calls` calls of `work`, rubbish collected first."""
    found = []
    for number in range(1, calls + 1):
        work()
        if number % every == 0:
            gc.collect()
            tensors = sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())
            memory.give_back()  # the list of all objects, too
            found.append(Held(number, memory.resident_mb(), tensors))
    return found


def growth_mb_per_thousand(found):
    """The slope of the resident set over the calls (Theil and Sen: the median of the slopes of all
    pairs), in MiB for a thousand calls; one jump does not make a trend."""
    slopes = [
        (later.resident_mb - earlier.resident_mb) / (later.calls - earlier.calls)
        for earlier, later in itertools.combinations(found, 2)
    ]
    return 1000 * median(slopes)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_tensor_kept_at_every_call_is_seen():
    kept = []
    found = held(lambda: kept.append(torch.ones(2**16)), calls=60, every=20)
    assert [one.calls for one in found] == [20, 40, 60]
    assert found[-1].tensors - found[0].tensors == 40
    assert growth_mb_per_thousand(found) == pytest.approx(250, rel=0.2)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ten_thousand_explanations_leave_nothing_behind():
    """After a thousand: under 20 MiB in all, under 1 MiB for a thousand, and not one tensor."""
    images, labels = torch.randn(1, 3, 32, 32), [1]
    networks = [NETWORKS["dense"]().eval(), NETWORKS["mlp"]().eval()]
    methods = ("grad-cam", "hirescam", "xgrad-cam", "layercam", "recipro-cam")
    turns = itertools.cycle(itertools.product(networks, methods))

    def work():
        network, method = next(turns)
        explain(network, images, labels, method)

    found = held(work, calls=10_000, every=1_000)
    assert {one.tensors for one in found} == {found[0].tensors}
    assert found[-1].resident_mb - found[0].resident_mb < 20
    assert growth_mb_per_thousand(found) < 1
