"""What a reading with heatmap costs at the point of care: one film, batch 1, engine by engine.

One process, all engines on the same number of threads and in turns, each from the same decoded film
to probabilities and heatmap (`reading_ways`). PyTorch is tried in both layouts of memory, for the
reference and for ours, and timed in the better one. Every turn begins with a call that is not
counted, so that nobody pays for what the one before left in the caches or for its threads, which
spin a while. The median of ratios within a round is told: load from outside falls on both. Where
others use the machine, seconds of all cores (`cpu_ms`) still tell what the work itself costs.

The price: a network that was trained on nothing (`one_network`), with random weights unless a file
is given. They cost the same, and say little of how far eight bits are from PyTorch when trained.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from spondyl.bench import clock, one_network, reading_ways
from spondyl.bench.cam import LAYOUTS
from spondyl.bench.one_network import BundleInMemory
from spondyl.bench.reading_ways import Call, Film
from spondyl.errors import SpondylError
from spondyl.explain.explaining import named
from spondyl.learn import weights
from spondyl.learn.environment import environment
from spondyl.progress import Track, silently
from spondyl.reading.exporting import checking, exporting, quantising
from spondyl.reading.exporting.answering import refuse_unwritten
from spondyl.reading.exporting.checking import FLOAT32, INT8, Bounds
from spondyl.reading.exporting.exporting import METHOD
from spondyl.reading.exporting.graph import graph_of
from spondyl.reading.exporting.session import Session

if TYPE_CHECKING:
    from onnx import ModelProto

NETWORKS = ("resnet50", "vgg16")
REFERENCE, TORCH, ONNX, ONNX_INT8 = ENGINES = ("reference", "torch", "onnx", "onnx-int8")
ROUNDS = 5
FILM_SIZE = (1400, 700)
"""(height, width) of the film that is read, in pixels."""
CALIBRATING = exporting.LEAST_CALIBRATING // 2
"""Drawn films from which int8 takes its steps; others judge."""
_ONE_PASS = "reference in one pass"
_ORT_LAYOUT = "as ONNX Runtime has it"
_FIRST_CALIBRATING = 1000
"""Seed of the first of those films, far from the seeds of the films that judge."""
_PACKAGES = ("spondyl", "torch", "torchvision", "onnx", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Row:
    """What reading one film costs with one network by one engine."""

    network: str
    engine: str
    ms_per_image: float
    """The median over the rounds."""
    ratio_to_reference: float | None
    """Median over the rounds of ms of the reference / ms of the engine; None if none was timed."""
    ratio_to_one_pass: float | None
    """The same, of a reference that takes its logits from pytorch-grad-cam's own forward pass."""
    ms_low: float
    ms_high: float
    """Of the fastest and of the slowest round."""
    cpu_ms: float
    """Of all cores together, threads that wait by spinning included: the median."""
    cpu_ratio_to_reference: float | None
    """As `ratio_to_reference`, of `cpu_ms`."""
    max_probability_difference: float
    """From our engine in PyTorch, on any of `n_judged` films."""
    max_map_difference: float
    """The same of heatmaps, as a share of the map's largest value."""
    n_judged: int
    within_bounds: bool | None
    """Of an export in this precision; None where an engine has none, being no export."""
    outside_bounds: tuple[str, ...]
    """What is not, a phrase each with its numbers."""
    layout: str
    """Of images and network in memory; for PyTorch the better one of `LAYOUTS`."""
    weights: str
    """Name of the file, or "random": it costs the same."""
    film: str
    """What is read, decoded already; bringing it to the grid is in the time."""
    rounds: int
    threads: int
    hardware: str
    versions: Mapping[str, str]
    began: str
    """UTC."""

    def as_dict(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class _Engine:
    """A way to read, ready to be opened, and how far it is from ours in PyTorch."""

    open: Callable[[], AbstractContextManager[Call]]
    layout: str
    probability: float = 0.0
    heatmap: float = 0.0
    n_judged: int = 1
    within: bool | None = None
    outside: tuple[str, ...] = ()

    def seconds(self, on_cores: list[float] | None = None) -> float:
        """Of one call, after one that is not counted; opening is left out. Those of all cores
        together are added to `on_cores`."""
        with self.open() as call:
            call()
            before = time.process_time()
            on_the_wall = clock.seconds(call)
            if on_cores is not None:
                on_cores.append(time.process_time() - before)
            return on_the_wall


def rows(
    names: Sequence[str] = NETWORKS,
    engines: Sequence[str] = ENGINES,
    rounds: int = ROUNDS,
    files: Mapping[str, Path] | None = None,
    side: int = 224,
    film_size: tuple[int, int] = FILM_SIZE,
    track: Track = silently,
) -> tuple[Row, ...]:
    """A row for each network and engine; `files` are weights by the names of networks.

    Raises `SpondylError` for names that are none, for networks whose heatmap no graph can return,
    for no rounds, and for a reference that is not installed.
    """
    for engine in engines:
        if engine not in ENGINES:
            raise SpondylError(f"engine {engine!r}: not known", f"One of {', '.join(ENGINES)}.")
    if rounds < 1:
        raise SpondylError(f"{rounds} rounds measure nothing", "Give at least one.")
    if REFERENCE in engines:
        reading_ways.require_reference()
    found: list[Row] = []
    given = weights.given(files or {})
    for name in track(names, "timing readings", len(names)):
        bundle = one_network.bundled(name, given, side)
        refuse_unwritten(bundle.held, named(METHOD))
        found += _compared(bundle, engines, rounds, Film.drawn(film_size, seed=0))
    return tuple(found)


def lines(found: Sequence[Row]) -> Iterator[str]:
    """The rows for a person: where and when, then a line for each, then what is out of bounds."""
    if found:
        first = found[0]
        versions = ", ".join(f"{name} {told}" for name, told in first.versions.items())
        yield f"{first.began} · {first.hardware} · {first.threads} threads · {versions}"
        yield f"{first.film}, batch 1; differences are from torch"
        yield (
            f"{'network':<12}{'engine':<11}{'ms':>8}{'(low–high)':>16}{'× reference':>13}"
            f"{'× one pass':>12}{'cpu ms':>9}{'probability':>13}{'map':>9}  layout, weights"
        )
    for row in found:
        spread = f"({row.ms_low:.0f}–{row.ms_high:.0f})"
        times, one_pass = (
            "–" if ratio is None else f"{ratio:.2f}"
            for ratio in (row.ratio_to_reference, row.ratio_to_one_pass)
        )
        yield (
            f"{row.network:<12}{row.engine:<11}{row.ms_per_image:>8.1f}{spread:>16}{times:>13}"
            f"{one_pass:>12}{row.cpu_ms:>9.1f}{row.max_probability_difference:>13.1e}{row.max_map_difference:>9.1e}"
            f"  {row.layout}, {row.weights}"
        )
    for row in found:
        for phrase in row.outside_bounds:
            yield f"{row.network} {row.engine}: not within bounds: {phrase}"


def _compared(bundle: BundleInMemory, engines: Sequence[str], rounds: int, film: Film) -> list[Row]:
    """The rows of one network, from rounds in which all engines run."""
    facts = _facts(bundle, rounds, film)
    ready = _of_torch(bundle, engines, film) | _of_graphs(bundle, engines, film)
    cores: dict[str, list[float]] = {name: [] for name in ready}
    turns = {name: partial(one.seconds, cores[name]) for name, one in ready.items()}
    wall = clock.in_turns(turns, rounds)
    return [_row(name, ready[name], wall, cores, facts) for name in dict.fromkeys(engines)]


def _of_torch(bundle: BundleInMemory, engines: Sequence[str], film: Film) -> dict[str, _Engine]:
    """The reference, in both of its ways, and ours, each in its better layout."""
    placed = {
        layout: copy.deepcopy(bundle.held).to(memory_format=form)
        for layout, form in LAYOUTS.items()
    }

    def theirs(passes: int, layout: str) -> AbstractContextManager[Call]:
        network, form = placed[layout], LAYOUTS[layout]
        return reading_ways.reference(network, bundle.preprocessing, film, form, passes)

    def ours(layout: str) -> AbstractContextManager[Call]:
        return nullcontext(reading_ways.by_torch(placed[layout], bundle.preprocessing, film))

    ready: dict[str, _Engine] = {}
    if REFERENCE in engines:
        with theirs(2, "contiguous") as call, ours("contiguous") as own:
            probability, heatmap = reading_ways.from_reference(call(), own())
        for name, passes in ((REFERENCE, 2), (_ONE_PASS, 1)):
            better = _in_better_layout(partial(theirs, passes))
            ready[name] = replace(better, probability=probability, heatmap=heatmap)
    if TORCH in engines:
        ready[TORCH] = _in_better_layout(ours)
    return ready


def _in_better_layout(opened: Callable[[str], AbstractContextManager[Call]]) -> _Engine:
    """The engine in the layout in which a trial turn was quicker."""
    tried = [_Engine(partial(opened, layout), layout) for layout in LAYOUTS]
    return min(tried, key=_Engine.seconds)


def _of_graphs(bundle: BundleInMemory, engines: Sequence[str], film: Film) -> dict[str, _Engine]:
    """The graphs that are asked for, on PyTorch's number of threads."""
    if not {ONNX, ONNX_INT8} & set(engines):
        return {}
    ready: dict[str, _Engine] = {}
    model, about = graph_of(bundle, METHOD)
    exporting.sealed(model, about)
    if ONNX in engines:
        ready[ONNX] = _judged(bundle, model, film, FLOAT32)
    if ONNX_INT8 in engines:
        seeds = range(_FIRST_CALIBRATING, _FIRST_CALIBRATING + CALIBRATING)
        films = (Film.drawn((700, 350), seed).pixels for seed in seeds)
        eight = quantising.quantised(model, bundle, films)
        exporting.sealed(eight, replace(about, precision="int8"))
        ready[ONNX_INT8] = _judged(bundle, eight, film, INT8)
    return ready


def _judged(bundle: BundleInMemory, model: ModelProto, film: Film, bounds: Bounds) -> _Engine:
    """A graph, and how far it is from PyTorch on drawn films of several sizes and on `film`."""
    session = Session.of(model, "the graph", torch.get_num_threads())
    films = (*checking.drawn(bundle.preprocessing), film.pixels)
    found = checking.differences(bundle, session, films)
    outside = found.outside(bounds)
    call = reading_ways.by_graph(session, bundle.preprocessing, film)
    return _Engine(
        lambda: nullcontext(call),
        _ORT_LAYOUT,
        probability=found.probability,
        heatmap=found.heatmap,
        n_judged=found.n_films,
        within=not outside,
        outside=outside,
    )


def _facts(bundle: BundleInMemory, rounds: int, film: Film) -> dict[str, Any]:
    """What the rows of one network share."""
    where = environment()
    hardware = where["hardware"]
    packages = (*_PACKAGES, *(("grad-cam",) if reading_ways.has_reference() else ()))
    height, width = film.pixels.size
    return {
        "network": bundle.held.name,
        "weights": bundle.weights,
        "film": f"one grey film of {height} × {width} pixels, 8 bits, decoded",
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "hardware": f"{hardware['cpu']}, {hardware['cores']} cores",
        "versions": {name: version(name) for name in packages},
        "began": where["began"],
    }


def _row(
    name: str,
    engine: _Engine,
    wall: Mapping[str, Sequence[float]],
    cores: Mapping[str, Sequence[float]],
    facts: Mapping[str, Any],
) -> Row:
    """`wall` and `cores` are every contender's seconds, round by round."""
    return Row(
        engine=name,
        ms_per_image=1000 * median(wall[name]),
        ratio_to_reference=_ratio(wall, REFERENCE, name),
        ratio_to_one_pass=_ratio(wall, _ONE_PASS, name),
        ms_low=1000 * min(wall[name]),
        ms_high=1000 * max(wall[name]),
        cpu_ms=1000 * median(cores[name]),
        cpu_ratio_to_reference=_ratio(cores, REFERENCE, name),
        max_probability_difference=engine.probability,
        max_map_difference=engine.heatmap,
        n_judged=engine.n_judged,
        within_bounds=engine.within,
        outside_bounds=engine.outside,
        layout=engine.layout,
        **facts,
    )


def _ratio(seconds: Mapping[str, Sequence[float]], of: str, to: str) -> float | None:
    """Median over the rounds; None where no reference was timed."""
    if of not in seconds:
        return None
    return median(one / other for one, other in zip(seconds[of], seconds[to], strict=True))
