"""What a heatmap costs, in milliseconds and in forward passes: ours and other libraries'.

One process, libraries and forward pass in turns. The yardstick is the fastest equivalent forward
pass: in inference mode, and in the layout of memory that suits it better. So that no library is
judged by a layout that does not suit it, each is tried in both and timed in its own better one.
Ratios are taken within a round, against that round's forward pass, and their median is told: load
from outside then falls on both. The price: every library is opened anew for each turn (that is not
timed) and caches are cold, so times are a little longer than in a loop of one's own.

Score-CAM sends each film through the network once for each channel: minutes on a CPU. It is timed
on one film, in one turn without a trial one, with the memory of that same turn (a reading a
millisecond costs it nothing), and masked films lie in memory as each library has it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor

from spondyl.bench import clock, memory, peers
from spondyl.errors import SpondylError
from spondyl.explain.explaining import named
from spondyl.learn import networks
from spondyl.learn.environment import environment
from spondyl.learn.networks import Network
from spondyl.progress import Track, silently

NETWORKS = ("resnet50", "vgg16")
METHODS = ("grad-cam", "hirescam", "layercam", "score-cam")
BATCHES = (1, 8)
ROUNDS = 5
SLOW = "score-cam"
"""The method that is timed once, on one film."""
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
_FORWARD = "forward"
_TRIALS = 2
"""Turns in each layout before the layout is chosen; the last of them counts."""


@dataclass(frozen=True, slots=True)
class Row:
    """The cost of one method, by one library, for one batch on one network."""

    network: str
    batch: int
    method: str
    library: str
    version: str
    """Of the library."""
    layout: str
    """Of images and network in memory: the one of `LAYOUTS` in which this library is faster."""
    ms: float
    """Of the batch: the median over the rounds."""
    ms_low: float
    ms_high: float
    """Of the fastest and of the slowest round."""
    ratio_to_forward: float
    """Median over the rounds of the time in forward passes of the same round."""
    forward_ms: float
    """Of the batch: the median over the rounds, in the forward pass's better layout."""
    peak_mb: float | None
    """MiB held at most beyond what was held before, in a call of its own; None where the system
    does not tell."""
    rounds: int
    threads: int
    hardware: str
    torch: str
    began: str
    """UTC."""

    def as_dict(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class _Films:
    """A batch and a network, the same in each layout of memory."""

    labels: Tensor
    placed: Mapping[str, tuple[Network, Tensor]]

    def seconds(self, library: str, method: str, layout: str) -> float:
        """Of one turn, opening the library left out; `library` may be the forward pass."""
        network, images = self.placed[layout]
        if library == _FORWARD:
            with torch.inference_mode():
                return clock.seconds(lambda: network(images))
        with peers.opened(library, method, network, images, self.labels) as call:
            return clock.seconds(call)

    def seconds_and_peak(
        self, library: str, method: str, layout: str
    ) -> tuple[float, float | None]:
        """Of one turn of a library, both; the seconds are a little longer for being watched."""
        network, images = self.placed[layout]
        taken: list[float] = []
        with peers.opened(library, method, network, images, self.labels) as call:
            peak = memory.peak_mb(lambda: taken.append(clock.seconds(call)), images.device)
        return taken[0], peak


def rows(
    names: Sequence[str] = NETWORKS,
    methods: Sequence[str] = METHODS,
    rounds: int = ROUNDS,
    batches: Sequence[int] = BATCHES,
    side: int = 224,
    track: Track = silently,
) -> tuple[Row, ...]:
    """A row for each network, batch, method and installed library that has the method.

    Films are noise of `side` × `side` pixels and weights are random, which costs the same. Raises
    `SpondylError` for names that are none, for a method that no other library has, for networks
    that end in tokens, and for no rounds.
    """
    for method in methods:
        if not any(named(method).name in theirs for theirs in peers.NAMES.values()):
            raise SpondylError(
                f"method {method!r}: no other library has it, so there is nothing to compare",
                f"Choose from {', '.join(peers.NAMES['grad-cam'])}.",
            )
    if rounds < 1:
        raise SpondylError(f"{rounds} rounds measure nothing", "Give at least one.")
    found: list[Row] = []
    for name in names:
        placed = _placed_networks(name)
        for batch in track(batches, f"timing {name}", len(batches)):
            films = _films(placed, batch, side)
            for method in methods:
                if method != SLOW:
                    found += _compared(films, method, rounds)
                elif batch == min(batches):
                    found += _compared(_films(placed, 1, side), method, 1)
    return tuple(found)


def lines(found: Sequence[Row]) -> Iterator[str]:
    """The rows for a person: where and when, then a line for each, then what is not installed."""
    if found:
        first = found[0]
        yield f"{first.began} · {first.hardware} · {first.threads} threads · torch {first.torch}"
        yield (
            f"{'network':<10}{'batch':>6}  {'method':<12}{'library':<16}{'ms':>8}"
            f"{'(low–high)':>16}{'forward = 1':>13}{'MiB':>7}  layout"
        )
    for row in found:
        spread = f"({row.ms_low:.0f}–{row.ms_high:.0f})"
        peak = "–" if row.peak_mb is None else f"{row.peak_mb:.0f}"
        yield (
            f"{row.network:<10}{row.batch:>6}  {row.method:<12}"
            f"{f'{row.library} {row.version}':<16}{row.ms:>8.1f}{spread:>16}"
            f"{row.ratio_to_forward:>13.2f}{peak:>7}  {row.layout}"
        )
    for library in peers.absent():
        yield f"{library}: not installed"


def _placed_networks(name: str) -> dict[str, Network]:
    network = networks.build(name, 3, seed=0).eval()
    if network.ends_in_attention:
        raise SpondylError(
            f"network {name}: ends in tokens, which each library wants brought in order by hand",
            f"Choose a network that ends in a feature map, such as {NETWORKS[0]}.",
        )
    return {
        layout: copy.deepcopy(network).to(memory_format=form) for layout, form in LAYOUTS.items()
    }


def _films(placed: Mapping[str, Network], batch: int, side: int) -> _Films:
    draws = torch.Generator().manual_seed(0)
    images = torch.randn(batch, 3, side, side, generator=draws)
    return _Films(
        torch.arange(batch) % 3,
        {
            layout: (network, images.contiguous(memory_format=LAYOUTS[layout]))
            for layout, network in placed.items()
        },
    )


def _compared(films: _Films, method: str, rounds: int) -> list[Row]:
    """The rows of one method, from rounds in which the forward pass and all libraries run."""
    libraries = peers.having(method)
    layouts = {name: _better_layout(films, name, method) for name in (_FORWARD, *libraries)}
    peaks: dict[str, float | None] = {}

    def turn(name: str) -> float:
        if name == _FORWARD or method != SLOW:
            return films.seconds(name, method, layouts[name])
        seconds, peaks[name] = films.seconds_and_peak(name, method, layouts[name])
        return seconds

    facts = _facts(films, method, rounds)
    taken = clock.in_turns({name: partial(turn, name) for name in layouts}, rounds)
    for library in libraries:
        if library not in peaks:
            peaks[library] = films.seconds_and_peak(library, method, layouts[library])[1]
    return [
        _row(library, layouts[library], taken[library], taken[_FORWARD], peaks[library], facts)
        for library in libraries
    ]


def _better_layout(films: _Films, library: str, method: str) -> str:
    """The layout in which the last of a few trial turns was quicker; the first ones warm up."""
    if method == SLOW and library != _FORWARD:
        return next(iter(LAYOUTS))
    trials = {
        layout: [films.seconds(library, method, layout) for _ in range(_TRIALS)][-1]
        for layout in LAYOUTS
    }
    return min(trials, key=lambda layout: trials[layout])


def _facts(films: _Films, method: str, rounds: int) -> dict[str, Any]:
    """What the rows of one comparison share."""
    where = environment()
    hardware = where["hardware"]
    network, images = films.placed["contiguous"]
    return {
        "network": network.name,
        "batch": len(images),
        "method": method,
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "hardware": f"{hardware['cpu']}, {hardware['cores']} cores",
        "torch": where["versions"]["torch"],
        "began": where["began"],
    }


def _row(
    library: str,
    layout: str,
    seconds: Sequence[float],
    forward: Sequence[float],
    peak_mb: float | None,
    facts: Mapping[str, Any],
) -> Row:
    return Row(
        library=library,
        version=peers.versions()[library],
        layout=layout,
        ms=1000 * median(seconds),
        ms_low=1000 * min(seconds),
        ms_high=1000 * max(seconds),
        ratio_to_forward=median(own / one for own, one in zip(seconds, forward, strict=True)),
        forward_ms=1000 * median(forward),
        peak_mb=peak_mb,
        **facts,
    )
