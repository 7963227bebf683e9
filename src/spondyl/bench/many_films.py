"""Whether a folder of any size is read as fast as the networks allow, in level memory, and safely.

For each number of films three processes read: one undisturbed, which tells of speed, memory and the
share of its time in which the networks were at work; one that is killed outright when a third of
the films stand; one that goes on from there. What the last two leave is compared with what the
first did, file by file.

The price: films are small, and only some are drawn; the others are those moved, mirrored and made
brighter, so that no two files are alike. The network was trained on nothing (`one_network`), which
costs the same. Files are in the system's cache when they are read, as films that were just copied.
"""

from __future__ import annotations

import os
import platform
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from spondyl.bench import one_network
from spondyl.bench.memory import resident_mb
from spondyl.bench.one_network import BundleInMemory
from spondyl.data import pixels
from spondyl.data.phantom import drawing
from spondyl.data.pixels import Pixels
from spondyl.data.spines import Spine
from spondyl.errors import SpondylError
from spondyl.explain.explaining import Method
from spondyl.files import sha256_of_file
from spondyl.progress import Track, silently
from spondyl.reading.each_film import Named
from spondyl.reading.engines import Engine, Look, TorchEngine
from spondyl.reading.exporting import exporting
from spondyl.reading.exporting.graph import graph_of
from spondyl.reading.exporting.session import Session
from spondyl.reading.onnx_reader import OnnxEngine
from spondyl.reading.reading import METHOD, Reader
from spondyl.reading.recipe import ENGINES, Recipe
from spondyl.report.readings import resuming
from spondyl.report.readings.resuming import Account
from spondyl.report.readings.whole import Run, Wanted, forms_named

NETWORK = "test_resnet:layer2"
"""So small that all the rest has to be quick."""
SIZE = (400, 300)
"""(height, width) of the films, pixels."""
_DRAWN = 60
_PNG_EVERY = 4
"""One film in so many is a PNG, the others are JPEG."""
_MARKS = (0.1, 0.5, 1.0)
"""Shares of the films after which memory is looked at."""
_KILLED_AT = 1 / 3


@dataclass(frozen=True, slots=True)
class Row:
    """What reading so many films came to."""

    films: int
    network: str
    engine: str
    threads: int
    seconds: float
    network_seconds: float
    """Of these, in which a film was in the networks or its heatmap was drawn."""
    resident_mb: tuple[float, ...]
    """Of the process after 10 %, 50 % and all of the films."""
    standing_when_killed: int
    read_after: int
    lost: int
    """Films without a reading when the second process was done."""
    twice: int
    """Films that it read although they stood."""
    differing: int
    """Files that are not, byte for byte, what the undisturbed process wrote."""

    @property
    def films_per_second(self) -> float:
        """Of the undisturbed process."""
        return self.films / self.seconds

    @property
    def network_share(self) -> float:
        """1 where nothing but the networks limits the speed."""
        return self.network_seconds / self.seconds

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            **asdict(self),
            "films_per_second": self.films_per_second,
            "network_share": self.network_share,
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "torch": torch.__version__,
        }


def rows(
    counts: Sequence[int], network: str = NETWORK, engine: str = "torch", track: Track = silently
) -> Iterator[Row]:
    """A row for each number of films in `counts`, as they are measured.

    Raises `SpondylError` for a network or an engine that is not known, and where there is no kill.
    """
    if engine not in ENGINES:
        raise SpondylError(f"engine {engine!r}: not known", f"One of {', '.join(ENGINES)}.")
    if not hasattr(signal, "SIGKILL") or not Path("/proc/self/statm").exists():
        raise SpondylError("this system has no SIGKILL, or no /proc", "Measure on Linux.")
    one_network.bundled(network, {})
    with tempfile.TemporaryDirectory(prefix="spondyl-films-") as folder:
        films = drawn(Path(folder) / "films", max(counts), track)
        for n in counts:
            out = Path(folder) / str(n)
            out.mkdir()
            yield _row(out, films[:n], network, engine)


def lines(found: Iterator[Row]) -> Iterator[str]:
    """The rows for a person."""
    yield (
        f"{'films':>7} {'films/s':>8} {'network':>8} {'MB at 10, 50, 100 %':>22} "
        f"{'killed at':>9} {'read on':>8} {'lost':>5} {'twice':>5} {'differing':>9}"
    )
    for row in found:
        memory = " ".join(f"{mb:7.0f}" for mb in row.resident_mb)
        yield (
            f"{row.films:>7} {row.films_per_second:>8.1f} {row.network_share:>8.0%} {memory} "
            f"{row.standing_when_killed:>8} {row.read_after:>8} {row.lost:>5} {row.twice:>5} "
            f"{row.differing:>9}"
        )


def drawn(folder: Path, n: int, track: Track = silently) -> tuple[Named, ...]:
    """`n` films of which no two are alike, in `folder`."""
    folder.mkdir()
    first = [phantom.image for phantom in drawing.cohort(min(n, _DRAWN), 0, size=SIZE)]
    width = len(str(n))
    films = []
    for number in track(range(n), "drawing films", n):
        suffix = "jpg" if number % _PNG_EVERY else "png"
        name = f"film-{number + 1:0{width}d}"
        path = folder / f"{name}.{suffix}"
        picture = _varied(first[number % len(first)], number // len(first))
        more: dict[str, Any] = {"quality": 92} if suffix == "jpg" else {"compress_level": 1}
        Image.fromarray(picture).save(path, **more)
        films.append(Named(path, name, name))
    return tuple(films)


def _varied(image: NDArray[np.uint8], how: int) -> NDArray[np.uint8]:
    """Another film made of a drawn one; no two `how` below 10,000 give the same."""
    mirrored = image[:, ::-1] if how % 2 else image
    moved = np.roll(mirrored, how % 100, axis=0)
    return np.clip(moved.astype(np.int16) + how // 100, 0, 255).astype(np.uint8)


def _row(folder: Path, films: Sequence[Named], network: str, engine: str) -> Row:
    """One undisturbed process, one that is killed, one that goes on."""
    begin = partial(_begun, films, network, engine)
    alone = _ended(*begin(folder / "alone"))
    process, telling = begin(folder / "killed")
    last = folder / "killed" / f"{films[max(1, round(len(films) * _KILLED_AT)) - 1].name}.json"
    while process.is_alive() and not last.exists():
        time.sleep(0.005)
    process.kill()
    process.join()
    telling.close()
    if process.exitcode != -signal.SIGKILL:
        raise SpondylError("the films were read before they could be killed", "Take more films.")
    names = [f"{one.name}.json" for one in films]
    standing = sum((folder / "killed" / name).exists() for name in names)
    on = _ended(*begin(folder / "killed"))
    return Row(
        films=len(films),
        network=network,
        engine=engine,
        threads=torch.get_num_threads(),
        seconds=alone.seconds,
        network_seconds=alone.network_seconds,
        resident_mb=alone.resident_mb,
        standing_when_killed=standing,
        read_after=on.n,
        lost=sum(not (folder / "killed" / name).exists() for name in names),
        twice=on.n + standing - len(films),
        differing=_differing(folder / "alone", folder / "killed"),
    )


def _differing(one: Path, other: Path) -> int:
    """How many files are in one folder only, or are not alike."""
    names = {path.name for folder in (one, other) for path in folder.iterdir()}
    return sum(
        not ((one / name).exists() and (other / name).exists())
        or sha256_of_file(one / name) != sha256_of_file(other / name)
        for name in names
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What a process says when it has read its films."""

    n: int
    seconds: float
    network_seconds: float
    resident_mb: tuple[float, ...]


def _begun(films: Sequence[Named], network: str, engine: str, out: Path) -> tuple[Any, Connection]:
    """A process that reads `films` into `out`, and what it will tell by."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    threads = torch.get_num_threads()
    process = context.Process(target=_read, args=(films, network, engine, out, threads, theirs))
    process.start()
    theirs.close()
    return process, ours


def _ended(process: Any, telling: Connection) -> _Told:
    try:
        told: _Told = telling.recv()
    except EOFError:
        raise SpondylError(
            "a process that was to read films ended without a word", "See above for why."
        ) from None
    finally:
        process.join()
        telling.close()
    return told


def _read(
    films: Sequence[Named], network: str, engine: str, out: Path, threads: int, told: Connection
) -> None:
    """In the process: all films that are left to be read into `out`."""
    torch.set_num_threads(threads)
    bundle = one_network.bundled(network, {})
    timed = Timed(_engine(bundle, engine, threads))
    reader = Reader.by(timed, bundle)
    wanted = Wanted(out, forms_named(()))
    recipe = Recipe(Path(network), bundle.bundle_id, engine)
    with resuming.claimed(out):
        left = resuming.left(films, out, Account.of(recipe, wanted, False), resume=True)
        if left:
            reader.read_pixels(pixels.read(left[0].path), left[0].path)
        timed.seconds.clear()
        marks = {max(1, round(share * len(left))) for share in _MARKS}
        memory, n, began = [], 0, time.perf_counter()
        for n, _ in enumerate(Run(left, reader, wanted).rows(), start=1):
            if n in marks:
                memory.append(resident_mb())
        seconds = time.perf_counter() - began
    told.send(_Told(n, seconds, sum(timed.seconds), tuple(memory)))


def _engine(bundle: BundleInMemory, engine: str, threads: int) -> Engine:
    if engine == "torch":
        return TorchEngine.of(bundle, "cpu", METHOD)
    model, about = graph_of(bundle, METHOD)
    exporting.sealed(model, about)
    return OnnxEngine.of(bundle, Session.of(model, bundle.weights, threads), METHOD)


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """An engine, and how long each film was in it."""

    engine: Engine
    seconds: list[float] = field(default_factory=list)

    @property
    def folds(self) -> tuple[int, ...]:
        """The engine's."""
        return self.engine.folds

    @property
    def method(self) -> Method:
        """The engine's."""
        return self.engine.method

    @property
    def layer(self) -> str:
        """The engine's."""
        return self.engine.layer

    def look(self, film: Pixels, spine: Spine | None, folds: Sequence[int]) -> Look:
        """What the engine makes of a film, timed."""
        began = time.perf_counter()
        found = self.engine.look(film, spine, folds)
        self.seconds.append(time.perf_counter() - began)
        return replace(found, signed=partial(self._signed, found))

    def _signed(self, found: Look, column: int) -> NDArray[np.float32]:
        began = time.perf_counter()
        signed = found.signed(column)
        self.seconds.append(time.perf_counter() - began)
        return signed
