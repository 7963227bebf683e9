"""What training costs, and what each thing brings that is done about it: ours and the loop as the
paper would have written it.

One process. Things are added one after another, and each way of training takes turns with the
reference loop, so that what else the machine does slows both; ratios are taken within a round, and
their median is told. Only training is timed: no judging, no preparing, no checkpoints. The price:
the reference loop is run again for every way, and few films make few steps, so a turn pays its
epoch's draws with fewer steps than a real one.

The machine's ceiling is a large matrix product in the same process; a way's share of it counts
convolutions and matrix products only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from spondyl.bench import clock, ways_to_train
from spondyl.bench.reference_loop import ReferenceLoop
from spondyl.bench.step_cost import StepCost, step_cost
from spondyl.bench.ways_to_train import Way
from spondyl.data import cohort as cohorts
from spondyl.data.phantom import drawing, output
from spondyl.data.radiograph import Radiograph
from spondyl.errors import SpondylError
from spondyl.learn.environment import environment
from spondyl.learn.fabrics import device_on
from spondyl.learn.outcome import StrategyName
from spondyl.learn.preprocess import prepare
from spondyl.learn.sources import Part
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.progress import Track, silently

REFERENCE = "reference"
_OURS = "ours"
_DRAWN_SIZE = (940, 390)
"""Height and width of drawn films, in pixels: about those of published spine films."""
_CEILING_SIDE = {"cpu": 1024, "cuda": 8192}
"""Of square matrices that are large enough to keep the device busy."""


@dataclass(frozen=True, slots=True)
class Row:
    """What training one network in one way costs."""

    network: str
    strategy: StrategyName
    way: str
    """What was added last; every row has all that the rows before it have."""
    images: int
    batch: int
    side: int
    threads: int
    images_per_second: float
    """Of the median round."""
    slowest: float
    fastest: float
    """Images a second of those rounds."""
    ratio_to_reference: float
    """Median over the rounds of the reference loop's seconds by this way's, of the same round."""
    gflops: float
    """10⁹ operations a second, of convolutions and matrix products."""
    ceiling_gflops: float
    """Of a large matrix product in the same number format, on as many threads."""
    rounds: int
    device: str
    hardware: str
    instructions: str
    """The widest vector instructions of the CPU that PyTorch uses."""
    bf16: str
    """What the CPU has for bfloat16, or "none"."""
    torch: str
    began: str
    """UTC."""

    def as_dict(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self) | {"share_of_ceiling": self.gflops / self.ceiling_gflops}


def rows(
    network: str = "resnet50",
    images: int = 32,
    *,
    strategy: StrategyName = "fine-tuning",
    films: Path | None = None,
    batch: int = 16,
    side: int = 224,
    rounds: int = 3,
    workers: int = 2,
    device: str = "auto",
    compiled: bool = True,
    track: Track = silently,
) -> tuple[Row, ...]:
    """A row for the reference loop and one for each thing that is added to it.

    `films` is a cohort of which the first are taken; drawn ones otherwise. `workers` are the
    reference loop's processes that load films. Raises `SpondylError` for fewer films than a batch
    of two.
    """
    if images < 2 or not 2 <= batch <= images:
        raise SpondylError(
            f"{images} films in batches of {batch}: no step can be made of them",
            "Give two films or more, and a batch of 2 or more that is not larger.",
        )
    on = device_on(device)
    spec = StudySpec(
        networks=(network,), strategies=(strategy,), size=(side, side), batch_size=batch
    )
    cost = step_cost(network, batch, side, strategy)
    with tempfile.TemporaryDirectory() as scratch:
        chosen = _films(films, images, Path(scratch), track)
        part = Part(
            prepare(chosen, spec.preprocessing, track).images, torch.arange(len(chosen)) % 3
        )
        paths = [film.path for film in chosen]
        labels = part.labels.tolist()
        size = (side, side)
        loop = ReferenceLoop(
            network, paths, labels, batch, strategy, on.type, size=size, workers=workers
        )
        loop.epoch()
        alone = [clock.seconds(loop.epoch) for _ in range(rounds)]
        by_itself = {REFERENCE: alone, _OURS: alone}
        found = [_row(REFERENCE, cost, len(part.labels), by_itself, on)]
        ways = ways_to_train.ways(on, compiled=compiled)
        for way in track(ways, f"training {network} in turns", len(ways)):
            found.append(_measured(way, spec, part, loop, cost, rounds, on))
    return tuple(found)


def iterated(name: str) -> StrategyName:
    """The strategy called `name`; `SpondylError` where it is none that is trained step by step."""
    known = {strategy: how.how for strategy, how in STRATEGIES.items()}
    for strategy, how in known.items():
        if strategy == name and how == "iterated":
            return strategy
    raise SpondylError(
        f"strategy {name!r}: none that is trained step by step",
        f"One of {', '.join(one for one, how in known.items() if how == 'iterated')}.",
    )


def lines(found: Sequence[Row]) -> Iterator[str]:
    """The rows as text."""
    first = found[0]
    yield f"{first.network}, {first.strategy}, {first.images} films in batches of {first.batch}"
    yield f"{first.hardware}, {first.threads} threads, {first.instructions}, bf16: {first.bf16}"
    yield f"{'':24} images/s   (range)       of reference   of the ceiling"
    for row in found:
        spread = f"({row.slowest:.2f}–{row.fastest:.2f})"
        share = 100 * row.gflops / row.ceiling_gflops
        yield (
            f"{row.way:24} {row.images_per_second:8.2f}   {spread:16}"
            f"{row.ratio_to_reference:8.2f} ×   {share:8.0f} %"
        )


def _measured(
    way: Way,
    spec: StudySpec,
    part: Part,
    loop: ReferenceLoop,
    cost: StepCost,
    rounds: int,
    device: torch.device,
) -> Row:
    epoch = ways_to_train.opened(way, spec, part, loop, device)

    def on_its_threads() -> None:
        with _threads(way.threads):
            epoch()

    on_its_threads()
    turns = _turns(loop, on_its_threads, rounds)
    with _threads(way.threads):
        return _row(way.name, cost, len(part.labels), turns, device, way.precision)


def _turns(loop: ReferenceLoop, epoch: Callable[[], object], rounds: int) -> dict[str, list[float]]:
    """Seconds of each round of the reference loop and of `epoch`, one after the other."""
    return clock.in_turns(
        {
            REFERENCE: partial(clock.seconds, loop.epoch),
            _OURS: partial(clock.seconds, epoch),
        },
        rounds,
    )


def _row(
    name: str,
    cost: StepCost,
    n: int,
    turns: dict[str, list[float]],
    device: torch.device,
    precision: str = "32-true",
) -> Row:
    facts = environment()
    ours = turns[_OURS]
    ratios = [theirs / mine for theirs, mine in zip(turns[REFERENCE], ours, strict=True)]
    speed = n / median(ours)
    return Row(
        network=cost.network,
        strategy=cost.strategy,
        way=name,
        images=n,
        batch=cost.batch,
        side=cost.side,
        threads=torch.get_num_threads(),
        images_per_second=speed,
        slowest=n / max(ours),
        fastest=n / min(ours),
        ratio_to_reference=median(ratios),
        gflops=speed * cost.gflop_per_image,
        ceiling_gflops=ceiling_gflops(device, precision),
        rounds=len(ours),
        device=device.type,
        hardware=facts["hardware"]["gpu" if device.type == "cuda" else "cpu"],
        instructions=torch.backends.cpu.get_cpu_capability(),
        bf16=bf16_instructions(),
        torch=torch.__version__,
        began=facts["began"],
    )


def ceiling_gflops(device: torch.device, precision: str = "32-true") -> float:
    """10⁹ operations a second of a square matrix product, the fastest of five, in bfloat16 for any
    precision that is mixed."""
    dtype = torch.float32 if precision == "32-true" else torch.bfloat16
    side = _CEILING_SIDE[device.type]
    square = torch.ones(side, side, dtype=dtype, device=device)

    def product() -> Tensor:
        return square @ square

    return 2 * side**3 / min(clock.seconds(product) for _ in range(5)) / 1e9


def bf16_instructions() -> str:
    """The CPU's instructions for products in bfloat16, as Linux names them; "none", "unknown"."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return "unknown"
    return ", ".join(flag for flag in ("amx_bf16", "avx512_bf16") if flag in flags) or "none"


def _films(folder: Path | None, n: int, scratch: Path, track: Track) -> tuple[Radiograph, ...]:
    if folder is None:
        drawn = drawing.cohort(n, 0, size=_DRAWN_SIZE, track=track)
        folder = output.save(scratch / "drawn", drawn, track) / "films"
    films = cohorts.read(folder).radiographs
    if len(films) < n:
        raise SpondylError(
            f"{folder}: {len(films)} films, {n} are asked for", "Ask for fewer with --images."
        )
    return films[:: len(films) // n][:n]


@contextmanager
def _threads(n: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
