"""What a study of frozen features costs, phase by phase, and what the usual way would.

Each turn is a process of its own: a first run with an empty cache, a second one with the cache that
the first left, and the reference loop (`reference_loop`) that trains the heads of the same frozen
networks on the first fold. They take turns, and medians over the rounds are told with the
fastest and the slowest. Seconds on the wall are what a user waits; seconds of all cores move less
when somebody else uses the machine.

A study trains a head for every fold; 20 epochs of the reference are multiplied by the folds, too,
and the ratio for one fold is told beside that. The price of two measured epochs: the multiplied
ones are taken to cost the same, which they do, since nothing is remembered between them.

Without films of one's own phantoms are drawn, and bodies have random weights, which cost the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch

from spondyl.bench.memory import give_back
from spondyl.bench.study_turns import START, Turn, reference_turn, study_turn
from spondyl.data import cohort as cohorts
from spondyl.data import splits
from spondyl.data.cohort import Cohort
from spondyl.data.labels import LabelSet
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.learn.environment import environment
from spondyl.learn.outcome import StrategyName
from spondyl.learn.spec import StudySpec, parse_spec
from spondyl.learn.strategies import STRATEGIES
from spondyl.progress import Track, silently

FILM_SIZE = (512, 384)
"""(height, width) of a drawn film, in pixels."""
REFERENCE_EPOCHS = 20
"""As many as a user would train the heads for."""
ROUNDS = 3
FIRST, SECOND, REFERENCE, ALL = "first run", "second run", "reference", "all"
_USUAL = {"networks": ["densenet169", "resnet50:layer3"], "strategies": ["random-features"]}


@dataclass(frozen=True, slots=True)
class Row:
    """What one phase of one contender took, on one set of films."""

    films: int
    cohort: str
    """"phantoms" with their size, or "given"."""
    networks: tuple[str, ...]
    folds: int
    size: tuple[int, int]
    """(height, width) of the network grid."""
    run: str
    """"first run", "second run" (with the cache of the first) or "reference"."""
    phase: str
    """"all", or a part of it; of the reference the network whose head was trained."""
    seconds: float
    """On the wall: the median over the rounds."""
    seconds_low: float
    seconds_high: float
    cpu_seconds: float | None
    """Of all cores: the median over the rounds; None where it was not taken."""
    how: str
    """"measured", or by what the measured was multiplied."""
    ratio_to_reference: float | None
    """Seconds of the reference, for all folds / of this run; in rows of all, else None."""
    ratio_for_one_fold: float | None
    """The same with the reference for one fold alone."""
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
class _Contest:
    """The films and the study that all contenders have."""

    spec: StudySpec
    path: Path
    cohort: Cohort
    """What is at `path`."""
    named: str
    weights: Mapping[str, Path]
    epochs: int
    """Of the reference that are run; 0 leaves it out."""
    place: Path

    def turn(self, run: str) -> list[Turn]:
        """One turn: of a study, or of the reference with each network."""
        if run == REFERENCE:
            return [self._reference(network) for network in self.spec.networks]
        cache = self.place / "cache"
        if run == FIRST:
            shutil.rmtree(cache, ignore_errors=True)
        out = self.place / "run"
        shutil.rmtree(out, ignore_errors=True)
        content = self.spec.model_dump(mode="json")
        return [study_turn(content, self.path, out, cache, self.weights)]

    def _reference(self, network: str) -> Turn:
        fold = splits.draw(self.cohort, self.spec.folds, self.spec.seed).folds[0]
        films = {film.image_id: film for film in self.cohort.radiographs}

        def part(image_ids: Sequence[str]) -> tuple[list[Path], list[int]]:
            some = [films[image_id] for image_id in image_ids]
            columns = [self.cohort.labels.column(str(film.label)) for film in some]
            return [film.path.absolute() for film in some], columns

        return reference_turn(
            network,
            part((*fold.train, *fold.tune)),
            part(fold.test),
            self.epochs,
            len(self.spec.labels),
            self.spec.size,
            self.spec.batch_size,
        )


def rows(
    spec: StudySpec | None = None,
    cohort: Path | None = None,
    weights: Mapping[str, Path] | None = None,
    films: Sequence[int] = (100,),
    reference_epochs: int = 2,
    rounds: int = ROUNDS,
    track: Track = silently,
) -> Iterator[Row]:
    """Rows by phase for the films of `cohort`, or for so many drawn ones as `films` says, each.

    Strategies of `spec` that want weights which are not given are run with random ones. Raises
    `SpondylError` where a strategy trains, which is another benchmark, and for no rounds.
    """
    wanted = spec or parse_spec(_USUAL, "the benchmark's spec")
    wanted = _with_weights(wanted, weights or {})
    if rounds < 1:
        raise SpondylError(f"{rounds} rounds measure nothing", "Give at least one.")
    labels = LabelSet.of(wanted.labels)
    for number in films if cohort is None else (0,):
        with TemporaryDirectory(prefix="spondyl-bench-") as folder:
            place = Path(folder)
            named, root = "given", cohort
            if root is None:
                root = _drawn(place / "drawn", number, wanted.seed, track)
                named = f"phantoms, {FILM_SIZE[0]} × {FILM_SIZE[1]}"
            read = cohorts.read(root, labels, folds=wanted.folds)
            contest = _Contest(wanted, root, read, named, weights or {}, reference_epochs, place)
            yield from _compared(contest, rounds, track)


def _drawn(folder: Path, n: int, seed: int, track: Track) -> Path:
    """Where `n` films were drawn; only the disk holds them then, and the turns have the memory."""
    films = drawing.cohort(n, seed, size=FILM_SIZE, track=track)
    root = output.save(folder, films, track) / "films"
    del films
    give_back()
    return root


def lines(found: Iterator[Row]) -> Iterator[str]:
    """The rows for a person: where and when, then a line for each."""
    for number, row in enumerate(found):
        if number == 0:
            yield f"{row.began} · {row.hardware} · {row.threads} threads · {dict(row.versions)}"
            yield (
                f"{'films':>6}  {'run':<11} {'phase':<32}{'seconds':>9}{'(low–high)':>17}"
                f"{'of all cores':>14}  ratio to reference (of one fold)"
            )
        spread = f"({row.seconds_low:.1f}–{row.seconds_high:.1f})"
        cores = "–" if row.cpu_seconds is None else f"{row.cpu_seconds:.1f}"
        ratio = row.how if row.how != "measured" else ""
        if row.ratio_to_reference is not None:
            ratio = f"{row.ratio_to_reference:.1f} ({row.ratio_for_one_fold:.1f})"
        yield (
            f"{row.films:>6}  {row.run:<11} {row.phase:<32}{row.seconds:>9.1f}{spread:>17}"
            f"{cores:>14}  {ratio}"
        )


def _with_weights(spec: StudySpec, weights: Mapping[str, Path]) -> StudySpec:
    """`spec` with random bodies where no weights are given at all."""
    trains = [name for name in spec.strategies if STRATEGIES[name].how != "solved"]
    if trains:
        raise SpondylError(
            f"strategy {trains[0]}: trains, and only solved ones are measured here",
            "Choose among probe and random-features.",
        )
    if weights:
        return spec
    random: tuple[StrategyName, ...] = ("random-features",)
    return spec.model_copy(update={"strategies": random})


def _compared(contest: _Contest, rounds: int, track: Track) -> Iterator[Row]:
    runs = [FIRST, SECOND, *([REFERENCE] if contest.epochs else [])]
    taken: dict[str, list[list[Turn]]] = {run: [] for run in runs}
    for number in track(range(rounds), "rounds", rounds):
        # The second run needs the cache of a first one, so only the reference changes its place.
        for run in runs if number % 2 == 0 else [*runs[2:], *runs[:2]]:
            taken[run].append(contest.turn(run))
    about = _about(contest, rounds)
    per_fold, reference = 0.0, list(_reference_rows(contest, taken.get(REFERENCE, []), about))
    if reference:
        per_fold = sum(row.seconds for row in reference) / contest.spec.folds
    for run in (FIRST, SECOND):
        turns = [turn for (turn,) in taken[run]]
        yield from _study_rows(run, turns, per_fold, about)
    yield from reference


def _study_rows(
    run: str, turns: Sequence[Turn], per_fold: float, about: Mapping[str, Any]
) -> Iterator[Row]:
    def row(phase: str, of: Callable[[Turn], float], cpu_of: Callable[[Turn], float]) -> Row:
        seconds = [of(turn) for turn in turns]
        ratio = None if phase != ALL or not per_fold else per_fold / median(seconds)
        return Row(
            run=run,
            phase=phase,
            seconds=median(seconds),
            seconds_low=min(seconds),
            seconds_high=max(seconds),
            cpu_seconds=median(cpu_of(turn) for turn in turns),
            how="measured",
            ratio_to_reference=None if ratio is None else ratio * about["folds"],
            ratio_for_one_fold=ratio,
            **about,
        )

    yield row(ALL, lambda turn: turn.whole, lambda turn: turn.whole_cpu)
    for phase in dict.fromkeys(phase for turn in turns for phase in turn.seconds):

        def seconds(turn: Turn, phase: str = phase) -> float:
            return turn.seconds.get(phase, 0.0)

        def cpu(turn: Turn, phase: str = phase) -> float:
            return turn.cpu_seconds.get(phase, 0.0)

        yield row(phase, seconds, cpu)


def _reference_rows(
    contest: _Contest, turns: Sequence[Sequence[Turn]], about: Mapping[str, Any]
) -> Iterator[Row]:
    """For each network: its epochs, multiplied to those that a user would run, and by the folds."""
    times = REFERENCE_EPOCHS * contest.spec.folds
    for column, network in enumerate(contest.spec.networks if turns else ()):
        epochs = [
            seconds
            for each in turns
            for phase, seconds in each[column].seconds.items()
            if phase != START
        ]
        yield Row(
            run=REFERENCE,
            phase=network,
            seconds=times * median(epochs),
            seconds_low=times * min(epochs),
            seconds_high=times * max(epochs),
            cpu_seconds=None,
            how=(
                f"{contest.epochs} epochs of one fold measured, one taken × {REFERENCE_EPOCHS} "
                f"epochs × {contest.spec.folds} folds"
            ),
            ratio_to_reference=None,
            ratio_for_one_fold=None,
            **about,
        )


def _about(contest: _Contest, rounds: int) -> dict[str, Any]:
    """What the rows of one contest share."""
    there = environment()
    hardware = there["hardware"]
    return {
        "films": len(contest.cohort.radiographs),
        "cohort": contest.named,
        "networks": contest.spec.networks,
        "folds": contest.spec.folds,
        "size": contest.spec.size,
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "hardware": f"{hardware['cpu']}, {hardware['cores']} cores",
        "versions": there["versions"],
        "began": there["began"],
    }
